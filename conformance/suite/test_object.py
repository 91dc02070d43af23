"""Data objects: GET, GET NEXT and PUT DATA, by tag, by tag list and one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import case
from conformance.commands import ALL, get_response, select_path
from conformance.editing import get_data, get_listed, get_next, put_data, put_listed
from conformance.layout import ElementaryFile, Kind
from conformance.suite.finding import OK
from conformance.suite.scratch import new
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.terminal import Terminal

NAME, ONE, TWO, TEMPLATE, ABSENT = 0x5F2D, 0xC1, 0xC2, 0xE3, 0xC9
OBJECTS = ((NAME, b"zh"), (ONE, b"\x01\x02\x03"), (TWO, b"abcd"), (TEMPLATE, b"\xc4\x01\x44"))
NOT_THERE = 0x6A88
_AREA = "7816-4/object"


def _some(terminal: Terminal) -> ElementaryFile:
    """A new EF for data objects with four of them in it."""
    ef = new(terminal, Kind.DATA_OBJECTS, size=64)
    for tag, value in OBJECTS:
        terminal.send(put_data(tag, value), expect=OK, because=f"{_AREA}/put-adds")
    return ef


def _all(terminal: Terminal) -> None:
    for tag, _ in OBJECTS:
        terminal.send(get_data(tag))


@case(
    "object/get",
    covers=["7816-4/object/get-value", "7816-4/object/get-missing", "7816-4/object/put-adds"],
    risk=Risk.RESTORE,
)
def test_get(terminal: Terminal) -> None:
    """Each data object that was put is there with its value, and no other."""
    _some(terminal)
    for tag, _ in (*OBJECTS[::-1], *OBJECTS):
        terminal.send(get_data(tag), expect=OK, because=f"{_AREA}/get-value")
    terminal.send(get_data(ABSENT), expect=NOT_THERE, because=f"{_AREA}/get-missing")


@case("object/lengths", covers=["7816-4/object/get-short-le"], risk=Risk.RESTORE)
def test_lengths(terminal: Terminal) -> None:
    """An Le field shorter than the value is answered with its length, or with a part of it."""
    _some(terminal)
    for ne in (1, 3, 4, 5, None):
        terminal.send(get_data(TWO, ne))


@case("object/reserved-tag", covers=["7816-4/object/reserved-tag"], risk=Risk.RESTORE)
def test_reserved_tag(terminal: Terminal) -> None:
    """Values of P1-P2 that are no tag are refused."""
    _some(terminal)
    for p1, p2 in ((0x00, 0x00), (0x00, 0xFF), (0x00, 0x1F), (0xC1, 0x01)):
        terminal.send(CommandAPDU(0x00, 0xCA, p1, p2, ne=ALL))


@case(
    "object/list",
    covers=[
        "7816-4/object/list-order",
        "7816-4/object/list-all",
        "7816-4/object/list-missing",
        "7816-4/object/list-malformed",
    ],
    risk=Risk.RESTORE,
)
def test_list(terminal: Terminal) -> None:
    """The listed data objects come in the order of the list, and none when one is missing."""
    _some(terminal)
    because = f"{_AREA}/list-order"
    for tags in ((ONE,), (TWO, NAME), (TEMPLATE, ONE, TWO), (NAME, ONE, TWO, TEMPLATE)):
        terminal.send(get_listed(*tags), expect=OK, because=because)
    terminal.send(get_listed(), expect=OK, because=f"{_AREA}/list-all")
    terminal.send(get_listed(ONE, ABSENT))
    terminal.send(CommandAPDU(0x00, 0xCB, 0x00, 0x00, b"\x5c\x05\xc1", ALL))


@case("object/list-in-pieces", covers=["7816-4/object/list-order"], risk=Risk.RESTORE)
def test_list_in_pieces(terminal: Terminal) -> None:
    """What does not fit into Ne bytes can be fetched."""
    _some(terminal)
    answer = terminal.send(get_listed(TWO, NAME, ne=3))
    while answer.sw1 == 0x61:
        answer = terminal.send(get_response(ALL))


@case(
    "object/next",
    covers=["7816-4/object/next-order", "7816-4/object/next-end", "7816-4/object/next-with-tag"],
    risk=Risk.RESTORE,
)
def test_next(terminal: Terminal) -> None:
    """Data objects come one after the other, whole, and then no more."""
    ef = _some(terminal)
    terminal.send(select_path(ef))
    for _ in OBJECTS:
        terminal.send(get_next(), expect=OK, because=f"{_AREA}/next-order")
    terminal.send(get_next(), expect=NOT_THERE, because=f"{_AREA}/next-end")
    terminal.send(select_path(ef))
    terminal.send(get_next(TWO), expect=OK, because=f"{_AREA}/next-with-tag")
    terminal.send(get_next(ONE), expect=NOT_THERE, because=f"{_AREA}/next-end")


@case("object/next-after-get", covers=["7816-4/object/next-after-get"], risk=Risk.RESTORE)
def test_next_after_get(terminal: Terminal) -> None:
    """GET NEXT DATA goes on behind the data object that GET DATA gave."""
    ef = _some(terminal)
    terminal.send(select_path(ef))
    terminal.send(get_data(ONE))
    terminal.send(get_next(), expect=OK, because=f"{_AREA}/next-after-get")


@case(
    "object/put",
    covers=["7816-4/object/put-replaces", "7816-4/object/put-empty"],
    risk=Risk.RESTORE,
)
def test_put(terminal: Terminal) -> None:
    """PUT DATA of a tag that is there replaces the value, without a value it takes it away."""
    _some(terminal)
    for value in (b"x", b"a longer value", b"\x01\x02\x03\x04"):
        terminal.send(put_data(ONE, value), expect=OK, because=f"{_AREA}/put-replaces")
        _all(terminal)
    terminal.send(put_data(TWO, b""), expect=OK, because=f"{_AREA}/put-empty")
    terminal.send(get_data(TWO), expect=NOT_THERE, because=f"{_AREA}/put-empty")
    _all(terminal)


@case(
    "object/put-several",
    covers=["7816-4/object/put-several", "7816-4/object/put-malformed"],
    risk=Risk.RESTORE,
)
def test_put_several(terminal: Terminal) -> None:
    """PUT DATA of several data objects puts each; a malformed field puts none."""
    _some(terminal)
    several = put_listed((ONE, b"new"), (0xC7, b"added"), (NAME, b"en"))
    terminal.send(several, expect=OK, because=f"{_AREA}/put-several")
    _all(terminal)
    terminal.send(get_data(0xC7), expect=OK, because=f"{_AREA}/put-several")
    terminal.send(CommandAPDU(0x00, 0xDB, 0x00, 0x00, b"\xc1\x01\x55\xc2\x05\x00"))
    _all(terminal)


@case("object/put-full", covers=["7816-4/object/put-full"], risk=Risk.RESTORE)
def test_put_full(terminal: Terminal) -> None:
    """What does not fit, a new object or a new value, is refused with 6A84, and nothing changes."""
    because = f"{_AREA}/put-full"
    _some(terminal)
    for tag in (ABSENT, *(tag for tag, _ in OBJECTS if tag != TEMPLATE)):
        terminal.send(put_data(tag, bytes(80)), expect=0x6A84, because=because)
        for there, _ in OBJECTS:
            terminal.send(get_data(there), expect=OK, because=because, wholly=True)


@case("object/survives-reset", covers=["7816-4/object/survives-reset"], risk=Risk.RESTORE)
def test_survives_reset(terminal: Terminal) -> None:
    """Data objects are still there after a reset."""
    ef = _some(terminal)
    terminal.reset()
    terminal.send(select_path(ef))
    for tag, _ in OBJECTS:
        terminal.send(get_data(tag), expect=OK, because=f"{_AREA}/survives-reset")
