"""Finding the EFs that hold items of the scheme, and changing an item that a proof has opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import NotRun, not_applicable
from conformance.proving import opening_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.family import CardKey
    from conformance.layout import ElementaryFile
    from conformance.terminal import Terminal


def files_with_items(terminal: Terminal) -> tuple[ElementaryFile, ...]:
    """The EFs whose records are items of the scheme; the case ends when there is none."""
    found = tuple(ef for ef in terminal.layout.elementary() if ef.items)
    return found or not_applicable("no EF has items of the scheme")


def changing(ef: ElementaryFile, number: int, held: bytes) -> CommandAPDU:
    """UPDATE RECORD of the whole TLV with another value of the same coding."""
    value = held[2:]
    changed = value[:-1] + bytes((value[-1] ^ 0x01,))
    return CommandAPDU(0x00, 0xDC, number, (ef.sfi or 0) << 3 | 4, held[:2] + changed)


def writable(terminal: Terminal) -> Iterator[tuple[ElementaryFile, CardKey]]:
    """The EFs whose items may be changed, with the key that opens them, after a reset."""
    if not terminal.bench.copies:
        raise NotRun("items of a card that cannot be copied are left as they are")
    found = [ef for ef in files_with_items(terminal) if ef.writable]
    for ef in found or not_applicable("no items are declared writable"):
        key = opening_key(terminal, ef)
        if key is not None:
            terminal.reset()
            yield ef, key
