"""Generated histories: card and model walk side by side, from move to move.

Hypothesis draws the numbers that the moves follow from, aims at histories that bear out many
requirements, and meets a failing history twice. It does not shrink: a history is a list of commands
that can be replayed, and `conformance.minimise` makes it short with a tenth of the replays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from conformance.strategies.dice import NUMBERS, Dice
from conformance.terminal import Violation
from conformance.trouble import TimeIsUp

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.terminal import Terminal


class Walker(Protocol):
    """One history under way."""

    @property
    def terminal(self) -> Terminal:
        """The card it is about."""


W = TypeVar("W", bound=Walker)
Move = Callable[[W, Dice], object]


def wander(bench: Bench, begin: Callable[[], W], moves: Sequence[Move[W]], longest: int) -> None:
    """Walk *longest* of *moves* from *begin*, again and again; the Violation of the first bad walk.

    After the first violation only its requirement counts, so that one failure is told, not two. A
    case whose share of time is spent has walked enough; TimeIsUp if it did not end a single walk.
    """
    found: list[Violation] = []
    ended = 0

    @hypothesis.seed(bench.plan.seed)
    @settings(
        max_examples=bench.plan.examples,
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.target),
        suppress_health_check=list(HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )
    @hypothesis.given(st.lists(NUMBERS, min_size=longest, max_size=longest))
    def walk(numbers: list[int]) -> None:
        nonlocal ended
        try:
            walker = begin()
            for place, number in enumerate(numbers, bench.plan.seed * longest):
                dice = Dice(number, place)
                dice.pick(moves)(walker, dice)
        except Violation as violation:
            found.append(violation)
            if violation.requirement == found[0].requirement:
                raise
            return
        ended += 1
        hypothesis.target(len(walker.terminal.met), label="requirements borne out")

    try:
        with bench.until(min(bench.share, bench.deadline)):
            walk()
    except Flaky:
        raise found[0] from None  # whether it comes again is for the trial to say
    except TimeIsUp:
        if found:
            raise found[0] from None
        if not ended:
            raise
