"""Faults of logical channels, of command chaining, and of responses that are fetched."""

from __future__ import annotations

from dataclasses import replace

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import (
    INS_READ_RECORD,
    INS_SELECT,
    INS_VERIFY,
    OK,
    Puppet,
    fault,
    sound_reset,
)

INS_MANAGE, INS_GET_RESPONSE = 0x70, 0xC0
CHANNEL, CHAINED = 0x03, 0x10
REFUSED_CHAIN = b"\x68\x83"


def _open(puppet: Puppet, number: int) -> bytes:
    return puppet.send(CommandAPDU(0x00, INS_MANAGE, 0x00, number).encode())


@fault("channel/number-is-zero", INS_MANAGE, breaks="channel/open-assigns")
def number_is_zero(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The number of the channel that was opened is answered as 00."""
    answer = puppet.send(raw)
    assigned = command.p1 == 0 and command.p2 == 0 and answer[-2:] == OK
    return b"\x00" + OK if assigned else answer


@fault("channel/open-twice-is-fine", INS_MANAGE, breaks="channel/open-twice")
def open_twice_is_fine(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Opening a channel that is open answers 9000."""
    answer = puppet.send(raw)
    return OK if answer == b"\x69\x85" and command.p1 == 0 else answer


@fault("channel/close-forgets", INS_MANAGE, breaks="channel/closed-refused")
def close_forgets(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A channel that was closed is still there."""
    return puppet.trial(raw) if command.p1 == 0x80 else puppet.send(raw)


@fault("channel/close-basic-is-fine", INS_MANAGE, breaks="channel/close-basic")
def close_basic_is_fine(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Closing the basic channel answers 9000."""
    closing = command.p1 == 0x80 and not command.p2 and not command.cla & CHANNEL
    return OK if closing else puppet.send(raw)


@fault("channel/too-many", INS_MANAGE, breaks="channel/full")
def too_many(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """When all channels are open the last one is given out again."""
    answer = puppet.send(raw)
    return b"\x03" + OK if answer == b"\x6a\x81" else answer


@fault("channel/starts-where-basic-is", INS_MANAGE, breaks="channel/starts-at-mf")
def starts_where_basic_is(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A channel opened from the basic one starts in a DF, not at the MF."""
    answer = puppet.send(raw)
    if command.p1 == 0 and not command.cla and answer[-2:] == OK:
        number = answer[0] if len(answer) > 2 else command.p2
        path = b"\x7f\x10\x00\x01"
        puppet.send(CommandAPDU(number, INS_SELECT, 0x08, 0x0C, path).encode())
    return answer


@fault("channel/opened-at-mf", INS_MANAGE, breaks="channel/opened-from-another")
def opened_at_mf(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A channel opened from another one starts at the MF all the same."""
    answer = puppet.send(raw)
    if command.cla & CHANNEL and command.p1 == 0 and len(answer) == 3:
        puppet.send(CommandAPDU(answer[0], INS_SELECT, 0x00, 0x0C, b"\x3f\x00").encode())
    return answer


@fault("channel/one-selection", INS_SELECT, breaks="channel/selection-apart")
def one_selection(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What is selected on another channel is selected on the basic one too."""
    answer = puppet.send(raw)
    if command.cla & CHANNEL and answer[:1] in {b"\x90", b"\x61", b"\x62"}:
        puppet.send(replace(command, cla=0).encode())
    return answer


@fault("channel/one-pointer", INS_READ_RECORD, breaks="channel/pointer-apart")
def one_pointer(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A record that becomes current on one channel is skipped on channel 1."""
    answer = puppet.send(raw)
    if not command.cla & CHANNEL and command.p2 & 0x07 < 4 and answer[-2:] == OK:
        puppet.send(replace(command, cla=1).encode())
    return answer


@fault("channel/one-status", INS_VERIFY, breaks="channel/status-apart")
def one_status(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What is verified on the basic channel is verified on channel 1 too."""
    answer = puppet.send(raw)
    if command.data == puppet.values.get(command.p2) and not command.cla & CHANNEL:
        puppet.send(replace(command, cla=1).encode())
    return answer


def _reset_keeping_a_channel(puppet: Puppet) -> bytes:
    atr = sound_reset(puppet)
    if puppet.notes.get("opened"):
        _open(puppet, 1)
    return atr


@fault(
    "channel/survives-reset",
    INS_MANAGE,
    breaks="channel/reset-closes",
    reset=_reset_keeping_a_channel,
)
def channel_survives_reset(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """Channel 1 is open after a reset."""
    puppet.notes["opened"] = True
    return puppet.send(raw)


@fault("chaining/first-part-lost", breaks="chaining/joined")
def first_part_lost(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The first part of a chain is forgotten."""
    if command.cla == CHAINED and puppet.trial(raw) == OK and not puppet.notes.get("chain"):
        puppet.notes["chain"] = True
        return OK
    puppet.notes["chain"] = command.cla == CHAINED
    return puppet.send(raw)


@fault("chaining/part-is-data", breaks="chaining/part")
def part_has_no_answer(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A part of a chain is answered 6200."""
    answer = puppet.send(raw)
    return b"\x62\x00" if command.cla == CHAINED and answer == OK else answer


@fault("chaining/other-command-passes", breaks="chaining/other-command")
def other_command_passes(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Another command inside a chain is carried out."""
    answer = puppet.send(raw)
    if answer == REFUSED_CHAIN and command.cla == 0:
        return puppet.send(raw)
    return answer


@fault("chaining/writes-early", 0xD6, breaks="chaining/nothing-before-last")
def writes_early(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The first part of a chained UPDATE BINARY is written at once."""
    if command.cla == CHAINED and not command.p1 and not command.p2:
        puppet.send(replace(command, cla=0).encode())
    return puppet.send(raw)


def _reset_noted(puppet: Puppet) -> bytes:
    puppet.notes["reset"] = "part" in puppet.notes
    return sound_reset(puppet)


@fault("chaining/survives-reset", 0xD6, breaks="chaining/reset-ends", reset=_reset_noted)
def chaining_survives_reset(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A chain goes on after a reset."""
    answer = puppet.send(raw)
    if command.cla == CHAINED:
        puppet.notes["part"] = command.data
        return answer
    lost = puppet.notes.pop("part", b"")
    if answer == OK and lost and puppet.notes.pop("reset", False):
        puppet.send(replace(command, data=lost + command.data).encode())
    return answer


@fault("chaining/rest-is-short", INS_GET_RESPONSE, breaks="response/gives-the-rest")
def rest_is_short(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """GET RESPONSE leaves out the last byte."""
    answer = puppet.send(raw)
    return answer[:-3] + OK if answer[-2:] == OK and len(answer) > 2 else answer


@fault("chaining/pieces-repeat", INS_GET_RESPONSE, breaks="response/in-pieces")
def pieces_count_wrong(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """61XX after a piece counts one byte too many."""
    answer = puppet.send(raw)
    if len(answer) > 2 and answer[-2] == 0x61:
        return answer[:-1] + bytes((answer[-1] + 1 & 0xFF,))
    return answer


@fault("chaining/waits-for-ever", breaks="response/dropped")
def waits_for_ever(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What waits for GET RESPONSE waits through other commands."""
    if command.ins != INS_GET_RESPONSE:
        answer = puppet.send(raw)
        if answer[-2:-1] == b"\x61":
            puppet.notes["rest"] = puppet.trial(
                CommandAPDU(0x00, INS_GET_RESPONSE, 0x00, 0x00, ne=256).encode()
            )
        return answer
    answer = puppet.send(raw)
    kept: bytes = puppet.notes.pop("rest", b"")
    return kept if answer == b"\x69\x85" and kept else answer


@fault("chaining/given-again", INS_GET_RESPONSE, breaks="response/given-once")
def given_again(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """GET RESPONSE gives what was fetched a second time."""
    answer = puppet.send(raw)
    if answer[-2:] == OK:
        puppet.notes["given"] = answer
    elif answer == b"\x69\x85":
        again: bytes = puppet.notes.pop("given", answer)
        return again
    return answer
