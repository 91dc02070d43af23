"""Statements and keys: what contradicts itself is refused by file, key and rule."""

from __future__ import annotations

import os
from importlib.resources import files
from itertools import combinations
from pathlib import Path

import pytest

from conformance.engine import declared_in
from conformance.keys import Keys, load_keys
from conformance.layout import Kind
from conformance.statement import Statement, load_statement, parse_statement, statement_for
from conformance.trouble import UsageError

GOOD = """
schema = 1
[card]
name = "Sample"
atr = "3B00"
[features]
select = ["mf", "path"]
[[reference]]
number = "01"
df = "3F00"
length = 4
tries = 3
[[file]]
path = "3F00"
kind = "df"
[[file]]
path = "3F00/7F10"
kind = "df"
name = "F001"
[[file]]
path = "3F00/7F10/0001"
kind = "transparent"
sfi = 1
size = 16
read = "always"
update = "pin:01"
writable = true
[[file]]
path = "3F00/7F10/0002"
kind = "linear-fixed"
sfi = 2
size = 8
records = 4
read = "always"
"""
KEYS = 'schema = 1\n[pin]\n"01" = "31323334"\n'


def test_a_good_statement_becomes_a_layout() -> None:
    statement = parse_statement(GOOD, "sample.toml")
    layout = statement.layout
    assert [file.path for file in layout.files][-1] == "3F00/7F10/0002"
    (ef,) = layout.elementary(Kind.TRANSPARENT)
    assert ef.update.met(frozenset(layout.references))
    assert not ef.update.met(frozenset())
    assert layout.by_sfi(ef.parent, 1) is ef
    assert layout.follow(layout.master, bytes.fromhex("7F100001")) is ef
    assert layout.by_name(b"\xf0") == (ef.parent,)


@pytest.mark.parametrize(
    ("rule", "enough"),
    [
        ("pin:01 and pin:02", {"01 02", "01 02 03"}),
        ("pin:01 or pin:02", {"01", "02", "01 02", "01 03", "02 03", "01 02 03"}),
        ("pin:01 and pin:02 or pin:03", {"03", "01 02", "01 03", "02 03", "01 02 03"}),
    ],
)
def test_a_rule_is_met_by_all_of_one_of_its_alternatives(rule: str, enough: set[str]) -> None:
    first, rest = GOOD.split("[[file]]", 1)
    table = first[first.index("[[reference]]") :]
    more = "".join(table.replace('"01"', f'"{number}"') for number in ("02", "03"))
    text = f"{first}{more}[[file]]{rest}".replace('"pin:01"', f'"{rule}"')
    layout = parse_statement(text, "sample.toml").layout
    (ef,) = layout.elementary(Kind.TRANSPARENT)
    groups = [
        frozenset(chosen) for size in range(4) for chosen in combinations(layout.references, size)
    ]
    met = {" ".join(sorted(one.name for one in group)) for group in groups if ef.update.met(group)}
    assert met == enough


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("7F10/0002", "7F10/0001", "file.3.: the same file identifier under one DF"),
        ("sfi = 2", "sfi = 1", "file.3.: the same short EF identifier under one DF"),
        ("3F00/7F10/0002", "3F00/7F20/0002", "file.3..path: .* under a DF that is not declared"),
        ("tries = 3", "tries = 3\nfloor = 4", "reference.0..floor: 4 is more than the 3 tries"),
        ("tries = 3", "tries = 3\nfloor = 0", "reference.0.floor"),
        ("tries = 3", "tries = 16", "reference.0.tries"),
        ('number = "01"', 'number = "81"', "reference.0..number: bit 8"),
        ('df = "3F00"', 'df = "3F00/7F99"', "reference.0..df: 3F00/7F99 is not declared"),
        ("pin:01", "pin:07", "file.2..update: 'pin:07' is not always, never, pin:NAME or key:NAME"),
        ("pin:01", "sometimes", "file.2..update"),
        ('"pin:01"', '"never"', "file.2..writable: what is never read or updated"),
        ("size = 16\n", "", "file.2..size: a transparent EF needs its size"),
        ("records = 4\n", "", "file.3..records"),
        ('kind = "df"\nname', 'kind = "df"\nsize = 4\nname', "file.1.: a DF has no size"),
        ("sfi = 1\n", 'sfi = 1\nname = "AA"\n', "file.2..name: only a DF has a name"),
        ('path = "3F00"\n', 'path = "3F01"\n', "file.0.path"),
        ('atr = "3B00"', 'atr = "3B0"', "card.atr"),
        ("[features]", "[features]\ncolour = true", "features.colour: Extra inputs"),
        ('"mf", "path"', '"mf", "telepathy"', "features.select"),
        ("schema = 1", "schema = ", "not valid TOML"),
    ],
)
def test_a_contradiction_is_refused_by_file_key_and_rule(old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(UsageError, match=f"sample.toml: .*{told}"):
        parse_statement(GOOD.replace(old, new, 1), "sample.toml")


def test_the_master_file_comes_first() -> None:
    head, _, _ = GOOD.partition("[[file]]")
    with pytest.raises(UsageError, match=r"file.0.: the first file is the MF"):
        parse_statement(head + '[[file]]\npath = "3F00/0001"\nkind = "df"\n', "sample.toml")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.toml: cannot be read"):
        load_statement(tmp_path / "nowhere.toml")


def test_an_unknown_card_needs_a_statement() -> None:
    with pytest.raises(UsageError, match="3B021450: pass --ics"):
        statement_for(bytes.fromhex("3B021450"))


def test_the_shipped_statements_have_their_keys() -> None:
    room = files("conformance") / "statements"
    for entry in room.iterdir():
        if entry.name.endswith(".toml") and not entry.name.endswith(".keys.toml"):
            statement = parse_statement(entry.read_text("utf-8"), entry.name)
            text = (room / entry.name.replace(".toml", ".keys.toml")).read_text("utf-8")
            keys = load_keys(statement.layout, text, entry.name)
            assert keys.values or keys.secrets


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schema = 1\n", r"keys.toml: pin.01: the value is missing"),
        (KEYS.replace("31323334", "3132"), "pin.01: the statement declares 4 bytes"),
        (KEYS.replace("31323334", "xyz"), "pin.01"),
        (KEYS + '"07" = "00"\n', "pin.07: the statement declares no such reference"),
        (KEYS + "[more]\n", "more: Extra inputs"),
    ],
)
def test_wrong_keys_are_refused(text: str, told: str) -> None:
    layout = parse_statement(GOOD, "sample.toml").layout
    with pytest.raises(UsageError, match=told):
        load_keys(layout, text, "keys.toml")


def test_a_value_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    layout = parse_statement(GOOD, "sample.toml").layout
    monkeypatch.setenv("CONFORMANCE_PIN_01", "39393939")
    keys = load_keys(layout, None, "keys")
    assert keys.right(layout.references[0]) == b"9999"
    assert "9999" not in repr(keys)
    assert "3939" not in repr(keys)
    monkeypatch.setenv("CONFORMANCE_PIN_01", "nonsense")
    with pytest.raises(UsageError, match=r"pin.01: the value is not hexadecimal"):
        load_keys(layout, None, "keys")


def test_a_key_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    text = GOOD + '\n[messaging]\nbac = "Document-7.access"\n'
    statement = parse_statement(text, "sample.toml")
    monkeypatch.setenv("CONFORMANCE_PIN_01", "31323334")
    monkeypatch.setenv("CONFORMANCE_KEY_DOCUMENT_7_ACCESS", "00FF" * 8)
    monkeypatch.setenv("CONFORMANCE_KEY_UNRELATED", "no key of this card")
    keys = load_keys(statement.layout, None, "keys", statement.declared)
    assert keys.secrets == {"Document-7.access": bytes.fromhex("00FF" * 8)}
    monkeypatch.setenv("CONFORMANCE_KEY_DOCUMENT_7_ACCESS", "7")
    with pytest.raises(UsageError, match=r"^CONFORMANCE_KEY_DOCUMENT_7_ACCESS: .* hexadecimal$"):
        load_keys(statement.layout, None, "keys", statement.declared)


@pytest.mark.skipif(os.name != "posix", reason="only POSIX systems have these modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_keys_that_others_may_read_are_refused(mode: int, tmp_path: Path) -> None:
    statement, keys = tmp_path / "card.toml", tmp_path / "card.keys.toml"
    statement.write_text(GOOD)
    keys.write_text(KEYS)
    keys.chmod(mode)
    for named in (None, str(keys)):
        with pytest.raises(UsageError, match=rf"card.keys.toml: others may read .*{mode:o}.*600"):
            declared_in(statement, named)
    keys.chmod(0o600)
    assert declared_in(statement, None)[1].values == {"01": b"1234"}


def test_the_published_test_values_may_be_read_by_everybody() -> None:
    room = Path(str(files("conformance"))) / "statements"
    assert declared_in(room / "iso7816.toml", str(room / "iso7816.keys.toml"))[1].values


def test_a_withheld_value_is_allowed_when_the_statement_says_so() -> None:
    text = GOOD.replace("tries = 3", "tries = 3\nknown = false")
    layout = parse_statement(text, "sample.toml").layout
    assert load_keys(layout, None, "keys").right(layout.references[0]) is None


@pytest.mark.parametrize(
    ("command", "redacted"),
    [
        ("0020000104 31323334", "0020000104{pin:01}"),
        ("0020000104 31323335", "0020000104{wrong:01}"),
        ("0020000104 30323334", "0020000104{other:01}"),
        ("0020000103 313233", "0020000103{short:01}"),
        ("0020000105 3132333430", "0020000105{long:01}"),
        ("0020008106 313233343536 00", "0020008106{pin:81}00"),
        ("0020000104 99999999", "0020000104{withheld:4}"),
        ("002400010801020304 05060708", "0024000108{withheld:8}"),
        ("00200001", "00200001"),
        ("0020000100", "0020000100"),
        ("0020000109 3132", "0020000109{withheld:2}"),
        ("00D6000004 31323334", "00D600000431323334"),
        ("", ""),
    ],
)
def test_secrets_are_replaced_by_their_slots(keys: Keys, command: str, redacted: str) -> None:
    assert keys.redacted(bytes.fromhex(command)) == redacted
    if "withheld" in redacted:
        with pytest.raises(UsageError, match="withheld"):
            keys.expanded(redacted)
    else:
        assert keys.expanded(redacted) == bytes.fromhex(command)


@pytest.mark.parametrize("text", ["00{pin:99}", "00{guess:01}", "0x00"])
def test_a_script_with_unknown_slots_is_refused(keys: Keys, text: str) -> None:
    with pytest.raises(UsageError):
        keys.expanded(text)


def test_the_shipped_statement_describes_the_tree(statement: Statement) -> None:
    assert len(statement.layout.references_at(statement.layout.master, 0x01)) == 1
    inner = statement.layout.by_path("3F00/7F10/5F11")
    assert inner in tuple(statement.layout.dedicated())
