"""Records of every structure: record pointer and identifiers, APPEND, WRITE, and the list of rules.

ISO/IEC 7816-4:2020, 7.3.3 and 11.4. The number of records has to be known, so these rules judge
EFs that the judge created, and EFs with records of fixed length; SEARCH, ERASE and the odd
instruction codes are in `recordparts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import and_, or_
from typing import TYPE_CHECKING

from conformance.layout import Behaviour, ElementaryFile, Kind
from conformance.model import recordparts
from conformance.model.addressing import refusal, staying
from conformance.model.exact import Exactly
from conformance.model.outcome import Outcome, Ruling, words
from conformance.model.reach import (
    BY_NUMBER,
    FROM_LAST,
    FROM_NUMBER,
    PREVIOUS,
    holding,
    joined,
    reach,
    refusals_of,
    target_of,
)
from conformance.model.records import answers
from conformance.model.state import Content, State

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU
    from conformance.statement import Statement

_AREA = "7816-4/record"
WRONG_SIZE = words(0x6700, 0x6A84, 0x6A80, 0x6A85, 0x6A87)
FULL = words(0x6A84)
_POINTED = frozenset({0xB2, 0xDC, 0xD2, 0xA2, 0x0C, 0xB3, 0xDD})
_WRITING = frozenset({0xD2, 0xDC, 0xDD, 0x0C})
_STATIC = frozenset({0xB2, 0xA2, 0xB3, 0xDC, 0x0C})
"""Instructions that are judged on EFs of fixed records that were there before, too."""


def judged(card: Statement, state: State, command: CommandAPDU) -> bool:
    """Whether the records of the EF addressed are known well enough for the rules."""
    sfi = command.p2 >> 3
    ef = card.layout.by_sfi(state.df, sfi) if 0 < sfi < 31 else state.ef
    mode = command.p2 & 0x07
    relative = mode < BY_NUMBER or not command.p1
    if command.ins in _POINTED and relative and (state.record is None or (sfi and ef is state.ef)):
        return False
    if ef is None or not ef.kind.has_records or ef in state.created:
        return True
    return ef.kind is Kind.LINEAR_FIXED and command.ins in _STATIC


def blurred(card: Statement, state: State, command: CommandAPDU) -> State:
    """*state* after a command that these rules do not judge but that may have written records."""
    if command.ins not in _WRITING:
        return state
    sfi = command.p2 >> 3
    ef = card.layout.by_sfi(state.df, sfi) if 0 < sfi < 31 else state.ef
    if ef is None or ef.kind is not Kind.LINEAR_FIXED or ef in state.created:
        return state
    unknown = tuple(Content.unknown(ef.size) for _ in state.contents[ef])
    return replace(state, contents={**state.contents, ef: unknown})


def read_record(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """The record that P1-P2 mean, or all from P1 to the last, or from the last to P1."""
    found = reach(card, state, command, "read")
    if isinstance(found, Ruling):
        return found
    held = state.contents[found.ef]
    mode = command.p2 & 0x07
    several = mode in {FROM_NUMBER, FROM_LAST}
    chosen = held[found.index :] if several else held[found.index : found.index + 1]
    if mode == FROM_LAST:
        chosen = chosen[::-1]
    content = joined(chosen)
    plain = Outcome(found.requirement, words(0x9000), staying(found.after), Exactly(content))
    if command.ne is None or several:
        return Ruling((plain, refusal(found.requirement, words(0x6700), state)))
    ne, size = command.ne, len(content.value)
    if ne == size or (command.all_available and size <= ne):
        return Ruling((plain,))
    return Ruling(tuple(answers(state, command, plain, recordparts.stored(content))))


def update_record(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """The data field takes the place of the record; PREVIOUS of a cyclic EF appends it."""
    if _appends(card, state, command):
        return append(card, state, command, "update", f"{_AREA}/cyclic-previous")
    found = reach(card, state, command, "update")
    if isinstance(found, Ruling):
        return found
    if not _fits(found.ef, command.data):
        requirement = "update-length" if found.ef.kind is Kind.LINEAR_FIXED else "record-too-long"
        return Ruling((refusal(f"{_AREA}/{requirement}", WRONG_SIZE, state),))
    requirement = f"{_AREA}/{'update-writes' if found.plain else 'update-moves-pointer'}"
    held = holding(found.after, found.ef, found.index, Content(command.data, by=requirement))
    return Ruling((Outcome(requirement, words(0x9000), staying(held)),))


def write_record(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """The data field is combined with the record as the data coding byte says."""
    if _appends(card, state, command):
        return append(card, state, command, "write", f"{_AREA}/cyclic-previous")
    found = reach(card, state, command, "write")
    if isinstance(found, Ruling):
        return found
    old = state.contents[found.ef][found.index].value
    if len(old) != len(command.data):
        return Ruling((refusal(f"{_AREA}/write-length", WRONG_SIZE, state),))
    behaviour = found.ef.behaviour
    requirement = written_by(_AREA, behaviour)
    if behaviour is Behaviour.ONE_TIME and any(old):
        return Ruling((refusal(requirement, words(0x6985, 0x6982, 0x6986, 0x6581), state),))
    new = Content(combined(behaviour, old, command), by=requirement)
    held = holding(found.after, found.ef, found.index, new)
    return Ruling((Outcome(requirement, words(0x9000), staying(held)),))


def written_by(area: str, behaviour: Behaviour) -> str:
    """The requirement on WRITE with *behaviour*."""
    return f"{area}/write-{behaviour.name.lower().replace('_', '-')}"


def combined(behaviour: Behaviour, old: bytes, command: CommandAPDU) -> bytes:
    """What is stored when the data field is written over *old*."""
    operation = {Behaviour.OR: or_, Behaviour.AND: and_}.get(behaviour)
    if operation is None:
        return command.data
    return bytes(operation(a, b) for a, b in zip(old, command.data, strict=True))


def append_record(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """A new record behind the last one, or as the youngest of a cyclic EF; it is current then."""
    if command.p1 or command.p2 & 0x07:
        allowed = words(0x6A86, 0x6A81, 0x6B00)
        return Ruling((refusal(f"{_AREA}/append-reserved", allowed, state),))
    return append(card, state, command, "write", f"{_AREA}/append-adds")


def append(
    card: Statement, state: State, command: CommandAPDU, action: str, requirement: str
) -> Ruling:
    """The ruling of a new record; a full linear EF refuses it, a cyclic one drops the oldest."""
    target = target_of(card, state, command)
    refusals = refusals_of(state, target, action)
    ef = target.ef
    if refusals or ef is None:
        return Ruling(tuple(refusals))
    held = state.contents[ef]
    if not _fits(ef, command.data):
        return Ruling((refusal(f"{_AREA}/record-too-long", WRONG_SIZE, state),))
    cyclic = ef.kind is Kind.CYCLIC
    if not cyclic and len(held) == ef.records:
        return Ruling((refusal(f"{_AREA}/append-full", FULL, state),))
    new = Content(command.data)
    records = (new, *held)[: ef.records] if cyclic else (*held, new)
    number = 1 if cyclic else len(records)
    by = f"{_AREA}/append-current"
    selected = replace(target.selected, record=number, moved_by=by)
    after = replace(selected, contents={**selected.contents, ef: records})
    return Ruling((Outcome(requirement, words(0x9000), staying(after)),))


def _appends(card: Statement, state: State, command: CommandAPDU) -> bool:
    ef = target_of(card, state, command).ef
    previous = command.p2 & 0x07 == PREVIOUS and not command.p1
    return ef is not None and ef.kind is Kind.CYCLIC and previous


def _fits(ef: ElementaryFile, data: bytes) -> bool:
    if ef.kind in {Kind.LINEAR_FIXED, Kind.CYCLIC}:
        return len(data) == ef.size
    return 1 <= len(data) <= ef.size


Rule = Callable[["Statement", State, "CommandAPDU"], Ruling]
RULES: Mapping[int, Rule] = {
    0xB2: read_record,
    0xDC: update_record,
    0xD2: write_record,
    0xE2: append_record,
    0xA2: recordparts.search_record,
    0x0C: recordparts.erase_record,
    0xB3: recordparts.read_part,
    0xDD: recordparts.update_part,
}
"""The rules by instruction byte."""
