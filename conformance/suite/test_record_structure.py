"""Records of each structure: appended, of their own length, cyclic, written, searched, erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import case, not_applicable
from conformance.commands import ALL, read_record, update_record
from conformance.editing import (
    append_record,
    erase_record,
    read_part,
    search_record,
    update_part,
    write_record,
)
from conformance.layout import Behaviour, ElementaryFile, Kind
from conformance.suite.finding import OK
from conformance.suite.scratch import RECORDS, new, scratch_of, with_records
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.terminal import Terminal

PREVIOUS, RANGE = 3, 5
LINEAR = (Kind.LINEAR_FIXED, Kind.LINEAR_VARIABLE, Kind.LINEAR_TLV)
_AREA = "7816-4/record"


def _check(terminal: Terminal, *numbers: int) -> None:
    for number in numbers:
        terminal.send(read_record(number, ALL), expect=OK, because=f"{_AREA}/append-adds")


def _all(terminal: Terminal, ef: ElementaryFile) -> None:
    _check(terminal, *range(1, len(terminal.model.states[0].contents[ef]) + 1))


@case("record/append", covers=["7816-4/record/append-adds"], risk=Risk.RESTORE)
def test_append(terminal: Terminal) -> None:
    """Each appended record is the last one, and those before it are as they were."""
    for kind in LINEAR:
        if kind not in scratch_of(terminal).kinds:
            continue
        terminal.reset()
        ef = with_records(terminal, kind, RECORDS[0])
        for record in RECORDS[1:]:
            terminal.send(append_record(record), expect=OK, because=f"{_AREA}/append-adds")
            _all(terminal, ef)


@case("record/append-current", covers=["7816-4/record/append-current"], risk=Risk.RESTORE)
def test_append_current(terminal: Terminal) -> None:
    """The record that was appended is the current one."""
    with_records(terminal, Kind.LINEAR_FIXED, *RECORDS[:2])
    because = f"{_AREA}/append-current"
    terminal.send(read_record(0, ALL), expect=OK, because=because)
    terminal.send(read_record(0, ALL, mode=PREVIOUS), expect=OK, because=because)


@case(
    "record/append-full",
    covers=["7816-4/record/append-full", "7816-4/record/append-reserved"],
    risk=Risk.RESTORE,
)
def test_append_full(terminal: Terminal) -> None:
    """A linear EF takes as many records as it has room for, and no more."""
    ef = with_records(terminal, Kind.LINEAR_FIXED, *RECORDS)
    full = append_record(RECORDS[0])
    terminal.send(full, expect=0x6A84, because=f"{_AREA}/append-full")
    _all(terminal, ef)
    for p1, p2 in ((0x01, 0x00), (0x00, 0x04)):
        terminal.send(CommandAPDU(0x00, 0xE2, p1, p2, RECORDS[0]))


@case(
    "record/own-length",
    covers=["7816-4/record/own-length", "7816-4/record/record-too-long"],
    risk=Risk.RESTORE,
)
def test_own_length(terminal: Terminal) -> None:
    """Records of variable length are as long as they were written, up to the longest allowed."""
    ef = with_records(terminal, Kind.LINEAR_VARIABLE, b"A", b"abc", b"ABCDE")
    because = f"{_AREA}/own-length"
    for number in (3, 1, 2):
        terminal.send(read_record(number, ALL), expect=OK, because=because)
    terminal.send(update_record(2, b"z"), expect=OK, because=because)
    _all(terminal, ef)
    terminal.send(update_record(1, b"yyyy"), expect=OK, because=because)
    _all(terminal, ef)
    for command in (update_record(1, b"toolong"), append_record(b"toolong")):
        terminal.send(command)
    _all(terminal, ef)


@case(
    "record/cyclic",
    covers=["7816-4/record/cyclic-newest-first", "7816-4/record/cyclic-drops-oldest"],
    risk=Risk.RESTORE,
)
def test_cyclic(terminal: Terminal) -> None:
    """Number 1 of a cyclic EF is the youngest record; when it is full the oldest one goes."""
    with_records(terminal, Kind.CYCLIC, *RECORDS[:2])
    because = f"{_AREA}/cyclic-newest-first"
    for number in (1, 2):
        terminal.send(read_record(number, ALL), expect=OK, because=because)
    because = f"{_AREA}/cyclic-drops-oldest"
    for record in (RECORDS[2], RECORDS[3], b"fifth", b"sixth"):
        terminal.send(append_record(record), expect=OK, because=because)
    for number in (1, 2, 3, 4):
        terminal.send(read_record(number, ALL), expect=OK, because=because)
    terminal.send(read_record(5, ALL), expect=0x6A83, because=because)


@case("record/cyclic-previous", covers=["7816-4/record/cyclic-previous"], risk=Risk.RESTORE)
def test_cyclic_previous(terminal: Terminal) -> None:
    """UPDATE RECORD of the previous record of a cyclic EF appends a new one."""
    with_records(terminal, Kind.CYCLIC, *RECORDS[:2])
    because = f"{_AREA}/cyclic-previous"
    terminal.send(update_record(0, b"third", mode=PREVIOUS), expect=OK, because=because)
    for number in (3, 2, 1):
        terminal.send(read_record(number, ALL), expect=OK, because=because)


@case(
    "record/write",
    covers=[f"7816-4/record/write-{name}" for name in ("or", "and", "replace", "one-time")],
    risk=Risk.RESTORE,
)
def test_write(terminal: Terminal) -> None:
    """WRITE RECORD combines old and new as the data coding byte of the EF says."""
    named = [Behaviour[name.upper().replace("-", "_")] for name in scratch_of(terminal).write]
    for behaviour in named or not_applicable("no behaviour of WRITE is declared"):
        terminal.reset()
        with_records(terminal, Kind.LINEAR_FIXED, b"\x0f" * 5, bytes(5), behaviour=behaviour)
        for number, data in ((2, b"\x35" * 5), (1, b"\x33" * 5), (2, b"\x5a" * 5)):
            terminal.send(write_record(number, data))
            terminal.send(read_record(1, ALL))
            terminal.send(read_record(2, ALL))


@case("record/write-length", covers=["7816-4/record/write-length"], risk=Risk.RESTORE)
def test_write_length(terminal: Terminal) -> None:
    """WRITE RECORD with a data field of another length than the record is refused."""
    ef = with_records(terminal, Kind.LINEAR_FIXED, *RECORDS[:2])
    for size in (4, 6):
        terminal.send(write_record(1, b"\xff" * size))
    _all(terminal, ef)


@case(
    "record/search",
    covers=[
        "7816-4/record/search-forward",
        "7816-4/record/search-backward",
        "7816-4/record/search-none",
        "7816-4/record/search-reserved",
    ],
    risk=Risk.RESTORE,
)
def test_search(terminal: Terminal) -> None:
    """The numbers of the records with a string come in the order of the search, or 6282."""
    with_records(terminal, Kind.LINEAR_FIXED, b"xABCx", b"nABC.", b"empty", b"ABCDE")
    for start in (1, 2, 4):
        for mode, rule in ((4, "search-forward"), (5, "search-backward")):
            terminal.send(search_record(start, b"ABC", mode), expect=OK, because=f"{_AREA}/{rule}")
    terminal.send(search_record(1, b"AC"))
    terminal.send(search_record(3, b"nABC"))
    terminal.send(search_record(9, b"A"))
    terminal.send(search_record(1, b"ABC", 7))


@case("record/search-enhanced", covers=["7816-4/record/search-enhanced"], risk=Risk.RESTORE)
def test_search_enhanced(terminal: Terminal) -> None:
    """An enhanced search begins at an offset in the record, or behind a byte that marks it."""
    with_records(terminal, Kind.LINEAR_FIXED, b"xABCx", b"nABC.", b"A:ABC", b"ABCDE")
    because = f"{_AREA}/search-enhanced"
    for indication, place in ((4, 0), (4, 1), (4, 2), (0x0C, 0x3A), (0x0C, 0x6E), (5, 1)):
        start = 4 if indication & 1 else 1
        pattern = bytes((indication, place)) + b"ABC"
        terminal.send(search_record(start, pattern, 6), expect=OK, because=because)


@case("record/search-current", covers=["7816-4/record/search-current"], risk=Risk.RESTORE)
def test_search_current(terminal: Terminal) -> None:
    """The first record that a search found is the current one."""
    with_records(terminal, Kind.LINEAR_FIXED, b"first", b"second"[:5], b"third", b"other")
    because = f"{_AREA}/search-current"
    terminal.send(search_record(1, b"ir"), expect=OK, because=because)
    terminal.send(search_record(1, b"third"), expect=OK, because=because)
    terminal.send(read_record(0, ALL), expect=OK, because=because)
    terminal.send(read_record(0, ALL, mode=PREVIOUS), expect=OK, because=because)


@case(
    "record/erase",
    covers=[
        "7816-4/record/erase-one",
        "7816-4/record/erase-range",
        "7816-4/record/erase-reserved",
    ],
    risk=Risk.RESTORE,
)
def test_erase(terminal: Terminal) -> None:
    """One record, or all from one to the last, are erased; they exist still, and others stay."""
    ef = with_records(terminal, Kind.LINEAR_FIXED, *RECORDS)
    for command, rule in ((erase_record(2), "erase-one"), (erase_record(3, RANGE), "erase-range")):
        terminal.send(command, expect=OK, because=f"{_AREA}/{rule}")
        for number in (1, 2, 3, 4):
            terminal.send(read_record(number, ALL), expect=OK, because=f"{_AREA}/{rule}")
    terminal.send(erase_record(1, 6))
    _all(terminal, ef)


@case(
    "record/read-part",
    covers=[
        "7816-4/record/part-read",
        "7816-4/record/part-outside",
        "7816-4/record/part-malformed",
        "7816-4/record/part-reserved",
    ],
    risk=Risk.RESTORE,
)
def test_read_part(terminal: Terminal) -> None:
    """Part of a record comes in a data object 53 from the offset on."""
    new(terminal, Kind.LINEAR_VARIABLE, size=20)
    terminal.send(append_record(b"0123456789"))
    terminal.send(append_record(b"abcdef"))
    for number, offset in ((1, 0), (2, 0), (1, 4), (2, 5)):
        terminal.send(read_part(number, offset), expect=OK, because=f"{_AREA}/part-read")
    for number, offset in ((2, 6), (1, 10), (1, 300)):
        terminal.send(read_part(number, offset))
    terminal.send(CommandAPDU(0x00, 0xB3, 0x01, 0x04, b"\x54\x05\x00", ALL))
    terminal.send(CommandAPDU(0x00, 0xB3, 0x01, 0x05, b"\x54\x01\x00", ALL))


@case(
    "record/update-part",
    covers=["7816-4/record/part-updated", "7816-4/record/part-combined"],
    risk=Risk.RESTORE,
)
def test_update_part(terminal: Terminal) -> None:
    """Part of a record is replaced or combined, the bytes before and behind it stay."""
    new(terminal, Kind.LINEAR_FIXED, size=10)
    terminal.send(append_record(b"0123456789"))
    terminal.send(append_record(b"abcdefghij"))
    changes = ((1, 0, b"XY", 4), (1, 8, b"zz", 4), (2, 3, b"\x0f\xf0", 5))
    for number, offset, data, mode in (*changes, (2, 3, b"\x50\x05", 6), (1, 4, b"\xff", 7)):
        rule = "part-updated" if mode == 4 else "part-combined"
        command = update_part(number, offset, data, mode)
        terminal.send(command, expect=OK, because=f"{_AREA}/{rule}")
        for one in (1, 2):
            terminal.send(read_record(one, ALL))
    terminal.send(update_part(1, 9, b"ab"))
    terminal.send(read_record(1, ALL))
