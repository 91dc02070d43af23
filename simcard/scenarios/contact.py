"""The terminal's side of one slot: commands sent, what waits is fetched, everything written down.

PINs and plain keys are blotted out of what is written down, before anybody sees it.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from simcard.apdu import Command
from simcard.status import meaning_of

_OK: Final = 0x9000
_HEADER: Final = 5
_KEY_HEADER: Final = 5
_FETCHES_MAX: Final = 256
_VERIFY, _CHANGE_PIN, _WRITE_KEY = 0x20, 0x5E, 0xD4
_ENCIPHERED: Final = 0x04


class Slot(Protocol):
    """A card in a slot, under power."""

    def transmit(self, apdu: bytes, /) -> bytes:
        """The response APDU to a command APDU; empty when the card is mute."""

    def reset(self) -> bytes:
        """Take the power away and give it back; the answer to reset."""


class Unexpected(Exception):
    """The card has answered something else than the scenario says; the message names both."""


class Exchange(NamedTuple):
    """A command and its response, fit to be shown; `slot` is card or PSAM."""

    slot: str
    command: str
    response: str
    meaning: str


class Contact:
    """What a terminal does with one slot."""

    def __init__(self, slot: Slot, name: str, written: list[Exchange]) -> None:
        self._slot = slot
        self._name = name
        self._written = written

    def transmit(self, apdu: bytes) -> bytes:
        """One command as it is, and its response as it is."""
        response = self._slot.transmit(apdu)
        meaning = meaning_of(response) if response else "no answer"
        shown = response.hex(" ").upper()
        self._written.append(Exchange(self._name, _blotted(apdu), shown, meaning))
        return response

    def reset(self) -> bytes:
        """The card is taken out and put in again; its answer to reset."""
        answer = self._slot.reset()
        shown = answer.hex(" ").upper()
        self._written.append(Exchange(self._name, "reset", shown, "answer to reset"))
        return answer

    def ask(self, command: Command) -> tuple[bytes, int]:
        """Response data and status word; what waits (61XX) is fetched, 6CXX asked again."""
        response = self.transmit(bytes(command))
        if response[-2:-1] == b"\x6c":
            response = self.transmit(bytes(command._replace(expected=response[-1] or 256)))
        data = response[:-2]
        for _ in range(_FETCHES_MAX):
            if response[-2:-1] != b"\x61":
                break
            response = self.transmit(bytes(Command(0, 0xC0, 0, 0, b"", response[-1] or 256)))
            data += response[:-2]
        return data, int.from_bytes(response[-2:], "big")

    def done(self, command: Command, *expected: int) -> bytes:
        """The response data of a command that ends with 9000 or one of *expected*."""
        data, sw = self.ask(command)
        if sw not in (expected or (_OK,)):
            wanted = " or ".join(f"{each:04X}" for each in expected or (_OK,))
            told = f"{sw:04X}, {meaning_of(sw.to_bytes(2, 'big'))}" if sw else "nothing"
            what = _blotted(bytes(command)[:4])
            raise Unexpected(f"{self._name}: {what}: {wanted} expected, answered was {told}")
        return data

    def challenge(self, size: int) -> bytes:
        """GET CHALLENGE: *size* random bytes."""
        drawn = self.done(Command(0x00, 0x84, 0, 0, b"", size))
        if len(drawn) != size:
            raise Unexpected(f"{self._name}: a challenge of {len(drawn)} bytes, not {size}")
        return drawn

    def select(self, name: bytes, *expected: int) -> bytes:
        """SELECT a DF by its name; the file control information."""
        return self.done(Command(0x00, 0xA4, 0x04, 0x00, name), *expected)

    def select_master_file(self, *expected: int) -> None:
        """SELECT the MF."""
        self.done(Command(0x00, 0xA4, 0x00, 0x0C), *expected)


def _blotted(apdu: bytes) -> str:
    """*apdu* in hexadecimal digits, without the PIN or plain key in its data field."""
    shown = [f"{byte:02X}" for byte in apdu]
    if len(apdu) <= _HEADER or apdu[0] & _ENCIPHERED:
        return " ".join(shown)
    if apdu[1] in (_VERIFY, _CHANGE_PIN):
        start = _HEADER
    elif apdu[1] == _WRITE_KEY:
        start = _HEADER + _KEY_HEADER
    else:
        return " ".join(shown)
    return " ".join(shown[:start] + ["**"] * len(shown[start:]))
