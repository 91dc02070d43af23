"""BER-TLV, COMPACT-TLV and SIMPLE-TLV data objects, as ISO/IEC 7816-4:2020, 6.3 and 12.1 code them.

Tags are numbers (0x6F, 0x7F49, 0x5F8105): one to three bytes, as they stand in a data field.
Lengths take one to five bytes. Malformed input raises `TlvError`, a ValueError.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class TlvError(ValueError):
    """The bytes are not a sequence of data objects."""


class Tlv(NamedTuple):
    """One data object: its tag as a number and its value field."""

    tag: int
    value: bytes

    def __bytes__(self) -> bytes:
        return encode(self.tag, self.value)

    @property
    def constructed(self) -> bool:
        """Whether the value field is itself a sequence of data objects (bit 6 of the tag)."""
        return is_constructed(self.tag)

    def children(self) -> list[Tlv]:
        """The data objects nested in the value field."""
        return parse(self.value)


def is_constructed(tag: int) -> bool:
    """Whether *tag* announces nested data objects: bit 6 of its first byte."""
    while tag > 0xFF:
        tag >>= 8
    return bool(tag & 0x20)


def encode_tag(tag: int) -> bytes:
    """The one to three bytes of *tag*."""
    return tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big")


def encode_length(length: int) -> bytes:
    """The shortest length field for *length* bytes: 1 to 5 bytes."""
    if length < 0x80:
        return bytes([length])
    size = (length.bit_length() + 7) // 8
    return bytes([0x80 | size]) + length.to_bytes(size, "big")


def encode(tag: int, value: bytes | Iterable[Tlv]) -> bytes:
    """One data object; an iterable of data objects becomes a constructed one's value."""
    body = value if isinstance(value, bytes) else b"".join(bytes(child) for child in value)
    return encode_tag(tag) + encode_length(len(body)) + body


def decode_tag(data: bytes, offset: int = 0) -> tuple[int, int]:
    """The tag at *offset* and the offset behind it."""
    if offset >= len(data):
        raise TlvError(f"a tag was expected at offset {offset}")
    tag = data[offset]
    offset += 1
    if tag & 0x1F != 0x1F:
        return tag, offset
    for more in data[offset : offset + 2]:
        tag = tag << 8 | more
        offset += 1
        if not more & 0x80:
            return tag, offset
    raise TlvError(f"the tag before offset {offset} does not end within three bytes")


def decode_length(data: bytes, offset: int) -> tuple[int, int]:
    """The length at *offset* and the offset behind it; the indefinite form is refused."""
    if offset >= len(data):
        raise TlvError(f"a length was expected at offset {offset}")
    first = data[offset]
    offset += 1
    if first < 0x80:
        return first, offset
    size = first & 0x7F
    if not 1 <= size <= 4 or offset + size > len(data):
        raise TlvError(f"the length field at offset {offset - 1} is malformed")
    return int.from_bytes(data[offset : offset + size], "big"), offset + size


def iterate(data: bytes) -> Iterator[tuple[Tlv, int, int]]:
    """Each data object of *data* with the offsets of its first byte and behind its last one.

    Bytes 00 before, between and behind data objects are skipped, as ISO/IEC 7816-4 allows.
    """
    offset = 0
    while offset < len(data):
        if data[offset] == 0x00:
            offset += 1
            continue
        start = offset
        tag, offset = decode_tag(data, offset)
        length, offset = decode_length(data, offset)
        end = offset + length
        if end > len(data):
            raise TlvError(f"the data object at offset {start} is longer than the data")
        yield Tlv(tag, data[offset:end]), start, end
        offset = end


def parse(data: bytes) -> list[Tlv]:
    """All data objects of *data*, one level deep."""
    return [tlv for tlv, _, _ in iterate(data)]


def find(objects: Iterable[Tlv], tag: int) -> bytes | None:
    """The value field of the first data object with *tag*, None when there is none."""
    return next((tlv.value for tlv in objects if tlv.tag == tag), None)


def parse_compact(data: bytes) -> list[Tlv]:
    """COMPACT-TLV (historical bytes): tag in the high, length in the low half of one byte."""
    objects = []
    offset = 0
    while offset < len(data):
        tag, length = data[offset] >> 4, data[offset] & 0x0F
        offset += 1
        if offset + length > len(data):
            raise TlvError(f"the COMPACT-TLV object at offset {offset - 1} is too long")
        objects.append(Tlv(tag, data[offset : offset + length]))
        offset += length
    return objects


def parse_simple(data: bytes) -> list[Tlv]:
    """SIMPLE-TLV: tag 01 to FE, length in one byte, or FF and two bytes."""
    objects = []
    offset = 0
    while offset < len(data):
        header = data[offset : offset + 2]
        if len(header) < 2 or header[0] in (0x00, 0xFF):
            raise TlvError(f"no SIMPLE-TLV object starts at offset {offset}")
        offset += 2
        length = header[1]
        if length == 0xFF:
            length = int.from_bytes(data[offset : offset + 2], "big")
            offset += 2
        if offset + length > len(data):
            raise TlvError(f"the SIMPLE-TLV object before offset {offset} is too long")
        objects.append(Tlv(header[0], data[offset : offset + length]))
        offset += length
    return objects
