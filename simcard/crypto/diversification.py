"""Deriving the keys of one card from the keys of its issuer, level below level.

A national master key makes the keys of the provinces, those the keys of the cities, those the keys
of the cards: each step enciphers the identifier of the lower level under the key of the upper one.
"""

from enum import Enum
from functools import reduce

from simcard.crypto.blocks import BlockCipher, KeyLengthError, block_suite


def complement(data: bytes) -> bytes:
    """*data* with every bit inverted."""
    return bytes(byte ^ 0xFF for byte in data)


class Diversification(Enum):
    """How a key and an identifier make the key of the next level."""

    PBOC_TDES = "left half E(K, D), right half E(K, not D), with triple DES and D of 8 bytes"
    SM4_BLOCK = "E(K, D) with SM4 and D of 16 bytes, or D || not D for D of 8 bytes"

    def derive(self, key: bytes, *factors: bytes) -> bytes:
        """The 16-byte key below *key* for each of *factors* in turn, the outermost level first.

        KeyLengthError unless *key* has 16 bytes; ValueError for a factor of another length.

        The form for SM4 is not settled in public: a whole block of 16 bytes serves as it is, and 8
        bytes are completed by their complement, as EMV Book 2 A1.4.3 does for 16-byte ciphers.
        """
        if len(key) != 16:
            raise KeyLengthError(f"diversified keys have 16 bytes, not {len(key)}")
        step = _pboc_tdes if self is Diversification.PBOC_TDES else _sm4_block
        return reduce(step, factors, key)


def _pboc_tdes(key: bytes, factor: bytes) -> bytes:
    if len(factor) != 8:
        raise ValueError(f"a diversification factor has 8 bytes, not {len(factor)}")
    return block_suite(BlockCipher.TDES, key).encrypt_ecb(factor + complement(factor))


def _sm4_block(key: bytes, factor: bytes) -> bytes:
    if len(factor) not in (8, 16):
        raise ValueError(f"an SM4 diversification factor has 8 or 16 bytes, not {len(factor)}")
    block = factor if len(factor) == 16 else factor + complement(factor)
    return block_suite(BlockCipher.SM4, key).encrypt_ecb(block)
