"""Faults of access rules and of the security status."""

from __future__ import annotations

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import (
    INS_READ_BINARY,
    INS_READ_RECORD,
    INS_SELECT,
    INS_UPDATE_BINARY,
    INS_UPDATE_RECORD,
    INS_VERIFY,
    OK,
    Puppet,
    fault,
    sound_reset,
)

REFUSED = b"\x69\x82"
READS = (INS_READ_BINARY, INS_READ_RECORD)
UPDATES = (INS_UPDATE_BINARY, INS_UPDATE_RECORD)


@fault("access/read-rule-ignored", *READS, breaks="access/read-refused")
def read_rule_ignored(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """What may be read after a verification only is read by anybody."""
    answer = puppet.send(raw)
    return puppet.opened(raw) if answer == REFUSED else answer


@fault("access/update-rule-ignored", *UPDATES, breaks="access/update-refused")
def update_rule_ignored(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """What may be written after a verification only is written by anybody."""
    answer = puppet.send(raw)
    return puppet.opened(raw) if answer == REFUSED else answer


@fault("access/never-is-sometimes", *UPDATES, breaks="access/never")
def never_is_sometimes(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A file that may never be written is written when the holder's PIN is verified."""
    answer = puppet.send(raw)
    if answer == REFUSED and puppet.opened(raw) == REFUSED:
        verified = puppet.trial(CommandAPDU(0x00, INS_VERIFY, 0x00, 0x01).encode())
        return OK if verified == OK else answer
    return answer


@fault("access/verified-is-not-enough", *READS, breaks="access/read-granted")
def verified_is_not_enough(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A protected file stays closed after the verification."""
    if puppet.trial(CommandAPDU(0x00, INS_VERIFY, 0x00, 0x01).encode()) == OK:
        return REFUSED
    return puppet.send(raw)


@fault("access/update-verified-is-not-enough", *UPDATES, breaks="access/update-granted")
def update_verified_is_not_enough(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A protected file cannot be written with the local PIN verified."""
    if puppet.trial(CommandAPDU(0x00, INS_VERIFY, 0x00, 0x81).encode()) == OK:
        return REFUSED
    return puppet.send(raw)


@fault("access/failure-opens", INS_VERIFY, breaks="access/failure-grants-nothing")
def failure_opens(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A failed comparison leaves the reference verified all the same."""
    answer = puppet.trial(raw)
    if command.data and answer[0] == 0x63 and command.p2 in puppet.values:
        puppet.send(puppet.verifying(command.p2))
        return answer
    return puppet.send(raw)


@fault("access/any-pin-opens", *UPDATES, breaks="access/right-reference")
def any_pin_opens(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The holder's PIN opens what the application's PIN guards."""
    answer = puppet.send(raw)
    if answer == REFUSED:
        asked = puppet.trial(CommandAPDU(0x00, INS_VERIFY, 0x00, 0x01).encode())
        return puppet.opened(raw) if asked == OK else answer
    return answer


@fault("access/select-forgets", INS_SELECT, breaks="access/status-survives-selection")
def select_forgets(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Selecting an EF by path loses the security status."""
    answer = puppet.trial(raw)
    if command.p1 == 0x08 and len(command.data) > 2 and answer[-2:] == OK:
        sound_reset(puppet)
    return puppet.send(raw)


def _reset_keeping(puppet: Puppet) -> bytes:
    atr = sound_reset(puppet)
    for raw in puppet.notes.get("verified", ()):
        if raw[3] == 0x81:
            puppet.send(CommandAPDU(0x00, INS_SELECT, 0x08, 0x0C, b"\x7f\x10").encode())
        puppet.send(raw)
    return atr


@fault(
    "access/reset-keeps-status",
    INS_VERIFY,
    breaks="access/reset-clears-status",
    reset=_reset_keeping,
)
def reset_keeps_status(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What was verified before a reset is verified after it."""
    answer = puppet.send(raw)
    if command.data and answer == OK:
        puppet.notes["verified"] = (*puppet.notes.get("verified", ()), raw)
    return answer
