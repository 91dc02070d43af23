"""Command and response APDUs: bytes become names here, once, at the edge of the card.

ISO/IEC 7816-3:2006, 12.1.3 (the decoding of the command fields) and ISO/IEC 7816-4:2020, 5.4
(the class byte).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Final, NamedTuple

from simcard.status import SW, CardError, StatusWord

SHORT_NE_MAX: Final = 256
EXTENDED_NE_MAX: Final = 65536


class Case(IntEnum):
    """The four cases of ISO/IEC 7816-3:2006, 12.1.2: what a command sends and expects."""

    NOTHING = 1
    RECEIVES = 2
    SENDS = 3
    BOTH = 4


_CASES: Final = tuple(Case)
_new: Final = tuple.__new__  # what a NamedTuple comes to, without the call in between


class Command(NamedTuple):
    """A command APDU (C-RP): header, data field of Nc bytes, and Ne, the most bytes expected.

    `expected` is None when the command has no Le field: 1 to 256 for a short Le field, 1 to
    65536 for an extended one.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    expected: int | None = None
    extended: bool = False

    @staticmethod
    def parse(raw: bytes) -> Command:
        """Decode the seven forms 1, 2S, 3S, 4S, 2E, 3E, 4E; anything else is 6700."""
        size = len(raw)
        if size == 5:
            cla, ins, p1, p2, le = raw
            return _new(Command, (cla, ins, p1, p2, b"", le or SHORT_NE_MAX, False))
        if size < 4:
            raise CardError(SW.WRONG_LENGTH)
        cla, ins, p1, p2 = raw[:4]
        if size == 4:
            return _new(Command, (cla, ins, p1, p2, b"", None, False))
        nc = raw[4]
        if nc == 0:
            return Command(cla, ins, p1, p2, *_extended_fields(raw))
        if size == 5 + nc:
            return _new(Command, (cla, ins, p1, p2, raw[5:], None, False))
        if size == 6 + nc:
            return _new(Command, (cla, ins, p1, p2, raw[5:-1], raw[-1] or SHORT_NE_MAX, False))
        raise CardError(SW.WRONG_LENGTH)

    @property
    def case(self) -> Case:
        """Case 1, 2, 3 or 4, short and extended alike."""
        return _CASES[2 * bool(self.data) + (self.expected is not None)]

    @property
    def ne(self) -> int:
        """The most response bytes expected; 0 when there is no Le field."""
        return self.expected or 0

    @property
    def asks_for_all(self) -> bool:
        """Whether the Le field is all zeros: everything that is there, up to its maximum."""
        return self.expected == (EXTENDED_NE_MAX if self.extended else SHORT_NE_MAX)

    @property
    def header(self) -> bytes:
        """CLA INS P1 P2."""
        return bytes(self[:4])

    @property
    def p1p2(self) -> int:
        """P1-P2 as one number, P1 the higher byte."""
        return self.p1 << 8 | self.p2

    def __bytes__(self) -> bytes:
        """The shortest form that carries the fields, extended where asked or needed."""
        ne = self.expected
        extended = self.extended or len(self.data) > 255 or (ne or 0) > SHORT_NE_MAX
        field = b""
        if self.data:
            nc = len(self.data)
            field = (b"\0" + nc.to_bytes(2, "big") if extended else bytes([nc])) + self.data
        if ne is not None:
            if not extended:
                field += bytes([ne & 0xFF])
            else:
                field += (b"" if self.data else b"\0") + (ne & 0xFFFF).to_bytes(2, "big")
        return self.header + field


def _extended_fields(raw: bytes) -> tuple[bytes, int | None, bool]:
    """Data field, Ne and the mark "extended" of a command whose fifth byte is 00."""
    size = len(raw)
    if size < 7:
        raise CardError(SW.WRONG_LENGTH)
    number = raw[5] << 8 | raw[6]
    if size == 7:
        return b"", number or EXTENDED_NE_MAX, True
    if number == 0:
        raise CardError(SW.WRONG_LENGTH)
    if size == 7 + number:
        return raw[7:], None, True
    if size == 9 + number:
        le = raw[-2] << 8 | raw[-1]
        return raw[7:-2], le or EXTENDED_NE_MAX, True
    raise CardError(SW.WRONG_LENGTH)


class Response(NamedTuple):
    """A response APDU (R-RP): data field of Nr bytes and the status word."""

    data: bytes = b""
    sw: StatusWord = SW.OK

    def __bytes__(self) -> bytes:
        return self.data + self.sw.encoded


class Protection(Enum):
    """What the class byte says of secure messaging (ISO/IEC 7816-4:2020, tables 2 and 3)."""

    NONE = 0
    PROPRIETARY = 1
    HEADER_NOT_AUTHENTICATED = 2
    HEADER_AUTHENTICATED = 3


@dataclass(frozen=True, slots=True)
class ClassByte:
    """What CLA says: which logical channel, chained or not, protected how, whose command."""

    proprietary: bool
    channel: int
    chained: bool
    protection: Protection
    protected: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "protected", self.protection is not Protection.NONE)


def _class_byte(cla: int) -> ClassByte | None:
    if cla & 0x60 == 0 and cla != 0xFF:  # first interindustry values, and 8X/9X coded alike
        return ClassByte(
            proprietary=bool(cla & 0x80),
            channel=cla & 0x03,
            chained=bool(cla & 0x10),
            protection=Protection(cla >> 2 & 0x03),
        )
    if cla & 0xC0 == 0x40:  # further interindustry values: channels 4 to 19
        return ClassByte(
            proprietary=False,
            channel=4 + (cla & 0x0F),
            chained=bool(cla & 0x10),
            protection=Protection.HEADER_NOT_AUTHENTICATED if cla & 0x20 else Protection.NONE,
        )
    return None  # 2X and 3X are reserved, AX to FX have no meaning here, FF is invalid


CLASS_BYTES: Final = tuple(_class_byte(cla) for cla in range(256))
"""The meaning of each of the 256 class bytes, None where there is none (6E00)."""
