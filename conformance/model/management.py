"""CREATE, DELETE, ACTIVATE, DEACTIVATE and TERMINATE (ISO/IEC 7816-9:2017, clause 7).

Judged where the judge works: in the DF that the statement gives it, on files it created itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.layout import DedicatedFile, ElementaryFile, File, Kind, Layout
from conformance.model.addressing import anything, barred, refusal, staying
from conformance.model.outcome import Outcome, Ruling, words
from conformance.model.state import Content, State
from conformance.model.templates import ALWAYS, IDENTIFIER, Unsound, file_in, parameters_in
from conformance.tlv import find

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU
    from conformance.statement import Statement

_CREATE, _DELETE, _LIFE = "7816-9/create", "7816-9/delete", "7816-9/life-cycle"
CREATE, DELETE = 0xE0, 0xE4
ACTIVATE, DEACTIVATE, TERMINATE_EF, TERMINATE_DF = 0x44, 0x04, 0xE8, 0xE6
UNSOUND = words(0x6A80, 0x6700, 0x6A87, 0x6A85, 0x6A84, 0x6A88)
NOT_NOW = words(0x6985, 0x6986, 0x6982, 0x6A81, 0x6981)
NOT_FOUND = words(0x6A82)


def create_file(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """The file that the template describes is there, current, and empty."""
    if command.p1 or command.p2:
        return anything(state)
    layout = card.layout
    try:
        file = file_in(command.data, state, layout)
    except Unsound:
        rule = "reserved-identifier" if _reserved(command.data) else "malformed"
        return Ruling((refusal(f"{_CREATE}/{rule}", UNSOUND | words(0x6A89), state),))
    here = layout.children(state.df)
    if any(one.fid == file.fid for one in here) or file.fid == state.df.fid:
        return Ruling((refusal(f"{_CREATE}/identifier-taken", words(0x6A89), state),))
    if isinstance(file, ElementaryFile) and file.sfi and layout.by_sfi(state.df, file.sfi):
        allowed = words(0x6A89, 0x6A80)
        return Ruling((refusal(f"{_CREATE}/sfi-taken", allowed, state),))
    name = file.name if isinstance(file, DedicatedFile) else b""
    if name and any(df.name == name for df in layout.dedicated()):
        return Ruling((refusal(f"{_CREATE}/name-taken", words(0x6A8A), state),))
    kind = "df" if isinstance(file, DedicatedFile) else file.kind.value
    made = Outcome(f"{_CREATE}/{kind}", words(0x9000), staying(_with(state, layout, file)))
    here_free = card.scratch is not None and state.df.path == card.scratch.df
    if (here_free or state.df in state.created) and not _shut(state, state.df):
        return Ruling((made,))
    return Ruling((made, refusal(f"{_CREATE}/{kind}", NOT_NOW, state)))


def _shut(state: State, file: File) -> bool:
    """Whether *file* or a DF above it is deactivated or terminated: then little is said of it."""
    df = file if isinstance(file, DedicatedFile) else file.parent
    return bool({file, *df.lineage()} & (state.inactive | state.ended))


def _reserved(field: bytes) -> bool:
    try:
        identifier = find(parameters_in(field), IDENTIFIER)
    except Unsound:
        return False
    return identifier in {b"\x3f\x00", b"\x3f\xff", b"\xff\xff", b"\x00\x00"}


def _with(state: State, layout: Layout, file: File) -> State:
    """*state* with *file* in the tree and current."""
    grown = replace(layout, files=(*layout.files, file))
    df = file if isinstance(file, DedicatedFile) else state.df
    ef = file if isinstance(file, ElementaryFile) else None
    after = replace(
        state,
        layout=grown,
        created=state.created | {file},
        df=df,
        ef=ef,
        record=0,
        pointer=None,
    )
    if ef is None:
        return after
    if ef.kind is Kind.DATA_OBJECTS:
        after = replace(after, objects={**state.objects, ef: ()})
    blank = (Content.unknown(ef.size),) if ef.kind is Kind.TRANSPARENT else ()
    return replace(after, contents={**state.contents, ef: blank})


_WANTED: Mapping[int, tuple[type, ...]] = {1: (DedicatedFile,), 2: (ElementaryFile,)}


def _meant(card: Statement, state: State, command: CommandAPDU) -> File | None:
    """The current file, or the child of the current DF that the data field names."""
    if not command.data:
        return state.ef or state.df
    fid = int.from_bytes(command.data, "big")
    kind = _WANTED.get(command.p1, (DedicatedFile, ElementaryFile))
    children = card.layout.children(state.df)
    return next((f for f in children if f.fid == fid and isinstance(f, kind)), None)


def _unmeant(state: State, requirement: str) -> Ruling:
    return Ruling((refusal(requirement, NOT_FOUND, state),))


def delete_file(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """The file and all below it are gone; the DF that held it is current."""
    if command.p2 or command.p1 > 2:
        return anything(state)
    file = _meant(card, state, command)
    if file is None:
        return _unmeant(state, f"{_DELETE}/missing")
    if file.parent is None:
        return Ruling((refusal(f"{_DELETE}/in-use", NOT_NOW, state),))
    if _in_use(state, file):
        return Ruling((refusal(f"{_DELETE}/in-use", NOT_NOW, state),))
    gone = {one for one in card.layout.files if one is file or _below(one, file)}
    kept = tuple(one for one in card.layout.files if one not in gone)
    requirement = f"{_DELETE}/{'df' if isinstance(file, DedicatedFile) else 'ef'}"
    stands = state.df in gone or state.ef in gone or state.df is file.parent
    after = replace(
        state,
        layout=replace(card.layout, files=kept),
        created=state.created - gone,
        inactive=state.inactive - gone,
        ended=state.ended - gone,
        df=file.parent if stands else state.df,
        ef=None,
        record=0,
        pointer=None,
    )
    gone_then = Outcome(requirement, words(0x9000), staying(after))
    may = file.rights.get("delete", ALWAYS).met(state.verified)
    sure = may and file in state.created and not _shut(state, file.parent)
    return Ruling((gone_then,) if sure else (gone_then, refusal(requirement, NOT_NOW, state)))


def _below(file: File, df: File) -> bool:
    parents = file.lineage() if isinstance(file, DedicatedFile) else file.parent.lineage()
    return df in tuple(parents)


def _in_use(state: State, file: File) -> bool:
    return any(
        seat.ef is file or _below(seat.ef or seat.df, file) for seat in state.others.values()
    )


def activate_file(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """A deactivated file is operational again; a terminated one stays so."""
    return _changed(card, state, command, "activate")


def deactivate_file(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """An activated file is closed until it is activated."""
    return _changed(card, state, command, "deactivate")


def terminate(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """A file is closed for good."""
    return _changed(card, state, command, "terminate")


def _changed(card: Statement, state: State, command: CommandAPDU, action: str) -> Ruling:
    if command.p2 or command.p1 > 2:
        return anything(state)
    file = _meant(card, state, command)
    if file is None:
        return _unmeant(state, f"{_LIFE}/missing")
    requirement = f"{_LIFE}/{action}"
    if command.ins in {TERMINATE_EF, TERMINATE_DF}:
        of_df = isinstance(file, DedicatedFile)
        if of_df != (command.ins == TERMINATE_DF):
            return Ruling((refusal(f"{_LIFE}/terminate-kind", NOT_NOW, state),))
    elif file in state.ended:
        return Ruling((refusal(f"{_LIFE}/terminated-stays", NOT_NOW, state),))
    right = file.rights.get(action, ALWAYS)
    barring = barred(state, right, f"{_LIFE}/{action}-refused")
    if barring:
        return Ruling(barring)
    inactive = state.inactive | {file} if action == "deactivate" else state.inactive - {file}
    ended = state.ended | {file} if action == "terminate" else state.ended
    changed = Outcome(
        requirement, words(0x9000), staying(replace(state, inactive=inactive, ended=ended))
    )
    if file in state.created and file.parent and not _shut(state, file.parent):
        return Ruling((changed,))
    return Ruling((changed, refusal(requirement, NOT_NOW, state)))


Rule = Callable[["Statement", State, "CommandAPDU"], Ruling]
RULES: Mapping[int, Rule] = {
    CREATE: create_file,
    DELETE: delete_file,
    ACTIVATE: activate_file,
    DEACTIVATE: deactivate_file,
    TERMINATE_EF: terminate,
    TERMINATE_DF: terminate,
}
"""The rules by instruction byte."""
