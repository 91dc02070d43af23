"""Logical channels: opened and closed, each with a selection and a security status of its own."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import case, not_applicable
from conformance.commands import (
    ALL,
    FCP,
    get_challenge,
    query,
    read_binary,
    read_record,
    select_fid,
    select_path,
    verify,
)
from conformance.layout import DedicatedFile, ElementaryFile, Kind
from conformance.suite.finding import OK, REFUSED, known_references
from conformance.undo import opening

if TYPE_CHECKING:
    from conformance.terminal import Terminal

OPEN, CLOSE = 0x00, 0x80
NOT_OPEN = (0x6881, 0x6985, 0x6E00)
_AREA = "7816-4/channel"


def _manage(p1: int, p2: int, ne: int | None = None, channel: int = 0) -> CommandAPDU:
    return CommandAPDU(channel, 0x70, p1, p2, b"", ne)


def _on(channel: int, command: CommandAPDU) -> CommandAPDU:
    return replace(command, cla=command.cla | channel)


def _opened(terminal: Terminal) -> int:
    """The number of a channel that the card has just opened."""
    answer = terminal.send(_manage(OPEN, 0, 1), expect=OK, because=f"{_AREA}/open-assigns")
    return answer.data[0]


def _readable(terminal: Terminal) -> tuple[ElementaryFile, ...]:
    files = tuple(ef for ef in terminal.layout.elementary(Kind.TRANSPARENT) if ef.read.always)
    return files if len(files) > 1 else not_applicable("no two transparent EFs may always be read")


@case("channel/open-assigns", covers=["7816-4/channel/open-assigns", "7816-4/channel/full"])
def test_open_assigns(terminal: Terminal) -> None:
    """The card opens as many channels as it has, each with another number, and then no more."""
    for _ in range(terminal.statement.features.channels - 1):
        number = _opened(terminal)
        terminal.send(_on(number, get_challenge(ALL)))
    terminal.send(_manage(OPEN, 0, 1))


@case(
    "channel/open-numbered",
    covers=["7816-4/channel/open-numbered", "7816-4/channel/open-twice"],
)
def test_open_numbered(terminal: Terminal) -> None:
    """A channel is opened by its number, and not a second time."""
    last = terminal.statement.features.channels - 1
    terminal.send(_manage(OPEN, last), expect=OK, because=f"{_AREA}/open-numbered")
    terminal.send(_on(last, select_fid(0x3F00)))
    terminal.send(_manage(OPEN, last))


@case(
    "channel/wrong-parameters",
    covers=["7816-4/channel/number-too-high", "7816-4/channel/reserved-p1"],
)
def test_wrong_parameters(terminal: Terminal) -> None:
    """A number the card does not have, and a reserved value of P1, are refused."""
    for p2 in (terminal.statement.features.channels, 0x13, 0xFF):
        terminal.send(_manage(OPEN, p2))
        terminal.send(_manage(CLOSE, p2))
    for p1 in (0x01, 0x40, 0xC0):
        terminal.send(_manage(p1, 0x01))


@case("channel/starts-at-mf", covers=["7816-4/channel/starts-at-mf"])
def test_starts_at_mf(terminal: Terminal) -> None:
    """A channel opened from the basic one starts at the MF without a current EF."""
    because = f"{_AREA}/starts-at-mf"
    terminal.send(select_path(_readable(terminal)[-1]))
    number = _opened(terminal)
    terminal.send(_on(number, read_binary(0, 1)), expect=0x6986, because=because)
    for file in terminal.layout.children(terminal.layout.master):
        if isinstance(file, DedicatedFile):
            terminal.send(_on(number, select_fid(file.fid, 0x01)), expect=OK, because=because)
            break


@case(
    "channel/opened-again",
    covers=["7816-4/channel/starts-at-mf", "7816-4/channel/status-apart"],
)
def test_opened_again(terminal: Terminal) -> None:
    """A channel that is opened again, however, remembers nothing of its life before."""
    last = terminal.statement.features.channels - 1
    ef = next(ef for ef in _readable(terminal) if ef.parent.parent is not None)
    usable = [one for one in terminal.layout.references if terminal.keys.right(one)]
    for reopened in (_manage(OPEN, last), *[_manage(OPEN, 0, 1)] * last):
        terminal.reset()
        terminal.send(_manage(OPEN, last), expect=OK, because=f"{_AREA}/open-numbered")
        for reference in usable:
            terminal.send(_on(last, select_path(reference.df)))
            terminal.send(_on(last, verify(terminal.keys, "pin", reference)))
        terminal.send(_on(last, select_path(ef)))
        terminal.send(_manage(CLOSE, last), expect=OK, because=f"{_AREA}/close")
        answer = terminal.send(reopened, expect=OK, because=f"{_AREA}/open-assigns")
        number = answer.data[0] if answer.data else last
        because = f"{_AREA}/starts-at-mf"
        terminal.send(_on(number, read_binary(0, 1)), expect=0x6986, because=because)
        below = _on(number, select_fid(ef.fid, 0x02))
        terminal.send(below, expect=0x6A82, because=because)
        for reference in usable if terminal.statement.features.verify_query else ():
            terminal.send(_on(number, select_path(reference.df)))
            left = 0x63C0 | terminal.model.states[0].tries[reference]
            question = _on(number, query(reference.number))
            terminal.send(question, expect=left, because=f"{_AREA}/status-apart")


@case("channel/opened-from-another", covers=["7816-4/channel/opened-from-another"])
def test_opened_from_another(terminal: Terminal) -> None:
    """A channel opened from another one than the basic starts at that one's DF."""
    if terminal.statement.features.channels < 3:
        not_applicable("the card has two channels")
    because = f"{_AREA}/opened-from-another"
    ef = next(ef for ef in _readable(terminal) if ef.parent.parent is not None)
    first = _opened(terminal)
    terminal.send(_on(first, select_path(ef.parent)))
    answer = terminal.send(_manage(OPEN, 0, 1, first), expect=OK, because=because)
    select = select_fid(ef.fid, 0x02)
    terminal.send(_on(answer.data[0], select), expect=OK, because=because)


@case(
    "channel/close",
    covers=["7816-4/channel/close", "7816-4/channel/closed-refused"],
)
def test_close(terminal: Terminal) -> None:
    """A channel is closed from the basic one or from itself, and serves no command then."""
    because = f"{_AREA}/closed-refused"
    for own in (0, 1):
        number = _opened(terminal)
        command = _manage(CLOSE, 0 if own else number, channel=number if own else 0)
        terminal.send(command, expect=OK, because=f"{_AREA}/close")
        terminal.send(_on(number, select_fid(0x3F00)), expect=NOT_OPEN, because=because)


@case(
    "channel/close-refused",
    covers=["7816-4/channel/close-basic", "7816-4/channel/close-not-open"],
)
def test_close_refused(terminal: Terminal) -> None:
    """The basic channel is not closed, nor one that is not open."""
    terminal.send(_manage(CLOSE, 0))
    terminal.send(_manage(CLOSE, 1))
    terminal.send(select_fid(0x3F00), expect=OK, because=f"{_AREA}/close-basic")


@case("channel/reset-closes", covers=["7816-4/channel/reset-closes"])
def test_reset_closes(terminal: Terminal) -> None:
    """After a reset the basic channel alone is open."""
    numbers = [_opened(terminal) for _ in range(terminal.statement.features.channels - 1)]
    terminal.reset()
    for number in numbers:
        command = _on(number, select_fid(0x3F00))
        terminal.send(command, expect=NOT_OPEN, because=f"{_AREA}/reset-closes")


@case("channel/selection-apart", covers=["7816-4/channel/selection-apart"])
def test_selection_apart(terminal: Terminal) -> None:
    """What is selected on one channel is not on another."""
    because = f"{_AREA}/selection-apart"
    one, two = _readable(terminal)[:1] + _readable(terminal)[-1:]
    number = _opened(terminal)
    terminal.send(select_path(one))
    terminal.send(_on(number, select_path(two)))
    for _ in range(2):
        for channel, ef in ((0, one), (number, two)):
            ne = min(ef.size, 8)
            command = _on(channel, read_binary(0, ne))
            terminal.send(command, expect=OK, because=because, wholly=True)


@case("channel/refusal-apart", covers=["7816-4/channel/selection-apart"])
def test_parameters_apart(terminal: Terminal) -> None:
    """SELECT with an answer tells about the file of its own channel."""
    files = _readable(terminal)
    number = _opened(terminal)
    for one, two in pairwise(files):
        terminal.send(select_path(one, FCP, ALL))
        terminal.send(_on(number, select_path(two, FCP, ALL)))
        terminal.send(read_binary(0, 1), expect=OK, because=f"{_AREA}/selection-apart")


@case("channel/pointer-apart", covers=["7816-4/channel/pointer-apart"])
def test_pointer_apart(terminal: Terminal) -> None:
    """Each channel has a current record of its own."""
    because = f"{_AREA}/pointer-apart"
    files = [ef for ef in terminal.layout.elementary(Kind.LINEAR_FIXED) if ef.read.always]
    ef = (files or not_applicable("no EF of fixed records may always be read"))[0]
    number = _opened(terminal)
    for channel in (0, number):
        terminal.send(_on(channel, select_path(ef)))
    following = read_record(0, ALL, mode=2)
    for channel, command in (
        *((channel, following) for channel in (0, 0, number)),
        *((channel, read_record(0, ALL)) for channel in (0, number)),
    ):
        terminal.send(_on(channel, command), expect=OK, because=because, wholly=True)


@case("channel/status-apart", covers=["7816-4/channel/status-apart"])
def test_status_apart(terminal: Terminal) -> None:
    """What is verified on one channel opens nothing on another."""
    because = f"{_AREA}/status-apart"
    known_references(terminal)
    for ef in terminal.layout.elementary(Kind.TRANSPARENT):
        needed = opening(ef.read, terminal.bench)
        if ef.read.always or not needed:
            continue
        number = _opened(terminal)
        for channel in (0, number):
            terminal.send(_on(channel, select_path(ef.parent)))
        for reference in needed:
            terminal.send(verify(terminal.keys, "pin", reference))
        for channel, expected in ((number, REFUSED), (0, (OK,))):
            terminal.send(_on(channel, select_path(ef)))
            read = _on(channel, read_binary(0, 1))
            terminal.send(read, expect=expected, because=because)
        return
    not_applicable("no transparent EF needs a known reference to read it")
