"""SM2 (GB/T 32918) for the judge: verify what a card signs, encipher for it, agree with it."""

from dataclasses import dataclass

from conformance.crypto.curves import SM2, Affine, Curve
from conformance.crypto.digests import sm3

DEFAULT_IDENTITY = b"1234567812345678"


def owner_digest(public: bytes, identity: bytes = DEFAULT_IDENTITY, curve: Curve = SM2) -> bytes:
    """Z of part 2 clause 5.5: the identity, the curve and the public key, hashed."""
    bits = (8 * len(identity)).to_bytes(2, "big")
    coefficients = curve.a.to_bytes(curve.size, "big") + curve.b.to_bytes(curve.size, "big")
    return sm3(bits + identity + coefficients + curve.encode(curve.g)[1:] + public[1:])


def signed_digest(
    public: bytes, message: bytes, identity: bytes = DEFAULT_IDENTITY, curve: Curve = SM2
) -> bytes:
    """What is signed: SM3 over Z and the message."""
    return sm3(owner_digest(public, identity, curve) + message)


def sign(private: int, e: bytes, k: int, curve: Curve = SM2) -> tuple[int, int]:
    """(r, s) over the digest *e* with the ephemeral key *k*; ValueError where *k* is of no use."""
    r = (int.from_bytes(e, "big") + _x(curve.multiply(k, curve.g))) % curve.n
    s = (k - r * private) * pow(1 + private, -1, curve.n) % curve.n
    if r == 0 or s == 0 or r + k == curve.n:
        raise ValueError("another ephemeral key is needed")
    return r, s


def verify(public: bytes, e: bytes, r: int, s: int, curve: Curve = SM2) -> bool:
    """Whether (r, s) over the digest *e* is by the owner of *public*."""
    point = curve.decode(public)
    t = (r + s) % curve.n
    if not (0 < r < curve.n and 0 < s < curve.n and t):
        return False
    total = curve.add(curve.multiply(s, curve.g), curve.multiply(t, point))
    return total is not None and (int.from_bytes(e, "big") + total[0]) % curve.n == r


def encrypt(
    public: bytes, message: bytes, k: int, curve: Curve = SM2
) -> tuple[bytes, bytes, bytes]:
    """(C1, C3, C2) for the owner of *public* with the ephemeral key *k*."""
    shared = curve.encode(curve.multiply(k, curve.decode(public)))[1:]
    mask = kdf(shared, len(message))
    c2 = bytes(a ^ b for a, b in zip(message, mask, strict=True))
    check = sm3(shared[: curve.size] + message + shared[curve.size :])
    return curve.public_key(k), check, c2


def decrypt(private: int, c1: bytes, c3: bytes, c2: bytes, curve: Curve = SM2) -> bytes:
    """The message; ValueError when C1 is no point or C3 does not check."""
    shared = curve.encode(curve.multiply(private, curve.decode(c1)))[1:]
    message = bytes(a ^ b for a, b in zip(c2, kdf(shared, len(c2)), strict=True))
    if sm3(shared[: curve.size] + message + shared[curve.size :]) != c3:
        raise ValueError("the check value C3 is wrong")
    return message


@dataclass(frozen=True)
class Side:
    """One side of a key agreement as the other sees it: points (encoded) and identity."""

    public: bytes
    ephemeral: bytes
    identity: bytes = DEFAULT_IDENTITY


@dataclass(frozen=True)
class Agreed:
    """The results of an agreement: shared point, key, and the check values of B and of A."""

    point: bytes
    key: bytes
    by_responder: bytes
    by_initiator: bytes


def agree(secrets: tuple[int, int], a: Side, b: Side, length: int, curve: Curve = SM2) -> Agreed:
    """The agreement between the initiator *a* and the responder *b*, computed by either.

    *secrets* are the static and the ephemeral private key of the one that computes.
    """
    static, ephemeral = secrets
    other = b if curve.public_key(static) == a.public else a
    own_fold = _folded(_x(curve.multiply(ephemeral, curve.g)), curve)
    their_point = curve.decode(other.ephemeral)
    theirs = curve.multiply(_folded(_x(their_point), curve), their_point)
    factor = (static + own_fold * ephemeral) % curve.n
    point = curve.encode(curve.multiply(factor, curve.add(curve.decode(other.public), theirs)))
    owners = owner_digest(a.public, a.identity, curve) + owner_digest(b.public, b.identity, curve)
    x, y = point[1 : 1 + curve.size], point[1 + curve.size :]
    inner = sm3(x + owners + a.ephemeral[1:] + b.ephemeral[1:])
    key = kdf(point[1:] + owners, length)
    return Agreed(point, key, sm3(b"\x02" + y + inner), sm3(b"\x03" + y + inner))


def kdf(secret: bytes, length: int) -> bytes:
    """*length* bytes from *secret*: SM3 with a counter behind it, part 4 clause 5.4.3."""
    out, counter = b"", 0
    while len(out) < length:
        counter += 1
        out += sm3(secret + counter.to_bytes(4, "big"))
    return out[:length]


def _folded(x: int, curve: Curve) -> int:
    half = 1 << (curve.n.bit_length() + 1) // 2 - 1
    return half + x % half


def _x(point: Affine) -> int:
    if point is None:
        raise ValueError("the point at infinity has no coordinates")
    return point[0]
