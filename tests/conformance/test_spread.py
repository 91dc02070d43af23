"""A run in several processes is the same as one in a single process, apart from times."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from commanding import PROGRAM, Command, plain_pytest
from judging import Plastic, judge_with

from conformance.engine import Request, execute, prepare
from conformance.result import TRACE_FILE, Case, read_result, read_trace
from conformance.spread import SENT, Collector, check_spreadable, execute_spread
from conformance.suite import index
from conformance.trouble import UsageError
from conformance.verdict import Outcome, Risk, Verdict


def untimed(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A result and its trace without what differs from one run to the next."""
    result = read_result(folder).model_dump()
    del result["run"]["started"], result["run"]["finished"], result["run"]["command_line"]
    del result["trace"]["sha256"]
    result["timings"] = {name: timing["count"] for name, timing in result["timings"].items()}
    for case in result["cases"]:
        del case["seconds"]
    return result, [
        one.model_copy(update={"seconds": 0.0}).model_dump()
        for one in read_trace(folder / TRACE_FILE)
    ]


@pytest.mark.parametrize(
    ("card", "more"),
    [
        ("sim:iso7816", ("--examples", "2")),
        (
            "mutant:access/read-rule-ignored",
            ("--area", "access", "--area", "select"),
        ),
    ],
)
def test_the_number_of_processes_changes_nothing_but_times(
    conformance: Command, tmp_path: Path, card: str, more: tuple[str, ...]
) -> None:
    codes = []
    for count in ("1", "2"):
        out = ("--out", str(tmp_path / count), "-n", count)
        codes.append(conformance("run", "--card", card, *more, *out).returncode)
    assert codes[0] == codes[1]
    single, spread = untimed(tmp_path / "1"), untimed(tmp_path / "2")
    assert [one["id"] for one in spread[0]["cases"]] == [one["id"] for one in single[0]["cases"]]
    assert spread[0] == single[0]
    assert spread[1] == single[1]


def test_the_trace_of_a_spread_run_is_that_of_its_result(
    conformance: Command, tmp_path: Path
) -> None:
    run = conformance(
        *("run", "--card", "sim:iso7816", "--area", "select", "-n", "2", "--out", str(tmp_path))
    )
    assert run.returncode == 0
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "the file beside the result is another one" not in page
    exchanges = list(read_trace(tmp_path / TRACE_FILE))
    assert [one.n for one in exchanges] == list(range(len(exchanges)))
    for case in read_result(tmp_path).cases:
        if case.exchanges:
            first, last = case.exchanges
            assert {one.case for one in exchanges[first : last + 1]} == {case.id}


def test_a_known_failure_is_known_in_every_process(conformance: Command, tmp_path: Path) -> None:
    arguments = ["run", "--card", "mutant:verify/any-value", "--area", "verify"]
    conformance(*arguments, "--out", str(tmp_path / "plain"))
    plain = read_result(tmp_path / "plain").requirements
    failed = [one.id for one in plain if one.verdict is Verdict.FAIL]
    entry = '[[failure]]\nid = "{}"\nreason = "mask 7"\nexpires = 9999-12-31\n'
    file = tmp_path / "known.toml"
    file.write_text("schema = 1\n" + "".join(entry.format(one) for one in failed), "utf-8")
    out = ["-n", "2", "--known-failures", str(file), "--out", str(tmp_path / "known")]
    assert conformance(*arguments, *out).returncode == 0


def test_a_spread_run_keeps_its_budget() -> None:
    request = Request(card="sim:iso7816", examples=100_000, budget=6.0)
    started = time.monotonic()
    result = execute_spread(prepare(request), request, 2)
    assert time.monotonic() - started < 6.0 + 20.0, "starting and ending take time, not judging"
    assert sum(one.seconds for one in result.cases) < 2 * 6.5
    assert result.run.budget == 6.0
    assert result.run.outcome == "conformant"


@pytest.mark.parametrize("count", ["0", "-2", "many", ""])
def test_a_number_of_processes_that_is_none_is_refused(conformance: Command, count: str) -> None:
    run = conformance("run", "--card", "sim:iso7816", "-n", count)
    assert run.returncode == 3
    assert f"-n {count}: expected a number of processes or auto" in run.stderr


def test_a_card_that_cannot_be_copied_is_judged_by_one_process(
    conformance: Command, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="-n: the card sim:iso7816 cannot be copied"):
        check_spreadable(judge_with(Plastic()))
    first = str(tmp_path / "first")
    conformance("run", "--card", "sim:iso7816", "--area", "atr", "--out", first)
    again = ("run", "--card", f"recorded:{first}", "--out", str(tmp_path / "second"))
    refused = conformance(*again, "-n", "2")
    assert refused.returncode == 3
    assert f"-n: the card recorded:{first} cannot be copied" in refused.stderr


class Report:
    """What a process reports that ended over a case."""

    failed = True
    when = "???"
    nodeid = "test_select.py::test_by_name"


def test_a_process_that_ends_leaves_a_doubt_about_its_case() -> None:
    request = Request(card="sim:iso7816")
    collector = Collector(prepare(request), request)
    collector.pytest_runtest_logreport(Report())  # type: ignore[arg-type]
    result = collector.result
    assert result.run.interrupted
    (case,) = result.cases
    assert (case.id, case.verdict) == ("select/by-name", Verdict.INCONCLUSIVE)
    assert case.reason == "the process that judged it ended"


def test_what_two_processes_both_found_counts_once() -> None:
    class Twice:
        failed, when, nodeid = False, "call", "x"
        conformance_results = (
            Case(
                id="laws/inventory", title="t", area="laws", risk=Risk.OBSERVE, verdict=Verdict.PASS
            ).model_dump_json(),
        )

        class node:  # noqa: N801 - as xdist calls it
            class gateway:  # noqa: N801 - likewise
                id = "gw0"

    assert SENT == "conformance_results"
    told: list[str] = []
    request = Request(card="sim:iso7816")
    judge = prepare(request)
    judge.listener = lambda case, result: told.append(case.id) if result else None
    collector = Collector(judge, request)
    for _ in range(2):
        collector.pytest_runtest_logreport(Twice())  # type: ignore[arg-type]
    assert told == ["laws/inventory"]
    assert [one.id for one in collector.result.cases] == ["laws/inventory"]


def test_every_case_is_found_by_its_place() -> None:
    assert index.case_at("conformance/suite/test_select.py::test_by_name") in index.cases()
    assert index.case_at("tests/test_house.py::test_by_name") is None


def test_the_plugin_spreads_the_suite_over_processes(tmp_path: Path) -> None:
    options = ("--card-examples", "2", "-p", "no:cacheprovider", "-q", "-n", "2")
    some = ("-k", "select or verify", "--card-out", "spread")
    run = plain_pytest("--card", "sim:iso7816", *options, *some, cwd=tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    result = read_result(tmp_path / "spread")
    assert result.run.outcome is Outcome.CONFORMANT
    assert [one.area for one in result.cases].count("select") >= 10
    assert result.cases[0].id == "laws/inventory"
    faulty = plain_pytest(
        "--card", "mutant:verify/any-value", *options, "-k", "verify", cwd=tmp_path
    )
    assert faulty.returncode == 1
    assert "requirement 7816-4/verify/wrong-value" in faulty.stdout


def test_the_plugin_refuses_to_spread_what_cannot_be_copied(tmp_path: Path) -> None:
    request = Request(card="sim:iso7816", examples=1, areas=("atr",), out=str(tmp_path / "first"))
    execute(prepare(request), request.areas)
    run = plain_pytest("--card", f"recorded:{tmp_path / 'first'}", "-n", "2", cwd=tmp_path)
    assert run.returncode == 4
    assert "cannot be copied" in run.stderr


def test_control_c_keeps_what_the_processes_found(tmp_path: Path) -> None:
    card = "mutant:access/read-rule-ignored"  # some histories find it at once, others go on
    arguments = ["run", "--card", card, "--examples", "100000", "-n", "2", "--area", "histories"]
    command = [str(PROGRAM), *arguments, "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as run:
        try:
            assert run.stdout
            assert b"FAIL  histories/" in run.stdout.readline()
            os.killpg(run.pid, signal.SIGINT)
            run.communicate(timeout=60)
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
    assert run.returncode == 2
    result = read_result(tmp_path)
    assert result.run.outcome is Outcome.INTERRUPTED
    assert any(one.verdict is Verdict.FAIL for one in result.cases)
