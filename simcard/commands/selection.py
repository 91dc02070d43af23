"""SELECT and MANAGE CHANNEL: where a logical channel stands (ISO/IEC 7816-4:2020, 11.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from simcard.commands.call import Call
from simcard.commands.data_selection import control_parameters, select_data_object, select_parent
from simcard.commands.declaration import Reply, command
from simcard.files.descriptors import (
    MF_IDENTIFIER,
    TAG_FCI,
    TAG_FCP,
    TAG_FMD,
    File,
    LifeCycle,
    file_control_information,
    file_control_parameters,
    file_management_data,
)
from simcard.security.access import Right
from simcard.security.environment import Environment
from simcard.session import Session
from simcard.status import SW, CardError, StatusWord
from simcard.tlv import encode

_NAME_MAX: Final = 16
_FIRST, _LAST, _NEXT, _PREVIOUS = range(4)


@command("SELECT", ins=0xA4, cases="1234", clause="ISO/IEC 7816-4:2020, 11.2.2", right=Right.READ)
def select(call: Call) -> Reply:
    """Make a file or a data object the current one; answer its control information as P2 asks.

    6A86 for a P1 or P2 without meaning, 6A87 when the data field does not fit them, 6A82 when
    no file is found and 6A88 when no data object is; then nothing has been selected. A
    deactivated or terminated file is selected with the warning 6283 or 6285. A data object of the
    current template asks for the right to read it (6982).
    """
    p1, p2 = call.command.p1, call.command.p2
    if p1 in (_DATA_OBJECT, _PARENT_OBJECT):
        return _select_object(call, p1, p2)
    find = _METHODS.get(p1)
    if find is None or p2 & 0xF0 or (p2 & 0x03 and p1 != _BY_NAME):
        raise CardError(SW.INCORRECT_P1_P2)
    file = find(call)
    call.session = standing_at(call, file)
    return Reply(_answer(file, p2), _WARNINGS.get(file.life_cycle, SW.OK))


def _select_object(call: Call, p1: int, p2: int) -> Reply:
    """A data object of the current template, or the one whose value that template is."""
    if p2 & 0xF0 or (p2 & 0x03 and p1 == _PARENT_OBJECT):
        raise CardError(SW.INCORRECT_P1_P2)
    chosen = select_data_object(call) if p1 == _DATA_OBJECT else select_parent(call)
    tag = (TAG_FCI, TAG_FCP, TAG_FMD, None)[p2 >> 2]
    content = b"" if tag is TAG_FMD else control_parameters(chosen)
    return Reply(b"" if tag is None else encode(tag, content))


_WARNINGS: Final[dict[LifeCycle, StatusWord]] = {
    LifeCycle.DEACTIVATED: SW.FILE_DEACTIVATED,
    LifeCycle.TERMINATED: SW.FILE_TERMINATED,
}


def standing_at(call: Call, file: File) -> Session:
    """The session with *file* current: no record is, and rights of DFs left behind are lost.

    Another DF also starts with an empty security environment.
    """
    df = file if file.is_df else call.tree.parent(file)
    satisfied = call.session.satisfied
    if satisfied and df.cell != call.session.df:
        homes = {home.cell for home in call.tree.lineage(df)}
        files = call.tree.files
        kept = (cell for cell in satisfied if cell in files and files[cell].parent in homes)
        satisfied = frozenset(kept)
    return call.session._replace(
        state=call.session.state if df.cell == call.session.df else 0,
        environment=call.session.environment if df.cell == call.session.df else Environment(),
        df=df.cell,
        ef=None if file.is_df else file.cell,
        record=0,
        satisfied=satisfied,
        data_object=None,
        template=(),
    )


def _answer(file: File, p2: int) -> bytes:
    match p2 & 0x0C:
        case 0x00:
            return encode(TAG_FCI, file_control_information(file))
        case 0x04:
            return encode(TAG_FCP, file_control_parameters(file))
        case 0x08:
            return encode(TAG_FMD, file_management_data(file))
    return b""


def addressed_file(call: Call) -> File:
    """The file that P1 and the data field of a 7816-9 command mean; the current one for no data.

    The addressing is that of SELECT without names and with P2 = 00: 6A86, 6A87, 6A82.
    """
    p1, p2 = call.command.p1, call.command.p2
    if p2 or p1 == _BY_NAME or p1 not in _METHODS:
        raise CardError(SW.INCORRECT_P1_P2)
    if p1 == 0x00 and not call.command.data:
        return call.df if call.session.ef is None else call.ef
    return _METHODS[p1](call)


def _identifier(call: Call) -> int:
    if len(call.command.data) != 2:
        raise CardError(SW.NC_INCONSISTENT_WITH_P1_P2)
    return int.from_bytes(call.command.data, "big")


def _found(file: File | None) -> File:
    if file is None:
        raise CardError(SW.FILE_NOT_FOUND)
    return file


def _by_identifier(call: Call) -> File:
    """The MF for 3F00 or no data; else a child of the current DF, its parent, or a DF beside it."""
    if not call.command.data:
        return call.tree.mf
    identifier = _identifier(call)
    if identifier == MF_IDENTIFIER:
        return call.tree.mf
    child = call.tree.child(call.df, identifier)
    if child is not None:
        return child
    parent = call.tree.parent(call.df)
    if parent.identifier == identifier:
        return parent
    sibling = call.tree.child(parent, identifier)
    return _found(sibling if sibling is not None and sibling.is_df else None)


def _child_df(call: Call) -> File:
    child = call.tree.child(call.df, _identifier(call))
    return _found(child if child is not None and child.is_df else None)


def _child_ef(call: Call) -> File:
    child = call.tree.child(call.df, _identifier(call))
    return _found(child if child is not None and not child.is_df else None)


def _parent_df(call: Call) -> File:
    if call.command.data:
        raise CardError(SW.NC_INCONSISTENT_WITH_P1_P2)
    return _found(None if call.df.cell == call.tree.root else call.tree.parent(call.df))


def _by_name(call: Call) -> File:
    """The DF whose name starts with the data field: the first, last, next or previous of them.

    Next and previous count from the current DF, or the nearest one above it that has the name.
    """
    name = call.command.data
    if not 1 <= len(name) <= _NAME_MAX:
        raise CardError(SW.NC_INCONSISTENT_WITH_P1_P2)
    matches = [df for df in call.tree.named() if any(own.startswith(name) for own in df.names)]
    if not matches:
        raise CardError(SW.FILE_NOT_FOUND)
    occurrence = call.command.p2 & 0x03
    if occurrence == _FIRST:
        return matches[0]
    if occurrence == _LAST:
        return matches[-1]
    here = next((df for df in call.tree.lineage(call.df) if df in matches), None)
    if here is None:
        return matches[0] if occurrence == _NEXT else matches[-1]
    position = matches.index(here) + (1 if occurrence == _NEXT else -1)
    return _found(matches[position] if 0 <= position < len(matches) else None)


def _by_path(start: Callable[[Call], File]) -> Callable[[Call], File]:
    def follow(call: Call) -> File:
        path = call.command.data
        if not path or len(path) % 2:
            raise CardError(SW.NC_INCONSISTENT_WITH_P1_P2)
        file = start(call)
        for offset in range(0, len(path), 2):
            identifier = int.from_bytes(path[offset : offset + 2], "big")
            file = _found(call.tree.child(file, identifier))
        return file

    return follow


_BY_NAME: Final = 0x04
_DATA_OBJECT: Final = 0x10
_PARENT_OBJECT: Final = 0x13
_METHODS: Final[dict[int, Callable[[Call], File]]] = {
    0x00: _by_identifier,
    0x01: _child_df,
    0x02: _child_ef,
    0x03: _parent_df,
    _BY_NAME: _by_name,
    0x08: _by_path(lambda call: call.tree.mf),
    0x09: _by_path(lambda call: call.df),
}
"""What P1 of SELECT means for files (ISO/IEC 7816-4:2020, table 63)."""


@command("MANAGE CHANNEL", ins=0x70, cases="12", clause="ISO/IEC 7816-4:2020, 11.2.3")
def manage_channel(call: Call) -> Reply:
    """Open (P1 00) or close (P1 80) a logical channel.

    P2 00 lets the card choose the number, answered in one byte, or closes the channel the command
    came on. A channel opened from the basic one starts at the MF, one opened from another starts
    at its DF; no security status comes along. 6A81 when all channels are open, 6A86 for a number
    the card does not have, 6985 for one that is open already, or not open, or basic; 6700 for an
    Le field where no number is answered, and for none where one is.
    """
    p1, p2 = call.command.p1, call.command.p2
    if p1 not in (0x00, 0x80) or p2 >= call.settings.channels:
        raise CardError(SW.INCORRECT_P1_P2)
    call.channels = dict(call.channels)
    if p1 == 0x80:
        return _close_channel(call, p2 or call.channel)
    return _open_channel(call, p2)


def _open_channel(call: Call, number: int) -> Reply:
    if (number == 0) != (call.command.expected is not None):
        raise CardError(SW.WRONG_LENGTH)
    closed = [n for n in range(1, call.settings.channels) if n not in call.channels]
    if number and number not in closed:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    if not closed:
        raise CardError(SW.FUNCTION_NOT_SUPPORTED)
    start = call.session.df if call.channel else call.tree.root
    call.channels[number or closed[0]] = Session(df=start)
    return Reply(b"" if number else bytes([closed[0]]))


def _close_channel(call: Call, number: int) -> Reply:
    if call.command.expected is not None:
        raise CardError(SW.WRONG_LENGTH)
    if number == 0 or number not in call.channels:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    del call.channels[number]
    return Reply()
