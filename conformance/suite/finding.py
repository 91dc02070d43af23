"""Finding the files and references of the statement that a case can work with, and opening them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from conformance.case import NotRun, not_applicable
from conformance.commands import select_path, verify
from conformance.undo import opening

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.layout import ElementaryFile, Kind, Reference
    from conformance.terminal import Terminal

T = TypeVar("T")
OK = 0x9000
REFUSED = (0x6982, 0x6983, 0x6985)
MARKS = bytes((0x5A, 0xA7, 0x33, 0xC9, 0x1E))
"""What is combined by exclusive-or with the bytes there are; the period is no power of two."""


def readable(terminal: Terminal, kind: Kind) -> tuple[ElementaryFile, ...]:
    """The EFs of *kind* that anybody may read; the case ends when there is none."""
    found = tuple(ef for ef in terminal.layout.elementary(kind) if ef.read.always)
    return found or not_applicable(f"no {kind.value} EF may always be read")


def writable(terminal: Terminal, kind: Kind) -> tuple[ElementaryFile, ...]:
    """The EFs of *kind* that the statement gives free and the judge can open."""
    bench = terminal.bench
    free = tuple(ef for ef in terminal.layout.elementary(kind) if ef.writable and not ef.line)
    if not free:
        not_applicable(f"no {kind.value} EF is declared writable")
    usable = tuple(
        ef
        for ef in free
        if opening(ef.read, bench) is not None
        and opening(ef.update, bench) is not None
        and all(content.known is None for content in bench.baseline.contents[ef])
    )
    if not usable:
        raise NotRun("what the writable files hold could not be read first")
    return usable


def known_references(terminal: Terminal) -> tuple[Reference, ...]:
    """The references whose values the judge holds, with all their tries."""
    found = tuple(one for one in terminal.layout.references if terminal.keys.right(one))
    if not found:
        raise NotRun("no value of any reference is known")
    return found


def guessable(terminal: Terminal, tries: int = 1) -> tuple[Reference, ...]:
    """The references of which *tries* may be spent without going below the floor."""
    found = tuple(
        one
        for one in known_references(terminal)
        if terminal.model.states[0].tries[one] - tries >= one.floor
    )
    if not found:
        raise NotRun(f"no reference has {tries} tries above its floor")
    return found


def enter(terminal: Terminal, ef: ElementaryFile, *actions: str) -> None:
    """Select the DF of *ef* and verify what *actions* ("read", "update") need."""
    terminal.send(select_path(ef.parent))
    needed: set[Reference] = set()
    for action in actions:
        right = ef.read if action == "read" else ef.update
        references = opening(right, terminal.bench)
        if references is None:
            raise NotRun(f"the judge cannot meet the rule to {action} {ef.path}")
        needed.update(references)
    for reference in sorted(needed, key=lambda one: one.number):
        terminal.send(verify(terminal.keys, "pin", reference))


def open_file(terminal: Terminal, ef: ElementaryFile, *actions: str) -> None:
    """`enter`, then select *ef* itself."""
    enter(terminal, ef, *actions)
    terminal.send(select_path(ef))


def changed(
    terminal: Terminal, ef: ElementaryFile, offset: int, size: int, index: int = 0
) -> bytes:
    """*size* bytes to write at *offset* of *ef* (of record *index*), none of them what is there.

    Behind the end of the file anything will do.
    """
    held = terminal.bench.baseline.contents[ef][index].value[offset : offset + size]
    return bytes(
        byte ^ MARKS[position % len(MARKS)] for position, byte in enumerate(held.ljust(size))
    )


def fresh(terminal: Terminal, files: tuple[ElementaryFile, ...]) -> Iterator[ElementaryFile]:
    """Each of *files*, the card reset before it."""
    for ef in files:
        terminal.reset()
        yield ef


def some(found: Iterable[T], missing: str) -> Iterator[T]:
    """Each of *found* in its turn; the case ends when there was none: *missing* says of what."""
    none = True
    for one in found:
        none = False
        yield one
    if none:
        not_applicable(missing)
