"""Nobody learns from a loss of power whether a guess was right without having paid a try for it.

The obvious test, that the tries fall over all cuts, does not bite: a card that compares first and
spends then passes it. What an attacker can do is to cut a right guess and a wrong one at the same
write and look at what is left. From the first cut at which the two can be told apart, the try must
be gone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from simcard.card import Card
from simcard.crypto.blocks import BlockCipher, block_suite
from simcard.memory import PowerCut, PowerLoss, Tear
from simcard.profiles import build_card, load_profile
from simcard.security.keys import Key
from simcard.security.reference import ReferenceData
from simcard.tearing.observation import Image
from simcard.tearing.observation import Path as FilePath
from simcard.tearing.point import failures

KEYED = load_profile(str(Path(__file__).parents[1] / "card" / "keyed.toml"))
KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
MOST_WRITES = 4
"""More page writes than any of the commands here takes."""

HOLDER = ("3F00", "reference data 01")
UNBLOCKER = ("3F00", "reference data 02")
APPLICATION = ("3F00", "7F10", "reference data 81")
TERMINAL = ("3F00", "key 03")


class Guess(NamedTuple):
    """A command with the right value and with a wrong one, and what they spend a try of."""

    right: bytes
    wrong: bytes
    counter: FilePath


class Remains(NamedTuple):
    """What an attacker has in hand behind a cut: the chip, and the answer if there was one."""

    image: bytes
    answer: bytes | None


def digits(header: str, right: str, wrong: str, counter: FilePath) -> Guess:
    head = bytes.fromhex(header) + bytes([len(right)])
    return Guess(head + right.encode(), head + wrong.encode(), counter)


def proof_of_the_terminal(card: Card) -> Guess:
    """The right cryptogram over the challenge that *card* gives now, and a wrong one."""
    challenge = card.transmit(bytes.fromhex("0084000008"))[:-2]
    proof = block_suite(BlockCipher.TDES, KEY).encrypt_ecb(challenge)
    head = bytes.fromhex("0082000308")
    return Guess(head + proof, head + proof[::-1], TERMINAL)


GUESSES: dict[str, Callable[[Card], Guess]] = {
    "verify": lambda _: digits("00200001", "1234", "1235", HOLDER),
    "verify in the application": lambda _: digits("00200081", "123456", "123466", APPLICATION),
    "change": lambda _: digits("00240001", "12345555", "12355555", HOLDER),
    "reset": lambda _: digits("002C0101", "12345678", "12345679", UNBLOCKER),
    "disable": lambda _: digits("00260001", "1234", "1235", HOLDER),
    "enable": lambda _: digits("00280001", "1234", "1235", HOLDER),
    "prove the terminal": proof_of_the_terminal,
}


@pytest.fixture
def card() -> Card:
    card = build_card(KEYED)
    card.power_on()
    assert card.transmit(bytes.fromhex("00A4040C09F053494D4341524401")) == b"\x90\x00"
    return card


def torn(card: Card, apdu: bytes, cut: PowerCut, counter: FilePath) -> tuple[Remains, int]:
    """What a cut leaves of *card*, and the tries that are left when it comes up again."""
    victim = card.fork()
    victim.flash.arm(cut)
    answer = None
    try:
        answer = victim.transmit(apdu)
    except PowerLoss:
        victim.flash.restore()
    remains = Remains(victim.flash.image(), answer)
    return remains, Image.of(card.settings, victim.flash).observation.counters[counter].tries


def check_that_a_guess_costs_a_try(card: Card, guess: Guess) -> int:
    """The property; the number of cuts at which the right and the wrong guess can be told apart."""
    tries = Image.of(card.settings, card.flash.fork()).observation.counters[guess.counter].tries
    telling = 0
    for failure in failures(MOST_WRITES):
        cut = PowerCut(failure.write, failure.moment, failure.tear or Tear.NOISE, seed=5)
        right, _ = torn(card, guess.right, cut, guess.counter)
        wrong, left = torn(card, guess.wrong, cut, guess.counter)
        if right != wrong:
            telling += 1
            assert left == tries - 1, f"{failure}: a wrong guess is seen and {left} tries are left"
    return telling


@pytest.mark.parametrize("name", GUESSES)
def test_a_wrong_guess_that_can_be_told_from_a_right_one_has_cost_a_try(
    card: Card, name: str
) -> None:
    assert check_that_a_guess_costs_a_try(card, GUESSES[name](card)) > 10


# Wrong cards


def compare_first(self: ReferenceData, value: bytes) -> bool:
    if not self._equals(value):
        self._put(0, bytes([self.tries_left - 1]))
        self._memory.commit()
        return False
    self.reset()
    return True


def spend_with_the_rest(self: ReferenceData, value: bytes) -> bool:
    """The try is spent before the comparison, but in the transaction of the command."""
    self._put(0, bytes([self.tries_left - 1]))
    if not self._equals(value):
        return False
    self.reset()
    return True


@pytest.mark.parametrize("fault", [compare_first, spend_with_the_rest])
@pytest.mark.parametrize("name", [name for name in GUESSES if name != "prove the terminal"])
def test_a_card_that_compares_before_the_try_is_gone_is_caught(
    monkeypatch: pytest.MonkeyPatch, card: Card, name: str, fault: Callable[..., bool]
) -> None:
    monkeypatch.setattr(ReferenceData, "check", fault)
    guess = GUESSES[name](card)
    assert card.fork().transmit(guess.right) == b"\x90\x00"
    assert card.fork().transmit(guess.wrong)[0] == 0x63
    with pytest.raises(AssertionError, match=r"(3|10) tries are left"):
        check_that_a_guess_costs_a_try(card, guess)


def test_a_card_that_checks_a_cryptogram_before_the_try_is_gone_is_caught(
    monkeypatch: pytest.MonkeyPatch, card: Card
) -> None:
    def with_the_rest(self: Key) -> None:
        left, _ = self._region.read(self._memory, 4, 2)
        self._region.write(self._memory, 4, bytes([left - 1]))

    monkeypatch.setattr(Key, "spend", with_the_rest)
    with pytest.raises(AssertionError, match="3 tries are left"):
        check_that_a_guess_costs_a_try(card, proof_of_the_terminal(card))


def test_the_obvious_test_does_not_bite(monkeypatch: pytest.MonkeyPatch, card: Card) -> None:
    """Why the property above is what it is: over all cuts the tries never rise, fault or not."""
    monkeypatch.setattr(ReferenceData, "check", compare_first)
    guess = GUESSES["verify"](card)
    left = [
        torn(card, guess.wrong, PowerCut(each.write, each.moment), guess.counter)[1]
        for each in failures(MOST_WRITES)
    ]
    assert left == sorted(left, reverse=True)
    assert set(left) == {3, 2}
