"""The judge's way to the vectors: families of known answers, and the index that guards them."""

import hashlib
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conformance.resources import resource_root


class VectorError(ValueError):
    """A vector file that the index does not know, or that is not the file it knows."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One known answer: what to do (*op*) with *inputs*, and what must come of it."""

    family: str
    id: str
    op: str
    inputs: dict[str, Any]
    expected: dict[str, Any]

    @property
    def name(self) -> str:
        """Family and id, as a test is called."""
        return f"{self.family}/{self.id}"


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One line of the index: a file, its family, the entries in it, and its SHA-256."""

    file: str
    family: str
    count: int
    sources: tuple[str, ...]
    sha256: str


def index() -> dict[str, IndexRow]:
    """The rows of ``INDEX.toml`` by file name."""
    rows = tomllib.loads((resource_root("vectors") / "INDEX.toml").read_text("utf-8"))["files"]
    return {row["file"]: IndexRow(**row | {"sources": tuple(row["sources"])}) for row in rows}


def read(file: str) -> bytes:
    """The content of *file* in the data room; VectorError unless the index has its digest."""
    content = resource_root("vectors").joinpath(*file.split("/")).read_bytes()
    row = index().get(file)
    if row is None:
        raise VectorError(f"{file}: not in INDEX.toml")
    if hashlib.sha256(content).hexdigest() != row.sha256:
        raise VectorError(f"{file}: the SHA-256 is not the one in INDEX.toml")
    return content


def family(name: str) -> list[Vector]:
    """The known answers of the family *name*, in the order of the file."""
    document = json.loads(read(f"{name}.json"))
    return [
        Vector(name, entry["id"], entry["op"], entry["inputs"], entry["expected"])
        for entry in document["entries"]
    ]


def families() -> Iterator[str]:
    """The names of all families that are JSON files."""
    return (row.family for row in index().values() if row.file.endswith(".json"))
