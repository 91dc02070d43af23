"""Signatures of the card's keys: what is hashed, what is signed, what is verified.

A signature starts from a hash code, or from what the terminal gives in its place when the
algorithm has no hash function: a DigestInfo for RSA, a hash code for ECDSA, SM3(Z || message) for
SM2. Signatures of elliptic curves are plain: r || s. The SM2 identity is the default one of
GM/T 0009.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from simcard.crypto import ecdsa, rsa, sm2
from simcard.crypto.curves import Random
from simcard.crypto.digests import Digest
from simcard.security.keys import Key
from simcard.security.mechanisms import Scheme, Signature
from simcard.status import SW, CardError

_LONGEST_HASH: Final = 64
_PKCS1_OVERHEAD: Final = 11


class Hashed(NamedTuple):
    """A hash code that HASH left on the card for the next signature, and its function."""

    digest: Digest
    code: bytes


def hash_of(key: Key, algorithm: Signature, message: bytes) -> bytes:
    """What is signed for *message*: its hash code, with Z in front for SM2, or itself."""
    if algorithm.digest is None:
        return message
    if algorithm.scheme is Scheme.SM2:
        return sm2.message_digest(key.point, message)
    return algorithm.digest.of(message)


def check_hash(key: Key, algorithm: Signature, hashed: bytes) -> None:
    """6700 for a *hashed* of a length that the algorithm does not sign.

    6985 for a hash function whose DigestInfo is too long for the modulus.
    """
    if algorithm.digest is not None:
        lengths = range(algorithm.digest.size, algorithm.digest.size + 1)
    elif algorithm.scheme is Scheme.PKCS1:
        lengths = range(1, key.rsa_public.size - _PKCS1_OVERHEAD + 1)
    elif algorithm.scheme is Scheme.ECDSA:
        lengths = range(1, _LONGEST_HASH + 1)
    else:
        lengths = range(Digest.SM3.size, Digest.SM3.size + 1)
    if len(hashed) not in lengths:
        raise CardError(SW.WRONG_LENGTH)
    if algorithm.scheme is Scheme.PKCS1:
        room = key.rsa_public.size - _PKCS1_OVERHEAD
        if len(_digest_info(algorithm, hashed)) > room:
            raise CardError(SW.CONDITIONS_NOT_SATISFIED)


def _digest_info(algorithm: Signature, hashed: bytes) -> bytes:
    return hashed if algorithm.digest is None else rsa.digest_info(algorithm.digest, hashed)


def sign(key: Key, algorithm: Signature, hashed: bytes, draw: Random) -> bytes:
    """The signature over a *hashed* that `check_hash` let pass; chance comes from *draw*."""
    match algorithm.scheme:
        case Scheme.PKCS1:
            return rsa.sign_digest_info(key.rsa, _digest_info(algorithm, hashed))
        case Scheme.ECDSA:
            return ecdsa.sign(key.curve, key.private_scalar, hashed, draw)
        case Scheme.SM2:
            return sm2.sign(key.private_scalar, hashed, draw)


def verify(key: Key, algorithm: Signature, hashed: bytes, signature: bytes) -> bool:
    """Whether *signature* over a *hashed* that `check_hash` let pass is that of *key*."""
    match algorithm.scheme:
        case Scheme.PKCS1:
            info = _digest_info(algorithm, hashed)
            return rsa.verify_digest_info(key.rsa_public, info, signature)
        case Scheme.ECDSA:
            return ecdsa.verify(key.curve, key.point, hashed, signature)
        case Scheme.SM2:
            return sm2.verify(key.point, hashed, signature)
