"""PACE with generic mapping over ECDH, the chip's side (ICAO 9303-11, 4.4).

A run is a value: each step of GENERAL AUTHENTICATE turns it into the next one and the data that
answers the terminal. Chance comes from the card's source, in this order:

====  =====================  ====================================================
step  bytes drawn            what becomes of them
====  =====================  ====================================================
1     16                     the nonce s
2     length of the order n  the mapping private key, big-endian
3     length of the order n  the ephemeral private key, big-endian
====  =====================  ====================================================

A private key takes the bits that n has, and is drawn anew while it is not in 1..n-1. So a source
that yields a published nonce and private keys one behind the other replays a published run: 80
bytes for the worked example on brainpoolP256r1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from simcard.crypto.blocks import BlockCipher
from simcard.crypto.curves import CURVES, Curve, PointError, Random
from simcard.crypto.icao import (
    KeyPair,
    authentication_token,
    keys_from,
    pace_mapped_curve,
    pace_nonce_cryptogram,
)
from simcard.crypto.macs import same_mac
from simcard.tlv import TlvError, parse

NONCE_SIZE: Final = 16


class Suite(NamedTuple):
    """What the object identifier of a PACE protocol says: cipher and key length in bytes."""

    identifier: bytes
    cipher: BlockCipher
    key_length: int


SUITES: Final[dict[bytes, Suite]] = {
    suite.identifier: suite
    for suite in (
        Suite(bytes.fromhex("04007F00070202040201"), BlockCipher.TDES, 16),
        Suite(bytes.fromhex("04007F00070202040202"), BlockCipher.AES, 16),
        Suite(bytes.fromhex("04007F00070202040203"), BlockCipher.AES, 24),
        Suite(bytes.fromhex("04007F00070202040204"), BlockCipher.AES, 32),
    )
}
"""id-PACE-ECDH-GM-3DES-CBC-CBC and -AES-CBC-CMAC-128, -192, -256 (ICAO 9303-11, 9.2.3)."""

DOMAIN_PARAMETERS: Final[dict[int, Curve]] = {
    number: CURVES[name]
    for number, name in {
        8: "P-192",
        9: "brainpoolP192r1",
        10: "P-224",
        11: "brainpoolP224r1",
        12: "P-256",
        13: "brainpoolP256r1",
        14: "brainpoolP320r1",
        15: "P-384",
        16: "brainpoolP384r1",
        17: "brainpoolP512r1",
        18: "P-521",
    }.items()
}
"""The standardised domain parameters over elliptic curves (ICAO 9303-11, 9.5.1)."""


class Offer(NamedTuple):
    """One PACEInfo of EF.CardAccess that this card can serve."""

    suite: Suite
    number: int

    @property
    def curve(self) -> Curve:
        """The curve of the standardised domain parameters."""
        return DOMAIN_PARAMETERS[self.number]


def offers(card_access: bytes) -> list[Offer]:
    """What the SecurityInfos in EF.CardAccess announce of PACE, in their order.

    Other protocols, versions and domain parameters are passed over, and so is what is no DER.
    """
    try:
        infos = [info.children() for info_set in parse(card_access) for info in info_set.children()]
    except TlvError:
        return []
    found = []
    for info in infos:
        fields = [(tlv.tag, tlv.value) for tlv in info]
        match fields:
            case [(0x06, identifier), (0x02, b"\x02"), (0x02, number)]:
                suite = SUITES.get(identifier)
                if suite is not None and int.from_bytes(number, "big") in DOMAIN_PARAMETERS:
                    found.append(Offer(suite, int.from_bytes(number, "big")))
    return found


def choose(offered: list[Offer], identifier: bytes, number: bytes | None) -> Offer | None:
    """The offer that the terminal means; None when there is none or more than one."""
    meant = [
        offer
        for offer in offered
        if offer.suite.identifier == identifier and number in (None, bytes([offer.number]))
    ]
    return meant[0] if len(meant) == 1 else None


class PaceError(ValueError):
    """What the terminal sent is no point of the curve, or one that must not be used."""


@dataclass(frozen=True, slots=True)
class NonceSent:
    """After step 1: the terminal has the nonce, enciphered under the key of a password.

    *password* is the cell of the password.
    """

    password: int
    suite: Suite
    curve: Curve
    nonce: bytes = field(repr=False)

    def map(self, terminal: bytes, draw: Random) -> tuple[Mapped, bytes]:
        """Step 2: map the nonce with the terminal's point; answers the chip's mapping point."""
        private = self.curve.random_scalar(draw)
        try:
            mapped = pace_mapped_curve(self.curve, self.nonce, private, terminal)
        except PointError as error:
            raise PaceError(str(error)) from None
        return Mapped(self.password, self.suite, mapped), self.curve.public_key(private)


@dataclass(frozen=True, slots=True)
class Mapped:
    """After step 2: both sides have the curve with the mapped generator."""

    password: int
    suite: Suite
    curve: Curve

    def agree(self, terminal: bytes, draw: Random) -> tuple[Agreed, bytes]:
        """Step 3: agree on session keys on the mapped curve; answers the chip's ephemeral point."""
        private = self.curve.random_scalar(draw)
        own = self.curve.public_key(private)
        if own == terminal:
            raise PaceError("both sides have the same ephemeral key")
        try:
            shared = self.curve.agree(private, terminal)
        except PointError as error:
            raise PaceError(str(error)) from None
        keys = keys_from(shared, self.suite.cipher, self.suite.key_length)
        return Agreed(self.password, self.suite, keys, own, terminal), own


@dataclass(frozen=True, slots=True)
class Agreed:
    """After step 3: the session keys are there, and neither side has proved that it has them."""

    password: int
    suite: Suite
    keys: KeyPair
    own: bytes
    terminal: bytes

    def accepts(self, token: bytes) -> bool:
        """Whether *token* is the terminal's: made over the chip's ephemeral point."""
        return same_mac(self._token(self.own), token)

    @property
    def token(self) -> bytes:
        """The chip's token, 8 bytes: made over the terminal's ephemeral point."""
        return self._token(self.terminal)

    def _token(self, public: bytes) -> bytes:
        suite = self.suite
        return authentication_token(self.keys.mac, suite.cipher, suite.identifier, public)


Run = NonceSent | Mapped | Agreed


def begin(password: int, value: bytes, offer: Offer, draw: Random) -> tuple[NonceSent, bytes]:
    """Step 1: draw the nonce; answers it, enciphered under the key of the password *value*."""
    nonce = draw(NONCE_SIZE)
    suite = offer.suite
    cryptogram = pace_nonce_cryptogram(value, nonce, suite.cipher, suite.key_length)
    return NonceSent(password, suite, offer.curve, nonce), cryptogram
