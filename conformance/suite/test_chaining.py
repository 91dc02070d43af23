"""Command chaining, and response data fetched with GET RESPONSE piece by piece."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU, ResponseAPDU
from conformance.case import case, not_applicable
from conformance.commands import (
    ALL,
    FCP,
    get_challenge,
    get_response,
    read_binary,
    select_path,
    update_binary,
)
from conformance.layout import ElementaryFile, Kind
from conformance.suite.finding import OK, changed, open_file, writable
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.layout import File
    from conformance.terminal import Terminal

CHAINED = 0x10
_AREA = "7816-4/chaining"
_RESPONSE = "7816-4/response"


def _parts(command: CommandAPDU, *sizes: int) -> list[CommandAPDU]:
    """*command* cut into a chain, its parts of *sizes* bytes and the rest."""
    parts, data = [], command.data
    for size in sizes:
        parts.append(replace(command, cla=CHAINED, data=data[:size], ne=None))
        data = data[size:]
    return [*parts, replace(command, data=data)]


def _read(terminal: Terminal, because: str) -> None:
    """The first bytes of the EF, which show what was written."""
    terminal.send(read_binary(0, 16), expect=OK, because=because, wholly=True)


def _place(terminal: Terminal) -> tuple[ElementaryFile, CommandAPDU]:
    """A writable transparent EF, opened, and an UPDATE BINARY of it."""
    ef = writable(terminal, Kind.TRANSPARENT)[0]
    open_file(terminal, ef, "read", "update")
    return ef, update_binary(0, changed(terminal, ef, 0, 12))


@case(
    "chaining/joined",
    covers=["7816-4/chaining/part", "7816-4/chaining/joined"],
    risk=Risk.RESTORE,
)
def test_joined(terminal: Terminal) -> None:
    """The data fields of a chain make one, written when its last command has come."""
    because = f"{_AREA}/joined"
    for sizes in ((1,), (5, 5), (1, 1, 1, 1)):
        terminal.reset()
        _, update = _place(terminal)
        *parts, last = _parts(update, *sizes)
        for part in parts:
            terminal.send(part, expect=OK, because=f"{_AREA}/part")
        terminal.send(last, expect=OK, because=because)
        _read(terminal, because)


@case("chaining/select", covers=["7816-4/chaining/joined"])
def test_select(terminal: Terminal) -> None:
    """A path is selected that comes in two pieces."""
    for file in terminal.layout.elementary():
        *parts, last = _parts(select_path(file), 1)
        for part in parts:
            terminal.send(part, expect=OK, because=f"{_AREA}/part")
        terminal.send(last, expect=OK, because=f"{_AREA}/joined")


@case(
    "chaining/other-command",
    covers=["7816-4/chaining/other-command", "7816-4/chaining/nothing-before-last"],
    risk=Risk.RESTORE,
)
def test_other_command(terminal: Terminal) -> None:
    """Another command inside a chain is refused, ends the chain, and nothing is written."""
    refused = (0x6883, 0x6985, 0x6884)
    _, update = _place(terminal)
    first, second, _ = _parts(update, 4, 4)
    terminal.send(first)
    terminal.send(read_binary(0, 16), expect=refused, because=f"{_AREA}/other-command")
    _read(terminal, f"{_AREA}/nothing-before-last")
    terminal.send(first)
    other = replace(second, p2=4)
    terminal.send(other, expect=refused, because=f"{_AREA}/other-command")
    _read(terminal, f"{_AREA}/nothing-before-last")


@case("chaining/reset-ends", covers=["7816-4/chaining/reset-ends"], risk=Risk.RESTORE)
def test_reset_ends(terminal: Terminal) -> None:
    """A reset ends a chain: what came before it is not part of the next command."""
    ef, update = _place(terminal)
    first, last = _parts(update, 4)
    terminal.send(first)
    terminal.reset()
    open_file(terminal, ef, "read", "update")
    terminal.send(last, expect=OK, because=f"{_AREA}/reset-ends")
    _read(terminal, f"{_AREA}/reset-ends")


@case("chaining/empty-then-again", covers=["7816-4/chaining/joined"], risk=Risk.RESTORE)
def test_again(terminal: Terminal) -> None:
    """After a chain a plain command is a command of its own."""
    _, update = _place(terminal)
    for part in _parts(update, 6):
        terminal.send(part)
    terminal.send(replace(update, data=update.data[::-1][:5]))
    terminal.send(read_binary(0, 16), expect=OK, because=f"{_AREA}/joined")


@case("chaining/unknown-instruction", covers=["7816-4/chaining/unknown-instruction"])
def test_unknown_instruction(terminal: Terminal) -> None:
    """A chain of an instruction that is invalid does not end in success."""
    because = f"{_AREA}/unknown-instruction"
    refused = (0x6D00, 0x6E00, 0x6884, 0x6883)
    first = terminal.send(CommandAPDU(CHAINED, 0x6E, 0x00, 0x00, b"\x01"))
    if first.sw == OK:
        last = CommandAPDU(0x00, 0x6E, 0x00, 0x00, b"\x02")
        terminal.send(last, expect=refused, because=because)
    terminal.send(get_challenge(8))


def _long_answer(terminal: Terminal, ne: int | None) -> tuple[File, ResponseAPDU]:
    """A file whose control parameters do not fit into *ne* bytes, and how SELECT answered."""
    for file in terminal.layout.files:
        answer = terminal.send(select_path(file, FCP, ne))
        if answer.sw1 == 0x61:
            return file, answer
    return not_applicable("no answer is kept back for GET RESPONSE")


@case("chaining/gives-the-rest", covers=["7816-4/response/gives-the-rest"])
def test_gives_the_rest(terminal: Terminal) -> None:
    """GET RESPONSE gives what did not fit, and with what came before it is the whole answer."""
    because = f"{_RESPONSE}/gives-the-rest"
    for ne in (None, 1, 7):
        for asked in (ALL, 0):
            _, answer = _long_answer(terminal, ne)
            command = get_response(asked or answer.sw2 or ALL)
            terminal.send(command, expect=(OK, 0x61FF), because=because)


@case("chaining/in-pieces", covers=["7816-4/response/in-pieces"])
def test_in_pieces(terminal: Terminal) -> None:
    """GET RESPONSE gives as few bytes as it is asked for and says how many are left."""
    for size in (1, 3):
        _, answer = _long_answer(terminal, 2)
        for _ in range(300):
            if answer.sw1 != 0x61:
                break
            answer = terminal.send(get_response(min(size, answer.sw2 or size)))


@case("chaining/le-too-long", covers=["7816-4/response/le-too-long"])
def test_le_too_long(terminal: Terminal) -> None:
    """GET RESPONSE for more than there is is told how much there is, or given it."""
    _, answer = _long_answer(terminal, 1)
    longer = terminal.send(get_response(answer.sw2 + 1))
    if longer.sw1 == 0x6C:
        terminal.send(get_response(longer.sw2))


@case("chaining/dropped", covers=["7816-4/response/dropped"])
def test_dropped(terminal: Terminal) -> None:
    """Another command drops what waits, and so does a reset."""
    refused = (0x6985, 0x6986, 0x6900, 0x6D00, 0x6A88)
    _long_answer(terminal, 1)
    terminal.send(get_challenge(8))
    terminal.send(get_response(ALL), expect=refused, because=f"{_RESPONSE}/dropped")
    _long_answer(terminal, 1)
    terminal.reset()
    terminal.send(get_response(ALL), expect=refused, because=f"{_RESPONSE}/dropped")


@case("chaining/given-once", covers=["7816-4/response/given-once"])
def test_given_once(terminal: Terminal) -> None:
    """What was fetched is not there a second time."""
    refused = (0x6985, 0x6986, 0x6900, 0x6D00, 0x6A88)
    _, answer = _long_answer(terminal, 1)
    terminal.send(get_response(answer.sw2 or ALL))
    terminal.send(get_response(ALL), expect=refused, because=f"{_RESPONSE}/given-once")
