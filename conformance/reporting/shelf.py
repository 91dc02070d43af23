"""A laboratory's shelf: every run under a folder, at a glance, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from conformance.reporting.seal import State, integrity
from conformance.reporting.summary import Tally
from conformance.result import RESULT_FILE, Result, ResultError, read_result
from conformance.trouble import UsageError


@dataclass(frozen=True, slots=True)
class Volume:
    """One run on the shelf; `result` is None when it cannot be read, and `fault` says why."""

    folder: str
    result: Result | None
    tally: Tally
    reports: tuple[tuple[str, str], ...] = ()
    """Link and file name of each report beside the result."""
    seal: State = State.UNSIGNED
    fault: str = ""


def shelf(root: Path) -> tuple[Volume, ...]:
    """The runs in and under *root*; UsageError when there are none."""
    if not root.is_dir():
        raise UsageError(f"{root}: no such folder")
    found = tuple(
        sorted(
            _volumes(root),
            key=lambda one: one.result.run.started if one.result else "",
            reverse=True,
        )
    )
    if not found:
        raise UsageError(f"{root}: no {RESULT_FILE} in it or under it")
    return found


def _volumes(root: Path) -> Iterator[Volume]:
    for file in sorted(root.rglob(RESULT_FILE)):
        folder = file.parent
        name = folder.relative_to(root).as_posix()
        try:
            result = read_result(file)
        except ResultError as error:
            yield Volume(name, None, Tally.of(()), fault=str(error))
            continue
        pages = tuple(
            (quote(page.relative_to(root).as_posix()), page.name)
            for page in sorted(folder.glob("report*.html"))
        )
        tally = Tally.of(one.verdict for one in result.requirements)
        yield Volume(name, result, tally, pages, integrity(folder))
