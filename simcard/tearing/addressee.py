"""Which files a command may change, told from its header and from where the channel stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from simcard.apdu import CLASS_BYTES, Command, Protection
from simcard.files.descriptors import File, FileKind
from simcard.state import CardState
from simcard.tearing.observation import Path, path_of

_DELETE_FILE: Final = 0xE4
_NAMING_BY_DATA: Final = frozenset({0x04, 0x44, 0xE4, 0xE6, 0xE8})
"""Commands of 7816-9 whose data field may end with the identifier of a file that is not current."""


def addressed(before: CardState, after: CardState, command: Command) -> set[Path]:
    """The paths of the files that *command* addresses.

    The current DF and EF of its channel, before or after it; what the card keeps for itself in the
    DFs from there up to the MF; what the data field names; and what lies below a file to delete.
    A command of a proprietary class may write a log as well, beside its purse in the current DF.
    """
    return {
        path_of(state.tree, file)
        for state in (before, after)
        for file in _addressed_in(state, command)
    }


def _addressed_in(state: CardState, command: Command) -> Iterator[File]:
    tree = state.tree
    class_byte = CLASS_BYTES[command.cla]
    if class_byte is None or class_byte.channel not in state.sessions:
        return
    if class_byte.protection is not Protection.NONE:
        yield from tree.files.values()  # only the card can read what the data field names
        return
    session = state.sessions[class_byte.channel]
    df = tree.files[session.df]
    for home in tree.lineage(df):
        yield from (child for child in _children(state, home) if _is_internal(child))
    if class_byte.proprietary:
        yield from (child for child in _children(state, df) if not child.is_df)
    meant = [tree.files[cell] for cell in (session.df, session.ef) if cell is not None]
    if command.ins in _NAMING_BY_DATA and command.data:
        identifier = int.from_bytes(command.data[-2:], "big")
        meant += [file for file in tree.files.values() if file.identifier == identifier]
    for file in meant:
        yield file
        if command.ins == _DELETE_FILE:
            yield from tree.below(file)


def _children(state: CardState, df: File) -> Iterator[File]:
    return (state.tree.files[cell] for cell in state.tree.children.get(df.cell, ()))


def _is_internal(file: File) -> bool:
    return file.kind not in (FileKind.DF, FileKind.EF)
