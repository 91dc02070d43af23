"""The script notation: what a line may be, and the message for what it may not."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcard.script import Action, ScriptError, Step, parse_script

APDU = bytes.fromhex("00A40000023F00")


def steps(text: str) -> list[Step]:
    return parse_script(text.splitlines(), "here.apdu")


def test_a_script_is_a_row_of_steps() -> None:
    assert steps(
        """
        # a comment, and a blank line

        > 00 A4 00 00 02 3F 00   SELECT the MF
        < 90 00                  expected: it is there
        00A40000023F00
        reset
        POWER
        """
    ) == [
        Step(4, Action.COMMAND, APDU, bytes.fromhex("9000")),
        Step(6, Action.COMMAND, APDU),
        Step(7, Action.RESET),
        Step(8, Action.POWER),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "> 00A40000023F00",
        ">00A40000023F00",
        "> 00a40000023f00",
        "> 00A4 0000 02 3F00",
        "> 00A40000023F00  a comment two spaces apart",
        "> 00A40000023F00  ABBA: one that starts like bytes",
        "> 00A40000023F00\tafter a tab",
        "  00A40000023F00  ",
    ],
)
def test_ways_to_write_one_command(line: str) -> None:
    assert [step.apdu for step in steps(line)] == [APDU]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT", "here.apdu:1: .*'SELECT' is not pairs of hexadecimal digits"),
        ("\n\n> 00A4000", "here.apdu:3: .*is not pairs of hexadecimal digits"),
        ("> 00A40000G0", "here.apdu:1: .*is not pairs of hexadecimal digits"),
        (">", "here.apdu:1: .*is not pairs of hexadecimal digits"),
        ("> 00A400", "here.apdu:1: .*at least the four bytes"),
        ("< 9000", "here.apdu:1: .*behind the command it answers"),
        ("reset\n< 9000", "here.apdu:2: .*behind the command it answers"),
        ("> 00A40000\n< 9000\n< 9000", "here.apdu:3: .*behind the command it answers"),
        ("> 00A40000\n< 90", "here.apdu:2: .*two bytes SW1 SW2"),
        ("> 00A40000\n<", "here.apdu:2: .*is not pairs of hexadecimal digits"),
        ("resets", "here.apdu:1: "),
    ],
)
def test_a_line_that_says_nothing_is_named(text: str, message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        steps(text)


@given(st.lists(st.tuples(st.binary(min_size=4, max_size=40), st.binary(min_size=2, max_size=20))))
def test_what_is_written_is_read(exchanges: list[tuple[bytes, bytes]]) -> None:
    text = "\n".join(f"> {sent.hex(' ')}\n< {came.hex()}" for sent, came in exchanges)
    assert [(step.apdu, step.expected) for step in steps(text)] == exchanges


@given(st.text(max_size=30))
def test_any_text_is_a_script_or_an_error(text: str) -> None:
    with contextlib.suppress(ScriptError):
        assert all(step.action is not Action.COMMAND or step.apdu for step in steps(text))
