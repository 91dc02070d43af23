"""Two or more runs side by side: what got fixed, what broke, what slowed down.

The first run is the one that the others are compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from conformance.reporting.summary import Tally
from conformance.result import Requirement, Result, Timing
from conformance.verdict import Verdict

# A change of the median by a quarter is worth a look when each side has answers enough to have one.
NOTABLE = 1.25
ENOUGH = 5


class Change(StrEnum):
    """What became of a requirement from one run to another, the gravest first."""

    BROKE = "broke"
    DOUBTFUL = "doubtful"
    LOST = "lost"
    FIXED = "fixed"
    GAINED = "gained"
    OTHER = "other"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement across the runs: its verdict in each, None where a run does not know it."""

    requirement: Requirement
    verdicts: tuple[Verdict | None, ...]
    changes: tuple[Change, ...]
    """For each run after the first, against the first."""
    reasons: tuple[str, ...]

    @property
    def gravest(self) -> Change:
        """The change that matters most."""
        return min(self.changes, key=list(Change).index, default=Change.NONE)


@dataclass(frozen=True, slots=True)
class Pace:
    """The median answer to one command in each run, and its ratio to that of the first run."""

    name: str
    timings: tuple[Timing | None, ...]
    ratios: tuple[float | None, ...]

    @property
    def trends(self) -> tuple[str, ...]:
        """For each run after the first `slower`, `faster` or "" when there is little to say."""
        return tuple(
            ""
            if not ratio or 1 / NOTABLE < ratio < NOTABLE
            else "slower"
            if ratio > 1
            else "faster"
            for ratio in self.ratios
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison page shows."""

    runs: tuple[Result, ...]
    labels: tuple[str, ...]
    tallies: tuple[Tally, ...]
    rows: tuple[Row, ...]
    paces: tuple[Pace, ...]
    warnings: tuple[str, ...]

    def rows_of(self, change: str) -> tuple[Row, ...]:
        """The requirements whose gravest change is *change*, the value of a `Change`."""
        return tuple(row for row in self.rows if row.gravest == change)

    @property
    def regressed(self) -> bool:
        """Whether something that passed fails or is in doubt."""
        return any(row.gravest in {Change.BROKE, Change.DOUBTFUL} for row in self.rows)


def compare(runs: Sequence[Result], labels: Sequence[str]) -> Comparison:
    """*runs*, two or more, called *labels*, against the first of them."""
    known: dict[str, Requirement] = {}
    for run in runs:
        for requirement in run.requirements:
            known.setdefault(requirement.id, requirement)
    found = [{one.id: one for one in run.requirements} for run in runs]
    names = dict.fromkeys(name for run in runs for name in run.timings)
    return Comparison(
        tuple(runs),
        tuple(labels),
        tuple(Tally.of(one.verdict for one in run.requirements) for run in runs),
        tuple(_row(one, [by_id.get(one.id) for by_id in found]) for one in known.values()),
        tuple(_pace(name, [run.timings.get(name) for run in runs]) for name in names),
        tuple(_warnings(runs)),
    )


def change(before: Verdict | None, after: Verdict | None) -> Change:
    """What became of a requirement that was *before* and is *after*."""
    if before is after:
        return Change.NONE
    if after is Verdict.FAIL:
        return Change.BROKE
    if after is Verdict.INCONCLUSIVE:
        return Change.DOUBTFUL if before is Verdict.PASS else Change.OTHER
    if after is Verdict.PASS:
        return Change.FIXED if before in {Verdict.FAIL, Verdict.INCONCLUSIVE} else Change.GAINED
    return Change.LOST if before is not None and before.judged else Change.OTHER


def _row(requirement: Requirement, seen: Sequence[Requirement | None]) -> Row:
    verdicts = tuple(one.verdict if one else None for one in seen)
    changes = tuple(change(verdicts[0], verdict) for verdict in verdicts[1:])
    return Row(requirement, verdicts, changes, tuple(one.reason if one else "" for one in seen))


def _pace(name: str, timings: Sequence[Timing | None]) -> Pace:
    first = timings[0]
    ratios: list[float | None] = []
    for timing in timings[1:]:
        if first and timing and first.median and min(first.count, timing.count) >= ENOUGH:
            ratios.append(timing.median / first.median)
        else:
            ratios.append(None)
    return Pace(name, tuple(timings), tuple(ratios))


def _warnings(runs: Sequence[Result]) -> list[str]:
    """What makes the runs hard to compare; the template has the sentences."""
    different: dict[str, set[str]] = {
        "catalogue": {run.suite.catalogue_sha256 for run in runs},
        "statement": {run.statement.sha256 for run in runs},
        "risk": {run.run.risk for run in runs},
    }
    found = [name for name, values in different.items() if len(values) > 1]
    if any(run.run.interrupted or run.run.outcome.value == "card-lost" for run in runs):
        found.append("incomplete")
    return found
