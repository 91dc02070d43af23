"""A reference that was found with one try left is blocked by no run below `destroy`."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from plastic import Plastic, judged, statement_of

from conformance.bench import Bench, Plan
from conformance.cards import Ability
from conformance.cards.embedded import EmbeddedCard
from conformance.catalogue import load_catalogue
from conformance.commands import select_path, verify
from conformance.engine import execute
from conformance.evidence import Evidence
from conformance.guard import Guard
from conformance.judge import Judge
from conformance.layout import Reference
from conformance.mutants import MUTANTS
from conformance.mutants.hooks import MutantCard
from conformance.record import Circumstances
from conformance.result import Result
from conformance.verdict import Outcome, Risk
from simcard.files.descriptors import FileKind

LEVELS = (Risk.OBSERVE, Risk.RESTORE, Risk.CONSUME)


def spend(card: Plastic, profile: str) -> tuple[Reference, ...]:
    """Leave one try of each reference; the references."""
    statement, keys = statement_of(profile)
    card.connect()
    for reference in statement.layout.references:
        card.reset()
        assert card.transmit(select_path(reference.df).encode()) == b"\x90\x00"
        for _ in range(reference.tries - 1):
            card.transmit(verify(keys, "wrong", reference).encode())
        assert tries(card, reference) == 1
    return statement.layout.references


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


@pytest.mark.parametrize("profile", ["iso7816", "ssc2", "ssc3"])
@pytest.mark.parametrize("risk", LEVELS)
@pytest.mark.parametrize("copied", [True, False])
def test_no_run_blocks_it(profile: str, risk: Risk, copied: bool, tmp_path: Path) -> None:
    card = Plastic(profile)
    card.abilities = frozenset({Ability.FORK}) if copied else frozenset()
    card.fork = EmbeddedCard(card.spec, card.card).fork  # type: ignore[method-assign]
    references = spend(card, profile)
    result = judged(card, profile, risk, tmp_path)
    assert result is not None
    assert result.run.outcome is Outcome.CONFORMANT
    _, keys = statement_of(profile)
    for reference in references:
        assert tries(card, reference) >= 1
        card.reset()
        card.transmit(select_path(reference.df).encode())
        assert card.transmit(verify(keys, "pin", reference).encode()) == b"\x90\x00"


class Faulty:
    """A card with a fault that cannot be copied, and the sound card in it."""

    reader = ""
    abilities: frozenset[Ability] = frozenset()

    def __init__(self, name: str) -> None:
        self.sound = Plastic("iso7816")
        self._mutant = MutantCard.of(MUTANTS[name])
        self._mutant._puppet.card = EmbeddedCard("sim:iso7816", self.sound.card)
        self.spec = self._mutant.spec
        self.known_as: bytes | None = None

    def connect(self) -> bytes:
        atr = self._mutant.connect()
        self.known_as = self._mutant.known_as
        return atr

    def reset(self) -> bytes:
        return self._mutant.reset()

    def transmit(self, command: bytes) -> bytes:
        return self._mutant.transmit(command)

    def fork(self) -> Faulty:
        raise AssertionError("a faulty plastic card is not copied")

    def close(self) -> None:
        """Stay powered: the test wants to look at the card afterwards."""


def judged_in(card: Faulty, *areas: str) -> Result:
    statement, keys = statement_of("iso7816")
    guard = Guard(Risk.CONSUME, statement.layout, keys)
    bench = Bench(card, statement, keys, guard, Evidence(keys), Plan(3, 3), time.perf_counter)
    bench.found(card.connect())
    circumstances = Circumstances(now=lambda: "2026-01-01T00:00:00+00:00", started="2026-01-01")
    return execute(Judge(bench, load_catalogue(), circumstances), areas)


FAULTS = sorted(
    name
    for name, mutant in MUTANTS.items()
    if mutant.area in {"verify", "reference"} and mutant.profile == "iso7816"
)


@pytest.mark.parametrize("name", FAULTS)
def test_no_failure_made_short_blocks_a_reference(name: str) -> None:
    card = Faulty(name)
    judged_in(card, "verify", "reference", "histories")
    statement, _ = statement_of("iso7816")
    for reference in statement.layout.references:
        assert tries(card.sound, reference) >= 1, reference.name
