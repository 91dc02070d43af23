"""INTERNAL AUTHENTICATE: each kind of key proves itself, and the judge and `cryptography` agree."""

from __future__ import annotations

import hashlib
from functools import cache

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384

from conformance.crypto import sm2
from conformance.crypto.curves import SM2
from conformance.crypto.signatures import active_authentication
from simcard.card import Card
from simcard.crypto.digests import Digest
from simcard.crypto.rsa import RsaPrivateKey, generate, verify_iso9796
from simcard.entropy import SeededEntropy
from simcard.profiles import Profile, build_card, load_profile
from simcard.profiles.keys import KeyTable

CHALLENGE = bytes(range(8))
SCALAR = "1F" * 32
SCALAR_384 = "2E" * 48
DIGEST_INFO = bytes.fromhex("3031300D060960864801650304020105000420") + bytes(range(32))
RSA, RSA_HASHING, RSA_ACTIVE, EC, EC_HASHING, EC_ACTIVE, SM2_KEY, AES = range(0x10, 0x18)


@cache
def rsa_key() -> RsaPrivateKey:
    return generate(1024, SeededEntropy(5).draw)


@cache
def profile() -> Profile:
    """The generic card with a key of each kind in its MF."""
    made = rsa_key()
    factors = {"p": f"{made.p:0128X}", "q": f"{made.q:0128X}"}
    rows = {
        RSA: {"algorithm": "rsa", "usage": ["internal"], **factors},
        RSA_HASHING: {"algorithm": "rsa", "usage": ["internal"], "digest": "SHA-256", **factors},
        RSA_ACTIVE: {"algorithm": "rsa", "usage": ["active"], "digest": "SHA-256", **factors},
        EC: {"algorithm": "ec", "usage": ["internal"], "curve": "P-256", "private": SCALAR},
        EC_HASHING: {
            "algorithm": "ec",
            "usage": ["internal"],
            "curve": "brainpoolP256r1",
            "private": SCALAR,
            "digest": "SHA-256",
            "uses": 2,
        },
        EC_ACTIVE: {
            "algorithm": "ec",
            "usage": ["active"],
            "curve": "P-384",
            "private": SCALAR_384,
            "digest": "SHA-384",
        },
        SM2_KEY: {"algorithm": "sm2", "usage": ["internal"], "private": SCALAR},
        AES: {"algorithm": "aes", "usage": ["internal"], "hex": "00" * 16},
    }
    keys = [
        KeyTable.model_validate({"df": "3F00", "reference": f"{number:02X}", **row})
        for number, row in rows.items()
    ]
    base = load_profile("iso7816")
    return Profile(base.tables.model_copy(update={"key": keys}), base.source)


@pytest.fixture
def card() -> Card:
    card = build_card(profile(), 1)
    card.power_on()
    return card


def prove(card: Card, number: int, challenge: bytes) -> bytes:
    """The proof, of which there can be more than a short answer holds."""
    raw = bytes([0x00, 0x88, 0x00, number, len(challenge)]) + challenge + b"\0"
    answer = card.transmit(raw)
    assert answer[-2:] == b"\x90\x00", answer.hex()
    return answer[:-2]


def refusal(card: Card, number: int, challenge: bytes) -> str:
    raw = bytes([0x00, 0x88, 0x00, number, len(challenge)]) + challenge + b"\0"
    answer = card.transmit(raw)
    assert len(answer) == 2
    return answer.hex().upper()


def rsa_public() -> rsa.RSAPublicKey:
    made = rsa_key()
    return rsa.RSAPublicNumbers(made.e, made.n).public_key()


def ec_public(curve: ec.EllipticCurve, scalar: str) -> ec.EllipticCurvePublicKey:
    return ec.derive_private_key(int(scalar, 16), curve).public_key()


def der(signature: bytes) -> bytes:
    half = len(signature) // 2
    numbers = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
    return encode_dss_signature(*numbers)


def test_rsa_signs_the_digest_info_it_gets(card: Card) -> None:
    signature = prove(card, RSA, DIGEST_INFO)
    rsa_public().verify(signature, DIGEST_INFO[-32:], padding.PKCS1v15(), Prehashed(SHA256()))
    assert refusal(card, RSA, bytes(128 - 10)) == "6700"
    assert len(prove(card, RSA, bytes(128 - 11))) == 128


def test_rsa_that_names_a_hash_function_applies_it(card: Card) -> None:
    signature = prove(card, RSA_HASHING, CHALLENGE)
    rsa_public().verify(signature, CHALLENGE, padding.PKCS1v15(), SHA256())
    with pytest.raises(InvalidSignature):
        rsa_public().verify(signature, CHALLENGE, padding.PKCS1v15(), SHA384())


def test_rsa_active_authentication_recovers_its_part(card: Card) -> None:
    made = rsa_key()
    signature = prove(card, RSA_ACTIVE, CHALLENGE)
    assert verify_iso9796(made.public, Digest.SHA256, CHALLENGE, signature)
    opened = pow(int.from_bytes(signature, "big"), made.e, made.n).to_bytes(128, "big")
    assert opened[:1] == b"\x6a"
    assert opened[-2:] == b"\x34\xcc"
    assert opened[-34:-2] == hashlib.sha256(opened[1:-34] + CHALLENGE).digest()
    assert not active_authentication(made.n, made.e, CHALLENGE, signature), "that is for SHA-1"
    assert prove(card, RSA_ACTIVE, CHALLENGE) != signature


def test_ec_signs_the_digest_it_gets(card: Card) -> None:
    hashed = hashlib.sha256(CHALLENGE).digest()
    signature = prove(card, EC, hashed)
    public = ec_public(ec.SECP256R1(), SCALAR)
    public.verify(der(signature), CHALLENGE, ec.ECDSA(SHA256()))
    assert prove(card, EC, hashed) != signature
    assert refusal(card, EC, bytes(65)) == "6700"


def test_ec_that_names_a_hash_function_applies_it(card: Card) -> None:
    signature = prove(card, EC_HASHING, b"any length" * 20)
    public = ec_public(ec.BrainpoolP256R1(), SCALAR)
    public.verify(der(signature), b"any length" * 20, ec.ECDSA(SHA256()))


def test_ec_active_authentication_is_a_plain_signature(card: Card) -> None:
    signature = prove(card, EC_ACTIVE, CHALLENGE)
    assert len(signature) == 96
    public = ec_public(ec.SECP384R1(), SCALAR_384)
    public.verify(der(signature), CHALLENGE, ec.ECDSA(SHA384()))


@pytest.mark.parametrize("number", [RSA_ACTIVE, EC_ACTIVE])
@pytest.mark.parametrize("size", [1, 7, 9, 16])
def test_active_authentication_is_over_eight_bytes(card: Card, number: int, size: int) -> None:
    assert refusal(card, number, bytes(size)) == "6700"


def test_sm2_signs_with_the_identity_of_its_owner(card: Card) -> None:
    signature = prove(card, SM2_KEY, CHALLENGE)
    public = SM2.public_key(int(SCALAR, 16))
    r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
    assert sm2.verify(public, sm2.signed_digest(public, CHALLENGE), r, s)
    assert not sm2.verify(public, sm2.signed_digest(public, CHALLENGE[::-1]), r, s)


def test_a_usage_counter_ends_a_key(card: Card) -> None:
    prove(card, EC_HASHING, CHALLENGE)
    prove(card, EC_HASHING, CHALLENGE)
    assert refusal(card, EC_HASHING, CHALLENGE) == "6984"


def test_a_challenge_that_does_not_fit_spends_nothing(card: Card) -> None:
    assert refusal(card, AES, bytes(15)) == "6700"
    for _ in range(3):
        assert card.transmit(bytes.fromhex("0088001400"))[-2:] == b"\x67\x00"
    prove(card, EC_HASHING, CHALLENGE)
    prove(card, EC_HASHING, CHALLENGE)


def test_without_a_number_the_environment_says_which_key(card: Card) -> None:
    assert len(prove(card, 0x00, DIGEST_INFO)) == 128, "the first key in reach for the purpose"
    for tag, number, size in (("83", AES, 16), ("84", EC, 64)):
        meant = bytes.fromhex(f"002241A403{tag}01{number:02X}")
        assert card.transmit(meant) == b"\x90\x00"
        assert len(prove(card, 0x00, bytes(16))) == size


def test_the_environment_of_the_other_side_is_not_asked(card: Card) -> None:
    assert card.transmit(bytes.fromhex(f"002281A40383 01{AES:02X}")) == b"\x90\x00"
    assert len(prove(card, 0x00, bytes(16))) == 128


def test_another_df_starts_with_an_empty_environment(card: Card) -> None:
    assert card.transmit(bytes.fromhex(f"002241A4038301{AES:02X}")) == b"\x90\x00"
    assert card.transmit(bytes.fromhex("00A4040C09F053494D4341524401")) == b"\x90\x00"
    assert len(prove(card, 0x00, bytes(16))) == 128


def test_a_stored_environment_stays_with_its_df(card: Card) -> None:
    application = bytes.fromhex("00A4040C09F053494D4341524401")
    for raw in (application, f"002241A4038301{AES:02X}", "0022F202"):
        command = raw if isinstance(raw, bytes) else bytes.fromhex(raw)
        assert card.transmit(command) == b"\x90\x00"
    card.power_off()
    card.power_on()
    assert card.transmit(bytes.fromhex("0022F302")) == b"\x6a\x88"
    assert card.transmit(application) == b"\x90\x00"
    assert card.transmit(bytes.fromhex("0022F302")) == b"\x90\x00"
    assert len(prove(card, 0x00, bytes(16))) == 16
    assert card.transmit(bytes.fromhex("0022F402")) == b"\x90\x00"
    assert card.transmit(bytes.fromhex("0022F402")) == b"\x6a\x88"


def test_storing_again_replaces_what_was_there(card: Card) -> None:
    for raw in (f"002241A4038301{AES:02X}", "0022F202", f"002241A4038401{EC:02X}", "0022F202"):
        assert card.transmit(bytes.fromhex(raw)) == b"\x90\x00"
    for raw in ("0022F300", "0022F302"):
        assert card.transmit(bytes.fromhex(raw)) == b"\x90\x00"
    assert len(prove(card, 0x00, bytes(16))) == 64


def test_an_environment_too_long_to_keep_is_refused_whole(card: Card) -> None:
    long = bytes.fromhex("0022 41B6 F4 91 81 F1") + bytes(0xF1)
    assert card.transmit(long) == b"\x90\x00"
    assert card.transmit(bytes.fromhex("0022F202")) == b"\x90\x00"
    assert card.transmit(bytes.fromhex(f"002241A4038301{AES:02X}")) == b"\x90\x00"
    for number in ("02", "03"):
        assert card.transmit(bytes.fromhex(f"0022F2{number}")) == b"\x6a\x84"
    assert card.transmit(bytes.fromhex("0022F303")) == b"\x6a\x88"
    assert card.transmit(bytes.fromhex("0022F302")) == b"\x90\x00"
    assert len(prove(card, 0x00, bytes(16))) == 128, "the one that was stored first has no key"
