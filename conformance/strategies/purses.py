"""Generated histories of a purse: transactions right and wrong, interrupted, proven, reset.

A command of a transaction depends on the answer to the one before, so these histories are drawn
step by step and sent at once; the model follows them as it follows any other. Beside the model the
money is counted here: what was found, plus what was loaded, less what was paid.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from conformance import trading
from conformance.case import NotRun, not_applicable
from conformance.commands import get_challenge
from conformance.model.pboc.state import KINDS
from conformance.terminal import Violation

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.bench import Bench
    from conformance.family import CardKey, PurseTable
    from conformance.model.pboc.state import Kind
    from conformance.terminal import Terminal

CONSERVED = "pboc/purse/conserved"
LONGEST = 20
AMOUNTS = st.one_of(st.integers(0, 300), st.just(0xFFFFFFFF))
MOVES = {"load": 1, "unload": -1, "purchase": -1, "composite": -1}
Trade = tuple["Kind", "PurseTable", "CardKey"]


@dataclass
class Purses:
    """One history: the card, and the money that was counted beside it."""

    terminal: Terminal
    trades: tuple[Trade, ...]
    money: dict[PurseTable, int] = field(default_factory=dict)

    def enter(self) -> None:
        """The purse's DF is current and the PIN proven."""
        for path in {purse.df for _, purse, _ in self.trades}:
            trading.enter(self.terminal, path)

    def count(self, purse: PurseTable) -> int:
        """The balance, which has to be what was counted."""
        answer = self.terminal.send(trading.balance(purse))
        held = int.from_bytes(answer.data, "big")
        counted = self.money.setdefault(purse, held)
        if held != counted:
            told = f"the {purse.kind} holds {held}, counted are {counted}"
            raise Violation(CONSERVED, told, (), self.terminal.history)
        return held

    def trade(self, trade: Trade, amount: int, spoilt: int, between: int) -> None:
        """A transaction: all of it, with a wrong MAC, or with something between its commands."""
        kind, purse, key = trade
        self.count(purse)
        answer = self.terminal.send(trading.initialize(kind, key.number, amount))
        begun = trading.begun_in(self.terminal)
        if answer.sw != 0x9000 or begun is None:
            return
        if between == 1:
            self.count(purse)
        elif between == 2:
            self.terminal.send(get_challenge(4))
        elif between == 3:
            self.terminal.reset()
            self.enter()
        value = self.terminal.keys.secrets[key.name]
        done = self.terminal.send(trading.completing(begun, value, spoilt=spoilt))
        if done.sw == 0x9000:
            self.money[purse] += MOVES[kind.name] * amount

    def prove(self, trade: Trade) -> None:
        """Ask for the proof of the latest transaction of its kind, and of the one to come."""
        kind, purse, _ = trade
        family = self.terminal.model.states[0].family
        held = family.proofs.get((purse, kind.code)) if family else None
        after = int(trading.pboc_of(self.terminal).proof_counter == "after")
        number = (held[0] if held else 0) + after
        for counter in (number, number + 1):
            self.terminal.send(trading.proof(kind, counter % 0x10000))


def _trades(bench: Bench) -> tuple[Trade, ...]:
    pboc = bench.statement.pboc
    if pboc is None or not pboc.purse:
        not_applicable("the card has no purse")
    found = tuple(
        (kind, purse, key)
        for kind in KINDS.values()
        for purse in pboc.purse
        if purse.number == kind.purse and purse.use and kind.name in MOVES
        for key in trading.usable_keys(pboc, bench.keys, purse, kind)
    )
    if not found:
        raise NotRun("no purse may be used with a key that is known")
    return found


def explore_purses(bench: Bench) -> None:
    """Run generated histories; the Violation of the first bad one."""
    found: list[Violation] = []
    machine = _machine(bench, _trades(bench), found)
    chosen = settings(
        max_examples=bench.plan.examples,
        stateful_step_count=LONGEST,
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=False,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )
    hypothesis.seed(bench.plan.seed)(machine)
    try:
        run_state_machine_as_test(machine, settings=chosen)
    except Flaky:
        raise found[0] from None  # whether it comes again is for the trial to say


def _machine(
    bench: Bench, trades: tuple[Trade, ...], found: list[Violation]
) -> type[RuleBasedStateMachine]:
    """A state machine class over *trades*; *found* gets violations."""
    chosen = st.sampled_from(trades)

    class History(RuleBasedStateMachine):
        """One history on one card."""

        purses: Purses
        over = False

        @initialize()
        def begin(self) -> None:
            """A card as it was found."""
            self.purses = Purses(bench.begin(), trades)
            self.purses.enter()

        @rule(
            trade=chosen,
            amount=AMOUNTS,
            spoilt=st.sampled_from([0, 0, 0, 0x01, 0x80]),
            between=st.sampled_from([0, 0, 0, 0, 1, 2, 3]),
        )
        def trade(self, trade: Trade, amount: int, spoilt: int, between: int) -> None:
            """A transaction."""
            _watched(self, found, lambda: self.purses.trade(trade, amount, spoilt, between))

        @rule(trade=chosen)
        def prove(self, trade: Trade) -> None:
            """GET TRANSACTION PROOF."""
            _watched(self, found, lambda: self.purses.prove(trade))

        @rule(trade=chosen)
        def count(self, trade: Trade) -> None:
            """GET BALANCE."""
            _watched(self, found, lambda: self.purses.count(trade[1]))

        @rule()
        def reset(self) -> None:
            """A reset."""
            _watched(self, found, self.purses.terminal.reset)
            _watched(self, found, self.purses.enter)

    return History


def _watched(history: Any, found: list[Violation], step: Callable[[], object]) -> None:
    """Take *step*; after the first violation keep to its requirement."""
    if history.over:
        return
    try:
        step()
    except Violation as violation:
        history.over = True
        found.append(violation)
        if violation.requirement == found[0].requirement:
            raise
