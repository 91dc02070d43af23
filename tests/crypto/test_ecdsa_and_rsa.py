"""ECDSA, ECDH and RSA against `cryptography`, both ways, and with what must be refused."""

from __future__ import annotations

import random

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.hazmat.primitives.asymmetric import rsa as library_rsa

from conformance.crypto import signatures as judge
from simcard.crypto import CURVES, Curve, Digest, PointError, ecdsa, rsa

HASHES = {
    Digest.SHA1: hashes.SHA1(),  # noqa: S303 - cards still use it
    Digest.SHA224: hashes.SHA224(),
    Digest.SHA256: hashes.SHA256(),
    Digest.SHA384: hashes.SHA384(),
    Digest.SHA512: hashes.SHA512(),
}
LIBRARY = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "brainpoolP256r1": ec.BrainpoolP256R1(),
    "brainpoolP384r1": ec.BrainpoolP384R1(),
    "brainpoolP512r1": ec.BrainpoolP512R1(),
}
SEEDED = random.Random(7)


def seeded(length: int) -> bytes:
    return SEEDED.randbytes(length)


@pytest.mark.parametrize("name", LIBRARY)
@pytest.mark.parametrize("digest", [Digest.SHA1, Digest.SHA256, Digest.SHA512])
def test_ecdsa_is_that_of_the_library(name: str, digest: Digest) -> None:
    curve, message = CURVES[name], b"internal authentication"
    private = curve.random_scalar(seeded)
    key = ec.derive_private_key(private, LIBRARY[name])
    public, hashed = curve.public_key(private), digest.of(message)
    for signature in (
        ecdsa.sign(curve, private, hashed, seeded),
        ecdsa.sign_deterministic(curve, private, hashed, digest),
    ):
        half = curve.scalar_length
        r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
        der = utils.encode_dss_signature(r, s)
        key.public_key().verify(der, message, ec.ECDSA(HASHES[digest]))
    der = key.sign(message, ec.ECDSA(HASHES[digest]))
    r, s = utils.decode_dss_signature(der)
    plain = r.to_bytes(curve.scalar_length, "big") + s.to_bytes(curve.scalar_length, "big")
    assert ecdsa.verify(curve, public, hashed, plain)
    assert not ecdsa.verify(curve, public, digest.of(b"another"), plain)


@pytest.mark.parametrize("name", LIBRARY)
def test_agreement_is_that_of_the_library(name: str) -> None:
    curve = CURVES[name]
    ours, theirs = curve.random_scalar(seeded), curve.random_scalar(seeded)
    peer = ec.derive_private_key(theirs, LIBRARY[name])
    own = ec.EllipticCurvePublicKey.from_encoded_point(LIBRARY[name], curve.public_key(ours))
    assert curve.agree(ours, curve.public_key(theirs)) == peer.exchange(ec.ECDH(), own)


def test_ecdsa_refuses_what_is_no_signature() -> None:
    curve = CURVES["P-256"]
    public, one = curve.public_key(5), (1).to_bytes(32, "big")
    for bad in (b"", bytes(64), one + bytes(32), one + curve.n.to_bytes(32, "big"), bytes(63)):
        assert not ecdsa.verify(curve, public, bytes(32), bad)
    with pytest.raises(PointError):
        ecdsa.verify(curve, CURVES["brainpoolP256r1"].public_key(5), bytes(32), one + one)
    with pytest.raises(ValueError, match=r"in 1\.\.n-1"):
        ecdsa.sign(curve, 0, bytes(32), seeded)


def test_an_ephemeral_key_that_gives_no_signature_is_an_error() -> None:
    curve = CURVES["P-256"]
    r = curve.coordinates(curve.generator * 9)[0] % curve.n
    hashed = (curve.n - r * 3 % curve.n).to_bytes(32, "big")  # makes s zero for the key 3
    with pytest.raises(ValueError, match="gives no signature"):
        ecdsa.sign(curve, 3, hashed, lambda length: (9).to_bytes(length, "big"))


def test_a_sum_at_infinity_is_no_signature() -> None:
    """With r = -e/d the two points of the check cancel out."""
    curve: Curve = CURVES["P-256"]
    r = (-5 * pow(3, -1, curve.n)) % curve.n
    signature = r.to_bytes(32, "big") + (1).to_bytes(32, "big")
    assert not ecdsa.verify(curve, curve.public_key(3), (5).to_bytes(32, "big"), signature)


@pytest.fixture(scope="module")
def key() -> rsa.RsaPrivateKey:
    return rsa.generate(1024, random.Random(1).randbytes)


def library_key(key: rsa.RsaPrivateKey) -> library_rsa.RSAPrivateKey:
    p, q, d = key.p, key.q, key.d
    numbers = library_rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), library_rsa.RSAPublicNumbers(key.e, key.n)
    )
    return numbers.private_key()


def test_a_generated_key_is_one_for_the_library_too(key: rsa.RsaPrivateKey) -> None:
    assert library_key(key).key_size == 1024 == key.n.bit_length()
    assert key.size == key.public.size == 128


def test_the_same_randomness_generates_the_same_key(key: rsa.RsaPrivateKey) -> None:
    assert rsa.generate(1024, random.Random(1).randbytes) == key


@pytest.mark.parametrize("digest", list(HASHES))
def test_pkcs1_is_that_of_the_library(key: rsa.RsaPrivateKey, digest: Digest) -> None:
    message, function = b"internal authentication", HASHES[digest]
    signature = rsa.sign_pkcs1(key, digest, digest.of(message))
    assert signature == library_key(key).sign(message, padding.PKCS1v15(), function)
    assert rsa.verify_pkcs1(key.public, digest, digest.of(message), signature)
    assert judge.pkcs1_verify(key.n, key.e, digest.title, message, signature)
    broken = signature[:-1] + bytes([signature[-1] ^ 1])
    assert not rsa.verify_pkcs1(key.public, digest, digest.of(message), broken)
    with pytest.raises(InvalidSignature):
        library_key(key).public_key().verify(broken, message, padding.PKCS1v15(), function)


def test_encryption_is_that_of_the_library(key: rsa.RsaPrivateKey) -> None:
    for length in (0, 1, 117):
        message = bytes(range(1, length + 1))
        ours = rsa.encrypt_pkcs1(key.public, message, seeded)
        assert library_key(key).decrypt(ours, padding.PKCS1v15()) == message
        theirs = library_key(key).public_key().encrypt(message, padding.PKCS1v15())
        assert rsa.decrypt_pkcs1(key, theirs) == message


def test_too_long_messages_are_refused(key: rsa.RsaPrivateKey) -> None:
    with pytest.raises(ValueError, match="118 bytes are too long for a modulus of 128"):
        rsa.encrypt_pkcs1(key.public, bytes(118), seeded)
    with pytest.raises(ValueError, match="118 bytes are too long for a modulus of 128"):
        rsa.sign_digest_info(key, bytes(118))


def test_malformed_ciphertexts_are_refused(key: rsa.RsaPrivateKey) -> None:
    blocks = [bytes(128), b"\x00\x01" + b"\xff" * 126, b"\x00\x02short\x00" + bytes(120)]
    for block in blocks:
        with pytest.raises(ValueError, match=r"no PKCS #1 v1\.5 encryption block"):
            rsa.decrypt_pkcs1(key, key.public.raw(block))
    with pytest.raises(ValueError, match="not below the modulus"):
        rsa.decrypt_pkcs1(key, b"\xff" * 128)


@pytest.mark.parametrize("digest", list(HASHES))
def test_active_authentication_answers_its_challenge(
    key: rsa.RsaPrivateKey, digest: Digest
) -> None:
    challenge = bytes(range(8))
    answer = rsa.sign_iso9796(key, digest, challenge, seeded)
    assert len(answer) == 128
    assert rsa.verify_iso9796(key.public, digest, challenge, answer)
    assert not rsa.verify_iso9796(key.public, digest, bytes(8), answer)
    if digest is Digest.SHA1:
        assert judge.active_authentication(key.n, key.e, challenge, answer)
        assert not judge.active_authentication(key.n, key.e, bytes(8), answer)


def test_signatures_out_of_range_are_wrong(key: rsa.RsaPrivateKey) -> None:
    hashed = Digest.SHA256.of(b"")
    for signature in (b"", bytes(127), b"\xff" * 128, bytes(129)):
        assert not rsa.verify_pkcs1(key.public, Digest.SHA256, hashed, signature)
        assert not rsa.verify_iso9796(key.public, Digest.SHA256, bytes(8), signature)


def test_what_makes_no_key_is_refused() -> None:
    for arguments in ((11, 11), (7, 13, 3)):
        with pytest.raises(ValueError, match="make no RSA key"):
            rsa.RsaPrivateKey(*arguments)
    for bits in (511, 256, 1025):
        with pytest.raises(ValueError, match="even number of bits"):
            rsa.generate(bits, seeded)
    with pytest.raises(ValueError, match="draws from the source of randomness gave no prime"):
        rsa.generate(512, bytes)
