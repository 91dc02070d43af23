"""Elliptic curves over prime fields: named domain parameters, points as bytes, and arithmetic.

The arithmetic is python-ecdsa's, with gmpy2 underneath. Points travel as the uncompressed encoding
of SEC 1 clause 2.3.3, ``04 || x || y``; :meth:`Curve.decode` refuses every point that is not on the
curve, so no computation here ever meets one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from ecdsa import curves as known
from ecdsa.ellipticcurve import INFINITY, CurveFp, PointJacobi

Random: TypeAlias = Callable[[int], bytes]
"""A source of randomness: called with a number of bytes, it answers that many bytes."""

Point: TypeAlias = PointJacobi

DRAWS = 256
"""Draws before a source of randomness is called broken: at least every second one is in range."""


class PointError(ValueError):
    """Bytes that are no point of the curve, or the point at infinity where none may stand."""


@dataclass(frozen=True)
class Curve:
    """The domain parameters of y^2 = x^3 + ax + b over GF(p), with a base point of prime order n.

    The cofactor is 1 for every curve named here.
    """

    name: str
    p: int
    a: int
    b: int
    x: int
    y: int
    n: int

    @cached_property
    def field_length(self) -> int:
        """The bytes of one coordinate."""
        return (self.p.bit_length() + 7) // 8

    @cached_property
    def scalar_length(self) -> int:
        """The bytes of a private key."""
        return (self.n.bit_length() + 7) // 8

    @cached_property
    def _field(self) -> Any:
        return CurveFp(self.p, self.a, self.b, 1)

    @cached_property
    def generator(self) -> Point:
        """The base point G."""
        return PointJacobi(self._field, self.x, self.y, 1, self.n, generator=True)

    def decode(self, encoded: bytes) -> Point:
        """The point of ``04 || x || y``; PointError unless it lies on the curve."""
        size = self.field_length
        if len(encoded) != 2 * size + 1 or encoded[0] != 4:
            raise PointError(f"a point of {self.name} is 04 and two coordinates of {size} bytes")
        x = int.from_bytes(encoded[1 : size + 1], "big")
        y = int.from_bytes(encoded[size + 1 :], "big")
        if x >= self.p or y >= self.p or not self._field.contains_point(x, y):
            raise PointError(f"the point is not on {self.name}")
        return PointJacobi(self._field, x, y, 1, self.n)

    def encode(self, point: Point) -> bytes:
        """*point* as ``04 || x || y``; PointError for the point at infinity."""
        x, y = self.coordinates(point)
        return b"\x04" + x.to_bytes(self.field_length, "big") + y.to_bytes(self.field_length, "big")

    def coordinates(self, point: Point) -> tuple[int, int]:
        """The affine coordinates of *point*; PointError for the point at infinity."""
        if point == INFINITY:
            raise PointError(f"the point at infinity of {self.name} has no coordinates")
        affine = point.to_affine()
        return int(affine.x()), int(affine.y())

    def x_bytes(self, point: Point) -> bytes:
        """The x coordinate of *point*, one field element long."""
        return self.coordinates(point)[0].to_bytes(self.field_length, "big")

    def random_scalar(self, random: Random) -> int:
        """A private key in 1..n-1 from whole draws of ``scalar_length`` bytes (FIPS 186-5 A.2.2).

        Bits above the length of n are dropped; a draw outside the range is thrown away and drawn
        anew. ValueError when DRAWS draws in a row are outside, which chance does not bring about.
        """
        mask = (1 << self.n.bit_length()) - 1
        for _ in range(DRAWS):
            candidate = int.from_bytes(random(self.scalar_length), "big") & mask
            if 0 < candidate < self.n:
                return candidate
        raise ValueError(f"{DRAWS} draws from the source of randomness gave no scalar")

    def check_scalar(self, private: int) -> None:
        """Nothing, or ValueError when *private* is not in 1..n-1."""
        if not 0 < private < self.n:
            raise ValueError(f"a private key of {self.name} is in 1..n-1")

    def public_key(self, private: int) -> bytes:
        """The encoded public key of *private*; ValueError outside 1..n-1."""
        self.check_scalar(private)
        return self.encode(self.generator * private)

    def combine(self, base_times: int, point: Point, point_times: int) -> Point:
        """base_times * G + point_times * *point*, in one pass."""
        return self.generator.mul_add(base_times, point, point_times)

    def agree(self, private: int, public: bytes) -> bytes:
        """The x coordinate shared by *private* and the encoded point *public* (ECDH, TR-03111 4.3).

        PointError when *public* is not on the curve.
        """
        self.check_scalar(private)
        return self.x_bytes(self.decode(public) * private)

    def mapped(self, nonce: int, shared: Point) -> "Curve":
        """The curve with the base point nonce * G + *shared*, as PACE generic mapping has it.

        PointError where that is the point at infinity.
        """
        x, y = self.coordinates(self.generator * nonce + shared)
        return Curve(self.name, self.p, self.a, self.b, x, y, self.n)


def _known(name: str, curve: Any) -> Curve:
    """A curve that python-ecdsa has the parameters of, under the name used here."""
    field, base = curve.curve, curve.generator
    p = int(field.p())
    return Curve(
        name, p, int(field.a()) % p, int(field.b()), int(base.x()), int(base.y()), int(curve.order)
    )


SM2P256V1 = Curve(
    "sm2p256v1",
    p=0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_00000000_FFFFFFFF_FFFFFFFF,
    a=0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_00000000_FFFFFFFF_FFFFFFFC,
    b=0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7_F39789F5_15AB8F92_DDBCBD41_4D940E93,
    x=0x32C4AE2C_1F198119_5F990446_6A39C994_8FE30BBF_F2660BE1_715A4589_334C74C7,
    y=0xBC3736A2_F4F6779C_59BDCEE3_6B692153_D0A9877C_C62A4740_02DF32E5_2139F0A0,
    n=0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_7203DF6B_21C6052B_53BBF409_39D54123,
)
"""The recommended curve of GB/T 32918.5."""

_KNOWN = {
    "P-192": known.NIST192p,
    "P-224": known.NIST224p,
    "P-256": known.NIST256p,
    "P-384": known.NIST384p,
    "P-521": known.NIST521p,
    "brainpoolP192r1": known.BRAINPOOLP192r1,
    "brainpoolP224r1": known.BRAINPOOLP224r1,
    "brainpoolP256r1": known.BRAINPOOLP256r1,
    "brainpoolP320r1": known.BRAINPOOLP320r1,
    "brainpoolP384r1": known.BRAINPOOLP384r1,
    "brainpoolP512r1": known.BRAINPOOLP512r1,
}

CURVES: dict[str, Curve] = {SM2P256V1.name: SM2P256V1} | {
    name: _known(name, curve) for name, curve in _KNOWN.items()
}
"""The curves by name: SM2, the prime curves of FIPS 186-4 and those of RFC 5639."""
