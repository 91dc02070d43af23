"""SELECT (ISO/IEC 7816-4:2020, 11.2.2): which file, what comes back, and what it does to rights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.layout import DedicatedFile, ElementaryFile, File
from conformance.model.addressing import WRONG_P1_P2, refused, staying
from conformance.model.control import ControlInformation
from conformance.model.outcome import EXACT_LENGTH, MORE_DATA, Length, Outcome, Ruling, words
from conformance.model.stages import remembering
from conformance.model.state import State

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU
    from conformance.layout import Reference
    from conformance.model.outcome import DataRule
    from conformance.statement import Statement

BY_IDENTIFIER, CHILD_DF, EF_UNDER_DF, PARENT, BY_NAME, PATH, PATH_FROM_DF = 0, 1, 2, 3, 4, 8, 9
FORMS = {
    BY_IDENTIFIER: ("file-identifier", "by-file-identifier"),
    CHILD_DF: ("child-df", "child-df"),
    EF_UNDER_DF: ("ef-under-df", "ef-under-df"),
    PARENT: ("parent", "parent"),
    BY_NAME: ("name", "by-name"),
    PATH: ("path", "path-from-mf"),
    PATH_FROM_DF: ("path-from-df", "path-from-df"),
}
"""P1: the feature that the statement declares, and the requirement."""
DATA_OBJECT_FORMS = range(0x10, 0x50)
"""Values of P1 that select data objects or are close to it; not judged here."""
FIRST, LAST, NEXT, PREVIOUS = range(4)
NO_ANSWER = 0x0C
NAME_MAX = 16
_AREA = "7816-4/select"


def judged(command: CommandAPDU) -> bool:
    """Whether the rule below knows this form of SELECT."""
    return command.p1 not in DATA_OBJECT_FORMS


def select(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """The file named by P1 and the data field becomes current; otherwise nothing changes."""
    if command.p1 not in FORMS:
        return refused(f"{_AREA}/reserved-p1", WRONG_P1_P2, state)
    if command.p2 & 0xF0:
        return refused(f"{_AREA}/reserved-p2", WRONG_P1_P2, state)
    if not _length_fits(command):
        allowed = words(0x6700, 0x6A80, 0x6A86, 0x6A87, 0x6A82)
        return refused(f"{_AREA}/data-length", allowed, state)
    feature, rule = _form(command)
    if feature not in card.features.select:
        return refused(f"{_AREA}/{rule}", WRONG_P1_P2 | words(0x6A82, 0x6700), state)
    files, missing = _candidates(card, state, command)
    if command.p1 == BY_NAME and command.p2 & 0x03 != FIRST:
        rule = "occurrence"
    outcomes = [
        outcome
        for file in files
        for outcome in _successes(card, state, command, file, f"{_AREA}/{rule}")
    ]
    if missing or not outcomes:
        nothing = rule if command.p1 == PARENT else "not-found"
        outcomes += refused(f"{_AREA}/{nothing}", _not_found(command), state).outcomes
    return Ruling(tuple(outcomes))


def _form(command: CommandAPDU) -> tuple[str, str]:
    """The feature this form of SELECT needs, and its requirement."""
    if command.p1 == BY_IDENTIFIER and command.data in {b"", b"\x3f\x00"}:
        return "mf", "master-file"
    return FORMS[command.p1]


def _length_fits(command: CommandAPDU) -> bool:
    size = len(command.data)
    if command.p1 == BY_IDENTIFIER:
        return size in {0, 2}
    if command.p1 == PARENT:
        return size == 0
    if command.p1 == BY_NAME:
        return 1 <= size <= NAME_MAX
    if command.p1 in {PATH, PATH_FROM_DF}:
        return size >= 2 and size % 2 == 0
    return size == 2


def _not_found(command: CommandAPDU) -> frozenset[int]:
    if command.p1 == PARENT:
        return words(0x6A82, 0x6A86, 0x6985)
    if command.p1 == BY_NAME and command.p2 & 0x03 != FIRST:
        return words(0x6A82, 0x6A86, 0x6A81, 0x6985)
    return words(0x6A82)


def _candidates(
    card: Statement, state: State, command: CommandAPDU
) -> tuple[tuple[File, ...], bool]:
    """The files that may be meant, and whether "not found" is allowed although there are some."""
    layout, data = card.layout, command.data
    fid = int.from_bytes(data, "big")
    file: File | None
    if command.p1 == BY_NAME:
        return _named(card, state, command)
    if command.p1 == BY_IDENTIFIER:
        return _near(card, state, fid) if data else ((layout.master,), False)
    if command.p1 == PARENT:
        file = state.df.parent
    elif command.p1 == PATH:
        start = data.removeprefix(b"\x3f\x00") if len(data) > 2 else data
        file = layout.follow(layout.master, start)
    elif command.p1 == PATH_FROM_DF:
        file = layout.follow(state.df, data)
    else:
        kind = DedicatedFile if command.p1 == CHILD_DF else ElementaryFile
        children = layout.children(state.df)
        file = next((f for f in children if f.fid == fid and isinstance(f, kind)), None)
    return ((file,) if file else ()), False


def _near(card: Statement, state: State, fid: int) -> tuple[tuple[File, ...], bool]:
    """The files around the current DF that *fid* may mean, and whether none may be found.

    The standard wants *fid* unique there. It does not say that an EF beside the current DF must be
    found, nor which file is meant when the identifier is not unique.
    """
    files = card.layout.reachable(state.df, fid)
    beside = files and isinstance(files[0], ElementaryFile) and files[0].parent is state.df.parent
    if card.choices.neighbours == "df-only":
        beside = False
        files = tuple(
            file
            for file in files
            if isinstance(file, DedicatedFile) or file.parent is not state.df.parent
        )
    if card.choices.search == "children-first":
        files = files[:1]
    return files, bool(beside) and card.choices.neighbours == "either"


def _named(card: Statement, state: State, command: CommandAPDU) -> tuple[tuple[File, ...], bool]:
    """The DF that the occurrence bits of P2 mean among those whose name fits."""
    matches: tuple[DedicatedFile, ...] = card.layout.by_name(command.data)
    if "partial-name" not in card.features.select:
        matches = tuple(df for df in matches if df.name == command.data)
    occurrence = command.p2 & 0x03
    if occurrence == FIRST or not matches:
        return matches[:1], False
    if not card.features.occurrences:
        return matches, True
    if occurrence == LAST:
        return matches[-1:], False
    if state.df not in matches:
        return matches, True  # next to what is nowhere said
    position = matches.index(state.df) + (1 if occurrence == NEXT else -1)
    return (matches[position : position + 1] if position >= 0 else ()), False


def _successes(
    card: Statement, state: State, command: CommandAPDU, file: File, requirement: str
) -> Iterator[Outcome]:
    """*file* is selected; one outcome for each security status that may be left."""
    for after in _selected(card, state, file):
        whole = _whole(card, command, file)
        then = remembering(after, whole) if whole else staying(after)
        warned = _warned(state, file)
        for allowed, rule in _answers(card, command, file):
            known = allowed - {0x9000} | warned if 0x9000 in allowed else allowed
            yield Outcome(requirement, known, then, rule)
    if command.ne is not None and not command.all_available:
        yield Outcome(f"{_AREA}/short-le", EXACT_LENGTH, staying(state))


def _whole(card: Statement, command: CommandAPDU, file: File) -> DataRule | None:
    """What all of the response data must be, however it comes."""
    asked = command.p2 & NO_ANSWER
    return None if asked == NO_ANSWER else ControlInformation(file, card.layout, asked)


def _warned(state: State, file: File) -> frozenset[int]:
    """9000, or the warning that the selected file is deactivated or terminated (5.6)."""
    if file in state.ended:
        return words(0x6285, 0x6283, 0x9000)
    return words(0x6283, 0x9000) if file in state.inactive else words(0x9000)


def _answers(
    card: Statement, command: CommandAPDU, file: File
) -> Iterator[tuple[frozenset[int], DataRule]]:
    asked, ne = command.p2 & NO_ANSWER, command.ne
    if ne is None:
        yield words(0x9000) | MORE_DATA, Length(0, 0)
    elif asked == NO_ANSWER:
        yield words(0x9000), Length(0, ne)
    else:
        yield words(0x9000), ControlInformation(file, card.layout, asked)
        if not command.all_available:  # what does not fit into Ne bytes is cut or kept back
            yield words(0x9000, 0x6282) | MORE_DATA, Length(ne, ne)


def _selected(card: Statement, state: State, file: File) -> Iterator[State]:
    """The states after *file* became current (7.3.1, 9.2).

    Selecting a DF leaves no current EF. The status of a local reference belongs to its DF: outside,
    it may be lost.
    """
    if isinstance(file, ElementaryFile):
        after = replace(state, df=file.parent, ef=file, record=0, pointer=None)
    else:
        after = replace(state, df=file, ef=None, record=0, pointer=None)
    lineage = frozenset(after.df.lineage())
    outside = frozenset(one for one in state.verified if one.local and one.df not in lineage)
    choice = card.choices.local_status_on_leave
    if not outside or choice != "lost":
        yield after
    if outside and choice != "kept":
        kept: frozenset[Reference] = state.verified - outside
        yield replace(after, verified=kept)
