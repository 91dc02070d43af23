"""Commands on data objects: GET, GET NEXT and PUT DATA (ISO/IEC 7816-4:2020, 11.5).

With an even instruction code P1-P2 is the tag, and the data objects are those of the current EF
when it has BER-TLV structure, else those of the current DF. With an odd one P1-P2 names the EF
(0000 the current one, 3FFF the current DF) and the data field says which objects are meant.
"""

from __future__ import annotations

from simcard.commands.addressing import by_reference
from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.files.data_objects import DataObjectContent
from simcard.files.descriptors import Structure
from simcard.security.access import Right
from simcard.status import SW, CardError
from simcard.tlv import Tlv, TlvError, decode_tag, find, parse

_TAG_LIST = 0x5C
_CURRENT_DF = 0x3FFF


def _current(call: Call) -> DataObjectContent:
    """The data objects an even instruction code means; 6A88 when the DF has no room for any."""
    cell = call.session.ef
    if cell is not None and call.tree.files[cell].structure is Structure.DATA_OBJECTS:
        return call.data_objects(call.ef)
    return call.data_objects(call.df)


def _referenced(call: Call) -> DataObjectContent:
    """The data objects an odd instruction code means."""
    if call.command.p1p2 == _CURRENT_DF:
        return call.data_objects(call.df)
    return call.data_objects(by_reference(call))


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


def _tag_list(data: bytes) -> list[int]:
    """The tags in a tag list data object (5C); 6A80 when malformed or missing."""
    try:
        encoded = find(parse(data), _TAG_LIST)
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


@command("GET DATA", ins=0xCA, cases="2", clause="ISO/IEC 7816-4:2020, 11.5.3", right=Right.READ)
def get_data(call: Call) -> Reply:
    """The value field of the data object P1-P2; 6A88 when there is none, 6CXX when Ne is less."""
    value = _current(call).get(_tag(call))
    call.session = call.session._replace(data_object=_tag(call))
    if call.command.ne < len(value) and not call.command.asks_for_all:
        raise CardError(SW.exact_length(len(value)))
    return Reply(value)


@command("GET DATA", ins=0xCB, cases="4", clause="ISO/IEC 7816-4:2020, 11.5.3", right=Right.READ)
def get_data_objects(call: Call) -> Reply:
    """The data objects of the tag list in the data field, in its order; all for an empty list."""
    tags = _tag_list(call.command.data)
    content = _referenced(call)
    objects = content.all() if not tags else [Tlv(tag, content.get(tag)) for tag in tags]
    return Reply(b"".join(map(bytes, objects)))


@command(
    "GET NEXT DATA", ins=0xCC, cases="2", clause="ISO/IEC 7816-4:2020, 11.5.4", right=Right.READ
)
def get_next_data(call: Call) -> Reply:
    """The data object behind the current one, whole, and makes it current; 6A88 at the end.

    P1-P2 0000 takes any; another value takes the next with that tag. After SELECT none is current.
    """
    content = _current(call)
    wanted = _tag(call) if call.command.p1p2 else None
    return _next(call, content, set() if wanted is None else {wanted})


@command(
    "GET NEXT DATA", ins=0xCD, cases="4", clause="ISO/IEC 7816-4:2020, 11.5.4", right=Right.READ
)
def get_next_data_object(call: Call) -> Reply:
    """GET NEXT DATA among the tags of a tag list; an empty list takes any."""
    tags = set(_tag_list(call.command.data))
    return _next(call, _referenced(call), tags)


def _next(call: Call, content: DataObjectContent, tags: set[int]) -> Reply:
    tlv = content.after(call.session.data_object)
    while tags and tlv.tag not in tags:
        tlv = content.after(tlv.tag)
    call.session = call.session._replace(data_object=tlv.tag)
    return Reply(bytes(tlv))


@command("PUT DATA", ins=0xDA, cases="13", clause="ISO/IEC 7816-4:2020, 11.5.5", right=Right.UPDATE)
def put_data(call: Call) -> Reply:
    """Put the data field as the value of data object P1-P2; no data field takes the object away."""
    _current(call).put([Tlv(_tag(call), call.command.data)])
    return Reply()


@command("PUT DATA", ins=0xDB, cases="3", clause="ISO/IEC 7816-4:2020, 11.5.5", right=Right.UPDATE)
def put_data_objects(call: Call) -> Reply:
    """Put each data object of the data field; 6A80 when it is not BER-TLV."""
    try:
        objects = parse(call.command.data)
    except TlvError:
        raise CardError(SW.INCORRECT_DATA) from None
    _referenced(call).put(objects)
    return Reply()
