"""GET DATA, GET NEXT DATA and PUT DATA (ISO/IEC 7816-4:2020, 11.5), in EFs that were created.

Of those the judge knows every data object. With an even instruction code P1-P2 is the tag, with an
odd one the data field lists tags or holds the data objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance import tlv
from conformance.layout import ElementaryFile
from conformance.model.addressing import WRONG_P1_P2, anything, barred, locate, refusal, staying
from conformance.model.exact import Exactly
from conformance.model.outcome import Outcome, Ruling, words
from conformance.model.stages import remembering
from conformance.model.state import Content, State
from conformance.tlv import DataObject

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU
    from conformance.statement import Statement

_AREA = "7816-4/object"
NOT_FOUND = words(0x6A88)
MALFORMED = words(0x6A80, 0x6A87, 0x6700, 0x6A88)
TAG_LIST = 0x5C
UNSAID = -1
"""The position of the current data object when one was taken away: the standard does not say."""
Objects = tuple[DataObject, ...]


def _home(state: State) -> ElementaryFile | None:
    """The current EF, when the judge knows its data objects."""
    return state.ef if state.ef is not None and state.ef in state.objects else None


def _refused(card: Statement, state: State, ef: ElementaryFile, action: str) -> Ruling | None:
    closed = list(locate(card, state, None, "object").refusals)
    right = ef.read if action == "read" else ef.update
    closed += barred(state, right, f"7816-4/access/{action}-refused")
    return Ruling(tuple(closed)) if closed else None


def _tag(command: CommandAPDU) -> int | None:
    """P1-P2 as a tag of one byte (P1 = 00) or two; None for any other value."""
    coded = bytes((command.p2,)) if not command.p1 else bytes((command.p1, command.p2))
    try:
        tags = tlv.parse_tags(coded)
    except tlv.MalformedTLV:
        return None
    return tags[0] if len(tags) == 1 and coded not in {b"\x00", b"\xff"} else None


def get_data(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """The value field of the data object P1-P2, which is current then."""
    ef = _home(state)
    if ef is None:
        return anything(state)
    away = _refused(card, state, ef, "read")
    if away is not None:
        return away
    tag = _tag(command)
    if tag is None:
        return Ruling((refusal(f"{_AREA}/reserved-tag", WRONG_P1_P2 | NOT_FOUND, state),))
    position = _meant(state, state.objects[ef], tag)
    if position is None:
        return Ruling((refusal(f"{_AREA}/get-missing", NOT_FOUND, state),))
    value = state.objects[ef][position].value
    after = replace(state, pointer=position, moved_by=f"{_AREA}/next-after-get")
    ne = command.ne
    if ne is None:
        allowed = words(0x6700, 0x6C00 | len(value) & 0xFF, 0x6100 | len(value) & 0xFF)
        return Ruling((refusal(f"{_AREA}/get-value", allowed, state),))
    if ne < len(value):
        short = f"{_AREA}/get-short-le"
        exact = refusal(short, words(0x6C00 | len(value) & 0xFF, 0x6700), state)
        rule = Exactly(Content(value))
        part = Exactly(Content(value[:ne]))
        some = Outcome(short, words(0x6100 | len(value) - ne), remembering(after, rule), part)
        return Ruling((exact, some))
    rule = Exactly(Content(value, by=state.put_by.get(tag, "")))
    return Ruling((Outcome(f"{_AREA}/get-value", words(0x9000), staying(after), rule),))


def _meant(state: State, objects: Objects, tag: int) -> int | None:
    """The position of the occurrence that is current, else of the first one."""
    found = [place for place, item in enumerate(objects) if item.tag == tag]
    if state.pointer in found:
        return state.pointer
    return found[0] if found else None


def _list(field: bytes) -> tuple[int, ...] | None:
    try:
        coded = tlv.find(tlv.parse(field), TAG_LIST)
        return None if coded is None else tlv.parse_tags(coded)
    except tlv.MalformedTLV:
        return None


def get_listed(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """The data objects whose tags are listed, in the order of the list; all for an empty list."""
    ef = _home(state)
    if ef is None or command.p1 or command.p2:
        return anything(state)
    away = _refused(card, state, ef, "read")
    if away is not None:
        return away
    tags = _list(command.data)
    if tags is None:
        return Ruling((refusal(f"{_AREA}/list-malformed", MALFORMED, state),))
    objects = state.objects[ef]
    places = [_meant(state, objects, tag) for tag in tags] if tags else list(range(len(objects)))
    if None in places:
        return Ruling((refusal(f"{_AREA}/list-missing", NOT_FOUND, state),))
    data = b"".join(
        tlv.encode(objects[place].tag, objects[place].value)
        for place in places
        if place is not None
    )
    requirement = f"{_AREA}/{'list-order' if tags else 'list-all'}"
    rule = Exactly(Content(data))
    ne = command.ne or 0
    if ne >= len(data):
        return Ruling((Outcome(requirement, words(0x9000), staying(state), rule),))
    part = Exactly(Content(data[:ne]))
    more = words(0x6100 | min(len(data) - ne, 256) & 0xFF)
    short = Outcome(requirement, more, remembering(state, rule), part)
    return Ruling((short, refusal(requirement, words(0x6700, 0x6C00 | len(data) & 0xFF), state)))


def get_next(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """The whole data object behind the current one, perhaps the next with the tag P1-P2."""
    ef = _home(state)
    if ef is None:
        return anything(state)
    away = _refused(card, state, ef, "read")
    if away is not None:
        return away
    if state.pointer == UNSAID:
        return anything(state)
    tag = _tag(command) if command.p1 or command.p2 else None
    objects = state.objects[ef]
    start = 0 if state.pointer is None else state.pointer + 1
    places = [n for n in range(start, len(objects)) if tag is None or objects[n].tag == tag]
    if not places:
        return Ruling((refusal(f"{_AREA}/next-end", NOT_FOUND, state),))
    chosen = objects[places[0]]
    after = replace(state, pointer=places[0], moved_by="")
    rule = Exactly(Content(tlv.encode(chosen.tag, chosen.value)))
    name = f"{_AREA}/{'next-order' if tag is None else 'next-with-tag'}"
    if tag is None and state.pointer is not None and state.moved_by:
        name = state.moved_by
    if command.ne is not None and command.ne < len(rule.content.value):
        return anything(state)
    return Ruling((Outcome(name, words(0x9000), staying(after), rule),))


def put_data(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """The data field is the value of the data object P1-P2 from now on; none takes it away."""
    tag = _tag(command)
    if tag is None and _home(state) is not None:
        return Ruling((refusal(f"{_AREA}/reserved-tag", WRONG_P1_P2 | MALFORMED, state),))
    return _put(card, state, (DataObject(tag or 0, command.data),))


def put_listed(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """Each data object of the data field is put."""
    if command.p1 or command.p2:
        return anything(state)
    try:
        objects = tlv.parse(command.data, padding=b"")
    except tlv.MalformedTLV:
        return Ruling((refusal(f"{_AREA}/put-malformed", MALFORMED, state),))
    return _put(card, state, objects, several=True)


def _put(card: Statement, state: State, new: Objects, *, several: bool = False) -> Ruling:
    ef = _home(state)
    if ef is None:
        return anything(state)
    away = _refused(card, state, ef, "update")
    if away is not None:
        return away
    held = list(state.objects[ef])
    name, pointer = "put-adds", state.pointer
    for item in new:
        place = _meant(state, tuple(held), item.tag)
        if not item.value:
            name = "put-empty"
            if place is not None:
                del held[place]
                pointer = UNSAID
        elif place is None:
            held.append(item)
        else:
            name = "put-replaces"
            held[place] = item
    size = sum(len(tlv.encode(item.tag, item.value)) for item in held)
    requirement = f"{_AREA}/{'put-several' if several else name}"
    if size > ef.size:
        return Ruling((refusal(f"{_AREA}/put-full", words(0x6A84), state),))
    put_by = {**state.put_by}
    if requirement != f"{_AREA}/put-adds":
        put_by |= {item.tag: requirement for item in new}
    objects = {**state.objects, ef: tuple(held)}
    after = replace(state, objects=objects, pointer=pointer, put_by=put_by)
    return Ruling((Outcome(requirement, words(0x9000), staying(after)),))


Rule = Callable[["Statement", State, "CommandAPDU"], Ruling]
RULES: Mapping[int, Rule] = {
    0xCA: get_data,
    0xCB: get_listed,
    0xCC: get_next,
    0xDA: put_data,
    0xDB: put_listed,
}
"""The rules by instruction byte."""
