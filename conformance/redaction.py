"""What is never written out: values of keys and reference data in bytes and texts, made slots.

A slot is `{KIND:NAME}`: the value of NAME in the keys file, changed as KIND says. Whoever holds
the keys file can put the bytes back, so a script with slots can be replayed, and by nobody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

Derivation = Callable[[bytes], bytes]

GUESSES: Mapping[str, Derivation] = {
    "pin": lambda value: value,
    "wrong": lambda value: value[:-1] + bytes((value[-1] ^ 0x01,)),
    "other": lambda value: bytes((value[0] ^ 0x01,)) + value[1:],
    "short": lambda value: value[:-1],
    "long": lambda value: value + b"0",
}
"""How each kind of guess at reference data follows from the right value."""
MADE_UP = b"0"
"""What a value consists of that stands for none: `{zeros:LENGTH}`."""
SPARE = 0x5A


def spare_key(value: bytes) -> bytes:
    """The key that the judge loads where it may; it follows from one that it holds."""
    return bytes(byte ^ SPARE for byte in value)


def _part(value: bytes, number: int) -> bytes:
    """One of the three keys that a value of SCP03 is made of."""
    size = len(value) // 3
    return value[number * size : (number + 1) * size] if len(value) % 48 == 0 else b""


FORMS: Mapping[str, Derivation] = {
    "key": lambda value: value,
    "expanded": lambda value: value + value[:8] if len(value) == 16 else b"",
    "first": partial(_part, number=0),
    "second": partial(_part, number=1),
    "third": partial(_part, number=2),
    "spare": spare_key,
}
"""The forms in which the value of a key may turn up: `expanded` is K1 K2 K1 of triple DES."""
SHORTEST = 8
"""A shorter key turns up in other data by chance."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A value that is not written, and the slot that is written instead."""

    slot: str
    value: bytes

    def spellings(self) -> Iterator[str]:
        """The value as a text may hold it: in hexadecimal, or as the characters it codes."""
        for digits in (self.value.hex(), self.value.hex(" ")):
            yield digits.upper()
            yield digits
        text = self.value.decode("latin-1")
        if text.isprintable():
            yield text


def hidden_guesses(values: Mapping[str, bytes]) -> tuple[Hidden, ...]:
    """Every guess at the reference data *values*."""
    return tuple(
        Hidden(f"{{{kind}:{name}}}", derive(value))
        for name, value in values.items()
        for kind, derive in GUESSES.items()
    )


def hidden_keys(values: Mapping[str, bytes]) -> tuple[Hidden, ...]:
    """Every form of the keys *values*, the longest first."""
    found = (
        Hidden(f"{{{kind}:{name}}}", derive(value))
        for kind, derive in FORMS.items()
        for name, value in values.items()
    )
    long = (one for one in found if len(one.value) >= SHORTEST)
    return tuple(sorted(long, key=lambda one: len(one.value), reverse=True))


def masked(raw: bytes, hidden: Sequence[Hidden]) -> str:
    """*raw* in hexadecimal, with each of *hidden* that is in it replaced by its slot."""
    for one in hidden:
        if one.value and one.value in raw:
            before, _, after = raw.partition(one.value)
            return masked(before, hidden) + one.slot + masked(after, hidden)
    return raw.hex().upper()


def split(data: bytes, guesses: Iterable[Hidden]) -> str:
    """*data* as the slots of one guess, or of two in a row; nothing if it is neither."""
    slots: dict[bytes, str] = {}
    for one in guesses:
        slots.setdefault(one.value, one.slot)
    if data in slots:
        return slots[data]
    for size in range(1, len(data)):
        if data[:size] in slots and data[size:] in slots:
            return slots[data[:size]] + slots[data[size:]]
    return ""


def told(text: str, hidden: Iterable[Hidden]) -> str:
    """*text* with each of *hidden* that it spells replaced by its slot."""
    for one in hidden:
        for spelling in one.spellings():
            text = text.replace(spelling, one.slot)
    return text
