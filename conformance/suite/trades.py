"""The purses and keys a case can trade with, and the beginnings of transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.case import NotRun, not_applicable
from conformance.model.pboc.state import LOAD_ED, LOAD_EP, PURCHASE_ED, PURCHASE_EP
from conformance.suite.finding import OK
from conformance.trading import (
    balance,
    begun_in,
    completing,
    enter,
    initialize,
    pboc_of,
    transact,
    usable_keys,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.family import CardKey, PurseTable
    from conformance.model.pboc.state import Kind
    from conformance.terminal import Terminal


_AREA = "pboc/purse"
NOT_BEGUN = (0x6985, 0x6901, 0x6984)
WRONG = (0x9302, 0x6988)
LOADS = (LOAD_ED, LOAD_EP)
PURCHASES = (PURCHASE_ED, PURCHASE_EP)


def trades(
    terminal: Terminal, *kinds: Kind, use: bool = True
) -> Iterator[tuple[Kind, PurseTable, CardKey]]:
    """Each of *kinds* with its purse and each key that is known; the DF entered after a reset."""
    pboc = pboc_of(terminal)
    purses = [(kind, purse) for kind in kinds for purse in pboc.purse if purse.number == kind.purse]
    if not purses or not any(any(pboc.keys_of(kind.key, purse.df)) for kind, purse in purses):
        not_applicable("the card has no purse or key for this")
    found = [
        (kind, purse, key)
        for kind, purse in purses
        if purse.use or not use
        for key in usable_keys(pboc, terminal.keys, purse, kind)
    ]
    if not found:
        raise NotRun("no purse may be used with a key that is known")
    for kind, purse, key in found:
        terminal.reset()
        enter(terminal, purse.df)
        yield kind, purse, key


def begin(terminal: Terminal, kind: Kind, key: CardKey, amount: int, *, spoilt: int = 0) -> bytes:
    """INITIALIZE, and the completing command, not yet sent."""
    because = f"{_AREA}/{kind.name}-begins"
    terminal.send(initialize(kind, key.number, amount), expect=OK, because=because)
    begun = begun_in(terminal)
    assert begun is not None, "the model follows an answer to INITIALIZE"
    return completing(begun, terminal.keys.secrets[key.name], spoilt=spoilt).encode()


def complete(
    terminal: Terminal,
    kind: Kind,
    purse: PurseTable,
    key: CardKey,
    amount: int,
    *,
    spoilt: int = 0,
) -> None:
    """A whole transaction that its MAC decides, and what the purse holds then."""
    command = begin(terminal, kind, key, amount, spoilt=spoilt)
    expected, rule = (WRONG, "wrong") if spoilt else (OK, "right")
    terminal.send(command, expect=expected, because=f"{_AREA}/{kind.name}-{rule}-mac")
    terminal.send(balance(purse))


def supplied(terminal: Terminal, purse: PurseTable, amount: int) -> None:
    """Load what a purchase of *amount* needs, where the purse has less."""
    held = int.from_bytes(terminal.send(balance(purse)).data, "big")
    load = LOADS[purse.number - 1]
    for key in usable_keys(pboc_of(terminal), terminal.keys, purse, load):
        if held < amount:
            transact(terminal, load, key, amount - held)
        return
    if held < amount:
        raise NotRun(f"the {purse.kind} holds less than {amount}, and no load key is known")
