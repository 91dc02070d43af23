"""A right for one item of a record EF: the card number behind the PIN, all else in EF05 open."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from pboc_terminal import PIN, SSSE, Card, ok, select, send
from rich.console import Console

from simcard.description import describe_profile
from simcard.issuance.batch import make_card
from simcard.memory import Flash
from simcard.profiles import Profile, ProfileError, build_card, load_profile
from simcard.scenarios.setting import HOLDER, Setting

EF05 = """
[[file]]
path = "3F00/DDF1/EF05"
type = "linear-variable-tlv"
title = "Issuer data"
sfi = 5
records = 7
record_size = 18
access = "issuer-data"
read_items = { "07" = "F1" }
content.records = [
    "0110330300D156000005330300000001FFFF", "020131", "0304322E3030",
    "040C915600000233030033030300", "050420240115", "060420340115", "0709533030303030303137",
]
"""
HEAD = 'extends = "{}"\nname = "guarded"\n'
NUMBER = b"S00000017"
WAYS = ["00B2072C00", "00B2072800", "00B2072C0B", "00B2062D00", "00B2012D00", "00B2012E00"]
"""By number, by identifier, with the length, from 6 and 1 to the last, from the last to 1."""


def guarded(tmp_path: Path, base: str = "ssc2") -> Profile:
    file = tmp_path / "guarded.toml"
    file.write_text(HEAD.format(base) + EF05)
    return load_profile(str(file))


@pytest.fixture(params=["built", "issued"])
def card(request: pytest.FixtureRequest, tmp_path: Path) -> Card:
    profile = guarded(tmp_path)
    flash = None
    if request.param == "issued":
        holder = HOLDER.model_copy(update={"card_number": NUMBER.decode()})
        image = make_card(profile, Setting(profile).order(holder)).image
        flash = Flash.open(bytearray(image))
    card = build_card(profile, 1, flash=flash)
    card.power_on()
    select(card, SSSE)
    return card


@pytest.mark.parametrize("command", WAYS)
def test_the_item_is_read_after_the_pin_alone(card: Card, command: str) -> None:
    assert send(card, command).sw == 0x6982
    ok(card, PIN)
    assert NUMBER in ok(card, command)


def test_a_search_tells_nothing_of_the_item(card: Card) -> None:
    ok(card, "00B2012C00")
    search = "00A2012C09" + NUMBER.hex() + "00"
    assert send(card, search).sw == 0x6982
    ok(card, PIN)
    assert ok(card, search) == b"\x07"


@pytest.mark.parametrize("number", range(1, 7))
def test_the_other_items_are_open(card: Card, number: int) -> None:
    assert ok(card, f"00B2{number:02X}2C00")[0] == number
    assert ok(card, f"00B2{number:02X}2800")[0] == number


def test_another_generation_can_have_it_too(tmp_path: Path) -> None:
    card = build_card(guarded(tmp_path, "ssc3"), 1)
    card.power_on()
    select(card, SSSE)
    assert send(card, WAYS[0]).sw == 0x6982


def test_the_document_of_the_card_says_it(tmp_path: Path) -> None:
    stream = io.StringIO()
    Console(file=stream, width=200).print(describe_profile(guarded(tmp_path)))
    assert "read item 07: state 1-F" in stream.getvalue()


@pytest.mark.parametrize(
    ("base", "old", "new", "rule"),
    [
        ("ssc2", '{ "07" = "F1" }', '{ "0708" = "F1" }', "an item is one byte"),
        ("ssc2", '{ "07" = "F1" }', '{ "07" = "" }', "an item is one byte"),
        ("ssc2", '{ "07" = "F1" }', '{ "7" = "F1" }', "pairs of hexadecimal digits"),
        ("ssc2", "variable", "fixed", "linear-fixed-tlv has no read_items"),
        ("iso7816", 'DDF1/EF05"', '2F10"', "for cards with dialect = 'pboc' alone"),
    ],
)
def test_a_right_for_no_item_is_refused(
    base: str, old: str, new: str, rule: str, tmp_path: Path
) -> None:
    file = tmp_path / "wrong.toml"
    text = HEAD.format(base) + EF05.replace(old, new)
    file.write_text(text.replace('"issuer-data"', '"public"') if base == "iso7816" else text)
    with pytest.raises(ProfileError, match=rule):
        load_profile(str(file))
