"""What `simcard issue` and `simcard keys` refuse: told in one line or row, nothing left half."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import pytest
from people import person, write_list

from simcard import cli
from simcard.issuance import custody
from simcard.issuance.batch import IssuedCard, read_rows
from simcard.issuance.contents import misplaced_item
from simcard.issuance.hierarchy import issuer_identifier, national
from simcard.issuance.purposes import purposes
from simcard.issuance.request import CertificateRequest
from simcard.profiles import load_profile

PASSPHRASE = "only for this test"
LONG_NAME = "张" * 16
WITHOUT_EXTENSION = """
extends = "ssc2"
name = "short-names"

[[file]]
path = "3F00/DDF1/EF06"
type = "linear-variable-tlv"
sfi = 6
records = 6
record_size = 32
access = "holder-data"
content.records = [
    "0812333333333333333333333333333333333333",
    "091E000000000000000000000000000000000000000000000000000000000000",
    "0A0131", "0B0101", "0C03330302", "0D0419900307",
]
"""

HOLDER = """
number = "{number}"
name = "{name}"
sex = "1"
birth_place = "330302"
born = {born}
card_number = "S00000001"
region = "330302"
issued = 2026-01-15
valid_until = 2036-01-15
"""


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The keys of one city, 330302, and of nobody else."""
    monkeypatch.setenv("SIMCARD_KEYS_PASSPHRASE", PASSPHRASE)
    city = national(bytes(32), purposes(load_profile("ssc2")))
    for code in ("330000", "330302"):
        city = city.derive(issuer_identifier(code), code)
    custody.save(city, tmp_path / "keys" / "330000-330302.keys", PASSPHRASE, bytes)
    return tmp_path / "keys"


@pytest.fixture
def order(tmp_path: Path, keys: Path) -> tuple[str | Path, ...]:
    """The arguments of `simcard` that order a card for one holder into `c.img`."""
    holder = holder_file(tmp_path)
    output = tmp_path / "c.img"
    return ("issue", "-p", "ssc2", "--holder", holder, "--keys", keys, "-o", output)


def holder_file(directory: Path, **changes: str) -> Path:
    file = directory / "holder.toml"
    good = {"number": person(1)["number"], "name": "张三", "born": person(1)["born"]}
    file.write_text(HOLDER.format_map(good | changes), encoding="utf-8")
    return file


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["simcard", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert isinstance(end.value.code, int)
    return end.value.code


def errors(shelf: Path) -> dict[int, tuple[str, str]]:
    with (shelf / "errors.csv").open(encoding="utf-8") as stream:
        return {int(row["line"]): (row["field"], row["rule"]) for row in csv.DictReader(stream)}


def test_each_row_that_is_no_card_is_told_by_line_and_field(
    tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [
        person(0),
        person(1, region="330102"),
        person(2, region="330000"),
        person(3, region="990000"),
        person(4, issued="2026-02-30"),
        person(5, number="33030219550230001X"),
        person(6, born="1956-03-08"),
        person(7, name="张𠮷"),
        person(8, name="张" * 26),
        person(9),
    ]
    write_list(tmp_path / "people.csv", people)
    shelf = tmp_path / "cards"
    people_file = ("--holders", tmp_path / "people.csv")
    assert ended(monkeypatch, "issue", "-p", "ssc2", *people_file, "--keys", keys, "-o", shelf) == 1
    told = errors(shelf)
    fields = ["region", "region", "region", "issued", "number", "born", "name", "name"]
    assert {line: field for line, (field, _) in told.items()} == dict(enumerate(fields, 3))
    assert "no keys for the region 330102" in told[3][1]
    assert "cards are issued by its cities" in told[4][1]
    assert "no province 99" in told[5][1]
    assert told[9][1].startswith("U+20BB7 is not in GBK")
    assert {file.name for file in shelf.iterdir()} == {
        *("S00000000.img", "S00000009.img", "issued.jsonl", "errors.csv")
    }


def test_a_card_number_of_another_region_is_told_and_no_card_is_overwritten(
    tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = custody.load(keys / "330000-330302.keys", PASSPHRASE)
    custody.save(one, keys / "330000-330102.keys", PASSPHRASE, bytes)
    people, shelf = tmp_path / "people.csv", tmp_path / "cards"
    issue = ("issue", "-p", "ssc2", "--holders", people, "--keys", keys, "-o", shelf)
    elsewhere = person(1, region="330102", card_number="S00000000")
    write_list(people, [person(0), elsewhere])
    assert ended(monkeypatch, *issue) == 1
    assert errors(shelf) == {3: ("card_number", "line 2 has it already")}
    image = (shelf / "S00000000.img").read_bytes()
    write_list(people, [elsewhere, person(2)])
    assert ended(monkeypatch, *issue) == 1
    assert errors(shelf) == {2: ("card_number", "a card of another region has it already")}
    assert (shelf / "S00000000.img").read_bytes() == image
    assert (shelf / "S00000002.img").exists()
    write_list(people, [person(0), person(2)])
    assert ended(monkeypatch, *issue) == 0


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("-p", "ssc3"), "keys of this profile are missing, the first is 3F00/external/00"),
        (("-p", "psam"), "psam: sam_key: no machine loads that"),
        (("-p", "iso7816"), "only cards of the pboc dialect are issued"),
        (("-p", "ssc2", "-o", "{here}/people.csv"), "people.csv: File exists"),
        (("-p", "ssc2", "--holder", "{here}/x.toml"), "say either --holder or --holders"),
        (("-p", "ssc2", "--keys", "{here}"), "there are no key files"),
    ],
)
def test_an_order_as_a_whole_that_cannot_be_is_told_in_one_line(
    arguments: tuple[str, ...],
    rule: str,
    tmp_path: Path,
    keys: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    people = tmp_path / "people.csv"
    write_list(people, [person(0)])
    usual = ("issue", "--holders", people, "--keys", keys, "-o", tmp_path / "cards")
    changes = (each.format(here=tmp_path) for each in arguments)
    assert ended(monkeypatch, *usual, *changes) == 3
    said = capsys.readouterr().err
    assert rule in said
    assert said.count("\n") == 1
    assert not list((tmp_path / "cards").glob("*.img"))


@pytest.mark.parametrize(
    ("changes", "output", "rules"),
    [
        ({"born": "1951-03-08"}, "c.img", ["born: the resident identity number says another date"]),
        ({"number": "3303"}, "c.img", ["number: a resident identity number has 17 digits"]),
        ({"name": "张𠮷"}, "c.img", ["name: U+20BB7 is not in GBK"]),
        ({"number": "1", "name": ""}, "c.img", ["number: a resident", "name: String should"]),
        ({}, "c.csr", ["c.csr: that is the name of the requests"]),
        ({}, "nowhere/c.img", ["nowhere/c.img.part: No such file"]),
    ],
)
def test_a_holder_who_gets_no_card_is_told_why(
    changes: dict[str, str],
    output: str,
    rules: list[str],
    tmp_path: Path,
    order: tuple[str | Path, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    holder_file(tmp_path, **changes)
    assert ended(monkeypatch, *order, "-o", tmp_path / output) == 3
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(rules)
    for line, rule in zip(lines, rules, strict=True):
        assert rule in line, line
    assert {each.name for each in tmp_path.iterdir()} == {"holder.toml", "keys"}


def test_a_card_is_not_issued_over_another(
    tmp_path: Path,
    order: tuple[str | Path, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "c.csr").write_text("of another card")
    assert ended(monkeypatch, *order) == 3
    assert "c.csr: there is something already" in capsys.readouterr().err
    (tmp_path / "c.csr").unlink()
    assert ended(monkeypatch, *order) == 0
    assert ended(monkeypatch, *order) == 3
    assert "c.img: there is something already" in capsys.readouterr().err


def test_keys_are_not_made_when_their_components_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIMCARD_KEYS_PASSPHRASE", PASSPHRASE)
    for components, rule in (("1/3", "at least 2"), ("3", "two numbers, as in 3/5")):
        assert ended(monkeypatch, "keys", "new", tmp_path / "k", "--components", components) == 3
        assert rule in capsys.readouterr().err
    assert not (tmp_path / "k").exists()


def test_a_passphrase_is_asked_for_at_a_terminal_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SIMCARD_KEYS_PASSPHRASE", raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert ended(monkeypatch, "keys", "new", tmp_path / "k") == 3
    assert "set SIMCARD_KEYS_PASSPHRASE" in capsys.readouterr().err


def test_a_long_name_needs_a_record_for_its_rest(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(WITHOUT_EXTENSION)
    people = tmp_path / "people.csv"
    write_list(people, [person(0, name=LONG_NAME), person(1)])
    refused, kept = read_rows(people, load_profile(str(own)))
    assert getattr(refused, "field", None) == "name"
    assert "no record for the rest" in getattr(refused, "rule", "")
    assert getattr(kept, "line", None) == 3
    both = list(read_rows(people, load_profile("ssc2")))
    assert [hasattr(each, "holder") for each in both] == [True, True]


def test_a_profile_with_other_sizes_than_an_order_has_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(WITHOUT_EXTENSION)
    assert misplaced_item(load_profile(str(own)).tables) is None
    own.write_text(WITHOUT_EXTENSION.replace('"0A0131"', '"0A023131"'))
    assert misplaced_item(load_profile(str(own)).tables) == "3F00/DDF1/EF06: item 0A has 1 bytes"


def test_a_card_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    card = IssuedCard(b"image", (CertificateRequest("3F00/DDF1", 0x81, b"\4", b"\x30\0"),))
    (tmp_path / "card.img.part").mkdir()
    with pytest.raises(IsADirectoryError):
        card.write(tmp_path / "card.img")
    assert not list(tmp_path.glob("card.csr*"))
