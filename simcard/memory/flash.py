"""Flash memory: pages that are programmed whole, wear out, and can lose power at any moment.

`program` is the only way to write. It erases the page and programs it, counts one more write for
it, and passes both on to the image, if there is one: first the page, then its wear entry, each
as one copy of bytes. The image is any writable run of bytes that somebody else has opened, so
memory in RAM and memory in a file are the same code, and killing the process between two copies
is the same event as pulling the card.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Self

from simcard.memory.image import (
    HEADER,
    Geometry,
    Store,
    pack_header,
    pack_wear,
    read_geometry,
    read_wear,
)
from simcard.memory.power import Moment, PoweredOff, PowerLoss

if TYPE_CHECKING:
    from simcard.memory.power import PowerCut


class WornOut(Exception):
    """No page with endurance left can take the data. Nothing was changed."""


class Flash:
    """The pages of one chip.

    `wear` counts the program operations of each page and `writes` those of this object; both are
    for reading. Pages are immutable `bytes`, so a fork shares every page it does not program.
    """

    __slots__ = (
        "_cut",
        "_pages",
        "_powered",
        "_store",
        "_writes_to_cut",
        "erased",
        "geometry",
        "wear",
        "writes",
    )

    def __init__(
        self,
        geometry: Geometry,
        pages: list[bytes],
        wear: array[int],
        store: Store | None = None,
    ) -> None:
        self.geometry = geometry
        self.erased = b"\xff" * geometry.page_size
        self.wear = wear
        self.writes = 0
        self._pages = pages
        self._store = store
        self._powered = True
        self._cut: PowerCut | None = None
        self._writes_to_cut = 0

    @classmethod
    def blank(cls, geometry: Geometry, store: Store | None = None) -> Self:
        """A chip fresh from the wafer, all pages erased; with *store*, in a new image there.

        `store` has exactly `geometry.image_size` bytes. Its header is destroyed first and written
        last: an image whose making was interrupted is no image.
        """
        erased = b"\xff" * geometry.page_size
        wear = array("I", [0]) * geometry.page_count
        flash = cls(geometry, [erased] * geometry.page_count, wear, store)
        if store is not None:
            if len(store) != geometry.image_size:
                raise ValueError(f"store: {len(store)} bytes, {geometry.image_size} needed")
            store[: HEADER.size] = bytes(HEADER.size)
            store[HEADER.size :] = flash.image()[HEADER.size :]
            store[: HEADER.size] = pack_header(geometry)
        return flash

    @classmethod
    def open(cls, store: Store) -> Self:
        """The chip whose image *store* holds; `ImageError` if it is not one we can read."""
        geometry = read_geometry(store)
        wear = read_wear(store, geometry)
        size = geometry.page_size
        start = geometry.page_offset(0)
        content = bytes(store[start:])
        pages = [content[offset : offset + size] for offset in range(0, geometry.size, size)]
        return cls(geometry, pages, wear, store)

    def image(self) -> bytes:
        """The whole chip as an image file (`Geometry.image_size` bytes)."""
        wear = b"".join(map(pack_wear, self.wear))
        return pack_header(self.geometry) + wear + b"".join(self._pages)

    def read(self, page: int) -> bytes:
        """The `page_size` bytes of physical page *page*."""
        if not self._powered:
            raise PoweredOff("the chip has lost its power: restore it first")
        return self._pages[page]

    def program(self, page: int, data: bytes) -> None:
        """Erase and program one page with `page_size` bytes.

        A page that has reached its endurance would not keep data: it refuses with `WornOut` and
        stays as it is. It can still be erased (programmed with `erased`).
        """
        if not self._powered:
            raise PoweredOff("the chip has lost its power: restore it first")
        if len(data) != self.geometry.page_size:
            raise ValueError(f"{len(data)} bytes: a page has {self.geometry.page_size}")
        if self.wear[page] >= self.geometry.endurance and data != self.erased:
            raise WornOut(f"page {page} has reached its endurance of {self.geometry.endurance}")
        self.writes += 1
        if self._cut is not None:
            self._writes_to_cut -= 1
            if self._writes_to_cut == 0:
                self._lose_power(page, data, self._cut)
        self._put(page, data)

    def arm(self, cut: PowerCut) -> None:
        """Let the power fail at *cut*, counted from now; an earlier cut not reached is dropped."""
        self._cut = cut
        self._writes_to_cut = cut.write

    def restore(self) -> None:
        """Give the chip its power back, with no cut armed."""
        self._powered = True
        self._cut = None

    def fork(self) -> Self:
        """The same chip a second time, in RAM: contents and wear now, powered, no cut armed."""
        return type(self)(self.geometry, self._pages.copy(), self.wear[:])

    def _put(self, page: int, data: bytes) -> None:
        self._pages[page] = data
        self.wear[page] += 1
        if self._store is not None:
            start = self.geometry.page_offset(page)
            self._store[start : start + len(data)] = data
            # One assignment of eight bytes, not pack_into, which stores byte after byte: a killed
            # process must leave either wear entry, never half of one.
            start = self.geometry.wear_offset(page)
            self._store[start : start + 8] = pack_wear(self.wear[page])

    def _lose_power(self, page: int, data: bytes, cut: PowerCut) -> None:
        if cut.moment is Moment.DURING:
            self._put(page, cut.page(self._pages[page], data, self.erased))
        elif cut.moment is Moment.AFTER:
            self._put(page, data)
        self._powered = False
        self._cut = None
        raise PowerLoss(f"power lost {cut.moment.value} the programming of page {page}")
