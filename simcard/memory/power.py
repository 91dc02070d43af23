"""The loss of power, as a value: before which program operation, at which moment, in which shape.

Nothing here is drawn by chance. A `PowerCut` says everything, so the cut that broke something
is the cut that breaks it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from hashlib import shake_256


class PowerLoss(BaseException):
    """The supply failed while a page was being programmed.

    A `BaseException`, so that no `except Exception` between the flash and the terminal can
    survive the loss of power. It carries no status word: a card without power is silent.
    """


class PoweredOff(RuntimeError):
    """The chip, or a memory on it, was used after the loss of power: a programmer's error."""


class Moment(Enum):
    """When, seen from one program operation, the supply fails."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


class Tear(Enum):
    """What a page looks like whose programming was interrupted."""

    NEW_OVER_OLD = "new over old"
    """The first bytes are new, the rest is still what it was."""
    NEW_OVER_ERASED = "new over erased"
    """The page was erased and only its first bytes are programmed."""
    MIXED_BITS = "mixed bits"
    """Every single bit is either the old one or the new one."""
    NOISE = "noise"
    """No bit can be relied on."""


@dataclass(frozen=True, slots=True)
class PowerCut:
    """One loss of power.

    `write` counts program operations from now, the next one being 1. `tear` and `seed` say what
    becomes of the page when the moment is `DURING`; the other moments do not need them.
    """

    write: int
    moment: Moment = Moment.BEFORE
    tear: Tear = Tear.NEW_OVER_OLD
    seed: int = 0

    def __post_init__(self) -> None:
        if self.write < 1:
            raise ValueError(f"write {self.write}: program operations are counted from 1")

    def page(self, old: bytes, new: bytes, erased: bytes) -> bytes:
        """What the interrupted page holds; the three arguments are pages of one size."""
        size = len(new)
        reached = 1 + self.seed % (size - 1)
        if self.tear is Tear.NEW_OVER_OLD:
            return new[:reached] + old[reached:]
        if self.tear is Tear.NEW_OVER_ERASED:
            return new[:reached] + erased[reached:]
        noise = shake_256(self.seed.to_bytes(16, "big", signed=True)).digest(size)
        if self.tear is Tear.NOISE:
            return noise
        mask = int.from_bytes(noise, "big")
        mixed = int.from_bytes(old, "big") & ~mask | int.from_bytes(new, "big") & mask
        return mixed.to_bytes(size, "big")
