"""The slot a card lies in: a reader's messages become calls on the card, answers frames."""

from __future__ import annotations

from typing import Protocol

from simcard.links.frames import LONGEST, Control, control_of, encode
from simcard.memory import PowerLoss


class ServedCard(Protocol):
    """What a link needs of a card; `simcard.card.Card` has it, and so may any other object."""

    @property
    def atr(self) -> bytes:
        """The answer to reset, known before power-on as well."""

    def power_on(self) -> bytes:
        """Powers up and returns the ATR."""

    def reset(self) -> bytes:
        """Resets the powered card and returns the ATR."""

    def power_off(self) -> None:
        """Takes the power away; volatile state is gone."""

    def transmit(self, apdu: bytes) -> bytes:
        """The response APDU to the command APDU *apdu*; no bytes at all from a mute card."""


class Slot:
    """A card in a reader's slot. Knows whether it is powered, and knows no wire.

    Readers are careless about order: they switch off what is off, reset what was never switched
    on, and ask an unpowered card for its ATR to learn whether it is there.
    """

    __slots__ = ("_card", "_powered")

    def __init__(self, card: ServedCard) -> None:
        self._card = card
        self._powered = False

    @property
    def powered(self) -> bool:
        """Whether the reader has switched the card on."""
        return self._powered

    def receive(self, message: bytes) -> bytes | None:
        """What to send for *message*: a frame, or no bytes when the reader expects none.

        None when the card has nothing to say and the reader would wait for it for ever. The
        protocol has no word for silence (an empty frame leaves the driver waiting with the service
        locked), so hanging up is the only way on: the terminal's command fails and the card
        counts as taken out.
        """
        control = control_of(message)
        if control is None:
            answer = self._transmit(message)
        elif control is Control.ATR:
            answer = self._card.atr
        else:
            self._obey(control)
            return b""
        return encode(answer) if 0 < len(answer) <= LONGEST else None

    def withdraw(self) -> None:
        """Takes the power away if there is any: the card was pulled, or the reader went."""
        if self._powered:
            self._powered = False
            self._card.power_off()

    def _obey(self, control: Control) -> None:
        if control is Control.RESET and self._powered:
            self._card.reset()
            return
        self.withdraw()
        if control is not Control.POWER_OFF:
            self._card.power_on()
            self._powered = True

    def _transmit(self, command: bytes) -> bytes:
        """The card's answer; empty from one that is mute, unpowered or has just lost its power."""
        if not self._powered:
            return b""
        try:
            return self._card.transmit(command)
        except PowerLoss:
            self.withdraw()
            return b""
