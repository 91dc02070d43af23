"""What a mount makes of the pages it finds: the last committed state, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from simcard.memory.image import ImageError
from simcard.memory.page import PageHeader, checksum, unseal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simcard.memory.flash import Flash


class _Copy(NamedTuple):
    """A whole page and where it lies."""

    header: PageHeader
    physical: int


@dataclass(frozen=True, slots=True)
class Survey:
    """The last committed state, and what has to be erased before anything else is written.

    `locations` maps logical to physical pages, `digest` is the exclusive or of the checksums of
    those pages, `frontier` the physical page the next transaction begins with, `leftovers` the
    pages of an unfinished transaction in the order in which they must go.
    """

    sequence: int
    locations: dict[int, int]
    digest: int
    frontier: int
    leftovers: list[int]


def survey(flash: Flash, logical_pages: int) -> Survey:
    """Read every page and find the last committed state; write nothing.

    `ImageError` when the pages are not what a memory with at most one interrupted program
    operation since its last mount can leave behind.
    """
    copies, damaged = _scan(flash, logical_pages)
    newest = _chain(copies, max((copy.header.sequence for copy in copies), default=0))
    _accept_damage(damaged, newest)
    leftovers: list[int] = damaged
    committed = newest
    if newest and newest[-1].header.remaining:
        # Newest first: after every single erasure the page before it is the newest one, and
        # points at the one just erased.
        leftovers = damaged + [copy.physical for copy in reversed(newest)]
        committed = _chain(copies, newest[0].header.sequence - 1)
        _follows(newest, committed)
    return _state(flash, copies, committed, leftovers)


def _scan(flash: Flash, logical_pages: int) -> tuple[list[_Copy], list[int]]:
    copies: list[_Copy] = []
    damaged: list[int] = []
    page_count = flash.geometry.page_count
    for physical in range(page_count):
        page = flash.read(physical)
        if page == flash.erased:
            continue
        header = unseal(page)
        if header is None:
            damaged.append(physical)
        elif header.logical >= logical_pages or header.successor >= page_count:
            raise ImageError(f"page {physical}: its header names a page outside the memory")
        elif header.sequence == 0:
            raise ImageError(f"page {physical}: transactions are counted from 1")
        else:
            copies.append(_Copy(header, physical))
    return copies, damaged


def _chain(copies: Iterable[_Copy], sequence: int) -> list[_Copy]:
    """The pages of one transaction in the order they were programmed, each pointing at the next."""
    chain = sorted(
        (copy for copy in copies if copy.header.sequence == sequence),
        key=lambda copy: copy.header.position,
    )
    for position, copy in enumerate(chain):
        if copy.header.position != position:
            raise ImageError(
                f"page {copy.physical}: page {copy.header.position} of transaction {sequence} "
                f"where its page {position} is expected"
            )
    for before, copy in pairwise(chain):
        if before.header.successor != copy.physical:
            raise ImageError(
                f"page {copy.physical}: transaction {sequence} goes on here, but page "
                f"{before.physical} says on page {before.header.successor}"
            )
    return chain


def _accept_damage(damaged: list[int], newest: list[_Copy]) -> None:
    expected = _successor(newest)
    for physical in damaged:
        if physical != expected:
            raise ImageError(
                f"page {physical}: bad checksum; only page {expected}, "
                "the next to be programmed, may be torn"
            )


def _successor(chain: list[_Copy]) -> int:
    """Where programming goes on behind a chain; the first page of all is page 0."""
    return chain[-1].header.successor if chain else 0


def _follows(unfinished: list[_Copy], committed: list[_Copy]) -> None:
    sequence = unfinished[0].header.sequence
    if sequence > 1 and not committed:
        raise ImageError(f"transaction {sequence - 1}: no page of it left, and no later commit")
    if committed and committed[-1].header.remaining:
        raise ImageError(f"transaction {sequence - 1}: unfinished, but followed by another")
    if unfinished[0].physical != _successor(committed):
        raise ImageError(
            f"page {unfinished[0].physical}: transaction {sequence} begins here, "
            f"but page {_successor(committed)} was to be programmed next"
        )


def _state(
    flash: Flash, copies: list[_Copy], committed: list[_Copy], leftovers: list[int]
) -> Survey:
    sequence = committed[0].header.sequence if committed else 0
    newest: dict[int, _Copy] = {}
    for copy in copies:
        header = copy.header
        if header.sequence > sequence:
            continue
        rival = newest.get(header.logical)
        if rival is None or header.sequence > rival.header.sequence:
            newest[header.logical] = copy
        elif header.sequence == rival.header.sequence:
            raise ImageError(
                f"page {copy.physical}: logical page {header.logical} is on page "
                f"{rival.physical} too, in the same transaction"
            )
    digest = others = 0
    for copy in newest.values():
        value = checksum(flash.read(copy.physical))
        digest ^= value
        if copy.header.sequence < sequence:
            others ^= value
    if committed and others != committed[-1].header.others:
        raise ImageError(
            f"transaction {sequence}: a page that was live at its commit is missing or replaced"
        )
    locations = {logical: copy.physical for logical, copy in newest.items()}
    frontier = _successor(committed)
    if frontier in locations.values():
        raise ImageError(f"page {frontier}: to be programmed next, but it holds live data")
    return Survey(sequence, locations, digest, frontier, leftovers)
