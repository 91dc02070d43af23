"""READ BINARY and UPDATE BINARY: offsets, lengths, short identifiers, structure, content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import case, not_applicable
from conformance.commands import ALL, read_binary, select_path, update_binary
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
LAST_IN_A_BYTE = 0xFF
"""The highest offset that a command with a short identifier can say."""
TRANSPARENT = Kind.TRANSPARENT


def _with_sfi(files: tuple[ElementaryFile, ...]) -> tuple[ElementaryFile, ...]:
    found = tuple(ef for ef in files if ef.sfi is not None)
    return found or not_applicable("none of the EFs has a short identifier")


def _longer_than(files: tuple[ElementaryFile, ...], size: int) -> tuple[ElementaryFile, ...]:
    found = tuple(ef for ef in files if ef.size > size)
    return found or not_applicable(f"no such EF has more than {size} bytes")


def _read_whole(terminal: Terminal, ef: ElementaryFile) -> None:
    for _, _, command in pieces(ef):
        terminal.send(command)


@case("binary/read-content", covers=["7816-4/binary/read-content"])
def test_read_content(terminal: Terminal) -> None:
    """The same bytes come each time, in one piece and byte by byte."""
    for ef in readable(terminal, TRANSPARENT):
        terminal.send(select_path(ef))
        for ne in (1, 2, min(ef.size, 16), min(ef.size, 255)):
            terminal.send(read_binary(0, ne), expect=OK, because="7816-4/binary/read-content")


@case("binary/read-offset", covers=["7816-4/binary/read-offset"])
def test_read_offset(terminal: Terminal) -> None:
    """Bytes from any offset on are those that stand there, up to the very last."""
    because = "7816-4/binary/read-offset"
    for ef in readable(terminal, TRANSPARENT):
        terminal.send(select_path(ef))
        for _, _, command in pieces(ef):
            terminal.send(command)
        for offset in sorted({1, 7, ef.size // 2, ef.size - 2, ef.size - 1} & set(range(ef.size))):
            ne = min(5, ef.size - offset)
            terminal.send(read_binary(offset, ne), expect=OK, because=because)


@case("binary/read-all", covers=["7816-4/binary/read-all"])
def test_read_all(terminal: Terminal) -> None:
    """With Le = 00 everything up to the end comes, at most 256 bytes."""
    for ef in readable(terminal, TRANSPARENT):
        terminal.send(select_path(ef))
        for offset in sorted({0, 1, max(0, ef.size - 256), ef.size - 1}):
            terminal.send(
                read_binary(offset, ALL), expect=(OK, 0x6282), because="7816-4/binary/read-all"
            )


@case("binary/read-past-end", covers=["7816-4/binary/read-past-end"])
def test_read_past_end(terminal: Terminal) -> None:
    """Asking for more than is left gives what is left with a warning, or names the length."""
    for ef in readable(terminal, TRANSPARENT):
        terminal.send(select_path(ef))
        for left in sorted({1, min(ef.size, 9)}):
            for more in (1, 20):
                terminal.send(read_binary(ef.size - left, left + more))


@case(
    "binary/offset-outside",
    covers=["7816-4/binary/offset-outside", "7816-4/binary/offset-at-end"],
)
def test_offset_outside(terminal: Terminal) -> None:
    """An offset behind the end of the EF is refused; just behind the last byte there is nothing."""
    for ef in readable(terminal, TRANSPARENT):
        terminal.send(select_path(ef))
        for offset in (ef.size + 1, 0x7FFF):
            command = read_binary(offset, 1)
            terminal.send(command, expect=0x6B00, because="7816-4/binary/offset-outside")
        terminal.send(read_binary(ef.size, 1))


@case("binary/read-by-sfi", covers=["7816-4/binary/read-by-sfi"])
def test_read_by_sfi(terminal: Terminal) -> None:
    """An EF of the current DF is read by its short identifier without being selected."""
    for ef in _with_sfi(readable(terminal, TRANSPARENT)):
        for offset in sorted({0, 1, min(ef.size, 256) - 1}):
            terminal.send(select_path(ef.parent))
            command = read_binary(offset, 1, sfi=ef.sfi)
            terminal.send(command, expect=OK, because="7816-4/binary/read-by-sfi")


@case("binary/sfi-after-each-way", covers=["7816-4/binary/read-by-sfi"])
def test_sfi_after_each_way(terminal: Terminal) -> None:
    """However the current DF was reached, short identifiers are those of its own EFs."""
    because = "7816-4/binary/read-by-sfi"
    files = _with_sfi(readable(terminal, TRANSPARENT))
    ways = ((ef, way) for ef in files for way in arrivals(terminal, ef))
    for ef, way in some(ways, "there is no other DF to come from"):
        for select in way:
            terminal.send(select)
        command = read_binary(0, min(ef.size, 8), sfi=ef.sfi)
        terminal.send(command, expect=OK, because=because, wholly=True)


@case("binary/sfi-becomes-current", covers=["7816-4/binary/sfi-becomes-current"])
def test_sfi_becomes_current(terminal: Terminal) -> None:
    """After a read by short identifier the EF is current and is read without it."""
    because = "7816-4/binary/sfi-becomes-current"
    for ef in _with_sfi(readable(terminal, TRANSPARENT)):
        terminal.send(select_path(ef.parent))
        terminal.send(read_binary(0, 1, sfi=ef.sfi))
        terminal.send(read_binary(ef.size - 1, 1), expect=OK, because=because)


@case(
    "binary/sfi-unknown",
    covers=["7816-4/binary/sfi-unknown", "7816-4/binary/reserved-sfi"],
)
def test_sfi_unknown(terminal: Terminal) -> None:
    """A short identifier that no EF of the current DF has is refused, and so is a reserved one."""
    for df in terminal.layout.dedicated():
        terminal.send(select_path(df))
        if terminal.layout.by_sfi(df, ABSENT_SFI) is None:
            command = read_binary(0, 1, sfi=ABSENT_SFI)
            terminal.send(command, expect=0x6A82, because="7816-4/binary/sfi-unknown")
        for p1 in (0x80, 0x9F, 0xA1, 0xC1):
            terminal.send(CommandAPDU(0x00, 0xB0, p1, 0x00, ne=1))


@case("binary/no-current-ef", covers=["7816-4/binary/no-current-ef"])
def test_no_current_ef(terminal: Terminal) -> None:
    """Without a current EF there is nothing to read."""
    for df in terminal.layout.dedicated():
        terminal.send(select_path(df))
        terminal.send(read_binary(0, 1), expect=0x6986, because="7816-4/binary/no-current-ef")


@case("binary/wrong-structure", covers=["7816-4/binary/wrong-structure"])
def test_wrong_structure(terminal: Terminal) -> None:
    """An EF with records is not read as bytes."""
    for ef in readable(terminal, Kind.LINEAR_FIXED):
        terminal.send(select_path(ef))
        terminal.send(read_binary(0, 1), expect=0x6981, because="7816-4/binary/wrong-structure")


@case("binary/read-extended", covers=["7816-4/binary/read-extended"])
def test_read_extended(terminal: Terminal) -> None:
    """An extended Le field brings more than 256 bytes in one answer."""
    because = "7816-4/binary/read-extended"
    for ef in _longer_than(readable(terminal, TRANSPARENT), 256):
        open_file(terminal, ef, "read")
        for ne in (1, 257, ef.size):
            terminal.send(read_binary(0, ne, extended=True), expect=OK, because=because)
        terminal.send(read_binary(0, 0x10000, extended=True), expect=(OK, 0x6282), because=because)


@case(
    "binary/read-odd-lengths",
    covers=["7816-4/binary/read-with-data", "7816-4/binary/read-without-le"],
)
def test_read_odd_lengths(terminal: Terminal) -> None:
    """READ BINARY with a data field, and without an Le field, gives no data."""
    for ef in readable(terminal, TRANSPARENT):
        terminal.send(select_path(ef))
        terminal.send(read_binary(0, None))
        terminal.send(CommandAPDU(0x00, 0xB0, 0x00, 0x00, b"\x00\x00", 1))


@case(
    "binary/update-writes",
    covers=["7816-4/binary/update-writes", "7816-4/binary/update-only-there"],
    risk=Risk.RESTORE,
)
def test_update_writes(terminal: Terminal) -> None:
    """What was written is read back, and every other byte is as it was."""
    for ef in fresh(terminal, writable(terminal, TRANSPARENT)):
        open_file(terminal, ef, "read", "update")
        for offset, size in ((0, 1), (ef.size - 1, 1), (ef.size // 2, min(4, ef.size // 2))):
            command = update_binary(offset, changed(terminal, ef, offset, size))
            terminal.send(command, expect=OK, because="7816-4/binary/update-writes")
        _read_whole(terminal, ef)


@case(
    "binary/update-survives-reset",
    covers=["7816-4/binary/update-survives-reset"],
    risk=Risk.RESTORE,
)
def test_update_survives_reset(terminal: Terminal) -> None:
    """What was written is still there after a reset."""
    for ef in fresh(terminal, writable(terminal, TRANSPARENT)):
        open_file(terminal, ef, "read", "update")
        terminal.send(update_binary(0, changed(terminal, ef, 0, min(ef.size, 8))))
        terminal.reset()
        open_file(terminal, ef, "read")
        terminal.send(read_binary(0, min(ef.size, 8)))


@case(
    "binary/update-by-sfi",
    covers=[
        "7816-4/binary/update-by-sfi",
        "7816-4/binary/update-writes",
        "7816-4/binary/update-only-there",
    ],
    risk=Risk.RESTORE,
)
def test_update_by_sfi(terminal: Terminal) -> None:
    """An EF of the current DF is written by its short identifier."""
    for ef in fresh(terminal, _with_sfi(writable(terminal, TRANSPARENT))):
        enter(terminal, ef, "read", "update")
        for offset, size in ((1, 3), (LAST_IN_A_BYTE, 4), (LAST_IN_A_BYTE - 3, 8)):
            if offset + size > ef.size:
                continue
            command = update_binary(offset, changed(terminal, ef, offset, size), sfi=ef.sfi)
            terminal.send(command, expect=OK, because="7816-4/binary/update-by-sfi")
            terminal.send(read_binary(offset, size, sfi=ef.sfi))
            terminal.send(read_binary(0, min(ef.size, 6), sfi=ef.sfi))


@case("binary/update-extended", covers=["7816-4/binary/update-extended"], risk=Risk.RESTORE)
def test_update_extended(terminal: Terminal) -> None:
    """An extended Lc field writes more than 255 bytes at once."""
    for ef in fresh(terminal, _longer_than(writable(terminal, TRANSPARENT), 256)):
        open_file(terminal, ef, "read", "update")
        size = min(ef.size - 2, 1024)
        command = update_binary(1, changed(terminal, ef, 1, size), extended=True)
        terminal.send(command, expect=OK, because="7816-4/binary/update-extended")
        _read_whole(terminal, ef)


@case("binary/update-past-end", covers=["7816-4/binary/update-past-end"], risk=Risk.RESTORE)
def test_update_past_end(terminal: Terminal) -> None:
    """Writing past the end is refused, and not one byte of it is written."""
    for ef in fresh(terminal, writable(terminal, TRANSPARENT)):
        open_file(terminal, ef, "read", "update")
        for offset, size in ((ef.size - 1, 2), (ef.size - 3, 8), (ef.size, 1), (ef.size + 1, 1)):
            terminal.send(update_binary(offset, changed(terminal, ef, offset, size)))
        _read_whole(terminal, ef)


@case(
    "binary/update-odd-lengths",
    covers=["7816-4/binary/update-without-data", "7816-4/binary/update-with-le"],
    risk=Risk.RESTORE,
)
def test_update_odd_lengths(terminal: Terminal) -> None:
    """UPDATE BINARY without a data field is refused; with an Le field no data comes."""
    for ef in fresh(terminal, writable(terminal, TRANSPARENT)):
        open_file(terminal, ef, "read", "update")
        terminal.send(CommandAPDU(0x00, 0xD6, 0x00, 0x00))
        terminal.send(CommandAPDU(0x00, 0xD6, 0x00, 0x00, changed(terminal, ef, 0, 1), 1))
        terminal.send(read_binary(0, 2))


@case(
    "binary/refused-update-changes-nothing",
    covers=["7816-4/laws/refused-changes-nothing"],
    risk=Risk.RESTORE,
)
def test_refused_update_changes_nothing(terminal: Terminal) -> None:
    """An update that is refused, for its range or for a missing right, changes not one byte."""
    for ef in fresh(terminal, writable(terminal, TRANSPARENT)):
        terminal.send(select_path(ef))
        if not ef.update.always:
            terminal.send(update_binary(0, changed(terminal, ef, 0, 2)))
        open_file(terminal, ef, "read")
        terminal.send(read_binary(0, 2))
        terminal.send(update_binary(ef.size - 1, changed(terminal, ef, ef.size - 1, 2)))
        terminal.send(read_binary(ef.size - 1, 1))
