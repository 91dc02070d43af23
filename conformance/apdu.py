"""Command and response APDUs as the judge writes and reads them, apart from the card's own codec.

ISO/IEC 7816-3:2006, 12.1 names the four cases of a command and their short (S) and extended (E)
codings. The model, the guard and the cases meet a command in decoded form; what goes over the wire
is always the encoded bytes, so that a malformed command can be sent on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

HEADER_LENGTH = 4
SHORT_NE = 0x100
EXTENDED_NE = 0x10000


class MalformedAPDU(ValueError):
    """The bytes are no command APDU in any of the seven forms, or no response APDU."""


class Form(Enum):
    """The seven codings of a command (ISO/IEC 7816-3:2006, 12.1.3)."""

    CASE_1 = "1"
    CASE_2S = "2S"
    CASE_3S = "3S"
    CASE_4S = "4S"
    CASE_2E = "2E"
    CASE_3E = "3E"
    CASE_4E = "4E"


@dataclass(frozen=True, slots=True)
class CommandAPDU:
    """A command: four header bytes, a data field of 0 to 65535 bytes, and Ne or no Le field.

    `ne` is None without an Le field; otherwise 1 to 256 (short) or 1 to 65536 (extended).
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    ne: int | None = None
    extended: bool = False

    def __post_init__(self) -> None:
        if (self.cla | self.ins | self.p1 | self.p2) & ~0xFF:
            raise MalformedAPDU("a header field is not one byte")
        limit_nc, limit_ne = (0xFFFF, EXTENDED_NE) if self.extended else (0xFF, SHORT_NE)
        if len(self.data) > limit_nc or (self.ne is not None and not 1 <= self.ne <= limit_ne):
            raise MalformedAPDU("Nc or Ne is too large for the length fields")

    @property
    def form(self) -> Form:
        """Which of the seven codings `encode` produces."""
        case = 1 + (self.ne is not None) + 2 * bool(self.data)
        return Form.CASE_1 if case == 1 else Form(f"{case}{'E' if self.extended else 'S'}")

    @property
    def all_available(self) -> bool:
        """Whether the Le field is all zeroes: everything there is, up to 256 or 65536 bytes."""
        return self.ne == (EXTENDED_NE if self.extended else SHORT_NE)

    def encode(self) -> bytes:
        """The bytes for the wire."""
        header = bytes((self.cla, self.ins, self.p1, self.p2))
        if not self.extended:
            lc = bytes((len(self.data),)) if self.data else b""
            le = b"" if self.ne is None else bytes((self.ne % SHORT_NE,))
            return header + lc + self.data + le
        lc = len(self.data).to_bytes(3, "big") if self.data else b""
        size = 2 if self.data else 3
        le = b"" if self.ne is None else (self.ne % EXTENDED_NE).to_bytes(size, "big")
        return header + lc + self.data + le

    @classmethod
    def decode(cls, raw: bytes) -> CommandAPDU:
        """The command in *raw*; MalformedAPDU when the length fields contradict the length."""
        return _decoded(raw)


def _extended_fields(body: bytes) -> tuple[bytes, int | None]:
    """The data field and Ne behind a header, where the first length byte is 00."""
    if len(body) == 3:
        return b"", int.from_bytes(body[1:], "big") or EXTENDED_NE
    nc = int.from_bytes(body[1:3], "big")
    data, le = body[3 : 3 + nc], body[3 + nc :]
    if nc == 0 or len(body) < 3 or len(data) < nc or len(le) not in {0, 2}:
        raise MalformedAPDU("an extended Lc or Le does not agree with the length")
    return data, (int.from_bytes(le, "big") or EXTENDED_NE) if le else None


@lru_cache(maxsize=64)
def _decoded(raw: bytes) -> CommandAPDU:
    """Guard, laws and model each decode the same command, one after the other."""
    if len(raw) < HEADER_LENGTH:
        raise MalformedAPDU(f"{len(raw)} bytes are too few for a header")
    cla, ins, p1, p2 = raw[:HEADER_LENGTH]
    body = raw[HEADER_LENGTH:]
    if not body:
        return CommandAPDU(cla, ins, p1, p2)
    if len(body) == 1:
        return CommandAPDU(cla, ins, p1, p2, ne=body[0] or SHORT_NE)
    if body[0]:
        data, le = body[1 : 1 + body[0]], body[1 + body[0] :]
        if len(data) < body[0] or len(le) > 1:
            raise MalformedAPDU("Lc does not agree with the length of the command")
        return CommandAPDU(cla, ins, p1, p2, data, (le[0] or SHORT_NE) if le else None)
    data, ne = _extended_fields(body)
    return CommandAPDU(cla, ins, p1, p2, data, ne, extended=True)


@dataclass(frozen=True, slots=True)
class ResponseAPDU:
    """A response: the data field and the two status bytes as one number, 0x9000 for example."""

    data: bytes
    sw: int

    @property
    def sw1(self) -> int:
        """The first status byte."""
        return self.sw >> 8

    @property
    def sw2(self) -> int:
        """The second status byte."""
        return self.sw & 0xFF

    @classmethod
    def decode(cls, raw: bytes) -> ResponseAPDU:
        """The response in *raw*; MalformedAPDU when there are no two status bytes."""
        if len(raw) < 2:
            raise MalformedAPDU(f"{len(raw)} bytes are too few for SW1-SW2")
        return cls(raw[:-2], int.from_bytes(raw[-2:], "big"))

    def encode(self) -> bytes:
        """The bytes as the card sent them."""
        return self.data + self.sw.to_bytes(2, "big")
