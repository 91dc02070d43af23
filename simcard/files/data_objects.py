"""BER-TLV data objects in an EF or a DF: get, put, next (ISO/IEC 7816-4:2020, 11.5).

A body starts with two bytes that count the bytes in use; the data objects are packed behind them
in the order in which they came. Several may have the same tag: they are its occurrences. What the
commands see is one template, the whole content or the value of a constructed data object in it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from simcard.files.descriptors import File
from simcard.memory.journal import Memory
from simcard.status import SW, CardError
from simcard.tlv import Tlv, TlvError, parse

_BOOKS: Final = 2
_USED_MAX: Final = 0xFFFF

Path = tuple[int, ...]
"""The way to a template: the position of a constructed data object at each step from the root."""


class DataObjectContent:
    """The data objects of one template of an EF or DF, behind the door; positions start at 0."""

    __slots__ = ("_memory", "_region", "path")

    def __init__(self, file: File, memory: Memory, path: Path = ()) -> None:
        self._region = file.region
        self._memory = memory
        self.path = path

    def within(self, path: Path) -> DataObjectContent:
        """The template at *path* of the same file."""
        twin = object.__new__(DataObjectContent)
        twin._region, twin._memory, twin.path = self._region, self._memory, path
        return twin

    def all(self) -> list[Tlv]:
        """Every data object in its order; 6A88 when the template is there no more."""
        objects = self._root()
        for position in self.path:
            try:
                objects = parse(_at(objects, position).value)
            except TlvError:  # whoever put it there has not nested data objects in it
                raise CardError(SW.REFERENCED_DATA_NOT_FOUND) from None
        return objects

    def positions(self, tag: int) -> list[int]:
        """Where the occurrences of *tag* are; 6A88 when there is none."""
        found = [position for position, tlv in enumerate(self.all()) if tlv.tag == tag]
        if not found:
            raise CardError(SW.REFERENCED_DATA_NOT_FOUND)
        return found

    def at(self, position: int) -> Tlv:
        """The data object at *position*; 6A88 when it is there no more."""
        return _at(self.all(), position)

    def after(self, position: int | None, tags: Collection[int] = ()) -> int:
        """The first position behind *position* (None: from the start) with one of *tags* (any).

        6A88 at the end.
        """
        start = 0 if position is None else position + 1
        for index, tlv in enumerate(self.all()[start:], start):
            if not tags or tlv.tag in tags:
                return index
        raise CardError(SW.REFERENCED_DATA_NOT_FOUND)

    def replace(self, position: int, objects: list[Tlv]) -> None:
        """Put *objects*, perhaps none, in the place of the one at *position*; 6A84."""
        content = self.all()
        content[position : position + 1] = objects
        self._store(content)

    def append(self, objects: list[Tlv]) -> None:
        """Add *objects* behind all others; 6A84 when they do not fit."""
        self._store([*self.all(), *objects])

    def _root(self) -> list[Tlv]:
        used = int.from_bytes(self._region.read(self._memory, 0, _BOOKS), "big")
        return parse(self._region.read(self._memory, _BOOKS, used))

    def _store(self, objects: list[Tlv]) -> None:
        """Make *objects* the template, and the objects around it fit."""
        if self.path:
            above = self.within(self.path[:-1])
            around = above.all()
            place = self.path[-1]
            around[place] = Tlv(around[place].tag, b"".join(map(bytes, objects)))
            above._store(around)  # noqa: SLF001 - it is of this class
            return
        body = b"".join(map(bytes, objects))
        if _BOOKS + len(body) > self._region.size or len(body) > _USED_MAX:
            raise CardError(SW.NOT_ENOUGH_MEMORY)
        self._region.write(self._memory, 0, len(body).to_bytes(_BOOKS, "big") + body)


def _at(objects: list[Tlv], position: int) -> Tlv:
    if position >= len(objects):
        raise CardError(SW.REFERENCED_DATA_NOT_FOUND)
    return objects[position]
