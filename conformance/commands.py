"""The commands that cases and strategies send, by the names of ISO/IEC 7816-4:2020, clause 11."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import SHORT_NE, CommandAPDU
from conformance.layout import DedicatedFile, File, Reference

if TYPE_CHECKING:
    from conformance.keys import Keys

NO_ANSWER, FCI, FCP, FMD = 0x0C, 0x00, 0x04, 0x08
ALL = SHORT_NE


def select_fid(fid: int, p1: int = 0x00, p2: int = NO_ANSWER, ne: int | None = None) -> CommandAPDU:
    """SELECT by file identifier: P1 = 00 any file, 01 a child DF, 02 an EF under the current DF."""
    return CommandAPDU(0x00, 0xA4, p1, p2, fid.to_bytes(2, "big"), ne)


def select_parent(p2: int = NO_ANSWER, ne: int | None = None) -> CommandAPDU:
    """SELECT the parent of the current DF."""
    return CommandAPDU(0x00, 0xA4, 0x03, p2, b"", ne)


def select_name(name: bytes, p2: int = NO_ANSWER, ne: int | None = None) -> CommandAPDU:
    """SELECT by DF name; bits 2 and 1 of P2 say first, last, next or previous occurrence."""
    return CommandAPDU(0x00, 0xA4, 0x04, p2, name, ne)


def select_path(file: File, p2: int = NO_ANSWER, ne: int | None = None) -> CommandAPDU:
    """SELECT by path from the MF; the MF itself by its file identifier."""
    if isinstance(file, DedicatedFile) and file.parent is None:
        return select_fid(file.fid, p2=p2, ne=ne)
    return CommandAPDU(0x00, 0xA4, 0x08, p2, path_of(file), ne)


def path_of(file: File) -> bytes:
    """The file identifiers from below the MF down to *file*."""
    return bytes.fromhex(file.path.replace("/", "")[4:])


def read_binary(
    offset: int, ne: int | None, *, sfi: int | None = None, extended: bool = False
) -> CommandAPDU:
    """READ BINARY of the current EF (offset up to 32767) or by *sfi* (offset up to 255)."""
    p1, p2 = (0x80 | sfi, offset) if sfi is not None else divmod(offset, 0x100)
    return CommandAPDU(0x00, 0xB0, p1, p2, b"", ne, extended)


def update_binary(
    offset: int, data: bytes, *, sfi: int | None = None, extended: bool = False
) -> CommandAPDU:
    """UPDATE BINARY of the current EF or by *sfi*."""
    p1, p2 = (0x80 | sfi, offset) if sfi is not None else divmod(offset, 0x100)
    return CommandAPDU(0x00, 0xD6, p1, p2, data, None, extended)


def read_record(number: int, ne: int | None, *, sfi: int = 0, mode: int = 4) -> CommandAPDU:
    """READ RECORD: mode 4 the record *number*, 5 all records from it to the last."""
    return CommandAPDU(0x00, 0xB2, number, sfi << 3 | mode, b"", ne)


def update_record(number: int, data: bytes, *, sfi: int = 0, mode: int = 4) -> CommandAPDU:
    """UPDATE RECORD *number*."""
    return CommandAPDU(0x00, 0xDC, number, sfi << 3 | mode, data)


def verify(keys: Keys, guess: str, reference: Reference) -> CommandAPDU:
    """VERIFY with the *guess* (pin, wrong, other, short, long) at a *reference* that is known."""
    data = keys.guess(guess, reference)
    assert data is not None, f"the value of {reference.name} is withheld"
    return CommandAPDU(0x00, 0x20, 0x00, reference.number, data)


def query(number: int) -> CommandAPDU:
    """VERIFY without a data field: is reference *number* verified, how many tries are left."""
    return CommandAPDU(0x00, 0x20, 0x00, number)


def get_challenge(ne: int | None) -> CommandAPDU:
    """GET CHALLENGE of *ne* bytes."""
    return CommandAPDU(0x00, 0x84, 0x00, 0x00, b"", ne)


def get_response(ne: int | None) -> CommandAPDU:
    """GET RESPONSE."""
    return CommandAPDU(0x00, 0xC0, 0x00, 0x00, b"", ne)
