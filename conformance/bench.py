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
from conformance.custody import UPDATES, Custody
from conformance.guard import Guard
from conformance.inventory import Inventory
from conformance.model import Model
from conformance.model.state import State, initial_state
from conformance.returning import count_again, resync
from conformance.terminal import Terminal
from conformance.trouble import NotPutBack, TimeIsUp
from conformance.undo import put_back
from conformance.undolog import GUESSES, Entry, PutBackEntry, UndoLog, ValueEntry
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.cards import CardUnderTest
    from conformance.custody import Holding
    from conformance.evidence import Evidence
    from conformance.keys import Keys
    from conformance.layout import ElementaryFile
    from conformance.returning import Report
    from conformance.statement import Statement

Clock = Callable[[], float]
WRITING = UPDATES | {0x52, 0x54, 0x58}
"""Instructions that change a file or a purse that was there before."""


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
    inventory: Inventory = field(default_factory=Inventory)
    """What a card that cannot be copied was found to hold beside its files."""
    undo: UndoLog | None = None
    _terminal: Terminal | None = None
    _returning: bool = False

    def __post_init__(self) -> None:
        self.baseline = initial_state(self.statement.layout)
        self.custody = Custody(
            self.statement.layout, self.keys, self.guard.risk, self._note, self.stocked
        )
        self.custody.tells = self.statement.features.verify_query

    def stocked(self, ef: ElementaryFile) -> bool:
        """Whether all of what *ef* holds is known."""
        return all(content.known is None for content in self.baseline.contents[ef])

    def _note(self, holding: Holding) -> None:
        """Put down what the value of a reference may be, by the names of the judge's guesses."""
        kinds = {self.keys.guess(kind, holding.reference): kind for kind in reversed(GUESSES)}
        names = [kinds.get(value, "unknown") for value in holding.likely]
        if names:
            self.record(ValueEntry(reference=holding.reference.name, may_be=tuple(names)))

    def record(self, *entries: Entry) -> None:
        """Append *entries* to the undo log, where there is one."""
        if self.undo is not None:
            self.undo.write(*entries)

    def found(self, atr: bytes) -> None:
        """The card was powered up and answered *atr*."""
        self.atr = atr
        self.evidence.event("power-on", atr)

    @property
    def copies(self) -> bool:
        """Whether each history gets a card of its own."""
        return Ability.FORK in self.card.abilities

    @property
    def counts_freely(self) -> bool:
        """Whether the card can be asked for tries: it is declared, and was not seen to cost any."""
        return self.statement.features.verify_query and not self.custody.asking_costs

    def begin(self) -> Terminal:
        """A fresh history: a card as it was found, reset, and a model that knows it."""
        model = Model(self.statement, self.keys, (self.baseline,))
        if self.copies:
            card = self.card.fork()
            self.reset(card)
            return Terminal(self, card, model)
        self.put_back()
        self.start_anew(self.card)
        self.live = model
        self._terminal = Terminal(self, self.card, model)
        return self._terminal

    def put_back(self) -> None:
        """Undo what the latest history did to a card that cannot be copied; NotPutBack.

        Behind a wrong answer to a command that writes everything is looked at: no model knows then
        what the card holds.
        """
        if self.live is not None:
            report = self.given_back(self.live, everything=self._unclear())
            if report.failed:
                raise NotPutBack(not_put_back(report))
            self.live = None

    def _unclear(self) -> bool:
        """Whether the latest history ended over a command that writes."""
        if self._terminal is None or not self._terminal.broken or not self._terminal.history:
            return False
        last = self._terminal.history[-1].command or b""
        return last[1:2] != b"" and last[1] in WRITING

    def leave(self) -> None:
        """Put the card back for good and say so in the undo log; NotPutBack.

        Everything is looked at once more, unless nothing was tried that changes a card.
        """
        if self.copies:
            return
        changing = self.guard.risk.rank >= Risk.RESTORE.rank and bool(self.inventory.answers)
        if changing:
            self.live = self.live or Model(self.statement, self.keys, (self.baseline,))
        report = self.given_back(self.live, everything=changing) if self.live is not None else None
        if report is not None and report.failed:
            raise NotPutBack(not_put_back(report))
        self.live = None
        self.record(PutBackEntry(by="run"))

    def given_back(self, live: Model, *, everything: bool) -> Report:
        """Undo what the history of *live* did, or whatever differs from what was found."""
        with self.until(inf), self.unwatched():
            report = put_back(self, live, everything=everything)
            resync(self)
            return report

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """Meanwhile what is sent is no history: whoever puts back minds the tries by himself."""
        before, self._returning = self._returning, True
        try:
            yield
        finally:
            self._returning = before

    @contextmanager
    def watched(self, model: Model) -> Iterator[None]:
        """Meanwhile what is sent is a history again, which *model* follows."""
        before, self.live, self._returning = (self.live, self._returning), model, False
        try:
            yield
        finally:
            self.live, self._returning = before

    @contextmanager
    def until(self, moment: float) -> Iterator[None]:
        """Meanwhile the time for trying ends at *moment*; TimeIsUp then."""
        before, self.deadline = self.deadline, moment
        try:
            yield
        finally:
            self.deadline = before

    def start_anew(self, card: CardUnderTest) -> bytes:
        """Reset *card* within a history; what a card in custody may have lost is counted before."""
        if not self.copies:
            with self.unwatched():
                count_again(self)
        return self.reset(card)

    def reset(self, card: CardUnderTest) -> bytes:
        """Reset *card*, on the record."""
        started = self._in_time()
        atr = card.reset()
        self.evidence.event("reset", atr, self.clock() - started)
        return atr

    def exchange(self, card: CardUnderTest, raw: bytes) -> bytes:
        """One exchange with *card*, on the record."""
        watched = None if self.copies or self._returning else self.live
        if watched is not None:
            self.custody.admit(raw, watched)
        started = self._in_time()
        answer = card.transmit(raw)
        self.evidence.exchange(raw, answer, self.clock() - started)
        if watched is not None:
            self.custody.answered(raw, answer)
        return answer

    def _in_time(self) -> float:
        now = self.clock()
        if now >= self.deadline:
            raise TimeIsUp
        return now


def not_put_back(report: Report) -> str:
    """What of *report* failed, in a line."""
    return "; ".join(f"{one} could not be put back" for one in report.failed)
