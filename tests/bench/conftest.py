"""Goals and ratios of the benchmarks, told behind the table of pytest-benchmark."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest


class Finding(NamedTuple):
    """One line of the summary; `met` is None for a number that has no goal."""

    text: str
    met: bool | None


_FINDINGS = pytest.StashKey[list[Finding]]()
_VERDICTS = {None: "", True: ": met", False: ": MISSED"}


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FINDINGS] = []


@pytest.fixture
def find(request: pytest.FixtureRequest) -> Callable[[str, bool | None], None]:
    """Adds a line to the summary, and whether its goal was met."""
    findings = request.config.stash[_FINDINGS]
    return lambda text, met: findings.append(Finding(text, met))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    findings = terminalreporter.config.stash[_FINDINGS]
    if findings:
        terminalreporter.section("what it comes to")
    for finding in findings:
        terminalreporter.write_line(finding.text + _VERDICTS[finding.met])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A goal that is missed fails the run."""
    if any(finding.met is False for finding in session.config.stash[_FINDINGS]):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
