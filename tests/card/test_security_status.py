"""The security status: where it is gained, how far it reaches, and when it falls.

ISO/IEC 7816-4:2020, 9.2. The card has a PIN at its MF, one of the same number in two applications
beside each other, and one in a DF below the first.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from simcard.card import Card
from simcard.profiles import build_card, load_profile

PROFILE = load_profile(str(Path(__file__).parent / "pins.toml"))
PINS = {"3F00 01": "31313131", "7F10 81": "32323232", "7F20 81": "33333333", "5F11 82": "34343434"}
WHERE = {"MF": "", "first": "7F10", "below": "7F105F11", "second": "7F20"}


@pytest.fixture
def card() -> Card:
    new = build_card(PROFILE)
    new.power_on()
    return new


def send(card: Card, command: str) -> str:
    return card.transmit(bytes.fromhex(command)).hex().upper()


def stand(card: Card, where: str, channel: int = 0) -> None:
    path = WHERE[where]
    command = f"0{channel}A4080C{len(path) // 2:02X}{path}" if path else f"0{channel}A4000C"
    assert send(card, command) == "9000"


def verify(card: Card, reference: str, value: str, channel: int = 0) -> str:
    return send(card, f"0{channel}2000{reference}04{value}")


def may_read(card: Card, sfi: int, channel: int = 0) -> bool:
    """Whether the EF *sfi* of the current DF can be read: 1 demands PIN 01, 2 the local PIN."""
    answer = send(card, f"0{channel}B0{0x80 | sfi:02X}0001")
    assert answer in {"009000", "6982"}
    return answer == "009000"


def test_the_pin_of_the_card_reaches_every_file(card: Card) -> None:
    assert verify(card, "01", PINS["3F00 01"]) == "9000"
    for where in WHERE:
        stand(card, where)
        assert may_read(card, 1), where


@pytest.mark.parametrize(("where", "pin"), [("first", "7F10 81"), ("second", "7F20 81")])
def test_a_local_pin_is_that_of_the_df(card: Card, where: str, pin: str) -> None:
    other = next(name for name in PINS if name.endswith("81") and name != pin)
    stand(card, where)
    assert verify(card, "81", PINS[other]) == "63C2"
    assert not may_read(card, 2)
    assert verify(card, "81", PINS[pin]) == "9000"
    assert may_read(card, 2)


def test_a_local_pin_falls_when_the_df_is_left(card: Card) -> None:
    stand(card, "first")
    assert verify(card, "81", PINS["7F10 81"]) == "9000"
    for elsewhere in ("second", "MF"):
        twin = card.fork()
        stand(twin, elsewhere)
        stand(twin, "first")
        assert not may_read(twin, 2), elsewhere
    assert may_read(card, 2)


def test_a_local_pin_stays_in_the_dfs_below(card: Card) -> None:
    stand(card, "first")
    assert verify(card, "81", PINS["7F10 81"]) == "9000"
    stand(card, "below")
    assert may_read(card, 2)
    stand(card, "first")
    assert may_read(card, 2)


def test_a_pin_below_falls_on_the_way_up(card: Card) -> None:
    stand(card, "below")
    assert verify(card, "82", PINS["5F11 82"]) == "9000"
    assert verify(card, "81", PINS["7F10 81"]) == "9000"  # the nearest DF above that has it
    assert may_read(card, 3)
    stand(card, "first")
    assert send(card, "00200082") == "6A88"
    assert may_read(card, 2)
    stand(card, "below")
    assert not may_read(card, 3)
    assert may_read(card, 2)


def test_a_refused_selection_leaves_every_right(card: Card) -> None:
    stand(card, "first")
    assert verify(card, "81", PINS["7F10 81"]) == "9000"
    assert send(card, "00A4000C020099") == "6A82"
    assert send(card, "00A4040C05A000000009") == "6A82"
    assert may_read(card, 2)


@pytest.mark.parametrize("cold", [False, True], ids=["warm", "cold"])
def test_a_reset_ends_every_right(card: Card, *, cold: bool) -> None:
    stand(card, "first")
    assert verify(card, "01", PINS["3F00 01"]) == "9000"
    assert verify(card, "81", PINS["7F10 81"]) == "9000"
    if cold:
        card.power_off()
    card.reset()
    stand(card, "first")
    assert (may_read(card, 1), may_read(card, 2)) == (False, False)


def test_a_wrong_guess_ends_the_right_of_that_pin_alone(card: Card) -> None:
    stand(card, "first")
    assert verify(card, "01", PINS["3F00 01"]) == "9000"
    assert verify(card, "81", PINS["7F10 81"]) == "9000"
    assert verify(card, "81", "39393939") == "63C2"
    assert (may_read(card, 1), may_read(card, 2)) == (True, False)


def test_each_channel_has_rights_of_its_own(card: Card) -> None:
    assert send(card, "0070000001") == "019000"
    stand(card, "first")
    stand(card, "first", channel=1)
    assert verify(card, "81", PINS["7F10 81"]) == "9000"
    assert not may_read(card, 2, channel=1)
    assert verify(card, "81", PINS["7F10 81"], channel=1) == "9000"
    stand(card, "MF")
    assert may_read(card, 2, channel=1)


def test_a_closed_channel_leaves_no_rights_to_the_next(card: Card) -> None:
    assert send(card, "0070000001") == "019000"
    stand(card, "first", channel=1)
    assert verify(card, "81", PINS["7F10 81"], channel=1) == "9000"
    assert send(card, "00708001") == "9000"
    assert send(card, "0070000001") == "019000"
    stand(card, "first", channel=1)
    assert not may_read(card, 2, channel=1)


def test_the_tries_are_the_same_on_every_channel(card: Card) -> None:
    assert send(card, "0070000001") == "019000"
    assert verify(card, "01", "39393939") == "63C2"
    assert verify(card, "01", "39393939", channel=1) == "63C1"
    assert verify(card, "01", "39393939") == "63C0"
    assert verify(card, "01", PINS["3F00 01"], channel=1) == "6983"


def test_the_tries_of_two_pins_of_one_number_are_apart(card: Card) -> None:
    stand(card, "first")
    assert verify(card, "81", "39393939") == "63C2"
    stand(card, "second")
    assert send(card, "00200081") == "63C3"


def test_any_pin_serves_a_rule_that_names_none(card: Card) -> None:
    """The compact form names no reference: any PIN that was presented will do (9.3.3.2)."""
    stand(card, "first")
    assert not may_read(card, 4)
    for reference, pin in (("01", "3F00 01"), ("81", "7F10 81")):
        twin = card.fork()
        assert verify(twin, reference, PINS[pin]) == "9000"
        assert may_read(twin, 4)


def test_a_pin_that_is_not_required_opens_what_it_guards_everywhere(card: Card) -> None:
    stand(card, "first")
    assert send(card, f"00260081 04 {PINS['7F10 81']}") == "9000"
    card.reset()
    stand(card, "below")
    assert may_read(card, 2)
    stand(card, "second")  # its own PIN 81 is required as before
    assert not may_read(card, 2)
