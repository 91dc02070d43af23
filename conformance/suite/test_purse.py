"""Purses as a whole: what they show, how transactions pair, what proves and records them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import case
from conformance.commands import ALL, read_record
from conformance.model.pboc.state import KINDS
from conformance.strategies.purses import explore_purses
from conformance.suite.finding import OK, some
from conformance.suite.trades import LOADS, NOT_BEGUN, PURCHASES, begin, supplied, trades
from conformance.trading import (
    balance,
    begun_in,
    enter,
    initialize,
    pboc_of,
    proof,
    transact,
    usable_keys,
)
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.terminal import Terminal

_AREA = "pboc/purse"
ABSENT = 0x9406


@case(
    "purse/balance",
    covers=[f"{_AREA}/balance-shown", f"{_AREA}/balance-closed", f"{_AREA}/initialize-balance"],
)
def test_balance(terminal: Terminal) -> None:
    """The balance is shown as the rule of the purse says, and INITIALIZE shows the same."""
    for purse in pboc_of(terminal).purse:
        terminal.reset()
        enter(terminal, purse.df, proven=False)
        terminal.send(balance(purse))
        enter(terminal, purse.df)
        terminal.send(balance(purse), expect=OK, because=f"{_AREA}/balance-shown")
        for kind in (one for one in KINDS.values() if one.purse == purse.number):
            for key in usable_keys(pboc_of(terminal), terminal.keys, purse, kind):
                terminal.send(initialize(kind, key.number, 0))
                terminal.send(balance(purse))


@case(
    "purse/parameters",
    covers=[f"{_AREA}/reserved-p1-p2", f"{_AREA}/length", f"{_AREA}/no-purse"],
)
def test_parameters(terminal: Terminal) -> None:
    """Parameters and lengths that mean nothing are refused, and so is a DF without a purse."""
    for purse in pboc_of(terminal).purse:
        terminal.reset()
        terminal.send(balance(purse))
        terminal.send(initialize(PURCHASES[purse.number - 1], 1, 0))
        enter(terminal, purse.df)
        for p1, p2 in ((0x00, 0x03), (0x01, purse.number), (0x00, 0x00)):
            terminal.send(CommandAPDU(0x80, 0x5C, p1, p2, b"", 4))
        for p1, p2 in ((0x09, purse.number), (0x00, 0x07)):
            terminal.send(CommandAPDU(0x80, 0x50, p1, p2, bytes(11), ALL))
        for size in (10, 12):
            terminal.send(CommandAPDU(0x80, 0x50, 0x01, purse.number, bytes(size), ALL))
        for code, size in ((0x0B, 2), (0x06, 1), (0x06, 3)):
            terminal.send(CommandAPDU(0x80, 0x5A, 0x00, code, bytes(size), 8))


@case(
    "purse/initialize",
    covers=[
        f"{_AREA}/initialize-closed",
        f"{_AREA}/initialize-open",
        f"{_AREA}/initialize-key",
        f"{_AREA}/random-fresh",
        f"{_AREA}/key-unknown",
        f"{_AREA}/load-begins",
        f"{_AREA}/load-mac1",
        f"{_AREA}/purchase-begins",
        f"{_AREA}/initialize-overdraw",
        f"{_AREA}/unload-begins",
        f"{_AREA}/unload-mac1",
        f"{_AREA}/overdraw-begins",
        f"{_AREA}/overdraw-mac1",
        f"{_AREA}/composite-begins",
    ],
)
def test_initialize(terminal: Terminal) -> None:
    """Every kind of transaction begins when it is open, with its fields, and twice alike."""
    for kind, purse, key in trades(terminal, *KINDS.values(), use=False):
        for _ in range(3):
            command = initialize(kind, key.number, 0)
            terminal.send(command, expect=OK, because=f"{_AREA}/{kind.name}-begins")
        terminal.send(initialize(kind, 0x1D, 0), because="")
        terminal.reset()
        enter(terminal, purse.df, proven=False)
        terminal.send(initialize(kind, key.number, 0))


@case(
    "purse/pair",
    covers=[f"{_AREA}/pair-unbroken", f"{_AREA}/pair-once", f"{_AREA}/pair-reset"],
    risk=Risk.RESTORE,
)
def test_pair(terminal: Terminal) -> None:
    """What comes between the two commands ends the transaction; it is completed once."""
    for kind, purse, key in trades(terminal, *LOADS, *PURCHASES):
        supplied(terminal, purse, 10)
        for between in (balance(purse), CommandAPDU(0x00, 0x84, 0x00, 0x00, b"", 4)):
            command = begin(terminal, kind, key, 1)
            terminal.send(between)
            terminal.send(command, expect=NOT_BEGUN, because=f"{_AREA}/pair-unbroken")
            terminal.send(balance(purse))
        command = begin(terminal, kind, key, 1)
        terminal.send(command, expect=OK, because=f"{_AREA}/{kind.name}-right-mac")
        terminal.send(command, expect=NOT_BEGUN, because=f"{_AREA}/pair-once")
        command = begin(terminal, kind, key, 1, spoilt=0x01)
        terminal.send(command)
        terminal.send(command, expect=NOT_BEGUN, because=f"{_AREA}/pair-once")
        command = begin(terminal, kind, key, 1)
        terminal.reset()
        enter(terminal, purse.df)
        terminal.send(command, expect=NOT_BEGUN, because=f"{_AREA}/pair-reset")
        terminal.send(balance(purse))


@case(
    "purse/proof",
    covers=[f"{_AREA}/proof", f"{_AREA}/proof-absent"],
    risk=Risk.RESTORE,
)
def test_proof(terminal: Terminal) -> None:
    """A terminal that missed the answer finds out whether the transaction took place."""
    after = int(pboc_of(terminal).proof_counter == "after")
    for kind, purse, key in trades(terminal, *LOADS, *PURCHASES):
        supplied(terminal, purse, 10)
        command = begin(terminal, kind, key, 1)
        begun = begun_in(terminal)
        number = (begun.counter if begun else 0) + after
        terminal.send(command)
        for _ in range(2):
            terminal.send(proof(kind, number), expect=OK, because=f"{_AREA}/proof")
            absent = proof(kind, number + 1)
            terminal.send(absent, expect=ABSENT, because=f"{_AREA}/proof-absent")
            terminal.reset()
            enter(terminal, purse.df)
        terminal.send(begin(terminal, kind, key, 1, spoilt=0x01))
        terminal.send(proof(kind, number), expect=OK, because=f"{_AREA}/proof")
        terminal.send(absent, expect=ABSENT, because=f"{_AREA}/proof-absent")


@case(
    "purse/log",
    covers=[f"{_AREA}/log-youngest", f"{_AREA}/log-order"],
    risk=Risk.RESTORE,
)
def test_log(terminal: Terminal) -> None:
    """The log tells the last transactions, the youngest first, also when it has turned over."""
    turned: set[tuple[str, int]] = set()
    logged = (
        (kind, purse, key, ef)
        for kind, purse, key in trades(terminal, *LOADS, *PURCHASES)
        if purse.log and (ef := terminal.layout.by_sfi(enter(terminal, purse.df), purse.log))
    )
    for kind, purse, key, ef in some(logged, "no purse that may be used has a log"):
        held = ef.records
        times = 3 if (purse.df, purse.log) in turned else held + 2
        turned.add((purse.df, purse.log))
        supplied(terminal, purse, 10 * times)
        for amount in range(1, times + 1):
            transact(terminal, kind, key, amount)
        for number in (*range(1, min(times, held) + 1), 1):
            command = read_record(number, ALL, sfi=purse.log)
            rule = "log-youngest" if number == 1 else "log-order"
            terminal.send(command, expect=OK, because=f"{_AREA}/{rule}", wholly=True)


@case(
    "purse/apart",
    covers=[f"{_AREA}/purses-apart", f"{_AREA}/survives-reset"],
    risk=Risk.RESTORE,
)
def test_apart(terminal: Terminal) -> None:
    """A transaction concerns one purse, and a reset changes neither."""
    purses = pboc_of(terminal).purse
    for kind, purse, key in trades(terminal, *LOADS, *PURCHASES):
        supplied(terminal, purse, 10)
        for one in purses:
            terminal.send(balance(one))
        transact(terminal, kind, key, 5)
        for one in purses:
            terminal.send(balance(one))
        terminal.reset()
        enter(terminal, purse.df)
        for one in purses:
            terminal.send(balance(one))
        terminal.send(initialize(kind, key.number, 1))


@case(
    "purse/histories",
    covers=[
        f"{_AREA}/conserved",
        f"{_AREA}/load-credits",
        f"{_AREA}/purchase-debits",
        f"{_AREA}/wrong-mac-keeps",
        f"{_AREA}/pair-unbroken",
        f"{_AREA}/proof",
        f"{_AREA}/load-counter",
        f"{_AREA}/purchase-counter",
    ],
    risk=Risk.RESTORE,
)
def test_histories(bench: Bench) -> None:
    """However a purse is loaded, spent from, interrupted and lied to, no value is made or lost."""
    explore_purses(bench)
