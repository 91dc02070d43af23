"""WRITE, ERASE and SEARCH BINARY, and the odd instruction codes with their data objects.

ISO/IEC 7816-4:2020, 11.3.2 to 11.3.7. WRITE is judged where the data coding byte is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance import tlv
from conformance.layout import Behaviour, ElementaryFile, Kind
from conformance.model.addressing import Target, barred, locate, refusal, staying
from conformance.model.binary import addressed
from conformance.model.erasing import erased
from conformance.model.exact import Exactly
from conformance.model.outcome import EXACT_LENGTH, Outcome, Ruling, words
from conformance.model.reach import right_of
from conformance.model.recordparts import DATA, OFFSET, data_in, offset_in
from conformance.model.state import Content, State
from conformance.model.structures import combined, written_by

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU
    from conformance.statement import Statement

_AREA = "7816-4/binary"
OUTSIDE = words(0x6B00)
PAST_END = words(0x6A84, 0x6B00, 0x6700, 0x6A87, 0x6A80)
MALFORMED = words(0x6A80, 0x6700, 0x6A87, 0x6A81)
NOTHING_FOUND = words(0x6282, 0x6A83, 0x6A88)


def _refused(state: State, target: Target, action: str) -> Ruling | None:
    """The refusals of the EF itself, or None when it can be worked on."""
    refusals = list(target.refusals)
    ef = target.ef
    if ef is not None:
        said = "read" if action == "read" else "update"
        refusals += barred(state, right_of(ef, action), f"7816-4/access/{said}-refused")
        if ef.kind is not Kind.TRANSPARENT:
            refusals.append(refusal(f"{_AREA}/wrong-structure", words(0x6981), state))
    return Ruling(tuple(refusals)) if refusals or ef is None else None


def _known(target: Target) -> tuple[ElementaryFile, Content]:
    assert target.ef is not None
    return target.ef, target.selected.contents[target.ef][0]


def write_binary(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """The data field is combined with the bytes from the offset on."""
    target, offset = addressed(card, state, command)
    away = _refused(state, target, "write")
    if away is not None:
        return away
    ef, content = _known(target)
    data = command.data
    if not data or offset + len(data) > ef.size:
        return Ruling((refusal(f"{_AREA}/write-past-end", PAST_END, state),))
    requirement = written_by(_AREA, ef.behaviour)
    old = content.value[offset : offset + len(data)]
    sure = content.known is None or all(content.known[offset : offset + len(data)])
    if ef.behaviour is Behaviour.UNKNOWN or not sure:
        blank = Content.unknown(ef.size)
        after = target.selected.with_content(ef, 0, blank)
        allowed = words(0x9000, 0x6985, 0x6982)
        return Ruling((Outcome(requirement, allowed, staying(after)),))
    if ef.behaviour is Behaviour.ONE_TIME and any(old):
        again = words(0x6985, 0x6982, 0x6986, 0x6581)
        return Ruling((refusal(requirement, again, state),))
    new = content.updated(offset, combined(ef.behaviour, old, command))
    after = target.selected.with_content(ef, 0, replace(new, by=requirement))
    return Ruling((Outcome(requirement, words(0x9000), staying(after)),))


def erase_binary(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """The bytes from the offset up to the one in the data field, or to the end, are erased."""
    target, offset = addressed(card, state, command)
    if command.data and len(command.data) != 2:
        return Ruling((refusal(f"{_AREA}/erase-malformed", MALFORMED, state),))
    end = int.from_bytes(command.data, "big") if command.data else None
    return _erased(card, state, target, offset, end)


def _erased(
    card: Statement,
    state: State,
    target: Target,
    start: int,
    stop: int | None,
    requirement: str = "",
) -> Ruling:
    away = _refused(state, target, "update")
    if away is not None:
        return away
    ef, content = _known(target)
    end = ef.size if stop is None else stop
    if not start < end <= ef.size:
        allowed = OUTSIDE | MALFORMED
        return Ruling((refusal(f"{_AREA}/erase-outside", allowed, state),))
    plain = f"{_AREA}/erase-to-end" if stop is None else f"{_AREA}/erase-range"
    requirement = requirement or plain
    blank = erased(card, content, requirement, start, end)
    after = target.selected.with_content(ef, 0, blank)
    return Ruling((Outcome(requirement, words(0x9000), staying(after)),))


def search_binary(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """The offset, in two bytes, of the first place where the data field stands."""
    target, offset = addressed(card, state, command)
    return _found(state, target, offset, command.data, lambda place: place.to_bytes(2, "big"))


def _found(
    state: State, target: Target, start: int, pattern: bytes, coded: Callable[[int], bytes]
) -> Ruling:
    away = _refused(state, target, "read")
    if away is not None:
        return away
    ef, content = _known(target)
    if start >= ef.size:
        return Ruling((refusal(f"{_AREA}/search-outside", OUTSIDE | MALFORMED, state),))
    then = staying(target.selected)
    if content.known is not None and not all(content.known[start:]):
        anything = words(0x9000, 0x6282)
        place = Content.unknown(len(coded(0)))
        maybe = Outcome(f"{_AREA}/search-finds", anything, then, Exactly(place))
        return Ruling((maybe, Outcome(f"{_AREA}/search-none", NOTHING_FOUND, then)))
    place_at = content.value.find(pattern, start)
    if place_at < 0:
        return Ruling((Outcome(f"{_AREA}/search-none", NOTHING_FOUND, then),))
    rule = Exactly(Content(coded(place_at)))
    name = f"{_AREA}/search-from" if start else f"{_AREA}/search-finds"
    return Ruling((Outcome(name, words(0x9000), then, rule),))


def by_reference(card: Statement, state: State, command: CommandAPDU) -> Target:
    """The EF that P1-P2 of an odd code name: 0000 the current one, an SFI, or an FID."""
    number = command.p1 << 8 | command.p2
    if number < 31:
        return locate(card, state, number or None, "binary")
    for file in card.layout.children(state.df):
        if file.fid == number and isinstance(file, ElementaryFile):
            found = locate(card, replace(state, ef=file), None, "binary")
            selected = (
                found.selected
                if file is state.ef
                else replace(found.selected, record=0, pointer=None)
            )
            return replace(found, selected=selected)
    unknown = refusal(f"{_AREA}/odd-not-found", words(0x6A82, 0x6A86), state)
    return Target(None, state, (unknown,))


def read_odd(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """A data object 53 with the bytes from the offset (54) on, as many as Ne has room for."""
    offset = offset_in(command.data)
    if offset is None:
        return Ruling((refusal(f"{_AREA}/odd-malformed", MALFORMED, state),))
    target = by_reference(card, state, command)
    away = _refused(state, target, "read")
    if away is not None:
        return away
    ef, content = _known(target)
    if offset >= ef.size:
        return Ruling((refusal(f"{_AREA}/odd-outside", OUTSIDE | MALFORMED, state),))
    if command.ne is None:
        return Ruling((refusal(f"{_AREA}/odd-read", words(0x6700) | EXACT_LENGTH, state),))
    names = {0: "odd-read"}
    number = command.p1 << 8 | command.p2
    name = names.get(number, "odd-by-sfi" if number < 31 else "odd-by-identifier")
    then = staying(target.selected)
    whole = _wrapped(content, offset, ef.size - offset)
    outcomes = []
    for length in range(min(ef.size - offset, command.ne), -1, -1):
        part = _wrapped(content, offset, length)
        if len(part.value) <= command.ne:
            outcomes.append(Outcome(f"{_AREA}/{name}", words(0x9000, 0x6282), then, Exactly(part)))
            break
    if len(whole.value) > command.ne:
        outcomes.append(refusal(f"{_AREA}/{name}", words(0x6700) | EXACT_LENGTH, state))
    return Ruling(tuple(outcomes))


def _wrapped(content: Content, offset: int, length: int) -> Content:
    """The data object 53 with *length* bytes of *content* from *offset* on."""
    value = tlv.encode(DATA, content.value[offset : offset + length])
    if content.known is None:
        return Content(value, by=content.by)
    known = content.known[offset : offset + length]
    return Content(value, b"\x01" * (len(value) - length) + known, by=content.by)


def update_odd(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """The data (53) replace the bytes from the offset (54) on."""
    offset, data = offset_in(command.data), data_in(command.data)
    if offset is None or data is None:
        return Ruling((refusal(f"{_AREA}/odd-malformed", MALFORMED, state),))
    target = by_reference(card, state, command)
    away = _refused(state, target, "update")
    if away is not None:
        return away
    ef, content = _known(target)
    if offset + len(data) > ef.size:
        return Ruling((refusal(f"{_AREA}/odd-past-end", PAST_END, state),))
    requirement = f"{_AREA}/odd-update"
    new = replace(content.updated(offset, data), by=requirement)
    after = target.selected.with_content(ef, 0, new)
    return Ruling((Outcome(requirement, words(0x9000), staying(after)),))


def search_odd(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """SEARCH BINARY with data objects; the offset found comes as one (54)."""
    offset, pattern = offset_in(command.data), data_in(command.data)
    if offset is None or pattern is None:
        return Ruling((refusal(f"{_AREA}/odd-malformed", MALFORMED, state),))
    target = by_reference(card, state, command)
    ruling = _found(state, target, offset, pattern, _offset_object)
    return Ruling(tuple(map(_as_odd, ruling.outcomes)))


def _offset_object(place: int) -> bytes:
    return tlv.encode(OFFSET, place.to_bytes(2, "big"))


def _as_odd(outcome: Outcome) -> Outcome:
    found = {f"{_AREA}/search-finds", f"{_AREA}/search-from"}
    return (
        replace(outcome, requirement=f"{_AREA}/odd-search")
        if outcome.requirement in found
        else outcome
    )


def erase_odd(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """ERASE BINARY with up to two offset data objects: the first byte, and the one behind."""
    try:
        objects = tlv.parse(command.data)
    except tlv.MalformedTLV:
        objects = (tlv.DataObject(0, b""),)
    if len(objects) > 2 or any(item.tag != OFFSET for item in objects):
        return Ruling((refusal(f"{_AREA}/odd-malformed", MALFORMED, state),))
    offsets = [int.from_bytes(item.value, "big") for item in objects]
    start, stop = (*offsets, 0)[0], offsets[1] if len(offsets) > 1 else None
    target = by_reference(card, state, command)
    return _erased(card, state, target, start, stop, f"{_AREA}/odd-erase")


Rule = Callable[["Statement", State, "CommandAPDU"], Ruling]
RULES: Mapping[int, Rule] = {
    0xD0: write_binary,
    0x0E: erase_binary,
    0xA0: search_binary,
    0xB1: read_odd,
    0xD7: update_odd,
    0xA1: search_odd,
    0x0F: erase_odd,
}
"""The rules by instruction byte."""
