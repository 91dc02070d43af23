"""ECDSA signatures (TR-03111 clause 4.2.1) with the ephemeral key drawn or derived.

The ephemeral key comes from the caller's source of randomness, or from key and message by RFC 6979;
this module draws nothing itself. Signatures are plain: r || s, each one scalar long.
"""

import hashlib
from functools import partial

from ecdsa.ellipticcurve import INFINITY
from ecdsa.rfc6979 import generate_k

from simcard.crypto.curves import Curve, Random
from simcard.crypto.digests import Digest


def sign(curve: Curve, private: int, hashed: bytes, random: Random) -> bytes:
    """The signature r || s over *hashed*, of which as many leftmost bits count as n has.

    ValueError when *private* is not in 1..n-1.
    """
    curve.check_scalar(private)
    return _signed(curve, private, hashed, curve.random_scalar(random))


def sign_deterministic(curve: Curve, private: int, hashed: bytes, digest: Digest) -> bytes:
    """The signature r || s with the ephemeral key of RFC 6979 under *digest* (SHA only)."""
    curve.check_scalar(private)
    function = partial(hashlib.new, digest.hashlib_name)
    return _signed(curve, private, hashed, int(generate_k(curve.n, private, function, hashed)))


def verify(curve: Curve, public: bytes, hashed: bytes, signature: bytes) -> bool:
    """Whether *signature* (r || s) over *hashed* is that of the encoded point *public*.

    PointError when *public* is not on the curve; a signature of another length is False.
    """
    point, size = curve.decode(public), curve.scalar_length
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    if len(signature) != 2 * size or not 0 < r < curve.n or not 0 < s < curve.n:
        return False
    inverse = pow(s, -1, curve.n)
    total = curve.combine(_reduced(curve, hashed) * inverse % curve.n, point, r * inverse % curve.n)
    return total != INFINITY and curve.coordinates(total)[0] % curve.n == r


def _signed(curve: Curve, private: int, hashed: bytes, ephemeral: int) -> bytes:
    r = curve.coordinates(curve.generator * ephemeral)[0] % curve.n
    s = pow(ephemeral, -1, curve.n) * (_reduced(curve, hashed) + r * private) % curve.n
    if not r or not s:
        # Chance brings this about once in 2**160 signatures or more; a chosen key can force it.
        raise ValueError("this ephemeral key gives no signature")
    return r.to_bytes(curve.scalar_length, "big") + s.to_bytes(curve.scalar_length, "big")


def _reduced(curve: Curve, hashed: bytes) -> int:
    return int.from_bytes(hashed, "big") >> max(0, 8 * len(hashed) - curve.n.bit_length())
