"""Commands on data objects: GET DATA, PUT DATA and their kin (ISO/IEC 7816-4:2020, 11.5).

With an even instruction code P1-P2 is the tag, and the data objects are those of the current EF
when it has BER-TLV structure, else those of the current DF. With an odd one P1-P2 names the EF
(0000 the current one, 3FFF the current DF) and the data field says which objects are meant. Among
several occurrences of a tag the current data object is meant, else the first.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from simcard.commands.addressing import by_reference
from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.files.data_objects import DataObjectContent
from simcard.files.descriptors import File, Structure
from simcard.security.access import Right
from simcard.status import SW, CardError
from simcard.tlv import Tlv, TlvError, decode_tag, find, parse

TAG_LIST: Final = 0x5C
CURRENT_DF: Final = 0x3FFF


class Place(NamedTuple):
    """A template, whether the session's pointer is about it, and where that points to."""

    content: DataObjectContent
    is_current: bool = False
    pointer: int | None = None

    def meant(self, tag: int) -> int:
        """The position of the occurrence of *tag* that is meant; 6A88 when there is none."""
        found = self.content.positions(tag)
        return self.pointer if self.pointer in found else found[0]

    def move(self, call: Call, position: int | None) -> None:
        """Make the data object at *position* the current one, or none."""
        if self.is_current:
            call.session = call.session._replace(data_object=position)


def current(call: Call) -> Place:
    """The current template; 6A88 when the current DF has no room for data objects."""
    content = call.data_objects(_home(call)).within(call.session.template)
    return Place(content, is_current=True, pointer=call.session.data_object)


def _home(call: Call) -> File:
    """The file that the current template belongs to."""
    cell = call.session.ef
    if cell is not None and call.tree.files[cell].structure is Structure.DATA_OBJECTS:
        return call.ef
    return call.df


def _referenced(call: Call) -> Place:
    """The template an odd instruction code means: the current one, or the content of another."""
    file = call.df if call.command.p1p2 == CURRENT_DF else by_reference(call)
    if file is _home(call):
        return current(call)
    return Place(call.data_objects(file))


def _tag(call: Call) -> int:
    """P1-P2 as a BER-TLV tag of one or two bytes; 6A86 for any other value."""
    tag = call.command.p1p2
    encoded = bytes([call.command.p2]) if call.command.p1 == 0 else tag.to_bytes(2, "big")
    try:
        decoded, end = decode_tag(encoded)
    except TlvError:
        raise CardError(SW.INCORRECT_P1_P2) from None
    if end != len(encoded) or decoded in (0x00, 0xFF):
        raise CardError(SW.INCORRECT_P1_P2)
    return decoded


def tag_list(data: bytes) -> list[int]:
    """The tags in a tag list data object (5C); 6A80 when malformed or missing."""
    try:
        encoded = find(parse(data), TAG_LIST)
        if encoded is None:
            raise CardError(SW.INCORRECT_DATA)
        tags = []
        offset = 0
        while offset < len(encoded):
            tag, offset = decode_tag(encoded, offset)
            tags.append(tag)
    except TlvError:
        raise CardError(SW.INCORRECT_DATA) from None
    return tags


def _given(call: Call) -> list[Tlv]:
    """The data objects of the data field; 6A80 when it is not BER-TLV."""
    try:
        return parse(call.command.data)
    except TlvError:
        raise CardError(SW.INCORRECT_DATA) from None


@command("GET DATA", ins=0xCA, cases="2", clause="ISO/IEC 7816-4:2020, 11.5.3", right=Right.READ)
def get_data(call: Call) -> Reply:
    """The value field of the data object P1-P2; 6A88 when there is none, 6CXX when Ne is less."""
    place = current(call)
    position = place.meant(_tag(call))
    place.move(call, position)
    value = place.content.at(position).value
    if call.command.ne < len(value) and not call.command.asks_for_all:
        raise CardError(SW.exact_length(len(value)))
    return Reply(value)


@command("GET DATA", ins=0xCB, cases="4", clause="ISO/IEC 7816-4:2020, 11.5.4", right=Right.READ)
def get_data_objects(call: Call) -> Reply:
    """The data objects of the tag list in the data field, in its order; all for an empty list."""
    tags = tag_list(call.command.data)
    place = _referenced(call)
    objects = place.content.all()
    if tags:
        objects = [objects[place.meant(tag)] for tag in tags]
    return Reply(b"".join(map(bytes, objects)))


@command(
    "GET NEXT DATA", ins=0xCC, cases="2", clause="ISO/IEC 7816-4:2020, 11.5.3", right=Right.READ
)
def get_next_data(call: Call) -> Reply:
    """The data object behind the current one, whole, and makes it current; 6A88 at the end.

    P1-P2 0000 takes any; another value takes the next with that tag. After SELECT none is current.
    """
    place = current(call)
    return _next(call, place, [_tag(call)] if call.command.p1p2 else [])


@command(
    "GET NEXT DATA", ins=0xCD, cases="4", clause="ISO/IEC 7816-4:2020, 11.5.4", right=Right.READ
)
def get_next_data_object(call: Call) -> Reply:
    """GET NEXT DATA among the tags of a tag list; an empty list takes any."""
    tags = tag_list(call.command.data)
    return _next(call, _referenced(call), tags)


def _next(call: Call, place: Place, tags: Collection[int]) -> Reply:
    position = place.content.after(place.pointer, tags)
    place.move(call, position)
    return Reply(bytes(place.content.at(position)))


@command("PUT DATA", ins=0xDA, cases="13", clause="ISO/IEC 7816-4:2020, 11.5.6", right=Right.UPDATE)
def put_data(call: Call) -> Reply:
    """Put the data field as the value of data object P1-P2; no data field takes the object away."""
    _put(call, current(call), [Tlv(_tag(call), call.command.data)])
    return Reply()


@command("PUT DATA", ins=0xDB, cases="3", clause="ISO/IEC 7816-4:2020, 11.5.6", right=Right.UPDATE)
def put_data_objects(call: Call) -> Reply:
    """Put each data object of the data field; 6A80 when it is not BER-TLV."""
    objects = _given(call)
    _put(call, _referenced(call), objects)
    return Reply()


def _put(call: Call, place: Place, objects: list[Tlv]) -> None:
    """Replace, or append, or take away what is empty; 6A84 when they do not all fit."""
    for tlv in objects:
        there = any(old.tag == tlv.tag for old in place.content.all())
        if not tlv.value:
            if there:
                place.content.replace(place.meant(tlv.tag), [])
                place.move(call, None)
                place = place._replace(pointer=None)
        elif there:
            place.content.replace(place.meant(tlv.tag), [tlv])
        else:
            place.content.append([tlv])


@command(
    "PUT NEXT DATA", ins=0xD8, cases="3", clause="ISO/IEC 7816-4:2020, 11.5.7", right=Right.UPDATE
)
def put_next_data(call: Call) -> Reply:
    """Add a data object P1-P2 behind all others, as another occurrence if need be; 6A84."""
    _append(call, current(call), [Tlv(_tag(call), call.command.data)])
    return Reply()


@command(
    "PUT NEXT DATA", ins=0xD9, cases="3", clause="ISO/IEC 7816-4:2020, 11.5.7", right=Right.UPDATE
)
def put_next_data_objects(call: Call) -> Reply:
    """Add the data objects of the data field behind all others; the last one becomes current."""
    objects = _given(call)
    _append(call, _referenced(call), objects)
    return Reply()


def _append(call: Call, place: Place, objects: list[Tlv]) -> None:
    place.content.append(objects)
    place.move(call, len(place.content.all()) - 1)


@command(
    "UPDATE DATA", ins=0xDE, cases="3", clause="ISO/IEC 7816-4:2020, 11.5.8", right=Right.UPDATE
)
def update_data(call: Call) -> Reply:
    """Replace the value of the data object P1-P2, which must be there (6A88); 6A84."""
    _update(current(call), [Tlv(_tag(call), call.command.data)])
    return Reply()


@command(
    "UPDATE DATA", ins=0xDF, cases="3", clause="ISO/IEC 7816-4:2020, 11.5.8", right=Right.UPDATE
)
def update_data_objects(call: Call) -> Reply:
    """Replace the values of the data objects in the data field, which must all be there."""
    objects = _given(call)
    _update(_referenced(call), objects)
    return Reply()


def _update(place: Place, objects: list[Tlv]) -> None:
    for tlv in objects:
        place.content.replace(place.meant(tlv.tag), [tlv])


@command("DELETE DATA", ins=0xEE, cases="13", clause="ISO/IEC 7816-9:2017, 7.9", right=Right.UPDATE)
def delete_data(call: Call) -> Reply:
    """Delete the data object P1-P2, or those of a tag list when P1-P2 is 0000; 6A88, 6A87."""
    if (call.command.p1p2 == 0) != bool(call.command.data):
        raise CardError(SW.NC_INCONSISTENT_WITH_P1_P2)
    tags = tag_list(call.command.data) if call.command.data else [_tag(call)]
    place = current(call)
    for tag in tags:
        place.content.replace(place.meant(tag), [])
        place.move(call, None)
        place = place._replace(pointer=None)
    return Reply()
