"""Commands on parts of files, and those that make, end and bring back files, for cases to send.

ISO/IEC 7816-4:2020, 11.3 to 11.5, and ISO/IEC 7816-9:2017, clause 7.
"""

from __future__ import annotations

from dataclasses import dataclass

from conformance import tlv
from conformance.apdu import CommandAPDU
from conformance.commands import ALL
from conformance.layout import Behaviour, Kind
from conformance.model.recordparts import DATA, OFFSET
from conformance.model.templates import (
    COMPACT,
    DESCRIPTOR,
    DESCRIPTORS,
    FCP,
    IDENTIFIER,
    NAME,
    SHORT_IDENTIFIER,
    SIZE,
)

BYTE_UNITS = 0x01
"""Data units of one byte, in the data coding byte."""
EVERYTHING_ALWAYS = tlv.encode(COMPACT, b"\x7f" + bytes(7))
"""The compact security attribute of a file with which anybody may do everything."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A file to be created: its structure, size or record size, and attributes."""

    kind: Kind
    fid: int
    size: int = 32
    records: int = 4
    sfi: int | None = None
    name: bytes = b""
    behaviour: Behaviour = Behaviour.OR
    security: bytes = EVERYTHING_ALWAYS

    def template(self) -> bytes:
        """The FCP template (62) for CREATE FILE."""
        descriptor = bytes((DESCRIPTORS[self.kind],))
        size = b""
        if self.kind.has_records:
            descriptor += bytes((self.behaviour.value | BYTE_UNITS,))
            descriptor += self.size.to_bytes(2, "big") + bytes((self.records,))
            size = (self.size * self.records).to_bytes(2, "big")
        elif self.kind is not Kind.DF:
            descriptor += bytes((self.behaviour.value | BYTE_UNITS,))
            size = self.size.to_bytes(2, "big")
        field = tlv.encode(DESCRIPTOR, descriptor)
        field += tlv.encode(IDENTIFIER, self.fid.to_bytes(2, "big"))
        field += tlv.encode(SIZE, size) if size else b""
        field += tlv.encode(NAME, self.name) if self.name else b""
        if self.kind is not Kind.DF:  # an empty value says that the EF has no short identifier
            field += tlv.encode(SHORT_IDENTIFIER, bytes((self.sfi << 3,)) if self.sfi else b"")
        return tlv.encode(FCP, field + self.security)


def create_file(template: bytes) -> CommandAPDU:
    """CREATE FILE with the FCP *template*."""
    return CommandAPDU(0x00, 0xE0, 0x00, 0x00, template)


def delete_file(fid: int | None = None) -> CommandAPDU:
    """DELETE FILE: the current file, or the one with *fid* under the current DF."""
    return _on_file(0xE4, fid)


def activate_file(fid: int | None = None) -> CommandAPDU:
    """ACTIVATE FILE."""
    return _on_file(0x44, fid)


def deactivate_file(fid: int | None = None) -> CommandAPDU:
    """DEACTIVATE FILE."""
    return _on_file(0x04, fid)


def terminate_ef(fid: int | None = None) -> CommandAPDU:
    """TERMINATE EF."""
    return _on_file(0xE8, fid)


def terminate_df(fid: int | None = None) -> CommandAPDU:
    """TERMINATE DF."""
    return _on_file(0xE6, fid)


def _on_file(ins: int, fid: int | None) -> CommandAPDU:
    return CommandAPDU(0x00, ins, 0x00, 0x00, b"" if fid is None else fid.to_bytes(2, "big"))


def append_record(data: bytes, sfi: int = 0) -> CommandAPDU:
    """APPEND RECORD."""
    return CommandAPDU(0x00, 0xE2, 0x00, sfi << 3, data)


def write_record(number: int, data: bytes, mode: int = 4) -> CommandAPDU:
    """WRITE RECORD."""
    return CommandAPDU(0x00, 0xD2, number, mode, data)


def search_record(start: int, pattern: bytes, mode: int = 4) -> CommandAPDU:
    """SEARCH RECORD: mode 4 forward, 5 backward, 6 enhanced."""
    return CommandAPDU(0x00, 0xA2, start, mode, pattern, ALL)


def erase_record(number: int, mode: int = 4) -> CommandAPDU:
    """ERASE RECORD: mode 4 the record, 5 all from it to the last."""
    return CommandAPDU(0x00, 0x0C, number, mode)


def offset_object(offset: int) -> bytes:
    """An offset data object (54)."""
    return tlv.encode(OFFSET, offset.to_bytes(2, "big"))


def data_object(data: bytes) -> bytes:
    """A discretionary data object (53)."""
    return tlv.encode(DATA, data)


def read_part(number: int, offset: int) -> CommandAPDU:
    """READ RECORD with the odd instruction code: record *number* from *offset* on."""
    return CommandAPDU(0x00, 0xB3, number, 0x04, offset_object(offset), ALL)


def update_part(number: int, offset: int, data: bytes, mode: int = 4) -> CommandAPDU:
    """UPDATE RECORD with the odd code: mode 4 replaces, 5 AND, 6 OR, 7 exclusive OR."""
    return CommandAPDU(0x00, 0xDD, number, mode, offset_object(offset) + data_object(data))


def odd(ins: int, reference: int, data: bytes, ne: int | None = None) -> CommandAPDU:
    """A binary command with an odd instruction code, P1-P2 naming the EF."""
    return CommandAPDU(0x00, ins, reference >> 8, reference & 0xFF, data, ne)


def get_data(tag: int, ne: int | None = ALL) -> CommandAPDU:
    """GET DATA of one data object."""
    return CommandAPDU(0x00, 0xCA, tag >> 8, tag & 0xFF, b"", ne)


def get_listed(*tags: int, ne: int = ALL) -> CommandAPDU:
    """GET DATA of the data objects in a tag list."""
    coded = tlv.encode(0x5C, b"".join(map(tlv.encode_tag, tags)))
    return CommandAPDU(0x00, 0xCB, 0x00, 0x00, coded, ne)


def get_next(tag: int = 0) -> CommandAPDU:
    """GET NEXT DATA, perhaps with a tag."""
    return CommandAPDU(0x00, 0xCC, tag >> 8, tag & 0xFF, b"", ALL)


def put_data(tag: int, value: bytes) -> CommandAPDU:
    """PUT DATA of one data object; without a value it is taken away."""
    return CommandAPDU(0x00, 0xDA, tag >> 8, tag & 0xFF, value)


def put_listed(*objects: tuple[int, bytes]) -> CommandAPDU:
    """PUT DATA of several data objects."""
    coded = b"".join(tlv.encode(tag, value) for tag, value in objects)
    return CommandAPDU(0x00, 0xDB, 0x00, 0x00, coded)
