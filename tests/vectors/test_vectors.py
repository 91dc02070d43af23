"""Every published answer, recomputed by the card and by the judge."""

from __future__ import annotations

import pytest
from sides import CARD, JUDGE
from vector_files import Entry, all_entries, assert_agrees

from conformance import vectors

ENTRIES = all_entries()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_card(entry: Entry) -> None:
    assert_agrees(CARD[entry.op], entry.inputs, entry.expected)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_judge(entry: Entry) -> None:
    assert_agrees(JUDGE[entry.op], entry.inputs, entry.expected)


def test_both_sides_know_the_same_operations_and_no_others() -> None:
    assert set(CARD) == set(JUDGE) == {entry.op for entry in ENTRIES}


def test_no_check_is_shared_between_the_sides() -> None:
    for op, check in CARD.items():
        assert check.__module__.startswith("card_"), op
        assert JUDGE[op].__module__.startswith("judge_"), op


def test_the_judge_loads_the_same_entries() -> None:
    loaded = [
        (vector.name, vector.op, vector.inputs, vector.expected)
        for family in vectors.families()
        for vector in vectors.family(family)
    ]
    assert loaded == [(e.name, e.op, e.inputs, e.expected) for e in ENTRIES]


def test_ids_are_unique_in_a_family() -> None:
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)
