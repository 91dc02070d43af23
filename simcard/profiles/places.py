"""Where in the text of a TOML file each table and each key stands: the parser does not say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

Location = tuple[int | str, ...]
"""The way to a value: keys of tables, and numbers of rows from 0."""

_NAME: Final = r"(?:[\w-]+|\"[^\"]*\"|'[^']*')"
_NAMES: Final = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_KEY: Final = re.compile(rf"\s*({_NAMES})\s*=")
_HEADER: Final = re.compile(rf"\s*(\[\[?)\s*({_NAMES})\s*\]")


class Place(NamedTuple):
    """Where something stands: how many parts of its location were found, and the line."""

    depth: int
    line: int


def find(text: str, location: Location) -> Place | None:
    """The place of the value at *location*, or of the innermost table around it that has one."""
    places = list(_places(text))
    for depth in range(len(location), 0, -1):
        for place, line in places:
            if place[:depth] == location[:depth]:
                return Place(depth, line)
    return None


def _places(text: str) -> Iterator[tuple[Location, int]]:
    """Each header and each key with the number of its line, from the first line on."""
    table: Location = ()
    rows: Counter[Location] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        key, header = _KEY.match(line), _HEADER.match(line)
        if key is not None:
            yield (*table, *_split(key[1])), number
        elif header is not None:
            table = _split(header[2])
            if header[1] == "[[":
                rows[table] += 1
                table = (*table, rows[table] - 1)
            elif rows[table[:1]]:  # a table of the row above
                table = (table[0], rows[table[:1]] - 1, *table[1:])
            yield table, number


def _split(names: str) -> Location:
    return tuple(name.strip().strip("\"'") for name in names.split("."))
