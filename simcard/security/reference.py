"""Reference data (PINs and the codes that unblock them) and its retry counter.

The body of a reference data EF:

======  ====  ==================================================================
offset  size  meaning
======  ====  ==================================================================
0       1     tries left, 0 = blocked
1       1     tries allowed
2       1     01 when verification is required, 00 when it is disabled
3       1     encoding (`PinEncoding`)
4       1     shortest length in bytes as presented
5       1     longest length
6       1     reference of the code that resets the counter, FF when there is none
7       1     length of the value
8       2     usage counter: presentations left, FFFF = without limit
10      ..    the value, without filler
======  ====  ==================================================================

A try is spent, in a commit of its own, before the values are compared, and given back only when
they are equal. Cutting the power in between costs the attacker a try instead of winning one back.
"""

from __future__ import annotations

import hmac
from enum import IntEnum
from typing import Final

from simcard.files.descriptors import File
from simcard.memory.journal import Memory
from simcard.status import SW, CardError

HEADER_SIZE: Final = 10
NO_REFERENCE: Final = 0xFF
UNLIMITED: Final = 0xFFFF


class PinEncoding(IntEnum):
    """How the digits of a PIN stand in a data field.

    RAW is any bytes. ASCII is a byte a digit. BCD is half a byte a digit, filled up with halves F:
    how many of them makes no difference. ISO 9564-1 format 2 is a block of eight bytes: 2, the
    number of digits (4 to 12), the digits, and F to the end.
    """

    RAW = 0
    ASCII = 1
    BCD = 2
    ISO_9564_FORMAT_2 = 3

    def accepts(self, value: bytes) -> bool:
        """Whether *value* is well-formed in this encoding."""
        match self:
            case PinEncoding.RAW:
                return True
            case PinEncoding.ASCII:
                return value.isdigit()
            case PinEncoding.BCD:
                return value.hex().rstrip("f").isdecimal()
            case PinEncoding.ISO_9564_FORMAT_2:
                return _is_format_2(value)

    def without_filler(self, value: bytes) -> bytes:
        """*value* as it is compared: in BCD without the bytes that hold no digit."""
        return value.rstrip(b"\xff") if self is PinEncoding.BCD else value


def _is_format_2(value: bytes) -> bool:
    """Control nibble 2, number of digits 4 to 12, digits, filler F (ISO 9564-1, 9.3.2)."""
    nibbles = value.hex()
    if len(nibbles) != 16 or nibbles[0] != "2" or not 4 <= int(nibbles[1], 16) <= 12:
        return False
    digits = int(nibbles[1], 16)
    return nibbles[2 : 2 + digits].isdecimal() and set(nibbles[2 + digits :]) <= {"f"}


def pin_body(
    value: bytes,
    *,
    tries: int,
    encoding: PinEncoding = PinEncoding.RAW,
    lengths: tuple[int, int] | None = None,
    unblocked_by: int = NO_REFERENCE,
    uses: int = UNLIMITED,
    required: bool = True,
) -> bytes:
    """The body of a new reference data EF; as long as the longest value it may ever hold."""
    shortest, longest = lengths or (len(value), len(value))
    value = encoding.without_filler(value)
    head = bytes([tries, tries, required, encoding, shortest, longest, unblocked_by, len(value)])
    return head + uses.to_bytes(2, "big") + value.ljust(longest, b"\0")


class ReferenceData:
    """One reference data EF, behind the door."""

    __slots__ = ("_memory", "_region", "cell")

    def __init__(self, file: File, memory: Memory) -> None:
        self.cell = file.cell
        self._region = file.region
        self._memory = memory

    @property
    def tries_left(self) -> int:
        """How many further wrong presentations are allowed; 0 when blocked."""
        return self._byte(0)

    @property
    def required(self) -> bool:
        """Whether verification is required (ENABLE and DISABLE VERIFICATION REQUIREMENT)."""
        return bool(self._byte(2))

    @required.setter
    def required(self, value: bool) -> None:
        self._put(2, bytes([value]))

    @property
    def unblocked_by(self) -> int | None:
        """The reference of the resetting code, if there is one."""
        reference = self._byte(6)
        return None if reference == NO_REFERENCE else reference

    @property
    def uses_left(self) -> int:
        """How many further presentations are allowed; `UNLIMITED` without a usage counter."""
        return int.from_bytes(self._region.read(self._memory, 8, 2), "big")

    @property
    def encoding(self) -> PinEncoding:
        """How the value is written."""
        return PinEncoding(self._byte(3))

    @property
    def length(self) -> int:
        """Bytes of the value as it is presented now: the one length there is, or its own."""
        shortest, longest = self._region.read(self._memory, 4, 2)
        return shortest if shortest == longest else self._byte(7)

    def accepts_length(self, value: bytes) -> bool:
        """Whether *value* has a length this reference data can have."""
        shortest, longest = self._region.read(self._memory, 4, 2)
        return shortest <= len(value) <= longest

    def accepts(self, value: bytes) -> bool:
        """Whether *value* has a length and an encoding this reference data can have."""
        return self.accepts_length(value) and self.encoding.accepts(value)

    def check(self, value: bytes) -> bool:
        """Spend a try, then compare; the try comes back when *value* is right.

        6983 when no try is left, 6984 when the usage counter is at zero. The try is committed
        before the comparison; what gives it back belongs to the open transaction.
        """
        left, limit = self._region.read(self._memory, 0, 2)
        if not left:
            raise CardError(SW.AUTHENTICATION_BLOCKED)
        uses = self.uses_left
        if not uses:
            raise CardError(SW.REFERENCE_DATA_NOT_USABLE)
        self._spend(left, uses)
        if not self._equals(value):
            return False
        self._put(0, bytes([limit]))
        return True

    def reset(self) -> None:
        """Allow all tries again."""
        self._put(0, self._region.read(self._memory, 1, 1))

    def change(self, value: bytes) -> None:
        """Store a new value, which `accepts` has found well-formed."""
        assert self.accepts(value)
        value = self.encoding.without_filler(value)
        room = self._region.size - HEADER_SIZE
        self._put(7, bytes([len(value)]))
        self._put(HEADER_SIZE, value.ljust(room, b"\0"))

    def _spend(self, left: int, uses: int) -> None:
        assert not self._memory.dirty, "a try is spent before anything else is written"
        self._put(0, bytes([left - 1]))
        if uses != UNLIMITED:
            self._put(8, (uses - 1).to_bytes(2, "big"))
        self._memory.commit()

    def _equals(self, value: bytes) -> bool:
        stored = self._region.read(self._memory, HEADER_SIZE, self._byte(7))
        return hmac.compare_digest(self.encoding.without_filler(value), stored)

    def _byte(self, offset: int) -> int:
        return self._region.read(self._memory, offset, 1)[0]

    def _put(self, offset: int, data: bytes) -> None:
        self._region.write(self._memory, offset, data)
