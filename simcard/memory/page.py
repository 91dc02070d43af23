"""One page of the memory: a header that says what the page is, and the payload.

The checksum covers everything behind it, so a page is either exactly what one program operation
wrote, or it is not a page of the memory at all.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

HEADER = Struct("<IIIHHHH")
CHECKSUM_SIZE = 4


class PageHeader(NamedTuple):
    """The fields of a page header, in the order they lie behind the checksum.

    `sequence` numbers the transactions from 1. `others` is the exclusive or of the checksums of
    all live pages the transaction leaves alone. `logical` numbers the logical pages. `position`
    counts the pages of the transaction from 0, `remaining` those still to come: 0 is the commit
    mark. `successor` is the physical page that will be programmed next.
    """

    sequence: int
    others: int
    logical: int
    position: int
    remaining: int
    successor: int


def seal(header: PageHeader, payload: bytes) -> bytes:
    """The physical page: checksum, header, payload."""
    page = HEADER.pack(0, *header) + payload
    return zlib.crc32(page[CHECKSUM_SIZE:]).to_bytes(CHECKSUM_SIZE, "little") + page[CHECKSUM_SIZE:]


def checksum(page: bytes) -> int:
    """The checksum a sealed page carries."""
    return int.from_bytes(page[:CHECKSUM_SIZE], "little")


@lru_cache(maxsize=1024)
def unseal(page: bytes) -> PageHeader | None:
    """The header of a whole page, None if the checksum says it is not one.

    Remembered, because forks share their pages and are mounted by the thousand.
    """
    fields = HEADER.unpack_from(page)
    if zlib.crc32(page[CHECKSUM_SIZE:]) != fields[0]:
        return None
    return PageHeader._make(fields[1:])
