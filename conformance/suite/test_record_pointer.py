"""The record pointer: first, last, next and previous, by position and by identifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.case import case
from conformance.commands import ALL, read_record, select_path, update_record
from conformance.layout import ElementaryFile, Kind
from conformance.suite.finding import OK
from conformance.suite.scratch import RECORDS, with_records
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.terminal import Terminal

FIRST, LAST, NEXT, PREVIOUS, NUMBER, FROM_LAST = 0, 1, 2, 3, 4, 6
NONE_LEFT = 0x6A83
_AREA = "7816-4/record"


def _four(terminal: Terminal, kind: Kind = Kind.LINEAR_FIXED) -> ElementaryFile:
    return with_records(terminal, kind, *RECORDS)


def _afresh(terminal: Terminal, ef: ElementaryFile) -> None:
    """Select *ef* again, so that no record is current."""
    terminal.send(select_path(ef))


def _read(terminal: Terminal, mode: int, identifier: int = 0, *, rule: str) -> None:
    command = read_record(identifier, ALL, mode=mode)
    terminal.send(command, expect=OK, because=f"{_AREA}/{rule}")


@case(
    "record/first-last",
    covers=["7816-4/record/first", "7816-4/record/last"],
    risk=Risk.RESTORE,
)
def test_first_last(terminal: Terminal) -> None:
    """The first and the last record come, as often as they are asked for."""
    ef = _four(terminal)
    _afresh(terminal, ef)
    for mode, rule in ((FIRST, "first"), (LAST, "last"), (LAST, "last"), (FIRST, "first")):
        _read(terminal, mode, rule=rule)


@case(
    "record/next-previous",
    covers=["7816-4/record/next", "7816-4/record/previous", "7816-4/record/no-more"],
    risk=Risk.RESTORE,
)
def test_next_previous(terminal: Terminal) -> None:
    """One record after the other to the end, and back to the beginning, and no further."""
    for kind in (Kind.LINEAR_FIXED, Kind.LINEAR_VARIABLE):
        terminal.reset()
        ef = _four(terminal, kind)
        for mode, rule in ((NEXT, "next"), (PREVIOUS, "previous")):
            _afresh(terminal, ef)
            for _ in RECORDS:
                _read(terminal, mode, rule=rule)
            behind = read_record(0, ALL, mode=mode)
            terminal.send(behind, expect=NONE_LEFT, because=f"{_AREA}/no-more")


@case("record/current", covers=["7816-4/record/current"], risk=Risk.RESTORE)
def test_current(terminal: Terminal) -> None:
    """P1 = 00 by number means the current record."""
    ef = _four(terminal)
    _afresh(terminal, ef)
    _read(terminal, NEXT, rule="next")
    _read(terminal, NEXT, rule="next")
    _read(terminal, NUMBER, rule="current")


@case(
    "record/no-current-record",
    covers=["7816-4/record/no-current-record", "7816-4/record/select-resets-pointer"],
    risk=Risk.RESTORE,
)
def test_no_current_record(terminal: Terminal) -> None:
    """After the EF was selected no record is current, whatever was current before."""
    because = f"{_AREA}/select-resets-pointer"
    ef = _four(terminal)
    _read(terminal, LAST, rule="last")
    _afresh(terminal, ef)
    refused = (0x6A83, 0x6985, 0x6986)
    terminal.send(read_record(0, ALL), expect=refused, because=because)


@case("record/number-keeps-pointer", covers=["7816-4/record/number-keeps-pointer"])
def test_number_keeps_pointer(terminal: Terminal) -> None:
    """A record read by its number does not become the current one."""
    because = f"{_AREA}/number-keeps-pointer"
    for ef in terminal.layout.elementary(Kind.LINEAR_FIXED):
        if not ef.read.always or ef.records < 3:
            continue
        _afresh(terminal, ef)
        _read(terminal, FIRST, rule="first")
        terminal.send(read_record(ef.records, ALL))
        terminal.send(read_record(0, ALL, mode=NEXT), expect=OK, because=because)
        terminal.send(read_record(ef.records, ALL))
        terminal.send(read_record(0, ALL, mode=PREVIOUS), expect=OK, because=because)


@case("record/failed-keeps-pointer", covers=["7816-4/record/failed-keeps-pointer"])
def test_failed_keeps_pointer(terminal: Terminal) -> None:
    """What is not found, at either end or behind the last, leaves the current record current."""
    because = f"{_AREA}/failed-keeps-pointer"
    for ef in terminal.layout.elementary(Kind.LINEAR_FIXED):
        if not ef.read.always or ef.records < 2:
            continue
        behind = read_record(ef.records + 1, ALL)
        for end, beyond, back in ((LAST, NEXT, PREVIOUS), (FIRST, PREVIOUS, NEXT)):
            for failing in (read_record(0, ALL, mode=beyond), behind):
                _afresh(terminal, ef)
                _read(terminal, end, rule="last" if end is LAST else "first")
                terminal.send(failing, expect=NONE_LEFT, because=because)
                for mode in (NUMBER, back):
                    command = read_record(0, ALL, mode=mode)
                    terminal.send(command, expect=OK, because=because, wholly=True)


@case(
    "record/identifier",
    covers=[
        "7816-4/record/identifier-first",
        "7816-4/record/identifier-last",
        "7816-4/record/identifier-next",
        "7816-4/record/identifier-previous",
        "7816-4/record/identifier-unknown",
    ],
    risk=Risk.RESTORE,
)
def test_identifier(terminal: Terminal) -> None:
    """SIMPLE-TLV records are found by their first byte, from either end and one after the other."""
    ef = _four(terminal, Kind.LINEAR_TLV)
    _afresh(terminal, ef)
    _read(terminal, FIRST, 0x03, rule="identifier-first")
    _read(terminal, FIRST, 0x01, rule="identifier-first")
    _read(terminal, NEXT, 0x01, rule="identifier-next")
    _read(terminal, PREVIOUS, 0x01, rule="identifier-previous")
    _read(terminal, LAST, 0x01, rule="identifier-last")
    because = f"{_AREA}/identifier-unknown"
    for mode, identifier in ((NEXT, 0x01), (FIRST, 0x07), (PREVIOUS, 0x03)):
        absent = read_record(identifier, ALL, mode=mode)
        terminal.send(absent, expect=NONE_LEFT, because=because)


@case("record/from-last", covers=["7816-4/record/from-last"], risk=Risk.RESTORE)
def test_from_last(terminal: Terminal) -> None:
    """All records from the last to a number come, the last one first."""
    _four(terminal)
    for number in (1, 2, 4):
        command = read_record(number, ALL, mode=FROM_LAST)
        terminal.send(command, expect=OK, because=f"{_AREA}/from-last")


@case(
    "record/updated-record-is-current",
    covers=["7816-4/record/update-moves-pointer"],
    risk=Risk.RESTORE,
)
def test_update_moves_pointer(terminal: Terminal) -> None:
    """UPDATE RECORD of the next record makes it the current one."""
    because = f"{_AREA}/update-moves-pointer"
    ef = _four(terminal)
    _afresh(terminal, ef)
    _read(terminal, FIRST, rule="first")
    terminal.send(update_record(0, b"\x09\x03NEW", mode=NEXT), expect=OK, because=because)
    terminal.send(read_record(0, ALL), expect=OK, because=because)
    terminal.send(read_record(0, ALL, mode=NEXT), expect=OK, because=because)
