"""Faults of WRITE, ERASE and SEARCH BINARY and of the odd instruction codes."""

from __future__ import annotations

from dataclasses import replace

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import INS_UPDATE_BINARY, OK, Puppet, fault

INS_WRITE, INS_ERASE, INS_SEARCH = 0xD0, 0x0E, 0xA0
INS_READ_ODD, INS_UPDATE_ODD, INS_SEARCH_ODD, INS_ERASE_ODD = 0xB1, 0xD7, 0xA1, 0x0F


@fault("binary/write-is-update", INS_WRITE, breaks="binary/write-or")
def write_is_update(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """WRITE BINARY replaces bytes where it should set bits."""
    answer = puppet.send(raw)
    if answer == OK:
        puppet.send(replace(command, ins=INS_UPDATE_BINARY).encode())
    return answer


@fault("binary/write-once-more", INS_WRITE, breaks="binary/write-one-time")
def write_once_more(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What may be written once is written again."""
    answer = puppet.send(raw)
    if answer == b"\x69\x85":
        return puppet.send(replace(command, ins=INS_UPDATE_BINARY).encode())
    return answer


@fault("binary/write-truncates", INS_WRITE, breaks="binary/write-past-end")
def write_truncates(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """WRITE BINARY past the end writes what fits."""
    answer = puppet.send(raw)
    if answer == b"\x6a\x84":
        return puppet.send(replace(command, data=command.data[:1]).encode())
    return answer


@fault("binary/erase-one-more", INS_ERASE, breaks="binary/erase-range")
def erase_one_more(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """ERASE BINARY erases the byte at its second offset too."""
    if len(command.data) == 2:
        end = int.from_bytes(command.data, "big") + 1
        more = replace(command, data=end.to_bytes(2, "big")).encode()
        if puppet.trial(more) == OK and puppet.trial(raw) == OK:
            return puppet.send(more)
    return puppet.send(raw)


@fault("binary/erase-to-end-forgets", INS_ERASE, breaks="binary/erase-to-end")
def erase_to_end_forgets(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """ERASE BINARY without a data field answers 9000 and erases nothing."""
    return puppet.send(raw) if command.data else puppet.trial(raw)


@fault("binary/erase-outside-is-fine", INS_ERASE, breaks="binary/erase-outside")
def erase_outside_is_fine(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """ERASE BINARY of a range outside the EF answers 9000."""
    answer = puppet.send(raw)
    return OK if answer == b"\x6b\x00" else answer


@fault("binary/search-from-start", INS_SEARCH, breaks="binary/search-from")
def search_from_start(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """SEARCH BINARY begins at the first byte whatever the offset is."""
    answer = puppet.send(raw)
    return puppet.send(replace(command, p2=0).encode()) if answer[-2:] == OK else answer


@fault("binary/search-one-off", INS_SEARCH, breaks="binary/search-finds")
def search_one_off(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """SEARCH BINARY counts the bytes from one."""
    answer = puppet.send(raw)
    if answer[-2:] == OK:
        return (int.from_bytes(answer[:2], "big") + 1).to_bytes(2, "big") + OK
    return answer


@fault("binary/search-nothing-is-zero", INS_SEARCH, breaks="binary/search-none")
def search_nothing_is_zero(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A search that finds nothing answers offset 0."""
    answer = puppet.send(raw)
    return b"\0\0" + OK if answer == b"\x62\x82" else answer


@fault("binary/odd-read-bare", INS_READ_ODD, breaks="binary/odd-read")
def odd_read_bare(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The odd READ BINARY of the current EF answers without the data object around the bytes."""
    answer = puppet.send(raw)
    bare = answer[-2:] == OK and not command.p1 and not command.p2
    return answer[2:] if bare else answer


@fault("binary/odd-reads-current", INS_READ_ODD, breaks="binary/odd-by-sfi")
def odd_reads_current(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The odd READ BINARY does not look at the short identifier in P2."""
    if not command.p1 and 0 < command.p2 < 31:
        return puppet.send(replace(command, p2=0).encode())
    return puppet.send(raw)


@fault("binary/odd-unknown-is-current", INS_READ_ODD, breaks="binary/odd-not-found")
def odd_unknown_is_current(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The odd READ BINARY of an EF that is not there reads the current one."""
    answer = puppet.send(raw)
    if answer == b"\x6a\x82":
        return puppet.send(replace(command, p1=0, p2=0).encode())
    return answer


@fault("binary/odd-update-forgets", INS_UPDATE_ODD, breaks="binary/odd-update")
def odd_update_forgets(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The odd UPDATE BINARY answers 9000 and writes nothing."""
    return puppet.trial(raw)


@fault("binary/odd-search-bare", INS_SEARCH_ODD, breaks="binary/odd-search")
def odd_search_bare(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The odd SEARCH BINARY answers the offset without its data object."""
    answer = puppet.send(raw)
    return answer[2:] if answer[-2:] == OK else answer


@fault("binary/odd-erase-to-end", INS_ERASE_ODD, breaks="binary/odd-erase")
def odd_erase_to_end(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The odd ERASE BINARY does not look at its second offset."""
    return puppet.send(replace(command, data=command.data[:3]).encode() if command.data else raw)
