"""The commands under `conformance ics`: draft a statement by an interview, check a statement."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.console import say

if TYPE_CHECKING:
    from conformance.cards import CardUnderTest
    from conformance.interview import Interview, Scope

INTERRUPTED = 2
NO_FILE = "mycard.toml"
"""The name that the draft is given where it goes to standard output."""

app = typer.Typer(no_args_is_help=True, help="Work with a statement (ICS).")


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="A statement, TOML.")],
    keys: Annotated[
        str | None, typer.Option("--keys", help="Values of PINs; default: beside it.")
    ] = None,
) -> int:
    """Check a statement and its keys; exit 3 names the file, the key and the rule it breaks."""
    from conformance.catalogue import load_catalogue
    from conformance.catalogue.facts import facts_of
    from conformance.engine import declared_in

    statement, known = declared_in(file, keys)
    facts = facts_of(statement)
    concerned = sum(rule.condition.holds(facts) for rule in load_catalogue())
    say(f"{file}: {statement.card.name}, ATR {statement.card.atr}")
    say(f"{len(statement.layout.files)} files, {len(statement.layout.references)} references")
    say(f"{len(known.values)} values known, {concerned} requirements concern this card")
    return 0


@app.command("new")
def new(
    card: Annotated[str, typer.Option("--card", "-c", help="sim:PROFILE, pcsc:READER, ...")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The draft; default: standard output.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file that is there.")
    ] = False,
    candidates: Annotated[
        Path | None, typer.Option(help="TOML: more files, names and references to ask for.")
    ] = None,
    ask_tries: Annotated[
        bool,
        typer.Option(
            "--ask-tries",
            help="Ask with VERIFY without data how many tries are left. A few cards count that as"
            " a wrong guess: the interview stops asking at the first sign of it.",
        ),
    ] = False,
    effort: Annotated[int, typer.Option(min=1, help="Commands at most.")] = 20_000,
    reconnect: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for a card that was lost.")
    ] = 10,
) -> int:
    """Interview a card: what it is, has and lets be read, as a draft. Writes nothing to it."""
    from conformance.interview import Scope
    from conformance.interview.candidates import load_candidates
    from conformance.trouble import UsageError

    if out is not None and out.exists() and not force:
        raise UsageError(f"{out}: is there already; --force writes over it")
    if out is not None and not out.absolute().parent.is_dir():
        raise UsageError(f"{out}: there is no such folder")
    scope = Scope(load_candidates(candidates), effort, ask_tries)
    opened = _open(card, reconnect)
    try:
        return _interview(opened, scope, out)
    finally:
        opened.close()


def _interview(card: CardUnderTest, scope: Scope, out: Path | None) -> int:
    """The exit code; whatever ends the interview, a draft of what was found is written."""
    from conformance.interview import Interview
    from conformance.interview.display import Display
    from conformance.trouble import CardLost, UsageError

    atr = card.connect()
    if not atr:
        raise UsageError(f"--card {card.spec}: the card answers no ATR")
    code = 0
    with Display() as display:
        interview = Interview(card, atr, scope, display, time.perf_counter)
        try:
            interview.run()
        except KeyboardInterrupt:
            interview.findings.remarks.append("It was interrupted by hand.")
            code = INTERRUPTED
        except CardLost as lost:
            interview.findings.remarks.append(f"{lost}.")
            _write(interview, card, out)
            raise
    _write(interview, card, out)
    return code


def _open(card: str, reconnect: float) -> CardUnderTest:
    """The card, waited for when it is lost where it may come back."""
    from conformance.cards import Ability, open_card
    from conformance.cards.recovering import Patience, RecoveringCard

    opened = open_card(card)
    if Ability.RETURN in opened.abilities:
        return RecoveringCard(opened, Patience(reconnect))
    return opened


def _write(interview: Interview, card: CardUnderTest, out: Path | None) -> None:
    from conformance.interview.draft import draft
    from conformance.keys import keys_beside
    from conformance.result import write_atomically
    from conformance.trouble import UsageError

    findings = interview.findings
    text = draft(findings, card.reader or card.spec, keys_beside(out or Path(NO_FILE)).name)
    if out is None:
        say(text.rstrip("\n"))
        return
    try:
        write_atomically(out, text.encode())
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error}") from error
    ended = "" if findings.finished else ", as far as the interview went"
    say(f"{out}: {len(findings.files)} files, {len(findings.references)} references{ended}")
    if findings.finished:
        say(f"read it, then: conformance run --card '{card.spec}' --ics {out} --risk observe")
