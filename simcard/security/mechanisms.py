"""Which algorithm an operation uses: the algorithm references of a card, and what a key implies.

A control reference template names an algorithm by a reference of one byte in data object 80. What
the values mean is the card's own affair (ISO/IEC 7816-4:2020, 10.3.2); here a reference is two
halves. The high half of a hash or signature reference is the hash function that the card applies,
0 for none: 1 SHA-1, 3 SHA-224, 4 SHA-256, 5 SHA-384, 6 SHA-512, 7 SM3.

========  =================  ===========================================================
template  reference          algorithm
========  =================  ===========================================================
AA        h0                 hash function h
B6        h2                 RSA, PKCS #1 v1.5; 02 signs a DigestInfo of the terminal
B6        h4                 ECDSA; 04 signs a hash code of the terminal
B6        06, 76             SM2; 06 signs SM3(Z || message) of the terminal
B4        p1                 CBC-MAC, ISO/IEC 9797-1 algorithm 1 with padding method p
B4        p3                 retail MAC, algorithm 3 of two DES keys with padding method p
B4        05                 CMAC, algorithm 5
B8        08, 28             ECB, of whole blocks, or with padding method 2
B8        09, 29             CBC, likewise
B8        0A                 RSA, PKCS #1 v1.5
B8        0C                 SM2, C1 || C3 || C2
========  =================  ===========================================================

Without a reference the key decides: its own hash function for signatures (SM3 for SM2); retail MAC
for a triple DES key of two halves, CMAC for AES, else CBC-MAC, with padding method 2; CBC with
padding method 2 for block ciphers.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import Final, NamedTuple, TypeVar

from simcard.crypto.digests import Digest
from simcard.crypto.padding import Padding
from simcard.security.keys import Key, KeyAlgorithm
from simcard.status import SW, CardError

HASHES: Final[dict[int, Digest]] = {
    0x10: Digest.SHA1,
    0x30: Digest.SHA224,
    0x40: Digest.SHA256,
    0x50: Digest.SHA384,
    0x60: Digest.SHA512,
    0x70: Digest.SM3,
}
"""The hash functions by their references."""


class Scheme(Enum):
    """How a hash code becomes a signature, and which kind of key can do it."""

    PKCS1 = KeyAlgorithm.RSA
    ECDSA = KeyAlgorithm.EC
    SM2 = KeyAlgorithm.SM2


class Signature(NamedTuple):
    """A signature algorithm: scheme, and the hash function the card applies (None: none)."""

    scheme: Scheme
    digest: Digest | None


class MacAlgorithm(IntEnum):
    """The MAC algorithms by their numbers in ISO/IEC 9797-1:2011."""

    CBC_MAC = 1
    RETAIL = 3
    CMAC = 5


class Checksum(NamedTuple):
    """A MAC algorithm and its padding method."""

    algorithm: MacAlgorithm
    padding: Padding


class Mode(Enum):
    """How a message is enciphered."""

    ECB = "ecb"
    CBC = "cbc"
    PKCS1 = "pkcs1"
    SM2 = "sm2"


class Encipherment(NamedTuple):
    """A mode, and the padding method of a block cipher's message."""

    mode: Mode
    padding: Padding = Padding.NONE


SIGNATURES: Final[dict[int, Signature]] = {
    0x02: Signature(Scheme.PKCS1, None),
    0x04: Signature(Scheme.ECDSA, None),
    0x06: Signature(Scheme.SM2, None),
    0x76: Signature(Scheme.SM2, Digest.SM3),
    **{
        reference | low: Signature(scheme, digest)
        for reference, digest in HASHES.items()
        for low, scheme in ((0x02, Scheme.PKCS1), (0x04, Scheme.ECDSA))
        if digest is not Digest.SM3
    },
}
"""The signature algorithms by their references."""

CHECKSUMS: Final[dict[int, Checksum]] = {
    0x05: Checksum(MacAlgorithm.CMAC, Padding.NONE),
    **{
        padding << 4 | algorithm: Checksum(algorithm, padding)
        for padding in Padding
        for algorithm in (MacAlgorithm.CBC_MAC, MacAlgorithm.RETAIL)
    },
}
"""The MAC algorithms by their references."""

ENCIPHERMENTS: Final[dict[int, Encipherment]] = {
    0x08: Encipherment(Mode.ECB),
    0x09: Encipherment(Mode.CBC),
    0x28: Encipherment(Mode.ECB, Padding.METHOD_2),
    0x29: Encipherment(Mode.CBC, Padding.METHOD_2),
    0x0A: Encipherment(Mode.PKCS1),
    0x0C: Encipherment(Mode.SM2),
}
"""The encipherment algorithms by their references."""

_Algorithm = TypeVar("_Algorithm")


def named(table: Mapping[int, _Algorithm], reference: bytes) -> _Algorithm:
    """The algorithm of *table* that *reference* names; 6A81 when the card has none of that name."""
    algorithm = table.get(reference[0]) if len(reference) == 1 else None
    if algorithm is None:
        raise CardError(SW.FUNCTION_NOT_SUPPORTED)
    return algorithm


def signature(key: Key, reference: bytes | None) -> Signature:
    """The signature algorithm meant; 6985 for one that *key* is no key of, 6A81."""
    if reference is not None:
        meant = named(SIGNATURES, reference)
        _demand(meant.scheme.value is key.algorithm)
        return meant
    if key.algorithm is KeyAlgorithm.SM2:
        return Signature(Scheme.SM2, Digest.SM3)
    _demand(key.algorithm in (KeyAlgorithm.RSA, KeyAlgorithm.EC))
    return Signature(Scheme(key.algorithm), key.digest)


def checksum(key: Key, reference: bytes | None) -> Checksum:
    """The MAC algorithm meant; 6985 for one that *key* is no key of, 6A81."""
    halves = key.algorithm is KeyAlgorithm.TDES and len(key.value) == 16
    _demand(key.algorithm in _BLOCK_CIPHERS)
    if reference is not None:
        meant = named(CHECKSUMS, reference)
        _demand(halves or meant.algorithm is not MacAlgorithm.RETAIL)
        return meant
    if key.algorithm is KeyAlgorithm.AES:
        return Checksum(MacAlgorithm.CMAC, Padding.NONE)
    return Checksum(MacAlgorithm.RETAIL if halves else MacAlgorithm.CBC_MAC, Padding.METHOD_2)


def encipherment(key: Key, reference: bytes | None) -> Encipherment:
    """The encipherment algorithm meant; 6985 for one that *key* is no key of, 6A81."""
    own = _OWN_MODES.get(key.algorithm)
    _demand(own is not None or key.algorithm in _BLOCK_CIPHERS)
    if reference is None:
        return own or Encipherment(Mode.CBC, Padding.METHOD_2)
    meant = named(ENCIPHERMENTS, reference)
    _demand(meant == own if own else meant.mode in (Mode.ECB, Mode.CBC))
    return meant


_BLOCK_CIPHERS: Final = (KeyAlgorithm.TDES, KeyAlgorithm.AES, KeyAlgorithm.SM4)
_OWN_MODES: Final = {
    KeyAlgorithm.RSA: Encipherment(Mode.PKCS1),
    KeyAlgorithm.SM2: Encipherment(Mode.SM2),
}


def _demand(fits: bool) -> None:
    if not fits:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
