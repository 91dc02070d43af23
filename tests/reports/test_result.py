from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from conformance.result import (
    BOUNDS,
    Card,
    Case,
    Declaration,
    Environment,
    Exchange,
    Failure,
    Requirement,
    Result,
    ResultError,
    Run,
    Step,
    Suite,
    Timing,
    Trace,
    parse_result,
    read_result,
    read_trace,
    schema_text,
    write_result,
    write_trace,
)
from conformance.verdict import Level, Outcome, Risk, Verdict

SCHEMA = Path(__file__).parents[2] / "reports" / "result.schema.json"
DIGEST = "0" * 64


def a_result(**changes: object) -> Result:
    values: dict[str, object] = {
        "suite": Suite(name="suite", version="1", catalogue_sha256=DIGEST),
        "run": Run(
            started="2026-01-02T03:04:05Z",
            finished="2026-01-02T03:05:05Z",
            seed=7,
            examples=10,
            risk=Risk.RESTORE,
            outcome=Outcome.NON_CONFORMANT,
            environment=Environment(python="3.11", platform="linux"),
        ),
        "card": Card(spec="sim:iso7816", name="sample", atr="3B00"),
        "statement": Declaration(file="a.toml", sha256=DIGEST, declared={"features": {"a": [1]}}),
        "requirements": (
            Requirement(
                id="r1",
                area="binary",
                clause="ISO/IEC 7816-4:2020, 11.3.3",
                level=Level.SHALL,
                text="it answers",
                verdict=Verdict.FAIL,
                cases=("c1",),
            ),
        ),
        "cases": (
            Case(
                id="c1",
                title="it answers",
                area="binary",
                requirements=("r1",),
                risk=Risk.OBSERVE,
                verdict=Verdict.FAIL,
                exchanges=(0, 1),
                failure=Failure(
                    requirement="r1",
                    message="it did not",
                    allowed=("9000",),
                    script=(
                        Step(command="reset"),
                        Step(command="00200001{pin:01}", response="6A80", expected="9000"),
                    ),
                ),
            ),
        ),
        "timings": {"VERIFY": Timing.of([0.001, 0.002])},
        "trace": Trace(sha256=DIGEST, exchanges=2),
    }
    return Result.model_validate(values | changes)


def test_the_published_schema_is_that_of_the_values() -> None:
    assert SCHEMA.read_text("utf-8") == schema_text(), (
        'write it anew: python -c "from conformance.result import schema_text;'
        " print(schema_text(), end='')\" > reports/result.schema.json"
    )


def test_a_written_result_fits_the_schema_and_reads_back(tmp_path: Path) -> None:
    result = a_result()
    write_result(result, tmp_path / "result.json")
    written = json.loads((tmp_path / "result.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(written)
    assert read_result(tmp_path) == result
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.json"]


def test_a_write_that_fails_leaves_the_old_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_result(a_result(), tmp_path / "result.json")
    before = (tmp_path / "result.json").read_bytes()

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_result(a_result(cases=()), tmp_path / "result.json")
    assert (tmp_path / "result.json").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"card": {"spec": "s", "name": "n", "atr": "3B0"}}, "result.json: card.atr: "),
        ({"colour": "red"}, "result.json: colour: Extra inputs are not permitted"),
        ({"schema_version": 2}, "result.json: schema_version: Input should be 1"),
    ],
)
def test_a_bad_field_is_named(change: dict[str, object], message: str) -> None:
    document = a_result().model_dump(mode="json") | change
    with pytest.raises(ResultError) as caught:
        parse_result(json.dumps(document).encode(), "result.json")
    assert message in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=r"result\.json: cannot be read: No such file"):
        read_result(tmp_path / "result.json")


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ResultError, match="x: file: Invalid JSON"):
        parse_result(b"{", "x")


@pytest.mark.parametrize("command", ["00A4000G", "{pin:01", "Reset", "00a4", "0"])
def test_a_command_is_hex_a_placeholder_or_an_event(command: str) -> None:
    with pytest.raises(ValueError, match="String should match pattern"):
        Step(command=command)


def test_a_lone_surrogate_is_written_as_its_escape() -> None:
    assert Card(spec="pcsc:\udcff", name="n", atr="").spec == "pcsc:\\udcff"


def test_a_trace_reads_back(tmp_path: Path) -> None:
    exchanges = [
        Exchange(n=0, case="c1", event="reset", response="3B00"),
        Exchange(n=1, case="c1", command="00B00000", response="9000", seconds=0.25),
    ]
    write_trace(exchanges, tmp_path / "trace.jsonl")
    assert list(read_trace(tmp_path / "trace.jsonl")) == exchanges


def test_a_bad_line_of_a_trace_is_named(tmp_path: Path) -> None:
    (tmp_path / "trace.jsonl").write_text('{"n":0}\n{"n":-1}\n')
    with pytest.raises(ResultError, match=r"trace\.jsonl: line 2: n: "):
        list(read_trace(tmp_path / "trace.jsonl"))


def test_timings_count_every_answer_and_quantiles_are_answers() -> None:
    seconds = [0.0005, 0.003, 0.003, 0.02, 11.0]
    timing = Timing.of(seconds)
    assert (timing.count, timing.min, timing.median, timing.max) == (5, 0.0005, 0.003, 11.0)
    assert timing.p95 == 11.0
    assert {bucket.up_to: bucket.count for bucket in timing.buckets} == {
        0.0005: 1,
        0.005: 2,
        0.02: 1,
        None: 1,
    }
    assert {0.0005, 0.005, 0.02} <= set(BOUNDS)
