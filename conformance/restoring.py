"""Putting a card back from the undo log of a run that could not do it itself.

The log is held against the statement and the card before anything is changed: another card is
refused by its ATR and by what the files that are never written hold.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.custody import ACCEPTED, tries_told
from conformance.inventory import LIFE_CYCLES, Money, digest
from conformance.layout import DedicatedFile, ElementaryFile
from conformance.model import Model
from conformance.model.pboc.state import FamilyState
from conformance.model.state import Content
from conformance.returning import question
from conformance.trouble import UsageError
from conformance.undo import read_whole
from conformance.undolog import (
    Entry,
    FileEntry,
    IdentityEntry,
    LifeCycleEntry,
    PurseEntry,
    PutBackEntry,
    ReferenceEntry,
    ScratchEntry,
    ValueEntry,
)
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.custody import Holding
    from conformance.layout import File
    from conformance.returning import Report
    from conformance.undolog import Written

ANSWERS = {state: word for word, state in LIFE_CYCLES.items()}
OTHER_CARD = "--any-atr puts it back all the same"


def restore(bench: Bench, written: Written, *, any_card: bool = False) -> Report:
    """Put the card on *bench* back as *written* says; UsageError for another card or statement."""
    atr = bench.card.known_as or bench.atr
    if atr.hex().upper() != written.card.atr and not any_card:
        raise UsageError(
            f"{written.path}: line 1: atr: the card of the log answers {written.card.atr}, this one"
            f" {atr.hex().upper()}; {OTHER_CARD}"
        )
    _adopt(bench, written)
    with bench.unwatched():
        if not any_card:
            _recognise(bench, written)
        for holding in bench.custody.holdings.values():
            _look_at(bench, holding, written.card.risk)
    report = bench.given_back(_worst(bench, written.card.risk), everything=True)
    if not report.failed:
        bench.record(PutBackEntry(by="restore"))
    return report


def _worst(bench: Bench, risk: Risk) -> Model:
    """A model of the card after anything that *risk* allows: the log does not say how far it got.

    From `consume` on each key may have lost a try, which only its proof can tell and give back.
    """
    state = bench.baseline
    if risk.rank >= Risk.CONSUME.rank:
        for key in bench.statement.layout.keys:
            if key.tries:
                state = state.with_tries(key.proof, key.tries - 1)
        pboc = bench.statement.pboc
        if pboc is not None:
            spent = {key: key.tries - 1 for key in pboc.key if key.tries}
            state = replace(state, family=FamilyState(tries=spent))
    live = Model(bench.statement, bench.keys, (state,))
    live.sent.update(range(0x100))
    return live


def _adopt(bench: Bench, written: Written) -> None:
    """Make what the log says the baseline of *bench*."""
    if bench.statement.scratch is not None:
        bench.inventory.present = frozenset(bench.statement.scratch.identifiers)
    for line, entry in written.entries:
        fault = _adopted(bench, entry)
        if fault:
            raise written.fault(line, f"{fault}, says the statement {bench.statement.file}")


def _adopted(bench: Bench, entry: Entry) -> str:
    """Take *entry* over; what is wrong with it, or nothing."""
    match entry:
        case FileEntry():
            return _file(bench, entry)
        case IdentityEntry():
            return "" if _elementary(bench, entry.path) else f"path: {entry.path} is no EF"
        case LifeCycleEntry():
            file = bench.statement.layout.by_path(entry.path)
            return f"path: there is no {entry.path}" if file is None else _state(bench, file, entry)
        case ReferenceEntry():
            return _reference(bench, entry)
        case ValueEntry():
            return _value(bench, entry)
        case ScratchEntry():
            return _scratch(bench, entry)
        case PurseEntry():
            return _purse(bench, entry)
        case _:
            return ""


def _elementary(bench: Bench, path: str) -> ElementaryFile | None:
    file = bench.statement.layout.by_path(path)
    return None if isinstance(file, DedicatedFile) else file


def _file(bench: Bench, entry: FileEntry) -> str:
    ef = _elementary(bench, entry.path)
    if ef is None or not ef.writable:
        return f"path: {entry.path} is no EF that may be written"
    contents = tuple(Content(bytes.fromhex(one)) for one in entry.contents)
    if [len(one.value) for one in contents] != [ef.size] * (ef.records or 1):
        return f"contents: {entry.path} has {ef.records or 1} times {ef.size} bytes"
    bench.baseline = replace(bench.baseline, contents={**bench.baseline.contents, ef: contents})
    return ""


def _state(bench: Bench, file: File, entry: LifeCycleEntry) -> str:
    if entry.state in ANSWERS:
        bench.inventory.answers[file] = ANSWERS[entry.state]
    return ""


def _holding(bench: Bench, name: str) -> Holding | None:
    found = (one for one in bench.custody.holdings.values() if one.reference.name == name)
    return next(found, None)


def _reference(bench: Bench, entry: ReferenceEntry) -> str:
    holding = _holding(bench, entry.name)
    if holding is None:
        return f"name: there is no reference {entry.name}"
    holding.required = entry.required
    bench.custody.asking_costs |= entry.asking_costs
    if entry.tries is not None:
        bench.baseline = bench.baseline.with_tries(holding.reference, entry.tries)
    return ""


def _value(bench: Bench, entry: ValueEntry) -> str:
    holding = _holding(bench, entry.reference)
    if holding is None:
        return f"reference: there is no reference {entry.reference}"
    guesses = [
        bench.keys.guess(kind, holding.reference) for kind in entry.may_be if kind != "unknown"
    ]
    holding.likely = [guess for guess in guesses if guess is not None]
    holding.touched = True
    return ""


def _scratch(bench: Bench, entry: ScratchEntry) -> str:
    scratch = bench.statement.scratch
    absent = {int(digits, 16) for digits in entry.absent}
    if scratch is None or scratch.df != entry.df or not absent <= set(scratch.identifiers):
        return "absent: these are not the identifiers given for files of the judge"
    bench.inventory.present = frozenset(scratch.identifiers) - absent
    return ""


def _purse(bench: Bench, entry: PurseEntry) -> str:
    pboc = bench.statement.pboc
    purse = pboc.purse_of(entry.df, 1 if entry.kind == "ED" else 2) if pboc is not None else None
    if purse is None or not purse.use:
        return f"df: there is no {entry.kind} in {entry.df} that may be used"
    bench.inventory.purses[purse] = Money(entry.balance, entry.limit)
    return ""


def _recognise(bench: Bench, written: Written) -> None:
    """UsageError when a file that nobody writes holds something else than the log says."""
    for line, entry in written.entries:
        if not isinstance(entry, IdentityEntry):
            continue
        ef = _elementary(bench, entry.path)
        if ef is not None and digest(read_whole(bench, ef)) != entry.sha256:
            rule = f"sha256: {entry.path} of this card holds something else: it is another card"
            raise written.fault(line, f"{rule}; {OTHER_CARD}")


def _look_at(bench: Bench, holding: Holding, risk: Risk) -> None:
    """What is left of the tries, and whether anything was left changed.

    Below `consume` a run spends no try and changes no value, so nothing is tried for it either,
    unless its questions cost tries.
    """
    reference = holding.reference
    if not bench.counts_freely:
        holding.left = min(reference.floor, reference.tries)
        holding.touched |= risk.rank >= Risk.CONSUME.rank or bench.custody.asking_costs
        return
    sw = question(bench, reference)
    left = tries_told(sw)
    if left is not None:
        holding.left = min(holding.left, left)
    holding.switched = (sw != ACCEPTED) != holding.required
    spent = holding.left != bench.baseline.tries[reference]
    holding.touched |= holding.switched or spent
