"""Key derivation functions: ICAO 9303-11 / TR-03111, NIST SP 800-108 over CMAC, and X9.63 / SM2."""

from simcard.crypto.blocks import BlockCipher, BlockSuite, KeyLengthError
from simcard.crypto.des_keys import with_odd_parity
from simcard.crypto.digests import Digest, sha1, sha256


def icao_key(secret: bytes, counter: int, cipher: BlockCipher, key_length: int = 16) -> bytes:
    """The key number *counter* from a shared *secret*, ICAO 9303-11 clause 9.7.1 (TR-03110 KDF).

    *counter* is 1 for encryption, 2 for message authentication, 3 for the PACE password. TDES keys
    are 16 bytes with parity adjusted, AES and SM4 keys *key_length* bytes. The hash is SHA-1 up to
    16 bytes and SHA-256 above. KeyLengthError where *cipher* has no key of that length, and for
    three-key TDES, which the clause does not know.
    """
    material = secret + counter.to_bytes(4, "big")
    if cipher is BlockCipher.TDES:
        if key_length != 16:
            raise KeyLengthError(f"ICAO 9303-11 derives TDES keys of 16 bytes, not {key_length}")
        return with_odd_parity(sha1(material)[:16])
    digest = sha1(material) if key_length == 16 else sha256(material)
    key = digest[:key_length]
    cipher.check_key(key)
    return key


def x963_kdf(digest: Digest, secret: bytes, length: int, shared_info: bytes = b"") -> bytes:
    """*length* bytes from *secret*: ANSI X9.63 clause 5.6.3, and the KDF of SM2 (with SM3)."""
    blocks = -(-length // digest.size)
    return b"".join(
        digest.of(secret + counter.to_bytes(4, "big") + shared_info)
        for counter in range(1, blocks + 1)
    )[:length]


def kbkdf_cmac(suite: BlockSuite, before: bytes, after: bytes, length: int) -> bytes:
    """*length* bytes in the counter mode of NIST SP 800-108 clause 4.1, with CMAC as PRF.

    The one-byte counter stands between the fixed parts *before* and *after*. Raises ValueError
    when the counter would pass 255.
    """
    blocks = -(-length // suite.block_size)
    if blocks > 0xFF:
        raise ValueError(f"{length} bytes are more than a one-byte counter can number")
    return b"".join(
        suite.cmac(before + bytes([counter]) + after) for counter in range(1, blocks + 1)
    )[:length]
