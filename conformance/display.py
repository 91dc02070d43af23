"""What a person sees of a run: progress while it goes on, verdicts and scripts at its end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, TextColumn
from rich.table import Table

from conformance.minimise import script_text
from conformance.progress import ProgressLine
from conformance.result import KnownState
from conformance.verdict import Verdict

if TYPE_CHECKING:
    from conformance.case import Case
    from conformance.result import Case as CaseResult
    from conformance.result import Result

COLOURS = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_RUN: "cyan",
    Verdict.NOT_APPLICABLE: "dim",
}


def coloured(verdict: Verdict) -> str:
    """The verdict in its colour."""
    return f"[{COLOURS[verdict]}]{verdict}[/]"


class Display(ProgressLine):
    """A progress bar on a terminal; elsewhere one line for each case that did not pass."""

    def __init__(self, console: Console, total: int) -> None:
        columns = (MofNCompleteColumn(), TextColumn("{task.fields[counts]}"))
        super().__init__(console, *columns, total=total, counts="")
        self._counts: Counter[Verdict] = Counter()

    def __call__(self, case: Case, result: CaseResult | None) -> None:
        """The listener of the judge."""
        if result is None:
            self._progress.update(self._task, description=f"{case.id:<38.38}")
            return
        self._counts[result.verdict] += 1
        counts = " ".join(
            f"[{COLOURS[verdict]}]{number}[/] {verdict.value.lower()}"
            for verdict, number in self._counts.items()
        )
        self._progress.update(self._task, advance=1, counts=counts)
        if result.verdict in {Verdict.FAIL, Verdict.INCONCLUSIVE}:
            line = f"{coloured(result.verdict)}  {escape(result.id)}: {escape(result.reason)}"
            known = f"  [dim]known: {escape(result.known)}[/]" if result.known else ""
            self._console.print(line + known)


def show_result(console: Console, result: Result) -> None:
    """Failures with their scripts, then how many requirements have which verdict."""
    for case in result.cases:
        if case.failure is None:
            continue
        requirement = next(
            (one for one in result.requirements if one.id == case.failure.requirement), None
        )
        console.print(f"\n{coloured(case.verdict)}  {escape(case.failure.requirement)}")
        if requirement is not None:
            console.print(f"  {escape(requirement.text)}")
            harm = escape(requirement.harm)
            console.print(f"  {escape(requirement.clause)} ({requirement.level}); harm: {harm}")
        if case.known:
            console.print(f"  known: {escape(case.known)}")
        console.print(f"  case {escape(case.id)}: {escape(case.reason)}\n")
        console.print(escape(script_text(case.failure)))
    counts = Counter(requirement.verdict for requirement in result.requirements)
    table = Table(box=None, show_header=False, pad_edge=False)
    for verdict in Verdict:
        if counts[verdict]:
            table.add_row(coloured(verdict), str(counts[verdict]))
    console.print()
    console.print(table)
    show_known(console, result)
    console.print(f"[bold]{result.run.outcome}[/]: {escape(result.card.name)} ({result.card.spec})")


def show_known(console: Console, result: Result) -> None:
    """What became of each entry in the list of known failures, and what that does to the run."""
    said = {
        KnownState.FAILED: "[dim]known, until {expires}[/]",
        KnownState.PASSED: "[bold red]passes although it is listed: delete the entry[/]",
        KnownState.OPEN: "[yellow]listed, and neither passed nor failed[/]",
        KnownState.EXPIRED: "[bold red]expired on {expires}: counts as no entry[/]",
    }
    for one in result.known_failures:
        state = said[one.state].format(expires=one.expires)
        console.print(f"{escape(one.id)}: {state} ({escape(one.reason)})")
    if result.run.besides_known is not None:
        console.print(f"besides known failures: [bold]{result.run.besides_known}[/]")
