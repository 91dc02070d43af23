"""What the faults of operations have in common; the sound card behind them is `crypto`."""

from __future__ import annotations

from collections.abc import Callable

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import INS_SELECT, OK, Fault, Puppet, ResetFault, fault, sound_reset

MSE, PERFORM, PERFORM_OBJECT, GENERATE = 0x22, 0x2A, 0x2B, 0x46
SETTING = (MSE, PERFORM, INS_SELECT)
"""What a fault of an operation concerns that has to know which key was set: see `remembering`."""
CHECKSUM, CONFIDENTIALITY = 0xB4, 0xB8
PROFILE = "crypto"
Condition = Callable[[CommandAPDU], bool]


class SW:
    """The refusals that faults turn into something else."""

    NOT_NOW, CLOSED, NOT_FOUND = b"\x69\x85", b"\x69\x82", b"\x6a\x88"
    WRONG_DATA, WRONG_LENGTH, NO_PARAMETERS = b"\x6a\x80", b"\x67\x00", b"\x6a\x86"
    UNKNOWN_ALGORITHM, FAILED = b"\x6a\x81", b"\x63\x00"
    BLOCKED, USED_UP = b"\x69\x83", b"\x69\x84"


def mse(
    name: str, *more: int, breaks: str, reset: ResetFault = sound_reset
) -> Callable[[Fault], Fault]:
    """Declare a fault of the security environment, which may concern *more* instructions."""
    requirement = f"environment/{breaks}"
    return fault(f"mse/{name}", MSE, *more, breaks=requirement, profile=PROFILE, reset=reset)


def operation(
    name: str,
    *instructions: int,
    breaks: str,
    risk: str | None = None,
    reset: ResetFault = sound_reset,
) -> Callable[[Fault], Fault]:
    """Declare a fault of PERFORM SECURITY OPERATION, or of other *instructions*."""
    return fault(
        f"operation/{name}",
        *(instructions or (PERFORM,)),
        breaks=breaks,
        standard="7816-8",
        profile=PROFILE,
        risk=risk,
        reset=reset,
    )


def forgiven(
    text: str, wrong: bytes, given: bytes = OK, when: Condition = lambda _command: True
) -> Fault:
    """The fault *text*: the refusal *wrong* is answered *given* instead."""

    def answer(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
        found = puppet.send(raw)
        return given if found == wrong and when(command) else found

    answer.__doc__ = text
    return answer


def denied(text: str, when: Condition, given: bytes = SW.CLOSED) -> Fault:
    """The fault *text*: what is meant is answered *given*, whatever it is."""

    def answer(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
        return given if when(command) else puppet.send(raw)

    answer.__doc__ = text
    return answer


def garbled(text: str, when: Condition, longer_than: int = 2, place: int = -3) -> Fault:
    """The fault *text*: one bit of what is answered is wrong."""

    def answer(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
        found = puppet.send(raw)
        return flipped(found, place) if when(command) and len(found) > longer_than else found

    answer.__doc__ = text
    return answer


def flipped(data: bytes, place: int) -> bytes:
    """*data* with one bit changed."""
    changed = bytearray(data)
    changed[place] ^= 0x01
    return bytes(changed)


def sets(command: CommandAPDU, template: int | None = None) -> bool:
    """Whether *command* is SET, of *template* if that is given."""
    setting = command.ins == MSE and command.p1 & 0x0F == 0x01
    return setting and template in {None, command.p2}


def doing(p1: int, *p2: int) -> Condition:
    """Whether a command is the operation with *p1* and one of *p2*."""
    return lambda command: command.ins == PERFORM and command.p1 == p1 and command.p2 in p2


class Is:
    """What a command does."""

    ENCIPHERING: Condition = lambda command: command.p1 in {0x82, 0x84, 0x86}
    DECIPHERING = doing(0x80, 0x82, 0x84, 0x86)
    SIGNING = doing(0x9E, 0x9A, 0xAC, 0xBC)
    VERIFYING, CHECKING = doing(0x00, 0xA8), doing(0x00, 0xA2)
    COMPUTING = doing(0x8E, 0x80)
    HASHING, HASHING_PARTS = doing(0x90, 0x80), doing(0x90, 0xA0)


def remembering(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The answer; what was set last is kept in mind until another DF is selected."""
    answer = puppet.send(raw)
    if command.ins == INS_SELECT:
        puppet.notes.pop("set", None)
    elif sets(command) and answer == OK:
        puppet.notes["set"] = command
    return answer


def set_key(puppet: Puppet) -> int | None:
    """The number of the key that was set last."""
    command = puppet.notes.get("set")
    if command is None or command.data[:1] not in {b"\x83", b"\x84"}:
        return None
    number: int = command.data[2]
    return number
