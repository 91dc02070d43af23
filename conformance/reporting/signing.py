"""Keys that sign a seal: Ed25519 and SM2, read from PEM files as OpenSSL writes them.

A private key is PKCS#8 (RFC 5208), a public one SubjectPublicKeyInfo (RFC 5280). SM2 signs by GB/T
32918.2 with the default identity; its mathematics is the judge's own.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from conformance import tlv
from conformance.crypto import sm2
from conformance.crypto.curves import SM2
from conformance.trouble import UsageError

# Object identifiers, DER with tag and length: the algorithm, and for SM2 the curve behind it.
ED25519 = bytes.fromhex("06032B6570")
EC_PUBLIC_KEY = bytes.fromhex("06072A8648CE3D0201")
SM2_CURVE = bytes.fromhex("06082A811CCF5501822D")
PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s+([A-Za-z0-9+/=\s]+?)-----END \1-----")
SEQUENCE, INTEGER, BIT_STRING, OCTET_STRING = 0x30, 0x02, 0x03, 0x04


class PublicKey(Protocol):
    """A key that tells whether a signature is by its owner; *algorithm* is `Ed25519` or `SM2`."""

    algorithm: str

    @property
    def pem(self) -> str:
        """The key as SubjectPublicKeyInfo in PEM."""

    @property
    def fingerprint(self) -> str:
        """Algorithm and SHA-256 of the key's DER form, as people compare it."""

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether *signature* (64 bytes) over *message* is by the owner of this key."""


class PrivateKey(Protocol):
    """A key that signs."""

    @property
    def algorithm(self) -> str:
        """`Ed25519` or `SM2`."""

    @property
    def public(self) -> bytes:
        """The DER form of the public key."""

    def sign(self, message: bytes) -> bytes:
        """64 bytes over *message*."""


class _Public:
    def __init__(self, der: bytes) -> None:
        self.der = der
        objects = tlv.parse(der)
        if len(objects) != 1 or objects[0].tag != SEQUENCE:
            raise tlv.MalformedTLV("no SubjectPublicKeyInfo")
        self.algorithm = _algorithm(objects[0].find(SEQUENCE) or b"")
        self.point = (objects[0].find(BIT_STRING) or b"\x00")[1:]
        if self.algorithm == "SM2":
            SM2.decode(self.point)

    @property
    def pem(self) -> str:
        text = base64.b64encode(self.der).decode("ascii")
        lines = [text[start : start + 64] for start in range(0, len(text), 64)]
        return "\n".join(("-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""))

    @property
    def fingerprint(self) -> str:
        return f"{self.algorithm} {hashlib.sha256(self.der).hexdigest()[:32]}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        if len(signature) != 64:
            return False
        if self.algorithm == "SM2":
            r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
            return sm2.verify(self.point, sm2.signed_digest(self.point, message), r, s)
        try:
            Ed25519PublicKey.from_public_bytes(self.point).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class _Ed25519:
    algorithm = "Ed25519"

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


class _Sm2:
    algorithm = "SM2"

    def __init__(self, private: int) -> None:
        if not 0 < private < SM2.n - 1:
            raise ValueError("the private key is outside 1 to n - 2")
        self._private = private
        self._point = SM2.public_key(private)
        bits = tlv.encode(BIT_STRING, b"\x00" + self._point)
        self.public = tlv.encode(SEQUENCE, tlv.encode(SEQUENCE, EC_PUBLIC_KEY + SM2_CURVE) + bits)

    def sign(self, message: bytes) -> bytes:
        hashed = sm2.signed_digest(self._point, message)
        while True:
            try:
                r, s = sm2.sign(self._private, hashed, 1 + secrets.randbelow(SM2.n - 1))
            except ValueError:
                continue
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def read_private(path: Path) -> PrivateKey:
    """The private key in the PEM file *path*; UsageError tells what is wrong, not what is in it."""
    label, der = _pem(path)
    if label == "ENCRYPTED PRIVATE KEY":
        raise UsageError(f"{path}: the key is encrypted; decrypt it first (openssl pkey)")
    try:
        if label != "PRIVATE KEY":
            raise tlv.MalformedTLV(f"a {label} is no PKCS#8 private key")
        (outer,) = tlv.parse(der)
        algorithm = _algorithm(outer.find(SEQUENCE) or b"")
        (inner,) = tlv.parse(outer.find(OCTET_STRING) or b"")
        if algorithm == "Ed25519":
            return _Ed25519(inner.value)
        return _Sm2(int.from_bytes(inner.find(OCTET_STRING) or b"", "big"))
    except ValueError as error:
        raise UsageError(f"{path}: no Ed25519 or SM2 private key: {error}") from error


def read_public(path: Path) -> PublicKey:
    """The public key in the PEM file *path*, or the one that belongs to the private key in it."""
    label, _ = _pem(path)
    if label.endswith("PRIVATE KEY"):
        return public_of(read_private(path))
    try:
        return load_public(path.read_bytes())
    except ValueError as error:
        raise UsageError(f"{path}: no Ed25519 or SM2 public key: {error}") from error


def load_public(pem: bytes) -> PublicKey:
    """The public key in *pem*; ValueError when there is none that signs seals."""
    found = PEM.search(pem)
    if found is None or found[1] != b"PUBLIC KEY":
        raise ValueError("no PUBLIC KEY in PEM")
    return _Public(base64.b64decode(found[2]))


def public_of(key: PrivateKey) -> PublicKey:
    """The public key that belongs to *key*."""
    return _Public(key.public)


def _pem(path: Path) -> tuple[str, bytes]:
    try:
        found = PEM.search(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    if found is None:
        raise UsageError(f"{path}: no key in PEM")
    return found[1].decode("ascii"), base64.b64decode(found[2])


def _algorithm(identifier: bytes) -> str:
    """`Ed25519` or `SM2` from an AlgorithmIdentifier without its outer tag."""
    if identifier == ED25519:
        return "Ed25519"
    if identifier == EC_PUBLIC_KEY + SM2_CURVE:
        return "SM2"
    raise tlv.MalformedTLV("the algorithm is neither Ed25519 nor SM2")
