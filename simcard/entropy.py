"""Where the card's random numbers come from: always handed in, never drawn by the core itself."""

from __future__ import annotations

from hashlib import sha256
from typing import Protocol, Self


class Entropy(Protocol):
    """A source of random bytes."""

    def draw(self, length: int) -> bytes:
        """The next *length* bytes."""

    def fork(self) -> Self:
        """A source for a fork of the card: it yields what this one would have yielded."""


class SeededEntropy:
    """SHA-256 in counter mode over a seed: the same seed gives the same bytes for ever."""

    __slots__ = ("_counter", "_seed")

    def __init__(self, seed: int, counter: int = 0) -> None:
        self._seed = seed
        self._counter = counter

    def draw(self, length: int) -> bytes:
        """The next *length* bytes of the stream; a part-used block is not carried over."""
        drawn = bytearray()
        while len(drawn) < length:
            drawn += sha256(f"simcard {self._seed} {self._counter}".encode()).digest()
            self._counter += 1
        return bytes(drawn[:length])

    def fork(self) -> SeededEntropy:
        """The same stream from the same place."""
        return SeededEntropy(self._seed, self._counter)


class ScriptedEntropy:
    """Bytes written down beforehand, to replay a published exchange; then another source."""

    __slots__ = ("_script", "_then")

    def __init__(self, script: bytes, then: Entropy) -> None:
        self._script = script
        self._then = then

    def draw(self, length: int) -> bytes:
        """The next *length* bytes of the script while it lasts."""
        if not self._script:
            return self._then.draw(length)
        drawn, self._script = self._script[:length], self._script[length:]
        return drawn + (self._then.draw(length - len(drawn)) if len(drawn) < length else b"")

    def fork(self) -> ScriptedEntropy:
        """The same script from the same place."""
        return ScriptedEntropy(self._script, self._then.fork())
