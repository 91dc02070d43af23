"""From the verdicts of cases to `result.json`: what became of each requirement, and of the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from conformance.known import NONE_KNOWN, KnownFailures, reason_of
from conformance.result import (
    TRACE_FILE,
    Card,
    Declaration,
    Environment,
    Requirement,
    Result,
    Run,
    Suite,
    Trace,
)
from conformance.result import Case as CaseResult
from conformance.verdict import Outcome, Verdict, combine, conclude

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.catalogue import Catalogue
    from conformance.catalogue import Requirement as Rule

DISTRIBUTION = "simcard-conformance"
PACKAGES = (DISTRIBUTION, "hypothesis", "pytest", "pydantic", "pyscard")
UNCOVERED = "no case covers it"
NOT_REACHED = "the run did not get to its cases"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """When, where and by whom; the clock is handed in."""

    now: Callable[[], str]
    """The present as ISO 8601."""
    started: str
    operator: str = ""
    lab: str = ""
    command_line: str = ""
    python: str = ""
    platform: str = ""
    covered: frozenset[str] = frozenset()
    """The requirements that some case of the suite covers, whether it was run or not."""
    known: KnownFailures = NONE_KNOWN
    budget: float | None = None


def build_result(
    bench: Bench,
    catalogue: Catalogue,
    facts: frozenset[str],
    circumstances: Circumstances,
    cases: Sequence[CaseResult],
    *,
    interrupted: bool,
    card_lost: bool,
) -> Result:
    """The whole of `result.json` for the cases so far."""
    requirements = tuple(
        _requirement(rule, facts, cases, circumstances.covered) for rule in catalogue
    )
    judged = [(one.level, one.verdict) for one in requirements]
    outcome = conclude(judged, interrupted=interrupted, card_lost=card_lost)
    rest = [(one.level, one.verdict) for one in requirements if not one.known]
    besides = conclude(rest, interrupted=interrupted, card_lost=card_lost)
    known = circumstances.known
    return Result(
        suite=Suite(
            name=DISTRIBUTION,
            version=package_versions().get(DISTRIBUTION, "0"),
            catalogue_sha256=catalogue.sha256,
        ),
        run=_run(
            bench,
            circumstances,
            outcome,
            besides if known.entries else None,
            interrupted=interrupted,
        ),
        card=Card(
            spec=bench.card.spec,
            name=bench.statement.card.name,
            atr=bench.atr.hex().upper(),
            reader=bench.card.reader,
        ),
        statement=Declaration(
            file=bench.statement.file,
            sha256=bench.statement.sha256,
            declared=dict(bench.statement.declared),
        ),
        requirements=requirements,
        harms=dict(catalogue.harms),
        cases=tuple(cases),
        known_failures=known.told(requirements, cases),
        timings=bench.evidence.timings(),
        trace=Trace(file=TRACE_FILE, sha256=bench.evidence.sha256, exchanges=bench.evidence.count),
    )


def _run(
    bench: Bench,
    circumstances: Circumstances,
    outcome: Outcome,
    besides_known: Outcome | None,
    *,
    interrupted: bool,
) -> Run:
    return Run(
        started=circumstances.started,
        finished=circumstances.now(),
        seed=bench.plan.seed,
        examples=bench.plan.examples,
        risk=bench.guard.risk,
        interrupted=interrupted,
        outcome=outcome,
        besides_known=besides_known,
        budget=circumstances.budget,
        operator=circumstances.operator,
        lab=circumstances.lab,
        command_line=circumstances.command_line,
        environment=Environment(
            python=circumstances.python,
            platform=circumstances.platform,
            reader=bench.card.reader,
            packages=dict(package_versions()),
        ),
    )


def package_versions() -> Mapping[str, str]:
    """The versions of what judged, those that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _requirement(
    rule: Rule, facts: frozenset[str], cases: Sequence[CaseResult], covered: frozenset[str]
) -> Requirement:
    concerned = [case for case in cases if rule.id in case.requirements or _broken(case, rule.id)]
    verdict, reason = _verdict(rule, facts, concerned, covered)
    return Requirement(
        id=rule.id,
        area=rule.area,
        clause=rule.clause,
        level=rule.level,
        harm=rule.harm,
        condition=rule.condition.text,
        text=rule.text,
        verdict=verdict,
        reason=reason,
        known=reason_of(rule.id, verdict, concerned),
        cases=tuple(case.id for case in concerned),
    )


def _broken(case: CaseResult, identifier: str) -> bool:
    return case.failure is not None and case.failure.requirement == identifier


def _verdict(
    rule: Rule, facts: frozenset[str], concerned: Sequence[CaseResult], covered: frozenset[str]
) -> tuple[Verdict, str]:
    """The verdict of a requirement, and why it is not PASS.

    A case that failed on another requirement proves nothing about this one.
    """
    if not rule.condition.holds(facts) and not any(_broken(case, rule.id) for case in concerned):
        return Verdict.NOT_APPLICABLE, f"the statement does not declare {rule.condition}"
    telling = [
        case for case in concerned if case.failure is None or case.failure.requirement == rule.id
    ]
    verdict = combine(case.verdict for case in telling)
    if concerned and not telling:
        broken = {case.failure.requirement for case in concerned if case.failure}
        return Verdict.INCONCLUSIVE, f"its case broke off on {', '.join(sorted(broken))}"
    if not concerned:
        return verdict, NOT_REACHED if rule.id in covered else UNCOVERED
    reason = next((case.reason for case in telling if case.verdict is verdict), "")
    return verdict, reason
