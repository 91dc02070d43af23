"""What each kind of transaction moves, refuses and proves: loads, purchases, unloads, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import NotRun, case
from conformance.commands import ALL, read_record
from conformance.model.pboc.state import COMPOSITE, OVERDRAW, PURCHASE_ED, UNLOAD
from conformance.suite.finding import OK
from conformance.suite.trades import (
    LOADS,
    NOT_BEGUN,
    PURCHASES,
    WRONG,
    begin,
    complete,
    supplied,
    trades,
)
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
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.family import CardKey, PurseTable
    from conformance.model.pboc.state import Kind
    from conformance.terminal import Terminal


_AREA = "pboc/purse"
FUNDS = 0x9401
MOST = 0xFFFFFFFF


@case(
    "purse/load",
    covers=[
        f"{_AREA}/load-right-mac",
        f"{_AREA}/load-credits",
        f"{_AREA}/load-tac",
        f"{_AREA}/load-counter",
    ],
    risk=Risk.RESTORE,
)
def test_load(terminal: Terminal) -> None:
    """A load with the right MAC2 brings its amount, counts once, and is proven by its TAC."""
    for kind, purse, key in trades(terminal, *LOADS):
        for amount in (0x1000, 1):
            complete(terminal, kind, purse, key, amount)
        terminal.send(initialize(kind, key.number, 1))


@case(
    "purse/load-refused",
    covers=[f"{_AREA}/load-wrong-mac", f"{_AREA}/wrong-mac-keeps", f"{_AREA}/load-overflow"],
    risk=Risk.RESTORE,
)
def test_load_refused(terminal: Terminal) -> None:
    """A wrong MAC2, and an amount that does not fit, load nothing."""
    for kind, purse, key in trades(terminal, *LOADS):
        terminal.send(balance(purse))
        for spoilt in (0x01, 0x80):
            complete(terminal, kind, purse, key, 0x1000, spoilt=spoilt)
        terminal.send(initialize(kind, key.number, 1))
        terminal.send(initialize(kind, key.number, MOST))


@case(
    "purse/purchase",
    covers=[
        f"{_AREA}/purchase-right-mac",
        f"{_AREA}/purchase-debits",
        f"{_AREA}/purchase-mac2",
        f"{_AREA}/purchase-tac",
        f"{_AREA}/purchase-counter",
    ],
    risk=Risk.RESTORE,
)
def test_purchase(terminal: Terminal) -> None:
    """A purchase with the right MAC1 takes its amount, counts once, and is proven twice over."""
    for kind, purse, key in trades(terminal, *PURCHASES):
        supplied(terminal, purse, 300)
        for amount in (250, 0, 1):
            complete(terminal, kind, purse, key, amount)
        terminal.send(initialize(kind, key.number, 1))


@case(
    "purse/purchase-refused",
    covers=[f"{_AREA}/purchase-wrong-mac", f"{_AREA}/wrong-mac-keeps", f"{_AREA}/funds"],
    risk=Risk.RESTORE,
)
def test_purchase_refused(terminal: Terminal) -> None:
    """A wrong MAC1 takes nothing, and nobody pays more than there is."""
    for kind, purse, key in trades(terminal, *PURCHASES):
        supplied(terminal, purse, 100)
        held = int.from_bytes(terminal.send(balance(purse)).data, "big")
        for spoilt in (0x01, 0x80):
            complete(terminal, kind, purse, key, 100, spoilt=spoilt)
        terminal.send(begin(terminal, kind, key, held, spoilt=0x01))
        for amount in (held + 1, MOST):
            command = initialize(kind, key.number, amount)
            terminal.send(command, expect=FUNDS, because=f"{_AREA}/funds")


@case(
    "purse/composite",
    covers=[
        f"{_AREA}/composite-cache",
        f"{_AREA}/composite-right-mac",
        f"{_AREA}/composite-writes",
        f"{_AREA}/composite-only-with-debit",
        f"{_AREA}/composite-outside",
        f"{_AREA}/composite-other-file",
        f"{_AREA}/composite-no-record",
    ],
    risk=Risk.RESTORE,
)
def test_composite(terminal: Terminal) -> None:
    """A composite purchase debits and writes its records, or does neither."""
    sfi = pboc_of(terminal).composite
    for kind, purse, key in trades(terminal, COMPOSITE):
        if not terminal.bench.copies:
            raise NotRun("the records of a card that cannot be copied are left as they are")
        supplied(terminal, purse, 10)
        held = terminal.send(read_record(1, ALL, sfi=sfi)).data
        new = held[:-1] + bytes((held[-1] ^ 0x01,))
        cached = CommandAPDU(0x80, 0xDC, held[0], sfi << 3, new)
        terminal.send(cached, expect=NOT_BEGUN, because=f"{_AREA}/composite-outside")
        for command in (
            CommandAPDU(0x80, 0xDC, 0x01, 0x15 << 3 | 4, new),
            CommandAPDU(0x80, 0xDC, 0x7D, sfi << 3, b"\x7d" + new[1:]),
        ):
            terminal.send(initialize(kind, key.number, 0))
            terminal.send(command)
        for amount, spoilt in ((1, 0x01), (0, 0x00), (2, 0x00)):
            debit = begin(terminal, kind, key, amount, spoilt=spoilt)
            terminal.send(cached, expect=OK, because=f"{_AREA}/composite-cache")
            expected = WRONG if spoilt else OK
            rule = "purchase-wrong-mac" if spoilt else "composite-right-mac"
            terminal.send(debit, expect=expected, because=f"{_AREA}/{rule}")
            terminal.send(read_record(1, ALL, sfi=sfi))
            terminal.send(balance(purse))
        _broken_off(terminal, kind, purse, key, CommandAPDU(0x80, 0xDC, held[0], sfi << 3, held))


def _broken_off(
    terminal: Terminal, kind: Kind, purse: PurseTable, key: CardKey, cached: CommandAPDU
) -> None:
    """What a composite purchase that came to nothing put aside is not written by the next one."""
    because = f"{_AREA}/composite-only-with-debit"
    read = read_record(1, ALL, sfi=cached.p2 >> 3)
    for end in ("another command", "a reset", "a wrong MAC"):
        wrong = begin(terminal, kind, key, 1, spoilt=0x01)
        terminal.send(cached, expect=OK, because=f"{_AREA}/composite-cache")
        if end == "a reset":
            terminal.reset()
            enter(terminal, purse.df)
        elif end == "a wrong MAC":
            terminal.send(wrong, expect=WRONG, because=f"{_AREA}/purchase-wrong-mac")
        terminal.send(balance(purse))
        debit = begin(terminal, kind, key, 0)
        terminal.send(debit, expect=OK, because=f"{_AREA}/composite-right-mac")
        terminal.send(read, expect=OK, because=because, wholly=True)


@case(
    "purse/unload",
    covers=[
        f"{_AREA}/unload-right-mac",
        f"{_AREA}/unload-debits",
        f"{_AREA}/unload-mac3",
        f"{_AREA}/unload-wrong-mac",
    ],
    risk=Risk.RESTORE,
)
def test_unload(terminal: Terminal) -> None:
    """An unload with the right MAC2 takes its amount out, one with a wrong MAC2 nothing."""
    for kind, purse, key in trades(terminal, UNLOAD):
        supplied(terminal, purse, 100)
        complete(terminal, kind, purse, key, 50, spoilt=0x01)
        complete(terminal, kind, purse, key, 50)
        terminal.send(initialize(kind, key.number, 1))


@case(
    "purse/overdraw",
    covers=[
        f"{_AREA}/overdraw-right-mac",
        f"{_AREA}/overdraw-moves",
        f"{_AREA}/overdraw-tac",
        f"{_AREA}/overdraw-wrong-mac",
        f"{_AREA}/unload-limit",
    ],
    risk=Risk.CONSUME,
)
def test_overdraw(terminal: Terminal) -> None:
    """The balance moves with the limit, and what the limit lends can be spent but not unloaded."""
    for kind, purse, key in trades(terminal, OVERDRAW):
        terminal.send(initialize(kind, key.number, 0))
        begun = begun_in(terminal)
        assert begun is not None, "the model follows an answer to INITIALIZE"
        found, value = begun.overdraw, terminal.keys.secrets[key.name]
        command = completing(begun, value, limit=found + 500, spoilt=0x01)
        terminal.send(command, expect=WRONG, because=f"{_AREA}/overdraw-wrong-mac")
        terminal.send(balance(purse))
        transact(terminal, kind, key, 0, limit=found + 500)
        held = int.from_bytes(terminal.send(balance(purse)).data, "big")
        for unload in usable_keys(pboc_of(terminal), terminal.keys, purse, UNLOAD):
            too_much = initialize(UNLOAD, unload.number, held - found - 500 + 1)
            terminal.send(too_much, expect=FUNDS, because=f"{_AREA}/unload-limit")
        for spend in usable_keys(pboc_of(terminal), terminal.keys, purse, PURCHASE_ED):
            terminal.send(initialize(PURCHASE_ED, spend.number, held))
        transact(terminal, kind, key, 0, limit=found)
        terminal.send(balance(purse))
