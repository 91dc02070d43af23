"""How a key proves itself over a challenge: the answer of INTERNAL AUTHENTICATE.

A symmetric key enciphers the challenge block by block. A private key signs it: as it stands, when
the key names no hash function (an RSA key then gets a DigestInfo, an EC key a digest), else after
hashing. SM2 always hashes, together with the identity of the key's owner (GB/T 32918.2, 5.5).
Active authentication (ICAO 9303-11, 6.1) is the signature over the terminal's 8 random bytes: for
RSA with message recovery by ISO/IEC 9796-2 scheme 1, for EC in the plain format r || s.
"""

from __future__ import annotations

from typing import Final

from simcard.crypto import ecdsa, sm2
from simcard.crypto.curves import Random
from simcard.crypto.rsa import sign_digest_info, sign_iso9796, sign_pkcs1
from simcard.security.keys import Key, KeyAlgorithm, KeyUsage
from simcard.status import SW, CardError

ACTIVE_CHALLENGE_SIZE: Final = 8
DIGEST_MAX: Final = 64


def check_challenge(key: Key, challenge: bytes) -> None:
    """6700 for a challenge of a length that *key* cannot answer, before anything is spent."""
    match key.algorithm:
        case KeyAlgorithm.RSA | KeyAlgorithm.EC if key.usage & KeyUsage.ACTIVE:
            fits = len(challenge) == ACTIVE_CHALLENGE_SIZE
        case KeyAlgorithm.RSA:
            fits = key.digest is not None or len(challenge) <= key.rsa.size - 11
        case KeyAlgorithm.EC:
            fits = key.digest is not None or len(challenge) <= DIGEST_MAX
        case KeyAlgorithm.SM2:
            fits = True
        case _:
            fits = len(challenge) % key.suite.block_size == 0
    if not fits:
        raise CardError(SW.WRONG_LENGTH)


def prove(key: Key, challenge: bytes, draw: Random) -> bytes:
    """The proof of *key* over a *challenge* that `check_challenge` let pass; chance from *draw*."""
    match key.algorithm:
        case KeyAlgorithm.RSA:
            return _rsa(key, challenge, draw)
        case KeyAlgorithm.EC:
            hashed = challenge if key.digest is None else key.digest.of(challenge)
            return ecdsa.sign(key.curve, key.private_scalar, hashed, draw)
        case KeyAlgorithm.SM2:
            public = key.curve.public_key(key.private_scalar)
            return sm2.sign(key.private_scalar, sm2.message_digest(public, challenge), draw)
        case _:
            return key.suite.encrypt_ecb(challenge)


def _rsa(key: Key, challenge: bytes, draw: Random) -> bytes:
    if key.digest is None:
        return sign_digest_info(key.rsa, challenge)
    if key.usage & KeyUsage.ACTIVE:
        return sign_iso9796(key.rsa, key.digest, challenge, draw)
    return sign_pkcs1(key.rsa, key.digest, key.digest.of(challenge))
