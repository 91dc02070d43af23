"""The table of status words and the card's own names for them agree."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from vector_files import ROOM

from simcard.status import PBOC, SW, StatusWord

WORDS: list[dict[str, str]] = tomllib.loads((ROOM / "status_words.toml").read_text("utf-8"))[
    "words"
]


def _named(holder: Any) -> list[StatusWord]:
    return [value for value in vars(holder).values() if isinstance(value, StatusWord)]


def _row(value: int) -> dict[str, str] | None:
    """The row for a status word: the exact one, or one whose X stands for its digits."""
    digits = f"{value:04X}"
    rows = (
        row
        for row in sorted(WORDS, key=lambda row: row["sw"].count("X"))
        if all(a in ("X", b) for a, b in zip(row["sw"], digits, strict=True))
    )
    return next(rows, None)


def test_every_word_stands_once() -> None:
    assert len({row["sw"] for row in WORDS}) == len(WORDS)


@pytest.mark.parametrize("word", _named(SW) + _named(PBOC), ids=str)
def test_a_word_of_the_card_is_in_the_table(word: StatusWord) -> None:
    row = _row(word.value)
    assert row is not None
    if word.value < 0x9100:
        assert word.memory_may_have_changed == (row["memory"] == "may have changed")


@pytest.mark.parametrize("row", WORDS, ids=lambda row: row["sw"])
def test_the_kind_follows_sw1(row: dict[str, str]) -> None:
    kinds = {"90": "success", "61": "success", "62": "warning", "63": "warning"}
    kinds |= dict.fromkeys(("64", "65", "66"), "execution error")
    assert row["kind"] == kinds.get(row["sw"][:2], "checking error")
