from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcard.memory import Moment, PowerCut, Tear
from simcard.tearing.point import Failure, TearIdError, TearPoint, failures

FAILURES = st.integers(1, 300).flatmap(lambda writes: st.sampled_from(list(failures(writes))))
POINTS = st.builds(
    TearPoint,
    st.integers(),
    st.integers(0, 10_000),
    st.integers(0, 10_000),
    FAILURES,
    st.none() | FAILURES,
)


@given(POINTS)
def test_the_name_of_a_tear_point_is_the_tear_point(point: TearPoint) -> None:
    assert TearPoint.parse(str(point)) == point


def test_a_name_reads_from_the_seed_to_the_shape_of_the_page() -> None:
    point = TearPoint(
        7,
        12,
        5,
        Failure(2, Moment.DURING, Tear.NEW_OVER_OLD),
        Failure(1, Moment.AFTER),
    )
    assert str(point) == "7/12/5/2/during/new-over-old+1/after"
    assert TearPoint.parse("7/12/5") == TearPoint(7, 12, 5)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "SEED/HISTORY/STEP"),
        ("1/2", "SEED/HISTORY/STEP"),
        ("1/x/3", "SEED/HISTORY/STEP"),
        ("one/2/3", "the seed is a whole number"),
        ("1/2/3/0/before", "a write from 1"),
        ("1/2/3/1/sometimes", "'sometimes'"),
        ("1/2/3/1/during", "the shape of the page"),
        ("1/2/3/1/before/noise", "the shape of the page"),
        ("1/2/3/1/during/torn", "'torn'"),
        ("1/2/3/first/before", "'first'"),
        ("1/2/3+1/after", "a failure to recover from"),
        ("1/2/3/1/after+", "'': "),
    ],
)
def test_another_text_is_refused_with_the_rule(text: str, rule: str) -> None:
    with pytest.raises(TearIdError, match=re.escape(rule)):
        TearPoint.parse(text)


def test_every_write_is_cut_before_and_during_and_the_last_one_after() -> None:
    cuts = list(failures(2))
    assert [each for each in cuts if each.moment is Moment.BEFORE] == [
        Failure(1, Moment.BEFORE),
        Failure(2, Moment.BEFORE),
    ]
    assert {(each.write, each.tear) for each in cuts if each.moment is Moment.DURING} == {
        (write, tear) for write in (1, 2) for tear in Tear
    }
    assert cuts[-1] == Failure(2, Moment.AFTER)
    assert len(cuts) == 11
    assert list(failures(0)) == []


def test_a_point_decides_how_its_torn_page_looks() -> None:
    point = TearPoint(1, 1, 1, Failure(1, Moment.DURING, Tear.NOISE))
    other = point._replace(history=2)

    def page(at: TearPoint) -> bytes:
        assert at.failure is not None
        cut = at.cut(at.failure)
        assert isinstance(cut, PowerCut)
        return cut.page(bytes(64), bytes(64), b"\xff" * 64)

    assert page(point) == page(point)
    assert page(point) != page(other)
