"""What a profile says is what the card made from it does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simcard.card import Card
from simcard.profiles import build_card, load_profile, profile_names

Build = Callable[[str], Card]
"""From the tables of a profile to a powered card."""

HEAD = 'name = "small"\ntitle = ""\natr = "3B 00"\n'


@pytest.fixture
def powered(tmp_path: Path) -> Build:
    def build(text: str) -> Card:
        path = tmp_path / "card.toml"
        path.write_text(HEAD + text)
        card = build_card(load_profile(str(path)))
        card.power_on()
        return card

    return build


def says(card: Card, *exchanges: str) -> None:
    """Each exchange is a command, an arrow, and the answer."""
    for exchange in exchanges:
        command, answer = exchange.split(" -> ")
        assert card.transmit(bytes.fromhex(command)).hex() == bytes.fromhex(answer).hex(), exchange


@pytest.mark.parametrize("name", profile_names())
def test_every_shipped_profile_is_a_card(name: str) -> None:
    profile = load_profile(name)
    card = build_card(profile)
    assert card.power_on() == profile.tables.atr
    assert card.transmit(bytes.fromhex("00A4000C")) == b"\x90\0"
    assert card.fault is None


def test_the_data_objects_of_a_df_are_under_its_rules_for_content(powered: Build) -> None:
    card = powered("""
[[file]]
path = "3F00"
type = "df"
access = { read = "always", create_ef = "always", delete_child = "always" }
data_objects = 32

[[file]]
path = "3F00/7F10"
type = "df"
access = { update = "always", delete_child = "never", create_ef = "never" }
data_objects = 32
""")
    says(card, "00CA00C100 -> 6A88", "00DA00C101AA -> 6982")
    says(card, "00A4000C027F10 -> 9000", "00CA00C100 -> 6982", "00DA00C101AA -> 9000")


def test_content_is_said_in_four_ways(powered: Build) -> None:
    card = powered("""
[[file]]
path = "3F00"
type = "df"
access = {}

[[file]]
path = "3F00/0001"
type = "transparent"
sfi = 1
size = 4
access.read = "always"
content.hex = "0102"

[[file]]
path = "3F00/0002"
type = "transparent"
sfi = 2
size = 3
access.read = "always"
content.text = "abc"

[[file]]
path = "3F00/0003"
type = "linear-fixed"
sfi = 3
records = 2
record_size = 2
access.read = "always"
content.fill = "55"

[[file]]
path = "3F00/0004"
type = "cyclic"
sfi = 4
records = 3
record_size = 2
access.read = "always"
content.records = ["01", "0202"]
""")
    says(card, "00B0810000 -> 010200009000", "00B0820000 -> 6162639000")
    says(card, "00B2011D00 -> 555555559000", "00B2012500 -> 020201009000")


@pytest.mark.parametrize(("said", "answer"), [("none", "6A83"), ("all", "000000009000")])
def test_records_of_a_created_ef_exist_if_the_profile_says_so(
    powered: Build,
    said: str,
    answer: str,
) -> None:
    card = powered(f"""
[limits]
records_at_creation = "{said}"

[[file]]
path = "3F00"
type = "df"
access.create_ef = "always"
""")
    says(card, "00E000000D620B82050241000202 83020050 -> 9000", f"00B2010500 -> {answer}")


def test_limits_are_kept(powered: Build) -> None:
    card = powered("""
[limits]
channels = 2
command_data_max = 255
response_data_max = 256
challenge_size = 4

[[file]]
path = "3F00"
type = "df"
access = {}

[[file]]
path = "3F00/0001"
type = "transparent"
sfi = 1
size = 600
access = { read = "always", update = "always" }
""")
    says(card, "0070000001 -> 019000", "0070000001 -> 6A81", "00700002 -> 6A86")
    assert len(card.transmit(bytes.fromhex("0084000000"))) == 4 + 2
    assert card.transmit(bytes.fromhex("00B08100000000")) == bytes(256) + b"\x61\0"
    assert card.transmit(bytes.fromhex("00C00000000000")) == bytes(256) + b"\x61\x58"
    assert card.transmit(bytes.fromhex("00C0000000")) == bytes(88) + b"\x90\0"
    assert card.transmit(bytes.fromhex("00B081000003E8")) == bytes(256) + b"\x61\0"
    says(card, f"00D681000000FF{'AA' * 255} -> 9000", f"00D68100000100{'AA' * 256} -> 6700")
    says(card, f"10D68100FF{'AA' * 255} -> 9000", "00D6810001AA -> 6700")


def test_twenty_channels_can_be_open(powered: Build) -> None:
    card = powered("""
[limits]
channels = 20

[[file]]
path = "3F00"
type = "df"
access = {}

[[file]]
path = "3F00/0001"
type = "transparent"
sfi = 1
size = 1
access.read = "always"
""")
    for number in range(1, 20):
        says(card, f"0070000001 -> {number:02X}9000")
    says(card, "0070000001 -> 6A81", "00700013 -> 6985", "00700014 -> 6A86")
    for number in range(4, 20):
        says(card, f"{0x3C + number:02X}B0810001 -> 009000")
    says(card, "4F708000 -> 9000", "4FB0810001 -> 6881", "0070000001 -> 139000")


def test_the_generic_card_says_truly_how_much_it_takes() -> None:
    card = build_card(load_profile("iso7816"))
    card.power_on()
    said = card.transmit(bytes.fromhex("00B09D0000"))[:-2]
    assert said[:3].hex() == "7f6609"
    command_max, response_max = (int.from_bytes(part, "big") for part in (said[5:7], said[9:12]))
    says(card, "00A4040C09F053494D4341524401 -> 9000")
    longest = bytes.fromhex("00D68600000800") + bytes(2048)
    assert command_max >= len(longest)
    assert card.transmit(longest) == b"\x90\0"
    assert card.transmit(longest[:-1] + b"\0\0") == b"\x67\0"
    assert card.transmit(bytes.fromhex("00B08600000000")) == bytes(2048) + b"\x90\0"
    assert response_max == card.settings.response_data_max + 2
