"""A data field made of fields, each of which has a requirement of its own to break."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Part(NamedTuple):
    """*length* bytes that are *value*, or any when it is None; differing from *unlike*."""

    requirement: str
    length: int
    value: bytes | None = None
    unlike: bytes = b""

    @classmethod
    def known(cls, requirement: str, value: bytes) -> Part:
        """Exactly *value*."""
        return cls(requirement, len(value), value)

    @classmethod
    def number(cls, requirement: str, length: int, value: int | None) -> Part:
        """A number of *length* bytes, None when it may be any."""
        wanted = None if value is None else value.to_bytes(length, "big")
        return cls(requirement, length, wanted)


@dataclass(frozen=True, slots=True)
class Parts:
    """The data rule: the parts one behind the other, and nothing else."""

    parts: tuple[Part, ...]

    def fault(self, data: bytes) -> str | None:
        """The length first; then the requirement of the first part that does not fit."""
        if len(data) != sum(part.length for part in self.parts):
            return ""
        position = 0
        for part in self.parts:
            found = data[position : position + part.length]
            if part.value is not None and found != part.value:
                return part.requirement
            if part.unlike and found == part.unlike:
                return part.requirement
            position += part.length
        return None

    def __str__(self) -> str:
        return " + ".join(
            f"{part.length} bytes" if part.value is None else part.value.hex().upper()
            for part in self.parts
        )
