"""Faults of READ RECORD and UPDATE RECORD."""

from __future__ import annotations

from dataclasses import replace

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import (
    INS_READ_RECORD,
    INS_UPDATE_RECORD,
    OK,
    Puppet,
    fault,
)

NOT_FOUND = b"\x6a\x83"
WRONG_LENGTH = b"\x67\x00"


@fault("record/counts-from-zero", INS_READ_RECORD, breaks="record/update-writes")
def counts_from_zero(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """READ RECORD gives the record after the one that was asked for."""
    following = replace(command, p1=min(command.p1 + 1, 255)).encode()
    answer = puppet.trial(following)
    return puppet.send(raw if answer == NOT_FOUND else following)


@fault("record/last-instead-of-none", INS_READ_RECORD, breaks="record/not-found")
def last_instead_of_none(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """READ RECORD of a number that is too high gives the first record."""
    answer = puppet.send(raw)
    return puppet.send(replace(command, p1=1).encode()) if answer == NOT_FOUND else answer


@fault("record/read-from-stops", INS_READ_RECORD, breaks="record/read-from")
def read_from_stops(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """READ RECORD of all records from one on gives only that one."""
    if command.p2 & 0x07 == 5:
        return puppet.send(replace(command, p2=command.p2 & 0xF8 | 4).encode())
    return puppet.send(raw)


@fault("record/short-identifier-ignored", INS_READ_RECORD, breaks="record/read-by-sfi")
def short_identifier_ignored(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """READ RECORD by short identifier reads the current EF instead."""
    if command.p2 >> 3 in {0, 31}:
        return puppet.send(raw)
    return puppet.send(replace(command, p2=command.p2 & 0x07).encode())


@fault("record/short-identifier-not-kept", INS_READ_RECORD, breaks="record/sfi-becomes-current")
def short_identifier_not_kept(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The EF read by short identifier does not become the current one."""
    return puppet.trial(raw) if command.p2 >> 3 else puppet.send(raw)


@fault("record/reads-bytes", INS_READ_RECORD, breaks="record/wrong-structure")
def reads_bytes(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """READ RECORD of a transparent EF answers that the record is not found."""
    answer = puppet.send(raw)
    return NOT_FOUND if answer == b"\x69\x81" else answer


@fault("record/update-does-nothing", INS_UPDATE_RECORD, breaks="record/update-writes")
def update_does_nothing(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """UPDATE RECORD answers 9000 and writes nothing."""
    return puppet.trial(raw)


@fault("record/update-spills", INS_UPDATE_RECORD, breaks="record/update-only-there")
def update_spills(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """UPDATE RECORD writes the following record too."""
    answer = puppet.send(raw)
    if answer == OK and command.p1 < 254:
        puppet.send(replace(command, p1=command.p1 + 1, ne=None).encode())
    return answer


@fault("record/update-pads", INS_UPDATE_RECORD, breaks="record/update-length")
def update_pads(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """UPDATE RECORD with too short a data field fills it up with zeroes."""
    answer = puppet.send(raw)
    if answer != WRONG_LENGTH:
        return answer
    for size in range(len(command.data) + 1, 41):
        padded = replace(command, data=command.data.ljust(size, b"\0"))
        if puppet.send(padded.encode()) == OK:
            return OK
    return answer
