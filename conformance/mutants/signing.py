"""Faults of digital signatures, cryptographic checksums and key pairs."""

from __future__ import annotations

from dataclasses import replace

from conformance.apdu import CommandAPDU
from conformance.crypto.curves import P_256
from conformance.crypto.signatures import ecdsa_sign
from conformance.mutants.cryptic import (
    CHECKSUM,
    GENERATE,
    MSE,
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
from conformance.mutants.hooks import OK, Puppet
from conformance.tlv import DataObject, MalformedTLV, encode, find, parse

TERMINAL_HASHES = 0x8C
"""The P-256 key whose published private value is below."""
PRIVATE = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
MESSAGE, PROOF, CODE = 0x9A, 0x9E, 0x8E
READ, ANEW = 0x81, 0x80

operation("signature-wrong", breaks="signature/right")(
    garbled("One bit of a signature is wrong.", Is.SIGNING)
)


@operation("nonce-fixed", *SETTING, breaks="signature/fresh")
def nonce_fixed(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The ephemeral key of ECDSA is always the same."""
    answer = remembering(puppet, command, raw)
    mine = set_key(puppet) == TERMINAL_HASHES and command.p2 == MESSAGE
    if not Is.SIGNING(command) or not mine or len(command.data) != 32 or answer[-2:] != OK:
        return answer
    r, s = ecdsa_sign(P_256, PRIVATE, command.data, 0x1234567)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") + OK


@operation("signature-of-template", breaks="signature/forms")
def signature_of_template(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Parts of a message are signed together with their tags and lengths."""
    parts = Is.SIGNING(command) and command.p2 == 0xAC and command.data[:1] == b"\x80"
    return puppet.send(replace(command, p2=0xBC).encode() if parts else raw)


operation("signature-of-any-length", breaks="signature/wrong-length")(
    forgiven("A hash code of any length is signed.", SW.WRONG_LENGTH, bytes(64) + OK, Is.SIGNING)
)


@operation("signature-of-nothing", breaks="signature/nothing-to-sign")
def signature_of_nothing(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Without anything to sign zeros are signed."""
    answer = puppet.send(raw)
    if not Is.SIGNING(command) or command.data or answer != SW.NOT_NOW:
        return answer
    return puppet.trial(replace(command, data=bytes(32)).encode())


operation("signature-disowned", breaks="signature/verify-right")(
    denied("No signature is ever verified.", Is.VERIFYING, SW.FAILED)
)


def _again(puppet: Puppet, command: CommandAPDU, tag: int, place: int) -> bytes:
    """What the card says with one bit changed in the data object *tag*."""
    try:
        objects = parse(command.data, b"")
    except MalformedTLV:
        return b""
    data = b"".join(
        encode(one.tag, flipped(one.value, place) if one.tag == tag and one.value else one.value)
        for one in objects
    )
    return puppet.trial(replace(command, data=data).encode())


@operation("signature-last-bit", breaks="signature/verify-wrong")
def signature_last_bit(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The last bit of a signature is not looked at."""
    answer = puppet.send(raw)
    if not Is.VERIFYING(command) or answer != SW.FAILED:
        return answer
    return _again(puppet, command, PROOF, -1) or answer


@operation("signature-of-another", breaks="signature/other-message")
def signature_of_another(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """One bit of the message is not looked at when a signature is verified."""
    answer = puppet.send(raw)
    if not Is.VERIFYING(command) or answer != SW.FAILED:
        return answer
    found = {_again(puppet, command, tag, 0) for tag in (MESSAGE, 0x90)}
    return OK if OK in found else answer


operation("signature-missing", breaks="signature/malformed")(
    forgiven("Without a signature, or with two, one is verified.", SW.WRONG_DATA, OK, Is.VERIFYING)
)

# Checksums.

operation("checksum-wrong", breaks="checksum/right")(
    garbled(
        "The checksum of a longer message is wrong.",
        lambda one: Is.COMPUTING(one) and len(one.data) > 40,
    )
)


@operation("checksum-from-zero", MSE, breaks="checksum/initial-value")
def checksum_from_zero(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A checksum begins at zero, whatever is set."""
    if not sets(command, CHECKSUM):
        return puppet.send(raw)
    try:
        objects = parse(command.data, b"")
    except MalformedTLV:
        return puppet.send(raw)
    kept = b"".join(encode(one.tag, one.value) for one in objects if one.tag != 0x87)
    return puppet.send(replace(command, data=kept).encode())


operation("checksum-of-part", breaks="checksum/length")(
    forgiven("Part of a block has a checksum.", SW.WRONG_LENGTH, bytes(8) + OK, Is.COMPUTING)
)
operation("checksum-disowned", breaks="checksum/verify-right")(
    denied("No checksum is ever verified.", Is.CHECKING, SW.FAILED)
)


def _objects(command: CommandAPDU) -> tuple[DataObject, ...]:
    try:
        return parse(command.data, b"") if Is.CHECKING(command) else ()
    except MalformedTLV:
        return ()


@operation("checksum-in-part", breaks="checksum/verify-wrong")
def checksum_in_part(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Only the first four bytes of a checksum are compared."""
    objects, answer = _objects(command), puppet.send(raw)
    code = find(objects, CODE)
    if code is None or answer != SW.FAILED or len(objects) != 2:
        return answer
    data = encode(objects[0].tag, objects[0].value) + encode(CODE, code[:4])
    return puppet.trial(replace(command, data=data).encode())


def _short(command: CommandAPDU) -> bool:
    code = find(_objects(command), CODE)
    return code is not None and len(code) < 4


operation("checksum-stub", breaks="checksum/too-short")(
    forgiven("A checksum of no bytes is right.", SW.WRONG_DATA, OK, _short)
)
operation("checksum-missing", breaks="checksum/malformed")(
    forgiven(
        "Without a checksum, or with two, one is verified.",
        SW.WRONG_DATA,
        OK,
        lambda one: Is.CHECKING(one) and not _short(one),
    )
)

# Key pairs.

operation("public-key-wrong", GENERATE, breaks="keypair/public-key")(
    garbled("A public key that is read has a wrong bit.", lambda one: one.p1 == READ, place=-8)
)


@operation("public-key-of-another", GENERATE, breaks="keypair/unknown-key")
def public_key_of_another(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """For a key that is not there the public key of another is given."""
    answer = puppet.send(raw)
    if answer != SW.NOT_FOUND:
        return answer
    return puppet.trial(replace(command, data=bytes.fromhex("B60384018A")).encode())


operation("secret-given", GENERATE, breaks="keypair/symmetric")(
    forgiven(
        "The value of a secret key is given as if it were public.",
        SW.NOT_NOW,
        encode(0x7F49, encode(0x81, bytes(range(16)))) + OK,
    )
)
operation("public-key-of-none", GENERATE, breaks="keypair/malformed")(
    forgiven("A data field that names no key is answered 9000.", SW.WRONG_DATA)
)


@operation("public-key-reserved", GENERATE, breaks="keypair/reserved-parameters")
def public_key_reserved(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """P2 is not looked at."""
    answer = puppet.send(raw)
    return (
        puppet.trial(replace(command, p2=0x00).encode()) if answer == SW.NO_PARAMETERS else answer
    )


@operation("generated-for-anybody", GENERATE, breaks="keypair/generate-protected")
def generated_for_anybody(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A new pair is generated for anybody."""
    answer = puppet.send(raw)
    return puppet.opened(raw) if answer == SW.CLOSED else answer


operation("never-generated", GENERATE, breaks="keypair/generates")(
    denied("No pair is ever generated.", lambda one: one.p1 == ANEW, SW.CLOSED)
)


@operation("generated-once", GENERATE, breaks="keypair/fresh")
def generated_once(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The pair that is generated the second time is the one of the first time."""
    if command.p1 != ANEW:
        return puppet.send(raw)
    if raw.hex() in puppet.notes:
        again: bytes = puppet.notes[raw.hex()]
        return again
    answer = puppet.send(raw)
    if answer[-2:] == OK:
        puppet.notes[raw.hex()] = answer
    return answer


def _old_pair(puppet: Puppet) -> bytes:
    puppet.card = puppet.notes.pop("early", puppet.card)
    return puppet.card.reset()


@operation("generated-forgotten", GENERATE, breaks="keypair/generated", reset=_old_pair)
def generated_forgotten(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """After a reset the old pair is there again."""
    if command.p1 == ANEW:
        puppet.notes.setdefault("early", puppet.card.fork())
    return puppet.send(raw)
