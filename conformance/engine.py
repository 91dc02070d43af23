"""Puts a run together from what was asked for, and runs the suite in this process."""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import hypothesis.configuration
import pytest

from conformance.bench import Bench, Plan
from conformance.cards import Ability, open_card
from conformance.cards.recorded import RecordedCard
from conformance.cards.recovering import Patience, RecoveringCard
from conformance.case import Case
from conformance.catalogue import load_catalogue
from conformance.evidence import Evidence
from conformance.guard import Guard
from conformance.judge import INVENTORY, Judge
from conformance.keys import Keys, keys_beside, load_keys, read_keys
from conformance.known import NONE_KNOWN, KnownFailures, load_known_failures
from conformance.record import Circumstances
from conformance.result import TRACE_FILE, KnownState, Result
from conformance.runner import Runner
from conformance.statement import Statement, load_statement, statement_for
from conformance.suite import index
from conformance.trouble import UsageError
from conformance.undolog import UNDO_FILE, CardEntry, UndoLog
from conformance.verdict import Outcome, Risk

if TYPE_CHECKING:
    from conformance.cards import CardUnderTest
    from conformance.catalogue import Catalogue
    from conformance.judge import Listener

EXIT_CODES = {
    Outcome.CONFORMANT: 0,
    Outcome.NON_CONFORMANT: 1,
    Outcome.INCONCLUSIVE: 2,
    Outcome.INTERRUPTED: 2,
    Outcome.CARD_LOST: 4,
}
USAGE = 3


def exit_code(result: Result) -> int:
    """The exit code of a run: by its outcome besides what is known to fail; 1 if that passes."""
    run = result.run
    if run.outcome in {Outcome.CARD_LOST, Outcome.INTERRUPTED}:
        return EXIT_CODES[run.outcome]
    if any(one.state is KnownState.PASSED for one in result.known_failures):
        return EXIT_CODES[Outcome.NON_CONFORMANT]
    return EXIT_CODES[run.besides_known or run.outcome]


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asked for; None leaves the choice to the statement."""

    card: str
    ics: str | None = None
    keys: str | None = None
    risk: str | None = None
    seed: int = 0
    examples: int = 100
    out: str | None = None
    areas: tuple[str, ...] = ()
    any_atr: bool = False
    """Whether a statement may be used for a card that answers another ATR than it declares."""
    reconnect: float = 10.0
    """Seconds for which a card that was lost in the middle is waited for."""
    known_failures: str | None = None
    """A file that lists what may fail, and until when; `today` says which entries have expired."""
    today: date = date.min
    budget: float | None = None
    """Seconds after which no new exchange is tried; putting back comes on top."""
    operator: str = ""
    lab: str = ""
    command_line: str = ""


def prepare(request: Request) -> Judge:
    """A judge with its card powered up; UsageError or CardLost when that cannot be."""
    catalogue = load_catalogue()
    circumstances = _circumstances(request, _known(request, catalogue))
    folder = Path(request.out) if request.out else None
    card = opened = open_card(request.card)
    recovering = None
    if Ability.RETURN in opened.abilities:
        card = recovering = RecoveringCard(opened, Patience(request.reconnect))
    atr = card.connect()
    known_as = card.known_as or atr
    try:
        statement, keys = _declared(request, known_as)
        risk = _risk(request.risk or statement.card.risk)
        undo = _undo_log(request, statement, card, known_as, risk)
        evidence = Evidence(keys, _trace(folder))
    except BaseException:
        card.close()
        raise
    guard = Guard(risk, statement.layout, keys)
    plan = Plan(request.seed, request.examples)
    bench = Bench(card, statement, keys, guard, evidence, plan, time.perf_counter)
    if request.budget is not None:
        bench.deadline = bench.clock() + request.budget
    bench.undo = undo
    bench.found(atr)
    if recovering is not None:
        recovering.told = evidence.event
    if isinstance(opened, RecordedCard):
        opened.expanded = keys.expanded
    return Judge(bench, catalogue, circumstances, folder)


def _known(request: Request, catalogue: Catalogue) -> KnownFailures:
    if request.known_failures is None:
        return NONE_KNOWN
    ids = [*(rule.id for rule in catalogue), *(case.id for case in all_cases())]
    return load_known_failures(Path(request.known_failures), ids, request.today)


def _risk(text: str) -> Risk:
    try:
        return Risk(text)
    except ValueError:
        raise UsageError(f"risk {text}: expected {', '.join(Risk)}") from None


def _declared(request: Request, atr: bytes) -> tuple[Statement, Keys]:
    """The statement asked for, or the shipped one of this ATR, with the values of its keys."""
    if request.ics is not None:
        statement, keys = declared_in(Path(request.ics), request.keys)
        if statement.atr != atr and not request.any_atr:
            raise UsageError(
                f"{request.ics}: card.atr: {statement.card.atr} is declared, the card answers"
                f" {atr.hex().upper()}; --any-atr judges it all the same"
            )
        return statement, keys
    statement, entry = statement_for(atr)
    if request.keys is not None:
        text = read_keys(Path(request.keys))
        return statement, load_keys(statement.layout, text, request.keys, statement.declared)
    beside = files("conformance") / "statements" / keys_beside(Path(entry.name)).name
    published = beside.read_text("utf-8") if beside.is_file() else None
    return statement, load_keys(statement.layout, published, beside.name, statement.declared)


def declared_in(ics: Path, keys: str | None) -> tuple[Statement, Keys]:
    """The statement in the file *ics*, with the values in *keys* or in the keys file beside it."""
    statement = load_statement(ics)
    beside = Path(keys) if keys is not None else keys_beside(ics)
    text = read_keys(beside) if keys is not None or beside.is_file() else None
    return statement, load_keys(statement.layout, text, str(beside), statement.declared)


def _undo_log(
    request: Request, statement: Statement, card: CardUnderTest, known_as: bytes, risk: Risk
) -> UndoLog | None:
    """The undo log of a run that may change a card which cannot be copied."""
    if not request.out or risk is Risk.OBSERVE or Ability.FORK in card.abilities:
        return None
    entry = CardEntry(
        spec=request.card,
        atr=known_as.hex().upper(),
        statement=statement.file,
        ics=request.ics,
        keys=request.keys,
        risk=risk,
    )
    return UndoLog.begun(Path(request.out) / UNDO_FILE, entry)


def _trace(folder: Path | None) -> TextIO | None:
    if folder is None:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / TRACE_FILE).open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out {folder}: cannot be written: {error}") from error


def _circumstances(request: Request, known: KnownFailures) -> Circumstances:
    def now() -> str:
        return datetime.now(UTC).isoformat(timespec="seconds")

    covered = frozenset(one for case in all_cases() for one in case.covers)
    return Circumstances(
        now=now,
        started=now(),
        operator=request.operator,
        lab=request.lab,
        command_line=request.command_line,
        python=platform.python_version(),
        platform=platform.platform(),
        covered=covered,
        known=known,
        budget=request.budget,
    )


def all_cases() -> tuple[Case, ...]:
    """Every case there is, the inventory first."""
    return (INVENTORY, *index.cases())


def execute(
    judge: Judge,
    areas: Sequence[str] = (),
    listener: Listener | None = None,
    *,
    until: str | None = None,
    only: str | None = None,
) -> Result:
    """Run the suite with *judge* and give the finished result.

    Only the cases of *areas*, if any are named, or the case *only*; no further than a failure of
    *until*.
    """
    if listener is not None:
        judge.listener = listener
    runner = Runner(judge, tuple(areas), until, only=only)
    run_pytest(runner)
    return runner.result


def run_pytest(plugin: object, *more: str) -> None:
    """Run pytest on the suite with *plugin* and nothing else of its surroundings."""
    folder = Path(index.__file__).parent
    arguments = [
        str(folder),
        "-c",
        str(folder / "pytest.ini"),
        f"--rootdir={folder}",
        "--disable-plugin-autoload",
        "-pno:terminal",
        "-pno:cacheprovider",
        "-pno:faulthandler",
        "-pno:threadexception",
        "-pno:unraisableexception",
        "--capture=no",
        *more,
    ]
    with tempfile.TemporaryDirectory(prefix="conformance-") as home:
        hypothesis.configuration.set_hypothesis_home_dir(home)
        try:
            pytest.main(arguments, plugins=[plugin])
        finally:
            hypothesis.configuration.set_hypothesis_home_dir(None)
