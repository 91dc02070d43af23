"""A result in numbers and in the geometry of its pictures; the drawing is done in the templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log10

from conformance.result import BOUNDS, Requirement, Result, Timing
from conformance.verdict import Level, Verdict

BAR = 1000
# Fewer answers than this are listed, not drawn.
ENOUGH = 5
DECADES = {
    1e-6: "1 µs",
    1e-5: "10 µs",
    1e-4: "100 µs",
    1e-3: "1 ms",
    1e-2: "10 ms",
    0.1: "100 ms",
    1.0: "1 s",
}


@dataclass(frozen=True, slots=True)
class Tally:
    """How often each verdict occurs."""

    counts: Mapping[Verdict, int]

    @classmethod
    def of(cls, verdicts: Iterable[Verdict]) -> Tally:
        """The tally of *verdicts*."""
        counts = dict.fromkeys(Verdict, 0)
        for verdict in verdicts:
            counts[verdict] += 1
        return cls(counts)

    def __getitem__(self, verdict: Verdict) -> int:
        return self.counts[verdict]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    @property
    def judged(self) -> int:
        """Those that rest on what the card answered."""
        return sum(count for verdict, count in self.counts.items() if verdict.judged)

    def segments(self, longest: int) -> tuple[Segment, ...]:
        """The parts of a bar that is `BAR` long for *longest* items, empty ones left out."""
        parts, start = [], 0
        for verdict in ORDER:
            end = start + self.counts[verdict]
            if end > start:
                left = BAR * start // longest
                parts.append(Segment(verdict, left, BAR * end // longest - left, end - start))
            start = end
        return tuple(parts)


# From left to right in a bar: what is well, what is not, what was not judged.
ORDER = (
    Verdict.PASS,
    Verdict.FAIL,
    Verdict.INCONCLUSIVE,
    Verdict.NOT_RUN,
    Verdict.NOT_APPLICABLE,
)


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a bar, `BAR` units long altogether."""

    verdict: Verdict
    left: int
    width: int
    count: int


@dataclass(frozen=True, slots=True)
class Area:
    """The requirements of one area, in the order of the catalogue."""

    name: str
    requirements: tuple[Requirement, ...]
    tally: Tally


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the catalogue a run has judged."""

    total: int
    judged: int
    uncovered: tuple[Requirement, ...]
    """Requirements that no case covers."""

    @property
    def percent(self) -> int:
        """Judged of all, rounded down: 100 only when it is all."""
        return 100 * self.judged // self.total if self.total else 0


@dataclass(frozen=True, slots=True)
class Column:
    """One bar of a response-time distribution: 0 to `BAR` across, 0 to 100 high."""

    left: float
    width: float
    height: float
    count: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """The response times of one command on an axis shared by all commands of the page."""

    name: str
    timing: Timing
    columns: tuple[Column, ...]
    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """A logarithmic axis over whole decades, with its marks as (position, label)."""

    low: float
    high: float

    @classmethod
    def over(cls, timings: Iterable[Timing]) -> TimeAxis:
        """The decades that hold every answer of *timings*."""
        found = list(timings)
        least = max(min((timing.min for timing in found), default=1e-4), 1e-6)
        most = max((timing.max for timing in found), default=1e-3)
        low = max((mark for mark in DECADES if mark <= least), default=1e-6)
        high = min((mark for mark in (*DECADES, 10.0) if mark >= most), default=10.0)
        return cls(low, high if high > low else low * 10)

    def place(self, seconds: float) -> float:
        """Where *seconds* is on the axis, 0 to `BAR`."""
        inside = min(max(seconds, self.low), self.high)
        return round(BAR * log10(inside / self.low) / log10(self.high / self.low), 1)

    @property
    def marks(self) -> tuple[tuple[float, str], ...]:
        """The decades within the axis."""
        return tuple(
            (self.place(value), label)
            for value, label in (*DECADES.items(), (10.0, "10 s"))
            if self.low <= value <= self.high
        )

    def distribution(self, name: str, timing: Timing) -> Distribution:
        """The distribution of *timing* on this axis."""
        peak = max((bucket.count for bucket in timing.buckets), default=1)
        columns = []
        for bucket in timing.buckets:
            right = self.high if bucket.up_to is None else bucket.up_to
            left = max((bound for bound in BOUNDS if bound < right), default=self.low)
            start, end = self.place(left), self.place(right)
            height = round(100 * bucket.count / max(peak, 1), 1)
            columns.append(Column(start, round(max(end - start, 4), 1), height, bucket.count))
        marks = self.place(timing.median), self.place(timing.p95)
        return Distribution(name, timing, tuple(columns), *marks)


@dataclass(frozen=True, slots=True)
class Summary:
    """What the first page says in numbers and pictures."""

    requirements: Tally
    cases: Tally
    areas: tuple[Area, ...]
    longest: int
    levels: tuple[tuple[Level, Tally], ...]
    level_longest: int
    coverage: Coverage
    axis: TimeAxis
    timings: tuple[Distribution, ...]
    rare: tuple[tuple[str, int], ...]
    """Commands with too few answers for a distribution, and how many they have."""


def summarise(result: Result) -> Summary:
    """The summary of *result*."""
    areas = by_area(result.requirements)
    often = {name: one for name, one in result.timings.items() if one.count >= ENOUGH}
    axis = TimeAxis.over(often.values())
    tally = Tally.of(requirement.verdict for requirement in result.requirements)
    levels = tuple(
        (level, Tally.of(one.verdict for one in result.requirements if one.level is level))
        for level in Level
    )
    uncovered = tuple(one for one in result.requirements if not one.cases)
    return Summary(
        tally,
        Tally.of(case.verdict for case in result.cases),
        areas,
        max((area.tally.total for area in areas), default=1),
        tuple((level, counts) for level, counts in levels if counts.total),
        max((counts.total for _, counts in levels), default=0) or 1,
        Coverage(tally.total, tally.judged, uncovered),
        axis,
        tuple(axis.distribution(name, timing) for name, timing in often.items()),
        tuple((name, one.count) for name, one in result.timings.items() if name not in often),
    )


def by_area(requirements: Sequence[Requirement]) -> tuple[Area, ...]:
    """The requirements by area, areas in the order of their first requirement."""
    groups: dict[str, list[Requirement]] = {}
    for requirement in requirements:
        groups.setdefault(requirement.area, []).append(requirement)
    return tuple(
        Area(name, tuple(group), Tally.of(one.verdict for one in group))
        for name, group in groups.items()
    )
