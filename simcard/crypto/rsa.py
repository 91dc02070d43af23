"""RSA keys and the signature and encryption formats that cards use, with randomness handed in.

One raw operation serves all formats: PKCS #1 v1.5 signatures and encryption (RFC 8017), and
ISO/IEC 9796-2 scheme 1 for active authentication (ICAO 9303-11 clause 6.1). The exponentiation is
gmpy2's, by the Chinese remainder theorem on the private side.
"""

from dataclasses import dataclass, field
from functools import cached_property
from hmac import compare_digest

import gmpy2

from simcard.crypto.curves import Random
from simcard.crypto.digests import Digest

_DIGEST_INFO = {
    Digest.SHA1: bytes.fromhex("3021300906052B0E03021A05000414"),
    Digest.SHA224: bytes.fromhex("302D300D06096086480165030402040500041C"),
    Digest.SHA256: bytes.fromhex("3031300D060960864801650304020105000420"),
    Digest.SHA384: bytes.fromhex("3041300D060960864801650304020205000430"),
    Digest.SHA512: bytes.fromhex("3051300D060960864801650304020305000440"),
}
"""The DER of DigestInfo up to the digest (RFC 8017 clause 9.2)."""

_TRAILER = {
    Digest.SHA1: b"\xbc",
    Digest.SHA224: b"\x38\xcc",
    Digest.SHA256: b"\x34\xcc",
    Digest.SHA384: b"\x36\xcc",
    Digest.SHA512: b"\x35\xcc",
}
"""ISO/IEC 9796-2 trailer fields; BC stands for SHA-1, which ICAO leaves implicit."""


@dataclass(frozen=True, slots=True)
class RsaPublicKey:
    """A public key: modulus *n* and exponent *e*."""

    n: int
    e: int

    @property
    def size(self) -> int:
        """The length of the modulus in bytes."""
        return (self.n.bit_length() + 7) // 8

    def raw(self, block: bytes) -> bytes:
        """*block* to the public exponent, ``size`` bytes; ValueError when it is not below n."""
        return int(gmpy2.powmod(_below(block, self.n), self.e, self.n)).to_bytes(self.size, "big")


@dataclass(frozen=True)
class RsaPrivateKey:
    """A private key: the two primes and the public exponent; the rest follows from them.

    ValueError when *e* has no inverse modulo (p-1)(q-1) or the primes are equal.
    """

    p: int = field(repr=False)
    q: int = field(repr=False)
    e: int = 65537

    def __post_init__(self) -> None:
        if self.p == self.q or gmpy2.gcd(self.e, (self.p - 1) * (self.q - 1)) != 1:
            raise ValueError("these primes and this exponent make no RSA key")

    @cached_property
    def n(self) -> int:
        """The modulus."""
        return self.p * self.q

    @cached_property
    def d(self) -> int:
        """The private exponent, the inverse of e modulo (p-1)(q-1)."""
        return pow(self.e, -1, (self.p - 1) * (self.q - 1))

    @cached_property
    def public(self) -> RsaPublicKey:
        """The public half."""
        return RsaPublicKey(self.n, self.e)

    @property
    def size(self) -> int:
        """The length of the modulus in bytes."""
        return self.public.size

    def raw(self, block: bytes) -> bytes:
        """*block* to the private exponent, ``size`` bytes; ValueError when it is not below n."""
        value = _below(block, self.n)
        d_p, d_q, q_inverse = self._remainders
        mod_q = gmpy2.powmod(value, d_q, self.q)
        lift = (gmpy2.powmod(value, d_p, self.p) - mod_q) * q_inverse % self.p
        return int(mod_q + self.q * lift).to_bytes(self.size, "big")

    @cached_property
    def _remainders(self) -> tuple[int, int, int]:
        """The exponents modulo p-1 and q-1, and the inverse of q modulo p."""
        return pow(self.e, -1, self.p - 1), pow(self.e, -1, self.q - 1), pow(self.q, -1, self.p)


def generate(bits: int, random: Random, e: int = 65537) -> RsaPrivateKey:
    """A key with a modulus of exactly *bits* (even, 512 or more) bits, from *random* alone."""
    if bits < 512 or bits % 2:
        raise ValueError("an RSA modulus here has an even number of bits, 512 or more")
    p = _prime(bits // 2, random, e)
    q = _prime(bits // 2, random, e)
    while p == q:
        q = _prime(bits // 2, random, e)
    return RsaPrivateKey(p, q, e)


def digest_info(digest: Digest, hashed: bytes) -> bytes:
    """The DER of DigestInfo: which hash function, and the hash code (RFC 8017 clause 9.2)."""
    return _DIGEST_INFO[digest] + hashed


def sign_pkcs1(key: RsaPrivateKey, digest: Digest, hashed: bytes) -> bytes:
    """The PKCS #1 v1.5 signature over *hashed*, a digest of *digest* (RFC 8017 clause 8.2.1)."""
    return sign_digest_info(key, digest_info(digest, hashed))


def sign_digest_info(key: RsaPrivateKey, info: bytes) -> bytes:
    """The signature over a DigestInfo that the terminal has built, or another short input.

    ValueError when it is longer than the modulus less 11 bytes.
    """
    return key.raw(_type_1(info, key.size))


def verify_pkcs1(key: RsaPublicKey, digest: Digest, hashed: bytes, signature: bytes) -> bool:
    """Whether *signature* is the PKCS #1 v1.5 signature over *hashed*."""
    return verify_digest_info(key, digest_info(digest, hashed), signature)


def verify_digest_info(key: RsaPublicKey, info: bytes, signature: bytes) -> bool:
    """Whether *signature* is that over a DigestInfo; ValueError when it is too long for the key."""
    expected = _type_1(info, key.size)
    if len(signature) != key.size or int.from_bytes(signature, "big") >= key.n:
        return False
    return compare_digest(key.raw(signature), expected)


def encrypt_pkcs1(key: RsaPublicKey, message: bytes, random: Random) -> bytes:
    """*message* in a PKCS #1 v1.5 encryption block (RFC 8017 clause 7.2.1), enciphered.

    ValueError when it is longer than the modulus less 11 bytes.
    """
    filler_length = key.size - 3 - len(message)
    if filler_length < 8:
        raise ValueError(f"{len(message)} bytes are too long for a modulus of {key.size}")
    filler = b""
    while len(filler) < filler_length:
        filler += random(filler_length - len(filler)).replace(b"\x00", b"")
    return key.raw(b"\x00\x02" + filler + b"\x00" + message)


def decrypt_pkcs1(key: RsaPrivateKey, ciphertext: bytes) -> bytes:
    """The message in a PKCS #1 v1.5 encryption block; ValueError when the block is malformed."""
    block = key.raw(ciphertext)
    end = block.find(b"\x00", 2)
    if len(ciphertext) != key.size or block[:2] != b"\x00\x02" or end < 10:
        raise ValueError("no PKCS #1 v1.5 encryption block comes out")
    return block[end + 1 :]


def recoverable_length(size: int, digest: Digest) -> int:
    """How many random bytes M1 a signature of *size* bytes carries (ICAO 9303-11 clause 6.1.2)."""
    return size - 1 - digest.size - len(_TRAILER[digest])


def recoverable_string(digest: Digest, recoverable: bytes, challenge: bytes) -> bytes:
    """F = 6A || M1 || H(M1 || M2) || trailer of ISO/IEC 9796-2 scheme 1, M2 being *challenge*."""
    return b"\x6a" + recoverable + digest.of(recoverable + challenge) + _TRAILER[digest]


def sign_iso9796(key: RsaPrivateKey, digest: Digest, challenge: bytes, random: Random) -> bytes:
    """The active-authentication response to *challenge*, ``size`` bytes, with M1 from *random*."""
    recoverable = random(recoverable_length(key.size, digest))
    return key.raw(recoverable_string(digest, recoverable, challenge))


def verify_iso9796(key: RsaPublicKey, digest: Digest, challenge: bytes, signature: bytes) -> bool:
    """Whether *signature* answers *challenge* in the format of :func:`sign_iso9796`."""
    if len(signature) != key.size or int.from_bytes(signature, "big") >= key.n:
        return False
    found = key.raw(signature)
    recoverable = found[1 : 1 + recoverable_length(key.size, digest)]
    return compare_digest(found, recoverable_string(digest, recoverable, challenge))


def _type_1(content: bytes, size: int) -> bytes:
    filler_length = size - 3 - len(content)
    if filler_length < 8:
        raise ValueError(f"{len(content)} bytes are too long for a modulus of {size}")
    return b"\x00\x01" + b"\xff" * filler_length + b"\x00" + content


def _below(block: bytes, modulus: int) -> int:
    value = int.from_bytes(block, "big")
    if value >= modulus:
        raise ValueError("the block is not below the modulus")
    return value


def _prime(bits: int, random: Random, e: int) -> int:
    """A prime with its two highest bits set, so that a product of two has full length."""
    for _ in range(64 * bits):
        candidate = int.from_bytes(random((bits + 7) // 8), "big") % (1 << bits)
        candidate |= 0b11 << bits - 2 | 1
        if gmpy2.is_prime(candidate, 32) and gmpy2.gcd(e, candidate - 1) == 1:
            return candidate
    raise ValueError(f"{64 * bits} draws from the source of randomness gave no prime")
