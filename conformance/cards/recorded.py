"""A card that gives the answers of an earlier run, to judge a trace again without the card."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.cards import Ability
from conformance.result import RESULT_FILE, TRACE_FILE, read_result, read_trace
from conformance.trouble import CardLost

PASSING = frozenset({"lost", "back"})
"""Events about the way to the card; the reset behind them has the ATR."""
COPIED = ("sim:", "mutant:")
"""The cards whose runs were on copies; a record of theirs has the resets of copies in it."""

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.cards import CardUnderTest
    from conformance.result import Exchange


class RecordedCard:
    """The answers in the order of the trace; another question than the recorded one ends it.

    The run has to ask as the recorded one did: same seed, examples, risk and areas.
    """

    known_as: bytes | None = None

    def __init__(
        self,
        spec: str,
        reader: str,
        atr: bytes,
        exchanges: deque[Exchange],
        abilities: frozenset[Ability],
    ) -> None:
        self.spec = spec
        self.abilities = abilities
        self.reader = reader
        self.expanded: Callable[[str], bytes] = bytes.fromhex
        """Turns an answer with slots into bytes; those who hold the keys put their own here."""
        self._atr = atr
        self._exchanges = exchanges

    @classmethod
    def open(cls, folder: str) -> RecordedCard:
        """The card whose run left its result and trace in *folder*."""
        room = Path(folder)
        result = read_result(room / RESULT_FILE)
        trace = deque(one for one in read_trace(room / TRACE_FILE) if one.event not in PASSING)
        card = result.card
        copied = card.spec.startswith(COPIED)
        abilities = frozenset({Ability.FORK}) if copied else frozenset[Ability]()
        return cls(f"recorded:{folder}", card.reader, bytes.fromhex(card.atr), trace, abilities)

    def connect(self) -> bytes:
        """The recorded ATR."""
        return self._event() if self._exchanges and self._exchanges[0].event else self._atr

    def reset(self) -> bytes:
        """The ATR that the next recorded reset answered."""
        return self._event()

    def _event(self) -> bytes:
        if not self._exchanges or self._exchanges[0].event is None:
            raise CardLost("the record goes on with a command where the run resets the card")
        return bytes.fromhex(self._exchanges.popleft().response)

    def transmit(self, command: bytes) -> bytes:
        """The recorded answer to *command*; secret data fields are not compared."""
        if not self._exchanges:
            raise CardLost("the record ends here")
        exchange = self._exchanges.popleft()
        if exchange.event or not exchange.command.startswith(command[:4].hex().upper()):
            raise CardLost(f"the record has no answer to {command[:4].hex().upper()} here")
        try:
            return self.expanded(exchange.response)
        except ValueError as error:
            raise CardLost("the record withholds what the card answered here: a secret") from error

    def fork(self) -> CardUnderTest:
        """The record goes on, whichever copy it is of."""
        return self

    def close(self) -> None:
        """Nothing to power down."""
