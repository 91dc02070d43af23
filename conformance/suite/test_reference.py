"""Reference data that is changed, unblocked, and no longer or again required to be verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import NotRun, case, not_applicable
from conformance.commands import query, read_binary, select_path, verify
from conformance.layout import ElementaryFile, Kind, Reference
from conformance.model.reference import CHANGE, DISABLE, ENABLE, RESET
from conformance.redaction import MADE_UP
from conformance.suite.finding import OK, REFUSED, guessable
from conformance.undo import opening
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.terminal import Terminal

UNKNOWN = 0x1E
_AREA = "7816-4/reference"


def _command(terminal: Terminal, ins: int, reference: Reference, *kinds: str) -> CommandAPDU:
    """*ins* with the guesses of *kinds* at *reference*, one behind the other."""
    data = b"".join(terminal.keys.guess(kind, reference) or b"" for kind in kinds)
    return CommandAPDU(0x00, ins, 0x00, reference.number, data)


@case(
    "reference/change",
    covers=["7816-4/reference/change", "7816-4/reference/old-value-dead"],
    risk=Risk.CONSUME,
)
def test_change(terminal: Terminal) -> None:
    """After CHANGE REFERENCE DATA the new value is right and the old one wrong."""
    for reference in guessable(terminal):
        terminal.reset()
        terminal.send(select_path(reference.df))
        change = _command(terminal, CHANGE, reference, "pin", "other")
        terminal.send(change, expect=OK, because=f"{_AREA}/change")
        terminal.reset()
        terminal.send(select_path(reference.df))
        new = verify(terminal.keys, "other", reference)
        terminal.send(new, expect=OK, because=f"{_AREA}/change")
        old = verify(terminal.keys, "pin", reference)
        left = range(0x63C0, 0x63D0)
        terminal.send(old, expect=left, because=f"{_AREA}/old-value-dead")
        back = _command(terminal, CHANGE, reference, "other", "pin")
        terminal.send(back, expect=OK, because=f"{_AREA}/change")


@case(
    "reference/change-wrong",
    covers=[
        "7816-4/reference/change-wrong",
        "7816-4/reference/change-counts",
        "7816-4/reference/change-refused-keeps",
    ],
    risk=Risk.CONSUME,
)
def test_change_wrong(terminal: Terminal) -> None:
    """A wrong old value changes nothing and costs a try."""
    for reference in guessable(terminal):
        terminal.reset()
        terminal.send(select_path(reference.df))
        terminal.send(_command(terminal, CHANGE, reference, "wrong", "other"))
        because = f"{_AREA}/change-counts"
        left = 0x63C0 | terminal.model.states[0].tries[reference]
        if terminal.statement.features.verify_query:
            terminal.send(query(reference.number), expect=left, because=because)
        because = f"{_AREA}/change-refused-keeps"
        right = verify(terminal.keys, "pin", reference)
        terminal.send(right, expect=OK, because=because)


@case(
    "reference/tries-survive-reset",
    covers=["7816-4/verify/counter-survives-reset"],
    risk=Risk.CONSUME,
)
def test_tries_survive_reset(terminal: Terminal) -> None:
    """A try that a wrong value cost is still spent after a reset, whichever command compared it."""
    features = terminal.statement.features
    comparing = [(CHANGE, "other")] if features.change_reference else []
    comparing += [(DISABLE, ""), (ENABLE, "")] if features.switch_verification else []
    if not comparing or not features.verify_query:
        not_applicable("VERIFY alone compares, or the card does not tell the tries left")
    because = "7816-4/verify/counter-survives-reset"
    for reference in guessable(terminal):
        for ins, new in comparing:
            terminal.reset()
            terminal.send(select_path(reference.df))
            terminal.send(_command(terminal, ins, reference, *("wrong", new)[: 1 + bool(new)]))
            left = 0x63C0 | terminal.model.states[0].tries[reference]
            terminal.reset()
            terminal.send(select_path(reference.df))
            terminal.send(query(reference.number), expect=left, because=because)
            terminal.send(verify(terminal.keys, "pin", reference))


@case(
    "reference/change-length",
    covers=["7816-4/reference/change-length", "7816-4/reference/reserved-p1"],
    risk=Risk.CONSUME,
)
def test_change_length(terminal: Terminal) -> None:
    """Without a new value nothing is changed, and reserved values of P1 are refused."""
    for reference in guessable(terminal):
        terminal.send(select_path(reference.df))
        terminal.send(_command(terminal, CHANGE, reference, "pin"))
        terminal.send(verify(terminal.keys, "pin", reference))
        value = terminal.keys.guess("pin", reference) or b""
        for ins in (CHANGE, RESET, DISABLE, ENABLE):
            terminal.send(CommandAPDU(0x00, ins, 0x55, reference.number, value))


@case("reference/unknown", covers=["7816-4/reference/unknown"], risk=Risk.CONSUME)
def test_unknown(terminal: Terminal) -> None:
    """Reference data that does not exist is not changed."""
    for ins in (CHANGE, RESET, DISABLE, ENABLE):
        terminal.send(CommandAPDU(0x00, ins, 0x00, UNKNOWN, MADE_UP * 8))


def _unblockable(terminal: Terminal) -> tuple[Reference, Reference]:
    """A reference and its resetting code, both known and with tries above their floors."""
    usable = guessable(terminal)
    for reference in usable:
        for code in usable:
            if reference.unblocked_by == code.name:
                return reference, code
    raise NotRun("no reference has a resetting code with tries above its floor")


def _reset(
    terminal: Terminal, reference: Reference, code: Reference, guess: str, new: str = ""
) -> CommandAPDU:
    data = terminal.keys.guess(guess, code) or b""
    data += (terminal.keys.guess(new, reference) or b"") if new else b""
    return CommandAPDU(0x00, RESET, 0x00 if new else 0x01, reference.number, data)


@case("reference/reset", covers=["7816-4/reference/reset"], risk=Risk.CONSUME)
def test_reset(terminal: Terminal) -> None:
    """The resetting code gives back all tries, and verifies nothing."""
    reference, code = _unblockable(terminal)
    because = f"{_AREA}/reset"
    terminal.send(select_path(reference.df))
    terminal.send(verify(terminal.keys, "wrong", reference))
    command = _reset(terminal, reference, code, "pin")
    terminal.send(command, expect=OK, because=because)
    if terminal.statement.features.verify_query:
        full = 0x63C0 | reference.tries
        terminal.send(query(reference.number), expect=full, because=because)
    terminal.send(verify(terminal.keys, "pin", reference), expect=OK, because=because)


@case(
    "reference/reset-wrong",
    covers=["7816-4/reference/reset-wrong", "7816-4/reference/reset-counts"],
    risk=Risk.CONSUME,
)
def test_reset_wrong(terminal: Terminal) -> None:
    """A wrong resetting code gives no tries back and costs one of its own."""
    reference, code = _unblockable(terminal)
    terminal.send(select_path(reference.df))
    terminal.send(verify(terminal.keys, "wrong", reference))
    terminal.send(_reset(terminal, reference, code, "wrong"))
    if terminal.statement.features.verify_query:
        for one, rule in ((reference, "reset-wrong"), (code, "reset-counts")):
            left = 0x63C0 | terminal.model.states[0].tries[one]
            terminal.send(query(one.number), expect=left, because=f"{_AREA}/{rule}")
    terminal.send(verify(terminal.keys, "pin", code))
    terminal.send(verify(terminal.keys, "pin", reference))


@case("reference/reset-new-value", covers=["7816-4/reference/reset-new-value"], risk=Risk.CONSUME)
def test_reset_new_value(terminal: Terminal) -> None:
    """The resetting code with a new value changes the value."""
    reference, code = _unblockable(terminal)
    because = f"{_AREA}/reset-new-value"
    terminal.send(select_path(reference.df))
    for new in ("other", "pin"):
        command = _reset(terminal, reference, code, "pin", new)
        terminal.send(command, expect=OK, because=because)
        terminal.send(verify(terminal.keys, new, reference), expect=OK, because=because)


@case(
    "reference/reset-blocked",
    covers=["7816-4/reference/reset-unblocks", "7816-4/reference/blocked"],
    risk=Risk.DESTROY,
)
def test_reset_blocked(terminal: Terminal) -> None:
    """A blocked reference is not changed, and the resetting code unblocks it."""
    if not terminal.bench.copies:
        raise NotRun("a reference of a card that cannot be copied is not blocked on purpose")
    reference, code = _unblockable(terminal)
    terminal.send(select_path(reference.df))
    for _ in range(reference.tries):
        terminal.send(verify(terminal.keys, "wrong", reference))
    terminal.send(_command(terminal, CHANGE, reference, "pin", "other"))
    because = f"{_AREA}/reset-unblocks"
    terminal.send(_reset(terminal, reference, code, "pin"), expect=OK, because=because)
    terminal.send(verify(terminal.keys, "pin", reference), expect=OK, because=because)


@case(
    "reference/no-resetting-code", covers=["7816-4/reference/no-resetting-code"], risk=Risk.CONSUME
)
def test_no_resetting_code(terminal: Terminal) -> None:
    """What has no resetting code is not reset by anything."""
    bare = [one for one in guessable(terminal) if not one.unblocked_by]
    for reference in bare or not_applicable("every known reference has a resetting code"):
        terminal.send(select_path(reference.df))
        value = terminal.keys.guess("pin", reference) or b""
        terminal.send(CommandAPDU(0x00, RESET, 0x01, reference.number, value))


def _guarded(terminal: Terminal) -> tuple[ElementaryFile, Reference]:
    """A transparent EF that one usable reference alone opens to reading."""
    usable = guessable(terminal)
    for ef in terminal.layout.elementary(Kind.TRANSPARENT):
        needed = opening(ef.read, terminal.bench) or ()
        if len(needed) == 1 and needed[0] in usable:
            return ef, needed[0]
    return not_applicable("no transparent EF needs one reference with tries above its floor")


@case(
    "reference/disable",
    covers=["7816-4/reference/disable", "7816-4/reference/enable"],
    risk=Risk.CONSUME,
)
def test_disable(terminal: Terminal) -> None:
    """Without the requirement the EF is open after a reset; required again it is closed."""
    ef, reference = _guarded(terminal)
    terminal.send(select_path(reference.df))
    disable = _command(terminal, DISABLE, reference, "pin")
    terminal.send(disable, expect=OK, because=f"{_AREA}/disable")
    for _ in range(2):
        terminal.reset()
        terminal.send(select_path(ef))
        terminal.send(read_binary(0, 1), expect=OK, because=f"{_AREA}/disable")
    terminal.send(select_path(reference.df))
    enable = _command(terminal, ENABLE, reference, "pin")
    terminal.send(enable, expect=OK, because=f"{_AREA}/enable")
    terminal.reset()
    terminal.send(select_path(ef))
    terminal.send(read_binary(0, 1), expect=REFUSED, because=f"{_AREA}/enable")


@case(
    "reference/switch-wrong",
    covers=[
        "7816-4/reference/disable-wrong",
        "7816-4/reference/enable-wrong",
        "7816-4/reference/switch-counts",
    ],
    risk=Risk.CONSUME,
)
def test_switch_wrong(terminal: Terminal) -> None:
    """A wrong value switches nothing and costs a try."""
    ef, reference = _guarded(terminal)
    for ins in (DISABLE, ENABLE):
        terminal.send(select_path(reference.df))
        terminal.send(_command(terminal, ins, reference, "wrong"))
        if terminal.statement.features.verify_query:
            left = 0x63C0 | terminal.model.states[0].tries[reference]
            terminal.send(query(reference.number), expect=left, because=f"{_AREA}/switch-counts")
        terminal.send(select_path(ef))
        because = f"{_AREA}/disable-wrong"
        terminal.send(read_binary(0, 1), expect=REFUSED, because=because)
        terminal.reset()
        terminal.send(select_path(reference.df))
        terminal.send(verify(terminal.keys, "pin", reference))
        terminal.reset()
