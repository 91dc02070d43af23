"""Data fields made of fields one behind the other, as the tables lay them out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from conformance.reporting.tables import Note, table

IN_DECIMAL = Note("{n} in decimal")


class Piece(NamedTuple):
    """One field: what it is called, its bytes, and what they say."""

    name: str
    value: bytes
    note: Note | None


class Field(NamedTuple):
    """A field of a layout; the length 0 means all that is left."""

    name: str
    length: int
    is_number: bool = False


class Layout(NamedTuple):
    """How the data of a command and of its answer are laid out; `name` is "" where nothing new."""

    cla: int
    ins: int
    p1: frozenset[int]
    p2: frozenset[int]
    name: str
    command: tuple[Field, ...]
    answer: tuple[Field, ...]

    def fits(self, cla: int, ins: int, p1: int, p2: int) -> bool:
        """Whether it is about this header; a logical channel makes no difference."""
        there = (cla & ~0x03, ins) == (self.cla, self.ins)
        return there and (not self.p1 or p1 in self.p1) and (not self.p2 or p2 in self.p2)


@cache
def _layouts() -> tuple[Layout, ...]:
    return tuple(
        Layout(
            int(entry["class"], 16),
            int(entry["ins"], 16),
            frozenset(int(digits, 16) for digits in entry.get("p1", ())),
            frozenset(int(digits, 16) for digits in entry.get("p2", ())),
            entry.get("name", ""),
            _fields(entry.get("command", ())),
            _fields(entry.get("answer", ())),
        )
        for entry in table("layouts")["layout"]
    )


def _fields(rows: Sequence[Sequence[str | int]]) -> tuple[Field, ...]:
    return tuple(Field(str(row[0]), int(row[1]), "number" in row[2:]) for row in rows)


@cache
def _values() -> dict[tuple[str, str], tuple[Field, ...]]:
    entries = table("layouts")["value"]
    return {(entry["within"], entry["tag"]): _fields(entry["fields"]) for entry in entries}


def layout_of(header: Sequence[int]) -> Layout | None:
    """The layout for CLA, INS, P1 and P2, or None."""
    return next((one for one in _layouts() if one.fits(*header)), None)


def value_of(within: str, tag: str, data: bytes) -> tuple[Piece, ...]:
    """The fields in the value of a data object; none where nothing is known, or nothing fits."""
    return pieces(data, _values().get((within, tag), ()))


def pieces(data: bytes, fields: Sequence[Field]) -> tuple[Piece, ...]:
    """*data* cut into *fields*; nothing when the lengths do not add up."""
    rest = len(data) - sum(one.length for one in fields)
    if not fields or rest < 0 or (rest and all(one.length for one in fields)):
        return ()
    return tuple(_cut(data, fields, rest))


def _cut(data: bytes, fields: Sequence[Field], rest: int) -> Iterator[Piece]:
    position = 0
    for one in fields:
        value = data[position : position + (one.length or rest)]
        position += len(value)
        number = IN_DECIMAL._replace(number=int.from_bytes(value, "big"))
        if value:
            yield Piece(one.name, value, number if one.is_number else None)
