from __future__ import annotations

import pytest

from conformance.verdict import Level, Outcome, Risk, Verdict, combine, conclude

FAIL, DOUBT, PASS = Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS
NOT_RUN, NOT_APPLICABLE = Verdict.NOT_RUN, Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], NOT_RUN),
        ([PASS, FAIL, DOUBT], FAIL),
        ([PASS, DOUBT, NOT_RUN], DOUBT),
        ([NOT_APPLICABLE, PASS, NOT_RUN], PASS),
        ([NOT_APPLICABLE, NOT_RUN], NOT_RUN),
        ([NOT_APPLICABLE], NOT_APPLICABLE),
    ],
)
def test_cases_make_a_requirement(verdicts: list[Verdict], expected: Verdict) -> None:
    assert combine(verdicts) is expected


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        ([(Level.SHALL, PASS), (Level.SHALL, FAIL)], Outcome.NON_CONFORMANT),
        ([(Level.MAY, FAIL)], Outcome.NON_CONFORMANT),
        ([(Level.SHALL, PASS), (Level.SHOULD, FAIL)], Outcome.CONFORMANT),
        ([(Level.SHALL, PASS), (Level.SHOULD, DOUBT)], Outcome.INCONCLUSIVE),
        ([(Level.SHALL, PASS), (Level.SHALL, NOT_RUN)], Outcome.CONFORMANT),
        ([(Level.SHALL, NOT_RUN)], Outcome.INCONCLUSIVE),
        ([], Outcome.INCONCLUSIVE),
    ],
)
def test_requirements_make_an_outcome(
    requirements: list[tuple[Level, Verdict]], expected: Outcome
) -> None:
    assert conclude(requirements) is expected
    assert conclude(requirements, interrupted=True) is Outcome.INTERRUPTED
    assert conclude(requirements, interrupted=True, card_lost=True) is Outcome.CARD_LOST


def test_risks_are_ranked() -> None:
    assert [risk.rank for risk in Risk] == [0, 1, 2, 3]
