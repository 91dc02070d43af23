"""Writes vectors/INDEX.toml from the files that are there: python tests/vectors/make_index.py."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

from vector_files import ROOM, family_files

HEAD = "# Written by tests/vectors/make_index.py; run it when a file has changed on purpose.\n"
OTHERS = ("exchanges/**/*.apdu", "images/*.img")


def row_of(path: Path) -> dict[str, Any]:
    """The line of one file: what it is, how much is in it, where it comes from, its digest."""
    name = path.relative_to(ROOM).as_posix()
    content = path.read_bytes()
    family, count, sources = Path(name).parts[0], 1, list[str]()
    if name.endswith(".json"):
        entries = json.loads(content)["entries"]
        family, count = path.stem, len(entries)
        sources = list(dict.fromkeys(entry["source"]["doc"] for entry in entries))
    elif name == "status_words.toml":
        words = tomllib.loads(content.decode())["words"]
        family, count = path.stem, len(words)
        sources = list(dict.fromkeys(word["source"] for word in words))
    digest = hashlib.sha256(content).hexdigest()
    return {"file": name, "family": family, "count": count, "sources": sources, "sha256": digest}


def index_text(rows: list[dict[str, Any]]) -> str:
    """The index with one line a file."""
    lines = []
    for row in rows:
        # JSON strings, numbers and arrays of strings are TOML as well.
        fields = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in row.items())
        lines.append("  { " + ", ".join(fields) + " },")
    return HEAD + "files = [\n" + "\n".join(lines) + "\n]\n"


def indexed_files() -> list[Path]:
    """Families first, then the tables, the exchanges and the images."""
    others = (path for pattern in OTHERS for path in sorted(ROOM.glob(pattern)) if path.is_file())
    return [*family_files(), ROOM / "status_words.toml", *others]


if __name__ == "__main__":
    (ROOM / "INDEX.toml").write_text(
        index_text([row_of(path) for path in indexed_files()]), "utf-8"
    )
