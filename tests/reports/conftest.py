"""What the tests of the reports share: the sample, and results made to measure."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from conformance.report import write_all
from conformance.result import (
    TRACE_FILE,
    Case,
    Exchange,
    Failure,
    Requirement,
    Result,
    Step,
    Trace,
    read_result,
    write_result,
    write_trace,
)
from conformance.verdict import Level, Risk, Verdict

SAMPLE = Path(__file__).parents[2] / "reports" / "sample"
Publish = Callable[[Result, Sequence[Exchange]], Path]


@pytest.fixture(scope="session")
def sample_result() -> Result:
    return read_result(SAMPLE)


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A copy of the sample with all its reports."""
    folder = tmp_path / "sample"
    folder.mkdir()
    for name in ("result.json", TRACE_FILE):
        shutil.copy(SAMPLE / name, folder / name)
    write_all(folder)
    return folder


@pytest.fixture
def publish(tmp_path: Path) -> Publish:
    """Writes a result with its trace and all reports into a folder of its own."""

    def publish(result: Result, exchanges: Sequence[Exchange]) -> Path:
        folder = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        write_trace(exchanges, folder / TRACE_FILE)
        digest = hashlib.sha256((folder / TRACE_FILE).read_bytes()).hexdigest()
        trace = Trace(sha256=digest, exchanges=len(exchanges))
        write_result(result.model_copy(update={"trace": trace}), folder / "result.json")
        write_all(folder)
        return folder

    return publish


@pytest.fixture(scope="session")
def failing(sample_result: Result) -> Callable[..., Result]:
    """Builds a result with one requirement and one failed case, texts and bytes as asked."""

    def failing(
        *, text: str = "It answers.", command: str = "00B0000000", response: str = "9000"
    ) -> Result:
        requirement = Requirement(
            id="a/one",
            area="a",
            clause=text,
            level=Level.SHALL,
            harm="data-lost",
            condition=text,
            text=text,
            verdict=Verdict.FAIL,
            reason=text,
            cases=("a/case",),
        )
        step = Step(command=command, response=response, expected=text, note=text)
        case = Case(
            id="a/case",
            title=text,
            area="a",
            requirements=("a/one",),
            risk=Risk.OBSERVE,
            verdict=Verdict.FAIL,
            reason=text,
            exchanges=(0, 0),
            failure=Failure(requirement="a/one", message=text, allowed=(text,), script=(step,)),
        )
        changes = {"requirements": (requirement,), "cases": (case,), "timings": {}}
        return sample_result.model_copy(update=changes)

    return failing
