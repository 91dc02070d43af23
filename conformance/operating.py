"""The commands of ISO/IEC 7816-8 and of authentication with declared keys, as terminals send them.

Cases and histories build them here; what a command means is for the model to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.commands import ALL
from conformance.crypto.blocks import BLOCK_SIZE, encrypt_ecb
from conformance.crypto.mechanisms import checksum, fits
from conformance.model.desk import COMPUTES, VERIFIES
from conformance.model.operations.choosing import (
    TAG_ALGORITHM,
    TAG_INITIAL,
    TAG_KEY,
    TAG_PRIVATE,
)
from conformance.operations import CHECKSUM, SIGNATURE
from conformance.tlv import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.keys import Keys
    from conformance.layout import Key
    from conformance.operations import OperationsTable

BOTH = COMPUTES | VERIFIES
PLAIN, PARTS, MESSAGE, PROOF, CODE, HASH_CODE = 0x80, 0xA0, 0x9A, 0x9E, 0x8E, 0x90
FORMS = (0x82, 0x84, 0x86)
"""The data objects of cryptograms."""
STORE, RESTORE, ERASE = 0xF2, 0xF3, 0xF4


def algorithms(table: OperationsTable, key: Key, template: int) -> Iterator[tuple[bytes, str]]:
    """The algorithm references that go with *key* in *template*, the implied one first (empty)."""
    if template in key.implied:
        yield b"", key.implied[template]
    two_halves = key.implied.get(CHECKSUM, "").startswith("retail")
    for one in table.algorithm:
        retail = one.mechanism.startswith("retail") and not two_halves
        if one.tag == template and fits(one.mechanism, key.algorithm) and not retail:
            yield bytes.fromhex(one.reference), one.mechanism


def set_template(
    template: int,
    side: int = BOTH,
    key: Key | int | None = None,
    algorithm: bytes = b"",
    initial: bytes = b"",
) -> CommandAPDU:
    """MANAGE SECURITY ENVIRONMENT: SET with a key or its number, an algorithm, an initial value."""
    data = b""
    if key is not None:
        number = key if isinstance(key, int) else key.number
        private = not isinstance(key, int) and side == COMPUTES and not key.symmetric
        data += encode(TAG_PRIVATE if private else TAG_KEY, bytes((number,)))
    if algorithm:
        data += encode(TAG_ALGORITHM, algorithm)
    if initial:
        data += encode(TAG_INITIAL, initial)
    return CommandAPDU(0x00, 0x22, side | 0x01, template, data)


def environment(function: int, number: int) -> CommandAPDU:
    """STORE, RESTORE or ERASE the environment *number*."""
    return CommandAPDU(0x00, 0x22, function, number)


def perform(p1: int, p2: int, data: bytes, ne: int | None = ALL) -> CommandAPDU:
    """PERFORM SECURITY OPERATION; a long data field makes it an extended command."""
    extended = len(data) > 0xFF
    return CommandAPDU(0x00, 0x2A, p1, p2, data, 0x10000 if ne and extended else ne, extended)


def hashed(message: bytes, ne: int | None = ALL) -> CommandAPDU:
    """HASH of *message*; without Ne the card keeps the hash code."""
    return perform(0x90, PLAIN, message, ne)


def hashed_parts(*objects: tuple[int, bytes], ne: int | None = ALL) -> CommandAPDU:
    """HASH of what *objects* (tag and value) say."""
    return perform(0x90, PARTS, b"".join(encode(tag, value) for tag, value in objects), ne)


def sign(message: bytes, form: int = MESSAGE) -> CommandAPDU:
    """COMPUTE DIGITAL SIGNATURE."""
    return perform(0x9E, form, message)


def verify_signature(message: bytes, signature: bytes, form: int = MESSAGE) -> CommandAPDU:
    """VERIFY DIGITAL SIGNATURE over *message*."""
    return perform(0x00, 0xA8, encode(form, message) + encode(PROOF, signature), None)


def encipher(message: bytes, form: int = 0x84) -> CommandAPDU:
    """ENCIPHER."""
    return perform(form, PLAIN, message)


def decipher(cryptogram: bytes, form: int = 0x84) -> CommandAPDU:
    """DECIPHER."""
    return perform(PLAIN, form, cryptogram)


def compute_checksum(message: bytes) -> CommandAPDU:
    """COMPUTE CRYPTOGRAPHIC CHECKSUM."""
    return perform(CODE, PLAIN, message)


def verify_checksum(message: bytes, code: bytes) -> CommandAPDU:
    """VERIFY CRYPTOGRAPHIC CHECKSUM."""
    return perform(0x00, 0xA2, encode(PLAIN, message) + encode(CODE, code), None)


def right_checksum(keys: Keys, key: Key, message: bytes) -> bytes:
    """The checksum that the implied mechanism of *key* gives."""
    value = keys.secrets[key.name]
    return checksum(key.implied[CHECKSUM], key.algorithm, value, message, b"")


def public_key(key: Key | int, p1: int = 0x81) -> CommandAPDU:
    """GENERATE ASYMMETRIC KEY PAIR: read the public key of *key*, or (P1 80) make a new pair."""
    number = key if isinstance(key, int) else key.number
    data = encode(SIGNATURE, encode(TAG_PRIVATE, bytes((number,))))
    return CommandAPDU(0x00, 0x46, p1, 0x00, data, None if p1 == 0x84 else ALL)


def internal(key: Key | int, challenge: bytes) -> CommandAPDU:
    """INTERNAL AUTHENTICATE."""
    number = key if isinstance(key, int) else key.number
    return CommandAPDU(0x00, 0x88, 0x00, number, challenge, ALL)


def external(key: Key | int, cryptogram: bytes) -> CommandAPDU:
    """EXTERNAL AUTHENTICATE."""
    number = key if isinstance(key, int) else key.number
    return CommandAPDU(0x00, 0x82, 0x00, number, cryptogram)


def challenge_size(key: Key) -> int:
    """Bytes of a challenge for *key*: one block."""
    return BLOCK_SIZE[key.algorithm]


def cryptogram(keys: Keys, key: Key, challenge: bytes) -> bytes:
    """What proves *key* over *challenge*."""
    return encrypt_ecb(key.algorithm, keys.secrets[key.name], challenge)


def flipped(data: bytes, place: int) -> bytes:
    """*data* with one bit changed."""
    changed = bytearray(data)
    changed[place] ^= 0x01
    return bytes(changed)
