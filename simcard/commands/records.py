"""Commands on record EFs (ISO/IEC 7816-4:2020, 11.4).

P2 carries a short identifier in bits 8 to 4 and the kind of addressing in bits 3 to 1; P1 is a
record number or a record identifier. Addressing by identifier moves the record pointer, addressing
by number does not. 00 in P1 means the current record, or any identifier.
"""

from __future__ import annotations

from enum import IntEnum
from operator import and_, or_, xor

from simcard.commands.addressing import (
    TAG_DATA,
    TAG_DATA_CONSTRUCTED,
    TAG_OFFSET,
    as_discretionary_data,
    by_short_identifier,
    data_objects,
    discretionary_data,
    offset_of,
)
from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.files.descriptors import File
from simcard.files.records import RecordContent
from simcard.security.access import Right
from simcard.status import SW, CardError


class Addressing(IntEnum):
    """Bits 3 to 1 of P2 (ISO/IEC 7816-4:2020, table 76)."""

    FIRST = 0
    LAST = 1
    NEXT = 2
    PREVIOUS = 3
    NUMBER = 4
    FROM_NUMBER_TO_LAST = 5
    FROM_LAST_TO_NUMBER = 6
    RESERVED = 7

    @property
    def by_identifier(self) -> bool:
        """Whether P1 is a record identifier."""
        return self < Addressing.NUMBER


def _file(call: Call) -> File:
    """The EF that P2 means; 6A86 for the reserved value, 6A82, 6986."""
    sfi = call.command.p2 >> 3
    if sfi == 0x1F:
        raise CardError(SW.INCORRECT_P1_P2)
    return by_short_identifier(call, sfi)


def _number(call: Call, content: RecordContent) -> int:
    """The record that P1-P2 means; 6A83 when there is none, 6A86 for another addressing."""
    addressing = Addressing(call.command.p2 & 0x07)
    p1 = call.command.p1
    if addressing.by_identifier:
        number = _occurrence(content, addressing, p1, call.session.record)
        call.session = call.session._replace(record=number)
        return number
    if p1 == 0xFF:
        raise CardError(SW.INCORRECT_P1_P2)
    number = p1 or call.session.record
    if not 1 <= number <= content.count:
        raise CardError(SW.RECORD_NOT_FOUND)
    return number


def _occurrence(content: RecordContent, where: Addressing, identifier: int, pointer: int) -> int:
    """The number of the record with *identifier* (00: any) that is first, last, next, previous."""
    numbers = [
        number
        for number in range(1, content.count + 1)
        if identifier in (0, content.identifier(number))
    ]
    if pointer and where is Addressing.NEXT:
        numbers = [number for number in numbers if number > pointer]
    elif pointer and where is Addressing.PREVIOUS:
        numbers = [number for number in numbers if number < pointer]
    if not numbers:
        raise CardError(SW.RECORD_NOT_FOUND)
    return numbers[0] if where in (Addressing.FIRST, Addressing.NEXT) else numbers[-1]


@command("READ RECORD", ins=0xB2, cases="2", clause="ISO/IEC 7816-4:2020, 11.4.3", right=Right.READ)
def read_record(call: Call) -> Reply:
    """One record, or all from P1 to the last, or from the last to P1.

    6A83 when it does not exist. For one record: 6CXX when Ne is shorter than it, 6282 with the
    record when Ne is longer and does not ask for all. A deactivated record is left out: 6287.
    """
    content = call.records(_file(call))
    addressing = Addressing(call.command.p2 & 0x07)
    if addressing is Addressing.RESERVED:
        raise CardError(SW.INCORRECT_P1_P2)
    number = _number(call, content)
    if addressing in (Addressing.FROM_NUMBER_TO_LAST, Addressing.FROM_LAST_TO_NUMBER):
        step = 1 if addressing is Addressing.FROM_NUMBER_TO_LAST else -1
        return _several(content, range(number, content.count + 1)[::step])
    if not content.is_active(number):
        return Reply(sw=SW.RECORD_DEACTIVATED)
    record = content.read(number)
    if call.command.asks_for_all or call.command.ne == len(record):
        return Reply(record)
    if call.command.ne < len(record):
        raise CardError(SW.exact_length(len(record)))
    return Reply(record, SW.END_OF_FILE)


def _several(content: RecordContent, numbers: range) -> Reply:
    """The activated records among *numbers*; 6287 when there are others."""
    active = [number for number in numbers if content.is_active(number)]
    records = content.all()
    data = b"".join(records[number - 1] for number in active)
    return Reply(data, SW.OK if len(active) == len(numbers) else SW.RECORD_DEACTIVATED)


@command("READ RECORD", ins=0xB3, cases="4", clause="ISO/IEC 7816-4:2020, 11.4.3", right=Right.READ)
def read_record_part(call: Call) -> Reply:
    """A data object 53 with the bytes of one record from the offset (54); 6B00, 6287."""
    offset = offset_of(data_objects(call, (TAG_OFFSET,)))
    content = call.records(_file(call))
    if call.command.p2 & 0x07 != Addressing.NUMBER:
        raise CardError(SW.INCORRECT_P1_P2)
    number = _number(call, content)
    if not content.is_active(number):
        return Reply(sw=SW.RECORD_DEACTIVATED)
    record = content.read(number)
    if offset >= len(record):
        raise CardError(SW.OFFSET_OUTSIDE_EF)
    return Reply(as_discretionary_data(record[offset:], call.command.ne))


def _put(call: Call, content: RecordContent, file: File) -> int | None:
    """The record to be written, None for an APPEND: "previous" in a cyclic EF (11.4.5)."""
    addressing = Addressing(call.command.p2 & 0x07)
    if addressing > Addressing.NUMBER:
        raise CardError(SW.INCORRECT_P1_P2)
    assert file.structure is not None
    if file.structure.is_cyclic and addressing is Addressing.PREVIOUS and not call.command.p1:
        return None
    return _number(call, content)


@command(
    "WRITE RECORD", ins=0xD2, cases="3", clause="ISO/IEC 7816-4:2020, 11.4.4", right=Right.WRITE
)
def write_record(call: Call) -> Reply:
    """Combine a record with the data field as the file's write behaviour says; 6700, 6A83."""
    file = _file(call)
    content = call.records(file)
    number = _put(call, content, file)
    if number is None:
        return _append(call, content)
    content.write(number, call.command.data)
    return Reply()


@command(
    "UPDATE RECORD", ins=0xDC, cases="3", clause="ISO/IEC 7816-4:2020, 11.4.5", right=Right.UPDATE
)
def update_record(call: Call) -> Reply:
    """Replace a record by the data field: 6A83, 6700 for a wrong length, 6A84 when it is full."""
    file = _file(call)
    content = call.records(file)
    number = _put(call, content, file)
    if number is None:
        return _append(call, content)
    content.update(number, call.command.data)
    return Reply()


_COMBINATIONS = {4: lambda _, new: new, 5: and_, 6: or_, 7: xor}


@command(
    "UPDATE RECORD", ins=0xDD, cases="3", clause="ISO/IEC 7816-4:2020, 11.4.5", right=Right.UPDATE
)
def update_record_part(call: Call) -> Reply:
    """Replace, AND, OR or XOR part of a record from the offset (54); 6B00, 6A84."""
    objects = data_objects(call, (TAG_OFFSET, TAG_DATA, TAG_DATA_CONSTRUCTED))
    data, offset = discretionary_data(objects), offset_of(objects)
    content = call.records(_file(call))
    combine = _COMBINATIONS.get(call.command.p2 & 0x07)
    if combine is None:
        raise CardError(SW.INCORRECT_P1_P2)
    number = _number(call, content)
    record = content.read(number)
    end = offset + len(data)
    if offset >= len(record):
        raise CardError(SW.OFFSET_OUTSIDE_EF)
    if end > len(record):
        raise CardError(SW.NOT_ENOUGH_MEMORY)
    part = bytes(combine(old, new) for old, new in zip(record[offset:end], data, strict=True))
    content.update(number, record[:offset] + part + record[end:])
    return Reply()


@command(
    "APPEND RECORD", ins=0xE2, cases="3", clause="ISO/IEC 7816-4:2020, 11.4.6", right=Right.WRITE
)
def append_record(call: Call) -> Reply:
    """Add a record at the end, or as number 1 of a cyclic EF; 6A84 when a linear EF is full."""
    if call.command.p1 or call.command.p2 & 0x07:
        raise CardError(SW.INCORRECT_P1_P2)
    return _append(call, call.records(_file(call)))


def _append(call: Call, content: RecordContent) -> Reply:
    number = content.append(call.command.data)
    call.session = call.session._replace(record=number)
    return Reply()


def _range(call: Call, content: RecordContent) -> range:
    """Record P1, or all from P1 to the last; 6A86 for another addressing, 6A83."""
    addressing = call.command.p2 & 0x07
    if addressing not in (Addressing.NUMBER, Addressing.FROM_NUMBER_TO_LAST):
        raise CardError(SW.INCORRECT_P1_P2)
    first = _number(call, content)
    return range(first, (first if addressing == Addressing.NUMBER else content.count) + 1)


@command(
    "ERASE RECORD", ins=0x0C, cases="1", clause="ISO/IEC 7816-4:2020, 11.4.8", right=Right.UPDATE
)
def erase_record(call: Call) -> Reply:
    """Set record P1, or all from P1 to the last, to the erased state 00; 6985 if deactivated."""
    content = call.records(_file(call))
    for number in _range(call, content):
        content.erase(number)
    return Reply()


@command(
    "ACTIVATE RECORD",
    ins=0x08,
    cases="1",
    clause="ISO/IEC 7816-4:2020, 11.4.9",
    right=Right.ACTIVATE,
)
def activate_record(call: Call) -> Reply:
    """Activate record P1, or all from P1 to the last."""
    return _set_active(call, active=True)


@command(
    "DEACTIVATE RECORD",
    ins=0x06,
    cases="1",
    clause="ISO/IEC 7816-4:2020, 11.4.10",
    right=Right.DEACTIVATE,
)
def deactivate_record(call: Call) -> Reply:
    """Deactivate record P1, or all from P1 to the last: they are not read or changed any more."""
    return _set_active(call, active=False)


def _set_active(call: Call, *, active: bool) -> Reply:
    content = call.records(_file(call))
    for number in _range(call, content):
        content.set_active(number, active=active)
    return Reply()
