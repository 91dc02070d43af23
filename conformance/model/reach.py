"""Which record P1-P2 mean: by number, by identifier, or from the current record.

ISO/IEC 7816-4:2020, 7.3.3 and 11.4.2, table 76. Addressing by first, last, next or previous moves
the record pointer; addressing by number leaves it where it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.layout import ElementaryFile, Kind, Right
from conformance.model.addressing import Target, barred, locate, refusal
from conformance.model.outcome import Outcome, Ruling, words
from conformance.model.state import Content, State

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU
    from conformance.statement import Statement

FIRST, LAST, NEXT, PREVIOUS, BY_NUMBER, FROM_NUMBER, FROM_LAST, RESERVED = range(8)
NOT_FOUND = words(0x6A83)
READ = 0xB2
_AREA = "7816-4/record"
_NAMES = {FIRST: "first", LAST: "last", NEXT: "next", PREVIOUS: "previous"}


@dataclass(frozen=True, slots=True)
class Reach:
    """The record at *index* of *ef*, the state in which it was reached, and by which rule."""

    ef: ElementaryFile
    index: int
    after: State
    requirement: str
    plain: bool
    """Whether it was reached by its number."""


def target_of(card: Statement, state: State, command: CommandAPDU) -> Target:
    """The EF that bits 8 to 4 of P2 mean."""
    return locate(card, state, command.p2 >> 3 or None, "record")


def right_of(ef: ElementaryFile, action: str) -> Right:
    """The access rule of *ef* for *action*."""
    rights = {**ef.rights, "read": ef.read, "update": ef.update}
    return rights.get(action, ef.update)


def refusals_of(state: State, target: Target, action: str) -> list[Outcome]:
    """Every refusal of the EF itself."""
    refusals = list(target.refusals)
    ef = target.ef
    if ef is not None:
        said = "read" if action == "read" else "update"
        refusals += barred(state, right_of(ef, action), f"7816-4/access/{said}-refused")
        if not ef.kind.has_records:
            refusals.append(refusal(f"{_AREA}/wrong-structure", words(0x6981), state))
    return refusals


def reach(card: Statement, state: State, command: CommandAPDU, action: str) -> Reach | Ruling:
    """The record that is meant, or the ruling that it cannot be reached."""
    target = target_of(card, state, command)
    refusals = refusals_of(state, target, action)
    ef, mode = target.ef, command.p2 & 0x07
    if mode == RESERVED and command.ins != 0xDD:
        refusals.append(refusal(f"{_AREA}/reserved-mode", words(0x6A86, 0x6A81), state))
    if refusals or ef is None:
        return Ruling(tuple(refusals))
    held = state.contents[ef]
    if mode < BY_NUMBER and command.ins != 0xDD:
        return _relative(target, ef, held, command)
    number = command.p1 or target.selected.record or 0
    if not 1 <= number <= len(held):
        rule = "not-found" if command.p1 else "no-current-record"
        allowed = NOT_FOUND if command.p1 else words(0x6A83, 0x6985, 0x6986)
        if command.p1 == 0xFF:
            allowed |= words(0x6A86)
        return Ruling((refusal(f"{_AREA}/{rule}", allowed, state),))
    if not command.p1 and target.selected.moved_by:
        moved_by = target.selected.moved_by
        return Reach(ef, number - 1, target.selected, moved_by, plain=False)
    rule = _plain(ef, command)
    return Reach(ef, number - 1, target.selected, f"{_AREA}/{rule}", bool(command.p1))


def _plain(ef: ElementaryFile, command: CommandAPDU) -> str:
    if not command.p1:
        return "current"
    if command.p2 & 0x07 == FROM_LAST:
        return "from-last"
    if command.p2 & 0x07 == FROM_NUMBER:
        return "read-from"
    if ef.kind is Kind.CYCLIC:
        return "cyclic-newest-first"
    return "read-content" if ef.kind is Kind.LINEAR_FIXED else "own-length"


def _relative(
    target: Target, ef: ElementaryFile, held: tuple[Content, ...], command: CommandAPDU
) -> Reach | Ruling:
    """First, last, next or previous, of all records or of those with the identifier P1."""
    state, mode, identifier = target.selected, command.p2 & 0x07, command.p1
    name = f"identifier-{_NAMES[mode]}" if identifier else _NAMES[mode]
    numbers = [
        number
        for number, content in enumerate(held, 1)
        if not identifier
        or (ef.kind is Kind.LINEAR_TLV and content.value[:1] == bytes((identifier,)))
    ]
    if mode == NEXT:
        numbers = [number for number in numbers if number > (state.record or 0)]
    elif mode == PREVIOUS and state.record:
        numbers = [number for number in numbers if number < (state.record or 0)]
    if not numbers:
        rule = "identifier-unknown" if identifier else "no-more"
        allowed = NOT_FOUND if ef.kind is Kind.LINEAR_TLV else NOT_FOUND | words(0x6A86, 0x6A81)
        kept = replace(state, moved_by=f"{_AREA}/failed-keeps-pointer") if state.record else state
        return Ruling((refusal(f"{_AREA}/{rule}", allowed, kept),))
    number = numbers[0] if mode in {FIRST, NEXT} else numbers[-1]
    by = "" if command.ins == READ else f"{_AREA}/update-moves-pointer"
    after = replace(state, record=number, moved_by=by)
    return Reach(ef, number - 1, after, f"{_AREA}/{name}", plain=False)


def holding(state: State, ef: ElementaryFile, index: int, content: Content) -> State:
    """The state in which record *index* of *ef* holds *content*, whatever its length was."""
    held = state.contents[ef]
    records = (*held[:index], content, *held[index + 1 :])
    return replace(state, contents={**state.contents, ef: records})


def joined(contents: tuple[Content, ...]) -> Content:
    """The records one after the other."""
    if len(contents) == 1:
        return contents[0]
    value = b"".join(content.value for content in contents)
    if all(content.known is None for content in contents):
        return Content(value)
    known = b"".join(content.known or b"\x01" * len(content.value) for content in contents)
    return Content(value, known)
