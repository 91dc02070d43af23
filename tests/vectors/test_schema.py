"""The vectors keep to their schema, and the schema refuses what it should."""

from __future__ import annotations

import copy
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from vector_files import ROOM, family_files


def _validator(name: str) -> Draft202012Validator:
    schema = json.loads((ROOM / "schema" / f"{name}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


FAMILY = _validator("family")
PACKAGE_HOSTS = ("pypi", "pythonhosted", "npmjs", "debian.org")


@pytest.mark.parametrize("path", family_files(), ids=lambda path: path.stem)
def test_a_family_keeps_to_the_schema(path: Path) -> None:
    FAMILY.validate(json.loads(path.read_text("utf-8")))


@pytest.mark.parametrize("name", ["status_words", "index"])
def test_a_table_keeps_to_its_schema(name: str) -> None:
    file = {"status_words": "status_words.toml", "index": "INDEX.toml"}[name]
    _validator(name).validate(tomllib.loads((ROOM / file).read_text("utf-8")))


def _sm3() -> dict[str, Any]:
    return dict(json.loads((ROOM / "sm3.json").read_text("utf-8")))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("comment",), "x"),
        (("entries", 0, "verified"), True),
        (("entries", 0, "inputs", "key"), "00"),
        (("entries", 0, "expected", "mac"), "00"),
        (("entries", 0, "inputs", "data"), "0"),
        (("entries", 0, "inputs", "data"), "6g"),
        (("entries", 0, "inputs", "data"), "ab"),
        (("entries", 0, "inputs", "digest"), "MD5"),
        (("entries", 0, "op"), "hash"),
        (("entries", 0, "source", "via"), [{"repo": "a/b", "path": "c"}]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_schema_refuses(path: tuple[Any, ...], value: object) -> None:
    document: Any = copy.deepcopy(_sm3())
    assert FAMILY.is_valid(document)
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert not FAMILY.is_valid(document)


def test_every_object_of_the_schema_is_closed() -> None:
    schema = json.loads((ROOM / "schema" / "family.schema.json").read_text("utf-8"))
    for rule in schema["$defs"]["entry"]["allOf"]:
        for part in ("inputs", "expected"):
            assert rule["then"]["properties"][part]["additionalProperties"] is False


def test_no_source_names_a_host_that_packages_come_from() -> None:
    for path in sorted(ROOM.rglob("*")):
        if path.is_file() and path.suffix in {".json", ".toml", ".md", ".apdu"}:
            text = path.read_text("utf-8").lower()
            assert not any(host in text for host in PACKAGE_HOSTS), path
