"""Access rules: what is refused before, granted after, and refused again after a reset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.case import NotRun, case, not_applicable
from conformance.commands import (
    query,
    read_binary,
    read_record,
    select_parent,
    select_path,
    update_binary,
    update_record,
    verify,
)
from conformance.layout import ElementaryFile, Kind
from conformance.suite.finding import (
    OK,
    REFUSED,
    changed,
    enter,
    fresh,
    guessable,
    known_references,
    open_file,
)
from conformance.suite.ways import beneath, naming_reads, naming_updates, neighbours, reads, updates
from conformance.undo import JUDGED, opening
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU
    from conformance.terminal import Terminal


def _reading(ef: ElementaryFile) -> CommandAPDU:
    return read_binary(0, 1) if ef.kind is Kind.TRANSPARENT else read_record(1, ef.size)


def _writing(terminal: Terminal, ef: ElementaryFile) -> CommandAPDU:
    data = _other(terminal, ef)
    return update_binary(0, data) if ef.kind is Kind.TRANSPARENT else update_record(1, data)


def _other(terminal: Terminal, ef: ElementaryFile) -> bytes:
    """Another content for a file given free, the same content for any other."""
    size = min(ef.size, 4) if ef.kind is Kind.TRANSPARENT else ef.size
    content = terminal.bench.baseline.contents[ef][0]
    data = changed(terminal, ef, 0, size)
    if not ef.writable:
        if content.known is not None:
            raise NotRun(f"what {ef.path} holds is not known, so nothing is written to it")
        data = content.value[:size]
    return data


def _protected(terminal: Terminal, action: str) -> tuple[ElementaryFile, ...]:
    """The EFs that `action` reaches only after a verification, and that the judge can open."""
    found = tuple(
        ef
        for ef in terminal.layout.elementary(*JUDGED)
        if not (right := ef.read if action == "read" else ef.update).always
        and not right.never
        and opening(right, terminal.bench)
        and (action == "read" or ef.writable)
    )
    return found or not_applicable(f"no EF needs a known reference to {action} it")


@case("access/read-refused", covers=["7816-4/access/read-refused"])
def test_read_refused(terminal: Terminal) -> None:
    """A protected EF is not read while nothing is verified."""
    for ef in _protected(terminal, "read"):
        terminal.send(select_path(ef))
        for command in reads(terminal, ef):
            terminal.send(command, expect=REFUSED, because="7816-4/access/read-refused")
        for other in neighbours(terminal, ef):
            for command in naming_reads(terminal, ef):
                terminal.send(select_path(other))
                terminal.send(command, expect=REFUSED, because="7816-4/access/read-refused")


@case("access/update-refused", covers=["7816-4/access/update-refused"], risk=Risk.RESTORE)
def test_update_refused(terminal: Terminal) -> None:
    """A protected EF is not written while nothing is verified."""
    because = "7816-4/access/update-refused"
    for ef in _protected(terminal, "update"):
        terminal.send(select_path(ef))
        data = _other(terminal, ef)
        for command in updates(terminal, ef, data):
            terminal.send(command, expect=REFUSED, because=because)
        for other in neighbours(terminal, ef, "update"):
            for command in naming_updates(terminal, ef, data):
                terminal.send(select_path(other))
                terminal.send(command, expect=REFUSED, because=because)


@case("access/never", covers=["7816-4/access/never"], risk=Risk.RESTORE)
def test_never(terminal: Terminal) -> None:
    """What may never be written stays refused with every known reference verified."""
    files = tuple(ef for ef in terminal.layout.elementary(*JUDGED) if ef.update.never)
    held = terminal.bench.baseline.contents
    known = [ef for ef in files if ef.writable or held[ef][0].known is None]
    if files and not known:
        raise NotRun("what the EFs hold that are closed to updates is not known")
    for ef in known or not_applicable("no EF is closed to updates"):
        terminal.send(select_path(ef.parent))
        for reference in terminal.layout.references:
            if reference.df in ef.parent.lineage() and terminal.keys.right(reference):
                terminal.send(verify(terminal.keys, "pin", reference))
        terminal.send(select_path(ef))
        for command in updates(terminal, ef, _other(terminal, ef)):
            terminal.send(command, expect=REFUSED, because="7816-4/access/never")


@case("access/read-granted", covers=["7816-4/access/read-granted"])
def test_read_granted(terminal: Terminal) -> None:
    """After the right verification a protected EF is read."""
    for ef in fresh(terminal, _protected(terminal, "read")):
        open_file(terminal, ef, "read")
        terminal.send(_reading(ef), expect=OK, because="7816-4/access/read-granted")


@case("access/update-granted", covers=["7816-4/access/update-granted"], risk=Risk.RESTORE)
def test_update_granted(terminal: Terminal) -> None:
    """After the right verification a protected EF is written."""
    for ef in fresh(terminal, _protected(terminal, "update")):
        open_file(terminal, ef, "read", "update")
        command = _writing(terminal, ef)
        terminal.send(command, expect=OK, because="7816-4/access/update-granted")
        terminal.send(_reading(ef))


@case("access/reset-clears-status", covers=["7816-4/access/reset-clears-status"], risk=Risk.RESTORE)
def test_reset_clears_status(terminal: Terminal) -> None:
    """After a reset a protected EF is closed again."""
    because = "7816-4/access/reset-clears-status"
    for ef in fresh(terminal, _protected(terminal, "update")):
        open_file(terminal, ef, "update")
        terminal.reset()
        terminal.send(select_path(ef))
        terminal.send(_writing(terminal, ef), expect=REFUSED, because=because)


@case("access/status-survives-selection", covers=["7816-4/access/status-survives-selection"])
def test_status_survives_selection(terminal: Terminal) -> None:
    """Moving about within the DF of a reference keeps it verified."""
    because = "7816-4/access/status-survives-selection"
    for ef in fresh(terminal, _protected(terminal, "read")):
        enter(terminal, ef, "read")
        for child in terminal.layout.children(ef.parent):
            terminal.send(select_path(child))
        terminal.send(select_path(ef))
        terminal.send(_reading(ef), expect=OK, because=because)


@case("access/status-within-df", covers=["7816-4/access/status-survives-selection"])
def test_status_within_df(terminal: Terminal) -> None:
    """Whatever file below its DF is selected, a reference says that it is verified."""
    because = "7816-4/access/status-survives-selection"
    if not terminal.statement.features.verify_query:
        not_applicable("the card does not tell what is verified")
    for reference in known_references(terminal):
        for file in beneath(terminal, reference.df):
            terminal.send(select_path(reference.df))
            terminal.send(verify(terminal.keys, "pin", reference))
            terminal.send(select_path(file))
            terminal.send(query(reference.number), expect=OK, because=because)


@case("access/right-reference", covers=["7816-4/access/right-reference"], risk=Risk.RESTORE)
def test_right_reference(terminal: Terminal) -> None:
    """A reference that the access rule does not name does not open the EF."""
    because = "7816-4/access/right-reference"
    for ef in fresh(terminal, _protected(terminal, "update")):
        terminal.send(select_path(ef.parent))
        named = {one for group in ef.update.alternatives for one in group}
        for reference in terminal.layout.references:
            known = terminal.keys.right(reference)
            if known and reference.df in ef.parent.lineage() and reference not in named:
                terminal.send(verify(terminal.keys, "pin", reference))
        terminal.send(select_path(ef))
        terminal.send(_writing(terminal, ef), expect=REFUSED, because=because)


@case(
    "access/failure-grants-nothing",
    covers=["7816-4/access/failure-grants-nothing"],
    risk=Risk.CONSUME,
)
def test_failure_grants_nothing(terminal: Terminal) -> None:
    """After a failed comparison a protected EF is as closed as before."""
    because = "7816-4/access/failure-grants-nothing"
    usable = guessable(terminal)
    for ef in fresh(terminal, _protected(terminal, "read")):
        terminal.send(select_path(ef.parent))
        for reference in opening(ef.read, terminal.bench) or ():
            if reference in usable:
                terminal.send(verify(terminal.keys, "wrong", reference))
        terminal.send(select_path(ef))
        terminal.send(_reading(ef), expect=REFUSED, because=because)
        enter(terminal, ef, "read")


@case("access/status-and-parents", covers=["7816-4/access/status-survives-selection"])
def test_status_and_parents(terminal: Terminal) -> None:
    """A local status, when the DF is left and entered again, is kept or lost, but never gained."""
    below = tuple(ef for ef in _protected(terminal, "update") if ef.parent.parent is not None)
    for ef in fresh(terminal, below or not_applicable("every protected EF is in the MF")):
        enter(terminal, ef, "update")
        terminal.send(select_parent())
        terminal.send(select_path(ef))
        for reference in opening(ef.update, terminal.bench) or ():
            terminal.send(select_path(reference.df))
