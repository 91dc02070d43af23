"""The command `conformance compare`: what got better and what got worse from one run to another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.report import comparison, render_comparison
from conformance.reporting.compare import Change
from conformance.reporting.wording import duration
from conformance.result import write_atomically
from conformance.trouble import UsageError

if TYPE_CHECKING:
    from conformance.reporting.compare import Comparison

REGRESSED = 1
TITLES = {
    Change.BROKE: "[bold red]broke[/]",
    Change.DOUBTFUL: "[yellow]became doubtful[/]",
    Change.LOST: "[cyan]not judged any more[/]",
    Change.FIXED: "[green]fixed[/]",
    Change.GAINED: "[green]newly covered[/]",
    Change.OTHER: "[dim]other changes[/]",
}
WARNINGS = {
    "catalogue": "the runs were judged by different catalogues",
    "statement": "the statements differ",
    "risk": "the runs had different risk levels",
    "incomplete": "a run was not brought to its end",
}


def command(console: Console, before: Path, after: Path, html: Path | None, lang: str) -> int:
    """Compare the run in *after* with that in *before*; 1 when something got worse, else 0."""
    found = comparison([before, after])
    show(console, found)
    if html is not None:
        page = render_comparison(found, lang).encode()
        try:
            write_atomically(html, page)
        except OSError as error:
            raise UsageError(f"--html {html}: cannot be written: {error.strerror}") from error
        console.print(f"page: {html}")
    return REGRESSED if found.regressed else 0


def show(console: Console, found: Comparison) -> None:
    """The requirements by what became of them, the gravest first; commands by their pace."""
    for warning in found.warnings:
        console.print(f"[yellow]note:[/] {WARNINGS[warning]}")
    table = Table(
        "change", "requirement", *map(escape, found.labels), "reason", box=None, pad_edge=False
    )
    for change, title in TITLES.items():
        for row in found.rows_of(change):
            verdicts = [str(verdict) if verdict else "-" for verdict in row.verdicts]
            table.add_row(title, escape(row.requirement.id), *verdicts, escape(row.reasons[-1]))
    if table.row_count:
        console.print(table)
    paces = Table(
        "command", *map(escape, found.labels), "change", box=None, pad_edge=False, title=""
    )
    for pace in found.paces:
        if pace.trends[-1] and pace.ratios[-1]:
            medians = [duration(timing.median) if timing else "-" for timing in pace.timings]
            paces.add_row(pace.name, *medians, f"{pace.trends[-1]} x {pace.ratios[-1]:.2f}")
    if paces.row_count:
        console.print(paces)
    counts = ", ".join(
        f"{len(found.rows_of(change))} {title}"
        for change, title in TITLES.items()
        if found.rows_of(change)
    )
    console.print(counts or "no requirement changed its verdict")
