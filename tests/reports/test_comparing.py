from __future__ import annotations

from pathlib import Path

import pytest

from conformance.report import comparison, render_comparison
from conformance.reporting.compare import Change, change, compare
from conformance.result import Result, Timing, read_result, write_result
from conformance.trouble import UsageError
from conformance.verdict import Risk, Verdict

PASS, FAIL, DOUBT = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (PASS, FAIL, Change.BROKE),
        (Verdict.NOT_RUN, FAIL, Change.BROKE),
        (None, FAIL, Change.BROKE),
        (PASS, DOUBT, Change.DOUBTFUL),
        (FAIL, DOUBT, Change.OTHER),
        (FAIL, PASS, Change.FIXED),
        (DOUBT, PASS, Change.FIXED),
        (Verdict.NOT_APPLICABLE, PASS, Change.GAINED),
        (PASS, Verdict.NOT_RUN, Change.LOST),
        (PASS, None, Change.LOST),
        (None, Verdict.NOT_RUN, Change.OTHER),
        (PASS, PASS, Change.NONE),
    ],
)
def test_changes(before: Verdict | None, after: Verdict | None, expected: Change) -> None:
    assert change(before, after) is expected


@pytest.fixture
def newer(sample_result: Result) -> Result:
    """The sample: a failure fixed, something broken, a requirement new, READ BINARY slow."""
    verdicts = {"binary/read-offset": PASS, "select/fcp": FAIL, "record/cyclic": Verdict.NOT_RUN}
    requirements = [
        one.model_copy(update={"verdict": verdicts.get(one.id, one.verdict)})
        for one in sample_result.requirements
    ]
    requirements.append(requirements[0].model_copy(update={"id": "atr/new"}))
    timings = dict(sample_result.timings)
    timings["READ BINARY"] = Timing.of([0.1] * 10)
    timings["GET DATA"] = Timing.of([0.1] * 10)
    run = sample_result.run.model_copy(update={"risk": Risk.CONSUME, "interrupted": True})
    changes = {"requirements": tuple(requirements), "timings": timings, "run": run}
    return sample_result.model_copy(update=changes)


def test_what_got_fixed_broke_and_slowed(sample_result: Result, newer: Result) -> None:
    found = compare([sample_result, newer], ["1.2", "1.3"])
    assert [row.requirement.id for row in found.rows_of("broke")] == ["select/fcp"]
    assert [row.requirement.id for row in found.rows_of("fixed")] == ["binary/read-offset"]
    assert [row.requirement.id for row in found.rows_of("lost")] == ["record/cyclic"]
    assert [row.requirement.id for row in found.rows_of("gained")] == ["atr/new"]
    assert found.regressed
    assert [pace.name for pace in found.paces if "slower" in pace.trends] == ["READ BINARY"]
    assert set(found.warnings) == {"risk", "incomplete"}


def test_the_page_of_three_runs(sample_result: Result, newer: Result) -> None:
    page = render_comparison(compare([sample_result, newer, sample_result], ["a", "b", "c"]))
    broke = page.partition(">Broke <")[2].partition("</table>")[0]
    assert "select/fcp" in broke
    assert broke.count("<span>PASS</span>") == 2, "in the first and the third run"
    assert "▲ slower" in page
    assert "The runs had different risk levels." in page
    assert "退步" in render_comparison(compare([sample_result, newer], ["a", "b"]), "zh")


def test_equal_runs_have_nothing_to_tell(sample_result: Result) -> None:
    found = compare([sample_result, sample_result], ["a", "b"])
    assert not found.regressed
    assert "No requirement changed its verdict." in render_comparison(found)


def test_runs_are_called_by_their_folders(sample: Path, tmp_path: Path, newer: Result) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write_result(newer, other / "result.json")
    assert comparison([sample, other]).labels == ("sample", "other")
    assert comparison([sample, sample]).labels == (str(sample), str(sample))
    assert comparison([sample, other]).runs[0] == read_result(sample)


def test_one_run_is_no_comparison(sample: Path) -> None:
    with pytest.raises(UsageError, match="two runs or more"):
        comparison([sample])
