"""Makes reports from a result: the page, JUnit XML, a Markdown summary, a comparison, a shelf.

Everything here works from `result.json` and the trace beside it, any time later, without a card.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from conformance.reporting import page
from conformance.reporting.language import language
from conformance.result import RESULT_FILE, Result, encode, read_result, write_atomically

REPORT_FILES = {"en": "report.html", "zh": "report.zh.html"}


def render_html(source: Result | Path, lang: str = "en") -> str:
    """The report of *source*, a result or the folder or file that holds one, as one HTML page."""
    if isinstance(source, Path):
        folder: Path | None = source if source.is_dir() else source.parent
        result = read_result(source)
        data = (source / RESULT_FILE if source.is_dir() else source).read_bytes()
    else:
        folder, result, data = None, source, encode(source)
    digests = {RESULT_FILE: hashlib.sha256(data).hexdigest()}
    return page.render(result, folder, language(lang), digests)


def write_report(directory: Path, lang: str = "en") -> Path:
    """Writes the report of the result in *directory* beside it: report.html, or report.zh.html."""
    path = directory / REPORT_FILES[language(lang).code]
    write_atomically(path, render_html(directory, lang).encode())
    return path
