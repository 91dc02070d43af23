"""The current data object and the current template: SELECT DATA, and SELECT with a P1 for them.

ISO/IEC 7816-4:2020, 7.2 and 11.5.2. Selecting a constructed data object with SELECT makes its value
the current template, in which the next commands find their data objects.
"""

from __future__ import annotations

from typing import Final

from simcard.commands.call import Call
from simcard.commands.data import TAG_LIST, current, tag_list
from simcard.commands.declaration import Reply, command
from simcard.files.descriptors import TAG_FCP, TAG_SIZE
from simcard.security.access import Right
from simcard.status import SW, CardError
from simcard.tlv import Tlv, TlvError, decode_tag, encode, parse

_GENERAL_REFERENCE: Final = 0x60
_NO_ANSWER: Final = 0x0C
_FIRST, _LAST, _NEXT, _PREVIOUS = range(4)


def select_data_object(call: Call) -> Tlv:
    """Make an occurrence of a tag current, and its value the current template if constructed.

    The data field is the tag (6A87), P2 says which occurrence in the current template (6A88).
    """
    tag = _tag_alone(call.command.data)
    place = current(call)
    occurrence = call.command.p2 & 0x03
    found = place.content.positions(tag)
    if place.pointer is not None and occurrence == _NEXT:
        found = [position for position in found if position > place.pointer]
    elif place.pointer is not None and occurrence == _PREVIOUS:
        found = [position for position in found if position < place.pointer]
    if not found:
        raise CardError(SW.REFERENCED_DATA_NOT_FOUND)
    position = found[0] if occurrence in (_FIRST, _NEXT) else found[-1]
    chosen = place.content.at(position)
    if chosen.constructed:
        inside = (*call.session.template, position)
        call.session = call.session._replace(template=inside, data_object=None)
    else:
        place.move(call, position)
    return chosen


def select_parent(call: Call) -> Tlv:
    """Leave the current template for the one around it; 6A88 when there is none, 6A87."""
    if call.command.data:
        raise CardError(SW.NC_INCONSISTENT_WITH_P1_P2)
    if not call.session.template:
        raise CardError(SW.REFERENCED_DATA_NOT_FOUND)
    *around, position = call.session.template
    call.session = call.session._replace(template=tuple(around), data_object=position)
    return current(call).content.at(position)


def control_parameters(chosen: Tlv) -> bytes:
    """The control parameters of a data object: the size of its value field."""
    return bytes(Tlv(TAG_SIZE, len(chosen.value).to_bytes(2, "big")))


def _tag_alone(data: bytes) -> int:
    try:
        tag, end = decode_tag(data)
    except TlvError:
        raise CardError(SW.NC_INCONSISTENT_WITH_P1_P2) from None
    if end != len(data):
        raise CardError(SW.NC_INCONSISTENT_WITH_P1_P2)
    return tag


@command(
    "SELECT DATA", ins=0xA5, cases="34", clause="ISO/IEC 7816-4:2020, 11.5.2", right=Right.READ
)
def select_data(call: Call) -> Reply:
    """Make occurrence P1 (00 the first) of a tag the current data object; 6A88.

    The data field is a tag list with one tag, perhaps in a general reference template (60). P2 00
    and 04 answer the control parameters (62) when there is an Le field, 0C nothing.
    """
    if call.command.p2 not in (0x00, 0x04, _NO_ANSWER):
        raise CardError(SW.INCORRECT_P1_P2)
    tags = tag_list(_reference(call.command.data))
    if len(tags) != 1:
        raise CardError(SW.INCORRECT_DATA)
    place = current(call)
    found = place.content.positions(tags[0])
    if call.command.p1 >= len(found):
        raise CardError(SW.REFERENCED_DATA_NOT_FOUND)
    position = found[call.command.p1]
    place.move(call, position)
    if call.command.p2 == _NO_ANSWER or call.command.expected is None:
        return Reply()
    return Reply(encode(TAG_FCP, control_parameters(place.content.at(position))))


def _reference(data: bytes) -> bytes:
    """The tag list, taken out of a general reference template; 6A80 when there is none."""
    try:
        objects = parse(data)
    except TlvError:
        raise CardError(SW.INCORRECT_DATA) from None
    if [tlv.tag for tlv in objects] == [_GENERAL_REFERENCE]:
        return objects[0].value
    if [tlv.tag for tlv in objects] != [TAG_LIST]:
        raise CardError(SW.INCORRECT_DATA)
    return data
