"""Allocation: the logical memory is divided into equal cells, and every file is a chain of cells.

A table of one 16-bit entry per cell says how the chains run, so space never fragments: as long as
enough cells are free a file fits, wherever they lie. The layout (all numbers big-endian):

======  ====  ==================================================================
offset  size  meaning
======  ====  ==================================================================
0       4     magic ``CARD``
4       1     version of this layout, 01
5       1     life cycle status of the card
6       2     cell size in bytes
8       2     number of cells N
10      2     cell of the MF
12      20    name of the profile the card was made from, ASCII, filled up with 00
32      2 N   cell table: 0000 free, FFFF last of its chain, else the next cell
..      ..    cells 1 to N
======  ====  ==================================================================

Nothing is kept in RAM that the memory does not hold, so a rolled-back transaction needs no undo.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final, Self

from simcard.memory.journal import Memory
from simcard.status import SW, CardError

CELL_SIZE: Final = 64
PROFILE_NAME_SIZE: Final = 20
_MAGIC: Final = b"CARD"
_VERSION: Final = 1
_SUPERBLOCK: Final = struct.Struct(">4sBBHHH20s")
_FREE: Final = 0x0000
_LAST: Final = 0xFFFF
_CELLS_MAX: Final = 0xFFFE


class LayoutError(ValueError):
    """The memory holds no file system of this version, or a damaged one."""


@dataclass(frozen=True, slots=True)
class Region:
    """A piece of memory a file owns: extents (address, length) in order, all bytes together.

    `start` and `room` are address and length of the first extent, nearly always the only one.
    """

    extents: tuple[tuple[int, int], ...]
    size: int
    start: int = field(init=False, repr=False)
    room: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        start, room = self.extents[0] if self.extents else (0, 0)
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "room", room)

    def read(self, memory: Memory, offset: int, length: int) -> bytes:
        """The *length* bytes from *offset* on; both lie inside the region."""
        if offset + length <= self.room:
            return memory.read(self.start + offset, length)
        return b"".join(memory.read(*piece) for piece in self._pieces(offset, length))

    def write(self, memory: Memory, offset: int, data: bytes) -> None:
        """Put *data* at *offset* into the open transaction; all of it lies inside the region."""
        if offset + len(data) <= self.room:
            memory.write(self.start + offset, data)
            return
        done = 0
        for address, length in self._pieces(offset, len(data)):
            memory.write(address, data[done : done + length])
            done += length

    def part(self, offset: int, length: int) -> Region:
        """The region of *length* bytes that starts at *offset*."""
        return Region(tuple(self._pieces(offset, length)), length)

    def _pieces(self, offset: int, length: int) -> list[tuple[int, int]]:
        assert offset >= 0
        assert offset + length <= self.size, (offset, length, self.size)
        pieces = []
        for address, room in self.extents:
            if length and offset < room:
                taken = min(room - offset, length)
                pieces.append((address + offset, taken))
                offset, length = 0, length - taken
            else:
                offset = max(0, offset - room)
        return pieces


class CellStore:
    """The cells of one memory: chains are found, allocated and freed here."""

    __slots__ = ("_cells_at", "_table_at", "cell_size", "count", "memory")

    def __init__(self, memory: Memory, cell_size: int, count: int) -> None:
        self.memory = memory
        self.cell_size = cell_size
        self.count = count
        self._table_at = _SUPERBLOCK.size
        self._cells_at = _SUPERBLOCK.size + 2 * count

    @classmethod
    def format(cls, memory: Memory, profile: str = "", cell_size: int = CELL_SIZE) -> Self:
        """Lay out an empty store over the whole of *memory*, in the open transaction."""
        count = min((memory.capacity - _SUPERBLOCK.size) // (cell_size + 2), _CELLS_MAX)
        name = profile.encode("ascii")[:PROFILE_NAME_SIZE]
        memory.write(0, _SUPERBLOCK.pack(_MAGIC, _VERSION, 0, cell_size, count, 0, name))
        return cls(memory, cell_size, count)

    @classmethod
    def mount(cls, memory: Memory) -> Self:
        """Find the store in *memory*; LayoutError when there is none that we can read."""
        head = memory.read(0, _SUPERBLOCK.size)
        magic, version, _, cell_size, count, _, _ = _SUPERBLOCK.unpack(head)
        if magic != _MAGIC:
            raise LayoutError(f"offset 0: the file system's mark is {magic!r}, not {_MAGIC!r}")
        if version != _VERSION:
            raise LayoutError(f"offset 4: file system version {version}, this program reads 1")
        if not cell_size or _SUPERBLOCK.size + count * (cell_size + 2) > memory.capacity:
            raise LayoutError(f"offset 6: {count} cells of {cell_size} bytes do not fit the memory")
        return cls(memory, cell_size, count)

    def on(self, memory: Memory) -> CellStore:
        """The same store over another memory of the same content (a fork)."""
        return CellStore(memory, self.cell_size, self.count)

    @property
    def profile(self) -> str:
        """The profile the card was made from: the first `PROFILE_NAME_SIZE` letters of its name."""
        name = self.memory.read(12, PROFILE_NAME_SIZE)
        return name.rstrip(b"\0").decode("ascii", "replace")

    @property
    def card_life_cycle(self) -> int:
        """The life cycle status byte of the card as a whole."""
        return self.memory.read(5, 1)[0]

    @card_life_cycle.setter
    def card_life_cycle(self, value: int) -> None:
        self.memory.write(5, bytes([value]))

    @property
    def root(self) -> int:
        """The cell of the MF, 0 before it exists."""
        return int.from_bytes(self.memory.read(10, 2), "big")

    @root.setter
    def root(self, cell: int) -> None:
        self.memory.write(10, cell.to_bytes(2, "big"))

    def table(self) -> tuple[int, ...]:
        """The whole cell table; entry 0 belongs to cell 1."""
        return struct.unpack(f">{self.count}H", self._table_bytes())

    def free_bytes(self) -> int:
        """Bytes in cells that no chain holds."""
        return self.table().count(_FREE) * self.cell_size

    def heads(self, table: tuple[int, ...]) -> list[int]:
        """The first cell of every chain: allocated, and no other cell leads to it."""
        followers = set(table)
        return [
            cell for cell, entry in enumerate(table, 1) if entry != _FREE and cell not in followers
        ]

    def chain(self, head: int, table: tuple[int, ...]) -> list[int]:
        """The cells of the chain that starts at *head*; LayoutError when it runs in a circle."""
        cells = [head]
        while (entry := table[cells[-1] - 1]) != _LAST:
            if not 1 <= entry <= self.count or len(cells) > self.count:
                raise LayoutError(f"cell {cells[-1]}: its entry {entry:04X} leads nowhere")
            cells.append(entry)
        return cells

    def region(self, cells: list[int]) -> Region:
        """The bytes of *cells* as few extents: neighbours are joined."""
        extents: list[tuple[int, int]] = []
        for cell in cells:
            address = self._cells_at + (cell - 1) * self.cell_size
            if extents and sum(extents[-1]) == address:
                extents[-1] = (extents[-1][0], extents[-1][1] + self.cell_size)
            else:
                extents.append((address, self.cell_size))
        return Region(tuple(extents), len(cells) * self.cell_size)

    def allocate(self, size: int) -> tuple[int, Region]:
        """A chain of zeroed cells for *size* bytes: its head and its region; 6A84 when full.

        No data may be in the open transaction yet: zeroing free cells is invisible to everybody
        and is committed in steps, so that a file may be larger than a transaction.
        """
        cells = _choose(self._table_bytes(), max(1, -(-size // self.cell_size)))
        if cells is None:
            raise CardError(SW.NOT_ENOUGH_MEMORY)
        region = self.region(cells)
        self._zero(region)
        for cell, following in zip(cells, [*cells[1:], _LAST], strict=True):
            self._link(cell, following)
        return cells[0], region

    def release(self, head: int) -> None:
        """Free the chain that starts at *head*."""
        cell = head
        while cell != _LAST:
            following = int.from_bytes(self.memory.read(self._entry_at(cell), 2), "big")
            assert following != _FREE, f"cell {cell}: its chain was whole at power-on"
            self._link(cell, _FREE)
            cell = following

    def _link(self, cell: int, entry: int) -> None:
        self.memory.write(self._entry_at(cell), entry.to_bytes(2, "big"))

    def _entry_at(self, cell: int) -> int:
        return self._table_at + 2 * (cell - 1)

    def _table_bytes(self) -> bytes:
        return self.memory.read(self._table_at, 2 * self.count)

    def _zero(self, region: Region) -> None:
        assert not self.memory.dirty, "cells are zeroed before anything else is written"
        step = max(1, self.memory.transaction_capacity // 2) * self.cell_size
        for offset in range(0, region.size, step):
            length = min(step, region.size - offset)
            if any(region.read(self.memory, offset, length)):
                region.write(self.memory, offset, bytes(length))
                self.memory.commit()


def _choose(table: bytes, wanted: int) -> list[int] | None:
    """The first run of *wanted* free cells, else the first free cells anywhere, else None."""
    start = _find_free(table, wanted, 1)
    if start is not None:
        return list(range(start, start + wanted))
    cells: list[int] = []
    while len(cells) < wanted:
        cell = _find_free(table, 1, cells[-1] + 1 if cells else 1)
        if cell is None:
            return None
        cells.append(cell)
    return cells


def _find_free(table: bytes, wanted: int, cell: int) -> int | None:
    """The first cell at or behind *cell* that is free, and *wanted* - 1 behind it as well."""
    run = bytes(2 * wanted)
    at = table.find(run, 2 * (cell - 1))
    while at % 2:  # half an entry and half the next one, or -1
        if at < 0:
            return None
        at = table.find(run, at + 1)
    return at // 2 + 1
