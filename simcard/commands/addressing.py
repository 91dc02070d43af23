"""How commands name the EF they mean: by short identifier, by file identifier, or not at all.

The rules are the same for data units, records and data objects (ISO/IEC 7816-4:2020, 11.3.2,
11.4.2 and 11.5.2); naming a file makes it the current EF and leaves no record current.
"""

from __future__ import annotations

from collections.abc import Iterable

from simcard.commands.call import Call
from simcard.files.descriptors import File
from simcard.status import SW, CardError
from simcard.tlv import Tlv, TlvError, encode, find, parse

TAG_OFFSET = 0x54
TAG_DATA = 0x53
TAG_DATA_CONSTRUCTED = 0x73


def by_short_identifier(call: Call, sfi: int) -> File:
    """The EF *sfi* of the current DF, made current; the current EF for 0. 6A82 or 6986."""
    if sfi == 0:
        return call.ef
    return _make_current(call, call.tree.by_sfi.get((call.session.df, sfi)))


def by_reference(call: Call) -> File:
    """The EF that P1-P2 of an odd instruction code names: SFI, file identifier, or 0000."""
    reference = call.command.p1p2
    if reference & 0xFFE0 == 0 and reference != 0x1F:
        return by_short_identifier(call, reference)
    file = call.tree.child(call.df, reference)
    return _make_current(call, None if file is None or file.is_df else file)


def _make_current(call: Call, file: File | None) -> File:
    if file is None:
        raise CardError(SW.FILE_NOT_FOUND)
    if file.cell != call.session.ef:
        call.session = call.session._replace(ef=file.cell, record=0, data_object=None, template=())
    return file


def data_objects(call: Call, allowed: Iterable[int]) -> list[Tlv]:
    """The data objects of the command data field; 6A80 when malformed or of another tag."""
    try:
        objects = parse(call.command.data)
    except TlvError:
        raise CardError(SW.INCORRECT_DATA) from None
    if any(tlv.tag not in allowed for tlv in objects):
        raise CardError(SW.INCORRECT_DATA)
    return objects


def offset_of(objects: list[Tlv]) -> int:
    """What the offset data object (54) says, 0 when there is none; 6A80 when it is too long."""
    value = find(objects, TAG_OFFSET) or b""
    if len(value) > 4:
        raise CardError(SW.INCORRECT_DATA)
    return int.from_bytes(value, "big")


def discretionary_data(objects: list[Tlv]) -> bytes:
    """The value of the one discretionary data object (53 or 73); 6A80 when there is none."""
    values = [tlv.value for tlv in objects if tlv.tag in (TAG_DATA, TAG_DATA_CONSTRUCTED)]
    if len(values) != 1:
        raise CardError(SW.INCORRECT_DATA)
    return values[0]


def as_discretionary_data(content: bytes, ne: int) -> bytes:
    """A data object 53 of at most *ne* bytes with as much of *content* as fits; 6700 if none is."""
    for overhead in range(2, 6):  # the tag, and a length field of one to four bytes
        encoded = encode(TAG_DATA, content[: max(ne - overhead, 0)])
        if len(encoded) <= ne:
            return encoded
    raise CardError(SW.WRONG_LENGTH)
