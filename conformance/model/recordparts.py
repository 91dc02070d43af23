"""SEARCH RECORD, ERASE RECORD, and parts of records by the odd instruction codes.

ISO/IEC 7816-4:2020, 11.4.3 (B3), 11.4.5 (DD), 11.4.7 and 11.4.8.
"""

from __future__ import annotations

from dataclasses import replace
from operator import and_, or_, xor
from typing import TYPE_CHECKING

from conformance import tlv
from conformance.model.addressing import refusal, staying
from conformance.model.erasing import erased
from conformance.model.exact import Exactly
from conformance.model.outcome import NO_DATA, Outcome, Ruling, words
from conformance.model.reach import BY_NUMBER, reach, refusals_of, target_of
from conformance.model.state import Content, Stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.apdu import CommandAPDU
    from conformance.model.state import State
    from conformance.statement import Statement

_AREA = "7816-4/record"
OFFSET, DATA = 0x54, 0x53
FORWARD, BACKWARD, ENHANCED = 4, 5, 6
FROM_NEXT, FROM_PREVIOUS, FROM_VALUE = 6, 7, 0x08
_WRONG_DATA = words(0x6A80, 0x6700)
_COMBINATIONS = {4: lambda _old, new: new, 5: and_, 6: or_, 7: xor}


def stored(content: Content) -> Stored:
    """A whole record for the rules about Ne."""
    return Stored(content, 0, len(content.value), "record")


def search_record(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """The numbers of the records that hold the search string, in the order of the search."""
    target = target_of(card, state, command)
    refusals = refusals_of(state, target, "read")
    kind, ef = command.p2 & 0x07, target.ef
    if kind not in {FORWARD, BACKWARD, ENHANCED}:
        refusals.append(refusal(f"{_AREA}/search-reserved", words(0x6A86, 0x6A81), state))
    if refusals or ef is None:
        return Ruling(tuple(refusals))
    held = state.contents[ef]
    pattern, skip, marker = command.data, 0, None
    if kind == ENHANCED:
        if len(command.data) < 3 or command.data[0] & 0xF0 or command.data[0] & 0x04 == 0:
            return Ruling((refusal(f"{_AREA}/search-reserved", _WRONG_DATA, state),))
        kind, pattern = command.data[0] & 0x07, command.data[2:]
        by_value = command.data[0] & FROM_VALUE
        skip, marker = (0, command.data[1]) if by_value else (command.data[1], None)
    start = (command.p1 or target.selected.record or 0) + {FROM_NEXT: 1, FROM_PREVIOUS: -1}.get(
        kind, 0
    )
    if not 1 <= start <= len(held):
        allowed = words(0x6A83, 0x6282, 0x6985)
        return Ruling((refusal(f"{_AREA}/search-none", allowed, state),))
    forward = kind in {FORWARD, FROM_NEXT}
    numbers = range(start, len(held) + 1) if forward else range(start, 0, -1)
    found = [n for n in numbers if _holds(held[n - 1].value, pattern, skip, marker)]
    if not found:
        nothing = Outcome(f"{_AREA}/search-none", words(0x6282, 0x6A83), staying(target.selected))
        return Ruling((nothing,))
    after = replace(target.selected, record=found[0], moved_by=f"{_AREA}/search-current")
    plain = f"{_AREA}/search-forward" if forward else f"{_AREA}/search-backward"
    requirement = f"{_AREA}/search-enhanced" if command.p2 & 0x07 == ENHANCED else plain
    rule = Exactly(Content(bytes(found)))
    return Ruling((Outcome(requirement, words(0x9000), staying(after), rule),))


def _holds(record: bytes, pattern: bytes, skip: int, marker: int | None) -> bool:
    if marker is not None:
        position = record.find(marker)
        if position < 0:
            return False
        skip = position + 1
    return record.find(pattern, skip) >= 0


def erase_record(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """Record P1, or all from P1 to the last, are set to the erased state."""
    mode = command.p2 & 0x07
    if mode not in {BY_NUMBER, 5}:
        allowed = words(0x6A86, 0x6A81)
        return Ruling((refusal(f"{_AREA}/erase-reserved", allowed, state),))
    found = reach(card, state, command, "update")
    if isinstance(found, Ruling):
        return found
    held = state.contents[found.ef]
    behind = len(held) if mode == 5 else found.index + 1
    requirement = f"{_AREA}/erase-range" if mode == 5 else f"{_AREA}/erase-one"
    blank = tuple(erased(card, content, requirement) for content in held[found.index : behind])
    records = (*held[: found.index], *blank, *held[behind:])
    after = replace(found.after, contents={**state.contents, found.ef: records})
    return Ruling((Outcome(requirement, words(0x9000), staying(after), NO_DATA),))


def read_part(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """A data object 53 with the bytes of one record from the offset (54) on."""
    offset = offset_in(command.data)
    if offset is None:
        return Ruling((refusal(f"{_AREA}/part-malformed", _WRONG_DATA, state),))
    if command.p2 & 0x07 != BY_NUMBER:
        allowed = words(0x6A86, 0x6A81)
        return Ruling((refusal(f"{_AREA}/part-reserved", allowed, state),))
    found = reach(card, state, command, "read")
    if isinstance(found, Ruling):
        return found
    content = state.contents[found.ef][found.index]
    if offset >= len(content.value):
        return Ruling((refusal(f"{_AREA}/part-outside", words(0x6B00, 0x6A80), state),))
    part = tlv.encode(DATA, content.value[offset:])
    known = None
    if content.known is not None:
        known = b"\x01" * (len(part) - len(content.value) + offset) + content.known[offset:]
    rule = Exactly(Content(part, known))
    outcome = Outcome(f"{_AREA}/part-read", words(0x9000), staying(found.after), rule)
    if command.all_available:
        return Ruling((outcome,))
    return Ruling(
        (outcome, refusal(f"{_AREA}/part-read", words(0x6700, 0x6C00 | len(part)), state))
    )


def update_part(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """The data (53) replace, or are combined with, the bytes of a record from the offset on."""
    offset, data = offset_in(command.data), data_in(command.data)
    if offset is None or data is None:
        return Ruling((refusal(f"{_AREA}/part-malformed", _WRONG_DATA, state),))
    combine = _COMBINATIONS.get(command.p2 & 0x07)
    if combine is None:
        allowed = words(0x6A86, 0x6A81)
        return Ruling((refusal(f"{_AREA}/part-reserved", allowed, state),))
    found = reach(card, state, command, "update")
    if isinstance(found, Ruling):
        return found
    old = state.contents[found.ef][found.index].value
    end = offset + len(data)
    if end > len(old):
        allowed = words(0x6B00, 0x6A84, 0x6A80, 0x6700)
        return Ruling((refusal(f"{_AREA}/part-outside", allowed, state),))
    new = bytes(combine(a, b) for a, b in zip(old[offset:end], data, strict=True))
    records = list(state.contents[found.ef])
    name = "part-updated" if command.p2 & 0x07 == BY_NUMBER else "part-combined"
    records[found.index] = Content(old[:offset] + new + old[end:], by=f"{_AREA}/{name}")
    after = replace(found.after, contents={**state.contents, found.ef: tuple(records)})
    return Ruling((Outcome(f"{_AREA}/{name}", words(0x9000), staying(after)),))


def _objects(field: bytes) -> Iterator[tlv.DataObject]:
    try:
        yield from tlv.parse(field)
    except tlv.MalformedTLV:
        return


def offset_in(field: bytes) -> int | None:
    """What the offset data object (54) in *field* says; None when *field* is malformed."""
    try:
        value = tlv.find(tlv.parse(field), OFFSET)
    except tlv.MalformedTLV:
        return None
    return None if value is None or len(value) > 4 else int.from_bytes(value, "big")


def data_in(field: bytes) -> bytes | None:
    """The discretionary data (53) in *field*."""
    return tlv.find(tuple(_objects(field)), DATA)
