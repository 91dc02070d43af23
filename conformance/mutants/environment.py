"""Faults of the social security environment, of proofs of keys, and of line protection.

The sound card is the profile ssc2. A fault holds no keys: it lies about an answer, lets the card
see something else, or tries it on a copy.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import (
    INS_READ_RECORD,
    INS_SELECT,
    INS_UPDATE_BINARY,
    INS_UPDATE_RECORD,
    INS_VERIFY,
    OK,
    Puppet,
    fault,
    forgetful_reset,
)

INS_CHALLENGE, INS_EXTERNAL, INS_INTERNAL, INS_UNBLOCK = 0x84, 0x82, 0x88, 0x24
PROVE_PIN = bytes.fromhex("0020000003123456")
CLOSED, NOT_NOW, WRONG_MAC = b"\x69\x82", b"\x69\x85", b"\x69\x88"
NUMBER, NAME, SIXTH = 0x08, 0x09, 0x06
ssc = partial(fault, standard="ssc", profile="ssc2")
pboc = partial(fault, standard="pboc", profile="ssc2")


def _opened(puppet: Puppet, raw: bytes) -> bytes:
    """What the card answers, with the PIN proven where it asks for it."""
    answer = puppet.send(raw)
    return puppet.trial(PROVE_PIN, raw) if answer == CLOSED else answer


def _fails(answer: bytes) -> bool:
    return len(answer) == 2 and answer[0] == 0x63


def _failures_undone(puppet: Puppet, raw: bytes) -> bytes:
    """What the card answers; a proof that fails leaves it as it was."""
    answer = puppet.trial(raw)
    return answer if _fails(answer) else puppet.send(raw)


@ssc("environment/pin-not-needed", INS_READ_RECORD, breaks="environment/read-closed")
def pin_not_needed(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """Items behind the PIN are given to everybody."""
    return _opened(puppet, raw)


@ssc("environment/closed-for-good", INS_READ_RECORD, breaks="environment/read-opened")
def closed_for_good(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The item that is addressed by its identifier is refused with the PIN proven, too."""
    answer = puppet.send(raw)
    return CLOSED if command.p2 == 0 and answer[0] == NUMBER else answer


@ssc("environment/identifier-is-number", INS_READ_RECORD, breaks="environment/read-by-identifier")
def identifier_is_number(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """An identifier is taken for a record number."""
    by_identifier = command.p2 & 0x07 == 0 and command.p1 < 0x60
    return puppet.send(replace(command, p2=command.p2 | 4).encode() if by_identifier else raw)


@ssc("environment/one-form-of-select", INS_SELECT, breaks="environment/ef-by-identifier")
def one_form_of_select(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """An EF of the environment is found with P1 = 02 only."""
    return b"\x6a\x82" if command.p1 == 0 and command.data[:1] == b"\xef" else puppet.send(raw)


@ssc("environment/name-with-tail", INS_SELECT, breaks="environment/select-name")
def name_with_tail(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The environment is not found by the name that terminals use."""
    return b"\x6a\x82" if command.data.startswith(b"sx1.sh.") else puppet.send(raw)


@ssc("environment/name-not-gbk", INS_READ_RECORD, breaks="environment/item-coding")
def name_not_gbk(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The name ends in a byte that is no character."""
    answer = puppet.send(raw)
    return answer[:-3] + b"\xff" + answer[-2:] if answer[0] == NAME else answer


@ssc("environment/length-of-record", INS_READ_RECORD, breaks="environment/item-length")
def length_of_record(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The length byte of an item counts the header, too."""
    answer = puppet.send(raw)
    return answer[:1] + bytes((answer[1] + 2,)) + answer[2:] if answer[0] < 0x08 else answer


@ssc("environment/wrong-identifier", INS_READ_RECORD, breaks="environment/item-identifier")
def wrong_identifier(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The identifier of the sixth item is that of the seventh."""
    answer = puppet.send(raw)
    return b"\x07" + answer[1:] if answer[0] == SIXTH else answer


@ssc("environment/another-value", INS_READ_RECORD, breaks="environment/same-value")
def another_value(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """By its identifier, an item has another value than by its number."""
    answer = puppet.send(raw)
    if command.p2 & 0x07 or answer[0] != NAME:
        return answer
    return answer[:-3] + b"\x20" + answer[-2:]


@ssc("environment/no-short-identifier", INS_READ_RECORD, breaks="environment/read-by-sfi")
def no_short_identifier(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Records are not read through the short identifier."""
    return b"\x6a\x82" if command.p2 >> 3 else puppet.send(raw)


@ssc(
    "environment/open-after-leaving",
    INS_VERIFY,
    INS_READ_RECORD,
    breaks="environment/closed-after-leaving",
    reset=forgetful_reset,
)
def open_after_leaving(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What the PIN opened stays open when another DF is selected."""
    answer = puppet.send(raw)
    if command.ins == INS_VERIFY and answer == OK:
        puppet.notes["pin"] = True
    if command.ins == INS_READ_RECORD and answer == CLOSED and puppet.notes.get("pin"):
        return puppet.trial(PROVE_PIN, raw)
    return answer


def _remembers(puppet: Puppet) -> bytes:
    if puppet.notes.get("pin"):
        puppet.notes["pin"] = "before"
    return puppet.card.reset()


@ssc(
    "environment/open-after-reset",
    INS_VERIFY,
    INS_READ_RECORD,
    breaks="environment/closed-after-reset",
    reset=_remembers,
)
def open_after_reset(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What the PIN opened is open after a reset."""
    answer = puppet.send(raw)
    if command.ins == INS_VERIFY and answer == OK:
        puppet.notes["pin"] = "now"
    kept = command.ins == INS_READ_RECORD and puppet.notes.get("pin") == "before"
    return puppet.trial(PROVE_PIN, raw) if kept and answer == CLOSED else answer


@ssc(
    "environment/wrong-pin-keeps-open",
    INS_VERIFY,
    breaks="environment/closed-after-wrong-pin",
)
def wrong_pin_keeps_open(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A wrong PIN takes nothing back."""
    return _failures_undone(puppet, raw)


@ssc("environment/update-without-key", INS_UPDATE_RECORD, breaks="environment/update-closed")
def update_without_key(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """UPDATE RECORD of an item is answered 9000 without any proof of a key."""
    answer = puppet.send(raw)
    return OK if answer == CLOSED else answer


@ssc("environment/update-does-nothing", INS_UPDATE_RECORD, breaks="environment/update-writes")
def item_update_does_nothing(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """UPDATE RECORD of an item is answered 9000 and writes nothing."""
    return puppet.trial(raw)


@ssc(
    "environment/update-lost",
    INS_UPDATE_RECORD,
    INS_READ_RECORD,
    breaks="environment/update-survives-reset",
    reset=forgetful_reset,
)
def update_lost(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What was written to an item is lost at the next reset."""
    if command.ins == INS_UPDATE_RECORD:
        answer = puppet.trial(raw)
        if answer == OK:
            puppet.notes["written"] = raw
        return answer
    written = puppet.notes.get("written")
    return puppet.trial(written, raw) if written else puppet.send(raw)


@pboc("authentication/any-cryptogram", INS_EXTERNAL, breaks="authentication/external-wrong")
def any_cryptogram(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """EXTERNAL AUTHENTICATE accepts any cryptogram."""
    answer = puppet.send(raw)
    return OK if _fails(answer) else answer


@pboc("authentication/counter-stands", INS_EXTERNAL, breaks="authentication/external-counter")
def counter_stands(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A wrong cryptogram costs no try."""
    return _failures_undone(puppet, raw)


@pboc(
    "authentication/counter-not-restored",
    INS_EXTERNAL,
    breaks="authentication/external-counter-restored",
)
def counter_not_restored(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A right cryptogram gives no try back."""
    answer = puppet.send(raw)
    if not _fails(answer):
        return answer
    puppet.notes["wrong"] = puppet.notes.get("wrong", 0) + 1
    return bytes((0x63, 0xC0 | max(0, 15 - puppet.notes["wrong"])))


@pboc("authentication/challenge-lasts", INS_EXTERNAL, breaks="authentication/challenge-once")
def challenge_lasts(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A cryptogram that was accepted is accepted again."""
    return puppet.accepting_again(raw, NOT_NOW)


@pboc("authentication/factor-ignored", INS_EXTERNAL, breaks="authentication/external-factor")
def factor_ignored(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The factor behind the block makes no process key."""
    with_factor = len(command.data) == 16
    return puppet.send(replace(command, data=command.data[:8]).encode() if with_factor else raw)


@pboc("authentication/block-returned", INS_INTERNAL, breaks="authentication/internal-right")
def block_returned(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """INTERNAL AUTHENTICATE answers the block as it came."""
    answer = puppet.send(raw)
    return command.data[:8] + OK if answer[-2:] == OK and len(command.data) == 8 else answer


@pboc("authentication/challenge-repeats", INS_CHALLENGE, breaks="authentication/challenge-fresh")
def challenge_repeats(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The second challenge of eight bytes is the first one again."""
    answer = puppet.send(raw)
    return puppet.notes.setdefault("first", answer) if command.ne == 8 else answer


@pboc("authentication/wrong-keeps-state", INS_EXTERNAL, breaks="authentication/wrong-closes")
def wrong_keeps_state(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A wrong cryptogram leaves the security state that was reached."""
    return _failures_undone(puppet, raw)


@pboc(
    "authentication/one-state-for-all",
    INS_EXTERNAL,
    INS_UPDATE_RECORD,
    breaks="authentication/state-of-key",
)
def one_state_for_all(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Any key opens what only its update key should open."""
    answer = puppet.send(raw)
    if command.ins == INS_EXTERNAL:
        puppet.notes["proven"] = answer == OK
    return OK if answer == CLOSED and puppet.notes.get("proven") else answer


@pboc("line/mac-not-needed", INS_UPDATE_BINARY, breaks="line-mac/needed")
def mac_not_needed(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A file that asks for a MAC is updated without one."""
    answer = puppet.send(raw)
    return OK if answer == CLOSED and not command.cla else answer


@pboc("line/any-mac", INS_UPDATE_BINARY, breaks="line-mac/wrong-mac")
def any_mac(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """An update with a wrong MAC is answered 9000."""
    answer = puppet.send(raw)
    return OK if answer == WRONG_MAC else answer


@pboc("line/header-not-covered", INS_UPDATE_BINARY, breaks="line-mac/covers-header")
def header_not_covered(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The MAC does not cover the offset."""
    there = replace(command, p2=0).encode()
    uncovered = puppet.trial(raw) == WRONG_MAC and puppet.trial(there) == OK
    return puppet.send(there if uncovered else raw)


@pboc("line/challenge-lasts", INS_UPDATE_BINARY, breaks="line-mac/challenge-once")
def line_challenge_lasts(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A protected command that is sent again is answered 9000 again."""
    return puppet.accepting_again(raw, NOT_NOW)


@pboc("line/failures-not-counted", INS_UPDATE_BINARY, breaks="line-mac/blocked", risk="destroy")
def failures_not_counted(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A wrong MAC costs the key no try."""
    answer = puppet.trial(raw)
    return answer if answer == WRONG_MAC else puppet.send(raw)


@pboc("line/unblock-does-nothing", INS_UNBLOCK, breaks="line-mac/unblock")
def unblock_does_nothing(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """PIN UNBLOCK is answered 9000 and gives no try back."""
    return puppet.trial(raw)
