"""The command `conformance restore`: put a card back that a run left as it was not found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from conformance.console import say

NOT_ALL = 2

Option = Annotated[str | None, typer.Option(help="Default: that of the run.")]


def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the run.")],
    card: Annotated[str | None, typer.Option("--card", "-c", help="Default: the run's.")] = None,
    ics: Option = None,
    keys: Option = None,
    any_atr: Annotated[bool, typer.Option("--any-atr", help="Whatever card it is.")] = False,
) -> int:
    """Put a card back from the undo log of a run. Exit: 0 done, 2 not all, 3 usage, 4 card lost."""
    from conformance.engine import Request, prepare
    from conformance.restoring import restore as put_back
    from conformance.undolog import UndoLog, read_log

    written = read_log(folder)
    if written.put_back:
        say(f"{written.path}: the card was put back already; nothing was sent")
        return 0
    found = written.card
    request = Request(
        card=card or found.spec,
        ics=ics or found.ics,
        keys=keys or found.keys,
        risk=found.risk,
        any_atr=any_atr,
    )
    bench = prepare(request).bench
    try:
        bench.undo = UndoLog.resumed(written.path)
        report = put_back(bench, written, any_card=any_atr)
    finally:
        bench.card.close()
    for what in report.done:
        say(f"put back: {what}")
    for what in report.failed:
        say(f"could not be put back: {what}")
    if not report.done and not report.failed:
        say("everything is as it was found")
    return NOT_ALL if report.failed else 0
