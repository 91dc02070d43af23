"""From the tables of a statement to a `Layout`, refusing what contradicts itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.layout import (
    SECURITY_STATES,
    SESSION,
    DedicatedFile,
    ElementaryFile,
    File,
    Item,
    Key,
    Kind,
    Layout,
    Reference,
    Right,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.operations import KeyTable
    from conformance.statement import FileTable, ReferenceTable, ScratchTable

_STATES = re.compile(r"state ([0-9a-f])-([0-9a-f])")
_TERM = re.compile(r"(?:pin|key):[A-Za-z0-9._-]+")


class LayoutError(ValueError):
    """A key and the rule it breaks."""


def build_layout(
    files: Sequence[FileTable],
    references: Sequence[ReferenceTable],
    *,
    pboc: bool = False,
    keys: Sequence[KeyTable] = (),
) -> Layout:
    """The layout that *files* and *references* describe; LayoutError on a contradiction.

    Reference data of the PBOC family has any number under any DF.
    """
    dedicated = _dedicated(files)
    held = tuple(_reference(table, index, dedicated) for index, table in enumerate(references))
    if not pboc:
        _check_numbers(references)
    _refuse_duplicates("reference", [(held_one.name,) for held_one in held], "name")
    _refuse_duplicates(
        "reference", [(table.df, table.number) for table in references], "number under one DF"
    )
    proofs = tuple(_proof(table, index, dedicated) for index, table in enumerate(keys))
    rules = _rules(held, proofs)
    nodes: list[File] = []
    for index, table in enumerate(files):
        key = f"file[{index}]"
        if table.kind is Kind.DF:
            nodes.append(dedicated[table.path])
        else:
            nodes.append(_elementary(table, key, dedicated, rules))
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
    found = tuple(_key(*one, rules) for one in zip(keys, proofs, strict=True))
    return Layout(tuple(nodes), held, found)


def check_scratch(layout: Layout, scratch: ScratchTable | None) -> None:
    """LayoutError when there is no DF for scratch files, or a file with one of their names."""
    if scratch is None:
        return
    df = layout.by_path(scratch.df)
    if not isinstance(df, DedicatedFile):
        raise LayoutError(f"scratch.df: {scratch.df} is not declared as a DF")
    for digits in scratch.file_identifiers:
        if layout.by_path(f"{scratch.df}/{digits}") is not None or int(digits, 16) == df.fid:
            raise LayoutError(f"scratch.file_identifiers: {digits} is a file that is there")


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
    return Reference(
        table.name or table.number,
        int(table.number, 16),
        dedicated[table.df],
        table.length,
        table.tries,
        table.floor,
        table.known,
        table.unblocked_by,
    )


Rules = dict[str, Reference]
"""What an access rule may ask for, by the words of the statement."""


def _rules(held: tuple[Reference, ...], proofs: tuple[Reference, ...]) -> Rules:
    pins = {f"pin:{reference.name}": reference for reference in held}
    return pins | {proof.name: proof for proof in proofs}


def _proof(table: KeyTable, index: int, dedicated: dict[str, DedicatedFile]) -> Reference:
    """The key as something that can be proven; it has no value that VERIFY would compare."""
    if table.df not in dedicated:
        raise LayoutError(f"operations.key[{index}].df: {table.df} is not declared as a DF")
    df, name = dedicated[table.df], f"key:{table.name}"
    return Reference(name, table.number, df, 0, table.tries, table.floor, known=False)


def _key(table: KeyTable, proof: Reference, rules: Rules) -> Key:
    where = f"operations.key {table.name}"
    return Key(
        table.name,
        table.number,
        proof.df,
        table.algorithm,
        frozenset(table.usage),
        {int(template, 16): mechanism for template, mechanism in table.implied.items()},
        _right(table.access, f"{where}.access", proof.df, rules),
        _right(table.generate, f"{where}.generate", proof.df, rules),
        bytes.fromhex(table.public),
        table.exponent,
        table.private,
        table.uses,
        table.spare,
        proof,
    )


def _check_numbers(references: Sequence[ReferenceTable]) -> None:
    """ISO/IEC 7816-4:2020, 11.6.6: bit 8 tells local reference data from global one."""
    for index, table in enumerate(references):
        if bool(int(table.number, 16) & 0x80) == (table.df == "3F00"):
            raise LayoutError(
                f"reference[{index}].number: bit 8 of {table.number} is set below a DF,"
                " clear in the MF"
            )


def _elementary(
    table: FileTable, key: str, dedicated: dict[str, DedicatedFile], held: Rules
) -> ElementaryFile:
    parent = dedicated.get(table.path.rpartition("/")[0])
    if parent is None:
        raise LayoutError(f"{key}.path: {table.path} is under a DF that is not declared")
    if table.name:
        raise LayoutError(f"{key}.name: only a DF has a name")
    if table.kind is not Kind.DATA_OBJECTS and not table.size:
        raise LayoutError(f"{key}.size: a {table.kind.value} EF needs its size in bytes")
    if table.items and (table.kind is not Kind.LINEAR_TLV or len(table.items) != table.records):
        raise LayoutError(f"{key}.items: a linear-tlv EF has as many items as records")
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
        items=tuple(
            Item(int(item.identifier, 16), item.length, item.coding) for item in table.items
        ),
        line=table.line,
    )


def _right(text: str, key: str, df: DedicatedFile, held: Rules) -> Right:
    """`always`, `never`, or `pin:NAME` and `key:NAME` joined by `and`, alternatives by `or`.

    Or `session`, an open secure channel. Or `state 1-f`: the security state of a card of the PBOC
    family is one of those.
    """
    if text == "never":
        return Right(())
    if text == "always":
        return Right((frozenset(),))
    if text == "session":
        return Right((frozenset({SESSION}),))
    if states := _STATES.fullmatch(text):
        first, last = (int(digit, 16) for digit in states.groups())
        return Right(tuple(frozenset({one}) for one in SECURITY_STATES[first : last + 1]))
    lineage = tuple(df.lineage())
    usable = {name: reference for name, reference in held.items() if reference.df in lineage}
    alternatives = []
    for alternative in text.split(" or "):
        terms = [_TERM.fullmatch(term.strip()) for term in alternative.split(" and ")]
        names = [term[0] if term else "" for term in terms]
        for name in names:
            if name not in usable:
                raise LayoutError(
                    f"{key}: {text!r} is not always, never, pin:NAME or key:NAME"
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
