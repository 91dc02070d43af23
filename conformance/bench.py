"""Everything one run works with: the card, its statement and keys, the guard and the trace.

The bench hands out fresh histories. A card that can fork is copied for each of them, so nothing has
to be undone; any other card is reset, and what was written is put back first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from conformance.cards import Ability
from conformance.guard import Guard
from conformance.model import Model
from conformance.model.state import State, initial_state
from conformance.terminal import Terminal
from conformance.trouble import TimeIsUp
from conformance.undo import put_back

if TYPE_CHECKING:
    from conformance.cards import CardUnderTest
    from conformance.evidence import Evidence
    from conformance.keys import Keys
    from conformance.statement import Statement

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Plan:
    """How thoroughly and how boldly to judge."""

    seed: int
    examples: int


@dataclass
class Bench:
    """The table on which a card is judged. `found` comes first."""

    card: CardUnderTest
    statement: Statement
    keys: Keys
    guard: Guard
    evidence: Evidence
    plan: Plan
    clock: Clock
    atr: bytes = b""
    baseline: State = field(init=False)
    """What the card holds when nothing has been tried: contents where they could be read."""
    live: Model | None = None
    """The model of the card on the table, when it may differ from the baseline."""
    deadline: float = inf
    """When, on the clock, the time for trying is over; putting back is not bound by it."""
    share: float = inf
    """Until when, on the clock, the case at hand may go on generating histories."""

    def __post_init__(self) -> None:
        self.baseline = initial_state(self.statement.layout)

    def found(self, atr: bytes) -> None:
        """The card was powered up and answered *atr*."""
        self.atr = atr
        self.evidence.event("power-on", atr)

    @property
    def copies(self) -> bool:
        """Whether each history gets a card of its own."""
        return Ability.FORK in self.card.abilities

    def begin(self) -> Terminal:
        """A fresh history: a card as it was found, reset, and a model that knows it."""
        model = Model(self.statement, self.keys, (self.baseline,))
        if self.copies:
            card = self.card.fork()
            self.reset(card)
            return Terminal(self, card, model)
        self.put_back()
        self.reset(self.card)
        self.live = model
        return Terminal(self, self.card, model)

    def put_back(self) -> None:
        """Undo what the latest history did to a card that cannot be copied."""
        if self.live is not None:
            with self.until(inf):
                put_back(self, self.live)
            self.live = None

    @contextmanager
    def until(self, moment: float) -> Iterator[None]:
        """Meanwhile the time for trying ends at *moment*; TimeIsUp then."""
        before, self.deadline = self.deadline, moment
        try:
            yield
        finally:
            self.deadline = before

    def reset(self, card: CardUnderTest) -> bytes:
        """Reset *card*, on the record."""
        started = self._in_time()
        atr = card.reset()
        self.evidence.event("reset", atr, self.clock() - started)
        return atr

    def exchange(self, card: CardUnderTest, raw: bytes) -> bytes:
        """One exchange with *card*, on the record."""
        started = self._in_time()
        answer = card.transmit(raw)
        self.evidence.exchange(raw, answer, self.clock() - started)
        return answer

    def _in_time(self) -> float:
        now = self.clock()
        if now >= self.deadline:
            raise TimeIsUp
        return now
