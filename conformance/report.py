"""Makes reports from a result: the page, JUnit XML, a Markdown summary, a comparison, a shelf.

Everything here works from `result.json` and the trace beside it, any time later, without a card.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from conformance.reporting import page, seal
from conformance.reporting.compare import Comparison, compare
from conformance.reporting.junit import junit
from conformance.reporting.language import language
from conformance.reporting.markdown import markdown
from conformance.reporting.shelf import shelf
from conformance.result import (
    RESULT_FILE,
    TRACE_FILE,
    Result,
    encode,
    read_result,
    write_atomically,
)
from conformance.trouble import UsageError

REPORT_FILES = {"en": "report.html", "zh": "report.zh.html"}
JUNIT_FILE = "junit.xml"
SUMMARY_FILE = "summary.md"
INDEX_FILE = "index.html"


def render_html(source: Result | Path, lang: str = "en") -> str:
    """The report of *source*, a result or the folder or file that holds one, as one HTML page.

    It carries the digests of what it was made from and of itself; see `conformance report verify`.
    """
    tongue = language(lang)
    if isinstance(source, Path):
        folder = source if source.is_dir() else source.parent
        result = read_result(source)
        files = {RESULT_FILE: seal.digest((folder / RESULT_FILE).read_bytes())}
        if result.trace is not None and (folder / TRACE_FILE).is_file():
            files[TRACE_FILE] = seal.digest((folder / TRACE_FILE).read_bytes())
        html = page.render(result, folder, tongue, files[RESULT_FILE]["sha256"])
    else:
        files = {RESULT_FILE: seal.digest(encode(source))}
        html = page.render(source, None, tongue, files[RESULT_FILE]["sha256"])
    return seal.embed(html.encode(), REPORT_FILES[tongue.code], files).decode()


def write_report(directory: Path, lang: str = "en") -> Path:
    """Writes the report of the result in *directory* beside it: report.html, or report.zh.html."""
    path = directory / REPORT_FILES[language(lang).code]
    write_atomically(path, render_html(directory, lang).encode())
    return path


def write_junit(result: Result, path: Path) -> None:
    """Writes *result* as JUnit XML."""
    write_atomically(path, junit(result))


def write_markdown(result: Result, path: Path, lang: str = "en") -> None:
    """Writes the summary of *result* as Markdown."""
    write_atomically(path, markdown(result, language(lang)).encode())


def write_all(directory: Path, lang: str = "en") -> tuple[Path, ...]:
    """Writes report, JUnit XML and summary of the result in *directory* beside it."""
    result = read_result(directory)
    report = write_report(directory, lang)
    write_junit(result, directory / JUNIT_FILE)
    write_markdown(result, directory / SUMMARY_FILE, lang)
    return report, directory / JUNIT_FILE, directory / SUMMARY_FILE


def comparison(folders: Sequence[Path]) -> Comparison:
    """The runs in *folders*, two or more, against the first; UsageError when one is no run."""
    if len(folders) < 2:
        raise UsageError("compare needs the folders of two runs or more")
    names = [folder.resolve().name for folder in folders]
    labels = names if len(set(names)) == len(names) else [str(folder) for folder in folders]
    return compare([read_result(folder) for folder in folders], labels)


def render_comparison(found: Comparison, lang: str = "en") -> str:
    """*found* as one HTML page."""
    return page.page("comparison.html.jinja", language(lang), comparison=found)


def write_index(directory: Path, lang: str = "en") -> Path:
    """Writes a page that lists every run under *directory* as its index.html."""
    path = directory / INDEX_FILE
    volumes = shelf(directory)
    html = page.page("index.html.jinja", language(lang), volumes=volumes, folder=directory.name)
    write_atomically(path, html.encode())
    return path
