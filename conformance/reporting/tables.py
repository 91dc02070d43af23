"""The field's own words, from `reports/tables/`: commands, status words, data objects, the ATR.

A note is a fact about some bits: it holds where `value & mask` is what the table says, and its text
may name the number in other bits of the same value.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from conformance.resources import resource_root


class Note(NamedTuple):
    """A text in English with `{n}` or `{h}` in it, and the number for these.

    `one` is the text for the number 1 where English needs another.
    """

    text: str
    number: int = 0
    width: int = 2
    one: str = ""


class Rule(NamedTuple):
    """When a note holds: `value & mask == wanted`; `bits` is where its number is."""

    field: str
    mask: int
    wanted: int
    text: str
    bits: int
    width: int


@cache
def table(name: str) -> Mapping[str, Any]:
    """The file `reports/tables/NAME.toml`."""
    return tomllib.loads((resource_root("reports") / "tables" / f"{name}.toml").read_text("utf-8"))


def rules(rows: Iterable[list[str]]) -> tuple[Rule, ...]:
    """The rules in *rows*: [field, mask, value, text, bits], or without the field."""
    made = []
    for row in rows:
        *name, mask, wanted, text, bits = row
        number = int(bits, 16) if bits else 0
        made.append(
            Rule(name[0] if name else "", int(mask, 16), int(wanted, 16), text, number, len(mask))
        )
    return tuple(made)


def notes(rules: Iterable[Rule], fields: Mapping[str, int]) -> Iterator[tuple[str, Note]]:
    """Field and note of each rule that holds for *fields*.

    A rule with the mask 00 means "otherwise": it holds where the rule before it did not. A rule
    about all bits of a field says everything, so the rules behind it are left out.
    """
    held = False
    told: set[str] = set()
    for rule in rules:
        if rule.field not in fields or rule.field in told:
            continue
        value = fields[rule.field]
        held = value & rule.mask == rule.wanted if rule.mask else not held
        if held:
            yield rule.field, Note(rule.text, _extract(value, rule.bits), rule.width)
            if rule.mask == (1 << 4 * rule.width) - 1:
                told.add(rule.field)


def _extract(value: int, bits: int) -> int:
    if not bits:
        return 0
    shift = (bits & -bits).bit_length() - 1
    return (value & bits) >> shift


class CommandKind(NamedTuple):
    """What the table of commands says of a class and instruction."""

    name: str
    rules: tuple[Rule, ...]


@cache
def commands() -> Mapping[tuple[bool, int], CommandKind]:
    """The commands by (proprietary class, INS)."""
    found: dict[tuple[bool, int], CommandKind] = {}
    for entry in table("commands")["command"]:
        shared = rules(entry["notes"])
        for ins in entry["ins"]:
            name = entry.get("names", {}).get(ins, entry["name"])
            found[entry["class"] == "proprietary", int(ins, 16)] = CommandKind(name, shared)
    return found


@cache
def class_rules() -> tuple[Rule, ...]:
    """What the bits of CLA say."""
    return rules(table("commands")["class_notes"])


@cache
def status_word(value: int) -> Note:
    """What SW1-SW2 *value* says."""
    digits = f"{value:04X}"
    for entry in table("status")["word"]:
        pattern = entry["pattern"]
        if all(wanted in {"X", digit} for wanted, digit in zip(pattern, digits, strict=True)):
            low = value & (0x0F if pattern == "63CX" else 0xFF)
            number = low or (256 if digits[:2] in {"61", "6C"} else 0)
            return Note(entry["text"], number, one=entry.get("one", ""))
    return Note("status word of no known meaning")


def tag_name(tag: int, within: str) -> str:
    """The English name of a data object in its context, "" when the tables have none."""
    digits = f"{tag:02X}" if tag < 0x100 else f"{tag:04X}"
    return _tags().get((within, digits)) or ""


@cache
def _tags() -> Mapping[tuple[str, str], str]:
    return {
        (place, tag): name
        for context in table("tags")["context"]
        for place in context["within"]
        for tag, name in context["tags"].items()
    }


def messages() -> Iterator[str]:
    """Every English text of the tables, for the translators and their test.

    Of a text with another form for the number 1 it is that form, as in a gettext catalogue.
    """
    for entry in table("commands")["command"]:
        yield from (row[3] for row in entry["notes"])
    yield from (row[3] for row in table("commands")["class_notes"])
    yield from (entry.get("one", entry["text"]) for entry in table("status")["word"])
    yield from (row[2] for row in (*table("tags")["life_cycle"], *table("tags")["descriptor"]))
    for context in table("tags")["context"]:
        yield from context["tags"].values()
    laid = table("layouts")
    for entry in laid["layout"]:
        yield from (row[0] for row in (*entry.get("command", ()), *entry.get("answer", ())))
    for entry in laid["value"]:
        yield from (row[0] for row in entry["fields"])
    answer = table("atr")
    for rows in answer["interface"].values():
        yield from (row[2] for row in rows)
    yield from answer["categories"].values()
    yield from answer["objects"].values()
    yield from answer["names"]
    for entry in answer["bytes"]:
        for rows in entry["notes"]:
            yield from (row[2] for row in rows)
