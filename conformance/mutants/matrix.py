"""The kill matrix: every mutant judged, each in its own process, until its requirement fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from conformance.engine import Request, execute, prepare
from conformance.mutants import MUTANTS
from conformance.reporting.markdown import code, escape
from conformance.result import Failure, Result
from conformance.verdict import Verdict

HEAD = """\
# Kill matrix

{killed} of {all} cards with one fault each are found, on the requirement that the fault breaks.
Written by `conformance mutants -n auto --markdown conformance/mutants/MATRIX.md`; a test says when
it has to be written anew.
"""
COLUMNS = "| mutant | fault | requirement | killed by | lines |\n| --- | --- | --- | --- | ---: |\n"


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one mutant."""

    name: str
    requirement: str
    killed: bool
    """Whether the declared requirement failed."""
    case: str = ""
    """The case that found it."""
    failure: Failure | None = None
    """What was told of it."""
    others: tuple[str, ...] = ()
    """Other requirements that failed before."""
    seconds: float = 0.0

    @property
    def script(self) -> int:
        """How many lines the script of the failure has."""
        return len(self.failure.script) if self.failure is not None else 0


def judge_mutant(name: str, seed: int = 0, examples: int = 100) -> Row:
    """Judge the mutant *name*: its own area first, then everything."""
    mutant = MUTANTS[name]
    row = Row(name, mutant.breaks, killed=False)
    for areas in ((mutant.area,), ()):
        request = Request(
            card=f"mutant:{name}", risk=mutant.risk, seed=seed, examples=examples, areas=areas
        )
        result = execute(prepare(request), areas, until=mutant.breaks)
        row = _row(result, name, mutant.breaks)
        if row.killed:
            break
    return row


def _row(result: Result, name: str, breaks: str) -> Row:
    seconds = sum(case.seconds for case in result.cases)
    failed = [
        case for case in result.cases if case.verdict is Verdict.FAIL and case.failure is not None
    ]
    others = tuple(
        dict.fromkeys(
            case.failure.requirement
            for case in failed
            if case.failure and case.failure.requirement != breaks
        )
    )
    for case in failed:
        if case.failure is not None and case.failure.requirement == breaks:
            return Row(
                name,
                breaks,
                killed=True,
                case=case.id,
                failure=case.failure,
                others=others,
                seconds=seconds,
            )
    return Row(name, breaks, killed=False, others=others, seconds=seconds)


def judge_all(
    names: Sequence[str], processes: int, seed: int = 0, examples: int = 100
) -> Iterator[Row]:
    """The rows of *names*, in their order, judged in *processes* at a time."""
    if processes <= 1:
        yield from (judge_mutant(name, seed, examples) for name in names)
        return
    with ProcessPoolExecutor(processes) as pool:
        count = len(names)
        yield from pool.map(judge_mutant, names, [seed] * count, [examples] * count)


def markdown_of(rows: Sequence[Row]) -> str:
    """The matrix as a page of Markdown, a table for each area, areas and rows in their order."""
    areas: dict[str, list[Row]] = {}
    for row in rows:
        areas.setdefault(MUTANTS[row.name].area, []).append(row)
    killed = sum(row.killed for row in rows)
    text = HEAD.format(killed=killed, all=len(rows))
    for area, members in areas.items():
        text += f"\n## {area}\n\n{COLUMNS}"
        for row in members:
            cells = (
                code(row.name),
                escape(MUTANTS[row.name].text),
                code(row.requirement),
                code(row.case) if row.killed else "**survived**",
                str(row.script) if row.killed else "-",
            )
            text += f"| {' | '.join(cells)} |\n"
    return text
