"""Policies of reference data: encodings, lengths, usage counters; DES keys as cards take them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from operating import CONFIDENTIALITY, VERIFIES, card_with, choose, encipher

from simcard.card import Card
from simcard.crypto.des_keys import with_odd_parity
from simcard.profiles import ProfileError, build_card, load_profile
from simcard.security.reference import PinEncoding

OK, WRONG_LENGTH, WRONG_FORM = "9000", "6700", "6a80"


def table(number: str, encoding: str, value: str, **more: int) -> str:
    lines = [f'df = "3F00"\nreference = "{number}"\nencoding = "{encoding}"\nhex = "{value}"']
    lines += [f"{name} = {number}" for name, number in {"tries": 3, **more}.items()]
    return "\n[[reference_data]]\n" + "\n".join(lines) + '\naccess.update = "always"\n'


PROFILE = """
name = "references"
title = "A card with reference data of each encoding"
atr = "3B 00"

[memory]
size = 16384

[access.open]
read = "always"

[[file]]
path = "3F00"
type = "df"
access = "open"
""" + "".join(
    (
        table("01", "ascii", "31323334", shortest=4, longest=8),
        table("02", "bcd", "1234", shortest=2, longest=4),
        table("03", "iso-9564-format-2", "241234FFFFFFFFFF"),
        table("04", "raw", "00FF10", shortest=1, longest=6),
        table("05", "ascii", "3030", uses=3),
        table("06", "bcd", "123456FF"),
    )
)


@pytest.fixture
def card(tmp_path: Path) -> Card:
    path = tmp_path / "references.toml"
    path.write_text(PROFILE, "utf-8")
    card = build_card(load_profile(str(path)))
    card.power_on()
    return card


def send(card: Card, ins: int, p1: int, number: int, value: str = "") -> str:
    data = bytes.fromhex(value)
    return card.transmit(bytes([0, ins, p1, number, *([len(data)] if data else []), *data])).hex()


@pytest.mark.parametrize(
    ("number", "value", "expected"),
    [
        (0x01, "31323334", OK),
        (0x01, "31323335", "63c2"),
        (0x01, "313233", WRONG_LENGTH),
        (0x01, "313233343536373839", WRONG_LENGTH),
        (0x01, "3132333A", WRONG_FORM),
        (0x01, "31323334FF", WRONG_FORM),
        (0x02, "1234", OK),
        (0x02, "1234FF", OK),
        (0x02, "1234FFFF", OK),
        (0x02, "123F", "63c2"),
        (0x02, "12345F", "63c2"),
        (0x02, "12", WRONG_LENGTH),
        (0x02, "123A", WRONG_FORM),
        (0x02, "1F34", WRONG_FORM),
        (0x02, "FFFF", WRONG_FORM),
        (0x03, "241234FFFFFFFFFF", OK),
        (0x03, "24123FFFFFFFFFFF", WRONG_FORM),
        (0x03, "251234FFFFFFFFFF", WRONG_FORM),
        (0x03, "141234FFFFFFFFFF", WRONG_FORM),
        (0x03, "231234FFFFFFFFFF", WRONG_FORM),
        (0x03, "2D1234567890123F", WRONG_FORM),
        (0x03, "2C123456789012FF", "63c2"),
        (0x03, "2512345FFFFFFFFF", "63c2"),
        (0x03, "241234FFFFFFFF", WRONG_LENGTH),
        (0x04, "00FF10", OK),
        (0x04, "00FF1000", "63c2"),
    ],
)
def test_verify_knows_the_encoding(card: Card, number: int, value: str, expected: str) -> None:
    before = card.flash.image()
    assert send(card, 0x20, 0, number, value) == expected
    if expected[0] == "6" and not expected.startswith("63"):
        assert card.flash.image() == before
        assert send(card, 0x20, 0, number) == "63c3"


@pytest.mark.parametrize(
    ("number", "old", "new"),
    [
        (0x01, "31323334", "3536373839"),
        (0x02, "1234", "567890FF"),
        (0x03, "241234FFFFFFFFFF", "26123456FFFFFFFF"),
        (0x06, "123456FF", "98765432"),
        (0x06, "123456FF", "9876FFFF"),
    ],
)
def test_a_value_is_changed_within_its_encoding(
    card: Card, number: int, old: str, new: str
) -> None:
    assert send(card, 0x24, 0, number, old + new) == OK
    assert send(card, 0x20, 0, number, old)[:3] == "63c"
    assert send(card, 0x20, 0, number, new) == OK
    assert send(card, 0x24, 1, number, old) == OK
    assert send(card, 0x20, 0, number, old) == OK


@pytest.mark.parametrize(
    ("number", "new"),
    [(0x01, "3132333A"), (0x02, "12A4"), (0x03, "111234FFFFFFFFFF"), (0x06, "1234567A")],
)
def test_a_value_outside_its_encoding_is_not_taken(card: Card, number: int, new: str) -> None:
    before = card.flash.image()
    assert send(card, 0x24, 1, number, new) == WRONG_FORM
    assert card.flash.image() == before


def test_a_usage_counter_runs_out_and_stays_there(card: Card) -> None:
    assert send(card, 0x20, 0, 0x05, "3030") == OK
    assert send(card, 0x20, 0, 0x05, "3031") == "63c2"
    assert send(card, 0x20, 0, 0x05, "3030") == OK
    assert send(card, 0x20, 0, 0x05, "3030") == "6984"
    card.power_off()
    card.power_on()
    assert send(card, 0x20, 0, 0x05) == "6984"
    assert send(card, 0x20, 0, 0x05, "3030") == "6984"
    assert send(card, 0x20, 0, 0x05, "3031") == "6984"


def test_a_value_that_does_not_fit_its_encoding_is_refused_with_the_profile(tmp_path: Path) -> None:
    path = tmp_path / "references.toml"
    path.write_text(PROFILE.replace("241234FFFFFFFFFF", "241234FFFFFFFFF0"), "utf-8")
    with pytest.raises(ProfileError, match=r"does not fit its own encoding and lengths"):
        load_profile(str(path))


@given(st.text("0123456789", min_size=4, max_size=12))
def test_a_format_2_block_of_any_pin_is_accepted_and_no_other_length_digit(pin: str) -> None:
    block = f"2{len(pin):X}{pin}".ljust(16, "F")
    assert PinEncoding.ISO_9564_FORMAT_2.accepts(bytes.fromhex(block))
    for wrong in {*"0123456789ABCDEF"} - {block[1]}:
        changed = bytes.fromhex(block[0] + wrong + block[2:])
        assert not PinEncoding.ISO_9564_FORMAT_2.accepts(changed)


@given(st.text("0123456789", min_size=1, max_size=8), st.integers(0, 3))
def test_filler_makes_no_difference_to_bcd(pin: str, more: int) -> None:
    value = bytes.fromhex(pin + "F" * (len(pin) % 2))
    padded = value + b"\xff" * more
    assert PinEncoding.BCD.accepts(padded)
    assert PinEncoding.BCD.without_filler(padded) == value


WEAK_KEYS = [
    "01010101010101010101010101010101",
    "FEFEFEFEFEFEFEFEFEFEFEFEFEFEFEFE",
    "E0E0E0E0F1F1F1F1E0E0E0E0F1F1F1F1",
    "01FE01FE01FE01FEFE01FE01FE01FE01",
]


@pytest.mark.parametrize("key", [*WEAK_KEYS, "0123456789ABCDEF" * 2, "00" * 24])
def test_weak_keys_equal_halves_and_wrong_parity_are_taken_as_they_are(key: str) -> None:
    wrong = bytes(byte ^ 1 for byte in with_odd_parity(bytes.fromhex(key))).hex()
    results = set()
    for each in (key, wrong):
        card = card_with({"algorithm": "tdes", "hex": each})
        choose(card, CONFIDENTIALITY, VERIFIES, key=1, algorithm=0x08)
        results.add(encipher(card, b"8 bytes!"))
    assert len(results) == 1
