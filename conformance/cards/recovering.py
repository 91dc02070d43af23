"""A card that may be lost and come back: pulled and put in again, or crashed and started anew.

A card that is gone stays silent until the next reset, as one that has gone mute does, so the judge
sees the command behind which it went and calls it a fault. The reset waits for it. Nothing is sent
in between: what was selected or verified is lost with the power.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.trouble import CardLost, NotCarried, UsageError

if TYPE_CHECKING:
    from conformance.cards import Ability, CardUnderTest

PAUSE = 0.1
"""Seconds between two looks whether the card is back."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a lost card is waited for, in seconds, and how often in one run."""

    seconds: float = 10.0
    losses: int = 200


class RecoveringCard:
    """*inner*, brought back after a loss; CardLost when it stays away or another one comes.

    *told* hears of each loss and each return, with the ATR, as events for the trace.
    """

    def __init__(
        self,
        inner: CardUnderTest,
        patience: Patience,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.told: Callable[[str, bytes], None] = lambda _event, _atr: None
        self.lost = 0
        self._inner = inner
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._atr = b""
        self._gone = ""
        self._given_up = False

    @property
    def spec(self) -> str:
        """The `--card` argument."""
        return self._inner.spec

    @property
    def reader(self) -> str:
        """The name of the reader, "" without one."""
        return self._inner.reader

    @property
    def known_as(self) -> bytes | None:
        """The ATR under which statements know the card."""
        return self._inner.known_as

    @property
    def abilities(self) -> frozenset[Ability]:
        """What the card can do beyond answering."""
        return self._inner.abilities

    def connect(self) -> bytes:
        """Power the card up; a card that is not there to begin with is not waited for."""
        self._atr = self._inner.connect()
        return self._atr

    def reset(self) -> bytes:
        """Reset the card, or wait for it where it is gone, and give its ATR."""
        if not self._gone:
            try:
                return self._inner.reset()
            except CardLost as loss:
                self._lose(loss)
        return self._recovered()

    def transmit(self, command: bytes) -> bytes:
        """The answer; nothing when the card was lost over this command or one before it."""
        if self._gone:
            return b""
        try:
            return self._inner.transmit(command)
        except CardLost as loss:
            self._lose(loss)
            return b""

    def fork(self) -> CardUnderTest:
        """A copy, of a card that has the ability."""
        return self._inner.fork()

    def close(self) -> None:
        """Power the card down, if it is there."""
        self._inner.close()

    def _lose(self, loss: CardLost) -> None:
        self.lost += 1
        self._gone = str(loss)
        self.told("lost", b"")

    def _recovered(self) -> bytes:
        """The ATR of the card that came back in time."""
        if self.lost > self._patience.losses:
            raise CardLost(f"{self._gone}; it was lost {self.lost} times, more than allowed")
        if self._given_up or self._patience.seconds <= 0:
            raise CardLost(self._gone)
        started = self._clock()
        atr = self._connected()
        while atr is None:
            if self._clock() - started >= self._patience.seconds:
                self._given_up = True
                raise CardLost(f"{self._gone}; not back within {self._patience.seconds:g} s")
            self._sleep(PAUSE)
            atr = self._connected()
        if atr != self._atr:
            self._given_up = True
            self._inner.close()
            raise CardLost(f"{self._gone}; another card came, with the ATR {atr.hex().upper()}")
        self._gone = ""
        self.told("back", atr)
        return atr

    def _connected(self) -> bytes | None:
        """The ATR of the card if there is one now."""
        try:
            self._inner.close()
            return self._inner.connect()
        except (CardLost, NotCarried, UsageError):
            return None
