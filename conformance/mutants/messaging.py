"""Faults of basic access control, secure messaging, SCP03 sessions and line protection.

A fault holds no keys. That a byte is not covered by the MAC is played by trying the command with
that byte changed back; that a session goes on, by not letting the card see what would end it.
"""

from __future__ import annotations

from functools import partial

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import (
    INS_READ_BINARY,
    OK,
    Mutant,
    Puppet,
    declare,
    fault,
    sound_answer,
)

INS_AUTHENTICATE, INS_INITIALIZE, INS_UPDATE = 0x82, 0x50, 0xD6
SEALED, REFUSED = 0x0C, b"\x69\x82"
WRONG = frozenset({b"\x69\x87", b"\x69\x88"})
bac = partial(fault, standard="9303", profile="emrtd")
scp03 = partial(fault, standard="scp03", profile="globalplatform")
line = partial(fault, standard="pboc", profile="globalplatform")


def _flipped(raw: bytes, place: int) -> bytes:
    changed = bytearray(raw)
    changed[place] ^= 0x01
    return bytes(changed)


def _uncovered(puppet: Puppet, raw: bytes, *places: int) -> bytes:
    """What a card answers that does not check the bytes at *places* of a sealed command."""
    if raw[0] & SEALED and len(raw) > 13 and puppet.trial(raw) in WRONG:
        for place in places:
            if puppet.trial(_flipped(raw, place)) not in WRONG:
                return puppet.send(_flipped(raw, place))
    return puppet.send(raw)


def _again(puppet: Puppet, raw: bytes) -> bytes:
    """What a card answers that carries out the same command as often as it comes."""
    if raw[0] & SEALED and raw == puppet.notes.get("raw"):
        known: bytes = puppet.notes["answer"]
        return known
    puppet.notes["raw"], puppet.notes["answer"] = raw, puppet.send(raw)
    answer: bytes = puppet.notes["answer"]
    return answer


def _unmoved(puppet: Puppet, raw: bytes) -> bytes:
    """What a card answers that forgets a command which was sealed wrongly."""
    answer = puppet.trial(raw)
    return answer if raw[0] & SEALED and answer in WRONG else puppet.send(raw)


def _obeyed(puppet: Puppet, raw: bytes) -> bytes:
    """What a card answers that lets pass what it should refuse for its protection."""
    answer = puppet.send(raw)
    return OK if raw[0] & SEALED and answer in WRONG else answer


def _open_to_all(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What a card answers that reads guarded files in plain."""
    answer = puppet.send(raw)
    return bytes(command.ne or 0) + OK if answer == REFUSED else answer


def _unreset(puppet: Puppet) -> bytes:
    return puppet.card.fork().reset()


@bac("messaging/bac-refused", INS_AUTHENTICATE, breaks="bac/opens")
def bac_refused(_puppet: Puppet, _command: CommandAPDU, _raw: bytes) -> bytes:
    """Mutual authentication is never carried out."""
    return b"\x69\x85"


@bac("messaging/bac-answer-wrong", INS_AUTHENTICATE, breaks="bac/answer-proves")
def bac_answer_wrong(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The answer to mutual authentication has a wrong MAC."""
    answer = puppet.send(raw)
    return _flipped(answer, -3) if len(answer) == 42 else answer


@bac("messaging/bac-any-proof", INS_AUTHENTICATE, breaks="bac/wrong-proof")
def bac_any_proof(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A wrong proof is answered 9000."""
    answer = puppet.send(raw)
    return OK if answer[:1] == b"\x63" else answer


@bac("messaging/bac-no-challenge", INS_AUTHENTICATE, breaks="bac/challenge-once")
def bac_no_challenge(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A proof without a challenge is answered 9000."""
    answer = puppet.send(raw)
    return OK if answer == b"\x69\x85" else answer


@bac("messaging/icao-open-to-all", INS_READ_BINARY, breaks="messaging/needed")
def icao_open_to_all(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Guarded files are read in plain."""
    return _open_to_all(puppet, command, raw)


@bac("messaging/icao-wrong-answer-mac", breaks="messaging/answers-protected")
def icao_wrong_answer_mac(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The MAC of a sealed answer to READ BINARY is wrong."""
    answer = puppet.send(raw)
    reading = raw[0] & SEALED and raw[1:2] == b"\xb0"
    return _flipped(answer, -3) if reading and len(answer) > 2 else answer


@bac("messaging/icao-plain-errors", breaks="messaging/errors-protected")
def icao_plain_errors(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A refusal inside a session is answered in plain."""
    answer = puppet.send(raw)
    return answer[-2:] if answer[-2:] in {b"\x6a\x82", b"\x6b\x00"} else answer


@bac("messaging/icao-short-mac", breaks="messaging/mac-checked")
def icao_short_mac(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The last byte of the MAC is not compared."""
    return _uncovered(puppet, raw, -2)


@bac("messaging/icao-data-uncovered", breaks="messaging/data-checked")
def icao_data_uncovered(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A byte of the data is not covered by the MAC."""
    return _uncovered(puppet, raw, 9)


@bac("messaging/icao-header-uncovered", breaks="messaging/header-checked")
def icao_header_uncovered(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """P2 is not covered by the MAC."""
    return _uncovered(puppet, raw, 3)


@bac("messaging/icao-replayed", breaks="messaging/replay-refused")
def icao_replayed(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A sealed command is carried out as often as it comes."""
    return _again(puppet, raw)


@bac("messaging/icao-any-order", INS_READ_BINARY, breaks="messaging/order-checked")
def icao_any_order(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A sealed READ BINARY that does not fit the counter is answered 9000."""
    return _obeyed(puppet, raw)


@bac("messaging/icao-no-mac", breaks="messaging/objects-missing")
def icao_no_mac(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A sealed command without its MAC is answered 9000."""
    answer = puppet.send(raw)
    return OK if raw[0] & SEALED and answer == b"\x69\x87" else answer


@bac("messaging/icao-failure-forgiven", breaks="messaging/failure-ends-session")
def icao_failure_forgiven(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The session goes on after a wrong MAC."""
    return _unmoved(puppet, raw)


@bac("messaging/icao-plain-forgiven", INS_READ_BINARY, breaks="messaging/plain-ends-session")
def icao_plain_forgiven(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The session goes on after a READ BINARY in plain."""
    return puppet.send(raw) if raw[0] & SEALED else puppet.trial(raw)


declare(
    Mutant(
        "messaging/icao-survives-reset",
        "9303/messaging/reset-ends-session",
        "A reset does not end the session.",
        frozenset({INS_AUTHENTICATE}),
        answer=sound_answer,
        reset=_unreset,
        profile="emrtd",
    )
)


@scp03("messaging/scp03-no-initialize", INS_INITIALIZE, breaks="session/initialize")
def scp03_no_initialize(_puppet: Puppet, _command: CommandAPDU, _raw: bytes) -> bytes:
    """INITIALIZE UPDATE is not served."""
    return b"\x6d\x00"


@scp03("messaging/scp03-card-cryptogram", INS_INITIALIZE, breaks="session/card-cryptogram")
def scp03_card_cryptogram(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The card cryptogram is wrong."""
    answer = puppet.send(raw)
    return _flipped(answer, 21) if len(answer) > 29 else answer


@scp03("messaging/scp03-refused", INS_AUTHENTICATE, breaks="session/opens")
def scp03_refused(_puppet: Puppet, _command: CommandAPDU, _raw: bytes) -> bytes:
    """EXTERNAL AUTHENTICATE is never carried out."""
    return b"\x69\x85"


@scp03("messaging/scp03-any-host", INS_AUTHENTICATE, breaks="session/host-cryptogram")
def scp03_any_host(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A wrong host cryptogram is answered 9000."""
    answer = puppet.send(raw)
    return OK if answer[-2:] != OK else answer


@scp03("messaging/scp03-same-challenge", INS_INITIALIZE, breaks="session/fresh-challenge")
def scp03_same_challenge(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """Two INITIALIZE UPDATE one after the other get the same card challenge."""
    if raw == puppet.notes.get("raw"):
        known: bytes = puppet.notes["answer"]
        return known
    puppet.notes["raw"], puppet.notes["answer"] = raw, puppet.send(raw)
    answer: bytes = puppet.notes["answer"]
    return answer


@scp03("messaging/scp03-open-to-all", INS_READ_BINARY, breaks="messaging/needed")
def scp03_open_to_all(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Guarded files are read in plain."""
    return _open_to_all(puppet, command, raw)


@scp03("messaging/scp03-wrong-answer-mac", INS_READ_BINARY, breaks="messaging/answers-protected")
def scp03_wrong_answer_mac(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The R-MAC of a long answer is wrong."""
    answer = puppet.send(raw)
    return _flipped(answer, -3) if raw[0] & SEALED and len(answer) > 12 else answer


@scp03("messaging/scp03-short-mac", breaks="messaging/mac-checked")
def scp03_short_mac(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """One byte of the header is not covered by the C-MAC."""
    return _uncovered(puppet, raw, 3) if raw[1:2] == b"\xb0" else puppet.send(raw)


@scp03("messaging/scp03-failure-forgiven", breaks="messaging/failure-ends-session")
def scp03_failure_forgiven(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The session goes on after a wrong C-MAC: what is refused next is answered 9000."""
    answer = puppet.send(raw)
    if raw[0] & SEALED and answer in WRONG:
        puppet.notes["failed"] = True
    elif puppet.notes.pop("failed", False) and raw[0] & SEALED:
        return OK
    return answer


@scp03("messaging/scp03-replayed", breaks="messaging/replay-refused")
def scp03_replayed(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A sealed command is carried out as often as it comes."""
    return _again(puppet, raw)


@scp03("messaging/scp03-any-order", INS_READ_BINARY, breaks="messaging/order-checked")
def scp03_any_order(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A sealed READ BINARY whose C-MAC does not fit is answered 9000."""
    return _obeyed(puppet, raw)


declare(
    Mutant(
        "messaging/scp03-survives-reset",
        "scp03/messaging/reset-ends-session",
        "A reset does not end the session.",
        frozenset({INS_AUTHENTICATE}),
        answer=sound_answer,
        reset=_unreset,
        profile="globalplatform",
    )
)


@line("messaging/line-refused", INS_UPDATE, breaks="line/accepted")
def line_refused(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A command with the right MAC is refused."""
    return b"\x69\x88" if raw[0] == 0x04 else puppet.send(raw)


@line("messaging/line-short-mac", INS_UPDATE, breaks="line/mac-checked")
def line_short_mac(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The last byte of the MAC is not compared."""
    if raw[0] == 0x04 and puppet.trial(raw) in WRONG:
        return puppet.send(_flipped(raw, -1))
    return puppet.send(raw)


@line("messaging/line-challenge-lasts", INS_UPDATE, breaks="line/challenge-once")
def line_challenge_lasts(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A command without a fresh challenge is answered 9000."""
    answer = puppet.send(raw)
    return OK if raw[0] == 0x04 and answer == b"\x69\x85" else answer


@line("messaging/line-without-mac", INS_UPDATE, breaks="line/needed")
def line_without_mac(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A plain command is answered 9000 where a MAC is needed."""
    answer = puppet.send(raw)
    return OK if raw[0] == 0x00 and answer == REFUSED else answer
