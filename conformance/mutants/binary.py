"""Faults of READ BINARY and UPDATE BINARY."""

from __future__ import annotations

from dataclasses import replace

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import (
    INS_READ_BINARY,
    INS_SELECT,
    INS_UPDATE_BINARY,
    OK,
    Puppet,
    fault,
    sound_reset,
)

SFI_FORM = 0x80


@fault("binary/off-by-one", INS_READ_BINARY, breaks="binary/read-content")
def off_by_one(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """READ BINARY begins one byte too late."""
    if command.p2 == 0xFF:
        return puppet.send(raw)
    return puppet.send(replace(command, p2=command.p2 + 1).encode())


@fault("binary/drops-last-byte", INS_READ_BINARY, breaks="binary/read-content")
def drops_last_byte(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """READ BINARY gives one byte less than it should."""
    answer = puppet.send(raw)
    return answer[:-3] + answer[-2:] if len(answer) > 3 else answer


@fault("binary/high-offset-ignored", INS_READ_BINARY, breaks="binary/offset-outside")
def high_offset_ignored(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """READ BINARY looks at the lower byte of the offset only."""
    if command.p1 & SFI_FORM or not command.p1:
        return puppet.send(raw)
    return puppet.send(replace(command, p1=0).encode())


@fault("binary/offset-outside-is-empty", INS_READ_BINARY, breaks="binary/offset-outside")
def offset_outside_is_empty(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """READ BINARY behind the end of the EF answers 9000 without data."""
    answer = puppet.send(raw)
    return OK if answer == b"\x6b\x00" else answer


@fault("binary/short-identifier-ignored", INS_READ_BINARY, breaks="binary/read-by-sfi")
def short_identifier_ignored(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """READ BINARY by short identifier reads the current EF instead."""
    if not command.p1 & SFI_FORM or command.p1 & 0x60 or command.p1 & 0x1F in {0, 31}:
        return puppet.send(raw)
    return puppet.send(replace(command, p1=0).encode())


@fault("binary/short-identifier-not-kept", INS_READ_BINARY, breaks="binary/sfi-becomes-current")
def short_identifier_not_kept(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The EF read by short identifier does not become the current one."""
    return puppet.trial(raw) if command.p1 & SFI_FORM else puppet.send(raw)


@fault("binary/reads-records", INS_READ_BINARY, breaks="binary/wrong-structure")
def reads_records(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """READ BINARY of an EF with records gives a byte instead of refusing."""
    answer = puppet.send(raw)
    return b"\x00" + OK if answer == b"\x69\x81" else answer


@fault("binary/extended-le-cut", INS_READ_BINARY, breaks="binary/read-extended")
def extended_le_cut(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """No answer has more than 256 bytes of data, whatever Le says."""
    if command.extended and (command.ne or 0) > 256:
        return puppet.send(replace(command, ne=256).encode())
    return puppet.send(raw)


@fault("binary/past-end-is-refused", INS_READ_BINARY, breaks="binary/read-past-end")
def past_end_is_refused(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """READ BINARY that reaches past the end is refused with 6B00 instead of a warning."""
    answer = puppet.send(raw)
    return b"\x6b\x00" if answer[-2:] == b"\x62\x82" else answer


@fault("binary/update-does-nothing", INS_UPDATE_BINARY, breaks="binary/update-writes")
def update_does_nothing(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """UPDATE BINARY answers 9000 and writes nothing."""
    return puppet.trial(raw)


@fault("binary/update-spills", INS_UPDATE_BINARY, breaks="binary/update-only-there")
def update_spills(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """UPDATE BINARY writes the first byte of its data once more behind the last one."""
    answer = puppet.send(raw)
    if answer == OK and len(command.data) < 255:
        puppet.send(replace(command, data=command.data + command.data[:1], ne=None).encode())
    return answer


@fault("binary/update-past-end-cut", INS_UPDATE_BINARY, breaks="binary/update-past-end")
def update_past_end_cut(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """UPDATE BINARY past the end writes what fits and answers 9000."""
    answer = puppet.send(raw)
    if answer == b"\x6a\x84":
        _write_what_fits(puppet, command)
        return OK
    return answer


@fault("binary/refused-but-written", INS_UPDATE_BINARY, breaks="laws/refused-changes-nothing")
def refused_but_written(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """UPDATE BINARY past the end is refused, but what fits has been written."""
    answer = puppet.send(raw)
    if answer == b"\x6a\x84":
        _write_what_fits(puppet, command)
    return answer


def _write_what_fits(puppet: Puppet, command: CommandAPDU) -> None:
    for size in range(len(command.data) - 1, 0, -1):
        if puppet.send(replace(command, data=command.data[:size]).encode()) == OK:
            return


def _forget(puppet: Puppet) -> bytes:
    puppet.card = puppet.notes.pop("before", puppet.card)
    return sound_reset(puppet)


@fault(
    "binary/update-lost-at-reset",
    INS_UPDATE_BINARY,
    INS_SELECT,
    breaks="binary/update-survives-reset",
    reset=_forget,
)
def update_lost_at_reset(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What UPDATE BINARY wrote is gone after a reset."""
    if command.ins == INS_UPDATE_BINARY:
        puppet.notes.setdefault("before", puppet.card.fork())
    return puppet.send(raw)
