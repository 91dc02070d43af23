"""The tree of files: mounted from memory at power-on, a value that structural commands replace.

A `Tree` never changes. CREATE FILE and its like make a new one, which the engine adopts together
with the memory's commit, so tree and memory cannot disagree and forks of a card share one tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self

from simcard.files.descriptors import HEAD, File, FileKind, LifeCycle, describe
from simcard.files.store import CellStore, LayoutError, Region
from simcard.tlv import Tlv, parse


@dataclass(frozen=True, slots=True)
class Tree:
    """All files of a card, with the indexes that make a look-up cost the same for any number.

    `dormant` holds the cells of deactivated and terminated files, `with_names` the DFs that have
    a name, by their cells.
    """

    files: dict[int, File]
    children: dict[int, tuple[int, ...]]
    by_identifier: dict[tuple[int, int], File]
    by_sfi: dict[tuple[int, int], File]
    internal: dict[tuple[int, FileKind, int], File]
    with_names: dict[int, File]
    dormant: set[int]
    root: int

    @classmethod
    def of(cls, files: list[File], root: int) -> Self:
        """The tree of *files*, whose MF lies at cell *root*; LayoutError when it is missing."""
        tree = cls({}, {}, {}, {}, {}, {}, set(), root)
        for file in files:
            tree._enter(file)
        if root not in tree.files:
            raise LayoutError(f"offset 10: no file starts at cell {root}, where the MF should be")
        return tree

    @classmethod
    def mount(cls, store: CellStore) -> Self:
        """Read every file head in *store*."""
        table = store.table()
        files = [
            read_head(store, head, store.region(store.chain(head, table)))
            for head in store.heads(table)
        ]
        return cls.of(files, store.root)

    @property
    def mf(self) -> File:
        """The master file."""
        return self.files[self.root]

    def child(self, df: File, identifier: int) -> File | None:
        """The DF or EF *identifier* immediately under *df*."""
        return self.by_identifier.get((df.cell, identifier))

    def parent(self, file: File) -> File:
        """The DF above *file*; the MF is its own."""
        return self.files[file.parent or file.cell]

    def lineage(self, df: File) -> Iterator[File]:
        """*df*, the DF above it, and so on up to the MF."""
        yield df
        while df.cell != self.root:
            df = self.files[df.parent]
            yield df

    def below(self, df: File) -> Iterator[File]:
        """Everything under *df*, a parent before its children."""
        for cell in self.children.get(df.cell, ()):
            yield self.files[cell]
            yield from self.below(self.files[cell])

    def keys(self, df: File) -> Iterator[File]:
        """The keys in reach of *df*: its own, then those of the DFs above it."""
        for home in self.lineage(df):
            for cell in self.children.get(home.cell, ()):
                if self.files[cell].kind is FileKind.KEY:
                    yield self.files[cell]

    def named(self) -> list[File]:
        """The DFs that have a name, in the order of their cells."""
        return [self.with_names[cell] for cell in sorted(self.with_names)]

    def with_file(self, file: File) -> Tree:
        """This tree with *file* new in it, or in the place of the one at the same cell."""
        tree = self._copy()
        old = tree.files.get(file.cell)
        if old is not None:
            tree._remove(old)
        tree._enter(file)
        return tree

    def without(self, files: list[File]) -> Tree:
        """This tree without *files*."""
        tree = self._copy()
        for file in files:
            tree._remove(file)
        return tree

    def _copy(self) -> Tree:
        return Tree(
            dict(self.files),
            dict(self.children),
            dict(self.by_identifier),
            dict(self.by_sfi),
            dict(self.internal),
            dict(self.with_names),
            set(self.dormant),
            self.root,
        )

    def _enter(self, file: File) -> None:
        self.files[file.cell] = file
        if file.names:
            self.with_names[file.cell] = file
        if not file.is_usable:
            self.dormant.add(file.cell)
        if file.parent:
            self.children[file.parent] = (*self.children.get(file.parent, ()), file.cell)
        if file.kind in (FileKind.DF, FileKind.EF):
            self.by_identifier[file.parent, file.identifier] = file
            if file.sfi:
                self.by_sfi[file.parent, file.sfi] = file
        else:
            self.internal[file.parent, file.kind, file.identifier] = file

    def _remove(self, file: File) -> None:
        del self.files[file.cell]
        self.with_names.pop(file.cell, None)
        self.dormant.discard(file.cell)
        siblings = self.children.get(file.parent, ())
        self.children[file.parent] = tuple(cell for cell in siblings if cell != file.cell)
        if file.kind in (FileKind.DF, FileKind.EF):
            self.by_identifier.pop((file.parent, file.identifier))
            if file.sfi:
                self.by_sfi.pop((file.parent, file.sfi))
        else:
            self.internal.pop((file.parent, file.kind, file.identifier))


def read_head(store: CellStore, cell: int, region: Region) -> File:
    """The file whose chain starts at *cell*; LayoutError when its head makes no sense."""
    try:
        kind, life_cycle, parent, identifier, attributes_size, body_size = HEAD.unpack(
            region.read(store.memory, 0, HEAD.size)
        )
        start = HEAD.size + attributes_size
        encoded = region.read(store.memory, HEAD.size, attributes_size)
        attributes, described = _decoded(encoded, kind)
        return File(
            cell=cell,
            kind=FileKind(kind),
            life_cycle=LifeCycle.from_byte(life_cycle),
            parent=parent,
            identifier=identifier,
            attributes=attributes,
            region=region.part(start, body_size),
            **described,
        )
    except (ValueError, AssertionError) as error:
        raise LayoutError(f"cell {cell}: no file head: {error}") from error


@lru_cache(maxsize=1024)
def _decoded(encoded: bytes, kind: int) -> tuple[tuple[Tlv, ...], dict[str, Any]]:
    """The attributes and what they say; remembered, because many files have the same ones."""
    attributes = tuple(parse(encoded))
    return attributes, _described(attributes, kind)


def _described(attributes: tuple[Tlv, ...], kind: int) -> dict[str, Any]:
    """Further fields of a `File`; ValueError when its attributes contradict its kind."""
    if kind not in (FileKind.DF, FileKind.EF):
        return {}
    return describe(attributes, is_df=kind == FileKind.DF)


def write_file(
    store: CellStore,
    *,
    kind: FileKind,
    parent: int,
    identifier: int,
    attributes: tuple[Tlv, ...],
    body_size: int,
    life_cycle: LifeCycle = LifeCycle.ACTIVATED,
) -> File:
    """A new file with a zeroed body, in the open transaction; 6A84 when it does not fit."""
    encoded = b"".join(bytes(tlv) for tlv in attributes)
    start = HEAD.size + len(encoded)
    cell, region = store.allocate(start + body_size)
    head = HEAD.pack(kind, life_cycle.value, parent, identifier, len(encoded), body_size)
    region.write(store.memory, 0, head + encoded)
    return File(
        cell=cell,
        kind=kind,
        life_cycle=life_cycle,
        parent=parent,
        identifier=identifier,
        attributes=attributes,
        region=region.part(start, body_size),
        **_described(attributes, kind),
    )


def set_life_cycle(store: CellStore, file: File, state: LifeCycle) -> File:
    """*file* in another life cycle state, written to its head."""
    head = store.region([file.cell])
    head.write(store.memory, 1, bytes([state.value]))
    return replace(file, life_cycle=state)
