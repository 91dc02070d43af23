"""Gives back what a history moved in a purse: the balance is made what it was found to be.

Counters and log records cannot be given back; the statement says by `use = true` that they may go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import trading
from conformance.guard import Refused
from conformance.inventory import PURCHASES, Money, money_in
from conformance.model import Model
from conformance.model.pboc.state import LOAD_ED, LOAD_EP, OVERDRAW
from conformance.terminal import Terminal, Violation

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.family import CardKey, PurseTable
    from conformance.model.pboc.state import Kind
    from conformance.returning import Report

LOADS = {1: LOAD_ED, 2: LOAD_EP}
"""What gives money to a purse, by its number."""


def give_back_money(bench: Bench, live: Model, report: Report, *, everything: bool) -> None:
    """Make each balance what it was found to be, where a history moved it, or everywhere."""
    families = [state.family for state in live.states if state.family is not None]
    holdings = families[0].holdings if families else {}
    for purse, found in bench.inventory.purses.items():
        holding = holdings.get(purse)
        moved = holding is not None and holding.balance not in {None, found.balance}
        limited = holding is not None and holding.overdraw not in {None, found.limit}
        if moved or limited or (everything and money_in(bench, purse) != found):
            succeeded = _refunded(bench, purse, found)
            report.told(f"the {purse.kind} of {purse.df}", succeeded=succeeded)


def _refunded(bench: Bench, purse: PurseTable, found: Money) -> bool:
    """Set the limit, load or pay the difference; whether the purse holds what was *found*."""
    bench.reset(bench.card)
    terminal = Terminal(bench, bench.card, Model(bench.statement, bench.keys))
    try:
        with bench.watched(terminal.model):
            trading.enter(terminal, purse.df)
        _limit(terminal, purse, found)
        _balance(terminal, purse, found)
    except (Violation, Refused):
        return False
    now = money_in(bench, purse)
    return now is not None and now.balance == found.balance


def _limit(terminal: Terminal, purse: PurseTable, found: Money) -> None:
    key = _key(terminal, purse, OVERDRAW) if purse.number == 1 else None
    if key is None:
        return
    terminal.send(trading.initialize(OVERDRAW, key.number, 0))
    begun = trading.begun_in(terminal)
    if begun is not None and found.limit not in {None, begun.overdraw}:
        trading.transact(terminal, OVERDRAW, key, 0, limit=found.limit or 0)


def _balance(terminal: Terminal, purse: PurseTable, found: Money) -> None:
    held = int.from_bytes(terminal.send(trading.balance(purse)).data, "big")
    kind = (LOADS if held < found.balance else PURCHASES)[purse.number]
    key = _key(terminal, purse, kind)
    if key is not None and held != found.balance:
        trading.transact(terminal, kind, key, abs(found.balance - held))


def _key(terminal: Terminal, purse: PurseTable, kind: Kind) -> CardKey | None:
    """A key of *kind* for *purse* whose value the judge holds, or None."""
    pboc = trading.pboc_of(terminal)
    return next(trading.usable_keys(pboc, terminal.keys, purse, kind), None)
