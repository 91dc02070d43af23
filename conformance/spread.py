"""A run spread over several processes by pytest-xdist, put together as if one had done it all.

Every process judges a card of its own, opened in the same state. It sends each verdict along with
pytest's report and writes its part of the trace to a folder of its own; the process that hands out
the cases puts results and traces together in the order in which one process would have got there.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass, replace
from datetime import date
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import hypothesis.configuration
import pytest

from conformance.cards import Ability
from conformance.engine import Request, prepare, run_pytest
from conformance.judge import INVENTORY
from conformance.plugin import ASKED
from conformance.result import TRACE_FILE, Exchange
from conformance.result import Case as CaseResult
from conformance.runner import Runner, in_order
from conformance.suite import index
from conformance.trial import ENDED, result_of
from conformance.trouble import UsageError
from conformance.verdict import Verdict

if TYPE_CHECKING:
    from conformance.judge import Judge, Listener
    from conformance.result import Result

WHERE, WHEN = "conformance_room", "conformance_time"
"""What a process is told besides the request: the folder for parts of the trace, and when."""
SHORTEST = 0.001
"""Seconds of a budget that is spent before a process begins."""
SENT = "conformance_results"
"""The attribute of a report that carries the results of a case, and of the inventory before it."""


class Node(Protocol):
    """What is used of a process that xdist controls."""

    workerinput: dict[str, Any]
    gateway: Any


def how_many(processes: str) -> int:
    """The number of processes that *processes* asks for; UsageError when it asks for none."""
    if processes == "auto":
        return os.cpu_count() or 1
    if not processes.isdecimal() or not int(processes):
        raise UsageError(f"-n {processes}: expected a number of processes or auto")
    return int(processes)


def check_spreadable(judge: Judge) -> None:
    """UsageError unless several processes can have the card of *judge* each for itself."""
    card = judge.bench.card
    if Ability.TWIN not in card.abilities:
        judge.bench.evidence.close()
        card.close()
        raise UsageError(
            f"-n: the card {card.spec} cannot be copied, so one process has to judge it alone"
        )


def execute_spread(
    judge: Judge, request: Request, processes: int, listener: Listener | None = None
) -> Result:
    """Run the suite in *processes* with cards like that of *judge*, and give the one result."""
    check_spreadable(judge)
    if listener is not None:
        judge.listener = listener
    collector = Collector(judge, request)
    run_pytest(
        collector, "-pxdist.plugin", "-pconformance.plugin", f"-n{processes}", "--maxschedchunk=1"
    )
    return collector.result


@dataclass(frozen=True, slots=True)
class _Found:
    """A result and the folder of the process that sent it."""

    case: CaseResult
    room: Path


class Collector:
    """The plugin of the process that hands out the cases and puts together what comes back."""

    def __init__(self, judge: Judge, request: Request) -> None:
        self.judge = judge
        self._request = request
        self._room = tempfile.TemporaryDirectory(prefix="conformance-")
        self._found: dict[str, _Found] = {}
        self._ended: set[str] = set()
        self._traces: dict[Path, list[bytes]] = {}
        self._result: Result | None = None

    @property
    def result(self) -> Result:
        """The result, when the session has ended."""
        return self._result or self._finish(interrupted=True)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Node) -> None:
        """Tell a new process what to judge, and how much time is left for it."""
        bench = self.judge.bench
        left = bench.deadline - bench.clock()
        request = replace(self._request, budget=None if left == inf else max(left, SHORTEST))
        node.workerinput[ASKED] = json.dumps(asdict(request), default=str)
        node.workerinput[WHERE] = self._room.name
        node.workerinput[WHEN] = time.time()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a process found; a case without anything is one over which it ended."""
        sent: list[str] | None = getattr(report, SENT, None)
        if sent is None:
            if report.failed and report.when not in {"setup", "teardown"}:
                self._ended.add(report.nodeid)
            return
        room = Path(self._room.name, report.node.gateway.id)
        for text in sent:
            case = CaseResult.model_validate_json(text)
            if case.id not in self._found:
                self._found[case.id] = _Found(case, room)
                self.judge.tell(case)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Put everything together, however the session ended."""
        del session
        self._result = self._finish(interrupted=exitstatus == pytest.ExitCode.INTERRUPTED)

    def _finish(self, *, interrupted: bool) -> Result:
        for nodeid in self._ended:
            case = index.case_at(nodeid)
            if case is not None and case.id not in self._found:
                self._found[case.id] = _Found(
                    result_of(case, Verdict.INCONCLUSIVE, ENDED), Path(self._room.name)
                )
        for case in (INVENTORY, *in_order(index.cases(), self.judge)):
            if case.id in self._found:
                self._adopt(self._found[case.id])
        self._room.cleanup()
        return self.judge.finish(interrupted=interrupted)

    def _adopt(self, found: _Found) -> None:
        """Take over a result, and its exchanges under the numbers that come next."""
        evidence, case = self.judge.bench.evidence, found.case
        if case.exchanges is not None:
            first = evidence.count
            here, last = case.exchanges
            for line in self._lines(found.room)[here : last + 1]:
                evidence.adopt(Exchange.model_validate_json(line))
            case = case.model_copy(update={"exchanges": (first, evidence.count - 1)})
        self.judge.cases.append(case)

    def _lines(self, room: Path) -> list[bytes]:
        """The trace of one process, read once."""
        if room not in self._traces:
            self._traces[room] = (room / TRACE_FILE).read_bytes().splitlines()
        return self._traces[room]


class Sender:
    """The plugin of a process that judges: sends what it finds along with pytest's reports."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._sent = 0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the results since the last report into this one."""
        report = yield
        if call.when == "call":
            fresh = self._judge.cases[self._sent :]
            self._sent += len(fresh)
            setattr(report, SENT, [one.model_dump_json() for one in fresh])
        return report


def join(workerinput: dict[str, Any]) -> tuple[Runner, Sender]:
    """The plugins of a process that was told what to judge."""
    told = json.loads(workerinput[ASKED])
    told |= {"today": date.fromisoformat(told["today"]), "areas": tuple(told["areas"])}
    room = Path(workerinput[WHERE], workerinput["workerid"])
    request = replace(Request(**told), out=str(room))
    if request.budget is not None:
        spent = time.time() - workerinput[WHEN]
        request = replace(request, budget=max(request.budget - spent, SHORTEST))
    judge = prepare(request)
    judge.folder = None
    hypothesis.configuration.set_hypothesis_home_dir(room)
    return Runner(judge, request.areas, processes=workerinput["workercount"]), Sender(judge)
