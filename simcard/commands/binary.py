"""Commands on transparent EFs (ISO/IEC 7816-4:2020, 11.3).

With an even instruction code P1-P2 carries an offset of 15 bits, or, when bit 8 of P1 is set, a
short identifier and an offset of 8 bits. With an odd one P1-P2 names the EF, and the data field
carries data objects: the offset (54) and the discretionary data (53 or 73).
"""

from __future__ import annotations

from simcard.commands.addressing import (
    TAG_DATA,
    TAG_DATA_CONSTRUCTED,
    TAG_OFFSET,
    as_discretionary_data,
    by_reference,
    by_short_identifier,
    data_objects,
    discretionary_data,
    offset_of,
)
from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.files.descriptors import File
from simcard.security.access import Right
from simcard.status import SW, CardError
from simcard.tlv import encode

_OFFSET_SIZE = 2
_WITH_DATA = (TAG_OFFSET, TAG_DATA, TAG_DATA_CONSTRUCTED)


def _addressed(call: Call) -> tuple[File, int]:
    """The EF and the offset that an even instruction code means; 6A86, 6A82, 6986."""
    command = call.command
    p1 = command.p1
    if not p1 & 0x80:
        return call.ef, p1 << 8 | command.p2
    if p1 & 0x60 or p1 & 0x1F in (0, 0x1F):
        raise CardError(SW.INCORRECT_P1_P2)
    return by_short_identifier(call, p1 & 0x1F), command.p2


def _coded(offset: int) -> bytes:
    """*offset* in two bytes, in more where an EF is so large."""
    return offset.to_bytes(max(_OFFSET_SIZE, (offset.bit_length() + 7) // 8), "big")


@command("READ BINARY", ins=0xB0, cases="2", clause="ISO/IEC 7816-4:2020, 11.3.3", right=Right.READ)
def read_binary(call: Call) -> Reply:
    """Ne bytes from the offset; 6282 with fewer when the EF ends before, 6B00 outside it."""
    file, offset = _addressed(call)
    command = call.command
    ne = command.expected or 0
    data = call.read_bytes(file, offset, ne)
    if len(data) == ne or command.asks_for_all:
        return Reply(data)
    return Reply(data, SW.END_OF_FILE)


@command("READ BINARY", ins=0xB1, cases="4", clause="ISO/IEC 7816-4:2020, 11.3.3", right=Right.READ)
def read_binary_object(call: Call) -> Reply:
    """A data object 53 with bytes from the offset, at most Ne bytes long in all."""
    offset = offset_of(data_objects(call, (TAG_OFFSET,)))
    content = call.transparent(by_reference(call))
    ne = call.command.ne
    return Reply(as_discretionary_data(content.read(offset, ne), ne))


@command(
    "WRITE BINARY", ins=0xD0, cases="3", clause="ISO/IEC 7816-4:2020, 11.3.4", right=Right.WRITE
)
def write_binary(call: Call) -> Reply:
    """Combine the bytes at the offset with the data field; 6B00 outside, 6A84 past the end."""
    file, offset = _addressed(call)
    call.transparent(file).write(offset, call.command.data)
    return Reply()


@command(
    "WRITE BINARY", ins=0xD1, cases="3", clause="ISO/IEC 7816-4:2020, 11.3.4", right=Right.WRITE
)
def write_binary_object(call: Call) -> Reply:
    """WRITE BINARY with the offset and the data in data objects."""
    objects = data_objects(call, _WITH_DATA)
    data = discretionary_data(objects)
    call.transparent(by_reference(call)).write(offset_of(objects), data)
    return Reply()


@command(
    "UPDATE BINARY", ins=0xD6, cases="3", clause="ISO/IEC 7816-4:2020, 11.3.5", right=Right.UPDATE
)
def update_binary(call: Call) -> Reply:
    """Replace the bytes at the offset by the data field; 6B00 outside, 6A84 past the end."""
    file, offset = _addressed(call)
    call.transparent(file).update(offset, call.command.data)
    return Reply()


@command(
    "UPDATE BINARY", ins=0xD7, cases="3", clause="ISO/IEC 7816-4:2020, 11.3.5", right=Right.UPDATE
)
def update_binary_object(call: Call) -> Reply:
    """UPDATE BINARY with the offset and the data in data objects."""
    objects = data_objects(call, _WITH_DATA)
    data = discretionary_data(objects)
    call.transparent(by_reference(call)).update(offset_of(objects), data)
    return Reply()


@command(
    "SEARCH BINARY", ins=0xA0, cases="4", clause="ISO/IEC 7816-4:2020, 11.3.6", right=Right.READ
)
def search_binary(call: Call) -> Reply:
    """The offset of the first match from the offset on, 2 bytes or more; 6282 if there is none."""
    file, offset = _addressed(call)
    found = call.transparent(file).search(offset, call.command.data)
    if found is None:
        return Reply(sw=SW.END_OF_FILE)
    return Reply(_coded(found))


@command(
    "SEARCH BINARY", ins=0xA1, cases="4", clause="ISO/IEC 7816-4:2020, 11.3.6", right=Right.READ
)
def search_binary_object(call: Call) -> Reply:
    """SEARCH BINARY with data objects: the offset found comes as an offset data object (54)."""
    objects = data_objects(call, _WITH_DATA)
    pattern = discretionary_data(objects)
    found = call.transparent(by_reference(call)).search(offset_of(objects), pattern)
    if found is None:
        return Reply(sw=SW.END_OF_FILE)
    return Reply(encode(TAG_OFFSET, _coded(found)))


@command(
    "ERASE BINARY", ins=0x0E, cases="13", clause="ISO/IEC 7816-4:2020, 11.3.7", right=Right.UPDATE
)
def erase_binary(call: Call) -> Reply:
    """Set the bytes from the offset to the erased state 00.

    Up to, not including, the offset in the data field (2 bytes), else up to the end. 6B00 when
    the offsets are not in order or not inside; 6A80 for a data field of another length.
    """
    file, offset = _addressed(call)
    content = call.transparent(file)
    data = call.command.data
    if data and len(data) != _OFFSET_SIZE:
        raise CardError(SW.INCORRECT_DATA)
    content.erase(offset, int.from_bytes(data, "big") if data else content.size)
    return Reply()


@command(
    "ERASE BINARY", ins=0x0F, cases="13", clause="ISO/IEC 7816-4:2020, 11.3.7", right=Right.UPDATE
)
def erase_binary_object(call: Call) -> Reply:
    """ERASE BINARY with up to two offset data objects (54): the first byte, and the one behind."""
    offsets = [offset_of([tlv]) for tlv in data_objects(call, (TAG_OFFSET,))]
    if len(offsets) > 2:
        raise CardError(SW.INCORRECT_DATA)
    content = call.transparent(by_reference(call))
    start, end = [*offsets, *[0, content.size][len(offsets) :]]
    content.erase(start, end)
    return Reply()
