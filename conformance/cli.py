"""The command line `conformance`: judge a card, list the cases, replay a failure, make a report."""

from __future__ import annotations

import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from conformance import ics_cli, mutants_cli, report_cli, restore_cli
from conformance.console import complain, new_console
from conformance.trouble import CardLost, UsageError

if TYPE_CHECKING:
    from conformance.engine import Request

USAGE = 3
LOST = 4
INTERRUPTED = 2

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)
app.add_typer(ics_cli.app, name="ics")
app.add_typer(report_cli.app, name="report")
app.command("restore")(restore_cli.restore)
app.command("mutants")(mutants_cli.mutants)
_console = new_console()

CardOption = Annotated[str, typer.Option("--card", "-c", help="sim:PROFILE, pcsc:READER, ...")]
IcsOption = Annotated[str | None, typer.Option("--ics", help="Statement; default: by the ATR.")]
KeysOption = Annotated[
    str | None, typer.Option("--keys", help="Values of PINs; default: beside it.")
]
RiskOption = Annotated[
    str | None, typer.Option("--risk", help="observe, restore, consume or destroy.")
]
ReconnectOption = Annotated[
    float, typer.Option(min=0, help="Seconds to wait for a card that was lost.")
]
BudgetOption = Annotated[
    str | None, typer.Option(help="Time for judging: 90s, 10m, 1h30m. What is new comes first.")
]
KnownOption = Annotated[
    str | None,
    typer.Option("--known-failures", metavar="FILE", help="What may fail, why, until when."),
]


@app.command()
def run(
    card: CardOption,
    ics: IcsOption = None,
    keys: KeysOption = None,
    risk: RiskOption = None,
    seed: Annotated[int, typer.Option(help="Decides the generated histories.")] = 0,
    examples: Annotated[int, typer.Option(min=1, help="Histories in each property.")] = 100,
    out: Annotated[Path, typer.Option(help="Folder for the result and the report.")] = Path("out"),
    area: Annotated[list[str] | None, typer.Option(help="Only this area; repeatable.")] = None,
    any_atr: Annotated[bool, typer.Option("--any-atr", help="Whatever the ATR is.")] = False,
    reconnect: ReconnectOption = 10,
    budget: BudgetOption = None,
    processes: Annotated[str, typer.Option("-n", help="Processes, or auto.")] = "1",
    known_failures: KnownOption = None,
    operator: Annotated[str, typer.Option(help="Who judges, for the report.")] = "",
    lab: Annotated[str, typer.Option(help="Where, for the report.")] = "",
) -> int:
    """Judge a card. Exit: 0 conformant, 1 not, 2 inconclusive, 3 usage, 4 card lost."""
    from conformance.budget import seconds_of
    from conformance.engine import Request

    request = Request(
        card=card,
        ics=ics,
        keys=keys,
        risk=risk,
        seed=seed,
        examples=examples,
        out=str(out),
        areas=_areas(area or []),
        any_atr=any_atr,
        reconnect=reconnect,
        known_failures=known_failures,
        today=datetime.now().astimezone().date(),
        budget=seconds_of(budget) if budget is not None else None,
        operator=operator,
        lab=lab,
        command_line=shlex.join(["conformance", *sys.argv[1:]]),
    )
    return _judged(request, out, processes)


def _judged(request: Request, out: Path, processes: str) -> int:
    """Judge as *request* says, show the result and write the reports to *out*; the exit code."""
    from conformance.display import Display, show_result
    from conformance.engine import all_cases, execute, exit_code, prepare
    from conformance.spread import execute_spread, how_many

    count = how_many(processes)
    judge = prepare(request)
    with Display(_console, len(all_cases())) as display:
        if count == 1:
            result = execute(judge, request.areas, display)
        else:
            result = execute_spread(judge, request, count, display)
    show_result(_console, result)
    if judge.lost:
        complain(judge.lost)
    if judge.owing:
        complain(judge.owing)
    _report(out)
    return exit_code(result)


def _areas(asked: list[str]) -> tuple[str, ...]:
    from conformance.runner import AREAS

    for name in asked:
        if name not in AREAS:
            raise UsageError(f"--area {name}: expected {', '.join(AREAS)}")
    return tuple(asked)


def _report(folder: Path, language: str = "en") -> None:
    from conformance.report import write_all

    _console.print(f"report: {', '.join(str(path) for path in write_all(folder, language))}")


@app.command("list")
def list_cases(
    requirements: Annotated[bool, typer.Option("--requirements", help="The matrix.")] = False,
) -> int:
    """List the cases, or with --requirements every requirement and the cases that cover it."""
    from conformance.catalogue import load_catalogue
    from conformance.engine import all_cases

    cases = all_cases()
    if not requirements:
        table = Table("case", "risk", "promise", box=None, pad_edge=False)
        for case in cases:
            table.add_row(case.id, case.risk, case.title)
        _console.print(table)
        return 0
    catalogue = load_catalogue()
    table = Table("requirement", "level", "clause", "harm", "cases", box=None, pad_edge=False)
    uncovered = 0
    for rule in catalogue:
        covering = [case.id for case in cases if rule.id in case.covers]
        uncovered += not covering
        shown = ", ".join(covering) or "[red]uncovered[/]"
        table.add_row(rule.id, rule.level, rule.clause, rule.harm, shown)
    _console.print(table)
    _console.print(f"{len(catalogue)} requirements, {uncovered} uncovered, {len(cases)} cases")
    return 0


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run.")],
    case: Annotated[str, typer.Argument(metavar="CASE", help="Id of a failed case.")],
    card: Annotated[str | None, typer.Option("--card", "-c", help="Default: the run's.")] = None,
    ics: IcsOption = None,
    keys: KeysOption = None,
    risk: RiskOption = None,
) -> int:
    """Show a failure again, by its script or its case; exit 1 when it comes up again."""
    from conformance.replay_cli import command

    return command(folder, case, card, ics, keys, risk)


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(metavar="A", help="Folder or result.json of a run.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="The run to compare with it.")],
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the page too.")
    ] = None,
    lang: Annotated[str, typer.Option("--lang", help="Of the page: en or zh.")] = "en",
) -> int:
    """Tell what changed from A to B; exit 1 when something that passed does not any more."""
    from conformance.compare_cli import command

    return command(_console, before, after, html, lang)


def _command_line_errors() -> tuple[type[Exception], ...]:
    """The exceptions of wrong options; typer brings them along under changing names."""
    ancestors = typer.BadParameter.__mro__
    return tuple(kind for kind in ancestors if kind.__name__ == "ClickException")


def main() -> None:
    """Run the command line; whatever goes wrong around a run becomes one line and an exit code."""
    code: Any = 0
    try:
        code = app(standalone_mode=False)
    except UsageError as error:
        complain(str(error))
        code = USAGE
    except CardLost as error:
        complain(str(error))
        code = LOST
    except _command_line_errors() as error:
        complain(str(getattr(error, "format_message", error.__str__)()))
        code = USAGE
    except (KeyboardInterrupt, typer.Abort):
        complain("interrupted")
        code = INTERRUPTED
    sys.exit(code or 0)
