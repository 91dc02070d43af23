"""A tear point: where in which history the power fails, as a name that is its own reproduction.

``7/12/5/2/during/noise`` reads: seed 7, history 12, step 5, during the second page write, the page
left as noise. ``+1/after`` behind it is a second failure, after the first write of the recovery.
``7/12/5`` alone is the step without any failure.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple, Self

from simcard.memory import Moment, PowerCut, Tear


class TearError(ValueError):
    """A campaign that cannot be run; the message says why."""


class TearIdError(TearError):
    """A text that names no tear point; the message says which part is wrong."""


class Failure(NamedTuple):
    """One loss of power: at page write *write* (from 1), at a moment, in a shape if during it."""

    write: int
    moment: Moment
    tear: Tear | None = None

    def __str__(self) -> str:
        shape = [] if self.tear is None else [self.tear.value.replace(" ", "-")]
        return "/".join([str(self.write), self.moment.value, *shape])

    @classmethod
    def parse(cls, text: str) -> Self:
        """The failure that `str` has written as *text*."""
        number, _, rest = text.partition("/")
        moment, _, shape = rest.partition("/")
        try:
            found = cls(
                int(number), Moment(moment), Tear(shape.replace("-", " ")) if shape else None
            )
        except ValueError as error:
            raise TearIdError(f"{text!r}: {error}") from None
        if found.write < 1 or (found.moment is Moment.DURING) != (found.tear is not None):
            raise TearIdError(
                f"{text!r}: a write from 1, then before, after, or during and the shape of the page"
            )
        return found


def failures(writes: int) -> Iterator[Failure]:
    """Every failure that *writes* page writes can meet, each state of the flash once.

    After a write is before the next one, so only the last write is cut after it as well.
    """
    for write in range(1, writes + 1):
        yield Failure(write, Moment.BEFORE)
        for tear in Tear:
            yield Failure(write, Moment.DURING, tear)
    if writes:
        yield Failure(writes, Moment.AFTER)


class TearPoint(NamedTuple):
    """Step *step* (from 1) of history *history* from *seed*, cut by *failure*, then by *second*."""

    seed: int
    history: int
    step: int
    failure: Failure | None = None
    second: Failure | None = None

    def __str__(self) -> str:
        name = f"{self.seed}/{self.history}/{self.step}"
        if self.failure is not None:
            name += f"/{self.failure}"
        return name if self.second is None else f"{name}+{self.second}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The point that `str` has written as *text*; `TearIdError` for anything else."""
        first, plus, second = text.partition("+")
        numbers = first.split("/", 3)
        if len(numbers) < 3 or not all(number.isdecimal() for number in numbers[1:3]):
            raise TearIdError(f"{text!r}: a tear point is SEED/HISTORY/STEP/WRITE/MOMENT[/SHAPE]")
        failure = Failure.parse(numbers[3]) if len(numbers) == 4 else None
        if plus and failure is None:
            raise TearIdError(f"{text!r}: a recovery needs a failure to recover from")
        try:
            seed = int(numbers[0])
        except ValueError:
            raise TearIdError(f"{text!r}: the seed is a whole number") from None
        recovery = Failure.parse(second) if plus else None
        return cls(seed, int(numbers[1]), int(numbers[2]), failure, recovery)

    def cut(self, failure: Failure) -> PowerCut:
        """*failure* as the flash wants it; this point decides how a torn page looks in detail."""
        return PowerCut(
            failure.write,
            failure.moment,
            failure.tear or Tear.NEW_OVER_OLD,
            zlib.crc32(str(self).encode()),
        )
