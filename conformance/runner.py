"""The judge as a pytest plugin: orders the cases, gives each its card, tells pytest the verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import TYPE_CHECKING, Any

import pytest

from conformance.budget import by_coverage
from conformance.case import Case, Unmet
from conformance.minimise import script_text
from conformance.trouble import CardLost
from conformance.verdict import Verdict

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.judge import Judge
    from conformance.result import Case as CaseResult
    from conformance.result import Result

AREAS = (
    "atr",
    "coding",
    "challenge",
    "response",
    "select",
    "binary",
    "record",
    "object",
    "chaining",
    "channel",
    "file",
    "verify",
    "access",
    "reference",
    "messaging",
    "environment",
    "authentication",
    "mse",
    "operation",
    "proof",
    "line",
    "purse",
    "module",
    "histories",
    "laws",
)
"""The order in which areas are judged: what needs least of the card first."""
FIRST, LAST = "laws/alive-first", "laws/alive-last"
GENERATED = "histories"
"""What the ids of the cases have in them that go on for as long as there is time."""


def case_of(item: pytest.Item) -> Case | None:
    """The case that *item* is, or None for a test of somebody else's."""
    found = getattr(getattr(item, "function", None), "case", None)
    return found if isinstance(found, Case) else None


def rank(case: Case) -> tuple[int, int, int]:
    """Liveness first and last, what may destroy next to last, else by area."""
    place = {FIRST: 0, LAST: 2}.get(case.id, 1)
    return place, int(case.risk.rank == 3), AREAS.index(case.area)


def in_order(cases: Iterable[Case], judge: Judge) -> list[Case]:
    """*cases* as one process gets to them."""
    chosen = sorted(cases, key=rank)
    return by_need(chosen, judge) if judge.bench.deadline < inf else chosen


def by_need(cases: Iterable[Case], judge: Judge) -> list[Case]:
    """*cases* for a run with a budget: single cases by what they cover, histories behind them.

    Liveness stays first and last, and what may destroy next to last.
    """
    groups: dict[tuple[int, bool, bool], list[Case]] = defaultdict(list)
    for case in cases:
        place, destroys, _ = rank(case)
        groups[place, bool(destroys), GENERATED in case.id].append(case)
    return [case for key in sorted(groups) for case in by_coverage(groups[key], judge.concerned)]


class Runner:
    """Hooks and fixtures for one run with one judge."""

    def __init__(
        self,
        judge: Judge,
        areas: tuple[str, ...] = (),
        until: str | None = None,
        processes: int = 1,
        only: str | None = None,
    ) -> None:
        self.judge = judge
        self._only = only
        self._processes = processes
        self._areas = areas
        self._until = until
        self._result: Result | None = None
        self._ahead: dict[Case, int] = {}

    @property
    def result(self) -> Result:
        """The result, when the session has ended."""
        return self._result or self.judge.finish(interrupted=True)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Bring the cases into their order; leave out other areas than those asked for."""
        cases = {case: item for item in items if (case := case_of(item))}
        ordered = in_order(cases, self.judge)
        if self._processes > 1 and self.judge.bench.deadline == inf:
            ordered.sort(key=lambda case: GENERATED not in case.id)  # what takes long begins first
        kept = [case for case in ordered if self._wanted(case)]
        chosen = [cases[case] for case in kept]
        left_out = [cases[case] for case in ordered if case not in kept]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if case_of(item) is None] + chosen
        self._ahead = self._to_the_last([case for item in chosen if (case := case_of(item))])

    def _wanted(self, case: Case) -> bool:
        if self._only is not None:
            return case.id == self._only
        return not self._areas or case.area in (*self._areas, "laws")

    def _to_the_last(self, cases: Sequence[Case]) -> dict[Case, int]:
        """For each of *cases*, how many of those from it to the last will take time."""
        ahead, found = 0, dict[Case, int]()
        for case in reversed(cases):
            ahead += self.judge.worthwhile(case)
            found[case] = max(ahead // self._processes, 1)
        return found

    @pytest.fixture
    def bench(self) -> Bench:
        """The bench of this run."""
        return self.judge.bench

    @pytest.fixture
    def terminal(self) -> None:
        """A name for pytest: the hook below begins the history when the trial begins."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Try the case instead of just calling its function."""
        case = case_of(pyfuncitem)
        if case is None:
            return None
        body = self._body(pyfuncitem.obj, "terminal" in pyfuncitem.fixturenames)
        try:
            result = self.judge.run(case, body, self._ahead.get(case, 1))
        except CardLost as lost:
            pyfuncitem.session.shouldstop = f"the card was lost: {lost}"
            pytest.fail(f"the card was lost: {lost}", pytrace=False)
        if any(one.failure and one.failure.requirement == self._until for one in self.judge.cases):
            pyfuncitem.session.shouldstop = f"{self._until} failed"
        _conclude(result)
        return True

    def _body(self, function: Callable[[Any], None], on_terminal: bool) -> Callable[[], None]:
        bench = self.judge.bench
        if not on_terminal:
            return lambda: function(bench)

        def on_fresh_card() -> None:
            terminal = bench.begin()
            try:
                function(terminal)
            except Unmet as unmet:
                raise terminal.unmet(unmet) from unmet

        return on_fresh_card

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Put the card back and close the record, however the session ended."""
        del session
        interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
        self._result = self.judge.finish(interrupted=interrupted)


def _conclude(result: CaseResult) -> None:
    """The verdict as pytest says it."""
    if result.verdict in {Verdict.NOT_APPLICABLE, Verdict.NOT_RUN}:
        pytest.skip(f"{result.verdict}: {result.reason}")
    if result.verdict is not Verdict.PASS:
        pytest.fail(failure_text(result), pytrace=False)


def failure_text(result: CaseResult) -> str:
    """What a person reads of a failed case: requirement, what was answered, the script."""
    lines = [f"{result.verdict}: {result.id}: {result.reason}"]
    if result.failure is not None:
        lines += [f"requirement {result.failure.requirement}", script_text(result.failure)]
    return "\n".join(lines)
