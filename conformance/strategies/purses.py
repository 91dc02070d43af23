"""Generated histories of a purse: transactions right and wrong, interrupted, proven, reset.

A command of a transaction depends on the answer to the one before, so these histories are drawn
step by step and sent at once; the model follows them as it follows any other. Beside the model the
money is counted here: what was found, plus what was loaded, less what was paid.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance import trading
from conformance.case import NotRun, not_applicable
from conformance.commands import get_challenge
from conformance.model.pboc.state import KINDS
from conformance.strategies.walk import wander
from conformance.terminal import Violation

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.family import CardKey, PurseTable
    from conformance.model.pboc.state import Kind
    from conformance.strategies.dice import Dice
    from conformance.terminal import Terminal

CONSERVED = "pboc/purse/conserved"
LONGEST = 20
MOST = 0xFFFFFFFF
SPOILT = (0, 0, 0, 0x01, 0x80)
"""What is wrong with the MAC, most often nothing."""
BETWEEN = (0, 0, 0, 0, 1, 2, 3)
"""What comes between the commands of a transaction, most often nothing."""
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
    trades = _trades(bench)

    def begin() -> Purses:
        purses = Purses(bench.begin(), trades)
        purses.enter()
        return purses

    wander(bench, begin, (_trade, _prove, _count, _reset), LONGEST)


def _trade(purses: Purses, dice: Dice) -> None:
    amount = MOST if not dice.below(8) else dice.between(0, 300)
    spoilt, between = dice.pick(SPOILT), dice.pick(BETWEEN)
    purses.trade(dice.pick(purses.trades), amount, spoilt, between)


def _prove(purses: Purses, dice: Dice) -> None:
    purses.prove(dice.pick(purses.trades))


def _count(purses: Purses, dice: Dice) -> None:
    purses.count(dice.pick(purses.trades)[1])


def _reset(purses: Purses, _dice: Dice) -> None:
    purses.terminal.reset()
    purses.enter()
