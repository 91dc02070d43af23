"""Reading a profile: TOML, the profile it extends, the tables, and what only the whole can tell.

Every mistake is a `ProfileError` that names file, line, key and rule.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from simcard.profiles.build import initial_flash
from simcard.profiles.places import Location, find
from simcard.profiles.profile import Profile, ProfileError
from simcard.profiles.schema import ProfileTables
from simcard.profiles.soundness import Unsound, check


def profile_names() -> list[str]:
    """The profiles that come with the simulator."""
    folder = files("simcard.profiles")
    return sorted(p.name[:-5] for p in folder.iterdir() if p.name.endswith(".toml"))


def load_profile(name: str) -> Profile:
    """The profile *name*: one that comes with the simulator, or a path to a TOML file.

    `ProfileError` when it cannot be a card: its tables are wrong, or its files do not fit.
    """
    sources = _sources(name)
    tables: dict[str, Any] = {}
    for source in reversed(sources):
        tables = _merged(tables, source.tables)
    try:
        profile = Profile(ProfileTables.model_validate(tables), sources[0].name)
        check(profile.tables)
        initial_flash(profile)
    except ValidationError as error:
        raise ProfileError(
            "\n".join(
                _message(sources, tables, tuple(each["loc"]), each["msg"])
                for each in error.errors()
            )
        ) from None
    except Unsound as error:
        raise ProfileError(_message(sources, tables, error.location, error.rule)) from None
    return profile


class Source(NamedTuple):
    """One TOML file: how to call it, its text, its tables."""

    name: str
    text: str
    tables: dict[str, Any]


def _sources(name: str) -> list[Source]:
    """The file of profile *name*, the one it extends, the one that extends, and so on."""
    sources: list[Source] = []
    seen: set[str | Path] = set()
    base: object = name
    folder = Path()
    while base is not None:
        known = isinstance(base, str) and base in profile_names()
        path = folder / str(base)
        if not isinstance(base, str) or (base if known else path.resolve()) in seen:
            rule = "extends: the name or the path of another profile, not in a circle"
            raise ProfileError(f"{_where(sources[-1:], {}, ('extends',))}: {rule}")
        seen.add(base if known else path.resolve())
        sources.append(_read_shipped(base) if known else _read(path))
        base = sources[-1].tables.pop("extends", None)
        folder = Path() if known else path.parent
    return sources


def _read_shipped(name: str) -> Source:
    text = (files("simcard.profiles") / f"{name}.toml").read_text("utf-8")
    return Source(f"{name}.toml", text, tomllib.loads(text))


def _read(path: Path) -> Source:
    if not path.is_file():
        known = ", ".join(profile_names())
        raise ProfileError(f"{path}: no such profile; there are {known}, or give a TOML file")
    try:
        text = path.read_text("utf-8")
        return Source(str(path), text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{path}: not TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: {error}") from None


_KEYS: Final = {
    "file": ("path",),
    "reference_data": ("df", "reference"),
    "key": ("df", "reference"),
    "pboc_key": ("df", "type", "id"),
    "sam_key": ("df", "kind", "levels", "version"),
    "purse": ("df", "kind"),
}


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Tables are merged key by key, files by path, rows of other arrays by what names them."""
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


def _message(sources: list[Source], tables: dict[str, Any], location: Location, rule: str) -> str:
    """`file:line: key: rule`, of the file of the row or key that the rule is about."""
    location = _spoken(tables, location)
    key = ""
    for part in location:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    rule = rule.removeprefix("Value error, ")
    return ": ".join(part for part in (_where(sources, tables, location), key, rule) if part)


def _where(sources: list[Source], tables: dict[str, Any], location: Location) -> str:
    """The file, and the line if there is one, where most of *location* is to be found."""
    where, depth = sources[0].name, 0
    for source in sources:
        own = _own(source, tables, location)
        place = None if own is None else find(source.text, own)
        if place is not None and place.depth > depth:
            where, depth = f"{source.name}:{place.line}", place.depth
    return where


def _spoken(tables: dict[str, Any], location: Location) -> Location:
    """*location* without the parts that stand in no table: names of alternatives."""
    value: Any = tables
    parts: list[int | str] = []
    for part in location:
        known = part in value if isinstance(value, dict) else isinstance(part, int)
        if known:
            value = value[part]
        if known or (isinstance(value, dict) and part == location[-1]):
            parts.append(part)
    return tuple(parts)


def _own(source: Source, tables: dict[str, Any], location: Location) -> Location | None:
    """*location* as the rows of one file are counted, None when the row is not in it."""
    if len(location) < 2 or not isinstance(location[1], int):
        return location
    table = str(location[0])
    rows = source.tables.get(table, [])
    row = tables[table][location[1]]
    return (table, rows.index(row), *location[2:]) if row in rows else None
