"""The known answers as the simulator's tests read them, and how a check is held against one."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOM = Path(__file__).resolve().parents[2] / "vectors"


class Inputs(dict[str, Any]):
    """The inputs of an entry by name; calling it gives the bytes of a hexadecimal one."""

    def __call__(self, name: str) -> bytes:
        return bytes.fromhex(self[name])

    def number(self, name: str) -> int:
        """A hexadecimal input as a big-endian number."""
        return int.from_bytes(self(name), "big")


Check = Callable[[Inputs], dict[str, Any]]


class Entry(NamedTuple):
    """One entry of one family."""

    family: str
    id: str
    op: str
    inputs: dict[str, Any]
    expected: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.family}/{self.id}"


def family_files() -> list[Path]:
    return sorted(ROOM.glob("*.json"))


def entries_of(text: str) -> list[Entry]:
    document = json.loads(text)
    return [
        Entry(document["family"], row["id"], row["op"], row["inputs"], row["expected"])
        for row in document["entries"]
    ]


def all_entries() -> list[Entry]:
    return [entry for path in family_files() for entry in entries_of(path.read_text("utf-8"))]


def index_rows() -> list[dict[str, Any]]:
    return list(tomllib.loads((ROOM / "INDEX.toml").read_text("utf-8"))["files"])


def domain_parameters(name: str) -> Inputs:
    """The parameters of the curve or group called *name*, from the family of groups."""
    rows = json.loads((ROOM / "groups.json").read_text("utf-8"))["entries"]
    return next(
        Inputs(row["inputs"])
        for row in rows
        if name in (row["inputs"].get(k) for k in ("curve", "group"))
    )


def shown(value: Any) -> Any:
    """A result as the files write it: bytes as upper-case hexadecimal, tuples as lists."""
    if isinstance(value, bytes):
        return value.hex().upper()
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    return value


def assert_agrees(check: Check, inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    """What *check* makes of *inputs* is what the entry expects."""
    results = check(Inputs(inputs))
    found = {name: shown(results[name]) for name in expected}
    assert found == expected


def strings_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every string in *value* with the path to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings_in(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from strings_in(item, (*path, place))
