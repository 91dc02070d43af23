"""Prints at the end of a run how many vectors of each family the card and the judge passed."""

from __future__ import annotations

import re
from collections import Counter

import pytest

_NODE = re.compile(r"vectors/test_vectors\.py::test_(card|judge)\[(\w+)/")
_SHOWN = pytest.StashKey[bool]()


def passed_by_family(reports: list[pytest.TestReport]) -> dict[str, Counter[str]]:
    """For each family, how many of its vectors each side has passed."""
    counts: dict[str, Counter[str]] = {}
    for report in reports:
        if match := _NODE.search(report.nodeid):
            counts.setdefault(match[2], Counter())[match[1]] += 1
    return counts


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of counts, where vectors were among the tests; once, whoever brings this hook in.

    With pytest-xdist only the conftest files above the arguments reach the process that reports,
    so one of those may import the hook beside the one here.
    """
    counts = passed_by_family(terminalreporter.stats.get("passed", []))
    if not counts or terminalreporter.config.stash.get(_SHOWN, False):
        return
    terminalreporter.config.stash[_SHOWN] = True
    terminalreporter.section("vectors passed by card and judge")
    for family, passed in sorted(counts.items()):
        terminalreporter.write_line(f"{family:16} {passed['card']:5} {passed['judge']:5}")
    card, judge = (sum(passed[side] for passed in counts.values()) for side in ("card", "judge"))
    terminalreporter.write_line(f"{'all':16} {card:5} {judge:5}")
