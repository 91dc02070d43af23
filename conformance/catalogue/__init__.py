"""The requirements as data: one TOML file an area beside this module, checked when it is loaded.

Ids never change meaning: a requirement that turns out wrong is withdrawn and gets a successor.
Clause numbers are those of ISO/IEC 7816-4:2020 and ISO/IEC 7816-3:2006 as public sources give them;
the texts are in our own words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from conformance.catalogue.condition import Condition, ConditionError, parse_condition
from conformance.catalogue.facts import VOCABULARY
from conformance.statement import checked, read_toml
from conformance.trouble import UsageError
from conformance.verdict import Level

HARMS_FILE = "harm.toml"
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+/[a-z0-9-]+$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _RequirementTable(_Table):
    id: Identifier
    clause: str = Field(min_length=1)
    level: Level
    harm: str
    when: str = ""
    text: str = Field(min_length=20)


class _AreaFile(_Table):
    schema_version: Literal[1] = Field(alias="schema")
    area: str = Field(pattern=r"^[a-z-]+$")
    standard: str = Field(min_length=1)
    requirement: tuple[_RequirementTable, ...]


class _HarmFile(_Table):
    schema_version: Literal[1] = Field(alias="schema")
    harm: dict[str, Annotated[str, Field(min_length=20)]]


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement: where it stands, how it binds, whom it concerns, what its breach does."""

    id: str
    area: str
    clause: str
    level: Level
    harm: str
    condition: Condition
    text: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All requirements by id, in the order of the files, and the kinds of harm."""

    requirements: Mapping[str, Requirement]
    harms: Mapping[str, str]
    sha256: str

    def __getitem__(self, identifier: str) -> Requirement:
        return self.requirements[identifier]

    def __iter__(self) -> Iterator[Requirement]:
        return iter(self.requirements.values())

    def __len__(self) -> int:
        return len(self.requirements)


def build_catalogue(texts: Mapping[str, str]) -> Catalogue:
    """The catalogue in *texts* (file name to TOML); UsageError names the file, key and rule."""
    harms = checked(_HarmFile, read_toml(texts[HARMS_FILE], HARMS_FILE), HARMS_FILE).harm
    found: dict[str, Requirement] = {}
    for name in sorted(texts):
        if name == HARMS_FILE:
            continue
        area = checked(_AreaFile, read_toml(texts[name], name), name)
        for index, table in enumerate(area.requirement):
            requirement = _requirement(area, table, harms, f"{name}: requirement[{index}]")
            if requirement.id in found:
                raise UsageError(f"{name}: requirement[{index}].id: {table.id} is there already")
            found[requirement.id] = requirement
    digest = hashlib.sha256("".join(f"{name}\n{texts[name]}" for name in sorted(texts)).encode())
    return Catalogue(found, harms, digest.hexdigest())


def _requirement(
    area: _AreaFile, table: _RequirementTable, harms: Mapping[str, str], origin: str
) -> Requirement:
    if table.harm not in harms:
        raise UsageError(f"{origin}.harm: {table.harm} is not explained in {HARMS_FILE}")
    try:
        condition = parse_condition(table.when)
    except ConditionError as error:
        raise UsageError(f"{origin}.when: {error}") from error
    unknown = condition.facts - VOCABULARY
    if unknown:
        raise UsageError(f"{origin}.when: {', '.join(sorted(unknown))}: no such fact")
    clause = f"{area.standard}, {table.clause}"
    return Requirement(table.id, area.area, clause, table.level, table.harm, condition, table.text)


@cache
def load_catalogue() -> Catalogue:
    """The catalogue that comes with the judge."""
    room = files("conformance") / "catalogue"
    texts = {
        entry.name: entry.read_text("utf-8")
        for entry in room.iterdir()
        if Path(entry.name).suffix == ".toml"
    }
    return build_catalogue(texts)
