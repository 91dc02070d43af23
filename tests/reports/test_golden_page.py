from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from conformance.report import render_html, write_report
from conformance.result import Result, ResultError
from conformance.trouble import UsageError
from conformance.verdict import Outcome, Verdict

SAMPLE = Path(__file__).parents[2] / "reports" / "sample"
SECTIONS = (
    *("summary", "identity", "findings", "requirements", "unjudged"),
    *("statement", "environment", "method", "cases"),
)


class Outline(HTMLParser):
    """The ids and links of a page, and what it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "href":
                self.links.append(value or "")
            elif name in {"src", "srcset", "data", "action", "poster"}:
                self.fetched.append(f"{tag} {name}")
            elif name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")


def test_the_sample_renders_as_the_golden_page() -> None:
    golden = (SAMPLE / "report.html").read_text("utf-8")
    assert render_html(SAMPLE) == golden, (
        "look at the new page, then: conformance report html reports/sample"
    )


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_page_is_whole_by_itself(lang: str) -> None:
    page = render_html(SAMPLE, lang)
    outline = Outline(page)
    assert outline.fetched == []
    assert outline.inline == [], "the policy of the page allows no inline style or handler"
    assert not re.search(r"(?:url|image|import)\s*\(?\s*['\"]?https?:", page)
    assert [link for link in outline.links if not link.startswith("#")] == []
    assert len(outline.ids) == len(set(outline.ids))
    assert {link[1:] for link in outline.links} <= set(outline.ids)
    assert set(SECTIONS) <= set(outline.ids)


def test_every_requirement_and_case_has_its_link(sample_result: Result) -> None:
    ids = Outline(render_html(SAMPLE)).ids
    for requirement in sample_result.requirements:
        assert f"req-{requirement.id.replace('/', '_2F')}" in ids
    for case in sample_result.cases:
        assert f"case-{case.id.replace('/', '_2F')}" in ids


def test_a_page_can_be_made_of_the_result_alone(sample_result: Result, tmp_path: Path) -> None:
    assert "The trace of this run was not at hand" in render_html(sample_result)
    shutil.copy(SAMPLE / "result.json", tmp_path / "result.json")
    assert "not beside the result" in render_html(tmp_path)


def test_the_trace_of_another_run_is_not_shown(tmp_path: Path) -> None:
    shutil.copy(SAMPLE / "result.json", tmp_path / "result.json")
    (tmp_path / "trace.jsonl").write_text('{"n":0,"event":"from another run"}\n')
    page = render_html(tmp_path)
    assert "the file beside the result is another one" in page
    assert "from another run" not in page


def test_each_language_has_its_file(tmp_path: Path) -> None:
    for name in ("result.json", "trace.jsonl"):
        shutil.copy(SAMPLE / name, tmp_path / name)
    assert write_report(tmp_path).name == "report.html"
    assert write_report(tmp_path, "zh").name == "report.zh.html"
    assert '<html lang="zh-Hans">' in (tmp_path / "report.zh.html").read_text("utf-8")


def test_a_language_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="--lang fr: there is en and zh"):
        render_html(SAMPLE, "fr")


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_its_page(sample_result: Result, outcome: Outcome, lang: str) -> None:
    run = sample_result.run.model_copy(update={"outcome": outcome})
    changes = {"requirements": (), "cases": (), "timings": {}, "trace": None, "harms": {}}
    for result in (sample_result, sample_result.model_copy(update=changes)):
        page = render_html(result.model_copy(update={"run": run}), lang)
        shape = page.partition('<div class="verdict v-')[2].partition('"')[0]
        wanted = {"conformant": "pass", "non-conformant": "fail", "inconclusive": "doubt"}
        assert shape == wanted.get(outcome.value, "notrun")


def test_a_folder_without_a_result_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=r"result\.json: cannot be read"):
        write_report(tmp_path)


def test_the_failing_step_is_told_with_its_fields_and_objects() -> None:
    page = render_html(SAMPLE)
    finding = page.partition('id="finding-binary_2Fread-anywhere"')[2].partition("</article>")[0]
    for told in (
        "ISO/IEC 7816-4:2020, 11.3.3",
        "READ BINARY with bit 8 of P1 clear answers the bytes from the offset",
        "What was written is not what is read later.",
        "offset 7",
        "file control information (FCI)",
        "DF name",
        "wrong",
        "0708 and 9000",
        "conformance replay . binary/read-anywhere --card &#39;pcsc:Sample Reader 00 00&#39;",
    ):
        assert told in finding, told


def test_a_failure_that_stayed_in_doubt_shows_what_was_sent(failing: Callable[..., Result]) -> None:
    found = failing(command="00B0012304")
    (case,) = found.cases
    doubted = case.model_copy(update={"verdict": Verdict.INCONCLUSIVE})
    page = render_html(found.model_copy(update={"cases": (doubted,)}))
    assert "<pre>&gt; 00B0012304" in page
    assert "<pre>&gt; 00B0012304" not in render_html(found), "a finding tells it step by step"
