"""WRITE, ERASE and SEARCH BINARY, and the odd instruction codes with their data objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import case, not_applicable
from conformance.commands import ALL, read_binary, select_path, update_binary
from conformance.editing import data_object, odd, offset_object
from conformance.layout import Behaviour, ElementaryFile, Kind
from conformance.suite.finding import OK
from conformance.suite.scratch import home, made, new, plan, scratch_of
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.terminal import Terminal

TEXT = b"The quick brown fox jumps over t"
SFI = 20
ABSENT_FID = 0x7E57
READ, UPDATE, SEARCH, ERASE = 0xB1, 0xD7, 0xA1, 0x0F
_AREA = "7816-4/binary"


def _text(terminal: Terminal, content: bytes = TEXT) -> ElementaryFile:
    """A new transparent EF that holds *content*."""
    home(terminal)
    wanted = plan(terminal, Kind.TRANSPARENT, size=len(content), sfi=SFI)
    ef = made(terminal, wanted)
    terminal.send(update_binary(0, content), expect=OK, because=f"{_AREA}/update-writes")
    return ef


def _whole(terminal: Terminal) -> None:
    terminal.send(read_binary(0, ALL))


@case(
    "binary/write",
    covers=[f"7816-4/binary/write-{name}" for name in ("or", "and", "replace", "one-time")],
    risk=Risk.RESTORE,
)
def test_write(terminal: Terminal) -> None:
    """WRITE BINARY combines old and new as the data coding byte of the EF says."""
    named = [Behaviour[name.upper().replace("-", "_")] for name in scratch_of(terminal).write]
    for behaviour in named or not_applicable("no behaviour of WRITE is declared"):
        terminal.reset()
        new(terminal, Kind.TRANSPARENT, behaviour=behaviour)
        terminal.send(update_binary(0, b"\x0f\x0f" + bytes(30)))
        for offset, data in ((1, b"\x33\x35"), (4, b"\x55"), (0, b"\x66\x66\x66")):
            terminal.send(CommandAPDU(0x00, 0xD0, 0x00, offset, data))
            _whole(terminal)


@case("binary/write-past-end", covers=["7816-4/binary/write-past-end"], risk=Risk.RESTORE)
def test_write_past_end(terminal: Terminal) -> None:
    """WRITE BINARY that would go past the end is refused and writes nothing."""
    _text(terminal)
    for offset in (31, 32):
        terminal.send(CommandAPDU(0x00, 0xD0, 0x00, offset, b"\xff\xff"))
    _whole(terminal)


@case(
    "binary/erase",
    covers=["7816-4/binary/erase-to-end", "7816-4/binary/erase-range"],
    risk=Risk.RESTORE,
)
def test_erase(terminal: Terminal) -> None:
    """ERASE BINARY erases from the offset up to another one, or to the end, and nothing else."""
    _text(terminal)
    because = f"{_AREA}/erase-range"
    for offset, end in ((4, 9), (0, 1), (30, 32)):
        command = CommandAPDU(0x00, 0x0E, 0x00, offset, end.to_bytes(2, "big"))
        terminal.send(command, expect=OK, because=because)
        _whole(terminal)
    to_end = CommandAPDU(0x00, 0x0E, 0x00, 20)
    terminal.send(to_end, expect=OK, because=f"{_AREA}/erase-to-end")
    _whole(terminal)


@case(
    "binary/erase-outside",
    covers=["7816-4/binary/erase-outside", "7816-4/binary/erase-malformed"],
    risk=Risk.RESTORE,
)
def test_erase_outside(terminal: Terminal) -> None:
    """ERASE BINARY of a range that is not inside the EF is refused and erases nothing."""
    _text(terminal)
    for offset, end in ((4, 4), (9, 4), (0, 33), (32, 33)):
        terminal.send(CommandAPDU(0x00, 0x0E, 0x00, offset, end.to_bytes(2, "big")))
    terminal.send(CommandAPDU(0x00, 0x0E, 0x00, 0x00, b"\x01"))
    terminal.send(CommandAPDU(0x00, 0x0E, 0x01, 0x00))
    _whole(terminal)


@case(
    "binary/search",
    covers=[
        "7816-4/binary/search-finds",
        "7816-4/binary/search-from",
        "7816-4/binary/search-none",
        "7816-4/binary/search-outside",
    ],
    risk=Risk.RESTORE,
)
def test_search(terminal: Terminal) -> None:
    """SEARCH BINARY answers with the offset of the first place where the bytes stand, or 6282."""
    _text(terminal, b"abcabcab" + b"xyz" * 8)
    for offset, pattern in ((0, b"a"), (0, b"bca"), (0, b"z"), (0, b"abx")):
        terminal.send(CommandAPDU(0x00, 0xA0, 0x00, offset, pattern, ALL))
    for offset, pattern in ((1, b"a"), (4, b"abx"), (6, b"ab"), (31, b"z")):
        terminal.send(CommandAPDU(0x00, 0xA0, 0x00, offset, pattern, ALL))
    for offset, pattern in ((0, b"Q"), (7, b"abc"), (32, b"z"), (31, b"zx")):
        terminal.send(CommandAPDU(0x00, 0xA0, 0x00, offset, pattern, ALL))


@case(
    "binary/odd-read",
    covers=[
        "7816-4/binary/odd-read",
        "7816-4/binary/odd-by-sfi",
        "7816-4/binary/odd-by-identifier",
    ],
)
def test_odd_read(terminal: Terminal) -> None:
    """The odd READ BINARY answers in a data object 53, of the EF that P1-P2 name."""
    files = [ef for ef in terminal.layout.elementary(Kind.TRANSPARENT) if ef.read.always]
    for ef in files or not_applicable("no transparent EF may always be read"):
        offsets = sorted({0, 1, ef.size // 2, ef.size - 1})
        terminal.send(select_path(ef.parent))
        for number, rule in ((ef.fid, "odd-by-identifier"), (ef.sfi or 0, "odd-by-sfi")):
            for offset in offsets if number and (rule == "odd-by-sfi" or number > 30) else ():
                command = odd(READ, number, offset_object(offset), ALL)
                terminal.send(command, expect=OK, because=f"{_AREA}/{rule}")
        terminal.send(select_path(ef))
        for offset in offsets:
            command = odd(READ, 0, offset_object(offset), ALL)
            terminal.send(command, expect=OK, because=f"{_AREA}/odd-read")


@case(
    "binary/odd-refused",
    covers=[
        "7816-4/binary/odd-outside",
        "7816-4/binary/odd-malformed",
        "7816-4/binary/odd-not-found",
    ],
)
def test_odd_refused(terminal: Terminal) -> None:
    """An odd code is refused with an offset outside, a malformed field, or an unknown EF."""
    for ef in terminal.layout.elementary(Kind.TRANSPARENT):
        if ef.read.always:
            terminal.send(select_path(ef))
            for field in (offset_object(ef.size), b"\x54\x02\x00", b"\x54"):
                terminal.send(odd(READ, 0, field, ALL))
            terminal.send(odd(READ, ABSENT_FID, offset_object(0), ALL))


@case(
    "binary/odd-update",
    covers=["7816-4/binary/odd-update", "7816-4/binary/odd-past-end"],
    risk=Risk.RESTORE,
)
def test_odd_update(terminal: Terminal) -> None:
    """The odd UPDATE BINARY replaces the bytes from the offset on, in the EF that P1-P2 name."""
    ef = _text(terminal)
    because = f"{_AREA}/odd-update"
    for number, offset, data in ((0, 0, b"A"), (SFI, 30, b"zz"), (ef.fid, 7, b"Q" * 9)):
        field = offset_object(offset) + data_object(data)
        terminal.send(odd(UPDATE, number, field), expect=OK, because=because)
        _whole(terminal)
    for offset in (31, 32):
        terminal.send(odd(UPDATE, 0, offset_object(offset) + data_object(b"xy")))
    terminal.send(odd(UPDATE, 0, data_object(b"xy")[:-1] + offset_object(0)))
    _whole(terminal)


@case("binary/odd-search", covers=["7816-4/binary/odd-search"], risk=Risk.RESTORE)
def test_odd_search(terminal: Terminal) -> None:
    """The odd SEARCH BINARY answers with the offset found in a data object 54."""
    _text(terminal, b"abcabcab" + b"xyz" * 8)
    for offset, pattern in ((0, b"ca"), (1, b"ab"), (9, b"zx")):
        field = offset_object(offset) + data_object(pattern)
        command = odd(SEARCH, 0, field, ALL)
        terminal.send(command, expect=OK, because=f"{_AREA}/odd-search")


@case("binary/odd-erase", covers=["7816-4/binary/odd-erase"], risk=Risk.RESTORE)
def test_odd_erase(terminal: Terminal) -> None:
    """The odd ERASE BINARY takes the first byte and the one behind the last in data objects."""
    _text(terminal)
    because = f"{_AREA}/odd-erase"
    for field in (offset_object(3) + offset_object(5), offset_object(28)):
        terminal.send(odd(ERASE, 0, field), expect=OK, because=because)
        _whole(terminal)
