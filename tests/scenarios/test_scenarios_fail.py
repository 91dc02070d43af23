"""Scenarios notice: other cards than they ask for, cards that lie, and hands that mix things up."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from played import CASES, Liar, play_with_liar, setting

from simcard.scenarios import SCENARIOS, Outcome, Role, cast, new_module, run
from simcard.scenarios.cast import make
from simcard.scenarios.setting import EXPIRED, HOLDER, Setting


def played_with(name: str, role: Role, world: Setting, told: Setting | None = None) -> Outcome:
    """Scenario *name* with the card of another *role*, or with another setting *told*."""
    return run(SCENARIOS[name], make(role, world), new_module(world), told or world)


WRONG_CARDS = [
    ("foreign-root", Role(purse=5_000), 1, "the terminal went on"),
    ("another-city", Role(foreign=True, purse=5_000), 1, "does not know the key"),
    ("another-city", Role(purse=100), 2, "9401"),
    ("expired-card", Role(), 1, "the terminal went on"),
    ("hospital", Role(holder=EXPIRED), 1, "expired on 2026-01-15"),
    ("bus-gate", Role(holder=EXPIRED, purse=2_000), 2, "expired"),
    ("pension", Role(), 1, "years old"),
    ("pharmacy", Role(deposit=100), 4, "only 1.00 yuan"),
    ("pharmacy", Role(foreign=True, deposit=30_000), 2, "does not know the key"),
    ("first-issue", Role(), 1, "chip answered"),
    ("newborn", Role(holder=HOLDER), 1, "chip answered"),
]


@pytest.mark.parametrize("profile", ["ssc2", "ssc3"])
@pytest.mark.parametrize(("name", "role", "steps", "why"), WRONG_CARDS)
def test_another_card_than_the_story_s_fails(
    name: str, role: Role, steps: int, why: str, profile: str
) -> None:
    outcome = played_with(name, role, setting(profile))
    assert not outcome.passed
    assert why in (outcome.failure or "")
    assert len(outcome.steps) == steps


@pytest.mark.parametrize("profile", ["ssc2", "ssc3"])
def test_the_terminal_goes_by_the_date_it_is_given(profile: str) -> None:
    world = setting(profile)
    later = replace(world, now=datetime(2034, 1, 16))  # noqa: DTZ001 - as in the setting
    outcome = played_with("hospital", Role(), world, later)
    assert "expired on 2034-01-15" in (outcome.failure or "")
    last = replace(world, now=datetime(2034, 1, 15, 23, 59))  # noqa: DTZ001 - likewise
    assert played_with("hospital", Role(), world, last).passed


def test_another_root_or_pin_than_the_card_s_fails() -> None:
    world = setting("ssc3")
    foreign = played_with("hospital", Role(), world, replace(world, root=bytes(32)))
    assert "does not know the key" in (foreign.failure or "")
    wrong = played_with("hospital", Role(), world, replace(world, pin=bytes(3)))
    assert "63C2" in (wrong.failure or "")
    assert "000000" not in (wrong.failure or "")


def changed(header: str, change: Callable[[bytes], bytes]) -> Callable[[bytes, bytes], bytes]:
    """A lie about the responses to commands that begin with *header*, or fetched after them."""
    asked = b""

    def lie(command: bytes, response: bytes) -> bytes:
        nonlocal asked
        if command[1] != 0xC0:
            asked = command
        if asked.startswith(bytes.fromhex(header)) and response[-2:-1] != b"\x61":
            return change(response)
        return response

    return lie


def flipped(at: int) -> Callable[[bytes], bytes]:
    return lambda response: (
        response[:at] + bytes([response[at] ^ 1]) + response[at + 1 :]
        if len(response) > 2
        else response
    )


def always(response: str) -> Callable[[bytes], bytes]:
    return lambda _: bytes.fromhex(response)


LIES = [
    ("pharmacy", "8054", flipped(4), "9302"),  # MAC2
    ("pharmacy", "8054", flipped(0), "TAC of the purchase"),
    ("pharmacy", "805A", flipped(0), "another proof|proof is another"),
    ("pharmacy", "805C", always("000075309000"), "balance is another"),  # nothing leaves it
    ("pharmacy", "0088", flipped(0), "does not know the key"),
    ("bank-load", "805000", flipped(12), "MAC1 of the load"),
    ("bank-load", "8052", flipped(0), "TAC of the load"),
    ("bank-load", "80500002", always("0000000000000100112233440011223344 9000"), "6982 expected"),
    ("hospital", "00B20144", flipped(0), "newest settlement is another"),
    ("hospital", "00B208", flipped(0), "answered another record"),
    ("hospital", "00DC", always("9000"), "6982 expected"),
    ("pension", "00B2", always("67042026110190 00"), "another record|unknown"),
    ("pin-blocked", "0020", always("63C2"), "63C1"),
    ("pin-forgotten", "805E", always("9000"), "6988 expected"),
    ("library", "00D6", always("9000"), "6982 expected"),
    ("library", "04D6", always("6988"), "9000 expected"),
    ("expired-card", "00B206", always("0604203401159000"), "went on"),
    ("expired-card", "00B206", always("0604203402309000"), "20340230 is no date"),
    ("hospital", "00B209", always("0902FFFF9000"), "FFFF is no text in GBK"),
    ("bus-gate", "00B201D0", always("010800000000000000009000"), "note is another"),
    ("park", "8050", always("9401"), "9000 expected"),
    ("hospital", "00A4", always(""), "nothing"),  # mute
]

LIES_ABOUT_PAIRS = [
    ("0046", always("9000"), "no public key"),
    ("0046", flipped(9), "no public key"),  # not on the curve
    ("002A", flipped(0), "not that of its key"),
    ("0088", flipped(0), "does not have the private key"),
]


@pytest.mark.parametrize("profile", ["ssc2", "ssc3"])
@pytest.mark.parametrize(("name", "header", "change", "why"), LIES)
def test_a_card_that_lies_is_found_out(
    name: str, header: str, change: Callable[[bytes], bytes], why: str, profile: str
) -> None:
    outcome = play_with_liar(name, profile, changed(header, change))
    assert not outcome.passed
    assert any(each in (outcome.failure or "") for each in why.split("|")), outcome.failure


@pytest.mark.parametrize(("header", "change", "why"), LIES_ABOUT_PAIRS)
def test_a_card_that_lies_about_its_pair_is_found_out(
    header: str, change: Callable[[bytes], bytes], why: str
) -> None:
    outcome = lied_about_pairs(changed(header, change))
    assert why in (outcome.failure or "")


def test_a_new_pair_in_the_place_of_the_registered_one_is_found_out() -> None:
    seen = 0

    def second_time(command: bytes, response: bytes) -> bytes:
        nonlocal seen
        seen += command[1] == 0x46
        return b"\x90\x00" if command[1] == 0x46 and seen == 2 else response

    assert "6982 expected" in (lied_about_pairs(second_time).failure or "")


def lied_about_pairs(lie: Callable[[bytes, bytes], bytes]) -> Outcome:
    world, scenario = setting("ssc3"), SCENARIOS["proof-of-card"]
    cards = cast(scenario, world)
    liars = {"card": Liar(cards["card"], lie), "forged": cards["forged"]}
    return run(scenario, liars, new_module(world), world)


def spoiled(chance: random.Random, response: bytes) -> bytes:
    """*response* cut short, lengthened, blanked, or with another byte or status word."""
    data, sw = response[:-2], response[-2:]
    at = chance.randrange(len(response)) if response else 0
    changes = (
        response[:at],
        chance.randbytes(chance.randrange(40)),
        response[:at] + chance.randbytes(1) + response[at + 1 :],
        data + chance.choice((b"\x61\x00", b"\x6c\x00", b"\x90\x00", b"\x63\xc0")),
        bytes(len(data)) + b"\x90\x00",
        b"\xff" * len(data) + b"\x90\x00",
        data + chance.randbytes(3) + sw,
    )
    return chance.choice(changes)


class Nonsense:
    """A lie of every other response, after a few that are left alone."""

    def __init__(self, seed: str) -> None:
        self._chance = random.Random(seed)
        self._left_alone = self._chance.randrange(8)

    def __call__(self, _: bytes, response: bytes) -> bytes:
        self._left_alone -= 1
        if self._left_alone >= 0 or self._chance.random() < 0.5:
            return response
        return spoiled(self._chance, response)


@pytest.mark.parametrize(("name", "profile"), CASES)
def test_nonsense_from_card_or_module_fails_a_step_and_never_the_program(
    name: str, profile: str
) -> None:
    world = setting(profile)
    failures = []
    for seed in range(8):
        lie = Nonsense(f"{name} {profile} {seed}")
        cards = {role: Liar(card, lie) for role, card in cast(SCENARIOS[name], world).items()}
        outcome = run(SCENARIOS[name], cards, Liar(new_module(world), lie), world)
        failures.append(outcome.failure)
    assert sum(failure is not None for failure in failures) >= 6


def test_a_card_of_the_other_generation_does_not_play() -> None:
    world = setting("ssc3")
    scenario = SCENARIOS["older-card-at-newer-terminal"]
    with pytest.raises(ValueError, match="generation 2 only"):
        run(scenario, make(Role(), world), new_module(world), world)


def test_a_role_without_a_card_is_named() -> None:
    world = setting("ssc2")
    scenario = SCENARIOS["lost-card"]
    cards = cast(scenario, world)
    with pytest.raises(ValueError, match="no card for the role new"):
        run(scenario, cards["card"], new_module(world), world)
