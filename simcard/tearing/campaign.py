"""The tearing campaign: every command of a history is cut at every page write, and inside it.

Before each command the card is forked, so a tear costs one command and one recovery, and the
history itself goes on undisturbed. A recovery that writes is cut as well, once at each of its
writes, with the ways to be cut taking turns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

from simcard.card import Card
from simcard.memory import Memory, Moment, Tear
from simcard.profiles import Profile, build_card
from simcard.script import Step
from simcard.tearing.invariants import Breach, Invariant
from simcard.tearing.point import Failure, TearIdError, TearPoint, failures
from simcard.tearing.rehearsal import Rehearsal, Stage

_WAYS = (*((Moment.DURING, tear) for tear in Tear), (Moment.AFTER, None))


@dataclass(frozen=True, slots=True)
class Violation:
    """The laws broken at one tear point, and the steps up to the one that was torn."""

    point: TearPoint
    breaches: tuple[Breach, ...]
    steps: tuple[Step, ...]


@dataclass(slots=True)
class Tally:
    """What a campaign has tried so far."""

    histories: int = 0
    commands: int = 0
    cuts: int = 0
    recovery_cuts: int = 0

    @property
    def tear_points(self) -> int:
        """All cuts, those of commands and those of recoveries."""
        return self.cuts + self.recovery_cuts


def card_to_tear(profile: Profile, history: int) -> Card:
    """A powered card of *profile*; in odd histories its chip has no virgin page left.

    What an interrupted write leaves behind depends on what the page held before.
    """
    card = build_card(profile)
    if history % 2:
        _wear_in(card)
    card.power_on()
    return card


def _wear_in(card: Card) -> None:
    memory = Memory.mount(card.flash)
    last = memory.capacity - 1
    stored = memory.read(last, 1)[0]
    for number in range(2 * (card.flash.geometry.page_count // 2)):
        memory.write(last, bytes([stored ^ (number + 1) % 2]))
        memory.commit()


def tear_history(
    card: Card, seed: int, history: int, steps: Sequence[Step], tally: Tally
) -> Iterator[Violation]:
    """Do *steps* on *card*, tear every command at all its points, and yield what breaks."""
    stage = Stage(card)
    tally.histories += 1
    for number, step in enumerate(steps, 1):
        rehearsal = stage.perform(step)
        tally.commands += 1
        if rehearsal is not None:
            point = TearPoint(seed, history, number)
            for torn, breaches in _tear(rehearsal, point, tally):
                yield Violation(torn, breaches, tuple(steps[:number]))


def _tear(
    rehearsal: Rehearsal, point: TearPoint, tally: Tally
) -> Iterator[tuple[TearPoint, tuple[Breach, ...]]]:
    if rehearsal.breaches:
        yield point, rehearsal.breaches
    ways = cycle(_WAYS)
    for failure in failures(rehearsal.writes):
        torn = point._replace(failure=failure)
        flash = rehearsal.torn_at(torn)
        before_recovery = flash.writes
        breaches = rehearsal.judge(flash)
        tally.cuts += 1
        if breaches:
            yield torn, breaches
            continue
        for write in range(1, flash.writes - before_recovery + 1):
            again = torn._replace(second=Failure(write, *next(ways)))
            breaches = rehearsal.judge(rehearsal.torn_at(again))
            tally.recovery_cuts += 1
            if breaches:
                yield again, breaches


def replay(card: Card, steps: Sequence[Step], point: TearPoint) -> tuple[Breach, ...]:
    """Tear *card* at *point* of the history that *steps* are; what breaks.

    `TearIdError` when the history does not get there.
    """
    if not 1 <= point.step <= len(steps):
        raise TearIdError(f"{point}: the history has {len(steps)} steps")
    stage = Stage(card)
    rehearsal = None
    for step in steps[: point.step]:
        rehearsal = stage.perform(step)
    writes = 0 if rehearsal is None else rehearsal.writes
    if point.failure is not None and point.failure.write > writes:
        raise TearIdError(f"{point}: step {point.step} takes {writes} page writes")
    if rehearsal is None or point.failure is None:
        return () if rehearsal is None else rehearsal.breaches
    return rehearsal.judge(rehearsal.torn_at(point))


def shorten(profile: Profile, violation: Violation) -> Violation:
    """The same law broken by the fewest steps that still break it at their last one."""
    wanted = {breach.invariant for breach in violation.breaches}
    shortest = violation
    position = 0
    while position < len(shortest.steps) - 1:
        steps = shortest.steps[:position] + shortest.steps[position + 1 :]
        found = _last_step_violation(profile, violation.point, steps, wanted)
        if found is None:
            position += 1
        else:
            shortest = found
    return shortest


def _last_step_violation(
    profile: Profile, point: TearPoint, steps: tuple[Step, ...], wanted: set[Invariant]
) -> Violation | None:
    stage = Stage(card_to_tear(profile, point.history))
    rehearsals = [stage.perform(step) for step in steps]
    if rehearsals[-1] is None:
        return None
    start = TearPoint(point.seed, point.history, len(steps))
    for torn, breaches in _tear(rehearsals[-1], start, Tally()):
        if wanted & {breach.invariant for breach in breaches}:
            return Violation(torn, breaches, steps)
    return None
