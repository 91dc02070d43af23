"""What an interview asks for: identifiers, names and references that cards often have, as data."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from conformance.statement import checked, read_toml
from conformance.trouble import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

Identifier = Annotated[str, Field(pattern=r"^[0-9A-F]{4}$")]
Byte = Annotated[str, Field(pattern=r"^[0-9A-F]{2}$")]
RESERVED = frozenset({0x0000, 0x3F00, 0x3FFF, 0xFFFF})
"""Identifiers that name no file below a DF (ISO/IEC 7816-4:2020, 7.3.1)."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RangeTable(_Table):
    """`[[range]]`: file identifiers from `first` to `last`."""

    first: Identifier
    last: Identifier
    under: Literal["mf", "any"] = "any"
    why: str = ""

    @property
    def identifiers(self) -> range:
        """The file identifiers as numbers."""
        return range(int(self.first, 16), int(self.last, 16) + 1)


class NameTable(_Table):
    """`[[name]]`: the name of an application, 1 to 16 bytes."""

    name: str = Field(pattern=r"^([0-9A-F]{2}){1,16}$")
    why: str = ""
    like: str = ""
    """A shipped statement of such a card, to look at."""


class NumbersTable(_Table):
    """`[[reference]]`: references of VERIFY, in the MF or in the other DFs."""

    under: Literal["mf", "df"]
    numbers: tuple[Byte, ...]


class ObjectTable(_Table):
    """`[[object]]`: a tag of GET DATA, one or two bytes."""

    tag: str = Field(pattern=r"^([0-9A-F]{2}){1,2}$")
    why: str = ""


class Candidates(_Table):
    """The whole TOML file."""

    schema_version: Literal[1] = Field(alias="schema")
    range: tuple[RangeTable, ...] = ()
    name: tuple[NameTable, ...] = ()
    reference: tuple[NumbersTable, ...] = ()
    object: tuple[ObjectTable, ...] = ()

    def identifiers(self, *, master: bool) -> tuple[int, ...]:
        """The file identifiers to ask for below the MF, or below another DF."""
        found: dict[int, None] = {}
        for one in self.range:
            if master or one.under == "any":
                found.update(dict.fromkeys(one.identifiers))
        return tuple(fid for fid in found if fid not in RESERVED)

    def numbers(self, *, master: bool) -> Iterator[int]:
        """The references to ask in the MF, or in another DF."""
        for one in self.reference:
            if (one.under == "mf") == master:
                yield from (int(number, 16) for number in one.numbers)


def load_candidates(extra: Path | None = None) -> Candidates:
    """The shipped candidates and those of *extra*, which are asked first; UsageError."""
    entry = files("conformance") / "interview" / "candidates.toml"
    shipped = _parsed(entry.read_text("utf-8"), entry.name)
    if extra is None:
        return shipped
    try:
        added = _parsed(extra.read_text("utf-8"), str(extra))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{extra}: cannot be read: {error}") from error
    return Candidates(
        schema=1,
        range=added.range + shipped.range,
        name=added.name + shipped.name,
        reference=added.reference + shipped.reference,
        object=added.object + shipped.object,
    )


def _parsed(text: str, origin: str) -> Candidates:
    parsed = checked(Candidates, read_toml(text, origin), origin)
    for index, one in enumerate(parsed.range):
        if not one.identifiers:
            raise UsageError(f"{origin}: range[{index}]: last is before first")
    return parsed
