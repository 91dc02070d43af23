"""PINs in every encoding: what is well-formed, what is the same PIN, and counters that run out."""

from __future__ import annotations

from pathlib import Path

import pytest

from simcard.card import Card
from simcard.profiles import build_card, load_profile
from simcard.security.reference import PinEncoding

WELL_FORMED = {
    PinEncoding.RAW: ["00", "FF", "0123456789ABCDEF"],
    PinEncoding.ASCII: ["31323334", "30", "3930393039303930"],
    PinEncoding.BCD: ["1234", "123F", "1234FFFFFFFFFFFF", "0F", "00"],
    PinEncoding.ISO_9564_FORMAT_2: ["241234FFFFFFFFFF", "2C123456789012FF", "25 12345F FFFFFFFF"],
}
MALFORMED = {
    PinEncoding.ASCII: ["3132333A", "FF", "313233FF", "B2"],
    PinEncoding.BCD: ["FFFF", "12F4", "1A34", "F123", "12FF34"],
    PinEncoding.ISO_9564_FORMAT_2: [
        "231230FFFFFFFFFF",  # three digits
        "2D1234567890123F",  # thirteen
        "141234FFFFFFFFFF",  # another format
        "241234FFFFFFFFF0",  # filler that is none
        "2412A4FFFFFFFFFF",  # no digit
        "241234FFFFFFFF",  # seven bytes
        "241234FFFFFFFFFFFF",  # nine
    ],
}


@pytest.mark.parametrize(
    ("encoding", "value"), [(each, value) for each in WELL_FORMED for value in WELL_FORMED[each]]
)
def test_well_formed(encoding: PinEncoding, value: str) -> None:
    assert encoding.accepts(bytes.fromhex(value))


@pytest.mark.parametrize(
    ("encoding", "value"), [(each, value) for each in MALFORMED for value in MALFORMED[each]]
)
def test_malformed(encoding: PinEncoding, value: str) -> None:
    assert not encoding.accepts(bytes.fromhex(value))


def card_with(folder: Path, pin: str) -> Card:
    path = folder / "pin.toml"
    path.write_text(f"""\
name = "pin"
title = ""
atr = "3B 00"

[[file]]
path = "3F00"
type = "df"
access = {{}}

[[reference_data]]
df = "3F00"
reference = "01"
{pin}
""")
    card = build_card(load_profile(str(path)))
    card.power_on()
    return card


def send(card: Card, command: str) -> str:
    return card.transmit(bytes.fromhex(command)).hex().upper()


def test_a_digit_more_or_less_of_filler_is_the_same_bcd_pin(tmp_path: Path) -> None:
    pin = 'hex = "1234FFFF"\ntries = 3\nencoding = "bcd"\nshortest = 2\nlongest = 8'
    card = card_with(tmp_path, pin)
    for value in ("1234", "1234FF", "1234FFFFFFFFFFFF"):
        assert send(card, f"00200001{len(value) // 2:02X}{value}") == "9000"
    assert send(card, "00200001021235") == "63C2"
    assert send(card, "0020000102123F") == "63C1"
    assert send(card, "002000010212F3") == "6A80"


def test_a_bcd_pin_of_one_length_is_changed_with_its_filler(tmp_path: Path) -> None:
    card = card_with(tmp_path, 'hex = "1234FFFF"\ntries = 3\nencoding = "bcd"')
    assert send(card, "0024000108 1234FFFF 56789FFF") == "9000"
    assert send(card, "0020000104 56789FFF") == "9000"
    assert send(card, "0020000104 1234FFFF") == "63C2"


def test_a_format_2_block_is_compared_as_a_block(tmp_path: Path) -> None:
    pin = 'hex = "241234FFFFFFFFFF"\ntries = 3\nencoding = "iso-9564-format-2"'
    card = card_with(tmp_path, pin)
    assert send(card, "0020000108 241234FFFFFFFFFF") == "9000"
    assert send(card, "0020000108 251234FFFFFFFFFF") == "6A80"
    assert send(card, "0020000108 2512345FFFFFFFFF") == "63C2"
    assert send(card, "0024000110 241234FFFFFFFFFF 26123456FFFFFFFF") == "9000"
    assert send(card, "0020000108 26123456FFFFFFFF") == "9000"


def test_a_pin_is_used_up(tmp_path: Path) -> None:
    card = card_with(tmp_path, 'text = "1234"\ntries = 3\nuses = 3')
    assert send(card, "0020000104 31323335") == "63C2"
    assert send(card, "0020000104 31323334") == "9000"
    assert send(card, "0020000104 31323334") == "9000"
    assert send(card, "0020000104 31323334") == "6984"
    card.reset()
    assert send(card, "00200001") == "6984"
    card.power_off()
    card.power_on()
    assert send(card, "0020000104 31323334") == "6984"


@pytest.mark.parametrize("tries", [1, 2, 15])
def test_the_tries_are_those_of_the_profile(tmp_path: Path, tries: int) -> None:
    card = card_with(tmp_path, f'text = "1234"\ntries = {tries}')
    for left in range(tries - 1, -1, -1):
        assert send(card, "0020000104 31323335") == f"63C{left:X}"
    assert send(card, "0020000104 31323334") == "6983"


def test_a_pin_that_is_not_required_is_satisfied_from_the_start(tmp_path: Path) -> None:
    card = card_with(tmp_path, 'text = "1234"\ntries = 3\nrequired = false')
    assert send(card, "00200001") == "9000"
    assert send(card, "0028000104 31323334") == "9000"
    card.reset()
    assert send(card, "00200001") == "63C3"
