"""A reference that was found with one try left is blocked by no run below `destroy`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import judging
import pytest
from plastic import Plastic, judged, statement_of

from conformance.apdu import CommandAPDU
from conformance.bench import Bench, Plan
from conformance.cards import Ability
from conformance.cards.embedded import EmbeddedCard
from conformance.commands import query, select_path, verify
from conformance.custody import CHANGE, RESET, VERIFY
from conformance.engine import execute
from conformance.guard import Refused
from conformance.inventory import look_around, money_in
from conformance.layout import Reference
from conformance.mutants import MUTANTS
from conformance.mutants.hooks import MutantCard
from conformance.restoring import restore
from conformance.terminal import Terminal, Violation
from conformance.trouble import NotPutBack
from conformance.undo import take_stock
from conformance.undolog import UNDO_FILE, CardEntry, UndoLog, read_log
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
    ("reference/disable-by-anybody", 22),
    ("verify/failure-counts-elsewhere", 36),
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


SILENT = b"\x00\x84\x00\x00\x04"
"""A command that changes nothing, for the card to get in place of another."""


class Twisted(Plastic):
    """A sound card that gets other commands than were sent, and whose answers are changed."""

    def __init__(self, profile: str = "iso7816") -> None:
        super().__init__(profile)
        self.gets: Callable[[bytes], bytes] = bytes
        self.tells: Callable[[bytes, bytes], bytes] = lambda _command, answer: answer

    def transmit(self, command: bytes) -> bytes:
        return self.tells(command, super().transmit(self.gets(command)))

    def spoil(self, number: int, *instructions: int) -> None:
        """Compare another value than is given to reference *number*, whichever it is."""

        def spoilt(raw: bytes) -> bytes:
            concerned = raw[1] in instructions and raw[3] == number and len(raw) > 5
            return raw[:-1] + bytes((raw[-1] ^ 0x01,)) if concerned else raw

        self.gets = spoilt

    def lie_about(self, ins: int) -> None:
        """Answer 9000 to *ins* from now on, and do nothing."""
        before = self.gets
        self.gets = lambda command: SILENT if command[1] == ins else before(command)
        self.tells = lambda command, answer: b"\x90\x00" if command[1] == ins else answer


class Lab:
    """One reference of a twisted card, under a judge who may spend tries."""

    def __init__(self, name: str, *before: bytes) -> None:
        self.card = Twisted()
        self.bench = judging.bench_with(self.card, Risk.CONSUME, 3, statement_of("iso7816"))
        for raw in before:
            self.card.transmit(raw)
        take_stock(self.bench)
        self.reference = next(one for one in self.bench.custody.holdings if one.name == name)
        keys = self.bench.keys
        self.right = keys.right(self.reference) or b""
        self.other = keys.guess("other", self.reference) or b""
        self.wrong = keys.guess("wrong", self.reference) or b""
        self.terminal = self.bench.begin()
        self.terminal.send(select_path(self.reference.df))

    def raw(self, ins: int, data: bytes) -> bytes:
        return CommandAPDU(0x00, ins, 0x00, self.reference.number, data).encode()

    def give(self, ins: int, data: bytes, sw: int) -> None:
        """Send it and see *sw* in answer, whatever the model says of that."""
        with suppress(Violation):
            self.terminal.send(self.raw(ins, data))
        assert self.terminal.history[-1].response[-2:] == sw.to_bytes(2, "big")

    def give_back(self) -> None:
        """Try to put the card back, and once more; NotPutBack each time."""
        for _ in range(3):
            with pytest.raises(NotPutBack, match=f"the value of {self.reference.name} "):
                self.bench.put_back()

    @property
    def left(self) -> int:
        return tries(self.card, self.reference)


def test_a_value_that_was_taken_and_is_refused_proves_no_other() -> None:
    lab = Lab("81")
    lab.give(CHANGE, lab.right + lab.other, 0x9000)
    lab.give(VERIFY, lab.other, 0x9000)
    lab.give(CHANGE, lab.right + lab.right, 0x63C2)
    lab.card.spoil(0x81, VERIFY)
    lab.give_back()
    assert lab.left == 1


def test_another_value_than_the_one_that_was_taken_proves_nothing() -> None:
    lab = Lab("81")
    lab.give(CHANGE, lab.right + lab.other, 0x9000)
    lab.give(VERIFY, lab.other, 0x9000)
    lab.give(CHANGE, lab.right + lab.right, 0x63C2)
    lab.card.tells = lambda _raw, answer: b"\x90\x00" if answer == b"\x63\xc1" else answer
    lab.give(VERIFY, lab.right, 0x9000)
    lab.card.tells = lambda _raw, answer: answer
    lab.give_back()
    assert lab.left == 1


def test_a_card_that_took_a_wrong_value_is_not_certain_to_take_the_right_one() -> None:
    lab = Lab("81")
    lab.card.tells = lambda raw, answer: (
        b"\x90\x00" if raw == lab.raw(VERIFY, lab.wrong) else answer
    )
    lab.give(VERIFY, lab.wrong, 0x9000)
    lab.card.inner.transmit(lab.raw(VERIFY, lab.wrong))
    lab.card.spoil(0x81, VERIFY)
    lab.give_back()
    assert lab.left == 1


def test_a_value_that_was_changed_and_taken_is_certain() -> None:
    lab = Lab("81")
    lab.give(VERIFY, lab.right, 0x9000)
    lab.give(CHANGE, lab.right + lab.other, 0x9000)
    lab.give(VERIFY, lab.other, 0x9000)
    assert lab.bench.custody.holdings[lab.reference].is_surely(lab.other)
    lab.bench.put_back()
    assert lab.bench.custody.holdings[lab.reference].is_surely(lab.right)


def test_a_card_that_was_seen_to_be_wrong_is_not_believed_where_it_cannot_tell() -> None:
    lab = Lab("01", bytes.fromhex("002600010431323334"))  # its verification is not required
    lab.card.spoil(0x01, VERIFY)
    lab.give(VERIFY, lab.right, 0x63C2)
    lab.card.lie_about(RESET)
    lab.give_back()
    assert lab.left == 1


def test_a_card_that_was_seen_to_be_wrong_is_not_believed_where_nobody_may_ask_it() -> None:
    lab = Lab("01")
    lab.bench.custody.asking_costs = True
    lab.card.spoil(0x01, VERIFY)
    lab.give(VERIFY, lab.right, 0x63C2)
    lab.card.lie_about(RESET)
    lab.give_back()
    assert lab.left == 1


def test_a_value_that_was_put_back_is_the_one_that_was_taken_last() -> None:
    lab = Lab("81")
    lab.give(CHANGE, lab.right + lab.other, 0x9000)
    lab.bench.put_back()
    lab.terminal = lab.bench.begin()
    lab.terminal.send(select_path(lab.reference.df))
    lab.give(CHANGE, lab.other + lab.other, 0x63C2)
    lab.card.tells = lambda _raw, answer: b"\x90\x00" if answer == b"\x63\xc1" else answer
    lab.give(VERIFY, lab.other, 0x9000)
    lab.card.tells = lambda _raw, answer: answer
    lab.give_back()
    assert lab.left == 1


def test_a_purse_is_opened_by_no_value_that_is_refused() -> None:
    statement, keys = statement_of("ssc3")
    card = Twisted("ssc3")
    bench = judging.bench_with(card, Risk.CONSUME, 3, (statement, keys))
    take_stock(bench)
    (pin,) = (one for one in statement.layout.references if one.tries < 15)
    card.spoil(pin.number, VERIFY)
    assert statement.pboc
    for _ in range(3):
        for purse in statement.pboc.purse:
            assert money_in(bench, purse) is None
    assert tries(card, pin) == 1


def test_a_reset_that_gave_no_tries_back_did_not_set_the_value_either() -> None:
    lab = Lab("01")
    lab.give(CHANGE, lab.right + lab.other, 0x9000)
    lab.give(VERIFY, lab.wrong, 0x63C2)
    lab.card.inner.transmit(lab.raw(VERIFY, lab.wrong))
    lab.card.lie_about(RESET)
    lab.give_back()
    assert lab.left == 1


def test_a_change_that_did_not_happen_is_not_told_as_put_back() -> None:
    lab = Lab("81")
    lab.give(CHANGE, lab.right + lab.other, 0x9000)
    lab.card.lie_about(CHANGE)
    lab.give_back()
    assert lab.left >= 1


def test_a_value_that_is_refused_opens_no_file_after_file() -> None:
    lab = Lab("81")
    lab.card.spoil(0x81, VERIFY)
    for _ in range(3):
        lab.bench.given_back(lab.terminal.model, everything=True)
    assert lab.left == 1


def test_guesses_elsewhere_may_have_cost_a_try_here_until_the_card_tells() -> None:
    lab = Lab("81")
    (elsewhere,) = (one for one in lab.bench.custody.holdings if one.name == "01")
    wrong = verify(lab.bench.keys, "wrong", elsewhere)

    def also_here(raw: bytes, answer: bytes) -> bytes:
        if raw == wrong.encode():
            lab.card.inner.transmit(lab.raw(VERIFY, lab.wrong))
        return answer

    lab.card.tells = also_here
    lab.terminal.send(wrong)
    lab.terminal.send(wrong)
    with pytest.raises(Refused, match="81 has"):
        lab.terminal.send(verify(lab.bench.keys, "wrong", lab.reference))
    assert lab.left == 1


def test_nothing_is_guessed_while_a_reference_elsewhere_is_at_its_floor() -> None:
    lab = Lab("81")
    (elsewhere,) = (one for one in lab.bench.custody.holdings if one.name == "01")
    lab.give(VERIFY, lab.wrong, 0x63C2)
    lab.give(VERIFY, lab.wrong, 0x63C1)
    lab.terminal.send(query(elsewhere.number), expect=0x63C3)
    with pytest.raises(Refused, match="81 has 1 tries left"):
        lab.terminal.send(verify(lab.bench.keys, "wrong", elsewhere))
    lab.terminal.send(verify(lab.bench.keys, "pin", elsewhere), expect=0x9000)
    lab.terminal.send(verify(lab.bench.keys, "pin", lab.reference), expect=0x9000)
    lab.terminal.send(verify(lab.bench.keys, "wrong", elsewhere), expect=0x63C2)


def test_a_reference_that_was_found_at_its_floor_stops_no_guess_elsewhere() -> None:
    wrong = bytes.fromhex("0020008106303030303030")
    lab = Lab("01", bytes.fromhex("00A4080C027F10"), wrong, wrong)
    lab.give(VERIFY, lab.wrong, 0x63C2)


def test_a_card_that_tells_its_tries_may_be_given_a_wrong_value_again() -> None:
    lab = Lab("81")
    (elsewhere,) = (one for one in lab.bench.custody.holdings if one.name == "01")
    for guess in ("wrong", "wrong", "pin"):
        lab.terminal.send(verify(lab.bench.keys, guess, elsewhere))
    lab.terminal.send(query(lab.reference.number), expect=0x63C3)
    lab.give(VERIFY, lab.wrong, 0x63C2)
