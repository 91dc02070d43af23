"""A list of known failures: what it forgives, what it does not, and where it is shown."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from commanding import Command

from conformance.known import Entry, KnownFailures, load_known_failures, reason_of
from conformance.result import Case, Failure, KnownState
from conformance.trouble import UsageError
from conformance.verdict import Risk, Verdict

RULE, CASE = "7816-4/verify/wrong-value", "verify/wrong-value"
TODAY = datetime.now(UTC).date()
FUTURE, PAST = TODAY + timedelta(days=30), TODAY - timedelta(days=30)
RUN = ("run", "--card", "mutant:verify/any-value", "--area", "verify", "--risk", "consume")


def listed(folder: Path, *entries: tuple[str, str, object]) -> str:
    path = folder / "known.toml"
    tables = [
        f'[[failure]]\nid = "{one}"\nreason = "{reason}"\nexpires = {expires}\n'
        for one, reason, expires in entries
    ]
    path.write_text("schema = 1\n" + "\n".join(tables), "utf-8")
    return str(path)


def result_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text("utf-8"))
    return found


def junit_in(folder: Path) -> ET.Element:
    return ET.parse(folder / "junit.xml").getroot()  # noqa: S314 - our own file


def failing_rules(conformance: Command, folder: Path) -> list[str]:
    plain = conformance(*RUN, "--out", str(folder))
    assert plain.returncode == 1
    result = result_in(folder)
    assert result["known_failures"] == []
    assert result["run"]["besides_known"] is None
    return [one["id"] for one in result["requirements"] if one["verdict"] == "FAIL"]


def test_what_is_listed_does_not_fail_the_run_and_is_shown_everywhere(
    conformance: Command, tmp_path: Path
) -> None:
    failing = failing_rules(conformance, tmp_path / "plain")
    assert RULE in failing
    file = listed(tmp_path, *((rule, f"mask 7 <{rule}>", FUTURE) for rule in failing))
    out = tmp_path / "known"
    run = conformance(*RUN, "--known-failures", file, "--out", str(out))
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"known, until {FUTURE}" in run.stdout
    result = result_in(out)
    assert result["run"]["outcome"] == "non-conformant", "the card is what it is"
    assert result["run"]["besides_known"] == "conformant"
    assert {one["state"] for one in result["known_failures"]} == {"failed"}
    (rule,) = (one for one in result["requirements"] if one["id"] == RULE)
    assert (rule["verdict"], rule["known"]) == ("FAIL", f"mask 7 <{RULE}>")
    page = (out / "report.html").read_text("utf-8")
    assert "mask 7 &lt;7816-4/verify/wrong-value&gt;" in page
    assert "Besides known failures: Conformant." in page
    assert "mask 7" in (out / "summary.md").read_text("utf-8")
    junit = junit_in(out)
    assert junit.get("failures") == "0"
    skipped = [one.get("message", "") for one in junit.iter("skipped")]
    assert any(one.startswith("known failure: mask 7") for one in skipped)
    assert conformance("report", "html", str(out), "--lang", "zh").returncode == 0
    assert "已知失败" in (out / "report.zh.html").read_text("utf-8")


def test_a_case_can_be_listed_instead(conformance: Command, tmp_path: Path) -> None:
    conformance(*RUN, "--out", str(tmp_path / "plain"))
    failed = [one["id"] for one in result_in(tmp_path / "plain")["cases"] if one["failure"]]
    file = listed(tmp_path, *((one, "known to us", FUTURE) for one in failed))
    run = conformance(*RUN, "--known-failures", file, "--out", str(tmp_path / "known"))
    assert run.returncode == 0, run.stdout + run.stderr
    page = (tmp_path / "known" / "report.html").read_text("utf-8")
    assert f'href="#case-{CASE.replace("/", "_2F")}"' in page


def test_one_failure_that_is_not_listed_fails_the_run(conformance: Command, tmp_path: Path) -> None:
    file = listed(tmp_path, ("7816-4/binary/write-or", "of another area", FUTURE))
    run = conformance(*RUN, "--known-failures", file, "--out", str(tmp_path / "out"))
    assert run.returncode == 1
    result = result_in(tmp_path / "out")
    assert [one["state"] for one in result["known_failures"]] == ["open"]
    assert result["run"]["besides_known"] == "non-conformant"


def test_an_expired_entry_counts_as_none_and_says_so(conformance: Command, tmp_path: Path) -> None:
    failing = failing_rules(conformance, tmp_path / "plain")
    file = listed(tmp_path, *((rule, "was to be mended", PAST) for rule in failing))
    out = tmp_path / "out"
    run = conformance(*RUN, "--known-failures", file, "--out", str(out))
    assert run.returncode == 1
    assert f"expired on {PAST}: counts as no entry" in run.stdout
    assert {one["state"] for one in result_in(out)["known_failures"]} == {"expired"}
    assert "expired, counts as no entry" in (out / "report.html").read_text("utf-8")
    assert "expired, counts as no entry" in (out / "summary.md").read_text("utf-8")
    assert int(junit_in(out).get("failures", "0")) > 0


def test_an_unexpected_pass_fails_the_run(conformance: Command, tmp_path: Path) -> None:
    file = listed(tmp_path, ("7816-4/select/by-name", "mask 6", FUTURE))
    out = tmp_path / "out"
    run = conformance(
        *("run", "--card", "sim:iso7816", "--area", "select", "--examples", "2"),
        *("--known-failures", file, "--out", str(out)),
    )
    assert run.returncode == 1
    assert "passes although it is listed" in run.stdout
    assert result_in(out)["run"]["outcome"] == "conformant"
    junit = junit_in(out)
    (failure,) = junit.iter("failure")
    assert failure.get("type") == "unexpected pass"
    assert junit.get("failures") == "1"
    assert junit.get("tests") == str(len(list(junit.iter("testcase"))))
    assert "passes although it is listed" in (out / "report.html").read_text("utf-8")


ENTRY = "schema = 1\n[[failure]]\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", r"schema: Field required"),
        ("schema = 2\n", r"schema: Input should be 1"),
        (f"{ENTRY}id = 'a\n", r"not valid TOML"),
        ("schema = 1\nextra = 1\n", r"extra: Extra inputs are not permitted"),
        (f"{ENTRY}id = 'x/y'\nreason = 'r'\nexpires = 2027-01-01\n", r"failure\.0\.id: x/y is nei"),
        (f"{ENTRY}id = 'a'\nexpires = 2027-01-01\n", r"failure\.0\.reason: Field required"),
        (
            f"{ENTRY}id = 'a'\nreason = ' '\nexpires = 2027-01-01\n",
            r"failure\.0\.reason: String",
        ),
        (
            f"{ENTRY}id = 'a'\nreason = 'r'\nexpires = 20270101\n",
            r"failure\.0\.expires: Input",
        ),
        (
            f"{ENTRY}id = 'a'\nreason = 'r'\nexpires = 'soon'\n",
            r"failure\.0\.expires: Input should",
        ),
        (f"{ENTRY}id = 'a'\nreason = 'r'\nexpires = 2027-02-30\n", r"not valid TOML"),
        (
            "schema = 1\n" + 2 * "[[failure]]\nid = 'a'\nreason = 'r'\nexpires = 2027-01-01\n",
            r"failure\.1\.id: a is listed twice",
        ),
    ],
)
def test_a_list_with_a_mistake_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "known.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError, match=complaint) as refused:
        load_known_failures(path, ["a"], TODAY)
    assert str(refused.value).startswith(str(path))


def test_a_list_with_a_mistake_ends_with_exit_code_3(conformance: Command, tmp_path: Path) -> None:
    file = listed(tmp_path, ("7816-4/no/such", "x", FUTURE))
    run = conformance("run", "--card", "sim:iso7816", "--known-failures", file)
    assert run.returncode == 3
    assert "known.toml: failure.0.id: 7816-4/no/such" in run.stderr
    gone = conformance("run", "--card", "sim:iso7816", "--known-failures", "nowhere.toml")
    assert gone.returncode == 3
    assert "nowhere.toml: cannot be read" in gone.stderr


def case(name: str, verdict: Verdict, broken: str = "", known: str = "") -> Case:
    return Case(
        id=name,
        title="t",
        area="x",
        risk=Risk.OBSERVE,
        verdict=verdict,
        failure=Failure(requirement=broken, message="m") if broken else None,
        known=known,
        requirements=("a", "b"),
    )


def test_the_last_day_still_counts() -> None:
    entry = Entry(id="a", reason="r", expires=TODAY)
    failed = case("x/one", Verdict.FAIL, "a")
    assert KnownFailures((entry,), TODAY).marked(failed).known == "r"
    assert KnownFailures((entry,), TODAY + timedelta(days=1)).marked(failed).known == ""
    passed = case("x/one", Verdict.PASS)
    own = Entry(id="x/one", reason="r", expires=TODAY)
    assert KnownFailures((own,), TODAY).marked(passed) is passed


def test_a_requirement_is_known_to_fail_when_all_its_failures_are() -> None:
    known = case("x/one", Verdict.FAIL, "a", "r")
    fresh = case("x/two", Verdict.FAIL, "a")
    assert reason_of("a", Verdict.FAIL, [known]) == "r"
    assert reason_of("a", Verdict.FAIL, [known, fresh]) == ""
    assert reason_of("a", Verdict.PASS, [known]) == ""


def test_a_requirement_whose_case_broke_off_on_a_known_failure_is_no_doubt() -> None:
    known = case("x/one", Verdict.FAIL, "a", "r")
    doubt = case("x/two", Verdict.INCONCLUSIVE, "b")
    assert reason_of("b", Verdict.INCONCLUSIVE, [known]) == "r"
    assert reason_of("b", Verdict.INCONCLUSIVE, [known, doubt]) == ""


def test_an_entry_that_was_not_judged_stays_open() -> None:
    both = (Entry(id=one, reason="r", expires=TODAY) for one in ("x/one", "x/gone"))
    entries = KnownFailures(tuple(both), TODAY)
    told = entries.told((), [case("x/one", Verdict.NOT_RUN)])
    assert [one.state for one in told] == [KnownState.OPEN, KnownState.OPEN]
