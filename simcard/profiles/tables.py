"""What all tables of a profile are made of: bytes, paths, conditions, and access rules."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Tag

from simcard.security.access import Condition, Right, parse_condition


def _hexadecimal(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"(?:\s*[0-9A-Fa-f]{2})*\s*", value):
        raise ValueError("bytes are written as pairs of hexadecimal digits")
    return bytes.fromhex(value)


def _path(value: str) -> str:
    if not re.fullmatch(r"3F00(/[0-9A-F]{4})*", value):
        raise ValueError("a path starts at 3F00 and has four hexadecimal digits at each step")
    return value


def _condition(value: object) -> Condition:
    if not isinstance(value, str):
        raise ValueError("a condition is a text such as 'always' or 'pin 01 and mac'")  # noqa: TRY004
    return parse_condition(value)


Hex = Annotated[bytes, BeforeValidator(_hexadecimal)]
Path = Annotated[str, AfterValidator(_path)]
ConditionText = Annotated[Condition, BeforeValidator(_condition)]


class Table(BaseModel):
    """A table that has no keys but those named here."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class AccessTable(Table):
    """Who may do what with a file: a condition for each right; a right left out is nobody's."""

    read: ConditionText | None = None
    update: ConditionText | None = None
    write: ConditionText | None = None
    deactivate: ConditionText | None = None
    activate: ConditionText | None = None
    terminate: ConditionText | None = None
    delete: ConditionText | None = None
    delete_child: ConditionText | None = None
    create_ef: ConditionText | None = None
    create_df: ConditionText | None = None

    def rules(self) -> dict[Right, Condition]:
        """The rights that are named, in the order of the access mode bits."""
        named = {right: getattr(self, right.name.lower()) for right in Right}
        return {right: condition for right, condition in named.items() if condition is not None}


def _named_or_said(value: object) -> str:
    return "name" if isinstance(value, str) else "rules"


Access = Annotated[
    Annotated[str, Tag("name")] | Annotated[AccessTable, Tag("rules")],
    Discriminator(_named_or_said),
]
"""Rules by the name of a table, or said in one."""
