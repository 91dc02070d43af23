"""Gives back what a history moved in a purse: the balance is made what it was found to be.

Counters and log records cannot be given back; the statement says by `use = true` that they may go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import trading
from conformance.guard import Refused
from conformance.model.pboc.state import LOAD_ED, LOAD_EP, PURCHASE_ED, PURCHASE_EP
from conformance.terminal import Violation

if TYPE_CHECKING:
    from conformance.family import PurseTable
    from conformance.model import Model
    from conformance.model.pboc.state import Holding
    from conformance.terminal import Terminal

GIVE = {1: LOAD_ED, 2: LOAD_EP}
TAKE = {1: PURCHASE_ED, 2: PURCHASE_EP}


def moved(live: Model) -> tuple[tuple[PurseTable, Holding], ...]:
    """The purses that a history left with another balance than it found."""
    families = [state.family for state in live.states if state.family is not None]
    holdings = families[0].holdings if families else {}
    return tuple(
        (purse, holding)
        for purse, holding in holdings.items()
        if holding.balance is not None and holding.balance != holding.found
    )


def refund(terminal: Terminal, purse: PurseTable, holding: Holding) -> bool:
    """Load or pay the difference; whether the balance is what it was found to be."""
    try:
        return _refunded(terminal, purse, holding)
    except (Violation, Refused):
        return False


def _refunded(terminal: Terminal, purse: PurseTable, holding: Holding) -> bool:
    assert holding.found is not None, "a balance that is known was found"
    pboc = trading.pboc_of(terminal)
    trading.enter(terminal, purse.df)
    held = int.from_bytes(terminal.send(trading.balance(purse)).data, "big")
    kind = GIVE[purse.number] if held < holding.found else TAKE[purse.number]
    for key in trading.usable_keys(pboc, terminal.keys, purse, kind):
        if held != holding.found:
            trading.transact(terminal, kind, key, abs(holding.found - held))
        after = terminal.send(trading.balance(purse)).data
        return int.from_bytes(after, "big") == holding.found
    return held == holding.found
