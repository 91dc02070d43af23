"""SM2 (GB/T 32918): signature, public-key encryption and key agreement, with randomness handed in.

Private keys are integers in 1..n-1, public keys are encoded points ``04 || x || y``. Points that
are not on the curve are refused with PointError, a ValueError. The curve is the recommended one of
part 5 unless another is given.
"""

from dataclasses import dataclass
from hmac import compare_digest

from ecdsa.ellipticcurve import INFINITY

from simcard.crypto.curves import SM2P256V1, Curve, Random
from simcard.crypto.digests import Digest, sm3
from simcard.crypto.kdf import x963_kdf

DEFAULT_IDENTITY = b"1234567812345678"
"""The distinguishing identifier where the application names none (GM/T 0009 clause 10)."""


def identity_digest(
    public: bytes, identity: bytes = DEFAULT_IDENTITY, curve: Curve = SM2P256V1
) -> bytes:
    """Z, 32 bytes: who owns *public*, on which curve (part 2 clause 5.5).

    ValueError for an identity of more than 8191 bytes; its length in bits has two bytes.
    """
    curve.decode(public)
    if len(identity) > 0x1FFF:
        raise ValueError("an SM2 identity has at most 8191 bytes")
    size = curve.field_length
    parameters = b"".join(
        value.to_bytes(size, "big") for value in (curve.a, curve.b, curve.x, curve.y)
    )
    return sm3((8 * len(identity)).to_bytes(2, "big") + identity + parameters + public[1:])


def message_digest(
    public: bytes, message: bytes, identity: bytes = DEFAULT_IDENTITY, curve: Curve = SM2P256V1
) -> bytes:
    """The 32 bytes that are signed: SM3(Z || *message*)."""
    return sm3(identity_digest(public, identity, curve) + message)


def sign(private: int, hashed: bytes, random: Random, curve: Curve = SM2P256V1) -> bytes:
    """The signature r || s over *hashed*, the :func:`message_digest` (part 2 clause 6.1).

    ValueError when *private* is not in 1..n-2.
    """
    curve.check_scalar(private)
    if private == curve.n - 1:
        raise ValueError("the SM2 private key n-1 cannot sign")
    n, size, e = curve.n, curve.scalar_length, int.from_bytes(hashed, "big")
    while True:
        ephemeral = curve.random_scalar(random)
        r = (e + curve.coordinates(curve.generator * ephemeral)[0]) % n
        s = pow(1 + private, -1, n) * (ephemeral - r * private) % n
        if r and s and r + ephemeral != n:
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def verify(public: bytes, hashed: bytes, signature: bytes, curve: Curve = SM2P256V1) -> bool:
    """Whether *signature* (r || s) over *hashed* is that of *public* (part 2 clause 7.1)."""
    point, size, n = curve.decode(public), curve.scalar_length, curve.n
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    t = (r + s) % n
    if len(signature) != 2 * size or not 0 < r < n or not 0 < s < n or not t:
        return False
    total = curve.combine(s, point, t)
    e = int.from_bytes(hashed, "big")
    return total != INFINITY and (e + curve.coordinates(total)[0]) % n == r


def encrypt(public: bytes, message: bytes, random: Random, curve: Curve = SM2P256V1) -> bytes:
    """C1 || C3 || C2 for the owner of *public* (part 4 clause 6.1), the message and 97 bytes.

    ValueError for an empty *message*, which SM2 cannot carry.
    """
    if not message:
        raise ValueError("SM2 enciphers at least one byte")
    point = curve.decode(public)
    while True:
        ephemeral = curve.random_scalar(random)
        shared = curve.encode(point * ephemeral)[1:]
        mask = x963_kdf(Digest.SM3, shared, len(message))
        if any(mask):
            head = curve.encode(curve.generator * ephemeral)
            return head + _check_value(shared, message) + _xor(message, mask)


def decrypt(private: int, ciphertext: bytes, curve: Curve = SM2P256V1) -> bytes:
    """The message in C1 || C3 || C2 (part 4 clause 7.1).

    ValueError when the parts are too short, C1 is no point of the curve, or C3 does not check.
    """
    curve.check_scalar(private)
    head = 2 * curve.field_length + 1
    if len(ciphertext) <= head + 32:
        raise ValueError("an SM2 ciphertext is a point, 32 bytes and at least one byte more")
    shared = curve.encode(curve.decode(ciphertext[:head]) * private)[1:]
    body = ciphertext[head + 32 :]
    message = _xor(body, x963_kdf(Digest.SM3, shared, len(body)))
    if not compare_digest(_check_value(shared, message), ciphertext[head : head + 32]):
        raise ValueError("the check value of the SM2 ciphertext is wrong")
    return message


@dataclass(frozen=True, slots=True)
class Own:
    """One's own side of a key agreement: static and ephemeral private key, and identity."""

    private: int
    ephemeral: int
    identity: bytes = DEFAULT_IDENTITY


@dataclass(frozen=True, slots=True)
class Peer:
    """The other side: static and ephemeral public key, and identity."""

    public: bytes
    ephemeral: bytes
    identity: bytes = DEFAULT_IDENTITY


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides know after a key agreement.

    *shared* is the encoded point U = V, *key* the agreed bytes.
    *from_responder* is the optional check value that B sends (S1 = SB), *from_initiator* the one
    that A sends (S2 = SA), 32 bytes each.
    """

    shared: bytes
    key: bytes
    from_responder: bytes
    from_initiator: bytes


def agree(
    own: Own, peer: Peer, length: int, *, initiator: bool, curve: Curve = SM2P256V1
) -> Agreement:
    """The *length*-byte key shared with *peer* (part 3 clause 6.1); both sides get the same value.

    PointError when one of the peer's points is not on the curve.
    """
    own_public = curve.public_key(own.private)
    own_ephemeral = curve.public_key(own.ephemeral)
    secret = (own.private + _folded(own_ephemeral, curve) * own.ephemeral) % curve.n
    folded_peer = curve.decode(peer.ephemeral) * _folded(peer.ephemeral, curve)
    shared = curve.encode((curve.decode(peer.public) + folded_peer) * secret)
    ids = [
        identity_digest(own_public, own.identity, curve),
        identity_digest(peer.public, peer.identity, curve),
    ]
    points = [own_ephemeral[1:], peer.ephemeral[1:]]
    if not initiator:
        ids.reverse()
        points.reverse()
    identities, size = b"".join(ids), curve.field_length
    x, y = shared[1 : 1 + size], shared[1 + size :]
    inner = sm3(x + identities + b"".join(points))
    return Agreement(
        shared=shared,
        key=x963_kdf(Digest.SM3, shared[1:] + identities, length),
        from_responder=sm3(b"\x02" + y + inner),
        from_initiator=sm3(b"\x03" + y + inner),
    )


def _folded(encoded: bytes, curve: Curve) -> int:
    """The x coordinate shortened to half the bits of the order, with the bit above them set."""
    half = (curve.n.bit_length() + 1) // 2 - 1
    x = int.from_bytes(encoded[1 : curve.field_length + 1], "big")
    return (1 << half) + x % (1 << half)


def _check_value(shared: bytes, message: bytes) -> bytes:
    size = len(shared) // 2
    return sm3(shared[:size] + message + shared[size:])


def _xor(left: bytes, right: bytes) -> bytes:
    combined = int.from_bytes(left, "big") ^ int.from_bytes(right, "big")
    return combined.to_bytes(len(left), "big")
