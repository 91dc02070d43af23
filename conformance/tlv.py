"""BER-TLV and COMPACT-TLV data objects as the judge reads them, apart from the card's own codec.

ISO/IEC 7816-4:2020, 6.3 for BER-TLV (tags of one to three bytes, lengths of one to five) and
12.1.1 for COMPACT-TLV, where one byte holds tag and length.
"""

from __future__ import annotations

from dataclasses import dataclass

MULTIPLE_TAG_BYTES = 0x1F
CONSTRUCTED = 0x20
LONGEST_TAG = 3
PADDING = b"\x00"


class MalformedTLV(ValueError):
    """The bytes do not code data objects."""


@dataclass(frozen=True, slots=True)
class DataObject:
    """One data object: the tag as a number (0x5F2D for two bytes 5F 2D) and the value field."""

    tag: int
    value: bytes

    @property
    def constructed(self) -> bool:
        """Whether the value field holds data objects: bit 6 of the first tag byte."""
        return bool(encode_tag(self.tag)[0] & CONSTRUCTED)

    @property
    def children(self) -> tuple[DataObject, ...]:
        """The data objects in the value field of a constructed data object."""
        return parse(self.value)

    def find(self, tag: int) -> bytes | None:
        """The value of the first child with *tag*, or None."""
        return find(self.children, tag)


def find(objects: tuple[DataObject, ...], tag: int) -> bytes | None:
    """The value of the first of *objects* with *tag*, or None."""
    return next((item.value for item in objects if item.tag == tag), None)


def encode_tag(tag: int) -> bytes:
    """One to three bytes."""
    return tag.to_bytes(max(1, (tag.bit_length() + 7) // 8), "big")


def encode_length(length: int) -> bytes:
    """The shortest coding of 0 to 4294967295: one to five bytes."""
    if length < 0x80:
        return bytes((length,))
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((0x80 + len(digits),)) + digits


def encode(tag: int, value: bytes) -> bytes:
    """One data object."""
    return encode_tag(tag) + encode_length(len(value)) + value


def parse(data: bytes, padding: bytes = PADDING) -> tuple[DataObject, ...]:
    """The data objects in *data*, one level deep; *padding* bytes between them mean nothing."""
    objects: list[DataObject] = []
    position = 0
    while position < len(data):
        if data[position] in padding:
            position += 1
            continue
        tag, position = _tag_at(data, position)
        length, position = _length_at(data, position)
        if position + length > len(data):
            raise MalformedTLV(f"{length} bytes announced, {len(data) - position} there")
        objects.append(DataObject(tag, data[position : position + length]))
        position += length
    return tuple(objects)


def parse_tags(data: bytes) -> tuple[int, ...]:
    """A tag list (ISO/IEC 7816-4:2020, 8.3): tags one after the other, without lengths."""
    tags: list[int] = []
    position = 0
    while position < len(data):
        tag, position = _tag_at(data, position)
        tags.append(tag)
    return tuple(tags)


def parse_compact(data: bytes) -> tuple[tuple[int, bytes], ...]:
    """COMPACT-TLV data objects: (tag number 0 to 15, value of 0 to 15 bytes)."""
    objects: list[tuple[int, bytes]] = []
    position = 0
    while position < len(data):
        tag, length = data[position] >> 4, data[position] & 0x0F
        value = data[position + 1 : position + 1 + length]
        if len(value) < length:
            raise MalformedTLV(f"compact data object {tag:X} is cut short")
        objects.append((tag, value))
        position += 1 + length
    return tuple(objects)


def _tag_at(data: bytes, start: int) -> tuple[int, int]:
    end = start + 1
    if data[start] & MULTIPLE_TAG_BYTES == MULTIPLE_TAG_BYTES:
        while end < len(data) and data[end] & 0x80:
            end += 1
        end += 1
    if end > len(data) or end - start > LONGEST_TAG:
        raise MalformedTLV("a tag does not end within three bytes")
    return int.from_bytes(data[start:end], "big"), end


def _length_at(data: bytes, start: int) -> tuple[int, int]:
    if start >= len(data):
        raise MalformedTLV("a tag without a length")
    first = data[start]
    if first < 0x80:
        return first, start + 1
    end = start + 1 + (first & 0x7F)
    if not 0x81 <= first <= 0x84 or end > len(data):
        raise MalformedTLV(f"length field {first:02X} is reserved or cut short")
    return int.from_bytes(data[start + 1 : end], "big"), end
