"""The action and the jobs in the README name what there is: inputs, options, files written."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from conformance.cli import app
from conformance.report import JUNIT_FILE, REPORT_FILES, SUMMARY_FILE
from conformance.result import RESULT_FILE, TRACE_FILE

ROOT = Path(__file__).parents[2]
KEPT = {REPORT_FILES["en"], JUNIT_FILE, SUMMARY_FILE, RESULT_FILE, TRACE_FILE}
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


JOBS: dict[str, dict[str, Any]] = {
    next(iter(job)): job for job in (yaml.safe_load(block) for block in blocks("yaml"))
}
COMMANDS = [
    line.removeprefix("$ ")
    for block in blocks("console")
    for line in block.splitlines()
    if line.startswith("$ conformance ")
]


def parsed(line: str) -> None:
    """Parse *line* with our own command line, without running it."""
    arguments = shlex.split(line, comments=True)[1:]
    command = typer.main.get_command(app)
    context = command.make_context("conformance", list(arguments), resilient_parsing=False)
    while hasattr(command, "resolve_command"):
        rest = [*context._protected_args, *context.args]
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, list(rest), parent=context)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_line_in_the_readme_is_one(line: str) -> None:
    parsed(line)


def test_a_wrong_command_line_would_be_found() -> None:
    for line in ("conformance run --card x --no-such", "conformance compare a", "conformance go"):
        with pytest.raises(Exception, match=r"[Nn]o such|[Mm]issing"):
            parsed(line)
    assert len(COMMANDS) > 5


def step(name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = [
        one for one in ACTION["runs"]["steps"] if one.get("name") == name or one.get("id") == name
    ]
    return found[0]


def test_the_action_uses_the_inputs_that_it_declares() -> None:
    text = (ROOT / "action.yml").read_text("utf-8")
    used = set(re.findall(r"\$\{\{ inputs\.([a-z-]+) \}\}", text))
    assert used == set(ACTION["inputs"])
    assert all(one["description"] and "default" in one for one in ACTION["inputs"].values())
    for one in ACTION["runs"]["steps"]:
        if "run" in one:
            assert "${{" not in one["run"], "an input in a script could be a command"
            names = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", one["run"]))
            given = {"RUNNER_TEMP", "GITHUB_ACTION_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"}
            assert names - given == set(one["env"])
    assert ACTION["outputs"]["exit-code"]["value"] == "${{ steps.judge.outputs.exit-code }}"


def test_the_action_keeps_what_a_run_writes() -> None:
    paths = step("Keep the report")["with"]["path"].split("\n")
    assert {one.rpartition("/")[2] for one in paths if one} == KEPT
    assert step("Keep the report")["if"] == "${{ always() }}"


@pytest.mark.parametrize("name", ["README", "workflow"])
def test_a_job_for_github_gives_inputs_that_there_are(name: str) -> None:
    jobs = (JOBS["jobs"] if name == "README" else WORKFLOW)["jobs"]
    given = [
        one["with"]
        for job in jobs.values()
        for one in job["steps"]
        if one.get("uses") == "./" or one.get("uses", "").startswith("OWNER/")
    ]
    assert len(given) == 1
    assert set(given[0]) <= set(ACTION["inputs"])


def test_the_job_for_gitlab_runs_and_keeps_what_there_is() -> None:
    job = JOBS["conformance"]["conformance"]
    (line,) = [one for one in job["script"] if one.startswith("conformance ")]
    parsed(line)
    out = shlex.split(line)[-1]
    assert {one.partition("/")[2] for one in job["artifacts"]["paths"]} == KEPT
    assert {one.partition("/")[0] for one in job["artifacts"]["paths"]} == {out}
    assert job["artifacts"]["reports"]["junit"] == f"{out}/{JUNIT_FILE}"


def judged(folder: Path, **inputs: str) -> tuple[int, str, str]:
    """Exit code, outputs and summary of the action's own script, with our program as installed."""
    room = folder / "temp" / "conformance" / "bin"
    room.mkdir(parents=True)
    (room / "conformance").symlink_to(Path(sys.executable).with_name("conformance"))
    one = step("judge")
    values = {name: ACTION["inputs"][_input(text)]["default"] for name, text in one["env"].items()}
    output, summary = folder / "output", folder / "summary"
    run = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", one["run"]],
        cwd=folder,
        env={
            **os.environ,
            **values,
            **inputs,
            "RUNNER_TEMP": str(folder / "temp"),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    told = summary.read_text("utf-8") if summary.exists() else ""
    return run.returncode, output.read_text("utf-8"), told


def _input(text: str) -> str:
    return text.removeprefix("${{ inputs.").removesuffix(" }}")


def test_the_script_of_the_action_judges_and_tells(tmp_path: Path) -> None:
    (tmp_path / "known.toml").write_text("schema = 1\n", "utf-8")
    code, output, summary = judged(
        tmp_path, EXAMPLES="1", KNOWN_FAILURES="known.toml", BUDGET="5m", RISK="observe"
    )
    assert (code, output) == (0, "exit-code=0\n")
    assert summary.startswith("# Generic ISO/IEC 7816\\-4 card: Conformant")
    assert {path.name for path in (tmp_path / "conformance-out").iterdir()} == KEPT


def test_the_script_of_the_action_fails_with_the_run(tmp_path: Path) -> None:
    assert judged(tmp_path, CARD="sim:no such; exit 0") == (3, "exit-code=3\n", "")
