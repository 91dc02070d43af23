"""What a profile may say: the tables and keys of the TOML file, checked by pydantic."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from simcard.files.descriptors import Structure
from simcard.memory.image import Geometry
from simcard.profiles.keys import KeyTable
from simcard.profiles.pboc import KeyFileTable, PbocKeyTable, PbocTable, PurseTable, SamKeyTable
from simcard.profiles.tables import Access, AccessTable, Hex, Path, Table
from simcard.security.reference import PinEncoding

STRUCTURES = {
    "transparent": Structure.TRANSPARENT,
    "linear-fixed": Structure.LINEAR_FIXED,
    "linear-fixed-tlv": Structure.LINEAR_FIXED_TLV,
    "linear-variable": Structure.LINEAR_VARIABLE,
    "linear-variable-tlv": Structure.LINEAR_VARIABLE_TLV,
    "cyclic": Structure.CYCLIC,
    "cyclic-tlv": Structure.CYCLIC_TLV,
    "data-objects": Structure.DATA_OBJECTS,
}


class MemoryTable(Table):
    """`[memory]`: the chip, in bytes; `spare_pages` 0 leaves their number to the card."""

    size: int = 65536
    page_size: int = 256
    endurance: int = 100_000
    spare_pages: int = 0

    @model_validator(mode="after")
    def _is_a_chip(self) -> Self:
        self.geometry()
        return self

    def geometry(self) -> Geometry:
        """The shape of the chip."""
        return Geometry(self.size, self.page_size, self.endurance, self.spare_pages)


class LimitsTable(Table):
    """`[limits]`: how much the card takes at once."""

    channels: int = Field(default=4, ge=1, le=20)
    command_data_max: int = Field(default=2048, ge=255, le=65535)
    response_data_max: int = Field(default=65536, ge=256, le=65536)
    challenge_size: int = Field(default=8, ge=1, le=255)
    records_at_creation: Literal["none", "all"] = "none"


class ReferencedAccess(Table):
    """Access rules that stand in a record of the EF.ARR (2F06) nearest above."""

    record: int = Field(ge=1, le=254)


class CompactAccess(Table):
    """Access rules in compact form, as bytes."""

    compact: Hex


def _form_of_access(value: object) -> str:
    if isinstance(value, dict):
        return "record" if "record" in value else "compact" if "compact" in value else "rules"
    return "name"


FileAccess = Annotated[
    Annotated[str, Tag("name")]
    | Annotated[AccessTable, Tag("rules")]
    | Annotated[ReferencedAccess, Tag("record")]
    | Annotated[CompactAccess, Tag("compact")],
    Discriminator(_form_of_access),
]
"""Rules of a file: by the name of a table, said in one, in a record of EF.ARR, or as bytes."""


class ContentTable(Table):
    """What a new file holds: one of these; shorter content is filled up with 00."""

    hex: Hex | None = None
    text: str | None = None
    fill: Hex | None = None
    records: list[Hex] | None = None

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("content is one of hex, text, fill and records")
        if self.fill is not None and len(self.fill) != 1:
            raise ValueError("fill is one byte")
        return self


class FileTable(Table):
    """`[[file]]`: one DF or EF; a DF stands before what is below it.

    `read_items`: right bytes to read single items of a record EF, by the identifiers of the items.
    """

    path: Path
    type: str
    title: str = ""
    access: FileAccess
    name: Hex | None = Field(default=None, min_length=1, max_length=16)
    label: str = ""
    data_objects: int = Field(default=0, ge=0, le=32767)
    sfi: int = Field(default=0, ge=0, le=30)
    size: int = Field(default=0, ge=0, le=65535)
    records: int = Field(default=0, ge=0, le=254)
    record_size: int = Field(default=0, ge=0, le=65535)
    read_items: dict[Hex, Hex] = Field(default_factory=dict)
    content: ContentTable | None = None
    keys: KeyFileTable | None = None

    @field_validator("type")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value != "df" and value not in STRUCTURES:
            raise ValueError(f"a file is one of df, {', '.join(STRUCTURES)}")
        return value

    @field_validator("read_items")
    @classmethod
    def _are_bytes(cls, value: dict[bytes, bytes]) -> dict[bytes, bytes]:
        if any(len(byte) != 1 for pair in value.items() for byte in pair):
            raise ValueError("an item is one byte, and the right to read it is another")
        return value

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        structure = STRUCTURES.get(self.type)
        if structure is None:
            wrong = [key for key in ("sfi", "size", "records", "record_size") if getattr(self, key)]
        else:
            wrong = [key for key in ("name", "label", "data_objects", "keys") if getattr(self, key)]
            if structure.has_records:
                if not (self.records and self.record_size):
                    raise ValueError("an EF with records needs records and record_size")
                if not structure.is_variable and self.size:
                    wrong.append("size")
            elif not self.size:
                raise ValueError("an EF without records needs a size")
        if self.read_items and not (structure and structure.is_variable):
            wrong.append("read_items")
        if wrong:
            raise ValueError(f"{self.type} has no {', '.join(wrong)}")
        return self

    @property
    def identifier(self) -> int:
        """The file identifier: the last step of the path."""
        return int(self.path[-4:], 16)

    @property
    def parent(self) -> str:
        """The path of the DF above; empty for the MF."""
        return self.path[:-5]


class ReferenceTable(Table):
    """`[[reference_data]]`: a PIN or a resetting code, in the DF at `df`."""

    df: Path
    reference: Hex = Field(min_length=1, max_length=1)
    title: str = ""
    text: str | None = None
    hex: Hex | None = None
    tries: int = Field(ge=1, le=15)
    encoding: str = "raw"
    shortest: int | None = Field(default=None, ge=1, le=32)
    longest: int | None = Field(default=None, ge=1, le=32)
    unblocked_by: Hex | None = Field(default=None, min_length=1, max_length=1)
    uses: int = Field(default=0xFFFF, ge=1, le=0xFFFF)
    required: bool = True
    access: Access = AccessTable()

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value.upper().replace("-", "_") not in PinEncoding.__members__:
            raise ValueError("an encoding is one of raw, ascii, bcd, iso-9564-format-2")
        return value

    @model_validator(mode="after")
    def _has_one_good_value(self) -> Self:
        if (self.text is None) == (self.hex is None):
            raise ValueError("the value is either text or hex")
        shortest, longest = self.lengths
        if not shortest <= len(self.value) <= longest or not self.pin_encoding.accepts(self.value):
            raise ValueError("the value does not fit its own encoding and lengths")
        return self

    @property
    def value(self) -> bytes:
        """The value as presented."""
        return self.text.encode("ascii") if self.text is not None else self.hex or b""

    @property
    def lengths(self) -> tuple[int, int]:
        """Shortest and longest value; both that of the value when nothing is said."""
        return self.shortest or len(self.value), self.longest or len(self.value)

    @property
    def pin_encoding(self) -> PinEncoding:
        """The encoding."""
        return PinEncoding[self.encoding.upper().replace("-", "_")]


class ProfileTables(Table):
    """The whole file."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str
    description: str = ""
    atr: Hex = Field(min_length=2, max_length=33)
    ats: Hex | None = Field(default=None, min_length=1, max_length=20)
    dialect: Literal["iso", "pboc"] = "iso"
    extensions: list[Literal["globalplatform"]] = Field(default_factory=list)
    memory: MemoryTable = MemoryTable()
    limits: LimitsTable = LimitsTable()
    access: dict[str, AccessTable] = Field(default_factory=dict)
    file: list[FileTable] = Field(min_length=1)
    reference_data: list[ReferenceTable] = Field(default_factory=list)
    key: list[KeyTable] = Field(default_factory=list)
    pboc: PbocTable = PbocTable()
    pboc_key: list[PbocKeyTable] = Field(default_factory=list)
    sam_key: list[SamKeyTable] = Field(default_factory=list)
    purse: list[PurseTable] = Field(default_factory=list)

    @model_validator(mode="after")
    def _speaks_one_dialect(self) -> Self:
        own = ("pboc", "pboc_key", "sam_key", "purse")
        if self.dialect != "pboc":
            if said := [name for name in own if name in self.model_fields_set]:
                raise ValueError(f"{said[0]}: for cards with dialect = 'pboc' alone")
            if any(file.read_items for file in self.file):
                raise ValueError("read_items: for cards with dialect = 'pboc' alone")
        elif self.extensions:
            raise ValueError("extensions: the pboc dialect has none")
        return self


_TRANSPORT_ROOM: Final = 1024


def unpersonalised(tables: ProfileTables) -> ProfileTables:
    """*tables* of a chip on which nothing has been created yet but the MF and its transport key."""
    rule = {"access": {"create_ef": "mf-state f", "create_df": "mf-state f"}}
    keys = {"space": _TRANSPORT_ROOM, "add": "0F"}
    mf = FileTable.model_validate(
        {"path": "3F00", "type": "df", "title": "MF", "keys": keys, **rule}
    )
    transport = PbocKeyTable(
        df="3F00",
        type="external",
        id=b"\0",
        title="Transport key",
        hex=tables.pboc.transport_key,
        tries=15,
        next_state=15,
        change=b"\x0f",
    )
    nothing: dict[str, Any] = {each: [] for each in ("reference_data", "key", "sam_key", "purse")}
    update = {**nothing, "access": {}, "file": [mf], "pboc_key": [transport]}
    return tables.model_copy(update=update)
