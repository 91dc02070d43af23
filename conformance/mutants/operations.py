"""Faults of security operations: purposes, rules and counters of keys; hashing and ciphering."""

from __future__ import annotations

from dataclasses import replace

from conformance.apdu import CommandAPDU
from conformance.mutants.cryptic import (
    CONFIDENTIALITY,
    MSE,
    PERFORM,
    PERFORM_OBJECT,
    PROFILE,
    SETTING,
    SW,
    Is,
    denied,
    flipped,
    forgiven,
    garbled,
    operation,
    remembering,
    set_key,
    sets,
)
from conformance.mutants.hooks import INS_VERIFY, OK, Mutant, Puppet, declare
from conformance.tlv import MalformedTLV, encode, parse

SM2_AT_LEAST = 98
PRIVATE_OF = {0x8B: 0x8A, 0x8E: 0x8C, 0x90: 0x8F}
"""The key with the private half to each public key alone."""
PART = 0x80


@operation("default-key", breaks="operation/no-key")
def default_key(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A checksum without a key in the environment is computed with some key."""
    answer = puppet.send(raw)
    if not Is.COMPUTING(command) or answer != SW.NOT_NOW:
        return answer
    return puppet.trial(bytes.fromhex("002241B403830183"), raw)


@operation("any-usage", *SETTING, breaks="operation/usage")
def any_usage(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A key for signatures enciphers as well: the cryptogram is the message."""
    answer = remembering(puppet, command, raw)
    chosen = Is.ENCIPHERING(command) and command.ins == PERFORM and set_key(puppet) is not None
    return command.data + OK if chosen and answer == SW.NOT_NOW else answer


@operation("public-signs", *SETTING, breaks="operation/public-only")
def public_signs(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A public key alone signs: with the private half of another key."""
    answer = remembering(puppet, command, raw)
    private = PRIVATE_OF.get(set_key(puppet) or 0)
    if not Is.SIGNING(command) or answer != SW.NOT_NOW or private is None:
        return answer
    return puppet.trial(bytes.fromhex("002241B6038401") + bytes((private,)), raw)


@operation("pin-not-asked", breaks="operation/access-refused")
def pin_not_asked(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A guarded key signs for anybody."""
    answer = puppet.send(raw)
    return puppet.opened(raw) if answer == SW.CLOSED else answer


@operation("never-granted", *SETTING, breaks="operation/access-granted")
def never_granted(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A guarded key does not sign for its holder either."""
    answer = remembering(puppet, command, raw)
    return SW.CLOSED if Is.SIGNING(command) and set_key(puppet) == 0x8D else answer


def _status_kept(puppet: Puppet) -> bytes:
    verified = puppet.trial(bytes.fromhex("00200001")) == OK
    atr = puppet.card.reset()
    if verified:
        puppet.send(bytes.fromhex("002000010431323334"))
    return atr


declare(
    Mutant(
        "operation/status-survives",
        "7816-8/operation/access-ends",
        "A guarded key is open after a reset as it was before.",
        frozenset({PERFORM}),
        reset=_status_kept,
        profile=PROFILE,
    )
)


@operation("wrong-pin-opens", INS_VERIFY, PERFORM, breaks="operation/wrong-pin")
def wrong_pin_opens(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A guarded key signs after its PIN was tried, rightly or wrongly."""
    answer = puppet.send(raw)
    if command.ins == INS_VERIFY:
        puppet.notes["tried"] = answer[0] == 0x63
    elif answer == SW.CLOSED and puppet.notes.get("tried"):
        return puppet.opened(raw)
    return answer


def _as_implied(puppet: Puppet, raw: bytes) -> bytes:
    """What the key that was set does without the algorithm that was set."""
    last: CommandAPDU = puppet.notes["set"]
    return puppet.trial(replace(last, data=last.data[:3]).encode(), raw)


@operation("algorithm-ignored", *SETTING, breaks="operation/algorithm-unknown")
def algorithm_ignored(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """For an algorithm that it does not know the card takes another."""
    answer = remembering(puppet, command, raw)
    known = answer != SW.UNKNOWN_ALGORITHM or "set" not in puppet.notes
    return answer if known else _as_implied(puppet, raw)


@operation("algorithm-exchanged", *SETTING, breaks="operation/algorithm-foreign")
def algorithm_exchanged(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """For an algorithm of other keys the card takes the key's own."""
    answer = remembering(puppet, command, raw)
    last: CommandAPDU | None = puppet.notes.get("set")
    if command.ins != PERFORM or answer != SW.NOT_NOW or last is None or len(last.data) <= 3:
        return answer
    return _as_implied(puppet, raw)


operation("reserved-computed", breaks="operation/reserved-parameters")(
    forgiven("P1 and P2 that name no operation are answered 9000.", SW.NO_PARAMETERS)
)


@operation("odd-bare", PERFORM_OBJECT, breaks="operation/odd-instruction")
def odd_bare(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """With the odd instruction the answer is no data object."""
    answer = puppet.send(raw)
    return answer[2:] if len(answer) > 4 else answer


operation("odd-anything", PERFORM_OBJECT, breaks="operation/odd-malformed")(
    forgiven("With the odd instruction any data field is answered 9000.", SW.WRONG_DATA)
)


@operation("failures-free", breaks="operation/counts")
def failures_free(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A wrong checksum costs no try."""
    answer = puppet.trial(raw) if Is.CHECKING(command) else b""
    return answer if answer[:1] == b"\x63" else puppet.send(raw)


@operation("success-restores-nothing", breaks="operation/counter-restored")
def success_restores_nothing(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The right checksum gives no try back."""
    right = Is.CHECKING(command) and puppet.trial(raw) == OK
    return OK if right else puppet.send(raw)


operation("blocked-computes", breaks="operation/blocked", risk="destroy")(
    forgiven("A key without tries is used all the same.", SW.BLOCKED)
)
operation("uses-unlimited", breaks="operation/used-up", risk="destroy")(
    forgiven("A key for two uses is used a third time.", SW.USED_UP, bytes(16) + OK)
)

# Hashing.

operation("hash-wrong", breaks="hash/whole")(
    garbled("The hash code of more than a block is wrong.", lambda one: len(one.data) > 64)
)


@operation("hash-first-part", breaks="hash/parts")
def hash_first_part(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Of a message in parts only the first one is hashed."""
    try:
        objects = parse(command.data, b"") if Is.HASHING_PARTS(command) else ()
    except MalformedTLV:
        objects = ()
    parts = [one.value for one in objects if one.tag == PART]
    if len(parts) < 2 or len(parts) != len(objects):
        return puppet.send(raw)
    return puppet.send(replace(command, data=encode(PART, parts[0])).encode())


operation("hash-last-command", breaks="hash/chained")(
    denied(
        "Of a chain of commands only the last one is hashed.",
        lambda one: one.cla & 0x10 != 0 and one.p1 == 0x90,
        OK,
    )
)


@operation("hash-counter-ignored", breaks="hash/last-round")
def hash_counter_ignored(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Whatever the counter says, one block is taken to have been hashed before."""
    data = command.data
    if Is.HASHING_PARTS(command) and data[:2] == b"\x90\x28" and not data[41]:
        data = data[:34] + (512).to_bytes(8, "big") + data[42:]
        return puppet.send(replace(command, data=data).encode())
    return puppet.send(raw)


def _with_state(command: CommandAPDU) -> bool:
    data = command.data
    return Is.HASHING_PARTS(command) and data[:1] == b"\x90" and data[1:2] != b"\x00"


operation("hash-any-state", breaks="hash/bad-state")(
    forgiven(
        "From a state that is none a hash code is made.",
        SW.WRONG_DATA,
        bytes(32) + OK,
        when=_with_state,
    )
)
operation("hash-anything", breaks="hash/malformed")(
    forgiven(
        "An input template that HASH does not take is hashed.",
        SW.WRONG_DATA,
        bytes(20) + OK,
        when=lambda one: Is.HASHING_PARTS(one) and not _with_state(one),
    )
)
operation("hash-by-default", breaks="hash/no-function")(
    forgiven(
        "Where no hash function is set some hash code is given.",
        SW.NOT_NOW,
        bytes(32) + OK,
        Is.HASHING,
    )
)


@operation("hash-not-kept", breaks="hash/for-signature")
def hash_not_kept(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """HASH without an answer is answered 9000 and keeps nothing."""
    silent = Is.HASHING(command) and command.ne is None and not command.cla & 0x10
    return puppet.trial(raw) if silent else puppet.send(raw)


@operation("hash-of-terminal-wrong", breaks="hash/of-terminal")
def hash_of_terminal_wrong(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A hash code of the terminal is kept with a wrong bit."""
    handed = Is.HASHING_PARTS(command) and command.ne is None
    return puppet.send(flipped(raw, -1) if handed else raw)


# Ciphering.

operation("cipher-last-block", breaks="cipher/encipher")(
    garbled("The last block of a longer cryptogram is wrong.", Is.ENCIPHERING, 20)
)


@operation("initial-value-ignored", MSE, breaks="cipher/initial-value")
def initial_value_ignored(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The chain of blocks begins at zero, whatever is set."""
    if not sets(command, CONFIDENTIALITY) or b"\x87" not in command.data[3:4]:
        return puppet.send(raw)
    return puppet.send(replace(command, data=command.data[:3]).encode())


def _unpadded(puppet: Puppet, command: CommandAPDU) -> bytes:
    """The message with the padding that is in it."""
    indicated = command.data if command.p2 == 0x86 else b"\x02" + command.data
    return puppet.trial(replace(command, p2=0x86, data=b"\x02" + indicated[1:]).encode())


@operation("padding-kept", breaks="cipher/decipher")
def padding_kept(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What is deciphered still has its padding."""
    answer = puppet.send(raw)
    shown = Is.DECIPHERING(command) and answer[-2:] == OK and len(command.data) < SM2_AT_LEAST
    return _unpadded(puppet, command) if shown else answer


@operation("bad-padding-given", breaks="cipher/bad-padding")
def bad_padding_given(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What comes out of a cryptogram without padding is given all the same."""
    answer = puppet.send(raw)
    wrong = command.p2 == 0x84 and Is.DECIPHERING(command) and answer == SW.WRONG_DATA
    return _unpadded(puppet, command) if wrong and len(command.data) < SM2_AT_LEAST else answer


operation("indicator-ignored", breaks="cipher/indicator")(
    forgiven(
        "A padding indicator that means nothing is taken.",
        SW.WRONG_DATA,
        bytes(8) + OK,
        when=lambda one: Is.DECIPHERING(one) and one.p2 == 0x86,
    )
)
operation("part-enciphered", breaks="cipher/length")(
    forgiven("Part of a block is enciphered.", SW.WRONG_LENGTH, bytes(8) + OK, Is.ENCIPHERING)
)


def _asymmetric(command: CommandAPDU) -> bool:
    return Is.DECIPHERING(command) and len(command.data) >= SM2_AT_LEAST


@operation("public-cut", breaks="cipher/asymmetric-length")
def public_cut(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A cryptogram under a public key comes without its last byte."""
    answer = puppet.send(raw)
    public = Is.ENCIPHERING(command) and len(answer) - len(command.data) > SM2_AT_LEAST - 1
    return answer[:-3] + answer[-2:] if public else answer


@operation("public-same", *SETTING, breaks="cipher/fresh")
def public_same(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The same message under the same public key gives the same cryptogram."""
    known = f"{set_key(puppet)} {raw.hex()}"
    if Is.ENCIPHERING(command) and known in puppet.notes:
        again: bytes = puppet.notes[known]
        return again
    answer = remembering(puppet, command, raw)
    if Is.ENCIPHERING(command) and answer[-2:] == OK:
        puppet.notes[known] = answer
    return answer


operation("round-trip-broken", breaks="cipher/round-trip")(
    garbled("What a private key deciphers has a wrong bit.", _asymmetric)
)


@operation("terminal-misread", breaks="cipher/for-card")
def terminal_misread(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What the card did not encipher itself is deciphered wrongly."""
    answer = puppet.send(raw)
    if Is.ENCIPHERING(command):
        puppet.notes[answer[:-2].hex()] = True
    foreign = _asymmetric(command) and command.data.hex() not in puppet.notes
    return flipped(answer, -3) if foreign and len(answer) > 2 else answer


operation("damage-given", breaks="cipher/damaged")(
    forgiven(
        "A damaged cryptogram under a public key is answered with some bytes.",
        SW.WRONG_DATA,
        bytes(8) + OK,
        when=_asymmetric,
    )
)
