"""What a conformant card may answer: outcomes, each with the requirement it comes from.

An outcome allows some status words and some data fields. A rule of the model answers with a
`Ruling`: all the outcomes the standard leaves open, the plain one first, and the suspects, status
words that point to another requirement than the plain outcome's when a card answers with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from conformance.apdu import ResponseAPDU
    from conformance.model.state import State

Words = frozenset[int]
Then = Callable[["ResponseAPDU"], "State"]

NORMAL: Words = frozenset({0x9000})
MORE_DATA: Words = frozenset(range(0x6100, 0x6200))
EXACT_LENGTH: Words = frozenset(range(0x6C00, 0x6D00))
_NAMED = ((MORE_DATA, "61XX"), (EXACT_LENGTH, "6CXX"))


def words(*values: int) -> Words:
    """A set of status words."""
    return frozenset(values)


def spell(allowed: Words) -> str:
    """The set *allowed* for a reader: 9000, 6282, 6CXX."""
    names: list[str] = []
    for family, name in _NAMED:
        if family <= allowed:
            allowed, names = allowed - family, [*names, name]
    return ", ".join([f"{word:04X}" for word in sorted(allowed, reverse=True)] + names)


class DataRule(Protocol):
    """What a data field has to be."""

    def fault(self, data: bytes) -> str | None:
        """None when *data* is right, else the requirement it breaks ("" for the outcome's own)."""

    def __str__(self) -> str:
        """The rule for a reader."""


@dataclass(frozen=True, slots=True)
class Length:
    """A data field of *shortest* to *longest* bytes, whatever they are."""

    shortest: int
    longest: int

    def fault(self, data: bytes) -> str | None:
        """Only the length counts."""
        return None if self.shortest <= len(data) <= self.longest else ""

    def __str__(self) -> str:
        if self.longest == 0:
            return "no data"
        if self.shortest == self.longest:
            return f"{self.longest} bytes"
        return f"{self.shortest} to {self.longest} bytes"


NO_DATA = Length(0, 0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way a conformant card may answer, and the state it is in then."""

    requirement: str
    words: Words
    then: Then
    data: DataRule = NO_DATA

    def fits(self, response: ResponseAPDU) -> bool:
        """Whether *response* is this outcome."""
        return response.sw in self.words and self.data.fault(response.data) is None

    def __str__(self) -> str:
        return f"{spell(self.words)} with {self.data}: {self.requirement}"

    def veiled(self) -> str:
        """The same for an answer whose data nobody may read: of them only the length is told."""
        data = self.data if isinstance(self.data, Length) else "data that travel enciphered"
        return f"{spell(self.words)} with {data}: {self.requirement}"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A forbidden answer that gives its own requirement away: "accepted a wrong PIN"."""

    requirement: str
    words: Words


@dataclass(frozen=True, slots=True)
class Ruling:
    """The outcomes of one command in one state, the plain one first."""

    outcomes: tuple[Outcome, ...]
    suspects: tuple[Suspect, ...] = ()

    def blame(self, response: ResponseAPDU) -> str:
        """The requirement that *response*, which fits no outcome, breaks."""
        for outcome in self.outcomes:
            if response.sw in outcome.words:
                return outcome.data.fault(response.data) or outcome.requirement
        for suspect in self.suspects:
            if response.sw in suspect.words:
                return suspect.requirement
        return self.outcomes[0].requirement


def ruling(*outcomes: Outcome, suspects: Iterable[Suspect] = ()) -> Ruling:
    """A ruling of *outcomes*, the plain one first."""
    return Ruling(outcomes, tuple(suspects))
