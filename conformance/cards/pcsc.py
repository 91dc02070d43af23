"""A card in a PC/SC reader. pyscard is imported here and only here, when a reader is asked for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from conformance.cards import Ability
from conformance.trouble import CardLost, NotCarried, UsageError

if TYPE_CHECKING:
    from conformance.cards import CardUnderTest

INSTALL = "pcsc needs pyscard: pip install 'simcard-conformance[pcsc]'"
START = (
    "start it with `sudo systemctl start pcscd`, or in a terminal with `sudo pcscd --foreground`"
)
START_WINDOWS = "start the Windows service SCardSvr (`sc start SCardSvr`)"


class ReaderCard:
    """The card in one reader, connected to exclusively so that nobody else talks in between."""

    abilities: frozenset[Ability] = frozenset({Ability.RETURN})
    known_as: bytes | None = None

    def __init__(self, reader: str, smartcard: Any) -> None:
        self.spec = f"pcsc:{reader}"
        self.reader = reader
        self._scard = smartcard
        self._context: Any = None
        self._card: Any = None
        self._protocol = 0

    @classmethod
    def open(cls, name: str) -> ReaderCard:
        """The reader called *name*, or the only one whose name contains it."""
        try:
            from smartcard import scard
        except ImportError as error:
            raise UsageError(INSTALL) from error
        readers = _readers(scard)
        matches = [one for one in readers if one == name] or [one for one in readers if name in one]
        if len(matches) == 1:
            return cls(matches[0], scard)
        listed = ", ".join(f"'{reader}'" for reader in readers) or "none"
        if not matches:
            raise UsageError(f"--card pcsc:{name}: no such reader; there are: {listed}")
        several = ", ".join(f"'{reader}'" for reader in matches)
        raise UsageError(f"--card pcsc:{name}: several readers fit: {several}; give the whole name")

    def connect(self) -> bytes:
        """Connect exclusively and reset the card to a known state."""
        scard = self._scard
        code, self._context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        self._check(code, "establishing a context")
        code, card, self._protocol = scard.SCardConnect(
            self._context,
            self.reader,
            scard.SCARD_SHARE_EXCLUSIVE,
            scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
        )
        if code == scard.SCARD_E_SHARING_VIOLATION:
            raise UsageError(f"--card {self.spec}: another program is using the card")
        if code in {scard.SCARD_E_NO_SMARTCARD, scard.SCARD_W_REMOVED_CARD}:
            raise UsageError(f"--card {self.spec}: there is no card in the reader")
        self._check(code, "connecting")
        self._card = card  # a handle only now: pyscard cannot release what it did not get
        return self.reset()

    def reset(self) -> bytes:
        """Power the card down and up again, and give the ATR."""
        scard = self._scard
        code, self._protocol = scard.SCardReconnect(
            self._card,
            scard.SCARD_SHARE_EXCLUSIVE,
            scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
            scard.SCARD_UNPOWER_CARD,
        )
        self._check(code, "resetting the card")
        code, _reader, _state, _protocol, atr = scard.SCardStatus(self._card)
        self._check(code, "reading the ATR")
        return bytes(atr)

    def transmit(self, command: bytes) -> bytes:
        """The answer, with GET RESPONSE and a corrected Le added for a card that speaks T=0."""
        scard = self._scard
        answer = self._exchange(command)
        if self._protocol != scard.SCARD_PROTOCOL_T0:
            return answer
        if len(answer) == 2 and answer[0] == 0x6C and len(command) == 5:
            answer = self._exchange(command[:4] + answer[1:])
        data, status = answer[:-2], answer[-2:]
        while status[:1] == b"\x61":
            more = self._exchange(command[:1] + b"\xc0\x00\x00" + status[1:])
            data, status = data + more[:-2], more[-2:]
        return data + status

    def _exchange(self, command: bytes) -> bytes:
        scard = self._scard
        pci = (
            scard.SCARD_PCI_T0 if self._protocol == scard.SCARD_PROTOCOL_T0 else scard.SCARD_PCI_T1
        )
        code, answer = scard.SCardTransmit(self._card, pci, list(command))
        if code in {scard.SCARD_E_INVALID_PARAMETER, scard.SCARD_E_INSUFFICIENT_BUFFER}:
            raise NotCarried(f"the reader does not carry this command: {self._words(code)}")
        self._check(code, "transmitting")
        return bytes(answer)

    def fork(self) -> CardUnderTest:
        """A real card has no copies."""
        raise UsageError(f"{self.spec}: this card cannot be copied")

    def close(self) -> None:
        """Leave the card unpowered and let others use it."""
        if self._card is not None:
            self._scard.SCardDisconnect(self._card, self._scard.SCARD_UNPOWER_CARD)
            self._card = None
        if self._context is not None:
            self._scard.SCardReleaseContext(self._context)
            self._context = None

    def _check(self, code: int, doing: str) -> None:
        if code != self._scard.SCARD_S_SUCCESS:
            raise CardLost(
                f"the card in '{self.reader}' was lost while {doing}: {self._words(code)}"
            )

    def _words(self, code: int) -> str:
        return str(self._scard.SCardGetErrorMessage(code)).strip()


def _readers(scard: Any) -> list[str]:
    """The readers that the PC/SC service knows; UsageError when the service is not running."""
    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if code != scard.SCARD_S_SUCCESS:
        hint = START_WINDOWS if sys.platform == "win32" else START
        raise UsageError(f"no PC/SC service answers: {hint}")
    try:
        code, readers = scard.SCardListReaders(context, [])
    finally:
        scard.SCardReleaseContext(context)
    return list(readers) if code == scard.SCARD_S_SUCCESS else []
