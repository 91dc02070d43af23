"""Message authentication codes of ISO/IEC 9797-1 (and GB/T 15852.1) over any block suite.

Algorithm 1 is :meth:`BlockSuite.cbc_mac` and algorithm 5 is :meth:`BlockSuite.cmac`; here is
algorithm 3, which needs a second key. Every function answers the whole final block; a shorter code
is its leftmost bytes.
"""

from hmac import compare_digest

from simcard.crypto.blocks import BlockCipher, BlockSuite, KeyLengthError, block_suite
from simcard.crypto.padding import Padding, pad


def same_mac(computed: bytes, received: bytes) -> bool:
    """Whether two codes are equal, in a time that does not tell where they differ."""
    return compare_digest(computed, received)


def retail_mac(key: bytes, data: bytes, iv: bytes = b"", padding: int = Padding.METHOD_2) -> bytes:
    """The retail MAC, ISO/IEC 9797-1 algorithm 3 with DES: 8 bytes under the 16-byte *key* K1||K2.

    All blocks are chained under K1; the result is deciphered under K2 and enciphered under K1.
    Raises KeyLengthError for a key of another length, ValueError for an IV that is no block.
    """
    if len(key) != 16:
        raise KeyLengthError(f"retail MAC keys have 16 bytes, not {len(key)}")
    padded = pad(data, 8, padding)
    chain = iv
    if len(padded) > 8:
        chain = block_suite(BlockCipher.DES, key[:8]).encrypt_cbc(padded[:-8], iv)[-8:]
    # E(K1), D(K2), E(K1) of the last block is one triple DES operation.
    return block_suite(BlockCipher.TDES, key).encrypt_cbc(padded[-8:], chain)


def algorithm_3(
    first: BlockSuite,
    second: BlockSuite,
    data: bytes,
    iv: bytes = b"",
    padding: int = Padding.METHOD_2,
) -> bytes:
    """Algorithm 3 under any cipher: CBC-MAC under *first*, D under *second*, E under *first*.

    For DES prefer :func:`retail_mac`, which needs one operation less.
    """
    chained = first.cbc_mac(data, iv, padding)
    return first.encrypt_ecb(second.decrypt_ecb(chained))
