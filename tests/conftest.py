"""How our own tests run: Hypothesis profiles, and no silent skip where all is installed."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings
from vector_summary import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]  # xdist's own process prints it, and reads only this file

REQUIRED = "SIMCARD_REQUIRE_SYSTEM_TESTS"
"""Set by .ci/run once the PC/SC service, its tools and the browser are installed."""

SYSTEM_MARKS = ("pcsc", "browser")

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile(
    "nightly", deadline=None, max_examples=5_000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of the one PC/SC service of this machine in one worker, one after another."""
    for item in items:
        if item.get_closest_marker("pcsc"):
            item.add_marker(pytest.mark.xdist_group("pcsc"))


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get(REQUIRED):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{REQUIRED} is set, so this may not be skipped. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a system test into a failure where system tests are required."""
    report = yield
    if any(item.get_closest_marker(mark) for mark in SYSTEM_MARKS):
        _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Likewise for a whole module, whose marks nobody can see once it is skipped."""
    report = yield
    _fail_if_skipped(report)
    return report
