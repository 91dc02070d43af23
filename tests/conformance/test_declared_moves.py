"""Generated histories send what a card declares; what it does with the rest is its own affair."""

from __future__ import annotations

from dataclasses import replace

import pytest
from judging import declared

from conformance.layout import Kind
from conformance.statement import FeatureTable
from conformance.strategies import further


@pytest.mark.parametrize("moves", [further.RECORDS, further.PARTS, further.OBJECTS])
def test_every_move_names_features_that_there_are(moves: dict[str, object]) -> None:
    for move in moves:
        assert set(further.NEEDS.get(move, (move,))) <= FeatureTable.model_fields.keys()


@pytest.mark.parametrize(
    ("feature", "gone"),
    [
        ("search_record", {"search_record"}),
        ("append_record", {"append", "append_more"}),
        ("record_parts", {"read_part", "update_part"}),
        ("challenge_any_length", set()),
    ],
)
def test_a_command_that_is_not_declared_is_not_sent(feature: str, gone: set[str]) -> None:
    statement, _ = declared()
    features = statement.features.model_copy(update={feature: False})
    kinds = (Kind.LINEAR_FIXED, Kind.CYCLIC)
    every = further.work(statement, *kinds).keys()
    left = further.work(replace(statement, features=features), *kinds).keys()
    assert every - left == gone
