"""One case tried on the bench: from its body to a verdict and the shortest failing script."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.case import Case, NotApplicable, NotRun, Unmet
from conformance.guard import Refused
from conformance.minimise import failure_of, minimise
from conformance.result import Case as CaseResult
from conformance.terminal import Violation
from conformance.trouble import CardLost, NotCarried, NotPutBack, TimeIsUp
from conformance.verdict import Verdict

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.catalogue import Catalogue
    from conformance.result import Failure

NOT_REPEATED = "the failure did not come up again on a fresh card"
BUDGET = "budget"
"""Why a case was not run that the time did not suffice for."""
ENDED = "the process that judged it ended"
NOT_TRIED_AGAIN = "the budget was spent before the failure could be tried again"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a trial came to."""

    verdict: Verdict
    reason: str = ""
    failure: Failure | None = None


def applicability(case: Case, catalogue: Catalogue, facts: frozenset[str]) -> str | None:
    """Why *case* does not concern this card: none of its requirements does; or None."""
    conditions = [catalogue[identifier].condition for identifier in case.covers]
    if any(condition.holds(facts) for condition in conditions):
        return None
    return "the statement does not declare: " + "; ".join(sorted({str(one) for one in conditions}))


def result_of(
    case: Case,
    verdict: Verdict,
    reason: str,
    *,
    seconds: float = 0.0,
    exchanges: tuple[int, int] | None = None,
    failure: Failure | None = None,
) -> CaseResult:
    """The result of *case* in the record; without exchanges when nobody tried it to its end."""
    return CaseResult(
        id=case.id,
        title=case.title,
        area=case.area,
        requirements=case.covers,
        risk=case.risk,
        verdict=verdict,
        reason=reason,
        seconds=seconds,
        exchanges=exchanges,
        failure=failure,
    )


def try_case(
    bench: Bench, case: Case, catalogue: Catalogue, facts: frozenset[str], body: Callable[[], None]
) -> CaseResult:
    """Run *body* as *case*; CardLost and KeyboardInterrupt pass through."""
    bench.evidence.case = case.id
    started, first = bench.clock(), bench.evidence.count
    finding = _judge(bench, case, catalogue, facts, body)
    last = bench.evidence.count - 1
    bench.evidence.flush()
    return result_of(
        case,
        finding.verdict,
        bench.keys.told(finding.reason),
        seconds=bench.clock() - started,
        exchanges=(first, last) if last >= first else None,
        failure=finding.failure,
    )


def _judge(
    bench: Bench, case: Case, catalogue: Catalogue, facts: frozenset[str], body: Callable[[], None]
) -> Finding:
    inapplicable = applicability(case, catalogue, facts)
    if inapplicable:
        return Finding(Verdict.NOT_APPLICABLE, inapplicable)
    if case.risk.rank > bench.guard.risk.rank:
        reason = f"the case needs --risk {case.risk.value}, this run has {bench.guard.risk.value}"
        return Finding(Verdict.NOT_RUN, reason)
    try:
        body()
    except NotApplicable as reason:
        return Finding(Verdict.NOT_APPLICABLE, str(reason))
    except (NotRun, Refused, NotCarried) as reason:
        return Finding(Verdict.NOT_RUN, str(reason))
    except TimeIsUp:
        return Finding(Verdict.NOT_RUN, BUDGET)
    except NotPutBack as trouble:
        return Finding(Verdict.INCONCLUSIVE, str(trouble))
    except Violation as violation:
        return settle(bench, violation, body)
    except Unmet as unmet:
        bare = Violation(unmet.requirement, str(unmet), unmet.allowed, (), replayable=False)
        return Finding(Verdict.FAIL, str(unmet), failure_of(bench, bare))
    except CardLost:
        raise
    except Exception as error:  # noqa: BLE001 - a bug of ours is no verdict on the card
        return Finding(Verdict.INCONCLUSIVE, _own_fault(error))
    return Finding(Verdict.PASS)


def _own_fault(error: Exception) -> str:
    """Where the suite itself went wrong, in a line."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {error}".partition("\n")[0]
    return f"the suite failed, not the card: {what} ({Path(place.filename).name}:{place.lineno})"


def settle(bench: Bench, violation: Violation, body: Callable[[], None]) -> Finding:
    """FAIL with the shortest script when the failure repeats, INCONCLUSIVE when it does not."""
    try:
        again = minimise(bench, violation) if violation.replayable else _repeated(violation, body)
    except NotPutBack as trouble:
        return Finding(Verdict.INCONCLUSIVE, str(trouble), failure_of(bench, violation))
    except TimeIsUp:
        return Finding(Verdict.INCONCLUSIVE, NOT_TRIED_AGAIN, failure_of(bench, violation))
    except CardLost as lost:
        # The next reset ends the run; what was the last command is told all the same.
        reason = f"{violation.message}; {lost}"
        return Finding(Verdict.INCONCLUSIVE, reason, failure_of(bench, violation))
    if again is None:
        return Finding(Verdict.INCONCLUSIVE, NOT_REPEATED, failure_of(bench, violation))
    return Finding(Verdict.FAIL, again.message, failure_of(bench, again))


def _repeated(violation: Violation, body: Callable[[], None]) -> Violation | None:
    """The violation of the same requirement that *body* finds a second time, or None."""
    try:
        body()
    except Violation as again:
        return again if again.requirement == violation.requirement else None
    return None
