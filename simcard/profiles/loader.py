"""Reading a profile: TOML, the profile it extends, the tables, and what only the whole can tell.

Every mistake is a `ProfileError` that names file, line, key and rule.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from simcard.commands.globalplatform import GLOBALPLATFORM
from simcard.commands.iso import ISO
from simcard.profiles.schema import ProfileTables
from simcard.profiles.soundness import Unsound, check
from simcard.state import Settings

_DIALECTS: Final = {"iso": ISO}
_EXTENSIONS: Final = {"globalplatform": GLOBALPLATFORM}
Location = tuple[int | str, ...]


class ProfileError(ValueError):
    """A profile that cannot be used, and why."""


@dataclass(frozen=True, eq=False)
class Profile:
    """One card as data: the checked tables and where they were read."""

    tables: ProfileTables
    source: str

    @property
    def name(self) -> str:
        """The profile's own name."""
        return self.tables.name

    @cached_property
    def settings(self) -> Settings:
        """What the engine needs to know besides the memory."""
        limits = self.tables.limits
        extensions = [each for name in self.tables.extensions for each in _EXTENSIONS[name]]
        return Settings(
            name=self.name,
            atr=self.tables.atr,
            commands=_DIALECTS[self.tables.dialect].extended(*extensions),
            channels=limits.channels,
            command_data_max=limits.command_data_max,
            response_data_max=limits.response_data_max,
            challenge_size=limits.challenge_size,
            records_at_creation=limits.records_at_creation == "all",
        )


def profile_names() -> list[str]:
    """The profiles that come with the simulator."""
    folder = files("simcard.profiles")
    return sorted(p.name[:-5] for p in folder.iterdir() if p.name.endswith(".toml"))


def load_profile(name: str) -> Profile:
    """The profile *name*: one that comes with the simulator, or a path to a TOML file."""
    source, text = _read(name)
    tables = _tables(source, text, ())
    try:
        return _checked(source, tables)
    except ValidationError as error:
        raise ProfileError(
            "\n".join(
                _message(source, text, tables, tuple(each["loc"]), each["msg"])
                for each in error.errors()
            )
        ) from None
    except Unsound as error:
        raise ProfileError(_message(source, text, tables, error.location, error.rule)) from None


def _checked(source: str, tables: dict[str, Any]) -> Profile:
    profile = Profile(ProfileTables.model_validate(tables), source)
    check(profile.tables)
    return profile


def _read(name: str) -> tuple[str, str]:
    if name in profile_names():
        return f"{name}.toml", (files("simcard.profiles") / f"{name}.toml").read_text("utf-8")
    path = Path(name)
    if not path.is_file():
        known = ", ".join(profile_names())
        raise ProfileError(f"{name}: no such profile; there are {known}, or give a TOML file")
    try:
        return name, path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{name}: {error}") from None


def _tables(source: str, text: str, seen: tuple[str, ...]) -> dict[str, Any]:
    """The tables of a profile on top of those of the profile it extends."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{source}: not TOML: {error}") from None
    base = tables.pop("extends", None)
    if base is None:
        return tables
    if not isinstance(base, str) or base in seen:
        raise ProfileError(f"{source}: extends: the name of another profile, not in a circle")
    below = _tables(*_read(base), (*seen, base))
    return _merged(below, tables)


_KEYS: Final = {
    "file": ("path",),
    "reference_data": ("df", "reference"),
    "key": ("df", "reference"),
}


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Tables are merged key by key, files by path, PINs and keys by DF and reference."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = old | value
        elif key in _KEYS and isinstance(old, list) and isinstance(value, list):
            merged[key] = list(_merged_rows(old, value, _KEYS[key]))
        else:
            merged[key] = value
    return merged


def _merged_rows(below: list[Any], above: list[Any], keys: tuple[str, ...]) -> Iterator[Any]:
    def identity(row: Any) -> tuple[Any, ...]:
        return tuple(row.get(key) for key in keys) if isinstance(row, dict) else (id(row),)

    replaced = {identity(row): row for row in above}
    for row in below:
        yield replaced.pop(identity(row), row)
    yield from replaced.values()


def _message(source: str, text: str, tables: dict[str, Any], location: Location, rule: str) -> str:
    """`file:line: key: rule`, without a line for what stands in an extended profile."""
    rule = rule.removeprefix("Value error, ")
    key = ""
    for part in location:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    line = _line(text, tables, location)
    where = source if line is None else f"{source}:{line}"
    return f"{where}: {key}: {rule}" if key else f"{where}: {rule}"


def _line(text: str, tables: dict[str, Any], location: Location) -> int | None:
    """The line of the table or key at *location*."""
    lines = text.splitlines()
    start = 0
    names = [part for part in location if isinstance(part, str)]
    if len(location) > 1 and isinstance(location[1], int):
        start = _row_line(lines, tables, str(location[0]), location[1])
    elif len(location) > 1:
        start = _header_line(lines, rf"\[{re.escape(str(location[0]))}[\].]")
    if start < 0:
        return None
    for number in range(start, len(lines)):
        if number > start and start and lines[number].startswith("["):
            break
        if names and re.match(rf"\s*{re.escape(names[-1])}\s*=", lines[number]):
            return number + 1
    return start + 1 if start else None


def _header_line(lines: list[str], pattern: str) -> int:
    return next((n for n, line in enumerate(lines) if re.match(pattern, line)), -1)


def _row_line(lines: list[str], tables: dict[str, Any], table: str, index: int) -> int:
    """The line of the `[[table]]` whose row is *index* of the merged tables, -1 if not here."""
    row = tables[table][index]
    headers = [n for n, line in enumerate(lines) if line.strip() == f"[[{table}]]"]
    own = tomllib.loads("\n".join(lines)).get(table, [])
    return next((headers[n] for n, each in enumerate(own) if each == row), -1)
