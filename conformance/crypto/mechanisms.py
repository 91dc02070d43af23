"""The mechanisms that statements name, as the judge computes or checks each of them.

A mechanism is a name such as `cbc/2` (CBC with padding method 2 of ISO/IEC 9797-1), `retail/1`,
`cmac`, `pkcs1/SHA-256` or `ecdsa`; the part behind the slash is a padding method or the hash
function that the card applies. Signatures of curves are r || s, SM2 cryptograms C1 || C3 || C2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from conformance.crypto import blocks, sm2
from conformance.crypto.digests import digest
from conformance.crypto.signatures import DIGEST_INFO, recoverable_string

KEY_LENGTHS = {"TDES": (16, 24), "AES": (16, 24, 32), "SM4": (16,)}
"""Bytes of the keys of block ciphers."""
HASHES = {"SHA-1": 20, "SHA-224": 28, "SHA-256": 32, "SHA-384": 48, "SHA-512": 64, "SM3": 32}
"""Bytes of hash codes."""
SHA = tuple(name for name in HASHES if name != "SM3")
PADDINGS = ("none", "1", "2")
_SIGNATURES = (
    *("pkcs1", "ecdsa", "sm2", "sm2/SM3"),
    *(f"{scheme}/{name}" for scheme in ("pkcs1", "ecdsa") for name in SHA),
)
MECHANISMS: dict[int, tuple[str, ...]] = {
    0xA4: ("ecb", "9796-2/SHA-1", *_SIGNATURES),
    0xAA: tuple(HASHES),
    0xB4: ("cmac", *(f"{mac}/{way}" for mac in ("cbc-mac", "retail") for way in PADDINGS)),
    0xB6: _SIGNATURES,
    0xB8: ("pkcs1", "sm2", *(f"{mode}/{way}" for mode in ("ecb", "cbc") for way in ("none", "2"))),
}
"""By the tag of a control reference template, the mechanisms that make sense in it."""
_KEYS = {
    **dict.fromkeys(("ecb", "cbc", "cbc-mac", "cmac"), tuple(KEY_LENGTHS)),
    "retail": ("TDES",),
    "pkcs1": ("RSA",),
    "9796-2": ("RSA",),
    "ecdsa": ("P-256",),
    "sm2": ("SM2",),
}
PKCS1_OVERHEAD, SM2_OVERHEAD = 11, 97
_PREHASHED = {
    20: hashes.SHA1(),  # noqa: S303 - the card's mechanism, not ours
    28: hashes.SHA224(),
    32: hashes.SHA256(),
    48: hashes.SHA384(),
    64: hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class Public:
    """A public key: its algorithm, the modulus or point, and of RSA the exponent."""

    algorithm: str
    value: bytes
    exponent: int

    @property
    def size(self) -> int:
        """Bytes of a signature, and of an RSA cryptogram."""
        return len(self.value) if self.algorithm == "RSA" else 64


def fits(mechanism: str, algorithm: str) -> bool:
    """Whether a key of *algorithm* can be used for *mechanism*."""
    return algorithm in _KEYS.get(mechanism.partition("/")[0], ())


def hash_function(mechanism: str) -> str:
    """The hash function that the card applies before it signs, nothing when it applies none."""
    _, _, name = mechanism.partition("/")
    return name if name in HASHES else ""


def padded(message: bytes, size: int, way: str) -> bytes:
    """*message* padded by a method of ISO/IEC 9797-1; ValueError when it does not fill blocks."""
    if way == "2":
        return blocks.pad(message, size)
    if way == "1":
        return message + bytes(-len(message) % size) if message else bytes(size)
    if not message or len(message) % size:
        raise ValueError("the message does not fill whole blocks, and nothing is padded")
    return message


def checksum(mechanism: str, cipher: str, key: bytes, message: bytes, initial: bytes) -> bytes:
    """The cryptographic checksum of *message*, one block; ValueError as `padded` says."""
    if mechanism == "cmac":
        return blocks.cmac(cipher, key, message)
    name, _, way = mechanism.partition("/")
    whole = padded(message, blocks.BLOCK_SIZE[cipher], way)
    if name == "retail":
        return blocks.retail_mac(key, whole, initial or None)
    return blocks.cbc_mac(cipher, key, whole, initial or None)


def enciphered(mechanism: str, cipher: str, key: bytes, message: bytes, initial: bytes) -> bytes:
    """*message* enciphered under a key of a block cipher; ValueError as `padded` says."""
    mode, _, way = mechanism.partition("/")
    whole = padded(message, blocks.BLOCK_SIZE[cipher], way)
    if mode == "ecb":
        return blocks.encrypt_ecb(cipher, key, whole)
    return blocks.encrypt_cbc(cipher, key, whole, initial or None)


def deciphered(mechanism: str, cipher: str, key: bytes, cryptogram: bytes, initial: bytes) -> bytes:
    """The message in *cryptogram*; ValueError where the padding is missing."""
    mode, _, way = mechanism.partition("/")
    if mode == "ecb":
        plain = blocks.decrypt_ecb(cipher, key, cryptogram)
    else:
        plain = blocks.decrypt_cbc(cipher, key, cryptogram, initial or None)
    if way != "2":
        return plain
    message = blocks.unpad(plain)
    if len(plain) - len(message) > blocks.BLOCK_SIZE[cipher]:
        raise ValueError("the padding is longer than a block")
    return message


def signed(mechanism: str, public: Public, message: bytes) -> bytes:
    """What is signed for *message*: its hash code, with Z in front for SM2, or itself."""
    name = hash_function(mechanism)
    if mechanism.startswith("sm2"):
        return sm2_digest(public.value, message) if name else message
    return digest(name, message) if name else message


@lru_cache(maxsize=64)
def sm2_digest(public: bytes, message: bytes) -> bytes:
    """SM3 over Z of the default identity and *message*."""
    return sm2.signed_digest(public, message)


def signature_is_right(mechanism: str, public: Public, hashed: bytes, signature: bytes) -> bool:
    """Whether *signature* over *hashed* (see `signed`) is by the owner of *public*."""
    if len(signature) != public.size:
        return False
    if public.algorithm == "RSA":
        return _opened(public, signature) == _pkcs1_block(mechanism, hashed, public.size)
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    if public.algorithm == "SM2":
        return sm2.verify(public.value, hashed, r, s)
    known = _PREHASHED.get(len(hashed))
    if known is None:
        raise ValueError(f"nobody hashes to {len(hashed)} bytes")
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public.value)
    try:
        coded = utils.encode_dss_signature(r, s)
        key.verify(coded, hashed, ec.ECDSA(utils.Prehashed(known)))
    except InvalidSignature:
        return False
    return True


def _pkcs1_block(mechanism: str, hashed: bytes, size: int) -> bytes:
    info = bytes.fromhex(DIGEST_INFO.get(hash_function(mechanism), "")) + hashed
    return b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info


def _opened(public: Public, signature: bytes) -> bytes:
    modulus = int.from_bytes(public.value, "big")
    opened = pow(int.from_bytes(signature, "big"), public.exponent, modulus)
    return opened.to_bytes(public.size, "big")


def proves(mechanism: str, public: Public, challenge: bytes, proof: bytes) -> bool:
    """Whether *proof* is what the owner of *public* makes of *challenge*."""
    if mechanism.startswith("9796-2"):
        if len(proof) != public.size:
            return False
        opened = _opened(public, proof)
        return opened == recoverable_string(opened[1:-21], challenge)
    return signature_is_right(mechanism, public, signed(mechanism, public, challenge), proof)


def enciphered_for(public: Public, message: bytes, chance: int) -> bytes:
    """*message* enciphered for the owner of *public*; *chance* is what makes it another each time.

    RSA with the padding of PKCS #1 v1.5, or SM2.
    """
    if public.algorithm == "SM2":
        c1, c3, c2 = sm2.encrypt(public.value, message, chance)
        return c1 + c3 + c2
    filler = bytes(
        1 + (chance + 31 * place) % 255 for place in range(public.size - len(message) - 3)
    )
    block = b"\x00\x02" + filler + b"\x00" + message
    modulus = int.from_bytes(public.value, "big")
    value = pow(int.from_bytes(block, "big"), public.exponent, modulus)
    return value.to_bytes(public.size, "big")
