"""Choices that follow from one number: what Hypothesis draws for a move of a history.

Hypothesis takes about 40 us for a single draw, a card in this process about 20 us for a command.
So it draws one number for a move, and everything about the move follows from that number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")

FACES = 1 << 24
"""How many numbers may be drawn; Hypothesis draws evenly only among so many."""
NUMBERS = st.integers(1 << 100, (1 << 100) + FACES - 1)
"""They are large because Hypothesis mixes numbers in that it finds in the source of the modules it
sees loaded. None of those lies here, so the same seed draws the same, installed or not."""
_WORD = (1 << 64) - 1
_MULTIPLIER, _INCREMENT = 6364136223846793005, 1442695040888963407
_HIGH = 33


class Dice:
    """The choices that follow from *number* and *salt*, the same ones every time.

    Hypothesis draws its simplest number about every tenth time and fills the first two histories
    with it. The salt makes that another choice at each place of a history, and for each seed.
    A linear congruential generator of 64 bits (Knuth, MMIX), of which the upper 31 bits are used.
    """

    __slots__ = ("_state",)

    def __init__(self, number: int, salt: int = 0) -> None:
        self._state = number % FACES + salt * FACES
        self.below(1)

    def below(self, count: int) -> int:
        """A number from 0 to *count* - 1."""
        self._state = (self._state * _MULTIPLIER + _INCREMENT) & _WORD
        return (self._state >> _HIGH) % count

    def between(self, least: int, most: int) -> int:
        """A number from *least* to *most*."""
        return least + self.below(most - least + 1)

    def pick(self, choices: Sequence[T]) -> T:
        """One of *choices*; one that stands there twice comes up twice as often."""
        return choices[self.below(len(choices))]

    def some(self, one: Callable[[Dice], T], least: int, most: int) -> list[T]:
        """From *least* to *most* of what *one* gives."""
        return [one(self) for _ in range(self.between(least, most))]
