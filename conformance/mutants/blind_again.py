"""Faults thought up without knowledge of the suite, second trial: the generic card (BLIND.md)."""

from __future__ import annotations

from dataclasses import replace

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import (
    INS_READ_BINARY,
    INS_SELECT,
    INS_UPDATE_BINARY,
    INS_VERIFY,
    OK,
    Puppet,
    fault,
    forgetful_reset,
)
from conformance.mutants.inside import (
    channel_of,
    give_back,
    is_refusal,
    reference_data,
    session_of,
    state_of,
)

INS_ERASE_RECORD, INS_DELETE = 0x0C, 0xE4
NOT_FOUND = b"\x6a\x82"
BY_SHORT_IDENTIFIER, CHAINED = 0x80, 0x10
BY_NAME, NEXT = 0x04, 0x02
ONE, TO_THE_LAST = 0x04, 0x05
ALIASED = {0: 3, 3: 0}


@fault("binary/blind2-offset-in-a-byte", INS_UPDATE_BINARY, breaks="binary/update-writes")
def offset_in_a_byte(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """UPDATE BINARY by short identifier counts in one byte: behind byte 255 it goes on at 0."""
    room = 0x100 - command.p2
    short = command.p1 & BY_SHORT_IDENTIFIER and not command.cla & CHAINED
    if not short or len(command.data) <= room or is_refusal(puppet.trial(raw)):
        return puppet.send(raw)
    answer = puppet.send(replace(command, data=command.data[:room]).encode())
    puppet.send(replace(command, p2=0, data=command.data[room:]).encode())
    return answer


@fault("record/blind2-erase-leaves-the-last", INS_ERASE_RECORD, breaks="record/erase-range")
def erase_leaves_the_last(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """ERASE RECORD from a record to the last stops one before the last."""
    if command.p2 & 0x07 != TO_THE_LAST or is_refusal(puppet.trial(raw)):
        return puppet.send(raw)
    for number in range(command.p1, 0x100):
        following = replace(command, p1=min(number + 1, 0xFF), p2=command.p2 & 0xF8 | ONE)
        if is_refusal(puppet.trial(following.encode())):
            break
        puppet.send(replace(following, p1=number).encode())
    return OK


@fault(
    "select/blind2-search-begins-again",
    INS_SELECT,
    breaks="select/occurrence",
    reset=forgetful_reset,
)
def search_begins_again(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """After SELECT of the next name has found none, the search begins again at the first DF."""
    place = f"ended {channel_of(command)}"
    if command.p1 == BY_NAME and command.p2 & 0x03 == NEXT:
        if puppet.notes.pop(place, None) == command.data:
            return puppet.send(replace(command, p2=command.p2 & 0xFC).encode())
        answer = puppet.send(raw)
        if answer == NOT_FOUND:
            puppet.notes[place] = command.data
        return answer
    answer = puppet.send(raw)
    if not is_refusal(answer):
        puppet.notes.pop(place, None)
    return answer


def _try_never_written(puppet: Puppet) -> bytes:
    file = puppet.notes.pop("owed", None)
    if file is not None:
        give_back(puppet, file, 1)
    return puppet.card.reset()


@fault(
    "verify/blind2-try-written-with-the-next-command",
    breaks="verify/counter-survives-reset",
    reset=_try_never_written,
)
def try_written_with_the_next_command(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The try that a wrong VERIFY costs stays in RAM until the command after it comes."""
    puppet.notes.clear()
    answer = puppet.send(raw)
    if command.ins == INS_VERIFY and answer[0] == 0x63 and command.data:
        puppet.notes["owed"] = reference_data(puppet, command)
    return answer


@fault("channel/blind2-three-is-none", breaks="channel/status-apart")
def three_is_none(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The security status is kept for three channels: channel 3 has that of the basic one."""
    answer = puppet.send(raw)
    sessions = state_of(puppet).sessions
    here = channel_of(command)
    other = ALIASED.get(here)
    if other is not None and here in sessions and other in sessions:
        shared = sessions[here].satisfied
        sessions[other] = sessions[other]._replace(satisfied=shared)
    return answer


@fault("chaining/blind2-third-part-over-the-second", breaks="chaining/joined")
def third_part_over_the_second(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A part of a chain goes behind as many bytes as the part before it had, not all of them."""
    card = puppet.card._card  # noqa: SLF001 - the buffer of a chain is the card's own
    before = card._chain  # noqa: SLF001
    if before is not None and before.data:
        kept = before.data[: puppet.notes.get("part", 0)]
        card._chain = before._replace(data=kept)  # noqa: SLF001
    puppet.notes["part"] = len(command.data)
    return puppet.send(raw)


@fault(
    "file/blind2-deleted-by-name-is-current",
    breaks="delete/leaves-no-current",
    standard="7816-9",
    reset=forgetful_reset,
)
def deleted_by_name_is_current(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """READ BINARY still finds the current EF when DELETE FILE has removed it by its identifier."""
    before, ghost = session_of(puppet, command), puppet.notes.get("ghost")
    alive = puppet.card.fork() if command.ins == INS_DELETE and command.data else None
    if ghost is not None and command.ins == INS_READ_BINARY and not command.p1 & 0x80:
        stale: bytes = ghost.transmit(raw)
        return stale
    answer = puppet.send(raw)
    if is_refusal(answer) or before is None:
        return answer
    if alive is not None and before.ef is not None:
        if before.ef not in state_of(puppet).tree.files:
            puppet.notes["ghost"] = alive
    elif command.ins == INS_SELECT or session_of(puppet, command) != before:
        puppet.notes.pop("ghost", None)
    return answer
