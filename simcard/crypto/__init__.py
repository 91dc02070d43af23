"""Cryptography of the card: block suites, MACs, hashes, key derivation, SM2, RSA and ECDSA.

Functions of bytes, fast because contexts live long, and free of I/O, clocks and randomness of their
own: whatever needs chance takes a callable ``random(n) -> n bytes``. What has a protocol of its own
stands in a module of its own: :mod:`pboc`, :mod:`scp03`, :mod:`icao`, :mod:`emv`, :mod:`sm2`,
:mod:`rsa`, :mod:`ecdsa`.
"""

from simcard.crypto.blocks import BlockCipher, BlockSuite, KeyLengthError, block_suite
from simcard.crypto.curves import CURVES, SM2P256V1, Curve, PointError, Random
from simcard.crypto.des_keys import with_odd_parity
from simcard.crypto.digests import Digest, sha1, sha256, sm3
from simcard.crypto.diversification import Diversification
from simcard.crypto.kdf import icao_key, kbkdf_cmac, x963_kdf
from simcard.crypto.macs import algorithm_3, retail_mac, same_mac
from simcard.crypto.padding import Padding, pad, unpad

__all__ = [
    "CURVES",
    "SM2P256V1",
    "BlockCipher",
    "BlockSuite",
    "Curve",
    "Digest",
    "Diversification",
    "KeyLengthError",
    "Padding",
    "PointError",
    "Random",
    "algorithm_3",
    "block_suite",
    "icao_key",
    "kbkdf_cmac",
    "pad",
    "retail_mac",
    "same_mac",
    "sha1",
    "sha256",
    "sm3",
    "unpad",
    "with_odd_parity",
    "x963_kdf",
]
