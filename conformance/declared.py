"""From the tables of a statement to a `Layout`, refusing what contradicts itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.layout import (
    DedicatedFile,
    ElementaryFile,
    File,
    Kind,
    Layout,
    Reference,
    Right,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.statement import FileTable, ReferenceTable

_TERM = re.compile(r"pin:([A-Za-z0-9._-]+)")


class LayoutError(ValueError):
    """A key and the rule it breaks."""


def build_layout(files: Sequence[FileTable], references: Sequence[ReferenceTable]) -> Layout:
    """The layout that *files* and *references* describe; LayoutError on a contradiction."""
    dedicated = _dedicated(files)
    held = tuple(_reference(table, index, dedicated) for index, table in enumerate(references))
    _refuse_duplicates("reference", [(held_one.name,) for held_one in held], "name")
    _refuse_duplicates(
        "reference", [(table.df, table.number) for table in references], "number under one DF"
    )
    nodes: list[File] = []
    for index, table in enumerate(files):
        key = f"file[{index}]"
        if table.kind is Kind.DF:
            nodes.append(dedicated[table.path])
        else:
            nodes.append(_elementary(table, key, dedicated, held))
    _refuse_duplicates("file", [(table.path,) for table in files], "file identifier under one DF")
    _refuse_duplicates(
        "file",
        [(df.name,) if isinstance(df, DedicatedFile) and df.name else None for df in nodes],
        "DF name",
    )
    _refuse_duplicates(
        "file",
        [
            (ef.parent.path, ef.sfi) if isinstance(ef, ElementaryFile) and ef.sfi else None
            for ef in nodes
        ],
        "short EF identifier under one DF",
    )
    return Layout(tuple(nodes), held)


def _dedicated(files: Sequence[FileTable]) -> dict[str, DedicatedFile]:
    if not files or files[0].path != "3F00" or files[0].kind is not Kind.DF:
        raise LayoutError("file[0]: the first file is the MF, path 3F00 and kind df")
    found: dict[str, DedicatedFile] = {}
    for index, table in enumerate(files):
        if table.kind is not Kind.DF:
            continue
        parent = None
        if "/" in table.path:
            parent = found.get(table.path.rpartition("/")[0])
            if parent is None:
                raise LayoutError(
                    f"file[{index}].path: {table.path} is under a DF that no earlier table declares"
                )
        if table.size or table.records or table.sfi:
            raise LayoutError(f"file[{index}]: a DF has no size, records or sfi")
        name = bytes.fromhex(table.name)
        found[table.path] = DedicatedFile(table.path, int(table.path[-4:], 16), parent, name)
    return found


def _reference(table: ReferenceTable, index: int, dedicated: dict[str, DedicatedFile]) -> Reference:
    key = f"reference[{index}]"
    if table.df not in dedicated:
        raise LayoutError(f"{key}.df: {table.df} is not declared as a DF")
    if table.floor > table.tries:
        raise LayoutError(
            f"{key}.floor: {table.floor} is more than the {table.tries} tries there are"
        )
    number = int(table.number, 16)
    if bool(number & 0x80) == (table.df == "3F00"):
        raise LayoutError(
            f"{key}.number: bit 8 of {table.number} is set below a DF, clear in the MF"
        )
    return Reference(
        table.name or table.number,
        number,
        dedicated[table.df],
        table.length,
        table.tries,
        table.floor,
        table.known,
    )


def _elementary(
    table: FileTable, key: str, dedicated: dict[str, DedicatedFile], held: tuple[Reference, ...]
) -> ElementaryFile:
    parent = dedicated.get(table.path.rpartition("/")[0])
    if parent is None:
        raise LayoutError(f"{key}.path: {table.path} is under a DF that is not declared")
    if table.name:
        raise LayoutError(f"{key}.name: only a DF has a name")
    if table.kind is not Kind.DATA_OBJECTS and not table.size:
        raise LayoutError(f"{key}.size: a {table.kind.value} EF needs its size in bytes")
    if table.kind.has_records != bool(table.records):
        raise LayoutError(f"{key}.records: a number of records belongs to an EF with records only")
    read = _right(table.read, f"{key}.read", parent, held)
    update = _right(table.update, f"{key}.update", parent, held)
    if table.writable and (update.never or read.never):
        raise LayoutError(f"{key}.writable: what is never read or updated cannot be put back")
    return ElementaryFile(
        table.path,
        int(table.path[-4:], 16),
        parent,
        table.kind,
        table.sfi,
        table.size,
        table.records,
        read,
        update,
        table.writable,
    )


def _right(text: str, key: str, df: DedicatedFile, held: tuple[Reference, ...]) -> Right:
    """`always`, `never`, or `pin:NAME` joined by `and`, the alternatives joined by `or`."""
    if text == "never":
        return Right(())
    if text == "always":
        return Right((frozenset(),))
    lineage = tuple(df.lineage())
    usable = {reference.name: reference for reference in held if reference.df in lineage}
    alternatives = []
    for alternative in text.split(" or "):
        terms = [_TERM.fullmatch(term.strip()) for term in alternative.split(" and ")]
        names = [term[1] if term else "" for term in terms]
        for name in names:
            if name not in usable:
                raise LayoutError(
                    f"{key}: {text!r} is not always, never or pin:NAME"
                    f" of a reference in the DF or above ({', '.join(usable) or 'none'})"
                )
        alternatives.append(frozenset(usable[name] for name in names))
    return Right(tuple(alternatives))


def _refuse_duplicates(key: str, values: Sequence[tuple[object, ...] | None], what: str) -> None:
    seen: set[tuple[object, ...]] = set()
    for index, value in enumerate(values):
        if value is None:
            continue
        if value in seen:
            raise LayoutError(f"{key}[{index}]: the same {what} is declared twice: {value[-1]!s}")
        seen.add(value)
