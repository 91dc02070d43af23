"""The life cycle of files: deactivated, activated again, terminated for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import tlv
from conformance.case import NotRun, case
from conformance.commands import ALL, FCP, read_binary, read_record, select_path, update_binary
from conformance.editing import (
    activate_file,
    append_record,
    create_file,
    deactivate_file,
    terminate_df,
    terminate_ef,
)
from conformance.layout import ElementaryFile, Kind
from conformance.model.addressing import CLOSED
from conformance.model.templates import COMPACT
from conformance.suite.finding import OK, REFUSED
from conformance.suite.scratch import home, made, new, plan
from conformance.suite.ways import reads, updates
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.terminal import Terminal

TEXT = b"sleeping"
SFI = 21
_LIFE = "7816-9/life-cycle"


def _text(terminal: Terminal) -> ElementaryFile:
    sfi = SFI if terminal.statement.features.short_ef_identifier else None
    ef = new(terminal, Kind.TRANSPARENT, sfi=sfi)
    terminal.send(update_binary(0, TEXT))
    return ef


@case(
    "file/deactivate",
    covers=["7816-9/life-cycle/deactivate", "7816-9/life-cycle/deactivated-closed"],
    risk=Risk.RESTORE,
)
def test_deactivate(terminal: Terminal) -> None:
    """A deactivated EF is neither read nor written, by whatever command and name."""
    because = f"{_LIFE}/deactivated-closed"
    ef = _text(terminal)
    terminal.send(deactivate_file(), expect=OK, because=f"{_LIFE}/deactivate")
    for _ in range(2):
        for command in (*reads(terminal, ef), *updates(terminal, ef, b"x")):
            terminal.send(command, expect=CLOSED, because=because)
        terminal.send(select_path(ef))
    records = new(terminal, Kind.LINEAR_FIXED, size=5)
    terminal.send(append_record(b"other"))
    terminal.send(deactivate_file(records.fid), expect=OK, because=f"{_LIFE}/deactivate")
    terminal.send(select_path(records))
    for command in (read_record(1, ALL), append_record(b"thing")):
        terminal.send(command, expect=CLOSED, because=because)


@case(
    "file/deactivated-selected", covers=["7816-9/life-cycle/deactivated-warns"], risk=Risk.RESTORE
)
def test_deactivated_selected(terminal: Terminal) -> None:
    """SELECT of a deactivated file warns with 6283."""
    ef = _text(terminal)
    terminal.send(deactivate_file())
    because = f"{_LIFE}/deactivated-warns"
    terminal.send(select_path(ef.parent))
    terminal.send(select_path(ef, FCP, ALL), expect=0x6283, because=because)


@case(
    "file/activate",
    covers=["7816-9/life-cycle/activate", "7816-9/life-cycle/activated-as-before"],
    risk=Risk.RESTORE,
)
def test_activate(terminal: Terminal) -> None:
    """An EF that is activated again holds what it held."""
    ef = _text(terminal)
    because = f"{_LIFE}/activated-as-before"
    for _ in range(2):
        terminal.send(deactivate_file(), expect=OK, because=f"{_LIFE}/deactivate")
        terminal.send(activate_file(), expect=OK, because=f"{_LIFE}/activate")
        terminal.send(select_path(ef), expect=OK, because=because)
        command = read_binary(0, len(TEXT))
        terminal.send(command, expect=OK, because=because, wholly=True)


@case(
    "file/deactivated-survives-reset",
    covers=["7816-9/life-cycle/survives-reset"],
    risk=Risk.RESTORE,
)
def test_survives_reset(terminal: Terminal) -> None:
    """A reset does not activate a file."""
    ef = _text(terminal)
    terminal.send(deactivate_file())
    terminal.reset()
    terminal.send(select_path(ef))
    because = f"{_LIFE}/survives-reset"
    terminal.send(read_binary(0, 1), expect=CLOSED, because=because)
    terminal.send(activate_file())


@case(
    "file/life-cycle-apart",
    covers=["7816-9/life-cycle/others-stay", "7816-9/life-cycle/missing"],
    risk=Risk.RESTORE,
)
def test_apart(terminal: Terminal) -> None:
    """Deactivating one file leaves those beside it as they are."""
    one = _text(terminal)
    two = made(terminal, plan(terminal, Kind.TRANSPARENT, 1))
    terminal.send(update_binary(0, TEXT[::-1]))
    terminal.send(deactivate_file(one.fid))
    because = f"{_LIFE}/others-stay"
    terminal.send(select_path(two), expect=OK, because=because)
    terminal.send(read_binary(0, 8), expect=OK, because=because, wholly=True)
    terminal.send(deactivate_file(0x7E57))


@case(
    "file/life-cycle-rules",
    covers=["7816-9/life-cycle/deactivate-refused", "7816-9/life-cycle/activate-refused"],
    risk=Risk.RESTORE,
)
def test_rules(terminal: Terminal) -> None:
    """What may never be deactivated, or activated, is not."""
    for rule, column in (("deactivate", 4), ("activate", 3)):
        home(terminal)
        conditions = bytearray(7)
        conditions[column - 1] = 0xFF
        security = tlv.encode(COMPACT, b"\x7f" + bytes(conditions))
        made(terminal, plan(terminal, Kind.TRANSPARENT, security=security))
        terminal.send(update_binary(0, TEXT))
        if rule == "activate":
            terminal.send(deactivate_file())
        command = activate_file() if rule == "activate" else deactivate_file()
        terminal.send(command, expect=REFUSED, because=f"{_LIFE}/{rule}-refused")


def _copied(terminal: Terminal) -> None:
    if not terminal.bench.copies:
        raise NotRun("a terminated file of a card that cannot be copied stays terminated")


@case(
    "file/terminate",
    covers=[
        "7816-9/life-cycle/terminate",
        "7816-9/life-cycle/terminated-closed",
        "7816-9/life-cycle/terminated-stays",
        "7816-9/life-cycle/terminate-kind",
    ],
    risk=Risk.DESTROY,
)
def test_terminate(terminal: Terminal) -> None:
    """A terminated EF is closed for good: neither activated nor reached after a reset."""
    _copied(terminal)
    ef = _text(terminal)
    terminal.send(terminate_df())
    terminal.send(terminate_ef(), expect=OK, because=f"{_LIFE}/terminate")
    because = f"{_LIFE}/terminated-closed"
    for _ in range(2):
        terminal.send(read_binary(0, 1), expect=CLOSED, because=because)
        terminal.send(activate_file())
        terminal.send(deactivate_file())
        terminal.send(read_binary(0, 1), expect=CLOSED, because=because)
        terminal.reset()
        terminal.send(select_path(ef))


@case("file/terminate-df", covers=["7816-9/life-cycle/terminate"], risk=Risk.DESTROY)
def test_terminate_df(terminal: Terminal) -> None:
    """TERMINATE DF ends a DF and refuses an EF."""
    _copied(terminal)
    home(terminal)
    terminal.send(create_file(plan(terminal, Kind.DF, 1).template()))
    terminal.send(terminate_ef())
    terminal.send(terminate_df(), expect=OK, because=f"{_LIFE}/terminate")
    terminal.send(activate_file())
