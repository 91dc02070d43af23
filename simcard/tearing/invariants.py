"""What must hold behind every loss of power, and the judgement of one card against it.

* The command took effect wholly or not at all, as far as anybody can observe.
* No file other than the one it addresses has changed, and a refused command changed nothing.
* A retry counter never rises without success; where the command did not take effect, or was
  refused, at most the one try (and use) is missing that was spent before the comparison.
* But under secure messaging the key that protects a command proves itself before the command is
  looked at, so its own counter may come back whatever becomes of the command.
* The tree mounts, also when the recovery itself loses power.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from simcard.tearing.observation import Observation, Path, is_key


class Invariant(Enum):
    """A law of tearing; the value says in words what was broken."""

    MOUNTS = "the card does not come up again"
    WHOLE_OR_NOTHING = "the command took effect in part"
    ONLY_THE_ADDRESSED = "a file changed that the command does not address"
    REFUSED_UNCHANGED = "a refused command changed the memory"
    COUNTERS = "a counter rose without success, or lost more than what a try costs"
    NO_FAULT = "the card met a fault of its own"


class Breach(NamedTuple):
    """One law broken, and where."""

    invariant: Invariant
    where: str

    def __str__(self) -> str:
        return f"{self.invariant.value}: {self.where}"


def judge_whole(
    before: Observation,
    after: Observation,
    addressed: set[Path],
    *,
    may_change: bool,
    success: bool,
    protected: bool,
) -> tuple[Breach, ...]:
    """The laws a command must keep without any loss of power."""
    changed = before.changed(after)
    if not may_change:
        if before.apart_from_counters != after.apart_from_counters:
            return (Breach(Invariant.REFUSED_UNCHANGED, _listed(changed)),)
        return _judge_counters(before, after, after, protected=protected)
    breaches = []
    if changed - addressed:
        breaches.append(Breach(Invariant.ONLY_THE_ADDRESSED, _listed(changed - addressed)))
    risen = {
        path
        for path, count in after.counters.items()
        if path in before.counters and count.tries > before.counters[path].tries
    }
    if risen and not success:
        breaches.append(Breach(Invariant.COUNTERS, _listed(risen)))
    return tuple(breaches)


def judge_torn(
    before: Observation, after: Observation, torn: Observation, *, protected: bool
) -> tuple[Breach, ...]:
    """The laws a command must keep that lost its power on the way from *before* to *after*."""
    if torn == after:
        return ()
    if torn.apart_from_counters == before.apart_from_counters:
        return _judge_counters(before, after, torn, protected=protected)
    touched = before.changed(after)
    strangers = before.changed(torn) - touched
    if strangers:
        return (Breach(Invariant.ONLY_THE_ADDRESSED, _listed(strangers)),)
    return (Breach(Invariant.WHOLE_OR_NOTHING, _listed(touched)),)


def _judge_counters(
    before: Observation, after: Observation, found: Observation, *, protected: bool
) -> tuple[Breach, ...]:
    """The counters of a card on which the command did nothing else."""
    wrong = {
        path
        for path, count in found.counters.items()
        if not count.is_at_most_one_spent(before.counters[path])
        and not (protected and is_key(path) and count == after.counters[path])
    }
    return (Breach(Invariant.COUNTERS, _listed(wrong)),) if wrong else ()


def _listed(paths: Iterable[Path]) -> str:
    return ", ".join("/".join(path) for path in sorted(paths)) or "the card as a whole"
