"""The undo log: what a card was found to hold, on disk before the first command that may change it.

`undo.jsonl` in the folder of a run, a line of JSON an entry, appended and never rewritten, readable
by its owner only. It holds contents of files, tries, balances; of a PIN only which of the judge's
own guesses its value may be by now (`pin`, `other`). A last line without its end was being written
when the process died: what it announces was not sent, so it counts as not there.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from conformance.trouble import UsageError
from conformance.verdict import Risk

UNDO_FILE = "undo.jsonl"
OWNER_ONLY = 0o600

Hex = Annotated[str, Field(pattern=r"^([0-9A-F]{2})*$")]
FilePath = Annotated[str, Field(pattern=r"^3F00(/[0-9A-F]{4})*$")]
LifeCycle = Literal["active", "deactivated", "terminated", "unknown"]
Guess = Literal["pin", "wrong", "other", "short", "long", "unknown"]
GUESSES: tuple[Guess, ...] = ("pin", "wrong", "other", "short", "long")


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class CardEntry(_Entry):
    """The first line: which card, judged by which statement, and how far it might go."""

    entry: Literal["card"] = "card"
    schema_version: Literal[1] = Field(default=1, alias="schema")
    spec: str
    atr: Hex
    statement: str
    ics: str | None = None
    keys: str | None = None
    risk: Annotated[Risk, Field(strict=False)]


class FileEntry(_Entry):
    """A file that may be written: its bytes, or those of each record."""

    entry: Literal["file"] = "file"
    path: FilePath
    contents: tuple[Hex, ...]


class IdentityEntry(_Entry):
    """A file that is not written: the digest of its bytes, by which the card is known again."""

    entry: Literal["identity"] = "identity"
    path: FilePath
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class LifeCycleEntry(_Entry):
    """The life cycle of a file, as SELECT tells it."""

    entry: Literal["life-cycle"] = "life-cycle"
    path: FilePath
    state: LifeCycle


class ReferenceEntry(_Entry):
    """A reference: tries left and whether its verification is required, where the card can tell."""

    entry: Literal["reference"] = "reference"
    name: str
    tries: Annotated[int, Field(ge=0, le=15)] | None
    required: bool
    asking_costs: bool = False
    """Whether the card has been seen to count a question as a wrong guess."""


class ScratchEntry(_Entry):
    """The identifiers given for files of the judge under which there was no file."""

    entry: Literal["scratch"] = "scratch"
    df: FilePath
    absent: tuple[Annotated[str, Field(pattern=r"^[0-9A-F]{4}$")], ...]


class PurseEntry(_Entry):
    """A purse that may be used: its balance, and its overdraw limit where that was seen."""

    entry: Literal["purse"] = "purse"
    df: FilePath
    kind: Literal["ED", "EP"]
    balance: Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
    limit: Annotated[int, Field(ge=0, le=0xFFFFFF)] | None = None


class ValueEntry(_Entry):
    """What the value of a reference may be from now on, the likeliest first."""

    entry: Literal["value"] = "value"
    reference: str
    may_be: tuple[Guess, ...] = Field(min_length=1)


class PutBackEntry(_Entry):
    """The last line: all of it was put back, by the run itself or by `conformance restore`."""

    entry: Literal["put-back"] = "put-back"
    by: Literal["run", "restore"]


Entry = (
    CardEntry
    | FileEntry
    | IdentityEntry
    | LifeCycleEntry
    | ReferenceEntry
    | ScratchEntry
    | PurseEntry
    | ValueEntry
    | PutBackEntry
)
_ENTRY: TypeAdapter[Entry] = TypeAdapter(Annotated[Entry, Field(discriminator="entry")])


@dataclass(frozen=True, slots=True)
class Written:
    """The entries of a log with the numbers of their lines."""

    path: Path
    card: CardEntry
    entries: tuple[tuple[int, Entry], ...]

    @property
    def put_back(self) -> bool:
        """Whether the card was wholly put back."""
        return bool(self.entries) and isinstance(self.entries[-1][1], PutBackEntry)

    def fault(self, line: int, rule: str) -> UsageError:
        """What to raise for the entry in *line*, which breaks *rule*."""
        return UsageError(f"{self.path}: line {line}: {rule}")


class UndoLog:
    """Appends entries to the file at *path*; each is on the disk when `write` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def begun(cls, path: Path, card: CardEntry) -> UndoLog:
        """A new log, in place of one that is finished; UsageError where one is not."""
        refuse_unfinished(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
        log = cls(path)
        log.write(card)
        return log

    @classmethod
    def resumed(cls, path: Path) -> UndoLog:
        """The log at *path*, to be written on; a last line without its end is cut off."""
        held = path.read_bytes()
        os.truncate(path, held.rfind(b"\n") + 1)
        return cls(path)

    def write(self, *entries: Entry) -> None:
        """Append *entries*, all of them on the disk at the end."""
        text = "".join(one.model_dump_json(by_alias=True) + "\n" for one in entries)
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWNER_ONLY)
            with open(handle, "ab") as file:  # noqa: PTH123 - a descriptor, not a path
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be written: {error.strerror}") from error


def refuse_unfinished(path: Path) -> None:
    """UsageError when the log at *path* tells of a card that was not put back."""
    if path.exists() and not read_log(path).put_back:
        raise UsageError(
            f"{path}: the card of an earlier run was not put back: run"
            f" `conformance restore {path.parent}` first, or give another --out"
        )


def read_log(path: Path) -> Written:
    """The log in the file or folder *path*; UsageError naming the file, the line and the rule."""
    file = path / UNDO_FILE if path.is_dir() else path
    try:
        *lines, _unfinished = file.read_bytes().split(b"\n")
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    entries = tuple((number, _parsed(file, number, line)) for number, line in enumerate(lines, 1))
    card = entries[0][1] if entries else None
    if not isinstance(card, CardEntry):
        raise UsageError(f"{file}: line 1: the first entry says which card it is")
    written = Written(file, card, entries[1:])
    _check_order(written)
    return written


def _parsed(file: Path, number: int, line: bytes) -> Entry:
    try:
        return _ENTRY.validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "entry"
        raise UsageError(f"{file}: line {number}: {place}: {first['msg']}") from error


def _check_order(written: Written) -> None:
    """One card, nothing found twice, nothing behind the end but the end."""
    seen: set[str] = set()
    ended = False
    for number, entry in written.entries:
        if isinstance(entry, CardEntry):
            raise written.fault(number, "there is one card in a log, in its first line")
        if ended and not isinstance(entry, PutBackEntry):
            raise written.fault(number, "nothing follows the line that says it was put back")
        ended = ended or isinstance(entry, PutBackEntry)
        name = json.dumps(entry.model_dump(include={"entry", "path", "name", "df", "kind"}))
        if name in seen and not isinstance(entry, ValueEntry | PutBackEntry):
            raise written.fault(number, "the same was found before, in a line above")
        seen.add(name)
