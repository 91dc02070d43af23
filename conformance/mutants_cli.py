"""The command `conformance mutants`: judge every card with a known fault, print the matrix."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from conformance.console import new_console
from conformance.result import write_atomically
from conformance.trouble import UsageError


def mutants(
    processes: Annotated[str, typer.Option("-n", help="Processes, or auto.")] = "1",
    seed: Annotated[int, typer.Option(help="Decides the generated histories.")] = 0,
    examples: Annotated[int, typer.Option(min=1, help="Histories in each property.")] = 100,
    name: Annotated[list[str] | None, typer.Option(help="Only this mutant; repeatable.")] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the matrix as Markdown too.")
    ] = None,
) -> int:
    """Judge every card with a known fault; exit 1 when one is not found on its requirement."""
    from conformance.mutants import MUTANTS
    from conformance.mutants.matrix import judge_all, markdown_of
    from conformance.spread import how_many

    chosen = name or list(MUTANTS)
    unknown = [one for one in chosen if one not in MUTANTS]
    if unknown:
        raise UsageError(f"no such mutant: {', '.join(unknown)}")
    rows = []
    console = new_console()
    table = Table("mutant", "breaks", "killed by", "lines", "seconds", box=None, pad_edge=False)
    for row in judge_all(chosen, how_many(processes), seed, examples):
        rows.append(row)
        killer = row.case or f"[bold red]survived[/] {', '.join(row.others)}"
        table.add_row(row.name, row.requirement, killer, str(row.script), f"{row.seconds:.2f}")
    console.print(table)
    killed = sum(row.killed for row in rows)
    console.print(f"{killed} of {len(rows)} killed on their requirement")
    if markdown is not None:
        try:
            write_atomically(markdown, markdown_of(rows).encode())
        except OSError as error:
            raise UsageError(f"--markdown {markdown}: cannot be written: {error}") from error
    return int(killed < len(rows))
