"""Profiles that cannot be cards: refused at load, naming file, line, key and rule."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from simcard.profiles import ProfileError, build_card, load_profile

HERE = Path(__file__).parent
GOOD = (HERE / "good.toml").read_text("utf-8")
MISTAKES = tomllib.loads((HERE / "mistakes.toml").read_text("utf-8"))


def test_the_profile_all_others_are_made_from_is_a_card(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    path.write_text(GOOD)
    card = build_card(load_profile(str(path)))
    assert card.power_on() == bytes.fromhex("3B00")
    assert card.transmit(bytes.fromhex("00A4040C05A000000001")) == bytes.fromhex("9000")


def refusal(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(ProfileError) as caught:
        load_profile(str(path))
    return str(caught.value)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_line(mistake: str, tmp_path: Path) -> None:
    right, wrong, rule = (MISTAKES[mistake][key] for key in ("right", "wrong", "rule"))
    assert right in GOOD
    at = MISTAKES[mistake].get("at", "")
    marked = GOOD.replace(right, wrong if at or "»" in wrong else f"»{wrong}", 1)
    marked = marked.replace(at, f"»{at}", 1) if at else marked
    line = 1 + marked[: marked.index("»")].count("\n")
    path = tmp_path / "card.toml"
    assert refusal(path, marked.replace("»", "")).startswith(f"{path}:{line}: {rule}")


def test_every_mistake_of_the_tables_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    text = GOOD.replace("sfi = 29", "sfi = 40").replace("channels = 2", "channels = 0")
    assert refusal(path, text).splitlines() == [
        f"{path}:12: limits.channels: Input should be greater than or equal to 1",
        f"{path}:41: file[2].sfi: Input should be less than or equal to 30",
    ]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    assert refusal(path, GOOD.replace('atr = "3B 00"\n', "")) == f"{path}: atr: Field required"
    without_path = GOOD.replace('path = "3F00/7F10"\n', "")
    line = GOOD.splitlines().index('path = "3F00/7F10"')
    assert refusal(path, without_path) == f"{path}:{line}: file[3].path: Field required"


def test_files_in_one_array_have_the_line_of_the_array(tmp_path: Path) -> None:
    text = """\
name = "small"
title = ""
atr = "3B 00"
file = [
    { path = "3F00", type = "df", access = {} },
    { path = "3F00/7F10/0001", type = "transparent", size = 1, access = {} },
]
"""
    path = tmp_path / "card.toml"
    rule = "3F00/7F10 is not a DF that stands before this file"
    assert refusal(path, text) == f"{path}:4: file[1].path: {rule}"


def test_what_is_not_toml_is_named_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    message = refusal(path, GOOD.replace("channels = 2", "channels = "))
    assert message.startswith(f"{path}: not TOML: Invalid value (at line 12, column ")


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProfileError, match=r"card\.toml: .*can't decode byte"):
        load_profile(str(path))


def test_a_profile_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(ProfileError, match=r"^iso7817: no such profile; there are .*iso7816"):
        load_profile("iso7817")


MEMORY = "[memory]\nsize = 16384\npage_size = 128"
SMALL_CHIPS = {
    "of one page": ("size = 576\npage_size = 64", "file[0]: 3F00"),
    "of two pages a change": (
        "size = 16384\npage_size = 64\nspare_pages = 2",
        "file[1]: 3F00/2F06",
    ),
    "for half of the files": ("size = 1664\npage_size = 128", "file[4]: 3F00/7F10/0001"),
    "for the files alone": ("size = 1920\npage_size = 128", "reference_data[0]: it"),
    "for all but the key": ("size = 2048\npage_size = 128", "key[0]: it"),
}


@pytest.mark.parametrize("chip", SMALL_CHIPS)
def test_a_chip_too_small_is_refused(chip: str, tmp_path: Path) -> None:
    memory, what = SMALL_CHIPS[chip]
    path = tmp_path / "card.toml"
    message = refusal(path, GOOD.replace(MEMORY, f"[memory]\n{memory}"))
    assert re.match(rf"{path}:\d+: {re.escape(what)} does not fit the memory of \d+ bytes", message)
