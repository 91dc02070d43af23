"""Memory whose changes are committed whole or not at all, wherever the power is cut.

Theory of operation
===================

There is no journal beside the data: the pages are the journal. A change is never made in place.
Every page that a transaction changes is written as a new copy on a free page, and a header before
the payload says which logical page it is a copy of, in which transaction (`sequence`), as which of
its pages (`position`), and how many are still to come (`remaining`). One write for each changed
page is all a commit costs. A transaction is committed from the moment its last page, the one with
nothing remaining, is whole. Of several copies of a logical page the one with the highest committed
sequence is *live*; all others are *stale*, and their pages are free again.

Every header also names its `successor`, the page that will be programmed next, across the border
of transactions: the last page of a transaction names the *frontier*, where the next one will begin.
The very first write of a chip goes to page 0. So whoever finds the newest whole page (highest
sequence, then highest position) knows the one page on which the chip may have been at work.

What holds at every moment, inside program operations too
---------------------------------------------------------
1. No page is programmed that is live in the last committed state.
2. At most one page is damaged, and it is the successor of the newest whole page.
3. At most one transaction is unfinished: the newest. Its pages are positions 0, 1, ... in a row.

*Commit keeps them.* Targets are taken from the free pages. Page n of a transaction goes to the
successor of page n-1, page 0 to the frontier; until it is whole, its predecessor is the newest
page. A superseded copy becomes free only with the commit. It may be named as the new frontier
before that, because the frontier is programmed after the commit or not at all.

*Recovery keeps them.* First it looks at everything, and refuses before it writes. Then it erases:
the damaged page, then the pages of the unfinished transaction from the newest to the oldest. While
one of them is being erased, its predecessor is the newest whole page and names it as successor.
So recovery cut at any point is recovered from by the same rule, as often as one likes. In the end
the newest page is the last of the last committed transaction, and its successor, the frontier,
is the page the discarded transaction began with.

*Numbers do not collide.* A discarded transaction's sequence is used again. By then none of its
pages exists, for recovery ends before the first write is accepted. Stale copies are older, and lose
against the live copy of the same logical page, which is whole by rule 1. Sequence numbers cannot
run out: `Geometry` bounds all the writes a chip can take by 2^32 - 1.

What is refused
---------------
Anything that contradicts the three rules is not our work: `ImageError`, and nothing is changed.
One kind of damage leaves no contradiction behind: a live page that has vanished, or turned into an
older copy of itself. Therefore each transaction carries `others`, the exclusive or of the checksums
of all live pages that it does *not* replace. With its own pages, which are counted, that covers the
whole committed state. What stays undetectable is damage to the page programmed last. It looks like
a cut during that write, and is treated as one: the last transaction has not happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from simcard.memory.ledger import NOWHERE, Ledger
from simcard.memory.page import HEADER, PageHeader, checksum, seal
from simcard.memory.power import PoweredOff
from simcard.memory.recovery import survey

if TYPE_CHECKING:
    from simcard.memory.flash import Flash


class TransactionTooLarge(Exception):
    """The write needs more pages than one transaction can change. Nothing was changed."""


class Memory:
    """Logical bytes, from address 0 to `capacity`, that change only by `commit`.

    Bytes never written read as 00. `transaction_capacity` is the number of logical pages, each of
    `page_payload` bytes, that one transaction can change, and `dirty` says that the open one has
    changed some. After `PowerLoss` the object is dead (`PoweredOff`); the state is in the flash,
    for a new mount.
    """

    __slots__ = (
        "_before",
        "_ledger",
        "_limit",
        "_pages",
        "capacity",
        "dirty",
        "flash",
        "page_payload",
        "transaction_capacity",
    )

    def __init__(
        self, flash: Flash, ledger: Ledger, pages: list[bytes], before: dict[int, bytes]
    ) -> None:
        self.flash = flash
        self.page_payload = flash.geometry.page_size - HEADER.size
        self.capacity = len(pages) * self.page_payload
        self.transaction_capacity = flash.geometry.spare_pages
        self._ledger = ledger
        self._pages = pages  # the payloads as the open transaction sees them
        self._before = before  # logical page -> its payload before the open transaction
        self.dirty = bool(before)
        self._limit = self.capacity  # -1 when dead, so that reading compares only once

    @classmethod
    def format(cls, flash: Flash) -> Self:
        """A fresh memory on a chip whose pages are all erased (`ValueError` if they are not).

        An erased chip is the empty memory: there is nothing to write, hence nothing to interrupt.
        """
        if any(flash.read(page) != flash.erased for page in range(flash.geometry.page_count)):
            raise ValueError("flash: only an erased chip can be formatted")
        return cls.mount(flash)

    @classmethod
    def mount(cls, flash: Flash) -> Self:
        """The memory in its last committed state; what an interrupted commit left is erased.

        `ImageError`, with nothing changed, when the pages cannot be the work of this journal.
        """
        geometry = flash.geometry
        logical_pages = geometry.page_count - geometry.spare_pages
        found = survey(flash, logical_pages)
        for page in found.leftovers:
            flash.program(page, flash.erased)
        ledger = Ledger.of(flash, found, logical_pages)
        never_written = bytes(geometry.page_size - HEADER.size)
        pages = [
            never_written if place == NOWHERE else flash.read(place)[HEADER.size :]
            for place in ledger.locations
        ]
        return cls(flash, ledger, pages, {})

    def read(self, address: int, length: int) -> bytes:
        """*length* bytes from *address*, as the open transaction sees them."""
        end = address + length
        if not 0 <= address <= end <= self._limit:
            self._refuse(address, length)
        size = self.page_payload
        first = address // size
        offset = address % size
        stop = offset + length
        if 0 < length <= size - offset:
            return self._pages[first][offset:stop]
        return b"".join(self._pages[first : (end - 1) // size + 1])[offset:stop]

    def write(self, address: int, data: bytes) -> None:
        """Change bytes in the open transaction; the flash changes only at `commit`.

        `TransactionTooLarge`, with nothing changed, when the transaction would outgrow
        `transaction_capacity` pages.
        """
        end = address + len(data)
        if address < 0 or end > self._limit:
            self._refuse(address, len(data))
        if not data:
            return
        size = self.page_payload
        changed: dict[int, bytes] = {}
        for logical in range(address // size, (end - 1) // size + 1):
            start = logical * size
            low = max(address, start)
            high = min(end, start + size)
            old = self._pages[logical]
            new = old[: low - start] + data[low - address : high - address] + old[high - start :]
            if new != old:
                changed[logical] = new
        if len(self._before.keys() | changed.keys()) > self.transaction_capacity:
            raise TransactionTooLarge(
                f"more than {self.transaction_capacity} pages in one transaction"
            )
        for logical, new in changed.items():
            self._before.setdefault(logical, self._pages[logical])
            self._pages[logical] = new
            self.dirty = True

    def commit(self) -> None:
        """Make the open transaction permanent: all of it or, if power fails on the way, nothing.

        Pages whose bytes are what they were cost nothing. `WornOut`, with the transaction still
        open, when the free pages have no endurance left.
        """
        self._require_power()
        changed = {page for page, old in self._before.items() if self._pages[page] != old}
        if changed:
            cold = self._ledger.cold_page(self.flash)
            if cold is not None and len(changed) < self.transaction_capacity:
                changed.add(cold)
            self._program(sorted(changed))
        self._before.clear()
        self.dirty = False

    def rollback(self) -> None:
        """Forget the open transaction."""
        self._require_power()
        for logical, old in self._before.items():
            self._pages[logical] = old
        self._before.clear()
        self.dirty = False

    def fork(self) -> Self:
        """An independent memory, open transaction included, on a fork of the flash."""
        self._require_power()
        return type(self)(
            self.flash.fork(), self._ledger.copy(), self._pages.copy(), self._before.copy()
        )

    def _program(self, changed: list[int]) -> None:
        ledger = self._ledger
        superseded = ledger.superseded(changed)
        route, free = ledger.route(self.flash, len(changed), superseded)
        others = ledger.digest
        for physical in superseded:
            others ^= checksum(self.flash.read(physical))
        digest = others
        try:
            for position, logical in enumerate(changed):
                header = PageHeader(
                    sequence=ledger.sequence + 1,
                    others=others,
                    logical=logical,
                    position=position,
                    remaining=self._remaining(position, len(changed)),
                    successor=route[position + 1],
                )
                page = seal(header, self._pages[logical])
                self.flash.program(route[position], page)
                digest ^= checksum(page)
            locations = ledger.locations
            for logical, physical in zip(changed, route, strict=False):
                locations[logical] = physical
            self._ledger = Ledger(locations, free, route[-1], ledger.sequence + 1, digest)
        except BaseException:
            self._limit = -1  # whatever stopped us, only the flash knows how far we came
            raise

    @staticmethod
    def _remaining(position: int, count: int) -> int:
        """Pages still to come behind the one at *position* of *count*; 0 is the commit mark."""
        return count - 1 - position

    def _require_power(self) -> None:
        if self._limit < 0:
            raise PoweredOff("the memory has lost its power: mount it again")

    def _refuse(self, address: int, length: int) -> None:
        self._require_power()
        raise IndexError(f"{length} bytes at {address}: outside the {self.capacity} bytes")
