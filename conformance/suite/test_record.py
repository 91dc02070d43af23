"""READ RECORD and UPDATE RECORD by number, in linear EFs with records of fixed size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import case, not_applicable
from conformance.commands import ALL, read_record, select_path, update_record
from conformance.layout import ElementaryFile, Kind
from conformance.suite.finding import (
    OK,
    changed,
    enter,
    fresh,
    open_file,
    readable,
    some,
    writable,
)
from conformance.suite.ways import arrivals
from conformance.undo import pieces
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.terminal import Terminal

ABSENT_SFI = 28
FIXED = Kind.LINEAR_FIXED


def _with_sfi(files: tuple[ElementaryFile, ...]) -> tuple[ElementaryFile, ...]:
    found = tuple(ef for ef in files if ef.sfi is not None)
    return found or not_applicable("none of the EFs has a short identifier")


def _read_all(terminal: Terminal, ef: ElementaryFile) -> None:
    for _, _, command in pieces(ef):
        terminal.send(command)


@case("record/read-content", covers=["7816-4/record/read-content"])
def test_read_content(terminal: Terminal) -> None:
    """Every record comes whole, with Le = 00 and with its exact length."""
    for ef in readable(terminal, FIXED):
        terminal.send(select_path(ef))
        for number in range(1, ef.records + 1):
            for ne in (ALL, ef.size):
                command = read_record(number, ne)
                terminal.send(command, expect=OK, because="7816-4/record/read-content")


@case("record/read-by-sfi", covers=["7816-4/record/read-by-sfi"])
def test_read_by_sfi(terminal: Terminal) -> None:
    """A record of an EF of the current DF is read by the short identifier in P2."""
    for ef in _with_sfi(readable(terminal, FIXED)):
        for number in (1, ef.records):
            terminal.send(select_path(ef.parent))
            command = read_record(number, ALL, sfi=ef.sfi or 0)
            terminal.send(command, expect=OK, because="7816-4/record/read-by-sfi")


@case("record/sfi-after-each-way", covers=["7816-4/record/read-by-sfi"])
def test_sfi_after_each_way(terminal: Terminal) -> None:
    """However the current DF was reached, short identifiers are those of its own EFs."""
    because = "7816-4/record/read-by-sfi"
    files = _with_sfi(readable(terminal, FIXED))
    ways = ((ef, way) for ef in files for way in arrivals(terminal, ef))
    for ef, way in some(ways, "there is no other DF to come from"):
        for select in way:
            terminal.send(select)
        command = read_record(1, ALL, sfi=ef.sfi or 0)
        terminal.send(command, expect=OK, because=because, wholly=True)


@case("record/sfi-becomes-current", covers=["7816-4/record/sfi-becomes-current"])
def test_sfi_becomes_current(terminal: Terminal) -> None:
    """After a read by short identifier the EF is current and is read without it."""
    because = "7816-4/record/sfi-becomes-current"
    for ef in _with_sfi(readable(terminal, FIXED)):
        terminal.send(select_path(ef.parent))
        terminal.send(read_record(1, ALL, sfi=ef.sfi or 0))
        terminal.send(read_record(ef.records, ALL), expect=OK, because=because)


@case("record/sfi-unknown", covers=["7816-4/record/sfi-unknown", "7816-4/record/reserved-sfi"])
def test_sfi_unknown(terminal: Terminal) -> None:
    """A short identifier that no EF of the current DF has is refused, and so is 31."""
    for df in terminal.layout.dedicated():
        terminal.send(select_path(df))
        if terminal.layout.by_sfi(df, ABSENT_SFI) is None:
            command = read_record(1, ALL, sfi=ABSENT_SFI)
            terminal.send(command, expect=0x6A82, because="7816-4/record/sfi-unknown")
        terminal.send(read_record(1, ALL, sfi=31))


@case("record/read-from", covers=["7816-4/record/read-from"])
def test_read_from(terminal: Terminal) -> None:
    """All records from a number to the last come one after the other."""
    for ef in readable(terminal, FIXED):
        terminal.send(select_path(ef))
        for number in sorted({1, 2, ef.records} & set(range(1, ef.records + 1))):
            terminal.send(read_record(number, ALL, mode=5))


@case("record/not-found", covers=["7816-4/record/not-found"])
def test_not_found(terminal: Terminal) -> None:
    """A record behind the last one does not exist."""
    for ef in readable(terminal, FIXED):
        terminal.send(select_path(ef))
        for number in sorted({ef.records + 1, 0xFE}):
            command = read_record(number, ALL)
            terminal.send(command, expect=0x6A83, because="7816-4/record/not-found")


@case("record/no-current-ef", covers=["7816-4/record/no-current-ef"])
def test_no_current_ef(terminal: Terminal) -> None:
    """Without a current EF there is no record to read."""
    for df in terminal.layout.dedicated():
        terminal.send(select_path(df))
        terminal.send(read_record(1, ALL), expect=0x6986, because="7816-4/record/no-current-ef")


@case("record/wrong-structure", covers=["7816-4/record/wrong-structure"])
def test_wrong_structure(terminal: Terminal) -> None:
    """A transparent EF has no records."""
    for ef in readable(terminal, Kind.TRANSPARENT):
        terminal.send(select_path(ef))
        terminal.send(read_record(1, ALL), expect=0x6981, because="7816-4/record/wrong-structure")


@case("record/reserved-mode", covers=["7816-4/record/reserved-mode"])
def test_reserved_mode(terminal: Terminal) -> None:
    """The reserved way to address a record is refused."""
    for ef in readable(terminal, FIXED):
        terminal.send(select_path(ef))
        terminal.send(read_record(1, ALL, mode=7))


@case(
    "record/other-lengths",
    covers=[
        "7816-4/record/le-too-short",
        "7816-4/record/le-too-long",
        "7816-4/record/read-without-le",
    ],
)
def test_other_lengths(terminal: Terminal) -> None:
    """An Le field that is not the length of the record is answered in one of the allowed ways."""
    for ef in readable(terminal, FIXED):
        terminal.send(select_path(ef))
        for ne in (1, ef.size - 1, ef.size + 1, 255, None):
            terminal.send(read_record(1, ne))


@case(
    "record/update-writes",
    covers=["7816-4/record/update-writes", "7816-4/record/update-only-there"],
    risk=Risk.RESTORE,
)
def test_update_writes(terminal: Terminal) -> None:
    """The record that was written is read back, and every other record is as it was."""
    for ef in fresh(terminal, writable(terminal, FIXED)):
        open_file(terminal, ef, "read", "update")
        for number in sorted({1, ef.records}):
            command = update_record(number, changed(terminal, ef, 0, ef.size, number - 1))
            terminal.send(command, expect=OK, because="7816-4/record/update-writes")
            _read_all(terminal, ef)


@case(
    "record/update-survives-reset",
    covers=["7816-4/record/update-survives-reset"],
    risk=Risk.RESTORE,
)
def test_update_survives_reset(terminal: Terminal) -> None:
    """The record that was written is still there after a reset."""
    for ef in fresh(terminal, writable(terminal, FIXED)):
        open_file(terminal, ef, "read", "update")
        terminal.send(update_record(1, changed(terminal, ef, 0, ef.size)))
        terminal.reset()
        open_file(terminal, ef, "read")
        terminal.send(read_record(1, ALL))


@case("record/update-by-sfi", covers=["7816-4/record/update-by-sfi"], risk=Risk.RESTORE)
def test_update_by_sfi(terminal: Terminal) -> None:
    """A record of an EF of the current DF is written by the short identifier in P2."""
    for ef in fresh(terminal, _with_sfi(writable(terminal, FIXED))):
        enter(terminal, ef, "read", "update")
        data = changed(terminal, ef, 0, ef.size, ef.records - 1)
        command = update_record(ef.records, data, sfi=ef.sfi or 0)
        terminal.send(command, expect=OK, because="7816-4/record/update-by-sfi")
        terminal.send(read_record(ef.records, ALL, sfi=ef.sfi or 0))


@case(
    "record/update-length",
    covers=["7816-4/record/update-length", "7816-4/record/update-with-le"],
    risk=Risk.RESTORE,
)
def test_update_length(terminal: Terminal) -> None:
    """A data field that is not as long as the record is refused, and nothing is written."""
    for ef in fresh(terminal, writable(terminal, FIXED)):
        open_file(terminal, ef, "read", "update")
        for size in (ef.size - 1, ef.size + 1):
            terminal.send(update_record(1, changed(terminal, ef, 0, size)))
        _read_all(terminal, ef)
        whole = changed(terminal, ef, 0, ef.size)
        terminal.send(CommandAPDU(0x00, 0xDC, 0x01, 0x04, whole, 1))
        terminal.send(read_record(1, ALL))
