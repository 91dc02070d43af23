"""Elliptic curves in plain integers: affine points, the textbook formulas, and nothing clever.

A point is a pair of coordinates, or None for the point at infinity. Points arrive as
``04 || x || y`` and are refused with ValueError when they are not on the curve.
"""

from dataclasses import dataclass
from typing import TypeAlias

from gmpy2 import invert

Affine: TypeAlias = tuple[int, int] | None


@dataclass(frozen=True)
class Curve:
    """y^2 = x^3 + ax + b over GF(p), with the base point *g* of prime order *n*."""

    p: int
    a: int
    b: int
    g: Affine
    n: int

    @property
    def size(self) -> int:
        """The bytes of a coordinate."""
        return (self.p.bit_length() + 7) // 8

    def add(self, left: Affine, right: Affine) -> Affine:
        """The sum of two points."""
        if left is None or right is None:
            return left or right
        (x1, y1), (x2, y2) = left, right
        if x1 == x2 and (y1 + y2) % self.p == 0:
            return None
        if left == right:
            slope = (3 * x1 * x1 + self.a) * int(invert(2 * y1, self.p)) % self.p
        else:
            slope = (y2 - y1) * int(invert(x2 - x1, self.p)) % self.p
        x3 = (slope * slope - x1 - x2) % self.p
        return x3, (slope * (x1 - x3) - y1) % self.p

    def multiply(self, factor: int, point: Affine) -> Affine:
        """*point* added up *factor* times, by doubling and adding."""
        total: Affine = None
        while factor:
            if factor & 1:
                total = self.add(total, point)
            point = self.add(point, point)
            factor >>= 1
        return total

    def contains(self, point: Affine) -> bool:
        """Whether *point* satisfies the equation of the curve."""
        if point is None:
            return True
        x, y = point
        return (
            0 <= x < self.p
            and 0 <= y < self.p
            and (y * y - x**3 - self.a * x - self.b) % self.p == 0
        )

    def encode(self, point: Affine) -> bytes:
        """``04 || x || y``; ValueError for the point at infinity."""
        if point is None:
            raise ValueError("the point at infinity is not sent")
        return b"\x04" + b"".join(value.to_bytes(self.size, "big") for value in point)

    def decode(self, encoded: bytes) -> Affine:
        """The point of ``04 || x || y``; ValueError when it is none of this curve."""
        if encoded[:1] != b"\x04" or len(encoded) != 1 + 2 * self.size:
            raise ValueError("the point is not 04 and two coordinates")
        middle = 1 + self.size
        point = int.from_bytes(encoded[1:middle], "big"), int.from_bytes(encoded[middle:], "big")
        if not self.contains(point):
            raise ValueError("the point is not on the curve")
        return point

    def public_key(self, private: int) -> bytes:
        """The encoded public key of *private*."""
        return self.encode(self.multiply(private, self.g))


def curve_of(p: int, a: int, b: int, generator: bytes, n: int) -> Curve:
    """The curve with these domain parameters; *generator* is an encoded point."""
    size = (p.bit_length() + 7) // 8
    x = int.from_bytes(generator[1 : 1 + size], "big")
    y = int.from_bytes(generator[1 + size :], "big")
    return Curve(p, a, b, (x, y), n)


_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF

SM2 = Curve(
    p=_P,
    a=_P - 3,
    b=0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93,
    g=(
        0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
        0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
    ),
    n=0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123,
)
"""The recommended curve of GB/T 32918.5."""

BRAINPOOL_P256R1 = Curve(
    p=0xA9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377,
    a=0x7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9,
    b=0x26DC5C6CE94A4B44F330B5D9BBD77CBF958416295CF7E1CE6BCCDC18FF8C07B6,
    g=(
        0x8BD2AEB9CB7E57CB2C4B482FFC81B7AFB9DE27E1E3BD23C23A4453BD9ACE3262,
        0x547EF835C3DAC4FD97F8461A14611DC9C27745132DED8E545C1D54C72F046997,
    ),
    n=0xA9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7,
)
"""The curve of RFC 5639 that ICAO's worked example of PACE uses."""

P_256 = Curve(
    p=0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
    a=0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFC,
    b=0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    g=(
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ),
    n=0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
)
"""The curve secp256r1 of SEC 2, which is P-256 in FIPS 186-4."""

CURVES = {"P-256": P_256, "SM2": SM2}
"""The curves of keys that statements declare, by the names they have there."""


def _wide(high: str, low: str) -> int:
    """A number that is written in two lines."""
    return int(high + low, 16)


P_384 = Curve(
    p=_wide(
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
        "FFFFFFFFFFFFFFFEFFFFFFFF0000000000000000FFFFFFFF",
    ),
    a=_wide(
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
        "FFFFFFFFFFFFFFFEFFFFFFFF0000000000000000FFFFFFFC",
    ),
    b=_wide(
        "B3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE814112",
        "0314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF",
    ),
    g=(
        _wide(
            "AA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B98",
            "59F741E082542A385502F25DBF55296C3A545E3872760AB7",
        ),
        _wide(
            "3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147C",
            "E9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F",
        ),
    ),
    n=_wide(
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
        "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973",
    ),
)
"""The curve secp384r1 of SEC 2, which is P-384 in FIPS 186-4."""

BRAINPOOL_P384R1 = Curve(
    p=_wide(
        "8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B4",
        "12B1DA197FB71123ACD3A729901D1A71874700133107EC53",
    ),
    a=_wide(
        "7BC382C63D8C150C3C72080ACE05AFA0C2BEA28E4FB22787",
        "139165EFBA91F90F8AA5814A503AD4EB04A8C7DD22CE2826",
    ),
    b=_wide(
        "04A8C7DD22CE28268B39B55416F0447C2FB77DE107DCD2A6",
        "2E880EA53EEB62D57CB4390295DBC9943AB78696FA504C11",
    ),
    g=(
        _wide(
            "1D1C64F068CF45FFA2A63A81B7C13F6B8847A3E77EF14FE3",
            "DB7FCAFE0CBD10E8E826E03436D646AAEF87B2E247D4AF1E",
        ),
        _wide(
            "8ABE1D7520F9C2A45CB1EB8E95CFD55262B70B29FEEC5864",
            "E19C054FF99129280E4646217791811142820341263C5315",
        ),
    ),
    n=_wide(
        "8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B3",
        "1F166E6CAC0425A7CF3AB6AF6B7FC3103B883202E9046565",
    ),
)
"""The curve of RFC 5639 for keys of 384 bits."""

STANDARDIZED = {12: P_256, 13: BRAINPOOL_P256R1, 15: P_384, 16: BRAINPOOL_P384R1}
"""The curves by the numbers that ICAO 9303-11, 9.5.1 gives them."""
