"""The image file of a chip: header, wear table, pages; and the refusal of every other file.

The format is described in ARCHITECTURE.md. The layout is fixed by the version byte; a released
version stays readable for ever (`vectors/images/`).
"""

from __future__ import annotations

import zlib
from array import array
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MAGIC = b"SIMFLASH"
VERSION = 1
HEADER = Struct("<8sB3sIIIII")
WEAR = Struct("<II")

_UNUSED = bytes(3)
_UINT32 = 0xFFFFFFFF


class ImageError(ValueError):
    """The image is not what the format says. The text names the place and the broken rule."""


class Store(Protocol):
    """Bytes that somebody else keeps: an `mmap` of an image file, or a `bytearray`."""

    def __len__(self) -> int: ...
    def __getitem__(self, key: slice, /) -> ReadableBuffer: ...
    def __setitem__(self, key: slice, value: bytes, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Geometry:
    """The shape of a chip.

    `size` and `page_size` are in bytes, `endurance` in program operations for each page.
    `spare_pages` are the pages kept back so that a transaction always finds room beside what it
    replaces; 0 asks for the usual quarter of all pages, at least eight.
    """

    size: int
    page_size: int = 256
    endurance: int = 100_000
    spare_pages: int = 0

    def __post_init__(self) -> None:
        if not 64 <= self.page_size <= 4096:
            raise ValueError(f"page_size {self.page_size}: a page has 64 to 4096 bytes")
        if self.size <= 0 or self.size % self.page_size:
            raise ValueError(f"size {self.size}: not a multiple of page_size {self.page_size}")
        if self.spare_pages == 0:
            object.__setattr__(self, "spare_pages", max(8, self.page_count // 4))
        if not 2 <= self.spare_pages < self.page_count <= 0xFFFF:
            raise ValueError(
                f"size {self.size}: {self.page_count} pages with {self.spare_pages} spare_pages; "
                "at least 2 are spare, at least one is not, and there are at most 65535 pages"
            )
        if self.endurance < 1 or self.endurance * self.page_count > _UINT32:
            raise ValueError(
                f"endurance {self.endurance}: at least 1, and endurance times pages at most 2^32-1"
            )

    @property
    def page_count(self) -> int:
        """All physical pages."""
        return self.size // self.page_size

    @property
    def image_size(self) -> int:
        """Bytes of an image file of such a chip."""
        return HEADER.size + self.page_count * WEAR.size + self.size

    def wear_offset(self, page: int) -> int:
        """Where in the image the wear entry of *page* begins."""
        return HEADER.size + page * WEAR.size

    def page_offset(self, page: int) -> int:
        """Where in the image *page* begins."""
        return HEADER.size + self.page_count * WEAR.size + page * self.page_size


def pack_header(geometry: Geometry) -> bytes:
    """The 32 bytes that open an image."""
    fields = HEADER.pack(
        MAGIC,
        VERSION,
        _UNUSED,
        geometry.size,
        geometry.page_size,
        geometry.endurance,
        geometry.spare_pages,
        0,
    )[:-4]
    return fields + zlib.crc32(fields).to_bytes(4, "little")


def pack_wear(count: int) -> bytes:
    """A wear entry: the count and its complement, so that a damaged entry shows."""
    return WEAR.pack(count, count ^ _UINT32)


def read_geometry(store: Store) -> Geometry:
    """The geometry in the header of an image; `ImageError` when it is not a version 1 image."""
    if len(store) < HEADER.size:
        raise ImageError(f"image: {len(store)} bytes; the header alone has {HEADER.size}")
    header = bytes(store[: HEADER.size])
    magic, version, unused, size, page_size, endurance, spare, checksum = HEADER.unpack(header)
    if magic != MAGIC:
        raise ImageError(f"image header, offset 0: no card image, {MAGIC!r} expected")
    if version != VERSION:
        raise ImageError(
            f"image header, offset 8: format version {version}; this program reads {VERSION}"
        )
    if checksum != zlib.crc32(header[:-4]):
        raise ImageError("image header, offset 28: the checksum does not match the header")
    if unused != _UNUSED:
        raise ImageError("image header, offset 9: unused bytes are not zero")
    if spare == 0:
        raise ImageError("image header, offset 24: no spare pages")
    try:
        geometry = Geometry(size, page_size, endurance, spare)
    except ValueError as error:
        raise ImageError(f"image header: {error}") from error
    if len(store) != geometry.image_size:
        raise ImageError(
            f"image: {len(store)} bytes; its header announces {geometry.image_size} bytes"
        )
    return geometry


def read_wear(store: Store, geometry: Geometry) -> array[int]:
    """The program operations every page has seen; `ImageError` for a damaged entry."""
    table = bytes(store[geometry.wear_offset(0) : geometry.page_offset(0)])
    wear = array("I")
    for page, (count, complement) in enumerate(WEAR.iter_unpack(table)):
        if count ^ complement != _UINT32:
            raise ImageError(
                f"wear table, offset {geometry.wear_offset(page)}: "
                f"the entry of page {page} is not followed by its complement"
            )
        wear.append(count)
    return wear
