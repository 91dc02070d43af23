"""A reference that was found with one try left is blocked by no run below `destroy`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import judging
import pytest
from plastic import Plastic, judged, statement_of, tries

from conformance.apdu import CommandAPDU
from conformance.bench import Bench, Plan
from conformance.cards import Ability
from conformance.cards.embedded import EmbeddedCard
from conformance.commands import select_path, verify
from conformance.custody import CHANGE
from conformance.engine import execute
from conformance.guard import Refused
from conformance.inventory import look_around
from conformance.layout import Reference
from conformance.mutants import MUTANTS
from conformance.mutants.hooks import MutantCard
from conformance.restoring import restore
from conformance.terminal import Terminal, Violation
from conformance.undo import take_stock
from conformance.undolog import UNDO_FILE, CardEntry, UndoLog, read_log
from conformance.verdict import Outcome, Risk

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


class Faulty(judging.Plastic):
    """A card with a fault that cannot be copied, and the sound card in it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.sound = Plastic("iso7816")
        mutant = MutantCard.of(MUTANTS[name])
        mutant._puppet.card = EmbeddedCard("sim:iso7816", self.sound.card)
        self.spec, self.inner = mutant.spec, mutant

    def connect(self) -> bytes:
        atr = super().connect()
        self.known_as = self.inner.known_as
        return atr


def bench_at(card: Faulty) -> Bench:
    return judging.bench_with(card, Risk.CONSUME, 3, statement_of("iso7816"))


FAULTS = sorted(
    name
    for name, mutant in MUTANTS.items()
    if mutant.area in {"verify", "reference"} and mutant.profile == "iso7816"
)
CLOSE = [
    ("verify/failure-counts-elsewhere", 1),
    ("reference/reset-keeps-value", 6),
    ("reference/reset-keeps-value", 17),
    ("reference/enable-by-anybody", 9),
    ("reference/disable-by-anybody", 2),
    ("reference/disable-by-anybody", 22),
    ("verify/failure-counts-elsewhere", 36),
    ("verify/failure-counts-elsewhere", 57),
]
"""Histories at the end of which a reference was blocked once."""


@pytest.mark.parametrize(("name", "seed"), [*((name, 3) for name in FAULTS), *CLOSE])
def test_no_failure_made_short_blocks_a_reference(name: str, seed: int) -> None:
    card = Faulty(name)
    bench = bench_at(card)
    bench.plan = Plan(seed, 3)
    execute(judging.judge_at(bench), ("verify", "reference", "histories"))
    statement, _ = statement_of("iso7816")
    for reference in statement.layout.references:
        assert tries(card.sound, reference) >= 1, reference.name


def test_a_value_that_was_refused_and_is_the_new_one_may_be_the_value_now() -> None:
    card = Faulty("reference/change-anyhow")
    bench = bench_at(card)
    take_stock(bench)
    terminal = bench.begin()
    (reference,) = (one for one in bench.custody.holdings if one.name == "81")
    other = bench.keys.guess("other", reference)
    assert other
    terminal.send(select_path(reference.df))
    terminal.send(CommandAPDU(0x00, CHANGE, 0x00, reference.number, 2 * other), expect=0x63C2)
    with pytest.raises(Violation):
        terminal.send(verify(bench.keys, "pin", reference))
    bench.put_back()
    assert tries(card.sound, reference) == reference.tries
    terminal = bench.begin()
    terminal.send(select_path(reference.df))
    terminal.send(verify(bench.keys, "pin", reference), expect=0x9000)


COUNTS_QUESTIONS = "verify/question-costs-a-try"


def guess_on(terminal: Terminal, reference: Reference) -> None:
    """Guess wrongly as often as one is let; Refused."""
    for _ in range(reference.tries + 1):
        with suppress(Violation):
            terminal.send(verify(terminal.keys, "wrong", reference))


def test_a_card_that_counts_questions_is_not_blocked_by_guesses_either() -> None:
    card = Faulty(COUNTS_QUESTIONS)
    bench = bench_at(card)
    with suppress(Violation):
        take_stock(bench)
    for reference in bench.statement.layout.references:
        terminal = bench.begin()
        terminal.send(select_path(reference.df))
        with pytest.raises(Refused):
            guess_on(terminal, reference)
        assert tries(card.sound, reference) >= 1, reference.name


@pytest.mark.parametrize("risk", [Risk.RESTORE, Risk.CONSUME])
def test_a_card_that_counts_questions_gets_their_tries_back(risk: Risk, tmp_path: Path) -> None:
    card = Faulty(COUNTS_QUESTIONS)
    bench = bench_at(card)
    atr = bench.atr.hex().upper()
    entry = CardEntry(spec=card.spec, atr=atr, statement="test", risk=risk)
    bench.undo = UndoLog.begun(tmp_path / UNDO_FILE, entry)
    look_around(bench)  # the process dies behind it
    spent = [one for one in bench.custody.holdings if tries(card.sound, one) < one.tries]
    assert spent
    report = restore(bench_at(card), read_log(tmp_path), any_card=True)
    assert not report.failed
    for reference in bench.custody.holdings:
        assert tries(card.sound, reference) == reference.tries, reference.name
