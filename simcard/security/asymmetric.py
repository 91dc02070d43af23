"""Private and public keys of RSA, elliptic curves and SM2 as the value field of a key EF.

The value is a row of BER-TLV data objects:

====  ======  ==================================================================
tag   for     meaning
====  ======  ==================================================================
06    EC SM2  object identifier of the curve (RFC 5480, RFC 5639, GM/T 0006)
80    all     object identifier of the hash function that the card applies before
              it signs; without it the terminal sends what is to be signed
81    EC SM2  private scalar, as long as the order of the curve
81    RSA     prime p
82    RSA     prime q
83    RSA     public exponent e
7F49  all     the public key instead of the private one: 81 modulus and 82
              public exponent, or 86 point (ISO/IEC 7816-8:2021, table 3)
====  ======  ==================================================================

A key on a curve that has neither waits for its pair.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

import gmpy2

from simcard.crypto.curves import CURVES, SM2P256V1, Curve
from simcard.crypto.digests import Digest
from simcard.crypto.rsa import RsaPrivateKey, RsaPublicKey
from simcard.tlv import Tlv, encode, parse

_TAG_CURVE: Final = 0x06
_TAG_DIGEST: Final = 0x80
_TAG_SCALAR: Final = 0x81
_TAG_P, _TAG_Q, _TAG_E = 0x81, 0x82, 0x83
TAG_PUBLIC_KEY: Final = 0x7F49
TAG_MODULUS: Final = 0x81
TAG_EXPONENT: Final = 0x82
TAG_POINT: Final = 0x86
_SHORTEST_MODULUS: Final = 512

CURVE_IDENTIFIERS: Final[dict[str, bytes]] = {
    name: bytes.fromhex(identifier)
    for name, identifier in {
        "P-192": "2A8648CE3D030101",
        "P-224": "2B81040021",
        "P-256": "2A8648CE3D030107",
        "P-384": "2B81040022",
        "P-521": "2B81040023",
        "brainpoolP192r1": "2B2403030208010103",
        "brainpoolP224r1": "2B2403030208010105",
        "brainpoolP256r1": "2B2403030208010107",
        "brainpoolP320r1": "2B2403030208010109",
        "brainpoolP384r1": "2B240303020801010B",
        "brainpoolP512r1": "2B240303020801010D",
        "sm2p256v1": "2A811CCF5501822D",
    }.items()
}
"""The value fields of the object identifiers of all curves, by the names of `CURVES`."""

DIGEST_IDENTIFIERS: Final[dict[Digest, bytes]] = {
    digest: bytes.fromhex(identifier)
    for digest, identifier in {
        Digest.SHA1: "2B0E03021A",
        Digest.SHA224: "608648016503040204",
        Digest.SHA256: "608648016503040201",
        Digest.SHA384: "608648016503040202",
        Digest.SHA512: "608648016503040203",
        Digest.SM3: "2A811CCF55018311",
    }.items()
}
"""The value fields of the object identifiers of all hash functions."""

_CURVES: Final = {identifier: CURVES[name] for name, identifier in CURVE_IDENTIFIERS.items()}
_DIGESTS: Final = {identifier: digest for digest, identifier in DIGEST_IDENTIFIERS.items()}


@dataclass(frozen=True)
class EcKey:
    """A key on a curve, and the hash function the card applies (None: the terminal).

    `private` is None when the card has the public key alone, which is `given` then, and while the
    key waits for its pair, when `given` is empty.
    """

    curve: Curve
    private: int | None = field(repr=False)
    digest: Digest | None
    given: bytes = b""

    @cached_property
    def public(self) -> bytes:
        """The public point, `04 || x || y`; empty while the key waits for its pair."""
        return self.given if self.private is None else self.curve.public_key(self.private)


class RsaKey(NamedTuple):
    """An RSA key, and the hash function the card applies (None: the terminal).

    `private` is None when the card has the public key alone.
    """

    public: RsaPublicKey
    private: RsaPrivateKey | None
    digest: Digest | None


def encode_ec(curve: str, private: bytes, digest: Digest | None = None) -> bytes:
    """The value of an EC or SM2 key; KeyError for a curve that `CURVES` does not name."""
    return b"".join(
        [
            encode(_TAG_CURVE, CURVE_IDENTIFIERS[curve]),
            _digest_object(digest),
            encode(_TAG_SCALAR, private),
        ]
    )


def encode_ec_waiting(curve: str) -> bytes:
    """The value of an EC or SM2 key that waits for its pair."""
    return encode(_TAG_CURVE, CURVE_IDENTIFIERS[curve])


def encode_rsa(p: bytes, q: bytes, e: int, digest: Digest | None = None) -> bytes:
    """The value of an RSA key with primes *p* and *q* (big-endian) and public exponent *e*."""
    return _digest_object(digest) + b"".join(
        encode(tag, value) for tag, value in ((_TAG_P, p), (_TAG_Q, q), (_TAG_E, _number(e)))
    )


def encode_ec_public(curve: str, point: bytes, digest: Digest | None = None) -> bytes:
    """The value of an EC or SM2 key of which only the public *point* is known."""
    identifier = encode(_TAG_CURVE, CURVE_IDENTIFIERS[curve])
    return identifier + _digest_object(digest) + public_point(point)


def encode_rsa_public(n: int, e: int, digest: Digest | None = None) -> bytes:
    """The value of an RSA key of which only modulus and exponent are known."""
    return _digest_object(digest) + public_numbers(RsaPublicKey(n, e))


def public_point(point: bytes) -> bytes:
    """The public key template (7F49) of an EC or SM2 key."""
    return encode(TAG_PUBLIC_KEY, [Tlv(TAG_POINT, point)])


def public_numbers(key: RsaPublicKey) -> bytes:
    """The public key template (7F49) of an RSA key: the modulus as long as it is, the exponent."""
    numbers = [Tlv(TAG_MODULUS, _number(key.n)), Tlv(TAG_EXPONENT, _number(key.e))]
    return encode(TAG_PUBLIC_KEY, numbers)


def _number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _digest_object(digest: Digest | None) -> bytes:
    return b"" if digest is None else encode(_TAG_DIGEST, DIGEST_IDENTIFIERS[digest])


@lru_cache(maxsize=64)
def decode_ec(value: bytes) -> EcKey:
    """The EC key that was encoded here; ValueError naming what is missing or wrong."""
    forms = {_TAG_CURVE, _TAG_SCALAR}, {_TAG_CURVE, TAG_PUBLIC_KEY}, {_TAG_CURVE}
    objects = _objects(value, *forms)
    curve = _CURVES.get(objects[_TAG_CURVE])
    if curve is None:
        raise ValueError("06 is not the object identifier of a curve that the card knows")
    if TAG_PUBLIC_KEY in objects:
        point = _objects(objects[TAG_PUBLIC_KEY], {TAG_POINT})[TAG_POINT]
        curve.decode(point)
        return EcKey(curve, None, _digest(objects), point)
    if _TAG_SCALAR not in objects:
        return EcKey(curve, None, _digest(objects))
    scalar = objects[_TAG_SCALAR]
    if len(scalar) != curve.scalar_length:
        raise ValueError(f"a private key of {curve.name} has {curve.scalar_length} bytes")
    private = int.from_bytes(scalar, "big")
    curve.check_scalar(private)
    return EcKey(curve, private, _digest(objects))


@lru_cache(maxsize=64)
def decode_rsa(value: bytes) -> RsaKey:
    """The RSA key that was encoded here; ValueError naming what is missing or wrong."""
    objects = _objects(value, {_TAG_P, _TAG_Q, _TAG_E}, {TAG_PUBLIC_KEY})
    if TAG_PUBLIC_KEY in objects:
        numbers = _objects(objects[TAG_PUBLIC_KEY], {TAG_MODULUS, TAG_EXPONENT})
        n, e = (int.from_bytes(numbers[tag], "big") for tag in (TAG_MODULUS, TAG_EXPONENT))
        return RsaKey(RsaPublicKey(n, e), None, _digest(objects))
    p, q, e = (int.from_bytes(objects[tag], "big") for tag in (_TAG_P, _TAG_Q, _TAG_E))
    private = RsaPrivateKey(p, q, e)
    return RsaKey(private.public, private, _digest(objects))


def check_ec(value: bytes, *, sm2: bool) -> None:
    """ValueError for what `decode_ec` refuses, and a key that cannot be used as it is.

    That is one without a pair, an SM2 key with a foreign curve or hash, or one that cannot sign.
    """
    key = decode_ec(value)
    if not key.public:
        raise ValueError("the data objects of this key are 06 81, or 06 7F49, and perhaps 80")
    if sm2 and (key.curve is not SM2P256V1 or key.digest not in (None, Digest.SM3)):
        raise ValueError("an SM2 key lies on sm2p256v1 and hashes with SM3")
    if sm2 and key.private == key.curve.n - 1:
        raise ValueError("the SM2 private key n-1 cannot sign")


def check_rsa(value: bytes) -> None:
    """ValueError for what `decode_rsa` refuses, factors that are no primes, a modulus too short."""
    key = decode_rsa(value)
    if key.private and not (gmpy2.is_prime(key.private.p) and gmpy2.is_prime(key.private.q)):
        raise ValueError("p and q are primes")
    if key.public.n.bit_length() < _SHORTEST_MODULUS or not key.public.n & key.public.e & 1:
        raise ValueError("modulus and exponent are odd, the modulus has 512 bits or more")
    if key.digest is Digest.SM3:
        raise ValueError("an RSA key hashes with SHA")


def _objects(value: bytes, *needed: set[int]) -> dict[int, bytes]:
    """The data objects of *value*: one of the sets *needed*, and perhaps a hash function."""
    objects: list[Tlv] = parse(value)
    found = {tlv.tag: tlv.value for tlv in objects}
    if len(found) != len(objects) or found.keys() - {_TAG_DIGEST} not in needed:
        tags = ", or ".join(" ".join(f"{tag:02X}" for tag in sorted(each)) for each in needed)
        raise ValueError(f"the data objects of this key are {tags}, and perhaps 80")
    return found


def _digest(objects: dict[int, bytes]) -> Digest | None:
    identifier = objects.get(_TAG_DIGEST)
    if identifier is None:
        return None
    digest = _DIGESTS.get(identifier)
    if digest is None:
        raise ValueError("80 is not the object identifier of a hash function that the card knows")
    return digest
