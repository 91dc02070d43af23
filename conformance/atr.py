"""The Answer-to-Reset, decoded: interface bytes, historical bytes and the check character.

ISO/IEC 7816-3:2006, 8.2 codes the characters; ISO/IEC 7816-4:2020, 12.1.1 the historical bytes.
Decoding never refuses an ATR that begins like one: what is wrong with it is listed in `faults`,
each under the name of the rule it breaks, for the cases to judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import NamedTuple

from conformance import tlv

LONGEST = 33
CONVENTIONS = {0x3B: "direct", 0x3F: "inverse"}
# ISO/IEC 7816-3:2006, tables 7 and 8; None is reserved for future use.
FI = (372, 372, 558, 744, 1116, 1488, 1860, None, None, 512, 768, 1024, 1536, 2048, None, None)
DI = (None, 1, 2, 4, 8, 16, 32, 64, 12, 20, None, None, None, None, None, None)
GLOBAL_BYTES = 15
STATUS_INFORMATION = 0x00
COMPACT_TLV = 0x80


class MalformedATR(ValueError):
    """The bytes do not begin like an Answer-to-Reset."""


class InterfaceByte(NamedTuple):
    """One interface character: its name (TA1, TB1, ...) and its value."""

    name: str
    value: int


@dataclass(frozen=True, slots=True)
class AnswerToReset:
    """An ATR of 2 to 33 characters, taken apart."""

    raw: bytes
    convention: str
    interface: tuple[InterfaceByte, ...]
    historical: bytes
    offered: tuple[int, ...]
    """The protocols T named by the TD characters, in their order, without T = 15."""
    announced: tuple[int, ...]
    """Every T named by the TD characters, T = 15 included."""
    tck: int | None
    tck_needed: bool
    faults: tuple[tuple[str, str], ...]
    """(rule, what is wrong): the rules are `structure`, `tck`, `order`."""

    def value(self, name: str) -> int | None:
        """The interface character called *name* (TC1 for example), or None."""
        return next((item.value for item in self.interface if item.name == name), None)

    @property
    def fi(self) -> int | None:
        """Fi, the clock rate conversion integer; None when the value is reserved."""
        return FI[(self.value("TA1") or 0x11) >> 4]

    @property
    def di(self) -> int | None:
        """Di, the baud rate adjustment integer; None when the value is reserved."""
        return DI[(self.value("TA1") or 0x11) & 0x0F]

    @property
    def extra_guard_time(self) -> int:
        """N of TC1; 0 when TC1 is absent."""
        return self.value("TC1") or 0

    def specific(self, letter: str, protocol: int) -> int | None:
        """The first T*letter* for *protocol*: behind the TD that names it, from TD2 on."""
        position = self._first_specific(protocol)
        return None if position is None else self.value(f"T{letter}{position}")

    def _first_specific(self, protocol: int) -> int | None:
        for index, announced in enumerate(self.announced[1:], start=3):
            if announced == protocol:
                return index
        return None

    @property
    def ifsc(self) -> int | None:
        """The information field size of the card for T=1 (32 when TA is absent), else None."""
        if 1 not in self.offered:
            return None
        value = self.specific("A", 1)
        return 32 if value is None else value

    def has_fault(self, rule: str) -> str | None:
        """What is wrong under *rule*, or None."""
        return next((text for name, text in self.faults if name == rule), None)


def parse(raw: bytes) -> AnswerToReset:
    """The ATR in *raw*; MalformedATR without TS and T0 or with a TS that is neither 3B nor 3F."""
    if len(raw) < 2 or raw[0] not in CONVENTIONS:
        raise MalformedATR(
            f"{raw.hex().upper() or 'nothing'} is no ATR: TS is 3B or 3F, T0 follows"
        )
    interface, announced, position, complete = _interface(raw)
    count = raw[1] & 0x0F
    historical = raw[position : position + count]
    rest = raw[position + count :]
    needed = any(protocol != 0 for protocol in announced)
    tck = rest[0] if rest else None
    faults = _order_faults(announced)
    if not complete or len(historical) < count:
        faults.append(("structure", "characters announced by T0 or TD are missing"))
    if len(rest) > needed or len(raw) > LONGEST:
        faults.append(("structure", "there are characters that nothing announces"))
    if needed and tck is None:
        faults.append(("tck", "TCK is missing although a protocol other than T=0 is named"))
    elif tck is not None and reduce(xor, raw[1 : position + count + 1]) != 0:
        faults.append(("tck", f"TCK is {tck:02X}, the exclusive-or asks for another value"))
    offered = dict.fromkeys(protocol for protocol in announced if protocol != GLOBAL_BYTES)
    return AnswerToReset(
        raw,
        CONVENTIONS[raw[0]],
        tuple(interface),
        historical,
        tuple(offered) or (0,),
        tuple(announced),
        tck,
        needed,
        tuple(faults),
    )


def _interface(raw: bytes) -> tuple[list[InterfaceByte], list[int], int, bool]:
    """Interface characters, protocols announced, where the historical bytes begin, all there."""
    interface: list[InterfaceByte] = []
    announced: list[int] = []
    present, position, index = raw[1] >> 4, 2, 1
    while present:
        following = 0
        for bit, letter in enumerate("ABCD"):
            if not present >> bit & 1:
                continue
            if position >= len(raw):
                return interface, announced, position, False
            value = raw[position]
            position += 1
            interface.append(InterfaceByte(f"T{letter}{index}", value))
            if letter == "D":
                following = value >> 4
                announced.append(value & 0x0F)
        present, index = following, index + 1
    return interface, announced, position, True


def _order_faults(announced: list[int]) -> list[tuple[str, str]]:
    """ISO/IEC 7816-3:2006, 8.2.3: T ascending; T = 15 not first, and only 15 behind it."""
    if announced and announced[0] == GLOBAL_BYTES:
        return [("order", "TD1 names T = 15, which is no transmission protocol")]
    if announced != sorted(announced):
        return [("order", f"the protocols {announced} are not in ascending order")]
    return []


@dataclass(frozen=True, slots=True)
class Historical:
    """The historical bytes after their category indicator (ISO/IEC 7816-4:2020, 12.1.1)."""

    category: int | None
    objects: tuple[tuple[int, bytes], ...] = ()
    status: bytes = b""
    fault: str | None = None

    def find(self, tag: int) -> bytes | None:
        """The value of the COMPACT-TLV data object with *tag* (7 for 7X), or None."""
        return next((value for number, value in self.objects if number == tag), None)


def parse_historical(historical: bytes) -> Historical:
    """Category 80 and 00 are taken apart, 10 and proprietary categories are left alone."""
    if not historical:
        return Historical(None)
    category, body = historical[0], historical[1:]
    if category not in {COMPACT_TLV, STATUS_INFORMATION}:
        return Historical(category)
    status = b""
    if category == STATUS_INFORMATION:
        if len(body) < 3:
            return Historical(category, fault="category 00 ends with three status bytes")
        body, status = body[:-3], body[-3:]
    try:
        return Historical(category, tlv.parse_compact(body), status)
    except tlv.MalformedTLV as error:
        return Historical(category, status=status, fault=str(error))
