"""Profiles that extend others: what is merged, what is replaced, and whose line a mistake has."""

from __future__ import annotations

from pathlib import Path

import pytest

from simcard.profiles import ProfileError, build_card, load_profile
from simcard.security.access import ALWAYS, NEVER, Right

BELOW = """\
name = "below"
title = "What is extended"
atr = "3B 00"

[limits]
channels = 2
challenge_size = 4

[access.open]
read = "always"
update = "always"

[[file]]
path = "3F00"
type = "df"
access = "open"

[[file]]
path = "3F00/0001"
type = "transparent"
size = 4
access = "open"
content.hex = "01020304"

[[reference_data]]
df = "3F00"
reference = "01"
text = "1234"
tries = 3
"""

ABOVE = """\
extends = "below.toml"
name = "above"
title = "What extends"

[limits]
channels = 3

[access.open]
update = "never"

[[file]]
path = "3F00/0002"
type = "transparent"
size = 2
access = "open"

[[file]]
path = "3F00/0001"
type = "transparent"
size = 6
access = "open"

[[reference_data]]
df = "3F00"
reference = "01"
text = "4321"
tries = 5
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "below.toml").write_text(BELOW)
    (tmp_path / "above.toml").write_text(ABOVE)
    return tmp_path


def test_keys_files_and_pins_are_merged(folder: Path) -> None:
    tables = load_profile(str(folder / "above.toml")).tables
    assert (tables.name, tables.title, tables.atr) == ("above", "What extends", b"\x3b\0")
    assert (tables.limits.channels, tables.limits.challenge_size) == (3, 4)
    assert [(file.path, file.size) for file in tables.file] == [
        ("3F00", 0),
        ("3F00/0001", 6),
        ("3F00/0002", 2),
    ]
    assert [(pin.text, pin.tries) for pin in tables.reference_data] == [("4321", 5)]


def test_a_table_of_rules_is_replaced_as_a_whole(folder: Path) -> None:
    rules = load_profile(str(folder / "above.toml")).tables.access["open"].rules()
    assert rules == {Right.UPDATE: NEVER}


def test_a_file_that_is_replaced_keeps_nothing(folder: Path) -> None:
    text = ABOVE.replace('[access.open]\nupdate = "never"\n', "")
    (folder / "above.toml").write_text(text)
    profile = load_profile(str(folder / "above.toml"))
    assert profile.tables.access["open"].rules() == {Right.READ: ALWAYS, Right.UPDATE: ALWAYS}
    card = build_card(profile)
    card.power_on()
    assert card.transmit(bytes.fromhex("00A4000C020001")) == b"\x90\0"
    assert card.transmit(bytes.fromhex("00B0000000")) == bytes(6) + b"\x90\0"


def test_the_path_of_what_is_extended_starts_at_the_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    assert load_profile(f"{folder.name}/above.toml").name == "above"


def test_a_shipped_profile_can_be_extended(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('extends = "iso7816"\nname = "own"\ntitle = "Own"\n')
    assert len(load_profile(str(path)).tables.file) == len(load_profile("iso7816").tables.file)


def mistake(folder: Path, name: str = "above.toml") -> str:
    with pytest.raises(ProfileError) as caught:
        load_profile(str(folder / name))
    return str(caught.value).removeprefix(f"{folder}/")


def test_a_mistake_above_has_its_line_there(folder: Path) -> None:
    (folder / "above.toml").write_text(ABOVE.replace("size = 2", "size = -2"))
    expected = "above.toml:14: file[2].size: Input should be greater than or equal to 0"
    assert mistake(folder) == expected


def test_a_mistake_below_has_its_line_there(folder: Path) -> None:
    (folder / "below.toml").write_text(BELOW.replace("challenge_size = 4", "challenge_size = 0"))
    expected = "below.toml:7: limits.challenge_size: Input should be greater than or equal to 1"
    assert mistake(folder) == expected


def test_two_files_that_do_not_go_together(folder: Path) -> None:
    (folder / "below.toml").write_text(BELOW.replace("\nsize = 4", "\nsize = 4\nsfi = 3"))
    without = ABOVE.split("[[file]]")
    (folder / "above.toml").write_text(
        without[0] + "[[file]]" + without[1].replace("size = 2", "size = 2\nsfi = 3")
    )
    expected = "above.toml:15: file[2].sfi: 3F00/0001 has the short identifier too"
    assert mistake(folder) == expected


@pytest.mark.parametrize("base", ["above.toml", "./above.toml", "../{folder}/above.toml"])
def test_a_circle_is_refused(folder: Path, base: str) -> None:
    said = base.format(folder=folder.name)
    (folder / "below.toml").write_text(f'title = "a circle"\nextends = "{said}"\n')
    rule = "extends: the name or the path of another profile, not in a circle"
    assert mistake(folder) == f"below.toml:2: {rule}"


def test_what_is_extended_is_said_as_text(folder: Path) -> None:
    (folder / "above.toml").write_text("extends = 7\n")
    rule = "extends: the name or the path of another profile, not in a circle"
    assert mistake(folder) == f"above.toml:1: {rule}"


def test_what_is_extended_exists(folder: Path) -> None:
    (folder / "above.toml").write_text('extends = "beneath.toml"\n')
    assert mistake(folder).startswith("beneath.toml: no such profile; there are ")
