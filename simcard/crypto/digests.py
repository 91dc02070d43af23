"""Hash functions of the card: SHA-1, the SHA-2 family and SM3 (GB/T 32905)."""

import hashlib
from enum import Enum

from cryptography.hazmat.primitives.hashes import SM3, Hash


class Digest(Enum):
    """A hash function: its standard name and the length of its result in bytes."""

    SHA1 = ("SHA-1", 20)
    SHA224 = ("SHA-224", 28)
    SHA256 = ("SHA-256", 32)
    SHA384 = ("SHA-384", 48)
    SHA512 = ("SHA-512", 64)
    SM3 = ("SM3", 32)

    def __init__(self, title: str, size: int) -> None:
        self.title = title
        self.size = size

    @property
    def hashlib_name(self) -> str:
        """The name by which :mod:`hashlib` knows the function."""
        return self.title.replace("-", "").lower()

    def of(self, data: bytes) -> bytes:
        """The digest of *data*, ``size`` bytes."""
        if self is Digest.SM3:
            return sm3(data)
        # Cards hash because a protocol says so; nobody here asks whether SHA-1 is still wise.
        return hashlib.new(self.hashlib_name, data, usedforsecurity=False).digest()


def sha1(data: bytes) -> bytes:
    """SHA-1 of *data*, 20 bytes."""
    return hashlib.sha1(data, usedforsecurity=False).digest()


def sha256(data: bytes) -> bytes:
    """SHA-256 of *data*, 32 bytes."""
    return hashlib.sha256(data).digest()


def sm3(data: bytes) -> bytes:
    """SM3 of *data*, 32 bytes."""
    context = Hash(SM3())
    context.update(data)
    return context.finalize()
