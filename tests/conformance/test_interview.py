"""`conformance ics new`: drafts that can be used at once, from cards that keep what they hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from commanding import Command
from interviewing import Watched, drafted, insert, interviewed
from judging import Plastic

from conformance import ics_cli
from conformance.cards import open_card
from conformance.engine import Request, declared_in, execute, prepare
from conformance.interview.candidates import load_candidates
from conformance.interview.draft import draft
from conformance.layout import Kind
from conformance.statement import parse_statement
from conformance.trouble import CardLost
from conformance.verdict import Outcome, Verdict
from simcard.profiles import profile_names

USAGE, LOST, INTERRUPTED = 3, 4, 2
SELECT, VERIFY = 0xA4, 0x20
ASKING = {SELECT, 0xB0, 0xB2, 0xC0, 0xCA, 0x84, 0x70}
"""SELECT, READ, GET RESPONSE, GET DATA, GET CHALLENGE, MANAGE CHANNEL."""


@pytest.mark.parametrize("profile", profile_names())
def test_a_draft_is_used_at_once_and_the_card_conforms_to_it(
    profile: str, conformance: Command, tmp_path: Path
) -> None:
    file = tmp_path / "draft.toml"
    card = ["--card", f"sim:{profile}"]
    assert conformance("ics", "new", *card, "-o", str(file), "--ask-tries").returncode == 0
    assert conformance("ics", "check", str(file)).returncode == 0
    request = Request(f"sim:{profile}", ics=str(file), risk="observe", examples=10)
    result = execute(prepare(request))
    failed = [(case.id, case.reason) for case in result.cases if case.verdict is Verdict.FAIL]
    assert not failed
    assert result.run.outcome is Outcome.CONFORMANT
    passed = [one for one in result.requirements if one.verdict is Verdict.PASS]
    assert len(passed) > 55


@pytest.mark.parametrize("profile", profile_names())
def test_a_draft_finds_every_file_of_the_shipped_statement(profile: str, tmp_path: Path) -> None:
    room = Path(ics_cli.__file__).parent / "statements"
    shipped, _ = declared_in(room / f"{profile}.toml", None)
    file = tmp_path / "draft.toml"
    ics_cli.new(f"sim:{profile}", file)
    found = {one.path: one for one in declared_in(file, None)[0].layout.files}
    for one in shipped.layout.files:
        assert one.path in found
        mine = found[one.path]
        for fact in ("kind", "sfi", "size", "records", "name"):
            if not (fact in {"size", "records"} and getattr(one, "items", ())):
                assert getattr(mine, fact, None) == getattr(one, fact, None), (one.path, fact)


@pytest.mark.parametrize("ask_tries", [False, True])
def test_nothing_but_questions_is_sent(ask_tries: bool) -> None:
    card = Watched()
    findings = interviewed(card, ask_tries=ask_tries)
    assert findings.finished
    asked = {command.ins for command in card.commands}
    assert asked - {VERIFY} == ASKING - {0xC0}
    assert (VERIFY in asked) == ask_tries
    assert not [one for one in card.commands if one.ins == VERIFY and one.data]
    opened = [one for one in card.commands if one.ins == 0x70 and one.p1 == 0x00]
    closed = [one for one in card.commands if one.ins == 0x70 and one.p1 == 0x80]
    assert len(opened) == len(closed) == 3
    assert {one.number: one.tries for one in findings.references} == (
        {0x01: 3, 0x02: 10, 0x81: 3} if ask_tries else {}
    )


def test_capabilities_may_stand_in_a_file_instead() -> None:
    content = bytes.fromhex("4703FF0182FFFF")

    def elsewhere(command: bytes) -> bytes | None:
        if command[:2] == b"\x00\xb0" and command[4:] == b"\x10":
            return content.ljust(16, b"\xff") + b"\x90\x00"
        return None

    class Silent(Watched):
        def connect(self) -> bytes:
            super().connect()
            return bytes.fromhex("3B00")

    features = interviewed(Silent(elsewhere)).features
    assert features["command_chaining"].comment == "declared: card capabilities in EF.ATR/INFO"
    assert "channels" in features


def test_a_card_of_a_scheme_is_told_which_statement_to_look_at() -> None:
    text = draft(interviewed(open_card("sim:ssc3"), ask_tries=True), "a card", "a.keys.toml")
    assert "ssc3.toml ships as a statement of one" in text
    assert '# number = "00"' in text
    assert "only a card with a [pboc] table has such a one" in text


def test_each_line_says_where_it_comes_from() -> None:
    text = draft(interviewed(Watched(), ask_tries=True), "a card", "a.keys.toml")
    body = [line for line in text.splitlines() if " = " in line and not line.startswith("#")]
    told = ("observed", "declared", "assumed", "found by", "none of them", "true when", "the mast")
    untold = [line for line in body if not any(word in line for word in told)]
    plain = {"schema", "name", "kind"}
    assert {line.partition(" ")[0] for line in untold} <= plain
    assert "T=1, IFSC 254" in text
    assert "8031F873F7C1FB" in text
    assert "EF.ATR/INFO: commands of up to " in text
    assert "a.keys.toml" in text
    assert "SELECT: " in text
    assert "writable = true\n" not in text


def test_a_card_without_control_information_is_measured() -> None:
    def bare(command: bytes) -> bytes | None:
        return b"\x6a\x86" if command[1] == SELECT and command[3] & 0x0C != 0x0C else None

    statement = drafted(interviewed(Watched(bare)))
    files = {file.path: file for file in statement.layout.elementary()}
    sizes = {"3F00/2F01": 16, "3F00/7F10/0001": 256, "3F00/7F10/0006": 2048}
    assert {path: files[path].size for path in sizes} == sizes
    fixed = files["3F00/7F10/0002"]
    assert (fixed.kind, fixed.records, fixed.size) == (Kind.LINEAR_FIXED, 8, 16)
    assert statement.features.answers == ("none",)
    assert "name" not in statement.features.select or statement.layout.by_name(b"\xf0")


def test_an_interview_that_is_interrupted_leaves_what_it_found(
    conformance: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupt(count: int) -> None:
        if count == 900:
            raise KeyboardInterrupt

    insert(monkeypatch, Plastic(interrupt))
    file = tmp_path / "draft.toml"
    assert (
        conformance("ics", "new", "--card", "sim:iso7816", "-o", str(file)).returncode
        == INTERRUPTED
    )
    assert "NOT finished" in file.read_text("utf-8")
    statement, _ = declared_in(file, None)
    assert 1 < len(statement.layout.files) < 18


def test_a_card_that_is_pulled_leaves_what_was_found(
    conformance: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def pull(count: int) -> None:
        if count >= 900:
            raise CardLost("it was pulled")

    insert(monkeypatch, Plastic(pull))
    file = tmp_path / "draft.toml"
    assert conformance("ics", "new", "--card", "sim:iso7816", "-o", str(file)).returncode == LOST
    assert "it was pulled" in file.read_text("utf-8")
    assert len(declared_in(file, None)[0].layout.files) > 1


def test_a_file_that_is_there_is_not_written_over(conformance: Command, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("mine")
    arguments = ["ics", "new", "--card", "sim:psam", "-o", str(file)]
    refused = conformance(*arguments)
    assert refused.returncode == USAGE
    assert "--force" in refused.stderr
    assert file.read_text() == "mine"
    assert conformance(*arguments, "--force").returncode == 0
    assert conformance("ics", "check", str(file)).returncode == 0


def test_without_a_file_the_draft_goes_to_standard_output(
    conformance: Command,
) -> None:
    new = conformance("ics", "new", "--card", "sim:psam")
    assert new.returncode == 0
    assert parse_statement(new.stdout, "draft").card.risk == "observe"
    assert not new.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["-o", "no/such/folder/draft.toml"], "no such folder"),
        (["--candidates", "none.toml"], "none.toml: cannot be read"),
        (["--candidates", "bad.toml"], "range.0.first"),
        (["--candidates", "upside-down.toml"], "range[0]: last is before first"),
        (["--effort", "0"], "effort"),
    ],
)
def test_bad_options_are_one_line(
    conformance: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    named: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_text('schema = 1\n[[range]]\nfirst = "x"\nlast = "0002"\n')
    Path("upside-down.toml").write_text('schema = 1\n[[range]]\nfirst = "0003"\nlast = "0002"\n')
    refused = conformance("ics", "new", "--card", "sim:psam", *arguments)
    assert refused.returncode == USAGE
    assert named in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_candidates_of_ones_own_are_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "more.toml"
    file.write_text('schema = 1\n[[range]]\nfirst = "6E01"\nlast = "6E01"\n')
    candidates = load_candidates(file)
    assert candidates.identifiers(master=False)[0] == 0x6E01
    assert candidates.name == load_candidates().name


def test_the_effort_is_bounded_and_the_draft_says_so() -> None:
    card = Watched()
    findings = interviewed(card, effort=100)
    assert len(card.commands) == 100
    assert "100 questions were asked" in draft(findings, "a card", "keys")
    assert len(drafted(findings).layout.files) == len(findings.files) < 5


def test_searching_leaves_room_for_the_other_questions() -> None:
    findings = interviewed(Watched(), effort=800)
    assert findings.finished
    assert any("The search for files ended below 3F00" in line for line in findings.remarks)
    statement = drafted(findings)
    assert statement.features.challenge_length == 8
    assert "path" in statement.features.select


def test_a_card_that_takes_questions_for_guesses_is_asked_once() -> None:
    def counting(command: bytes) -> bytes | None:
        return b"\x63\x00" if command[1] == VERIFY else None

    card = Watched(counting)
    findings = interviewed(card, ask_tries=True)
    assert [one.ins for one in card.commands].count(VERIFY) == 1
    assert "wrong guess" in draft(findings, "a card", "keys")


def test_a_command_that_silences_the_card_is_not_sent_again() -> None:
    def deadly(command: bytes) -> bytes | None:
        return b"" if command[1] == SELECT and command[3] == 0x04 else None

    card = Watched(deadly)
    findings = interviewed(card)
    killers = [one for one in card.commands if one.ins == SELECT and one.p2 == 0x04]
    assert len(killers) == 1
    assert "fcp" not in drafted(findings).features.answers
    assert "was not answered properly" in draft(findings, "a card", "keys")
