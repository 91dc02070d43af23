"""Answer to reset and answer to select: how each is built, and how one becomes the other.

ISO/IEC 7816-3:2006, 8.2; ISO/IEC 14443-4:2018, 5.2. A contactless card has no ATR. For software
that expects one, a PC/SC reader forms it from the historical bytes of the ATS (PC/SC part 3,
3.1.3.2.3).
"""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import Final, NamedTuple, Self

_HISTORICAL_MAX: Final = 15
_FRAME_SIZES: Final = (16, 24, 32, 40, 48, 64, 96, 128, 256, 512, 1024, 2048, 4096)
_TA, _TB, _TC = 0x10, 0x20, 0x40
_RESERVED: Final = 15
_FRAME_WAITING_UNIT_MS: Final = 256 * 16 / 13_560
_RATES: Final = {1: 212, 2: 424, 4: 848}
_FIRST_RATE: Final = 106


def check_answer_to_reset(atr: bytes) -> None:
    """ValueError when *atr* contradicts its own structure or has a wrong check byte."""
    if atr[0] not in (0x3B, 0x3F):
        raise ValueError("an ATR starts with 3B or 3F")
    offset, protocols, indicator = 2, [], atr[1] >> 4
    while indicator:
        offset += (indicator & 7).bit_count()
        if not indicator & 8:
            break
        protocols.append(atr[offset] & 0x0F if offset < len(atr) else -1)
        indicator = atr[offset] >> 4 if offset < len(atr) else 0
        offset += 1
    end = offset + (atr[1] & 0x0F) + any(protocols)
    if end != len(atr):
        raise ValueError(f"its own structure asks for {end} bytes, there are {len(atr)}")
    check_byte = reduce(xor, atr[1:])
    if any(protocols) and check_byte:
        raise ValueError(f"TCK should be {check_byte ^ atr[-1]:02X}")


class AnswerToSelect(NamedTuple):
    """What an ATS says; what it leaves out has the value that the standard gives.

    *frame_size* is the longest frame the card takes, in bytes. *rates_out* and *rates_in* are those
    besides 106 kbit/s from the card and to it, in kbit/s. *waiting* and *guard* are the exponents
    of frame waiting time and start-up frame guard time.
    """

    frame_size: int
    rates_out: tuple[int, ...]
    rates_in: tuple[int, ...]
    same_rate: bool
    waiting: int
    guard: int
    takes_nad: bool
    takes_cid: bool
    historical: bytes

    @classmethod
    def parse(cls, ats: bytes) -> Self:
        """The parts of *ats*, from TL on; ValueError when it contradicts its own structure."""
        if ats[0] != len(ats):
            raise ValueError(f"TL says {ats[0]} bytes, there are {len(ats)}")
        format_byte = ats[1] if len(ats) > 1 else 0x02
        present = [bit for bit in (_TA, _TB, _TC) if format_byte & bit]
        if format_byte & 0x80 or format_byte & 0x0F >= len(_FRAME_SIZES):
            raise ValueError(f"T0 {format_byte:02X} is reserved")
        if len(ats[2:]) < len(present):
            raise ValueError(f"T0 announces {len(present)} interface bytes")
        said = dict(zip(present, ats[2:], strict=False))
        rates, times, options = said.get(_TA, 0), said.get(_TB, 0x40), said.get(_TC, 0x02)
        if times >> 4 == _RESERVED or times & 0x0F == _RESERVED:
            raise ValueError(f"TB {times:02X} has a reserved time")
        historical = ats[2 + len(present) :]
        if len(historical) > _HISTORICAL_MAX:
            raise ValueError(f"{len(historical)} historical bytes, more than {_HISTORICAL_MAX}")
        return cls(
            _FRAME_SIZES[format_byte & 0x0F],
            tuple(rate for bit, rate in _RATES.items() if rates >> 4 & bit),
            tuple(rate for bit, rate in _RATES.items() if rates & bit),
            bool(rates & 0x80),
            times >> 4,
            times & 0x0F,
            bool(options & 1),
            bool(options & 2),
            historical,
        )

    @property
    def waiting_ms(self) -> float:
        """The frame waiting time in milliseconds: how long a reader waits for an answer."""
        return _FRAME_WAITING_UNIT_MS * (1 << self.waiting)

    @property
    def atr(self) -> bytes:
        """The ATR that a PC/SC reader forms: `3B 8n 80 01`, the historical bytes, TCK."""
        body = bytes([0x80 | len(self.historical), 0x80, 0x01]) + self.historical
        return b"\x3b" + body + bytes([reduce(xor, body)])

    def __str__(self) -> str:
        rates = [_rates("sends", self.rates_out), _rates("takes", self.rates_in)]
        parts = [f"frames of {self.frame_size} bytes", *rates]
        parts += ["the same rate both ways"] * self.same_rate
        parts.append(f"answers within {self.waiting_ms:.1f} ms")
        parts += [f"start-up guard time {self.guard}"] * bool(self.guard)
        parts += ["NAD"] * self.takes_nad + ["CID"] * self.takes_cid
        return "; ".join(parts)


def _rates(verb: str, more: tuple[int, ...]) -> str:
    return f"{verb} {', '.join(map(str, (_FIRST_RATE, *more)))} kbit/s"
