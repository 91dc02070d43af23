"""Interviewing a card for a first draft of its statement, without spending or changing anything.

The steps fill one `Findings`; whatever ends the interview (the end of the questions, a card that is
gone, Ctrl-C), a draft of what was found until then can be written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.interview.asking import Asker, Enough
from conformance.interview.contents import Inspection
from conformance.interview.features import Trial, read_atr, read_information
from conformance.interview.findings import Findings
from conformance.interview.references import Counting
from conformance.interview.searching import Search
from conformance.interview.selecting import Selector

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.cards import CardUnderTest
    from conformance.interview.candidates import Candidates
    from conformance.interview.searching import Progress


@dataclass(frozen=True, slots=True)
class Scope:
    """What to ask, and how much."""

    candidates: Candidates
    effort: int = 20_000
    """Commands at most."""
    ask_tries: bool = False


class Interview:
    """One interview with *card*, which has answered *atr*; `findings` grow while it goes on."""

    def __init__(
        self,
        card: CardUnderTest,
        atr: bytes,
        scope: Scope,
        progress: Progress,
        clock: Callable[[], float],
    ) -> None:
        self.findings = Findings(card.known_as or atr)
        self._scope = scope
        self._progress = progress
        self._asker = Asker(card, clock, scope.effort)

    def run(self) -> Findings:
        """Ask everything; CardLost and KeyboardInterrupt pass through, the findings stay."""
        try:
            self._ask()
            self.findings.finished = True
        except Enough as reason:
            self.findings.remarks.append(f"The interview ended early: {reason}.")
        finally:
            self.findings.remarks += self._asker.remarks
            self.findings.timings = self._asker.timings()
        return self.findings

    def _ask(self) -> None:
        findings, scope = self.findings, self._scope
        read_atr(findings)
        selector = Selector(self._asker, findings)
        selector.probe()
        Search(selector, findings, scope.candidates, self._progress).run()
        for one in scope.candidates.name:
            if one.like and findings.named(bytes.fromhex(one.name)) is not None:
                findings.remarks.append(f"{one.why}: {one.like} ships as a statement of one.")
        Inspection(selector, findings, self._progress).run()
        read_information(findings, selector)
        Trial(selector, findings, scope.candidates).run()
        if scope.ask_tries:
            Counting(selector, findings, scope.candidates, self._progress).run()
            if findings.references:
                findings.see("verify", "a reference told its tries")
                findings.see("verify_query", "a reference told its tries")
