"""Faults of the record pointer, of APPEND, WRITE, SEARCH and ERASE RECORD, and of cyclic EFs."""

from __future__ import annotations

from dataclasses import replace

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import (
    INS_READ_RECORD,
    INS_SELECT,
    INS_UPDATE_RECORD,
    OK,
    Puppet,
    fault,
)

INS_WRITE, INS_APPEND, INS_SEARCH, INS_ERASE = 0xD2, 0xE2, 0xA2, 0x0C
INS_READ_PART, INS_UPDATE_PART, INS_CREATE = 0xB3, 0xDD, 0xE0
FIRST, LAST, NEXT, PREVIOUS, BY_NUMBER, _, FROM_LAST = range(7)
NOT_FOUND = b"\x6a\x83"


def _moded(command: CommandAPDU, mode: int) -> bytes:
    return replace(command, p2=command.p2 & 0xF8 | mode).encode()


@fault("record/first-is-last", INS_READ_RECORD, breaks="record/first")
def first_is_last(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """READ RECORD of the first record gives the last one."""
    wrong = command.p2 & 0x07 == FIRST and not command.p1
    return puppet.send(_moded(command, LAST) if wrong else raw)


@fault("record/last-is-first", INS_READ_RECORD, breaks="record/last")
def last_is_first(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """READ RECORD of the last record gives the first one."""
    wrong = command.p2 & 0x07 == LAST and not command.p1
    return puppet.send(_moded(command, FIRST) if wrong else raw)


@fault("record/next-skips", INS_READ_RECORD, breaks="record/next")
def next_skips(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """READ RECORD of the next record goes two records on where it can."""
    if command.p2 & 0x07 == NEXT and puppet.trial(raw, raw)[-2:] == OK:
        puppet.send(raw)
    return puppet.send(raw)


@fault("record/previous-stays", INS_READ_RECORD, breaks="record/previous")
def previous_stays(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """READ RECORD of the previous record gives it and leaves the pointer where it was."""
    if command.p2 & 0x07 == PREVIOUS:
        return puppet.trial(raw)
    return puppet.send(raw)


@fault("record/next-wraps", INS_READ_RECORD, breaks="record/no-more")
def next_wraps(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Behind the last record the first one is the next."""
    answer = puppet.send(raw)
    if answer == NOT_FOUND and command.p2 & 0x07 == NEXT and not command.p1:
        return puppet.send(_moded(command, FIRST))
    return answer


@fault("record/current-is-first", INS_READ_RECORD, breaks="record/current")
def current_is_first(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The current record is always record 1, once there is a current one."""
    if command.p2 & 0x07 == BY_NUMBER and not command.p1 and puppet.trial(raw)[-2:] == OK:
        return puppet.trial(replace(command, p1=1).encode())
    return puppet.send(raw)


@fault("record/pointer-survives-select", INS_SELECT, breaks="record/select-resets-pointer")
def pointer_survives_select(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """After SELECT the last record of the EF is current."""
    answer = puppet.send(raw)
    if answer == OK:
        puppet.send(CommandAPDU(0x00, INS_READ_RECORD, 0x00, LAST, ne=256).encode())
    return answer


@fault("record/number-moves-pointer", INS_READ_RECORD, breaks="record/number-keeps-pointer")
def number_moves_pointer(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Reading the last record by its number makes it the current one."""
    answer = puppet.send(raw)
    if answer[-2:] == OK and command.p2 == BY_NUMBER and command.p1 > 4:
        puppet.send(CommandAPDU(0x00, INS_READ_RECORD, 0x00, LAST, ne=256).encode())
    return answer


@fault("record/failure-moves-pointer", INS_READ_RECORD, breaks="record/failed-keeps-pointer")
def failure_moves_pointer(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """When there is no next record the first one becomes current."""
    answer = puppet.send(raw)
    if answer == NOT_FOUND and command.p2 & 0x07 == NEXT:
        puppet.send(CommandAPDU(0x00, INS_READ_RECORD, 0x00, FIRST, ne=256).encode())
    return answer


@fault("record/identifier-ignored", INS_READ_RECORD, breaks="record/identifier-first")
def identifier_ignored(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The record identifier in P1 is not looked at."""
    if command.p2 & 0x07 < BY_NUMBER:
        return puppet.send(replace(command, p1=0).encode())
    return puppet.send(raw)


@fault("record/identifier-next-is-any", INS_READ_RECORD, breaks="record/identifier-next")
def identifier_next_is_any(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The next record with an identifier is the next record whatever its identifier is."""
    if command.p2 & 0x07 == NEXT and puppet.trial(raw)[-2:] == OK:
        return puppet.send(replace(command, p1=0).encode())
    return puppet.send(raw)


@fault("record/from-last-turned", INS_READ_RECORD, breaks="record/from-last")
def from_last_turned(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """All records from the last to P1 come in ascending order."""
    turned = command.p2 & 0x07 == FROM_LAST
    return puppet.send(_moded(command, 5) if turned else raw)


@fault("record/append-forgets", INS_APPEND, breaks="record/append-adds")
def append_forgets(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """APPEND RECORD answers 9000 and stores nothing."""
    return puppet.trial(raw)


@fault("record/append-twice", INS_APPEND, breaks="record/append-full")
def append_overwrites(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """APPEND RECORD to a full EF overwrites its last record."""
    answer = puppet.send(raw)
    if answer == b"\x6a\x84":
        last = CommandAPDU(0x00, INS_UPDATE_RECORD, 0x00, LAST, command.data)
        return puppet.send(last.encode())
    return answer


@fault("record/append-leaves-pointer", INS_APPEND, breaks="record/append-current")
def append_leaves_pointer(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """After APPEND RECORD the first record is current."""
    answer = puppet.send(raw)
    if answer == OK:
        puppet.send(CommandAPDU(0x00, INS_READ_RECORD, 0x00, FIRST, ne=256).encode())
    return answer


@fault("record/own-length-padded", INS_READ_RECORD, breaks="record/own-length")
def own_length_padded(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A record shorter than the longest is read with a zero behind it."""
    answer = puppet.send(raw)
    return answer[:-2] + b"\0" + OK if answer[-2:] == OK and len(answer) < 7 else answer


@fault(
    "record/cyclic-oldest-first",
    INS_READ_RECORD,
    INS_CREATE,
    breaks="record/cyclic-newest-first",
)
def cyclic_oldest_first(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Number 1 of a cyclic EF is the oldest record."""
    if command.ins == INS_CREATE:
        puppet.notes["cyclic"] = b"\x82\x05\x06" in command.data
        return puppet.send(raw)
    if puppet.notes.get("cyclic") and command.p2 & 0x07 == BY_NUMBER and command.p1:
        count = 0
        while puppet.trial(replace(command, p1=count + 1).encode())[-2:] == OK:
            count += 1
        if command.p1 <= count:
            return puppet.send(replace(command, p1=count + 1 - command.p1).encode())
    return puppet.send(raw)


@fault("record/cyclic-grows-no-more", INS_APPEND, breaks="record/cyclic-drops-oldest")
def cyclic_grows_no_more(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """APPEND RECORD answers 6A84 when the record 4 is there already."""
    fourth = CommandAPDU(0x00, INS_READ_RECORD, 0x04, BY_NUMBER, ne=256)
    return b"\x6a\x84" if puppet.trial(fourth.encode())[-2:] == OK else puppet.send(raw)


@fault("record/cyclic-previous-updates", INS_UPDATE_RECORD, breaks="record/cyclic-previous")
def cyclic_previous_updates(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """UPDATE RECORD of the previous record of a cyclic EF writes over its last record."""
    if command.p2 & 0x07 == PREVIOUS:
        return puppet.send(_moded(command, LAST))
    return puppet.send(raw)


@fault("record/update-leaves-pointer", INS_UPDATE_RECORD, breaks="record/update-moves-pointer")
def update_leaves_pointer(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """UPDATE RECORD of the next record leaves the first one current."""
    answer = puppet.send(raw)
    if command.p2 & 0x07 == NEXT and answer == OK:
        puppet.send(CommandAPDU(0x00, INS_READ_RECORD, 0x00, FIRST, ne=256).encode())
    return answer


@fault("record/write-is-update", INS_WRITE, breaks="record/write-or")
def write_is_update(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """WRITE RECORD replaces the record where it should set bits."""
    answer = puppet.send(raw)
    if answer == OK:
        puppet.send(replace(command, ins=INS_UPDATE_RECORD).encode())
    return answer


@fault("record/write-once-more", INS_WRITE, breaks="record/write-one-time")
def write_once_more(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What may be written once is written again."""
    answer = puppet.send(raw)
    if answer == b"\x69\x85":
        return puppet.send(replace(command, ins=INS_UPDATE_RECORD).encode())
    return answer


@fault("record/search-finds-one", INS_SEARCH, breaks="record/search-forward")
def search_finds_one(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """SEARCH RECORD gives the first number only."""
    answer = puppet.send(raw)
    return answer[:1] + OK if answer[-2:] == OK else answer


@fault("record/search-backward-turned", INS_SEARCH, breaks="record/search-backward")
def search_backward_turned(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A search backward answers in ascending order."""
    answer = puppet.send(raw)
    if command.p2 & 0x07 == 5 and answer[-2:] == OK:
        return answer[:-2][::-1] + OK
    return answer


@fault("record/search-nothing-is-fine", INS_SEARCH, breaks="record/search-none")
def search_nothing_is_fine(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A search that finds nothing answers 9000."""
    answer = puppet.send(raw)
    return OK if answer == b"\x62\x82" else answer


@fault("record/search-offset-ignored", INS_SEARCH, breaks="record/search-enhanced")
def search_offset_ignored(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """An enhanced search looks in the whole record."""
    if command.p2 & 0x07 == 6 and len(command.data) > 2:
        data = bytes((command.data[0] & 0x07, 0)) + command.data[2:]
        return puppet.send(replace(command, data=data).encode())
    return puppet.send(raw)


@fault("record/search-leaves-pointer", INS_SEARCH, breaks="record/search-current")
def search_leaves_pointer(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """SEARCH RECORD leaves the current record as it was."""
    return puppet.trial(raw)


@fault("record/erase-does-nothing", INS_ERASE, breaks="record/erase-one")
def erase_does_nothing(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """ERASE RECORD answers 9000 and erases nothing."""
    return puppet.trial(raw)


@fault("record/erase-range-is-one", INS_ERASE, breaks="record/erase-range")
def erase_range_is_one(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """ERASE RECORD of all records from one on erases that one only."""
    ranged = command.p2 & 0x07 == 5
    return puppet.send(_moded(command, BY_NUMBER) if ranged else raw)


@fault("record/part-offset-ignored", INS_READ_PART, breaks="record/part-read")
def part_offset_ignored(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The odd READ RECORD begins at the first byte always."""
    if command.data[:1] == b"\x54" and puppet.trial(raw)[-2:] == OK:
        return puppet.send(replace(command, data=b"\x54\x01\x00").encode())
    return puppet.send(raw)


@fault("record/part-combines-by-or", INS_UPDATE_PART, breaks="record/part-combined")
def part_combines_by_or(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The odd UPDATE RECORD combines by OR whatever was asked for."""
    combining = command.p2 & 0x07 in {5, 7}
    return puppet.send(_moded(command, 6) if combining else raw)


@fault("record/part-update-forgets", INS_UPDATE_PART, breaks="record/part-updated")
def part_update_forgets(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The odd UPDATE RECORD answers 9000 and writes nothing."""
    return puppet.trial(raw)
