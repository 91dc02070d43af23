"""A run with a budget ends in time, on a card that takes 50 ms for each answer too."""

from __future__ import annotations

from itertools import pairwise

import pytest
from judging import Plastic, judge_with

from conformance.budget import by_coverage, seconds_of
from conformance.cards import open_card
from conformance.case import Case
from conformance.engine import execute
from conformance.judge import Judge
from conformance.model import Model
from conformance.result import Result
from conformance.returning import Report
from conformance.trial import BUDGET, NOT_TRIED_AGAIN
from conformance.trouble import UsageError
from conformance.undo import take_stock
from conformance.verdict import Risk, Verdict

LATENCY = 0.05


class Slow(Plastic):
    """A card that lets the clock of its bench go on by 50 ms for each command and each reset."""

    def __init__(self, spec: str = "sim:iso7816") -> None:
        super().__init__(self._wait)
        self.inner = open_card(spec)
        self.now = 0.0
        self.resets = 0

    def _wait(self, _count: int = 0) -> None:
        self.now += LATENCY

    def reset(self) -> bytes:
        self.resets += 1
        self._wait()
        return super().reset()


def judge_of(card: Slow, budget: float, risk: Risk = Risk.RESTORE, examples: int = 100) -> Judge:
    judge = judge_with(card, risk, examples)
    judge.bench.clock = lambda: card.now
    judge.bench.deadline = budget
    return judge


def passed(result: Result) -> int:
    return sum(one.verdict is Verdict.PASS for one in result.requirements)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("0.5M", 30), (" 2h ", 7200)]
)
def test_a_budget_is_a_time(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "ten", "-3m", "0s", "5 m", "3d", "m"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--budget .*: expected a time above 0 such as 90s, 10m"):
        seconds_of(text)


def test_each_round_covers_what_is_new_before_anything_again() -> None:
    def case(name: str, *covers: str) -> Case:
        return Case(f"x/{name}", "", covers, Risk.OBSERVE)

    narrow, wide = case("narrow", "a"), case("wide", "a", "b", "not ours")
    other, foreign = case("other", "c"), case("foreign", "not ours")
    ordered = by_coverage([narrow, other, foreign, wide], lambda one: one != "not ours")
    assert ordered == [wide, other, narrow, foreign]


@pytest.mark.parametrize("budget", [10.0, 60.0, 120.0])
def test_a_slow_card_is_judged_within_the_budget_and_put_back(budget: float) -> None:
    card = Slow()
    judge = judge_of(card, budget)
    given_back, putting_back = judge.bench.given_back, [0.0]

    def timed(live: Model, *, everything: bool) -> Report:
        before = card.now
        report = given_back(live, everything=everything)
        putting_back[0] += max(0.0, card.now - max(before, budget))
        return report

    judge.bench.given_back = timed  # type: ignore[method-assign]
    result = execute(judge)
    assert card.now - putting_back[0] <= budget + LATENCY, "nothing else is tried behind it"
    assert putting_back[0] <= 6.0, "seconds, to put back what the last case wrote"
    late = [one for one in result.cases if one.verdict is Verdict.NOT_RUN]
    assert BUDGET in {one.reason for one in late}
    assert {one.reason for one in late} <= {
        BUDGET,
        *(one.reason for one in late if one.reason.startswith("the case needs --risk")),
    }
    untouched, found = judge_with(Plastic()).bench, judge_with(card).bench
    take_stock(untouched)
    take_stock(found)
    assert found.baseline == untouched.baseline


def test_what_is_not_covered_yet_comes_first() -> None:
    judge = judge_of(Slow(), 120.0)
    result = execute(judge)
    ran = [one for one in result.cases if one.verdict is Verdict.PASS and one.area != "laws"]
    covered: set[str] = set()
    for one in ran[: len(ran) // 2]:
        fresh = {rule for rule in one.requirements if judge.concerned(rule)} - covered
        assert fresh, f"{one.id} covers nothing new"
        covered |= fresh
    in_order = execute(judge_with(Slow(), Risk.RESTORE))  # by area, without a budget
    within, spent = 0.0, 0
    for one in in_order.cases:
        within += LATENCY * (one.exchanges[1] - one.exchanges[0] + 1 if one.exchanges else 0)
        spent += within <= 120.0
    by_area = {rule for one in in_order.cases[:spent] for rule in one.requirements}
    assert passed(result) > 1.4 * sum(judge.concerned(rule) for rule in by_area)
    assert result.cases[-1].verdict is Verdict.PASS, "time was kept for the last look at the card"


def test_histories_share_what_is_left_and_end_without_a_failure() -> None:
    result = execute(judge_of(Slow(), 480.0))
    histories = [one for one in result.cases if one.area == "histories"]
    walked = [one for one in histories if one.verdict is Verdict.PASS]
    assert [one.id for one in histories if one not in walked] == ["histories/changes"]
    assert len(walked) == 7
    assert max(one.seconds for one in walked) < 1.3 * min(one.seconds for one in walked)
    first = min(result.cases.index(one) for one in walked)
    assert all(one.verdict is not Verdict.NOT_RUN or one.reason != BUDGET for one in result.cases)
    assert first > 200, "single cases come first"


def test_a_card_that_is_put_back_is_not_reset_for_each_history() -> None:
    card = Slow()
    marks: list[int] = []
    judge = judge_with(card, Risk.RESTORE, 20)
    judge.listener = lambda _case, result: marks.append(card.resets) if result else None
    result = execute(judge, ("histories",))
    spent = [after - before for before, after in pairwise(marks)]
    by_case = dict(zip([one.id for one in result.cases[1:]], spent, strict=True))
    histories = {name: resets for name, resets in by_case.items() if name.startswith("histories")}
    assert len(histories) == 8
    assert max(histories.values()) <= 60, "three for each history at most, those within it included"
    assert sum(histories.values()) <= 1.5 * 20 * 7


def test_a_failure_is_made_short_in_a_part_of_the_time() -> None:
    card = Slow("mutant:access/read-rule-ignored")
    result = execute(judge_of(card, 120.0), ("histories",))
    failed = [one for one in result.cases if one.verdict is Verdict.FAIL and one.failure]
    assert failed
    assert {one.failure.requirement for one in failed if one.failure} == {
        "7816-4/access/read-refused"
    }
    assert card.now <= 124.0
    assert min(len(one.failure.script) for one in failed if one.failure) <= 5


def test_a_failure_behind_which_the_time_ends_is_told_as_a_doubt() -> None:
    card = Slow("mutant:verify/any-value")
    judge = judge_of(card, 1000.0, Risk.CONSUME)

    def hurry(case: Case, result: object) -> None:
        if result is None and case.id == "verify/wrong-value":
            judge.bench.deadline = card.now + 4 * LATENCY  # reset, SELECT, VERIFY, and no more

    judge.listener = hurry
    result = execute(judge, ("verify",))
    told = [one for one in result.cases if one.verdict is Verdict.INCONCLUSIVE]
    assert [(one.id, one.reason) for one in told] == [("verify/wrong-value", NOT_TRIED_AGAIN)]
    assert told[0].failure
    assert told[0].failure.requirement == "7816-4/verify/wrong-value"
