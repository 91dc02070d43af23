"""Faults of INTERNAL and EXTERNAL AUTHENTICATE with the keys of the profile crypto."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from conformance.apdu import CommandAPDU
from conformance.mutants.cryptic import (
    PROFILE,
    SW,
    flipped,
    forgiven,
    garbled,
)
from conformance.mutants.hooks import (
    INS_READ_BINARY,
    OK,
    Fault,
    Puppet,
    ResetFault,
    fault,
    forgetful_reset,
    sound_reset,
)

EXTERNAL, CHALLENGE, INTERNAL = 0x82, 0x84, 0x88
BY_CARD, OTHER = 0x96, {0x94: 0x95, 0x95: 0x94}
WRONG = 0x63
OPEN = b"\x00" + OK


def proof(
    name: str,
    *instructions: int,
    breaks: str,
    risk: str | None = None,
    reset: ResetFault = sound_reset,
) -> Callable[[Fault], Fault]:
    """Declare a fault of an authentication command, or of what hangs on it."""
    return fault(
        f"proof/{name}",
        *instructions,
        breaks=f"authentication/{breaks}",
        risk=risk,
        profile=PROFILE,
        reset=reset,
    )


proof("internal-wrong", INTERNAL, breaks="internal")(
    garbled("One bit of the card's proof is wrong.", lambda _command: True)
)
proof("internal-any-length", INTERNAL, breaks="internal-length")(
    forgiven("Part of a block is answered with a proof.", SW.WRONG_LENGTH, bytes(16) + OK)
)


@proof("internal-any-key", INTERNAL, breaks="unknown-key")
def internal_any_key(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """For a key that is not there another one proves itself."""
    answer = puppet.send(raw)
    return puppet.trial(replace(command, p2=BY_CARD).encode()) if answer == SW.NOT_FOUND else answer


proof("internal-any-usage", INTERNAL, breaks="usage")(
    forgiven("A key for other purposes gives a proof.", SW.NOT_NOW, bytes(16) + OK)
)


@proof("environment-ignored", INTERNAL, breaks="by-environment")
def environment_ignored(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """With P2 00 the first key of the card proves itself, whatever is set."""
    return puppet.send(replace(command, p2=BY_CARD).encode() if not command.p2 else raw)


@proof("external-refused", EXTERNAL, breaks="external-right")
def external_refused(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The right cryptogram is refused."""
    right = command.data and puppet.trial(raw) == OK
    return puppet.send(flipped(raw, -1)) if right else puppet.send(raw)


@proof("external-last-bit", EXTERNAL, breaks="external-wrong")
def external_last_bit(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The last bit of a cryptogram is not compared."""
    near = flipped(raw, -1)
    return puppet.send(near if command.data and puppet.trial(near) == OK else raw)


@proof("failures-free", EXTERNAL, breaks="external-counts")
def failures_free(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A wrong cryptogram costs no try."""
    answer = puppet.trial(raw) if command.data else b""
    return answer if answer[:1] and answer[0] == WRONG else puppet.send(raw)


@proof("success-restores-nothing", EXTERNAL, breaks="external-restores")
def success_restores_nothing(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The right cryptogram gives no try back."""
    return puppet.trial(raw) if command.data and puppet.trial(raw) == OK else puppet.send(raw)


proof("blocked-proves", EXTERNAL, breaks="blocked", risk="destroy")(
    forgiven("A key without tries is proven all the same.", SW.BLOCKED)
)
proof("external-any-length", EXTERNAL, breaks="external-length")(
    forgiven("A cryptogram of another length is accepted.", SW.WRONG_LENGTH)
)


@proof("unasked", EXTERNAL, CHALLENGE, breaks="no-challenge", reset=forgetful_reset)
def unasked(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Before any challenge every cryptogram is right."""
    answer = puppet.send(raw)
    if command.ins == CHALLENGE:
        puppet.notes["asked"] = True
    return OK if answer == SW.NOT_NOW and not puppet.notes.get("asked") else answer


@proof("challenge-lasts", EXTERNAL, breaks="challenge-once")
def challenge_lasts(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A proof that was accepted is accepted again."""
    answer = puppet.send(raw)
    if answer == OK and command.data:
        puppet.notes["accepted"] = raw
    return OK if answer == SW.NOT_NOW and puppet.notes.get("accepted") == raw else answer


@proof("stale-challenge", EXTERNAL, CHALLENGE, breaks="latest-challenge")
def stale_challenge(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A proof over the challenge before the latest is accepted as well."""
    if command.ins == CHALLENGE:
        puppet.notes["before"] = puppet.card.fork()
        return puppet.send(raw)
    before = puppet.notes.pop("before", None)
    answer = puppet.send(raw)
    right = before is not None and before.transmit(raw) == OK
    return OK if answer[0] == WRONG and right else answer


@proof("other-key", EXTERNAL, breaks="other-key")
def other_key(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A cryptogram under another key of the terminal is accepted."""
    other = replace(command, p2=OTHER.get(command.p2, 0)).encode()
    right = command.data and puppet.trial(other) == OK
    answer = puppet.send(raw)
    return OK if right and answer[0] == WRONG else answer


def _behind(command: CommandAPDU, answer: bytes) -> bool:
    return command.ins == INS_READ_BINARY and answer == SW.CLOSED


@proof("opens-nothing", EXTERNAL, INS_READ_BINARY, breaks="opens")
def opens_nothing(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What hangs on a key stays closed when it was proven."""
    answer = puppet.send(raw)
    if command.ins == EXTERNAL and answer == OK:
        puppet.notes["closed"] = True
    return SW.CLOSED if command.ins == INS_READ_BINARY and puppet.notes.get("closed") else answer


@proof("open-to-all", INS_READ_BINARY, breaks="closed-before")
def open_to_all(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What hangs on a key is open to anybody."""
    answer = puppet.send(raw)
    return OPEN if _behind(command, answer) else answer


@proof(
    "any-key-opens", EXTERNAL, INS_READ_BINARY, breaks="other-opens-nothing", reset=forgetful_reset
)
def any_key_opens(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Whichever key was proven opens what hangs on any."""
    answer = puppet.send(raw)
    if command.ins == EXTERNAL and answer == OK:
        puppet.notes["proven"] = True
    return OPEN if _behind(command, answer) and puppet.notes.get("proven") else answer


@proof("survives-reset", INS_READ_BINARY, breaks="reset-closes")
def survives_reset(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What a proof opened is still open after a reset."""
    answer = puppet.send(raw)
    if command.ins == INS_READ_BINARY and answer[-2:] == OK:
        puppet.notes["open"] = raw
    return OPEN if _behind(command, answer) and puppet.notes.get("open") == raw else answer


@proof("channels-share", INS_READ_BINARY, breaks="channel-closed")
def channels_share(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What was proven on the basic channel is open on every channel."""
    answer = puppet.send(raw)
    if not _behind(command, answer) or not command.cla & 0x03:
        return answer
    return puppet.trial(bytes.fromhex("00A40800047F500001"), replace(command, cla=0x00).encode())
