"""What can be observed of a card's memory: every file by its path, and every counter by its owner.

Two memories with the same observation are the same card to anybody outside, whatever lies in free
cells. Counters stand apart from content, because they have a law of their own: a try is spent in a
commit before the comparison it guards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from simcard.entropy import SeededEntropy
from simcard.files.descriptors import File, FileKind
from simcard.files.store import LayoutError
from simcard.files.tree import Tree
from simcard.memory import Flash, Memory
from simcard.state import CardState, Settings

Path = tuple[str, ...]
"""From the MF down: identifiers as four hexadecimal digits, internal files by kind and number."""


class Counters(NamedTuple):
    """The retry and usage counters of reference data or of a key."""

    tries: int
    uses: int

    def is_at_most_one_spent(self, before: Counters) -> bool:
        """Whether no more than one try and one use are gone since *before*, and none came back."""
        return 0 <= before.tries - self.tries <= 1 and 0 <= before.uses - self.uses <= 1


class Observation(NamedTuple):
    """The files of a card (what each is, holds and allows) and the counters apart from them."""

    files: dict[Path, tuple[object, ...]]
    counters: dict[Path, Counters]
    terminated: bool
    free_bytes: int

    @property
    def apart_from_counters(self) -> Observation:
        """The same without any counter."""
        return self._replace(counters={})

    def changed(self, other: Observation) -> set[Path]:
        """The files that are not the same in both, or not in both."""
        return {
            path
            for path in self.files.keys() | other.files.keys()
            if self.files.get(path) != other.files.get(path)
        }


@dataclass(frozen=True, slots=True)
class _Layout:
    tries: int
    uses: int


_COUNTERS: Final = {FileKind.REFERENCE_DATA: _Layout(0, 8), FileKind.KEY: _Layout(4, 6)}
"""Where the counters (1 and 2 bytes) lie in the bodies that have them."""
_KEY: Final = FileKind.KEY.name.lower()


class Image(NamedTuple):
    """A card's memory as it comes up: all its bytes, and what can be observed of them."""

    content: bytes
    observation: Observation

    @classmethod
    def of(cls, settings: Settings, flash: Flash) -> Image:
        """Mount what *flash* holds, as power-on does, and look at all of it.

        `ImageError` or `LayoutError` when it does not mount.
        """
        state = CardState.mount(settings, flash, SeededEntropy(0))
        return cls(content_of(state.memory), _observe(state))


def content_of(memory: Memory) -> bytes:
    """All bytes of *memory*; the tree and every file are a function of them."""
    return memory.read(0, memory.capacity)


def _observe(state: CardState) -> Observation:
    files: dict[Path, tuple[object, ...]] = {}
    counters: dict[Path, Counters] = {}
    for file in state.tree.files.values():
        path = path_of(state.tree, file)
        if path in files:
            raise LayoutError(f"cell {file.cell}: {'/'.join(path)} exists twice")
        body = file.region.read(state.memory, 0, file.region.size)
        layout = _COUNTERS.get(file.kind)
        if layout is not None:
            body, counters[path] = _apart(body, layout)
        files[path] = (file.life_cycle, file.attributes, body)
    return Observation(files, counters, state.terminated, state.store.free_bytes())


def path_of(tree: Tree, file: File) -> Path:
    """The path of *file*; LayoutError when the DFs above it do not lead to the MF."""
    path: list[str] = []
    while True:
        path.append(_name(file))
        if file.cell == tree.root:
            return tuple(reversed(path))
        above = tree.files.get(file.parent)
        if above is None or len(path) > len(tree.files):
            raise LayoutError(f"cell {file.cell}: the DF above it, cell {file.parent}, is missing")
        file = above


def is_key(path: Path) -> bool:
    """Whether what lies at *path* is a key, as against reference data."""
    return path[-1].startswith(_KEY)


def _name(file: File) -> str:
    if file.kind in (FileKind.DF, FileKind.EF):
        return f"{file.identifier:04X}"
    return f"{file.kind.name.lower().replace('_', ' ')} {file.identifier:02X}"


def _apart(body: bytes, layout: _Layout) -> tuple[bytes, Counters]:
    rest = bytearray(body)
    tries = rest[layout.tries]
    uses = int.from_bytes(rest[layout.uses : layout.uses + 2], "big")
    rest[layout.tries] = 0
    rest[layout.uses : layout.uses + 2] = bytes(2)
    return bytes(rest), Counters(tries, uses)
