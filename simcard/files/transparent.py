"""Transparent EFs: a row of bytes, and how new bytes meet old ones."""

from __future__ import annotations

from enum import Enum

from simcard.files.descriptors import TAG_DESCRIPTOR, File
from simcard.files.store import Region
from simcard.memory.journal import Memory
from simcard.status import SW, CardError
from simcard.tlv import find


class WriteBehaviour(Enum):
    """What WRITE does to bytes that are there: bits 7 and 6 of the data coding byte (7816-4)."""

    ONE_TIME = 0x00
    REPLACE = 0x20
    OR = 0x40
    AND = 0x60

    @classmethod
    def of(cls, file: File) -> WriteBehaviour:
        """The behaviour the data coding byte of *file* asks for; the card's own is OR."""
        descriptor = find(file.attributes, TAG_DESCRIPTOR) or b""
        return cls(descriptor[1] & 0x60) if len(descriptor) > 1 else cls.OR

    def combine(self, old: bytes, new: bytes) -> bytes:
        """What is stored when *new* is written over *old*; 6985 for a second one-time write."""
        match self:
            case WriteBehaviour.OR:
                return bytes(a | b for a, b in zip(old, new, strict=True))
            case WriteBehaviour.AND:
                return bytes(a & b for a, b in zip(old, new, strict=True))
            case WriteBehaviour.ONE_TIME:
                if any(old):
                    raise CardError(SW.CONDITIONS_NOT_SATISFIED)
        return new


def read_bytes(region: Region, memory: Memory, offset: int, length: int) -> bytes:
    """At most *length* bytes of a body, from *offset*; 6B00 when the offset is not inside."""
    available = region.size - offset
    if length >= available:
        if available <= 0:
            raise CardError(SW.OFFSET_OUTSIDE_EF)
        length = available
    if offset + length <= region.room:  # nearly every EF is one piece
        return memory.read(region.start + offset, length)
    return region.read(memory, offset, length)


class TransparentContent:
    """The bytes of one transparent EF, behind the door."""

    __slots__ = ("_file", "_memory", "_region", "size")

    def __init__(self, file: File, memory: Memory) -> None:
        self._file = file
        region = self._region = file.region
        self._memory = memory
        self.size = region.size

    def read(self, offset: int, length: int) -> bytes:
        """At most *length* bytes from *offset*; 6B00 when the offset is not inside."""
        return read_bytes(self._region, self._memory, offset, length)

    def update(self, offset: int, data: bytes) -> None:
        """Replace the bytes from *offset*; 6B00 outside, 6A84 when they reach past the end."""
        self._check(offset, len(data))
        self._region.write(self._memory, offset, data)

    def write(self, offset: int, data: bytes) -> None:
        """Combine the bytes from *offset* with *data* as the file's write behaviour says."""
        self._check(offset, len(data))
        old = self._region.read(self._memory, offset, len(data))
        new = WriteBehaviour.of(self._file).combine(old, data)
        self._region.write(self._memory, offset, new)

    def erase(self, start: int, end: int) -> None:
        """Set the bytes from *start* up to, not including, *end* to 00; 6B00 unless inside."""
        if not start < end <= self.size:
            raise CardError(SW.OFFSET_OUTSIDE_EF)
        self._region.write(self._memory, start, bytes(end - start))

    def search(self, offset: int, pattern: bytes) -> int | None:
        """The offset of the first *pattern* at or behind *offset*; 6B00 when that is outside."""
        content = self.read(offset, self.size)
        found = content.find(pattern)
        return None if found < 0 else offset + found

    def _check(self, offset: int, length: int) -> None:
        if offset >= self.size:
            raise CardError(SW.OFFSET_OUTSIDE_EF)
        if offset + length > self.size:
            raise CardError(SW.NOT_ENOUGH_MEMORY)
