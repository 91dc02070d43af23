"""The judge is judged: it finds every card with a fault, on the requirement the fault breaks."""

from __future__ import annotations

import pytest

from conformance.cards import open_card
from conformance.mutants import MUTANTS
from conformance.mutants.matrix import judge_all, judge_mutant
from conformance.trouble import UsageError

SHORT = {
    "binary/off-by-one": 5,
    "verify/counter-stands-still": 5,
    "access/read-rule-ignored": 5,
    "line/failures-not-counted": 35,  # fifteen challenges and wrong MACs until the key is blocked
}


@pytest.mark.parametrize("name", MUTANTS)
def test_killed_on_its_requirement(name: str) -> None:
    row = judge_mutant(name, examples=5)
    assert row.killed, row
    assert row.script <= SHORT.get(name, 12)


def test_there_are_enough_of_them() -> None:
    assert len(MUTANTS) >= 240
    assert set(SHORT) <= set(MUTANTS)


def test_rows_come_from_several_processes() -> None:
    names = ["challenge/short", "response/stale"]
    rows = list(judge_all(names, 2, examples=2))
    assert [row.name for row in rows] == names
    assert all(row.killed for row in rows)


def test_a_mutant_card_is_copied_with_its_memories() -> None:
    card = open_card("mutant:verify/success-restores-nothing")
    card.connect()
    wrong = bytes.fromhex("002000010431323335")
    assert card.transmit(wrong) == b"\x63\xc2"
    twin = card.fork()
    assert twin.transmit(wrong) == card.transmit(wrong) == b"\x63\xc1"


def test_an_unknown_mutant_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="binary/off-by-one"):
        open_card("mutant:binary/perfect")
