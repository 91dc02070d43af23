"""Simulated cards that cannot be copied, that break off at an exchange, with memory to look at."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import judging

import conformance
from conformance.bench import Bench
from conformance.cards.embedded import EmbeddedCard
from conformance.engine import declared_in, execute
from conformance.keys import Keys
from conformance.layout import Reference
from conformance.restoring import restore
from conformance.result import Result
from conformance.returning import Report
from conformance.statement import Statement
from conformance.undolog import UNDO_FILE, CardEntry, UndoLog, read_log
from conformance.verdict import Risk
from simcard.card import Card
from simcard.files.descriptors import HEAD, File, FileKind
from simcard.files.purse import COUNTER_SIZE, log_of
from simcard.files.store import CellStore
from simcard.files.tree import Tree
from simcard.memory import Memory
from simcard.profiles import build_card, load_profile

ROOM = Path(conformance.__file__).parent


@cache
def statement_of(profile: str) -> tuple[Statement, Keys]:
    return declared_in(ROOM / "statements" / f"{profile}.toml", None)


class Killed(BaseException):
    """The process is no more."""


class Incident(NamedTuple):
    """What happens at which exchange: before the card gets the command, or when it has answered."""

    what: type[BaseException]
    exchange: int
    answered: bool

    @property
    def lasting(self) -> bool:
        """Whether nothing reaches the card any more."""
        return self.what is not KeyboardInterrupt


class Plastic(judging.Plastic):
    """A simulated card that cannot be copied; with an *incident*, if one is given."""

    def __init__(self, profile: str, incident: Incident | None = None) -> None:
        super().__init__()
        self.spec = f"sim:{profile}"
        self.incident = incident
        self.card: Card = build_card(load_profile(profile), seed=7)
        self.inner = EmbeddedCard(self.spec, self.card)

    def reset(self) -> bytes:
        if self.incident and self.incident.lasting and self.count >= self.incident.exchange:
            raise self.incident.what("gone")
        return super().reset()

    def transmit(self, command: bytes) -> bytes:
        incident, number = self.incident, self.count + 1
        late = incident is not None and number > incident.exchange and incident.lasting
        here = incident is not None and number == incident.exchange
        if incident and (late or (here and not incident.answered)):
            self.count = number
            raise incident.what("gone")
        answer = super().transmit(command)
        if incident and here:
            raise incident.what("gone")
        return answer


def bench_on(card: Plastic, profile: str, risk: Risk, examples: int = 1) -> Bench:
    return judging.bench_with(card, risk, examples, statement_of(profile))


def judged(
    card: Plastic,
    profile: str,
    risk: Risk,
    folder: Path,
    areas: tuple[str, ...] = (),
    examples: int = 1,
) -> Result | None:
    """A run with an undo log in *folder*; its result, unless the process is killed in it."""
    bench = bench_on(card, profile, risk, examples)
    entry = CardEntry(spec=card.spec, atr=bench.atr.hex().upper(), statement="test", risk=risk)
    bench.undo = UndoLog.begun(folder / UNDO_FILE, entry)
    try:
        return execute(judging.judge_at(bench), areas)
    except Killed:
        return None


def restored(card: Plastic, profile: str, risk: Risk, folder: Path) -> Report:
    """What `conformance restore` makes of the card and the log in *folder*, in a new process."""
    card.incident = None
    bench = bench_on(card, profile, risk)
    written = read_log(folder)
    bench.undo = UndoLog.resumed(written.path)
    return restore(bench, written)


def contents(card: Card) -> Mapping[str, bytes]:
    """Every byte that the card's file system holds, chain by chain, and where the chains lie.

    Head, attributes and body of each file, key, reference and purse are in it; the journal, the
    wear of pages and bytes that belong to no file are not. Of purses and modules whose statement
    gives them free, counters, proofs and logs are left out.
    """
    memory = Memory.mount(card.flash.fork())
    store = CellStore.mount(memory)
    tree, table = Tree.mount(store), store.table()
    logs = {
        tree.by_sfi[file.parent, log_of(file, memory)].cell
        for file in tree.files.values()
        if file.kind is FileKind.PURSE and log_of(file, memory)
    }
    held = {"table": memory.read(0, 32) + b"".join(cell.to_bytes(2, "big") for cell in table)}
    for file in tree.files.values():
        region = store.region(store.chain(file.cell, table))
        if file.cell not in logs:
            held[_name(tree, file)] = _without_counters(file, region.read(memory, 0, region.size))
    return held


def _name(tree: Tree, file: File) -> str:
    lineage = [file, *tree.lineage(tree.parent(file))] if file.parent else [file]
    return "/".join(f"{one.kind.name} {one.identifier:04X}" for one in reversed(lineage))


def _without_counters(file: File, chain: bytes) -> bytes:
    """Balance and overdraw limit of a purse, a key file without its counter, else all of it."""
    body = HEAD.size + int.from_bytes(chain[6:8], "big")
    if file.kind is FileKind.PURSE:
        return chain[: body + 4] + chain[body + 8 : body + 11]
    if file.kind is FileKind.KEY_FILE:
        return chain[:body] + chain[body + COUNTER_SIZE :]
    return chain


def tries(card: Plastic, reference: Reference) -> int:
    """The tries left, from the memory of the card: 0 when it is blocked."""
    state = card.card.state
    assert state is not None
    for file in state.tree.files.values():
        above = state.tree.parent(file).identifier
        if (file.kind, file.identifier, above) == (
            FileKind.REFERENCE_DATA,
            reference.number,
            reference.df.fid,
        ):
            return file.region.read(state.memory, 0, 1)[0]
    raise AssertionError(f"the card has no reference {reference.name}")
