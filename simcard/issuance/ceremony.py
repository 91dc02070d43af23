"""The root secret in the hands of several people: any k of n components bring it back.

Shamir's scheme over GF(2^8), byte by byte: each component is a point of a random polynomial of
degree k-1 whose value at 0 is the secret; fewer than k points say nothing about it. The field is
that of AES (x^8 + x^4 + x^3 + x + 1). Every component carries the check value of the whole, so that
a wrong one is noticed when they meet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

CHECK_SIZE: Final = 3
COMPONENTS_MAX: Final = 16
_POLYNOMIAL: Final = 0x11B


class CeremonyError(ValueError):
    """The components do not make a secret; the message says why, never what they hold."""


@dataclass(frozen=True, slots=True)
class Component:
    """One person's part: its number (the x of the point), how many are needed, and its bytes."""

    number: int
    needed: int
    value: bytes
    check: bytes

    def encode(self) -> str:
        """The component as it is written down: number, number needed, check value, bytes."""
        fields = (f"{self.number}/{self.needed}", self.check.hex(), self.value.hex())
        return "-".join(fields).upper()

    @classmethod
    def decode(cls, text: str) -> Component:
        """The component that *text* writes down; `CeremonyError` for anything else."""
        try:
            where, check, value = text.strip().split("-")
            number, needed = map(int, where.split("/"))
            component = cls(number, needed, bytes.fromhex(value), bytes.fromhex(check))
        except ValueError:
            raise CeremonyError("a component reads NUMBER/NEEDED-CHECK-BYTES") from None
        if not 1 <= number <= COMPONENTS_MAX or len(component.check) != CHECK_SIZE:
            raise CeremonyError(f"component {number}: its number or its check value is malformed")
        return component


def check_value(secret: bytes) -> bytes:
    """Three bytes that tell whether the right secret came together, and nothing about it else."""
    return sha256(b"ceremony check value" + secret).digest()[:CHECK_SIZE]


def split(
    secret: bytes, needed: int, people: int, random: Callable[[int], bytes]
) -> list[Component]:
    """*people* components of *secret*, any *needed* of which restore it.

    CeremonyError unless 2 <= needed <= people <= 16.
    """
    if not 2 <= needed <= people <= COMPONENTS_MAX:
        raise CeremonyError(
            f"{needed} of {people}: at least 2, and at most {COMPONENTS_MAX} people"
        )
    coefficients = [secret, *(random(len(secret)) for _ in range(needed - 1))]
    return [
        Component(number, needed, _value_at(coefficients, number), check_value(secret))
        for number in range(1, people + 1)
    ]


def combine(components: Sequence[Component]) -> bytes:
    """The secret behind *components*; CeremonyError when they are too few, mixed up or wrong."""
    kinds = {(part.needed, part.check, len(part.value)) for part in components}
    if len(kinds) != 1:
        raise CeremonyError("the components belong to different secrets")
    needed = components[0].needed
    numbers = [part.number for part in components]
    if len(set(numbers)) != len(numbers):
        raise CeremonyError("a component is there twice")
    if len(components) < needed:
        raise CeremonyError(f"{needed} components are needed, {len(components)} are there")
    secret = _at_zero(components[:needed])
    if check_value(secret) != components[0].check:
        raise CeremonyError("the check value is another: a component is wrong")
    return secret


def _value_at(coefficients: Sequence[bytes], x: int) -> bytes:
    """The polynomial's value at *x*, by Horner's rule, for every byte at once."""
    value = bytes(len(coefficients[0]))
    for coefficient in reversed(coefficients):
        value = bytes(_times(v, x) ^ c for v, c in zip(value, coefficient, strict=True))
    return value


def _at_zero(components: Sequence[Component]) -> bytes:
    """Lagrange interpolation at 0."""
    secret = bytes(len(components[0].value))
    for part in components:
        weight = 1
        for other in components:
            if other.number != part.number:
                weight = _times(weight, other.number)
                weight = _times(weight, _inverse(other.number ^ part.number))
        secret = bytes(s ^ _times(v, weight) for s, v in zip(secret, part.value, strict=True))
    return secret


def _times(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0x100:
            a ^= _POLYNOMIAL
        b >>= 1
    return product


def _inverse(a: int) -> int:
    """a^254: every element but 0 has order dividing 255."""
    result, square = 1, a
    for bit in range(8):
        if 254 >> bit & 1:
            result = _times(result, square)
        square = _times(square, square)
    return result
