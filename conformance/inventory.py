"""What a card that cannot be copied is found to hold beside its files, before anything is tried.

Tries and requirements of references, what SELECT says of each file, which of the judge's own file
identifiers are free, purse balances; and all of it for the undo log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance import trading, undolog
from conformance.apdu import CommandAPDU
from conformance.commands import query, select_path
from conformance.custody import ACCEPTED, VERIFY, Holding, tries_told
from conformance.guard import Refused
from conformance.model import Model
from conformance.model.pboc.state import PURCHASE_ED, PURCHASE_EP
from conformance.reproving import count_tries_of_keys
from conformance.returning import DEACTIVATED, afresh, ask, exists, question
from conformance.terminal import Terminal, Violation
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.family import PurseTable
    from conformance.layout import ElementaryFile, File

TERMINATED = 0x6285
LIFE_CYCLES: dict[int, undolog.LifeCycle] = {
    ACCEPTED: "active",
    DEACTIVATED: "deactivated",
    TERMINATED: "terminated",
}
PURCHASES = {1: PURCHASE_ED, 2: PURCHASE_EP}
"""What takes money from a purse, by its number."""


@dataclass(frozen=True, slots=True)
class Money:
    """What a purse was found to hold; the balance includes the overdraw limit."""

    balance: int
    limit: int | None = None


@dataclass
class Inventory:
    """What was found; empty until somebody looked."""

    present: frozenset[int] = frozenset()
    """The identifiers of the judge under which there was a file already."""
    answers: dict[File, int] = field(default_factory=dict)
    """The status word of SELECT for each file."""
    purses: dict[PurseTable, Money] = field(default_factory=dict)


def look_around(bench: Bench) -> None:
    """Take down references, files and identifiers, in the undo log as well."""
    look_at_references(bench)
    bench.reset(bench.card)
    layout, scratch = bench.statement.layout, bench.statement.scratch
    for file in layout.files:
        bench.inventory.answers[file] = ask(bench, select_path(file)).sw
    if scratch is not None:
        found = (fid for fid in scratch.identifiers if exists(bench, scratch.df, fid))
        bench.inventory.present = frozenset(found)
    bench.record(*_entries(bench))


def _entries(bench: Bench) -> Iterator[undolog.Entry]:
    scratch = bench.statement.scratch
    for file, sw in bench.inventory.answers.items():
        state = LIFE_CYCLES.get(sw, "unknown")
        yield undolog.LifeCycleEntry(path=file.path, state=state)
    if scratch is not None:
        free = (fid for fid in scratch.identifiers if fid not in bench.inventory.present)
        yield undolog.ScratchEntry(df=scratch.df, absent=tuple(f"{fid:04X}" for fid in free))


def look_at_references(bench: Bench) -> None:
    """Take down tries and requirements, as the baseline of the model too."""
    for holding in bench.custody.holdings.values():
        _look_at_reference(bench, holding)
    count_tries_of_keys(bench)


def _look_at_reference(bench: Bench, holding: Holding) -> None:
    """How many tries are left, and whether it has to be verified at all.

    Two questions show whether asking costs a try: then two are gone, and nobody asks again. Where
    the card cannot tell, only a right VERIFY makes sure that there are any above the floor.
    """
    reference, left, tells = holding.reference, None, bench.counts_freely
    if tells:
        sw = question(bench, reference)
        holding.required = sw != ACCEPTED
        left = tries_told(sw)
        if left is not None and left - 1 > reference.floor and not bench.copies:
            again = ask(bench, query(reference.number)).sw
            bench.custody.asking_costs = holding.touched = again != sw
    bench.record(
        undolog.ReferenceEntry(
            name=reference.name,
            tries=left,
            required=holding.required,
            asking_costs=bench.custody.asking_costs,
        )
    )
    if left is not None:
        holding.left = left - 2 if bench.custody.asking_costs else left
        bench.baseline = bench.baseline.with_tries(reference, left)
    elif not tells and not bench.copies and not _verified(bench, holding):
        holding.left = min(reference.floor, reference.tries)


def _verified(bench: Bench, holding: Holding) -> bool:
    if bench.guard.risk.rank < Risk.CONSUME.rank or not holding.likely:
        return False
    value, reference = holding.likely[0], holding.reference
    afresh(bench, reference.df)
    command = CommandAPDU(0x00, VERIFY, 0x00, reference.number, value)
    return ask(bench, command).sw == ACCEPTED


def file_entry(bench: Bench, ef: ElementaryFile) -> undolog.Entry | None:
    """What *ef* was found to hold, or its digest where it is not written and anybody may read it.

    None where neither is known.
    """
    if not bench.stocked(ef):
        return None
    contents = bench.baseline.contents[ef]
    if ef.writable:
        held = tuple(content.value.hex().upper() for content in contents)
        return undolog.FileEntry(path=ef.path, contents=held)
    if not ef.read.always:
        return None
    whole = b"".join(content.value for content in contents)
    return undolog.IdentityEntry(path=ef.path, sha256=digest(whole))


def digest(held: bytes) -> str:
    """The digest of what a file holds."""
    return hashlib.sha256(held).hexdigest()


def count_money(bench: Bench) -> None:
    """Take down balance and overdraw limit of each purse that may be used."""
    pboc = bench.statement.pboc
    for purse in pboc.purse if pboc is not None else ():
        money = money_in(bench, purse) if purse.use else None
        if money is not None:
            bench.inventory.purses[purse] = money
            entry = undolog.PurseEntry(
                df=purse.df, kind=purse.kind, balance=money.balance, limit=money.limit
            )
            bench.record(entry)


def money_in(bench: Bench, purse: PurseTable) -> Money | None:
    """What *purse* holds now; None when it cannot be seen."""
    bench.reset(bench.card)
    terminal = Terminal(bench, bench.card, Model(bench.statement, bench.keys))
    pboc = trading.pboc_of(terminal)
    try:
        with bench.watched(terminal.model):
            trading.enter(terminal, purse.df)
        shown = terminal.send(trading.balance(purse))
        if shown.sw != ACCEPTED:
            return None
        kind = PURCHASES[purse.number]
        key = next(pboc.keys_of(kind.key, purse.df), None)
        if key is not None:
            terminal.send(trading.initialize(kind, key.number, 0))
        begun = trading.begun_in(terminal)
    except (Violation, Refused):
        return None
    limit = begun.overdraw if begun is not None else None
    return Money(int.from_bytes(shown.data, "big"), limit)
