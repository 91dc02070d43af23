"""Interviews of cards that answer nonsense: the draft holds together, whatever they say."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from commanding import Command
from interviewing import Watched, drafted, insert, interviewed
from judging import Plastic

from conformance.interview.control import Control, parse_control
from conformance.interview.draft import draft
from conformance.layout import Kind
from conformance.statement import parse_statement

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
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    insert(monkeypatch, Watched(answer))
    file = tmp_path / "draft.toml"
    arguments = ["ics", "new", "--card", "sim:iso7816", "--ask-tries", "--effort", "3000"]
    assert conformance(*arguments, "-o", str(file)).returncode == 0
    assert conformance("ics", "check", str(file)).returncode == 0


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


@pytest.mark.parametrize("content", [b"\x47\x7f", b"\x7f\x66\x02\x02\x03", b""])
def test_a_file_of_nonsense_is_no_obstacle(content: bytes) -> None:
    def nonsense(command: bytes) -> bytes | None:
        if command[:2] == b"\x00\xb0" and command[4:] == b"\x10":
            return content.ljust(16, b"\x80") + b"\x90\x00"
        return None

    assert interviewed(Watched(nonsense)).finished
