"""Faults of PACE and of active authentication. The sound card is the profile emrtd.

Inside a session the contacts show enciphered bytes only, so the proofs of active authentication are
spoilt where the card makes them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from conformance.apdu import CommandAPDU
from conformance.mutants.cryptic import (
    SW,
    forgiven,
)
from conformance.mutants.hooks import INS_READ_BINARY, INS_SELECT, OK, Fault, Puppet, fault
from simcard.commands import authentication
from simcard.security.proof import prove

MSE, GENERAL, INTERNAL = 0x22, 0x86, 0x88
EMPTY = b"\x7c\x00"
CARD_ACCESS = b"\x01\x1c"
CHAIN, SEALED = 0x10, 0x0C
NONCE = b"\x7c\x12\x80\x10" + bytes(16) + OK
document = partial(fault, standard="9303", profile="emrtd")


def _last(command: CommandAPDU) -> bool:
    return command.ins == GENERAL and not command.cla & CHAIN


@document("messaging/pace-refused", GENERAL, breaks="pace/opens")
def pace_refused(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The right token of the terminal is refused."""
    return SW.FAILED if _last(command) else puppet.send(raw)


@document("messaging/pace-chip-token", GENERAL, breaks="pace/token")
def pace_chip_token(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The chip's token has a wrong bit."""
    answer = puppet.send(raw)
    spoilt = _last(command) and answer[-2:] == OK
    return answer[:-3] + bytes((answer[-3] ^ 0x01,)) + OK if spoilt else answer


def _tried(puppet: Puppet, command: CommandAPDU, raw: bytes) -> tuple[bytes, bool]:
    """The answer, and whether the first bit of the token was all that was wrong."""
    near = raw[:9] + bytes((raw[9] ^ 0x01,)) + raw[10:] if len(raw) > 10 else raw
    right = _last(command) and puppet.trial(near)[-2:] == OK
    return puppet.send(raw), right


@document("messaging/pace-any-token", GENERAL, breaks="pace/wrong-token")
def pace_any_token(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The first bit of the terminal's token is not compared."""
    answer, near = _tried(puppet, command, raw)
    return b"\x7c\x0a\x86\x08" + bytes(8) + OK if near else answer


@document("messaging/pace-any-password", GENERAL, breaks="pace/wrong-password")
def pace_any_password(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A token that comes of a wrong password is accepted."""
    answer, near = _tried(puppet, command, raw)
    wrong = _last(command) and answer == SW.FAILED and not near
    return b"\x7c\x0a\x86\x08" + bytes(8) + OK if wrong else answer


@document("messaging/pace-same-nonce", MSE, GENERAL, breaks="pace/fresh")
def pace_same_nonce(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The same choice gets the same nonce."""
    answer = puppet.send(raw)
    if command.ins == MSE:
        puppet.notes["chosen"] = raw.hex()
    elif command.data == EMPTY and answer[-2:] == OK:
        again: bytes = puppet.notes.setdefault(puppet.notes.get("chosen", ""), answer)
        return again
    return answer


document("messaging/pace-any-point", GENERAL, breaks="pace/points-checked")(
    forgiven(
        "What is no point of the curve is answered with mapping data.",
        SW.WRONG_DATA,
        b"\x7c\x04\x82\x02\x04\x00" + OK,
    )
)
document("messaging/pace-any-order", GENERAL, breaks="pace/order")(
    forgiven(
        "A step out of its order is answered 9000.",
        SW.NOT_NOW,
        b"\x7c\x04\x84\x02\x04\x00" + OK,
        when=lambda command: command.data != EMPTY,
    )
)
document("messaging/pace-unchosen", GENERAL, breaks="pace/needs-environment")(
    forgiven(
        "Without a choice before it a run begins.",
        SW.NOT_NOW,
        NONCE,
        when=lambda command: command.data == EMPTY,
    )
)


@document("messaging/pace-any-protocol", MSE, GENERAL, breaks="pace/protocol-unknown")
def pace_any_protocol(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A run begins with a protocol that is not offered."""
    answer = puppet.send(raw)
    if command.ins == MSE:
        puppet.notes["unknown"] = answer == SW.WRONG_DATA
        return OK if answer == SW.WRONG_DATA else answer
    begins = puppet.notes.get("unknown") and command.data == EMPTY
    return NONCE if begins else answer


@document("messaging/pace-hidden", INS_SELECT, INS_READ_BINARY, breaks="pace/offers")
def pace_hidden(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """EF.CardAccess is closed to everybody."""
    if command.ins == INS_SELECT:
        puppet.notes["access"] = command.data.endswith(CARD_ACCESS)
    elif puppet.notes.get("access") and not command.cla & SEALED:
        return SW.CLOSED
    return puppet.send(raw)


@document("messaging/pace-no-session", GENERAL, INS_SELECT, breaks="pace/session")
def pace_no_session(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Sealed commands are refused after PACE."""
    answer = puppet.send(raw)
    if _last(command) and answer[-2:] == OK:
        puppet.notes["paced"] = True
    return b"\x69\x88" if command.cla & SEALED and puppet.notes.get("paced") else answer


def _proving(name: str, breaks: str, text: str, **inside: Callable[..., Any]) -> None:
    """Declare the fault *text*: while INTERNAL AUTHENTICATE is carried out, *inside* is other."""

    def answer(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
        sound = {name: getattr(authentication, name) for name in inside}
        for function, faulty in inside.items():
            setattr(authentication, function, faulty)
        try:
            return puppet.send(raw)
        finally:
            for function, right in sound.items():
                setattr(authentication, function, right)

    answer.__doc__ = text
    spoilt: Fault = answer
    document(f"messaging/{name}", INTERNAL, breaks=f"active/{breaks}")(spoilt)


def _wrong(key: Any, challenge: bytes, draw: Any) -> bytes:
    proof = prove(key, challenge, draw)
    return proof[:-1] + bytes((proof[-1] ^ 0x01,))


def _without_chance(key: Any, challenge: bytes, _draw: Any) -> bytes:
    return prove(key, challenge, bytes)


_proving("active-wrong", "proves", "The proof of the chip has a wrong bit.", prove=_wrong)
_proving(
    "active-same",
    "other-each-time",
    "There is no chance in the proof of the chip.",
    prove=_without_chance,
)
_proving(
    "active-any-length",
    "length",
    "A challenge of any length is answered.",
    check_challenge=lambda _key, _challenge: None,
)
document("messaging/active-without-session", INTERNAL, breaks="active/needs-session")(
    forgiven("The chip proves its key to anybody.", SW.CLOSED, bytes(192) + OK)
)
