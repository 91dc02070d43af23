"""Where the logical pages lie, which physical pages are free, and which of those comes next.

All of it is derived from the flash at mount and kept in RAM. The least worn free page is always
taken first, the lower number among equals, so the same operations choose the same pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Self

from simcard.memory.flash import WornOut

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simcard.memory.flash import Flash
    from simcard.memory.recovery import Survey

NOWHERE = -1

LEVELLING_PERIOD = 64
"""Every so many transactions, at most one page is moved to even out wear: one write in 64."""
LEVELLING_WINDOW = 256
"""Looked for among so many logical pages at a time, so that a large chip is not a slow one."""
LEVELLING_GAP = 64
"""Moved only when its page has seen so many writes less than the one about to be programmed."""


@dataclass(slots=True)
class Ledger:
    """The bookkeeping of the last committed state.

    `locations` maps logical to physical pages (`NOWHERE`: never written), `free` is a heap of
    wear << 16 | page, `frontier` the page the next transaction begins with, `sequence` the last
    transaction, `digest` the exclusive or of the checksums of all live pages.
    """

    locations: list[int]
    free: list[int]
    frontier: int
    sequence: int
    digest: int

    @classmethod
    def of(cls, flash: Flash, found: Survey, logical_pages: int) -> Self:
        """The ledger of what a survey has found."""
        locations = [NOWHERE] * logical_pages
        for logical, physical in found.locations.items():
            locations[logical] = physical
        taken = {found.frontier, *locations}
        pages = range(flash.geometry.page_count)
        free = [_key(flash, page) for page in pages if page not in taken]
        heapify(free)
        return cls(locations, free, found.frontier, found.sequence, found.digest)

    def copy(self) -> Self:
        """An independent ledger with the same entries."""
        return type(self)(
            self.locations.copy(), self.free.copy(), self.frontier, self.sequence, self.digest
        )

    def superseded(self, changed: Iterable[int]) -> list[int]:
        """The physical pages that hold the present copies of the *changed* logical pages."""
        places = [self.locations[logical] for logical in changed]
        return [place for place in places if place != NOWHERE]

    def route(
        self, flash: Flash, count: int, superseded: Iterable[int]
    ) -> tuple[list[int], list[int]]:
        """The *count* pages to program and the next frontier; and the heap that stays free.

        The frontier may be a superseded page, since it is programmed only after this commit. The
        transaction itself may not use one: it can still be discarded. `WornOut`, and all is as it
        was, when one of the pages has no endurance left. Otherwise the heap is this ledger's own,
        which then serves no longer: copying it would make a commit on a large chip dearer.
        """
        free = self.free
        returned = [_key(flash, page) for page in superseded]
        taken = [heappop(free) for _ in range(count - 1)]
        for key in returned:
            heappush(free, key)
        taken.append(heappop(free))
        route = [self.frontier, *(key & 0xFFFF for key in taken)]
        if any(flash.wear[page] >= flash.geometry.endurance for page in route):
            free[:] = set(free + taken).difference(returned)
            heapify(free)
            raise WornOut("no free page with endurance left")
        return route, free

    def cold_page(self, flash: Flash) -> int | None:
        """The logical page to move now, so that its little worn physical page comes into use.

        Pages that never change would otherwise keep the best flash for ever. None, nearly always:
        it is not the time, or wear is even enough.
        """
        period, rest = divmod(self.sequence + 1, LEVELLING_PERIOD)
        if rest:
            return None
        wear = flash.wear
        starts = range(0, len(self.locations), LEVELLING_WINDOW)
        start = starts[period % len(starts)]
        window = enumerate(self.locations[start : start + LEVELLING_WINDOW], start)
        live = [logical for logical, place in window if place != NOWHERE]
        if not live:
            return None
        coldest = min(live, key=lambda logical: wear[self.locations[logical]])
        gap = wear[self.frontier] - wear[self.locations[coldest]]
        return coldest if gap > LEVELLING_GAP else None


def _key(flash: Flash, page: int) -> int:
    return flash.wear[page] << 16 | page
