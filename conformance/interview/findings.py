"""What an interview has found out so far, each fact with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from conformance.layout import Kind

MASTER = "3F00"


class Source(StrEnum):
    """How sure a fact is."""

    OBSERVED = "observed"
    DECLARED = "declared"
    """The card says so, and nobody tried."""
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Fact:
    """A value of the statement, with its source and what a person should know of it."""

    value: bool | int | str | tuple[str, ...]
    source: Source
    text: str = ""

    @property
    def number(self) -> int:
        """The value where it is a number, else 0."""
        return self.value if isinstance(self.value, int) else 0

    @property
    def comment(self) -> str:
        """What stands behind the line."""
        return f"{self.source}: {self.text}" if self.text else str(self.source)


@dataclass
class FoundFile:
    """A DF or EF that was found."""

    path: str
    kind: Kind | None
    how: str
    """How it was found, for the comment above its table."""
    name: bytes = b""
    sfi: int | None = None
    size: Fact | None = None
    records: Fact | None = None
    read: Fact = field(default_factory=lambda: Fact("never", Source.ASSUMED, "not asked"))
    doubts: list[str] = field(default_factory=list)
    """Why the table is left to a person, if it is."""

    @property
    def fid(self) -> int:
        """The file identifier."""
        return int(self.path[-4:], 16)

    @property
    def parent(self) -> str:
        """The path of its DF, empty for the MF."""
        return self.path.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class FoundReference:
    """Reference data that told how many tries it has."""

    number: int
    df: str
    tries: int


@dataclass
class Findings:
    """Everything so far; complete or not, a draft can be written from it."""

    atr: bytes
    features: dict[str, Fact] = field(default_factory=dict)
    files: dict[str, FoundFile] = field(default_factory=dict)
    references: list[FoundReference] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """Sentences for the head of the draft."""
    timings: list[str] = field(default_factory=list)
    finished: bool = False

    def __post_init__(self) -> None:
        self.files.setdefault(MASTER, FoundFile(MASTER, Kind.DF, "the master file"))

    def see(self, feature: str, text: str = "") -> None:
        """The card showed that it has *feature*."""
        self.features.setdefault(feature, Fact(value=True, source=Source.OBSERVED, text=text))

    def add(self, file: FoundFile) -> bool:
        """Keep *file* unless its path is known; whether it is new."""
        if file.path in self.files:
            return False
        self.files[file.path] = file
        return True

    def children(self, path: str) -> tuple[FoundFile, ...]:
        """The files found immediately under the DF at *path*."""
        return tuple(file for file in self.files.values() if file.parent == path)

    def named(self, name: bytes) -> FoundFile | None:
        """The DF called *name*, if it was found."""
        return next((file for file in self.files.values() if name and file.name == name), None)
