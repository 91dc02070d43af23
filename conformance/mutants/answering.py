"""Faults of the answer to reset, the class byte, challenges, and of answering at all."""

from __future__ import annotations

from dataclasses import replace

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import (
    INS_READ_BINARY,
    INS_SELECT,
    OK,
    Mutant,
    Puppet,
    declare,
    fault,
    sound_reset,
)

INS_GET_CHALLENGE, INS_GET_RESPONSE = 0x84, 0xC0


@fault("challenge/constant", INS_GET_CHALLENGE, breaks="challenge/fresh")
def constant(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Every challenge is the same."""
    answer = puppet.send(raw)
    return bytes(len(answer) - 2) + OK if command.ne and answer[-2:] == OK else answer


@fault("challenge/short", INS_GET_CHALLENGE, breaks="challenge/length")
def short(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A challenge has one byte less than was asked for."""
    answer = puppet.send(raw)
    return answer[1:] if answer[-2:] == OK and len(answer) > 3 else answer


@fault("response/stale", INS_GET_RESPONSE, breaks="response/nothing-waits")
def stale(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """GET RESPONSE gives a byte although nothing waits."""
    answer = puppet.send(raw)
    return b"\x00" + OK if answer[:1] == b"\x69" else answer


@fault("coding/class-ignored", breaks="coding/class-not-supported")
def class_ignored(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The class byte 80 is served as 00."""
    if command.cla == 0x80:
        return puppet.send(b"\x00" + raw[1:])
    return puppet.send(raw)


@fault("coding/secure-messaging-ignored", breaks="coding/no-secure-messaging")
def secure_messaging_ignored(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The secure messaging bits of the class byte are not looked at."""
    if raw[0] & 0xF0 == 0:
        return puppet.send(bytes((raw[0] & 0xF3,)) + raw[1:])
    return puppet.send(raw)


@fault("coding/channel-ignored", breaks="coding/channel-not-open")
def channel_ignored(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A command on a channel that is not open goes to the basic channel."""
    if raw[0] in {0x01, 0x02, 0x03}:
        puppet.send(CommandAPDU(0x00, INS_SELECT, 0x08, 0x0C, b"\x7f\x20\x00\x01").encode())
        return puppet.send(b"\x00" + raw[1:])
    return puppet.send(raw)


@fault("coding/invalid-instruction-obeyed", breaks="coding/instruction-invalid")
def invalid_instruction_obeyed(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Instruction bytes 6X are answered with 9000."""
    return OK if command.ins & 0xF0 == 0x60 else puppet.send(raw)


@fault("coding/length-ignored", INS_SELECT, breaks="coding/wrong-length")
def length_ignored(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """Bytes behind the data field are ignored."""
    answer = puppet.send(raw)
    if answer == b"\x67\x00" and len(raw) > 6 and raw[4] and len(raw) > 5 + raw[4]:
        return puppet.send(raw[: 5 + raw[4]])
    return answer


@fault("laws/data-with-error", INS_READ_BINARY, breaks="laws/no-data-with-error")
def data_with_error(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A refused READ BINARY gives the data all the same."""
    answer = puppet.send(raw)
    return puppet.opened(raw)[:-2] + answer if answer == b"\x69\x82" else answer


@fault("laws/more-than-asked", INS_READ_BINARY, breaks="laws/at-most-ne")
def more_than_asked(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """READ BINARY gives one byte more than Ne."""
    if command.ne and command.ne < 200:
        return puppet.send(replace(command, ne=command.ne + 1).encode())
    return puppet.send(raw)


@fault("laws/strange-status", INS_SELECT, breaks="laws/status-range")
def strange_status(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A file that is not found is answered with 4A82."""
    answer = puppet.send(raw)
    return b"\x4a\x82" if answer == b"\x6a\x82" else answer


@fault("laws/mute", INS_SELECT, breaks="laws/answers")
def mute(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The card does not answer a SELECT that finds nothing."""
    answer = puppet.send(raw)
    return b"" if answer == b"\x6a\x82" else answer


def _reset_in_df(puppet: Puppet) -> bytes:
    atr = sound_reset(puppet)
    puppet.send(CommandAPDU(0x00, INS_SELECT, 0x08, 0x0C, b"\x7f\x10").encode())
    return atr


def _wrong_check_character(puppet: Puppet) -> bytes:
    atr = sound_reset(puppet)
    return atr[:-1] + bytes((atr[-1] ^ 0x01,))


def _without_check_character(puppet: Puppet) -> bytes:
    return sound_reset(puppet)[:-1]


def _exclusive_or(atr: bytes, position: int, value: int) -> bytes:
    changed = bytearray(atr)
    changed[position] ^= value
    changed[-1] ^= value
    return bytes(changed)


def _other_atr_next_time(puppet: Puppet) -> bytes:
    atr = sound_reset(puppet)
    count: int = puppet.notes.get("resets", 0)
    puppet.notes["resets"] = count + 1
    return atr if count < 2 else _exclusive_or(atr, 8, 0x01)


declare(
    Mutant(
        "laws/reset-in-df",
        "7816-4/laws/reset-selects-mf",
        "After a reset a DF is selected, not the MF.",
        frozenset({INS_SELECT}),
        reset=_reset_in_df,
    )
)
for _name, _breaks, _text, _reset in (
    (
        "atr/check-character-wrong",
        "7816-3/atr/check-character",
        "The check character does not fit the others.",
        _wrong_check_character,
    ),
    (
        "atr/check-character-missing",
        "7816-3/atr/check-character",
        "T=1 is offered without a check character.",
        _without_check_character,
    ),
    (
        "atr/changes",
        "7816-3/atr/same-after-reset",
        "From the third reset on the answer is another one.",
        _other_atr_next_time,
    ),
    (
        "atr/no-extended-length",
        "7816-4/historical/extended-length",
        "The card capabilities do not claim extended length.",
        lambda puppet: _exclusive_or(sound_reset(puppet), 12, 0x40),
    ),
    (
        "atr/no-partial-names",
        "7816-4/historical/selection-methods",
        "The card capabilities do not claim selection by partial name.",
        lambda puppet: _exclusive_or(sound_reset(puppet), 10, 0x40),
    ),
    (
        "atr/reserved-field-size",
        "7816-3/atr/information-field-size",
        "The information field size is FF, which is reserved.",
        lambda puppet: _exclusive_or(sound_reset(puppet), 4, 0x01),
    ),
    (
        "atr/missing-character",
        "7816-3/atr/structure",
        "T0 announces more historical bytes than there are.",
        lambda puppet: _exclusive_or(sound_reset(puppet), 1, 0x0E),
    ),
):
    declare(Mutant(_name, _breaks, _text, frozenset({INS_SELECT}), reset=_reset))
