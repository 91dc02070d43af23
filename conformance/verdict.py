"""The five verdicts, how those of several cases make the verdict of a requirement, and of a run.

Nothing is silently skipped: what was not judged has a verdict of its own and a reason beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What a case or a requirement came to, in the order in which one outweighs the next."""

    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    PASS = "PASS"
    NOT_RUN = "NOT RUN"
    NOT_APPLICABLE = "NOT APPLICABLE"

    @property
    def judged(self) -> bool:
        """Whether the card was asked: the verdict then rests on what it answered."""
        return self in {Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS}


class Level(StrEnum):
    """How strongly the clause binds the card."""

    SHALL = "shall"
    SHOULD = "should"
    MAY = "may"


class Risk(StrEnum):
    """What a case costs a real card, from nothing to the card itself."""

    OBSERVE = "observe"
    RESTORE = "restore"
    CONSUME = "consume"
    DESTROY = "destroy"

    @property
    def rank(self) -> int:
        """0 for `observe` to 3 for `destroy`; a case runs when its rank is not above the run's."""
        return _RANKS[self]


_RANKS = {risk: rank for rank, risk in enumerate(Risk)}


class Outcome(StrEnum):
    """What a whole run came to."""

    CONFORMANT = "conformant"
    NON_CONFORMANT = "non-conformant"
    INCONCLUSIVE = "inconclusive"
    CARD_LOST = "card-lost"
    INTERRUPTED = "interrupted"


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a requirement from those of its cases; NOT RUN when it has none.

    One failure outweighs all else, one doubt outweighs every pass. A pass stands although another
    case of the same requirement was not run: that case shows its own verdict and reason.
    """
    weight = {verdict: position for position, verdict in enumerate(Verdict)}
    return min(verdicts, key=weight.__getitem__, default=Verdict.NOT_RUN)


def conclude(
    requirements: Iterable[tuple[Level, Verdict]],
    *,
    interrupted: bool = False,
    card_lost: bool = False,
) -> Outcome:
    """The outcome of a run from the level and verdict of each requirement.

    A run that broke off concludes nothing else; the verdicts reached until then stand beside it. A
    failure of what the card only *should* do is reported and does not make it non-conformant. A
    run in which nothing was judged is inconclusive.
    """
    if card_lost:
        return Outcome.CARD_LOST
    if interrupted:
        return Outcome.INTERRUPTED
    found = list(requirements)
    if any(verdict is Verdict.FAIL and level is not Level.SHOULD for level, verdict in found):
        return Outcome.NON_CONFORMANT
    doubtful = any(verdict is Verdict.INCONCLUSIVE for _, verdict in found)
    if doubtful or not any(verdict.judged for _, verdict in found):
        return Outcome.INCONCLUSIVE
    return Outcome.CONFORMANT
