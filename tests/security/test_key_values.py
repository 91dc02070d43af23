"""Keys as a profile says them and as the card keeps them: what is one, and what is none."""

from __future__ import annotations

from typing import Any

import pytest
from issuer import identifier
from pydantic import ValidationError

from simcard.crypto.curves import CURVES
from simcard.crypto.digests import Digest
from simcard.crypto.icao import KeyPair, password_of_mrz
from simcard.crypto.rsa import generate
from simcard.entropy import SeededEntropy
from simcard.profiles.keys import KeyTable
from simcard.security.asymmetric import (
    CURVE_IDENTIFIERS,
    DIGEST_IDENTIFIERS,
    decode_ec,
    decode_rsa,
    encode_ec,
    encode_rsa,
)
from simcard.security.keys import KeyAlgorithm, KeyUsage, check_key
from simcard.security.pace import SUITES, Offer, begin
from simcard.tlv import encode

DOTTED_CURVES = {
    "P-192": "1.2.840.10045.3.1.1",
    "P-224": "1.3.132.0.33",
    "P-256": "1.2.840.10045.3.1.7",
    "P-384": "1.3.132.0.34",
    "P-521": "1.3.132.0.35",
    "brainpoolP192r1": "1.3.36.3.3.2.8.1.1.3",
    "brainpoolP224r1": "1.3.36.3.3.2.8.1.1.5",
    "brainpoolP256r1": "1.3.36.3.3.2.8.1.1.7",
    "brainpoolP320r1": "1.3.36.3.3.2.8.1.1.9",
    "brainpoolP384r1": "1.3.36.3.3.2.8.1.1.11",
    "brainpoolP512r1": "1.3.36.3.3.2.8.1.1.13",
    "sm2p256v1": "1.2.156.10197.1.301",
}
DOTTED_DIGESTS = {
    Digest.SHA1: "1.3.14.3.2.26",
    Digest.SHA224: "2.16.840.1.101.3.4.2.4",
    Digest.SHA256: "2.16.840.1.101.3.4.2.1",
    Digest.SHA384: "2.16.840.1.101.3.4.2.2",
    Digest.SHA512: "2.16.840.1.101.3.4.2.3",
    Digest.SM3: "1.2.156.10197.1.401",
}
MRZ = "L898902C<369080619406236"
SCALAR = bytes([0x1F]) * 32


def test_the_object_identifiers_are_the_registered_ones() -> None:
    assert DOTTED_CURVES.keys() == CURVES.keys()
    assert {name: identifier(dotted)[2:] for name, dotted in DOTTED_CURVES.items()} == (
        CURVE_IDENTIFIERS
    )
    assert {digest: identifier(dotted)[2:] for digest, dotted in DOTTED_DIGESTS.items()} == (
        DIGEST_IDENTIFIERS
    )


@pytest.mark.parametrize("name", CURVES)
def test_an_ec_key_comes_back_as_it_was(name: str) -> None:
    scalar = (CURVES[name].n // 3).to_bytes(CURVES[name].scalar_length, "big")
    key = decode_ec(encode_ec(name, scalar, Digest.SHA512))
    assert (key.curve, key.private) == (CURVES[name], CURVES[name].n // 3)
    assert key.digest is Digest.SHA512
    assert decode_ec(encode_ec(name, scalar)).digest is None


def test_an_rsa_key_comes_back_as_it_was() -> None:
    made = generate(512, SeededEntropy(2).draw, e=3)
    p, q = (prime.to_bytes(32, "big") for prime in (made.p, made.q))
    key = decode_rsa(encode_rsa(p, q, 3, Digest.SHA1))
    assert key.private == made
    assert key.digest is Digest.SHA1


BAD_VALUES = {
    "no objects": (KeyAlgorithm.EC, b"\x06", "a length was expected"),
    "another curve": (
        KeyAlgorithm.EC,
        encode(0x06, b"\x2a\x03") + encode(0x81, SCALAR),
        "06 is not the object identifier of a curve",
    ),
    "a short scalar": (KeyAlgorithm.EC, encode_ec("P-256", SCALAR[1:]), "has 32 bytes"),
    "a scalar of zero": (KeyAlgorithm.EC, encode_ec("P-256", bytes(32)), "is in 1..n-1"),
    "a scalar past the order": (KeyAlgorithm.EC, encode_ec("P-256", b"\xff" * 32), "1..n-1"),
    "no scalar": (KeyAlgorithm.EC, encode(0x06, CURVE_IDENTIFIERS["P-256"]), "data objects"),
    "an object too many": (
        KeyAlgorithm.EC,
        encode_ec("P-256", SCALAR) + encode(0x82, b"\x01"),
        "data objects of this key are 06 81",
    ),
    "an object twice": (
        KeyAlgorithm.EC,
        encode_ec("P-256", SCALAR) + encode(0x81, SCALAR),
        "data objects",
    ),
    "another hash function": (
        KeyAlgorithm.EC,
        encode_ec("P-256", SCALAR) + encode(0x80, b"\x2a\x03"),
        "80 is not the object identifier of a hash function",
    ),
    "SM2 on another curve": (KeyAlgorithm.SM2, encode_ec("P-256", SCALAR), "on sm2p256v1"),
    "SM2 with another hash function": (
        KeyAlgorithm.SM2,
        encode_ec("sm2p256v1", SCALAR, Digest.SHA256),
        "hashes with SM3",
    ),
    "SM2 with n-1": (
        KeyAlgorithm.SM2,
        encode_ec("sm2p256v1", (CURVES["sm2p256v1"].n - 1).to_bytes(32, "big")),
        "n-1 cannot sign",
    ),
    "RSA with equal primes": (KeyAlgorithm.RSA, encode_rsa(b"\x0b", b"\x0b", 3), "no RSA key"),
    "RSA of composites": (
        KeyAlgorithm.RSA,
        encode_rsa(bytes(31) + b"\x09", bytes(31) + b"\x0f", 17),
        "p and q are primes",
    ),
    "RSA with an even exponent": (KeyAlgorithm.RSA, encode_rsa(b"\x0b", b"\x17", 4), "no RSA key"),
}


@pytest.mark.parametrize("case", BAD_VALUES.values(), ids=BAD_VALUES)
def test_what_is_no_key_is_refused_with_its_reason(case: tuple[KeyAlgorithm, bytes, str]) -> None:
    algorithm, value, reason = case
    with pytest.raises(ValueError, match=reason):
        check_key(algorithm, KeyUsage.INTERNAL, value)


@pytest.mark.parametrize(
    ("algorithm", "usage"),
    [
        (KeyAlgorithm.PASSWORD, KeyUsage.EXTERNAL),
        (KeyAlgorithm.AES, KeyUsage.PACE),
        (KeyAlgorithm.TDES, KeyUsage.ACTIVE),
        (KeyAlgorithm.RSA, KeyUsage.MUTUAL),
        (KeyAlgorithm.EC, KeyUsage.DECIPHER),
        (KeyAlgorithm.SM2, KeyUsage.ACTIVE),
    ],
)
def test_an_algorithm_has_its_purposes(algorithm: KeyAlgorithm, usage: KeyUsage) -> None:
    reason = f"{algorithm.name} keys cannot be used for {usage.name}"
    with pytest.raises(ValueError, match=f"(?i){reason}"):
        check_key(algorithm, usage, bytes(16))


def test_active_authentication_says_its_hash_function() -> None:
    with pytest.raises(ValueError, match="says its hash function"):
        check_key(KeyAlgorithm.EC, KeyUsage.ACTIVE, encode_ec("P-256", SCALAR))
    check_key(KeyAlgorithm.EC, KeyUsage.ACTIVE, encode_ec("P-256", SCALAR, Digest.SHA256))


def table(**row: Any) -> KeyTable:
    return KeyTable.model_validate({"df": "3F00", "reference": "00"} | row)


def test_the_mrz_is_the_password_and_the_access_keys() -> None:
    password = table(algorithm="password", usage=["pace"], mrz=MRZ)
    assert password.value == password_of_mrz(MRZ)
    access = table(algorithm="tdes", usage=["mutual"], mrz=MRZ)
    published = "AB94FDECF2674FDFB9B391F85D7F76F27962D9ECE03D1ACD4C76089DCE131543"
    assert access.value == bytes.fromhex(published)


def test_a_long_document_number_has_its_check_digit_behind_it() -> None:
    """As in a TD1 document whose number has more than nine characters."""
    assert table(algorithm="password", usage=["pace"], mrz="D23145890734934071279507122").value


def test_no_secret_is_in_what_a_value_says_of_itself() -> None:
    made = generate(512, SeededEntropy(2).draw, e=3)
    factors = (made.p.to_bytes(32, "big"), made.q.to_bytes(32, "big"))
    said = repr(decode_rsa(encode_rsa(*factors, 3))) + repr(decode_ec(encode_ec("P-256", SCALAR)))
    nonce, offer = bytes(range(16)), Offer(next(iter(SUITES.values())), 13)
    run, _ = begin(1, b"123456", offer, lambda _: nonce)
    said += repr(run) + repr(KeyPair(nonce, nonce))
    for secret in (made.p, made.q, int.from_bytes(SCALAR, "big"), nonce):
        assert str(secret) not in said


BAD_TABLES: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({"algorithm": "aes", "usage": ["internal"]}, "is said by hex"),
    "too much": (
        {"algorithm": "password", "usage": ["pace"], "text": "1", "hex": "31"},
        "is said by hex, or text, or mrz",
    ),
    "a part": ({"algorithm": "rsa", "usage": ["internal"], "p": "0B"}, "or p and q"),
    "foreign terms": (
        {"algorithm": "ec", "usage": ["internal"], "p": "0B", "q": "17"},
        "curve and private",
    ),
    "a curve of no name": (
        {"algorithm": "ec", "usage": ["internal"], "curve": "P-257", "private": "01"},
        "a curve is one of sm2p256v1, P-192",
    ),
    "a hash of no name": (
        {"algorithm": "sm2", "usage": ["internal"], "private": "1F" * 32, "digest": "MD5"},
        "a digest is one of SHA-1",
    ),
    "a wrong check digit": (
        {"algorithm": "password", "usage": ["pace"], "mrz": MRZ[:-1] + "7"},
        "the check digits of the MRZ information are wrong",
    ),
    "no MRZ": (
        {"algorithm": "password", "usage": ["pace"], "mrz": "L898902C"},
        "a number and two dates",
    ),
    "access keys for something else": (
        {"algorithm": "tdes", "usage": ["external"], "mrz": MRZ},
        "for mutual authentication",
    ),
}


@pytest.mark.parametrize("case", BAD_TABLES.values(), ids=BAD_TABLES)
def test_a_table_that_says_no_key_is_refused(case: tuple[dict[str, Any], str]) -> None:
    row, reason = case
    with pytest.raises(ValidationError) as refused:
        table(**row)
    (error,) = refused.value.errors()
    assert reason in error["msg"]
