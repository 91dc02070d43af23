"""ECDSA and RSA for the judge: what a terminal needs to check a card's internal authentication."""

from conformance.crypto.curves import Curve
from conformance.crypto.digests import digest

DIGEST_INFO = {
    "SHA-1": "3021300906052B0E03021A05000414",
    "SHA-224": "302D300D06096086480165030402040500041C",
    "SHA-256": "3031300D060960864801650304020105000420",
    "SHA-384": "3041300D060960864801650304020205000430",
    "SHA-512": "3051300D060960864801650304020305000440",
}


def ecdsa_sign(curve: Curve, private: int, hashed: bytes, k: int) -> tuple[int, int]:
    """(r, s) over *hashed* with the ephemeral key *k*."""
    point = curve.multiply(k, curve.g)
    if point is None:
        raise ValueError("another ephemeral key is needed")
    r = point[0] % curve.n
    return r, (_leftmost(curve, hashed) + r * private) * pow(k, -1, curve.n) % curve.n


def ecdsa_verify(curve: Curve, public: bytes, hashed: bytes, r: int, s: int) -> bool:
    """Whether (r, s) over *hashed* is by the owner of *public*."""
    if not (0 < r < curve.n and 0 < s < curve.n):
        return False
    w = pow(s, -1, curve.n)
    base = curve.multiply(_leftmost(curve, hashed) * w % curve.n, curve.g)
    total = curve.add(base, curve.multiply(r * w % curve.n, curve.decode(public)))
    return total is not None and total[0] % curve.n == r


def pkcs1_block(name: str, message: bytes, size: int) -> bytes:
    """00 01 FF .. FF 00 and the DigestInfo of *message*, *size* bytes."""
    info = bytes.fromhex(DIGEST_INFO[name]) + digest(name, message)
    return b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info


def pkcs1_verify(n: int, e: int, name: str, message: bytes, signature: bytes) -> bool:
    """Whether *signature* over *message* is by the key (n, e), PKCS #1 v1.5."""
    size = (n.bit_length() + 7) // 8
    opened = pow(int.from_bytes(signature, "big"), e, n).to_bytes(size, "big")
    return len(signature) == size and opened == pkcs1_block(name, message, size)


def active_authentication(n: int, e: int, challenge: bytes, signature: bytes) -> bool:
    """Whether *signature* answers *challenge* by ISO/IEC 9796-2 scheme 1 with SHA-1."""
    size = (n.bit_length() + 7) // 8
    opened = pow(int.from_bytes(signature, "big"), e, n).to_bytes(size, "big")
    return opened == recoverable_string(opened[1:-21], challenge)


def recoverable_string(recoverable: bytes, challenge: bytes) -> bytes:
    """6A, the recoverable part, SHA-1 over it and the challenge, BC."""
    return b"\x6a" + recoverable + digest("SHA-1", recoverable + challenge) + b"\xbc"


def _leftmost(curve: Curve, hashed: bytes) -> int:
    surplus = max(0, 8 * len(hashed) - curve.n.bit_length())
    return int.from_bytes(hashed, "big") >> surplus
