"""BER-TLV data objects in an EF or a DF: get, put, next (ISO/IEC 7816-4:2020, 11.5).

A body starts with two bytes that count the bytes in use; the data objects are packed behind them
in the order in which they were first put.
"""

from __future__ import annotations

from typing import Final

from simcard.files.descriptors import File
from simcard.memory.journal import Memory
from simcard.status import SW, CardError
from simcard.tlv import Tlv, encode, parse

_BOOKS: Final = 2


class DataObjectContent:
    """The data objects of one EF or DF, behind the door."""

    __slots__ = ("_file", "_memory")

    def __init__(self, file: File, memory: Memory) -> None:
        self._file = file
        self._memory = memory

    def all(self) -> list[Tlv]:
        """Every data object in its order."""
        region = self._file.region
        used = int.from_bytes(region.read(self._memory, 0, _BOOKS), "big")
        return parse(region.read(self._memory, _BOOKS, used))

    def get(self, tag: int) -> bytes:
        """The value of the data object *tag*; 6A88 when there is none."""
        for tlv in self.all():
            if tlv.tag == tag:
                return tlv.value
        raise CardError(SW.REFERENCED_DATA_NOT_FOUND)

    def after(self, tag: int | None) -> Tlv:
        """The data object behind *tag*, the first one for None; 6A88 at the end."""
        objects = self.all()
        tags = [tlv.tag for tlv in objects]
        index = 0 if tag is None else tags.index(tag) + 1 if tag in tags else len(tags)
        if index >= len(objects):
            raise CardError(SW.REFERENCED_DATA_NOT_FOUND)
        return objects[index]

    def put(self, objects: list[Tlv]) -> None:
        """Put each of *objects* in the place of its namesake, or behind the others.

        An empty value takes the data object away; 6A84 when they do not all fit.
        """
        content = {tlv.tag: tlv.value for tlv in self.all()}
        for tlv in objects:
            content[tlv.tag] = tlv.value
        self._store(content)

    def _store(self, content: dict[int, bytes]) -> None:
        body = b"".join(encode(tag, value) for tag, value in content.items() if value)
        region = self._file.region
        if _BOOKS + len(body) > region.size:
            raise CardError(SW.NOT_ENOUGH_MEMORY)
        region.write(self._memory, 0, len(body).to_bytes(_BOOKS, "big") + body)
