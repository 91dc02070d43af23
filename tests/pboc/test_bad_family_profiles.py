"""Profiles of the family that cannot be cards: refused at load, naming line, key and rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from simcard.profiles import ProfileError, build_card, load_profile

GOOD = """\
name = "purse"
title = "A purse"
atr = "3B 00"
dialect = "pboc"

[memory]
size = 16384
page_size = 128

[pboc]
cipher = "tdes"

[access.open]
read = "mf-state 1"

[[file]]
path = "3F00"
type = "df"
access = "open"
keys = { space = 100, add = "F0" }

[[file]]
path = "3F00/0018"
type = "cyclic"
sfi = 24
records = 2
record_size = 23
access = "open"

[[pboc_key]]
df = "3F00"
type = "pin"
id = "00"
tries = 3
hex = "123456"

[[sam_key]]
df = "3F00"
kind = "purchase"
levels = 1
version = 1
hex = "00112233445566778899AABBCCDDEEFF"

[[purse]]
df = "3F00"
kind = "EP"
log = 24
access = "open"
"""

CASES = [
    ('dialect = "pboc"', 'dialect = "iso"', "for cards with dialect = 'pboc' alone"),
    ('dialect = "pboc"', 'dialect = "pboc"\nextensions = ["globalplatform"]', "has none"),
    ('cipher = "tdes"', 'cipher = "sm4"\ntransport_key = "FFFFFFFFFFFFFFFF"', "16 bytes"),
    ('cipher = "tdes"', "composite_files = [31]", "less than or equal to 30"),
    ("tries = 3", "", "pin has tries and next_state"),
    ("tries = 3", "tries = 3\nversion = 1", "pin has tries and next_state"),
    ('type = "pin"', 'type = "load"', "load has version, algorithm"),
    ('type = "pin"', 'type = "pun"', "a type is one of encrypt"),
    ('hex = "123456"', 'hex = "12"', "a PIN has 2 to 8 bytes"),
    ('type = "pin"', 'type = "line"', "a key has 16 bytes, a DES key 8"),
    ('df = "3F00"\ntype', 'df = "3F00/0018"\ntype', "is not a DF"),
    ('df = "3F00"\nkind = "purchase"', 'df = "3F00/1111"\nkind = "purchase"', "is not a DF"),
    ("log = 24", "log = 23", "no cyclic EF of 23-byte records"),
    ("record_size = 23", "record_size = 22", "no cyclic EF of 23-byte records"),
    ('read = "mf-state 1"', 'read = "mf-state 0"', "one hexadecimal digit from 1 on"),
    ('log = 24\naccess = "open"', 'log = 24\naccess = "shut"', "there is no table [access.shut]"),
    ("sfi = 24", 'sfi = 24\nkeys = { space = 1, add = "F0" }', "cyclic has no keys"),
]


def written(folder: Path, text: str) -> str:
    path = folder / "card.toml"
    path.write_text(text, "utf-8")
    return str(path)


def test_the_profile_that_all_others_are_made_from_is_good(tmp_path: Path) -> None:
    card = build_card(load_profile(written(tmp_path, GOOD)))
    card.power_on()
    assert card.transmit(bytes.fromhex("0020000003123456")) == b"\x90\x00"


@pytest.mark.parametrize(("old", "new", "rule"), CASES)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, rule: str) -> None:
    assert old in GOOD
    with pytest.raises(ProfileError) as refused:
        load_profile(written(tmp_path, GOOD.replace(old, new, 1)))
    assert rule in str(refused.value)
    assert "card.toml" in str(refused.value)


def test_the_same_key_twice(tmp_path: Path) -> None:
    row = GOOD[GOOD.index("[[pboc_key]]") : GOOD.index("[[sam_key]]")]
    with pytest.raises(ProfileError, match="it is there twice in 3F00"):
        load_profile(written(tmp_path, GOOD + row))
