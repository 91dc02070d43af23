"""What a card has at hand for operations: the security environment, a hash code, a challenge.

ISO/IEC 7816-4:2020, 10.3. A `Desk` belongs to one logical channel and is cleared by a reset; the
`Works` are what the card keeps, or what this history has learned of its keys. Both are immutable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from conformance.layout import DedicatedFile, Key

COMPUTES, VERIFIES = 0x40, 0x80
"""Bits of P1 and of the usage qualifier (ISO/IEC 7816-4:2020, table 57)."""
Objects = tuple[tuple[int, bytes], ...]


class Component(NamedTuple):
    """One control reference template that is set; None for objects that cannot be known."""

    template: int
    side: int
    objects: Objects | None


class Hashed(NamedTuple):
    """A hash code that HASH has left on the card, its function, and where that was."""

    function: str
    code: bytes
    df: DedicatedFile


@dataclass(frozen=True, slots=True)
class Desk:
    """What one logical channel has at hand."""

    components: tuple[Component, ...] = ()
    known: bool = True
    """Whether the components are all there are."""
    hashed: Hashed | None = None
    disturbed: bool = False
    """Whether something came between HASH and the signature, which a card may forget it for."""
    challenge: bytes = field(default=b"", repr=False)
    """The challenge that the next proof is over; empty when there is none."""
    spent: bool = False
    """Whether there was one, which has served."""

    def component(self, template: int, side: int) -> Component | None:
        """The component that says something about *template* on *side*."""
        for one in self.components:
            if one.template == template and one.side & side:
                return one
        return None

    def with_component(self, new: Component) -> Desk:
        """The desk after SET: *new* instead of every component it overlaps.

        What a card does with the other half of a template that was set for both sides is not said.
        """
        kept: list[Component] = []
        for old in self.components:
            other_side = old.side & ~new.side
            if old.template != new.template or not old.side & new.side:
                kept.append(old)
            elif other_side:
                kept.append(Component(old.template, other_side, None))
        return replace(self, components=(*kept, new), disturbed=self.hashed is not None)

    def cleared(self) -> Desk:
        """The desk with no environment on it."""
        return replace(self, components=(), known=True, disturbed=self.hashed is not None)


EMPTY = Desk()
Stored = tuple[Component, ...]


@dataclass(frozen=True, slots=True)
class Works:
    """What lasts: stored environments, and what was learned of the keys in this history."""

    stored: Mapping[tuple[DedicatedFile, int], Stored] = field(default_factory=dict)
    publics: Mapping[Key, bytes] = field(default_factory=dict)
    """Public values that were read or generated, where the statement has none."""
    cryptograms: Mapping[tuple[bytes, bytes], bytes] = field(default_factory=dict)
    """Messages that the card enciphered, by public value and cryptogram."""
    nonces: Mapping[bytes, bytes] = field(default_factory=dict)
    """The first halves of signatures of curves, and what was signed with each of them."""
    used: Mapping[Key, int] = field(default_factory=dict)

    def public_of(self, key: Key) -> bytes:
        """The public value of *key*, empty while it is not known."""
        return key.public or self.publics.get(key, b"")


NOTHING = Works()
