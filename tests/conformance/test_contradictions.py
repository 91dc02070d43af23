"""A card that contradicts itself, on a bench that may spend tries: the last try is kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import judging
import pytest
from plastic import Plastic, statement_of, tries

from conformance.apdu import CommandAPDU
from conformance.bench import Plan
from conformance.commands import query, select_path, verify
from conformance.custody import CHANGE, RESET, VERIFY
from conformance.engine import execute
from conformance.guard import Refused
from conformance.inventory import money_in
from conformance.layout import Reference
from conformance.terminal import Violation
from conformance.trouble import NotPutBack
from conformance.undo import take_stock
from conformance.verdict import Risk, Verdict

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

    def accept_all_the_same(self, value: bytes) -> None:
        """Give *value*, which is wrong and takes the second try, and get 9000 in answer."""
        self.card.tells = lambda _raw, answer: b"\x90\x00" if answer == b"\x63\xc1" else answer
        self.give(VERIFY, value, 0x9000)
        self.card.tells = lambda _raw, answer: answer

    def cannot_be_put_back(self, left: int = 1) -> None:
        """However often it is attempted, and so many tries are left."""
        for _ in range(3):
            with pytest.raises(NotPutBack, match=f"the value of {self.reference.name} "):
                self.bench.put_back()
        assert self.left == left

    def elsewhere(self) -> Reference:
        """The holder's reference, which is another one."""
        (found,) = (one for one in self.bench.custody.holdings if one.name == "01")
        return found

    @property
    def left(self) -> int:
        return tries(self.card, self.reference)


def test_a_value_that_was_taken_and_is_refused_proves_no_other() -> None:
    lab = Lab("81")
    lab.give(CHANGE, lab.right + lab.other, 0x9000)
    lab.give(VERIFY, lab.other, 0x9000)
    lab.give(CHANGE, lab.right + lab.right, 0x63C2)
    lab.card.spoil(0x81, VERIFY)
    lab.cannot_be_put_back()


def test_another_value_than_the_one_that_was_taken_proves_nothing() -> None:
    lab = Lab("81")
    lab.give(CHANGE, lab.right + lab.other, 0x9000)
    lab.give(VERIFY, lab.other, 0x9000)
    lab.give(CHANGE, lab.right + lab.right, 0x63C2)
    lab.accept_all_the_same(lab.right)
    lab.cannot_be_put_back()


def test_a_card_that_took_a_wrong_value_is_not_certain_to_take_the_right_one() -> None:
    lab = Lab("81")
    lab.card.tells = lambda raw, answer: (
        b"\x90\x00" if raw == lab.raw(VERIFY, lab.wrong) else answer
    )
    lab.give(VERIFY, lab.wrong, 0x9000)
    lab.card.inner.transmit(lab.raw(VERIFY, lab.wrong))
    lab.card.spoil(0x81, VERIFY)
    lab.cannot_be_put_back()


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
    lab.cannot_be_put_back()


def test_a_card_that_was_seen_to_be_wrong_is_not_believed_where_nobody_may_ask_it() -> None:
    lab = Lab("01")
    lab.bench.custody.asking_costs = True
    lab.card.spoil(0x01, VERIFY)
    lab.give(VERIFY, lab.right, 0x63C2)
    lab.card.lie_about(RESET)
    lab.cannot_be_put_back()


def test_the_value_before_a_change_proves_nothing_when_it_is_taken() -> None:
    lab = Lab("81")
    lab.give(CHANGE, lab.right + lab.other, 0x9000)
    lab.give(VERIFY, lab.wrong, 0x63C2)
    lab.accept_all_the_same(lab.right)
    lab.cannot_be_put_back()


def test_what_is_left_when_the_taken_value_is_refused_proves_nothing_when_it_is_taken() -> None:
    lab = Lab("81")
    lab.give(CHANGE, lab.right + lab.other, 0x9000)
    lab.give(VERIFY, lab.other, 0x9000)
    lab.card.gets = lambda _raw: SILENT
    lab.card.tells = lambda _raw, _answer: b"\x69\x85"
    lab.give(CHANGE, lab.other + lab.right, 0x6985)
    lab.card.tells = lambda _raw, answer: answer
    lab.card.spoil(0x81, VERIFY)
    lab.give(VERIFY, lab.other, 0x63C2)
    lab.card.gets = bytes
    lab.accept_all_the_same(lab.right)
    lab.cannot_be_put_back()


def test_a_value_that_was_put_back_is_the_one_that_was_taken_last() -> None:
    lab = Lab("81")
    lab.give(CHANGE, lab.right + lab.other, 0x9000)
    lab.bench.put_back()
    lab.terminal = lab.bench.begin()
    lab.terminal.send(select_path(lab.reference.df))
    lab.give(CHANGE, lab.other + lab.other, 0x63C2)
    lab.accept_all_the_same(lab.other)
    lab.cannot_be_put_back()


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
    lab.cannot_be_put_back()


def test_a_change_that_did_not_happen_is_not_told_as_put_back() -> None:
    lab = Lab("81")
    lab.give(CHANGE, lab.right + lab.other, 0x9000)
    lab.card.lie_about(CHANGE)
    lab.cannot_be_put_back(left=3)


def test_a_value_that_is_refused_opens_no_file_after_file() -> None:
    lab = Lab("81")
    lab.card.spoil(0x81, VERIFY)
    for _ in range(3):
        lab.bench.given_back(lab.terminal.model, everything=True)
    assert lab.left == 1


def test_guesses_elsewhere_may_have_cost_a_try_here_until_the_card_tells() -> None:
    lab = Lab("81")
    elsewhere = lab.elsewhere()
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
    elsewhere = lab.elsewhere()
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
    elsewhere = lab.elsewhere()
    for guess in ("wrong", "wrong", "pin"):
        lab.terminal.send(verify(lab.bench.keys, guess, elsewhere))
    lab.terminal.send(query(lab.reference.number), expect=0x63C3)
    lab.give(VERIFY, lab.wrong, 0x63C2)


@pytest.mark.parametrize("seed", [0, 6, 7])
def test_a_sound_card_is_put_back_behind_any_change(seed: int) -> None:
    """Also one whose tries nobody can ask for, since its verification was switched off."""
    card = Plastic("iso7816")
    bench = judging.bench_with(card, Risk.CONSUME, 1, statement_of("iso7816"))
    bench.plan = Plan(seed, 25)
    result = execute(judging.judge_at(bench), ("histories",))
    assert [(one.id, one.reason) for one in result.cases if one.verdict is not Verdict.PASS] == []
    for reference in bench.custody.holdings:
        assert tries(card, reference) == reference.tries


@pytest.mark.parametrize("profile", ["iso7816", "ssc3"])
def test_no_case_is_kept_from_a_sound_card(profile: str) -> None:
    bench = judging.bench_with(Plastic(profile), Risk.CONSUME, 1, statement_of(profile))
    result = execute(judging.judge_at(bench), ("verify", "reference", "access"))
    assert Verdict.PASS in {one.verdict for one in result.cases}
    assert len(result.cases) > 20
    assert [one.id for one in result.cases if "which are kept" in one.reason] == []
