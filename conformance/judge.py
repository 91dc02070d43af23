"""One run: cases are tried one after the other, and the result grows on disk beside the trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from threading import current_thread, main_thread
from typing import TYPE_CHECKING

from conformance.case import Case
from conformance.catalogue.facts import facts_of
from conformance.record import Circumstances, build_result
from conformance.result import RESULT_FILE, Result, write_result
from conformance.result import Case as CaseResult
from conformance.trial import result_of, try_case
from conformance.trouble import CardLost, NotPutBack, TimeIsUp
from conformance.undo import take_stock
from conformance.undolog import read_log
from conformance.verdict import Risk, Verdict

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.catalogue import Catalogue

INVENTORY = Case(
    "laws/inventory",
    "Every file that can be read is read once before anything is tried, and keeps the laws.",
    ("7816-4/laws/answers",),
    Risk.OBSERVE,
)
RESTORED = Case(
    "laws/restored", "What the run wrote is put back as it was found.", (), Risk.RESTORE
)
SAVE_EVERY = 1.0
"""Seconds between two writings of the result while the run goes on."""
Listener = Callable[[Case, CaseResult | None], None]
"""Told of each case when it begins (None) and when it has its verdict."""


@contextmanager
def undisturbed() -> Iterator[None]:
    """Keeps Ctrl-C away: a second one must not stop the card from being put back."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal(SIGINT, SIG_IGN)
    try:
        yield
    finally:
        signal(SIGINT, before)


def _no_time() -> None:
    raise TimeIsUp


@dataclass
class Judge:
    """Tries cases on a bench and keeps the record, in *folder* unless that is None."""

    bench: Bench
    catalogue: Catalogue
    circumstances: Circumstances
    folder: Path | None = None
    listener: Listener = lambda _case, _result: None
    cases: list[CaseResult] = field(default_factory=list)
    lost: str = ""
    interrupted: bool = False
    _stocked: bool = False
    _saved: float = 0.0
    _kept: float = 0.0

    def __post_init__(self) -> None:
        self._facts = facts_of(self.bench.statement)

    def worthwhile(self, case: Case) -> bool:
        """Whether *case* will ask the card: it concerns it, and is not above the risk level."""
        within = case.risk.rank <= self.bench.guard.risk.rank
        return within and any(self.concerned(identifier) for identifier in case.covers)

    def concerned(self, identifier: str) -> bool:
        """Whether the requirement *identifier* holds for a card such as the statement declares."""
        return self.catalogue[identifier].condition.holds(self._facts)

    def run(self, case: Case, body: Callable[[], None], ahead: int = 1) -> CaseResult:
        """Try *case*; the first one is preceded by the inventory. CardLost passes through.

        With a budget *ahead*, the cases from this one to the last, share what is left; but twice
        what the first one took is kept for the last, which sees whether the card is still alive.
        """
        deadline = self.bench.deadline - (self._kept if ahead > 1 else 0)
        now = self.bench.clock()
        self.bench.share = now + (deadline - now) / max(ahead - 1, 1)
        with self.bench.until(deadline):
            result = self._run(case, body if now < deadline else _no_time)
        self._kept = self._kept or 2 * result.seconds
        return result

    def _run(self, case: Case, body: Callable[[], None]) -> CaseResult:
        if not self._stocked:
            self._stocked = True
            self._try(INVENTORY, lambda: take_stock(self.bench))
        return self._try(case, body)

    def _try(self, case: Case, body: Callable[[], None]) -> CaseResult:
        self.listener(case, None)
        try:
            result = try_case(self.bench, case, self.catalogue, self._facts, body)
        except CardLost as lost:
            self.lost = str(lost)
            raise
        result = self.circumstances.known.marked(result)
        self.cases.append(result)
        self.listener(case, result)
        if self.bench.clock() - self._saved >= SAVE_EVERY:
            self.save(finished=False)
            self._saved = self.bench.clock()
        return result

    def tell(self, result: CaseResult) -> None:
        """Let the listener know of a case that another process has judged."""
        case = Case(result.id, result.title, result.requirements, result.risk)
        self.listener(case, None)
        self.listener(case, result)

    def finish(self, *, interrupted: bool = False) -> Result:
        """Put the card back, power it down and write the result for good."""
        self.interrupted = self.interrupted or interrupted
        self.bench.evidence.case = "restore"
        with undisturbed():
            try:
                self.bench.leave()
                self.bench.card.close()
            except CardLost as lost:
                self.lost = self.lost or str(lost)
            except NotPutBack as trouble:
                self.cases.append(result_of(RESTORED, Verdict.INCONCLUSIVE, str(trouble)))
            result = self.save(finished=True)
            self.bench.evidence.close()
            return result

    @property
    def owing(self) -> str:
        """What to tell a person whose card was not wholly put back; nothing when it was."""
        undo = self.bench.undo
        if undo is None or not undo.path.exists() or read_log(undo.path).put_back:
            return ""
        again = f"run `conformance restore {undo.path.parent}` with the card in the reader"
        return f"the card may not be as it was found: {again}"

    def save(self, *, finished: bool) -> Result:
        """The result so far; on disk, marked interrupted as long as the run is not finished."""
        self.bench.evidence.flush()
        result = build_result(
            self.bench,
            self.catalogue,
            self._facts,
            self.circumstances,
            self.cases,
            interrupted=self.interrupted or not finished,
            card_lost=bool(self.lost),
        )
        if self.folder is not None:
            write_result(result, self.folder / RESULT_FILE)
        return result
