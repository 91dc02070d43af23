"""The environment of the social security card: selection, items, and what opens them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.case import NotRun, case, not_applicable
from conformance.commands import ALL, read_record, select_fid, select_name, select_path, verify
from conformance.proving import prove
from conformance.suite.finding import OK, REFUSED
from conformance.suite.items import changing, files_with_items, writable
from conformance.suite.ways import neighbours
from conformance.trading import enter, pboc_of
from conformance.verdict import Risk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.layout import ElementaryFile, Right
    from conformance.terminal import Terminal

_AREA = "ssc/environment"
BY_IDENTIFIER = 0
ABSENT = 0x7D
SELECTED = (OK, *range(0x6100, 0x6200))
NONE_LEFT = 0x6A83


def _opened_by_pin(right: Right) -> bool:
    names = {one.name for alternative in right.alternatives for one in alternative}
    return "state 1" in names


def _protected(terminal: Terminal) -> tuple[ElementaryFile, ...]:
    if not any(terminal.keys.right(one) for one in terminal.layout.references):
        raise NotRun("the value of the PIN is not known")
    closed = (ef for ef in files_with_items(terminal) if not ef.read.always)
    found = tuple(ef for ef in closed if _opened_by_pin(ef.read))
    return found or not_applicable("no item is behind the PIN")


def readable(terminal: Terminal) -> Iterator[ElementaryFile]:
    """The EFs with items, their DF current after a reset and the PIN proven in it."""
    for ef in files_with_items(terminal):
        terminal.reset()
        enter(terminal, ef.parent.path, proven=not ef.read.always)
        yield ef


@case("environment/select-name", covers=[f"{_AREA}/select-name"])
def test_select_name(terminal: Terminal) -> None:
    """The environment is found by its name from the MF, from itself and from an application."""
    name = bytes.fromhex(pboc_of(terminal).environment)
    places = [df for df in terminal.layout.dedicated() if df.name]
    for ne in (None, ALL):
        terminal.reset()
        for place in (terminal.layout.master, *places):
            terminal.send(select_path(place))
            command = select_name(name, 0x00, ne)
            terminal.send(command, expect=SELECTED, because=f"{_AREA}/select-name")


@case("environment/select-ef", covers=[f"{_AREA}/ef-under-df", f"{_AREA}/ef-by-identifier"])
def test_select_ef(terminal: Terminal) -> None:
    """An EF is found by its identifier in both of the forms that terminals use."""
    for ef in readable(terminal):
        for p1, rule in ((0x02, "ef-under-df"), (0x00, "ef-by-identifier")):
            terminal.send(select_path(ef.parent))
            command = select_fid(ef.fid, p1, 0x00)
            terminal.send(command, expect=SELECTED, because=f"{_AREA}/{rule}")
            enter(terminal, ef.parent.path, proven=not ef.read.always)
            terminal.send(select_fid(ef.fid, p1, 0x00))
            terminal.send(read_record(1, ALL), expect=OK, because=f"{_AREA}/{rule}")


@case("environment/applications", covers=[f"{_AREA}/application-name"])
def test_applications(terminal: Terminal) -> None:
    """Every application is found by its whole AID, from the MF and from each other."""
    named = [df for df in terminal.layout.dedicated() if df.name]
    for df in named or not_applicable("no application has a name"):
        terminal.reset()
        for _ in range(2):
            command = select_name(df.name)
            terminal.send(command, expect=SELECTED, because=f"{_AREA}/application-name")
            terminal.send(select_path(named[0]))


@case(
    "environment/items",
    covers=[
        f"{_AREA}/read-by-number",
        f"{_AREA}/exact-le",
        f"{_AREA}/item-identifier",
        f"{_AREA}/item-length",
        f"{_AREA}/item-coding",
        f"{_AREA}/same-value",
    ],
)
def test_items(terminal: Terminal) -> None:
    """Every item has its identifier, length and coding, with Le = 00 and with the exact length."""
    for ef in readable(terminal):
        terminal.send(select_fid(ef.fid, 0x02))
        for number, item in enumerate(ef.items, 1):
            for ne, rule in ((ALL, "read-by-number"), (item.length + 2, "exact-le")):
                terminal.send(read_record(number, ne), expect=OK, because=f"{_AREA}/{rule}")


@case(
    "environment/both-ways",
    covers=[f"{_AREA}/read-by-identifier", f"{_AREA}/read-by-sfi", f"{_AREA}/same-value"],
)
def test_both_ways(terminal: Terminal) -> None:
    """An item is the same by its number, by its identifier, and through the short identifier."""
    for ef in readable(terminal):
        terminal.send(select_fid(ef.fid, 0x02))
        for number, item in enumerate(ef.items, 1):
            ways = (
                (read_record(number, ALL), "read-by-number"),
                (read_record(item.identifier, ALL, mode=BY_IDENTIFIER), "read-by-identifier"),
                (read_record(item.identifier, item.length + 2, mode=0), "read-by-identifier"),
            )
            for command, rule in ways:
                terminal.send(command, expect=OK, because=f"{_AREA}/{rule}")
        enter(terminal, ef.parent.path, proven=not ef.read.always)
        for number in range(1, len(ef.items) + 1):
            command = read_record(number, ALL, sfi=ef.sfi or 0)
            terminal.send(command, expect=OK, because=f"{_AREA}/read-by-sfi")


@case(
    "environment/not-found",
    covers=[f"{_AREA}/identifier-unknown", f"{_AREA}/number-unknown"],
)
def test_not_found(terminal: Terminal) -> None:
    """Numbers and identifiers of records that are not there are refused with 6A83."""
    for ef in readable(terminal):
        terminal.send(select_fid(ef.fid, 0x02))
        command = read_record(ABSENT, ALL, mode=BY_IDENTIFIER)
        terminal.send(command, expect=NONE_LEFT, because=f"{_AREA}/identifier-unknown")
        command = read_record(len(ef.items) + 1, ALL)
        terminal.send(command, expect=NONE_LEFT, because=f"{_AREA}/number-unknown")


@case("environment/closed", covers=[f"{_AREA}/read-closed", f"{_AREA}/read-opened"])
def test_closed(terminal: Terminal) -> None:
    """What is behind the PIN is refused before it was proven, in every way, and given after."""
    for ef in _protected(terminal):
        terminal.reset()
        enter(terminal, ef.parent.path, proven=False)
        terminal.send(select_fid(ef.fid, 0x02))
        ways = (
            read_record(1, ALL),
            read_record(ef.items[0].identifier, ALL, mode=BY_IDENTIFIER),
            read_record(1, ALL, sfi=ef.sfi or 0),
        )
        for command in ways:
            terminal.send(command, expect=REFUSED, because=f"{_AREA}/read-closed")
        for other in neighbours(terminal, ef):
            terminal.send(select_path(other))
            terminal.send(ways[2], expect=REFUSED, because=f"{_AREA}/read-closed")
        enter(terminal, ef.parent.path)
        for command in (ways[2], *ways[:2]):
            terminal.send(command, expect=OK, because=f"{_AREA}/read-opened")


@case(
    "environment/closed-again",
    covers=[f"{_AREA}/closed-after-leaving", f"{_AREA}/closed-after-reset"],
)
def test_closed_again(terminal: Terminal) -> None:
    """Any other DF in between, or a reset, closes again what the PIN had opened."""
    because = f"{_AREA}/closed-after-leaving"
    first = {ef.parent: ef for ef in reversed(_protected(terminal))}
    for df, ef in first.items():
        for other in terminal.layout.dedicated():
            for back in (select_path(ef), select_name(df.name)) if other is not df else ():
                terminal.reset()
                enter(terminal, df.path)
                terminal.send(select_path(other))
                terminal.send(back)
                command = read_record(1, ALL, sfi=ef.sfi or 0)
                terminal.send(command, expect=REFUSED, because=because)
    for ef in _protected(terminal):
        enter(terminal, ef.parent.path)
        terminal.reset()
        terminal.send(select_path(ef))
        because = f"{_AREA}/closed-after-reset"
        terminal.send(read_record(1, ALL), expect=REFUSED, because=because)


@case(
    "environment/wrong-pin",
    covers=[f"{_AREA}/closed-after-wrong-pin"],
    risk=Risk.CONSUME,
)
def test_wrong_pin(terminal: Terminal) -> None:
    """A wrong PIN behind a right one closes what the right one had opened."""
    for ef in _protected(terminal):
        terminal.reset()
        enter(terminal, ef.parent.path)
        for reference in terminal.layout.references:
            terminal.send(verify(terminal.keys, "wrong", reference))
        terminal.send(select_fid(ef.fid, 0x02))
        because = f"{_AREA}/closed-after-wrong-pin"
        terminal.send(read_record(1, ALL), expect=REFUSED, because=because)
        enter(terminal, ef.parent.path)


@case("environment/update-closed", covers=[f"{_AREA}/update-closed"], risk=Risk.RESTORE)
def test_update_closed(terminal: Terminal) -> None:
    """Before the update key was proven an item stays as it is, with the PIN proven as well."""
    for ef, _ in writable(terminal):
        enter(terminal, ef.parent.path)
        held = terminal.send(read_record(1, ALL, sfi=ef.sfi or 0)).data
        command = changing(ef, 1, held)
        terminal.send(command, expect=REFUSED, because=f"{_AREA}/update-closed")
        terminal.send(read_record(1, ALL, sfi=ef.sfi or 0))


@case(
    "environment/update",
    covers=[
        f"{_AREA}/update-opened",
        f"{_AREA}/update-writes",
        f"{_AREA}/update-survives-reset",
    ],
    risk=Risk.CONSUME,
)
def test_update(terminal: Terminal) -> None:
    """After the update key was proven, the whole TLV is written, read back, and there to stay."""
    for ef, key in writable(terminal):
        enter(terminal, ef.parent.path)
        held = terminal.send(read_record(1, ALL, sfi=ef.sfi or 0)).data
        terminal.send(prove(terminal, key), expect=OK, because="pboc/authentication/external-right")
        terminal.send(changing(ef, 1, held), expect=OK, because=f"{_AREA}/update-opened")
        terminal.send(read_record(1, ALL, sfi=ef.sfi or 0))
        terminal.reset()
        enter(terminal, ef.parent.path)
        terminal.send(read_record(1, ALL, sfi=ef.sfi or 0))
