"""Gives back what a history moved in a purse: the balance is made what it was found to be.

Counters and log records cannot be given back; the statement says by `use = true` that they may go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import trading
from conformance.guard import Refused
from conformance.inventory import Money, money_in
from conformance.model import Model
from conformance.model.pboc.state import LOAD_ED, LOAD_EP, OVERDRAW, PURCHASE_ED, PURCHASE_EP
from conformance.terminal import Terminal, Violation

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.family import PurseTable
    from conformance.returning import Report

GIVE = {1: LOAD_ED, 2: LOAD_EP}
TAKE = {1: PURCHASE_ED, 2: PURCHASE_EP}


def give_back_money(bench: Bench, live: Model, report: Report, *, everything: bool) -> None:
    """Make each balance what it was found to be, where a history moved it, or everywhere."""
    families = [state.family for state in live.states if state.family is not None]
    holdings = families[0].holdings if families else {}
    for purse, found in bench.inventory.purses.items():
        holding = holdings.get(purse)
        moved = holding is not None and holding.balance not in {None, found.balance}
        limited = holding is not None and holding.overdraw not in {None, found.limit}
        if moved or limited or (everything and money_in(bench, purse) != found):
            succeeded = refund(bench, purse, found)
            report.told(f"the {purse.kind} of {purse.df}", succeeded=succeeded)


def refund(bench: Bench, purse: PurseTable, found: Money) -> bool:
    """Set the limit, load or pay the difference; whether the purse holds what was *found*."""
    bench.reset(bench.card)
    terminal = Terminal(bench, bench.card, Model(bench.statement, bench.keys))
    try:
        trading.enter(terminal, purse.df)
        _limit(terminal, purse, found)
        _balance(terminal, purse, found)
    except (Violation, Refused):
        return False
    now = money_in(bench, purse)
    return now is not None and now.balance == found.balance


def _limit(terminal: Terminal, purse: PurseTable, found: Money) -> None:
    pboc = trading.pboc_of(terminal)
    kind = OVERDRAW
    for key in trading.usable_keys(pboc, terminal.keys, purse, kind) if purse.number == 1 else ():
        terminal.send(trading.initialize(kind, key.number, 0))
        begun = trading.begun_in(terminal)
        if begun is not None and found.limit not in {None, begun.overdraw}:
            trading.transact(terminal, kind, key, 0, limit=found.limit or 0)
        return


def _balance(terminal: Terminal, purse: PurseTable, found: Money) -> None:
    pboc = trading.pboc_of(terminal)
    held = int.from_bytes(terminal.send(trading.balance(purse)).data, "big")
    kind = GIVE[purse.number] if held < found.balance else TAKE[purse.number]
    for key in trading.usable_keys(pboc, terminal.keys, purse, kind):
        if held != found.balance:
            trading.transact(terminal, kind, key, abs(found.balance - held))
        return
