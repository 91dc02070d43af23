"""The implementation conformance statement (ICS): what the card under test says of itself.

A statement is a TOML file: the ATR, the features, the files with their access rights, the reference
data and what may be touched. Values of PINs are not in it; they live in a keys file beside it or in
the environment. A statement that contradicts itself is refused, naming the file, the key and the
rule.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conformance.declared import LayoutError, build_layout, check_scratch
from conformance.family import ItemTable, PbocTable
from conformance.layout import Kind
from conformance.operations import OperationsTable, check_operations
from conformance.trouble import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

    from conformance.layout import Layout

Hex = Annotated[str, Field(pattern=r"^([0-9A-F]{2})+$")]
FilePath = Annotated[str, Field(pattern=r"^3F00(/[0-9A-F]{4})*$")]


Table = TypeVar("Table", bound=BaseModel)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CardTable(_Table):
    """`[card]`: what identifies the card, and how far the judge may go with it."""

    name: str = Field(min_length=1)
    atr: Hex
    description: str = ""
    risk: Literal["observe", "restore", "consume", "destroy"] = "restore"


SelectForm = Literal[
    "mf",
    "file-identifier",
    "child-df",
    "ef-under-df",
    "parent",
    "name",
    "partial-name",
    "path",
    "path-from-df",
]


class FeatureTable(_Table):
    """`[features]`: the options of the standard that the card takes up."""

    select: tuple[SelectForm, ...] = ()
    occurrences: bool = False
    answers: tuple[Literal["fci", "fcp", "fmd", "none"], ...] = ("fci", "none")
    short_ef_identifier: bool = False
    extended_length: bool = False
    read_binary: bool = True
    update_binary: bool = True
    read_record: bool = False
    read_records_from: bool = False
    update_record: bool = False
    verify: bool = False
    verify_query: bool = False
    challenge_length: int = Field(default=0, ge=0, le=255)
    challenge_any_length: bool = False
    proprietary_historical_bytes: bool = False
    """Whether they are coded in a way of the scheme's own, although they begin with 00 or 80."""
    get_response: bool = False
    response_chaining: bool = False
    command_chaining: bool = False
    channels: int = Field(default=1, ge=1, le=4)
    write_binary: bool = False
    erase_binary: bool = False
    search_binary: bool = False
    odd_binary: bool = False
    record_pointer: bool = False
    append_record: bool = False
    write_record: bool = False
    search_record: bool = False
    erase_record: bool = False
    record_parts: bool = False
    get_data: bool = False
    get_data_list: bool = False
    get_next_data: bool = False
    put_data: bool = False
    put_data_list: bool = False
    change_reference: bool = False
    reset_retry_counter: bool = False
    switch_verification: bool = False


class ChoiceTable(_Table):
    """`[choices]`: what the card does where the standard leaves it a choice."""

    local_status_on_leave: Literal["lost", "kept", "either"] = "either"
    status_after_failure: Literal["lost", "kept", "either"] = "either"
    search: Literal["children-first", "either"] = "either"
    neighbours: Literal["all", "df-only", "either"] = "either"
    erased: Literal["00", "FF", "either"] = "either"


class ReferenceTable(_Table):
    """`[[reference]]`: reference data for VERIFY."""

    number: Annotated[str, Field(pattern=r"^[0-9A-F]{2}$")]
    df: FilePath
    name: str = Field(default="", pattern=r"^[A-Za-z0-9._-]*$")
    length: int = Field(ge=1, le=255)
    tries: int = Field(ge=1, le=15)
    floor: int = Field(default=1, ge=1, le=15)
    known: bool = True
    unblocked_by: str = ""


class ScratchTable(_Table):
    """`[scratch]`: where the judge may create files, to delete them again."""

    df: FilePath
    file_identifiers: tuple[Annotated[str, Field(pattern=r"^[0-9A-F]{4}$")], ...] = Field(
        min_length=4
    )
    kinds: tuple[Kind, ...] = ()
    security: tuple[Literal["compact", "expanded", "referenced"], ...] = ()
    write: tuple[Literal["one-time", "replace", "or", "and"], ...] = ()
    life_cycle: bool = False

    @property
    def identifiers(self) -> tuple[int, ...]:
        """The file identifiers as numbers."""
        return tuple(int(digits, 16) for digits in self.file_identifiers)


class MessagingTable(_Table):
    """`[messaging]`: the secure channels the card opens, and with which values of the keys file."""

    bac: str = ""
    scp03: str = ""
    line: str = ""
    line_df: FilePath = "3F00"
    pace: dict[Annotated[str, Field(pattern=r"^[0-9A-F]{2}$")], str] = {}
    """By the reference of a password, its name in the keys file."""


class FileTable(_Table):
    """`[[file]]`: one DF or EF."""

    path: FilePath
    kind: Kind
    name: Hex | Literal[""] = ""
    sfi: int | None = Field(default=None, ge=1, le=30)
    size: int = Field(default=0, ge=0, le=0xFFFF)
    records: int = Field(default=0, ge=0, le=254)
    read: str = "never"
    update: str = "never"
    writable: bool = False
    items: tuple[ItemTable, ...] = ()
    line: Literal["", "mac", "cipher"] = ""


class StatementFile(_Table):
    """The whole TOML file."""

    schema_version: Literal[1] = Field(alias="schema")
    card: CardTable
    features: FeatureTable
    choices: ChoiceTable = ChoiceTable()
    reference: tuple[ReferenceTable, ...] = ()
    file: tuple[FileTable, ...]
    scratch: ScratchTable | None = None
    messaging: MessagingTable = MessagingTable()
    pboc: PbocTable | None = None
    operations: OperationsTable | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that holds together, ready for the model."""

    file: str
    """Its file name, without the folder, for the report."""
    sha256: str
    card: CardTable
    features: FeatureTable
    choices: ChoiceTable
    layout: Layout
    declared: Mapping[str, Any]
    """The TOML tables as they were read."""
    scratch: ScratchTable | None
    messaging: MessagingTable
    pboc: PbocTable | None = None
    operations: OperationsTable | None = None

    @property
    def atr(self) -> bytes:
        """The ATR that the card declares."""
        return bytes.fromhex(self.card.atr)


def load_statement(path: Path) -> Statement:
    """The statement in *path*; UsageError naming the file, the key and the rule."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
    return parse_statement(text, str(path))


def parse_statement(text: str, origin: str) -> Statement:
    """The statement in *text*; *origin* is the file name that messages begin with."""
    tables = read_toml(text, origin)
    parsed = checked(StatementFile, tables, origin)
    try:
        layout = _layout(parsed)
        check_scratch(layout, parsed.scratch)
    except LayoutError as error:
        raise UsageError(f"{origin}: {error}") from error
    digest = hashlib.sha256(text.encode()).hexdigest()
    name = Path(origin).name
    return Statement(
        name,
        digest,
        parsed.card,
        parsed.features,
        parsed.choices,
        layout,
        tables,
        parsed.scratch,
        parsed.messaging,
        parsed.pboc,
        parsed.operations,
    )


def _layout(parsed: StatementFile) -> Layout:
    """The layout that the tables describe; LayoutError for the first contradiction."""
    table = parsed.operations
    keys = table.key if table is not None else ()
    pboc = parsed.pboc is not None
    layout = build_layout(parsed.file, parsed.reference, pboc=pboc, keys=keys)
    for fault in check_operations(table):
        raise LayoutError(fault)
    return layout


def read_toml(text: str, origin: str) -> dict[str, Any]:
    """The tables in *text*; UsageError with the line when it is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{origin}: not valid TOML: {error}") from error


def checked(model: type[Table], tables: object, origin: str) -> Table:
    """*tables* as *model*; UsageError naming the file, each bad key and the rule it breaks."""
    try:
        return model.model_validate(tables)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'file'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise UsageError(f"{origin}: {faults}") from error


def shipped() -> tuple[Traversable, ...]:
    """The statements that come with the judge, in the order of their names."""
    room = files("conformance") / "statements"
    return tuple(
        sorted(
            (
                entry
                for entry in room.iterdir()
                if entry.name.endswith(".toml") and not entry.name.endswith(".keys.toml")
            ),
            key=lambda entry: entry.name,
        )
    )


def statement_for(atr: bytes) -> tuple[Statement, Traversable]:
    """The shipped statement of the card that answers *atr*, and the file it is in."""
    names = []
    for entry in shipped():
        statement = parse_statement(entry.read_text("utf-8"), entry.name)
        if statement.atr == atr:
            return statement, entry
        names.append(entry.name)
    raise UsageError(
        f"no shipped statement ({', '.join(names)}) describes a card with the ATR"
        f" {atr.hex().upper()}: pass --ics FILE"
    )
