"""The file tree a statement declares, and the questions that selection asks of it.

ISO/IEC 7816-4:2020, 7.2 and 7.3: the master file, dedicated files (DF) that hold files, and
elementary files (EF) that hold data. Nodes are compared by identity: one `Layout` has one of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from conformance.crypto.mechanisms import KEY_LENGTHS

MASTER_FILE = 0x3F00


class Kind(Enum):
    """The structures of ISO/IEC 7816-4:2020, 7.1; a DF is the kind that holds files."""

    DF = "df"
    TRANSPARENT = "transparent"
    LINEAR_FIXED = "linear-fixed"
    LINEAR_VARIABLE = "linear-variable"
    LINEAR_TLV = "linear-tlv"
    CYCLIC = "cyclic"
    DATA_OBJECTS = "data-objects"

    @property
    def has_records(self) -> bool:
        """Whether the record commands apply."""
        return self in _RECORD_KINDS


_RECORD_KINDS = frozenset({Kind.LINEAR_FIXED, Kind.LINEAR_VARIABLE, Kind.LINEAR_TLV, Kind.CYCLIC})


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Reference data, a PIN: where it lives, how long it is, how many tries it gives."""

    name: str
    """How scripts and the keys file call it: `{pin:NAME}`."""
    number: int
    """The byte P2 of VERIFY: bit 8 set for a local one (ISO/IEC 7816-4:2020, 11.6.6)."""
    df: DedicatedFile
    length: int
    tries: int
    floor: int
    """Tries that are never spent below risk level `destroy`."""
    known: bool
    """Whether the value is available to the judge."""
    unblocked_by: str = ""
    """The name of the reference that is its resetting code."""

    @property
    def local(self) -> bool:
        """Whether its security status belongs to its DF."""
        return bool(self.number & 0x80) or self.df.parent is not None


@dataclass(frozen=True, slots=True)
class Right:
    """When a command may reach a file: any one of the alternatives, each a set of references.

    No alternative is `never`; one empty alternative is `always`.
    """

    alternatives: tuple[frozenset[Reference], ...]

    @property
    def always(self) -> bool:
        """Whether no condition has to be met."""
        return frozenset() in self.alternatives

    @property
    def never(self) -> bool:
        """Whether no condition opens the file."""
        return not self.alternatives

    def met(self, verified: frozenset[Reference]) -> bool:
        """Whether the references in *verified* open the file."""
        return any(alternative <= verified for alternative in self.alternatives)


@dataclass(frozen=True, slots=True, eq=False)
class DedicatedFile:
    """A DF or the MF: a file identifier (2 bytes), perhaps a name (1 to 16 bytes), files."""

    path: str
    fid: int
    parent: DedicatedFile | None
    name: bytes
    rights: Mapping[str, Right] = field(default_factory=dict)
    """When it may be deleted, activated and so on, where that is known."""

    def __repr__(self) -> str:
        return f"DF {self.path}"

    def lineage(self) -> Iterator[DedicatedFile]:
        """This DF, its parent, and so on up to the MF."""
        node: DedicatedFile | None = self
        while node is not None:
            yield node
            node = node.parent


_NOWHERE = DedicatedFile("", 0, None, b"")
SECURITY_STATES = tuple(
    Reference(f"state {number:X}", number, _NOWHERE, 0, 1, 1, known=False) for number in range(16)
)
"""The security states of the PBOC family, as what an access rule may ask for; one holds."""
SESSION = Reference("session", 0xFF, _NOWHERE, 0, 1, 1, known=False)
"""A secure channel that is open, as what an access rule may ask for."""


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """A key of the card, declared for operations and authentication."""

    name: str
    number: int
    """The byte P2, or the value of data object 83 or 84 (ISO/IEC 7816-4:2020, 11.6.6)."""
    df: DedicatedFile
    algorithm: str
    usage: frozenset[str]
    implied: Mapping[int, str]
    """By the tag of a template, the mechanism that the key has where none is set."""
    access: Right
    """When it may be used."""
    generate: Right
    """When a new pair may take its place."""
    public: bytes
    """Modulus or point; empty while it may change."""
    exponent: int
    private: bool
    uses: int
    spare: bool
    proof: Reference
    """Its being proven, as an access rule may ask for it, and its retry counter."""

    @property
    def tries(self) -> int:
        """Failures that the card counts, 0 when it counts none."""
        return self.proof.tries

    @property
    def symmetric(self) -> bool:
        """Whether it is one of a block cipher."""
        return self.algorithm in KEY_LENGTHS


class Item(NamedTuple):
    """A record whose content the social security scheme fixes: identifier, length, coding."""

    identifier: int
    length: int
    coding: str


class Behaviour(Enum):
    """What WRITE does: bits 7 and 6 of the data coding byte (ISO/IEC 7816-4:2020, 7.4.5)."""

    UNKNOWN = -1
    ONE_TIME = 0x00
    REPLACE = 0x20
    OR = 0x40
    AND = 0x60


@dataclass(frozen=True, slots=True, eq=False)
class ElementaryFile:
    """An EF: `size` is its bytes, or the bytes of each record where it has records."""

    path: str
    fid: int
    parent: DedicatedFile
    kind: Kind
    sfi: int | None
    size: int
    records: int
    read: Right
    update: Right
    writable: bool
    rights: Mapping[str, Right] = field(default_factory=dict)
    """When it may be written, deleted, activated and so on, where that is known."""
    behaviour: Behaviour = Behaviour.UNKNOWN
    items: tuple[Item, ...] = ()
    """What its records are, in their order, where that is declared."""
    line: str = ""
    """How updates are protected on the line: mac, cipher (which has a MAC, too), or not."""

    def __repr__(self) -> str:
        return f"EF {self.path}"


File = DedicatedFile | ElementaryFile


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """All the files and references of one card, in the order of the statement."""

    files: tuple[File, ...]
    references: tuple[Reference, ...]
    keys: tuple[Key, ...] = ()

    @property
    def master(self) -> DedicatedFile:
        """The MF."""
        return next(self.dedicated())

    def dedicated(self) -> Iterator[DedicatedFile]:
        """The MF and the DFs."""
        return (file for file in self.files if isinstance(file, DedicatedFile))

    def elementary(self, *kinds: Kind) -> Iterator[ElementaryFile]:
        """The EFs of *kinds*, or all of them."""
        for file in self.files:
            if isinstance(file, ElementaryFile) and (not kinds or file.kind in kinds):
                yield file

    def children(self, df: DedicatedFile) -> tuple[File, ...]:
        """The files immediately under *df*."""
        return tuple(file for file in self.files if file.parent is df)

    def by_path(self, path: str) -> File | None:
        """The file at *path* (3F00/7F10/0001 for example), or None."""
        return next((file for file in self.files if file.path == path), None)

    def by_sfi(self, df: DedicatedFile, sfi: int) -> ElementaryFile | None:
        """The EF immediately under *df* with the short EF identifier *sfi*, or None."""
        for file in self.children(df):
            if isinstance(file, ElementaryFile) and file.sfi == sfi:
                return file
        return None

    def by_name(self, prefix: bytes) -> tuple[DedicatedFile, ...]:
        """The DFs whose name begins with *prefix*, in the order of the statement."""
        return tuple(df for df in self.dedicated() if df.name and df.name.startswith(prefix))

    def reachable(self, df: DedicatedFile, fid: int) -> tuple[File, ...]:
        """The files that SELECT with P1 = 00 may mean by *fid* (ISO/IEC 7816-4:2020, 7.3.1).

        Children of the current DF first, then the parent DF, then the children of the parent;
        3F00 is the MF from everywhere.
        """
        if fid == MASTER_FILE:
            return (self.master,)
        near: Iterable[File] = self.children(df)
        if df.parent is not None:
            near = (*near, df.parent, *self.children(df.parent))
        return tuple(dict.fromkeys(file for file in near if file.fid == fid))

    def follow(self, start: DedicatedFile, path: bytes) -> File | None:
        """The file at the end of *path*, file identifiers of two bytes each, or None."""
        here: File | None = start
        for position in range(0, len(path), 2):
            if not isinstance(here, DedicatedFile):
                return None
            fid = int.from_bytes(path[position : position + 2], "big")
            here = next((file for file in self.children(here) if file.fid == fid), None)
        return here

    def key_at(self, df: DedicatedFile, number: int) -> Key | None:
        """The key that *number* means while *df* is current: near it, or with bit 8 clear the MF's.

        ISO/IEC 7816-4:2020, 11.6.6, which says it of every reference in P2.
        """
        lineage = tuple(df.lineage())
        for holder in lineage if number & 0x80 else lineage[-1:]:
            for key in self.keys:
                if key.df is holder and key.number == number:
                    return key
        return None

    def references_at(self, df: DedicatedFile, number: int) -> tuple[Reference, ...]:
        """What P2 = *number* of VERIFY may mean while *df* is current, the nearest first."""
        return tuple(
            reference
            for holder in df.lineage()
            for reference in self.references
            if reference.df is holder and reference.number == number
        )
