"""PACE for the judge: the terminal's side, generic mapping over curves (ICAO 9303-11, 4.4).

`offers` reads what EF.CardAccess offers; `Terminal` holds what a run has come to. Points that the
chip sends are refused with ValueError when they are not on the curve.
"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.crypto.blocks import decrypt_cbc
from conformance.crypto.curves import STANDARDIZED, Curve
from conformance.crypto.icao import Keys, derived, key_pair, mac8, pace_mapped, token_input
from conformance.tlv import MalformedTLV, find, parse

GENERIC_MAPPING = bytes.fromhex("04007F000702020402")
CIPHERS = {1: ("TDES", 16), 2: ("AES", 16), 3: ("AES", 24), 4: ("AES", 32)}
"""By the last byte of the protocol's object identifier: the cipher, and the bytes of its keys."""
SET, SEQUENCE, IDENTIFIER, INTEGER = 0x31, 0x30, 0x06, 0x02
PASSWORD = 3


@dataclass(frozen=True, slots=True)
class Offer:
    """One protocol of a chip: the object identifier, the cipher, the curve and its number."""

    identifier: bytes
    number: int

    @property
    def cipher(self) -> tuple[str, int]:
        """The cipher and the length of its keys."""
        return CIPHERS[self.identifier[-1]]

    @property
    def curve(self) -> Curve:
        """The curve that the run begins on."""
        return STANDARDIZED[self.number]


def offers(card_access: bytes) -> tuple[Offer, ...]:
    """The offers in EF.CardAccess that the judge can take up; ValueError for another content."""
    try:
        infos = find(parse(card_access), SET)
        sequences = [one.children for one in parse(infos or b"") if one.tag == SEQUENCE]
    except MalformedTLV as error:
        raise ValueError(f"EF.CardAccess: {error}") from error
    found = []
    for objects in sequences:
        identifier = find(objects, IDENTIFIER) or b""
        numbers = [int.from_bytes(one.value, "big") for one in objects if one.tag == INTEGER]
        mapped = identifier[:-1] == GENERIC_MAPPING and identifier[-1] in CIPHERS
        if mapped and len(numbers) == 2 and numbers[1] in STANDARDIZED:
            found.append(Offer(identifier, numbers[1]))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Terminal:
    """One run: what was agreed on, and the terminal's ephemeral private keys."""

    offer: Offer
    password: bytes
    mapping: int
    ephemeral: int

    def nonce(self, cryptogram: bytes) -> bytes:
        """The nonce that came enciphered under the password."""
        cipher, length = self.offer.cipher
        key = derived(self.password, PASSWORD, cipher, length)
        return decrypt_cbc(cipher, key, cryptogram)

    def mapped(self, nonce: bytes, chip: bytes) -> Curve:
        """The curve with the generator that follows from *nonce* and the *chip*'s mapping data."""
        curve = self.offer.curve
        return pace_mapped(curve, nonce, curve.multiply(self.mapping, curve.decode(chip)))

    def keys(self, mapped: Curve, chip: bytes) -> Keys:
        """The session keys from the *chip*'s ephemeral public key on the *mapped* curve."""
        shared = mapped.multiply(self.ephemeral, mapped.decode(chip))
        if shared is None:
            raise ValueError("the shared point is the one at infinity")
        cipher, length = self.offer.cipher
        return key_pair(shared[0].to_bytes(mapped.size, "big"), cipher, length)

    def token(self, keys: Keys, public: bytes) -> bytes:
        """The token of the side that does not own *public*."""
        return mac8(keys, token_input(self.offer.identifier, public))
