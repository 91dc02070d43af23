"""`conformance ics new`: drafts that can be used at once, from cards that keep what they hold."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from judging import Plastic

from conformance import ics_cli
from conformance.apdu import CommandAPDU
from conformance.cards import CardUnderTest, open_card
from conformance.cli import main
from conformance.engine import Request, declared_in, execute, prepare
from conformance.interview import Interview, Scope
from conformance.interview.candidates import load_candidates
from conformance.interview.control import Control, parse_control
from conformance.interview.draft import draft
from conformance.interview.findings import Findings
from conformance.layout import Kind
from conformance.statement import Statement, parse_statement
from conformance.trouble import CardLost
from conformance.verdict import Outcome, Verdict
from simcard.profiles import profile_names

USAGE, LOST, INTERRUPTED = 3, 4, 2
SELECT, VERIFY = 0xA4, 0x20
ASKING = {SELECT, 0xB0, 0xB2, 0xC0, 0xCA, 0x84, 0x70}
"""SELECT, READ, GET RESPONSE, GET DATA, GET CHALLENGE, MANAGE CHANNEL."""
Command = Callable[..., int]


@pytest.fixture
def conformance(monkeypatch: pytest.MonkeyPatch) -> Command:
    """Calls the command line in this process; the exit code."""

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["conformance", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(str(ended.value.code))

    return run


@pytest.fixture
def insert(monkeypatch: pytest.MonkeyPatch) -> Callable[[CardUnderTest], None]:
    """Puts a card where the command line finds it, whatever --card says."""

    def put(card: CardUnderTest) -> None:
        monkeypatch.setattr(ics_cli, "_open", lambda _spec, _seconds: card)

    return put


class Watched(Plastic):
    """Remembers what it was asked, and may answer in a way of its own."""

    def __init__(self, answer: Callable[[bytes], bytes | None] = lambda _command: None) -> None:
        super().__init__()
        self.commands: list[CommandAPDU] = []
        self._answer = answer

    def transmit(self, command: bytes) -> bytes:
        self.commands.append(CommandAPDU.decode(command))
        answer = self._answer(command)
        return super().transmit(command) if answer is None else answer


def interviewed(card: CardUnderTest, *, effort: int = 20_000, ask_tries: bool = False) -> Findings:
    scope = Scope(load_candidates(), effort, ask_tries)
    interview = Interview(card, card.connect(), scope, lambda *_: None, time.perf_counter)
    return interview.run()


def drafted(findings: Findings) -> Statement:
    return parse_statement(draft(findings, "a card", "a.keys.toml"), "draft")


@pytest.mark.parametrize("profile", profile_names())
def test_a_draft_is_used_at_once_and_the_card_conforms_to_it(
    profile: str, conformance: Command, tmp_path: Path
) -> None:
    file = tmp_path / "draft.toml"
    card = ["--card", f"sim:{profile}"]
    assert conformance("ics", "new", *card, "-o", str(file), "--ask-tries") == 0
    assert conformance("ics", "check", str(file)) == 0
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


@pytest.mark.parametrize("content", [b"\x47\x7f", b"\x7f\x66\x02\x02\x03", b""])
def test_a_file_of_nonsense_is_no_obstacle(content: bytes) -> None:
    def nonsense(command: bytes) -> bytes | None:
        if command[:2] == b"\x00\xb0" and command[4:] == b"\x10":
            return content.ljust(16, b"\x80") + b"\x90\x00"
        return None

    assert interviewed(Watched(nonsense)).finished


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
    conformance: Command, insert: Callable[[CardUnderTest], None], tmp_path: Path
) -> None:
    def interrupt(count: int) -> None:
        if count == 900:
            raise KeyboardInterrupt

    insert(Plastic(interrupt))
    file = tmp_path / "draft.toml"
    assert conformance("ics", "new", "--card", "sim:iso7816", "-o", str(file)) == INTERRUPTED
    assert "NOT finished" in file.read_text("utf-8")
    statement, _ = declared_in(file, None)
    assert 1 < len(statement.layout.files) < 18


def test_a_card_that_is_pulled_leaves_what_was_found(
    conformance: Command, insert: Callable[[CardUnderTest], None], tmp_path: Path
) -> None:
    def pull(count: int) -> None:
        if count >= 900:
            raise CardLost("it was pulled")

    insert(Plastic(pull))
    file = tmp_path / "draft.toml"
    assert conformance("ics", "new", "--card", "sim:iso7816", "-o", str(file)) == LOST
    assert "it was pulled" in file.read_text("utf-8")
    assert len(declared_in(file, None)[0].layout.files) > 1


def test_a_file_that_is_there_is_not_written_over(
    conformance: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("mine")
    arguments = ["ics", "new", "--card", "sim:psam", "-o", str(file)]
    assert conformance(*arguments) == USAGE
    assert "--force" in capsys.readouterr().err
    assert file.read_text() == "mine"
    assert conformance(*arguments, "--force") == 0
    assert conformance("ics", "check", str(file)) == 0


def test_without_a_file_the_draft_goes_to_standard_output(
    conformance: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert conformance("ics", "new", "--card", "sim:psam") == 0
    output = capsys.readouterr()
    assert parse_statement(output.out, "draft").card.risk == "observe"
    assert not output.err


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
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    named: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_text('schema = 1\n[[range]]\nfirst = "x"\nlast = "0002"\n')
    Path("upside-down.toml").write_text('schema = 1\n[[range]]\nfirst = "0003"\nlast = "0002"\n')
    assert conformance("ics", "new", "--card", "sim:psam", *arguments) == USAGE
    error = capsys.readouterr().err
    assert named in error
    assert error.count("\n") == 1


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


CHANCE = random.Random(5)
NONSENSE: dict[str, Callable[[bytes], bytes]] = {
    "silence": lambda _command: b"",
    "one byte": lambda _command: b"\x90",
    "always yes": lambda _command: b"\x90\x00",
    "always a byte": lambda _command: b"\x01\x90\x00",
    "always 6F00": lambda _command: b"\x6f\x00",
    "always more": lambda _command: b"\x61\x10",
    "always another length": lambda _command: b"\x6c\x05",
    "always tries": lambda _command: b"\x63\xc5",
    "too long": lambda _command: bytes(70_000) + b"\x90\x00",
    "garbage": lambda _command: CHANCE.randbytes(CHANCE.randrange(12)),
    "yes and no": lambda _command: CHANCE.choice((b"\x90\x00", b"\x6a\x82")),
    "templates": lambda _command: (
        b"\x62\x0c\x82\x01"
        + CHANCE.choice((b"\x01", b"\x38", b"\x02", b"\x39"))
        + b"\x84\x02"
        + CHANCE.randbytes(2)
        + b"\x88\x01\x08\x80\x00"
        + CHANCE.choice((b"\x90\x00", b"\x6a\x82"))
    ),
    "echo": lambda command: command + b"\x90\x00",
    "no such control": lambda _command: b"\x6f\xff\x90\x00",
}


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
def test_whatever_a_card_answers_the_draft_holds_together(
    answer: Callable[[bytes], bytes],
    conformance: Command,
    insert: Callable[..., None],
    tmp_path: Path,
) -> None:
    insert(Watched(answer))
    file = tmp_path / "draft.toml"
    arguments = ["ics", "new", "--card", "sim:iso7816", "--ask-tries", "--effort", "3000"]
    assert conformance(*arguments, "-o", str(file)) == 0
    assert conformance("ics", "check", str(file)) == 0


@pytest.mark.parametrize("atr", ["00", "3B", "3BFF", "3F" + "FF" * 32, "3B02" + "0000", "3B8080"])
def test_an_atr_that_is_none_is_told(atr: str) -> None:
    class Odd(Plastic):
        def connect(self) -> bytes:
            super().connect()
            return bytes.fromhex(atr)

    findings = interviewed(Odd(), effort=50)
    assert drafted(findings).card.atr == atr
    assert any(line.startswith("ATR") for line in findings.remarks)


def test_what_a_card_calls_itself_cannot_break_the_draft() -> None:
    findings = interviewed(Watched(), effort=50)
    findings.remarks.append('a "quoted"\nlabel\x00\x1b[31m')
    text = draft(findings, 'pcsc:My "Reader"\\ 00\n', "keys")
    assert parse_statement(text, "draft").card.name == 'pcsc:My "Reader"\\ 00?'
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("said", "control"),
    [
        ("", Control()),
        ("6200", Control()),
        ("62", Control()),
        ("6F02820F", Control()),
        ("620B8002010082010183022F01", Control(0x2F01, b"", Kind.TRANSPARENT, 256, 0, None)),
        ("6F0D6F0B8002010082010183022F01", Control(0x2F01, b"", Kind.TRANSPARENT, 256, 0, None)),
        ("620B820502410010088801108301FF", Control()),
        ("620A82050241001008880110", Control(None, b"", Kind.LINEAR_FIXED, 16, 8, 2)),
        ("620B8206024100100008880110", Control(None, b"", Kind.LINEAR_FIXED, 16, 8, 2)),
        ("620682013883022F", Control()),
        ("620D8201388302DDF184047378312E", Control(0xDDF1, b"sx1.", Kind.DF, 0, 0, None)),
        ("620382018F", Control()),
        ("6208820101830200058800", Control()),
        ("6209820101830200058800", Control(5, b"", Kind.TRANSPARENT, 0, 0, 5)),
    ],
)
def test_control_parameters_are_read_as_far_as_they_make_sense(said: str, control: Control) -> None:
    assert parse_control(bytes.fromhex(said)) == control
