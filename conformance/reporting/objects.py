"""Data objects in a data field as a tree, with the names that ISO/IEC 7816 gives them.

Any bytes may happen to look like BER-TLV, so a tree is shown only where data objects are expected
or where the first tag is one of the known templates, and only when every length fits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conformance import tlv
from conformance.reporting import layouts, octets, tables
from conformance.reporting.layouts import Piece
from conformance.reporting.tables import Note

TEMPLATES = frozenset(
    {0x61, 0x62, 0x64, 0x6F, 0x70, 0x73, 0x77, 0x7C, 0x7F21, 0x7F49, 0x7F4E, 0x7F60, 0x7F62, 0x7F66}
)
SECURE_MESSAGING = "secure messaging"
CONTROL = ("62", "64", "6F")
LONGEST_COUNT = 4


@dataclass(frozen=True, slots=True)
class Node:
    """One data object: its tag and value as they lie in the data, and what they are called.

    A field of a layout has no tag.
    """

    tag: str
    name: str
    length: int
    value: str
    note: Note | None
    text: octets.Readable | None
    children: tuple[Node, ...]


def tree(data: bytes, *, expected: bool, within: str = "") -> tuple[Node, ...]:
    """The data objects in *data*; nothing when it holds none or none are likely."""
    if not data:
        return ()
    try:
        objects = tlv.parse(data, padding=b"")
        if not expected and (not objects or objects[0].tag not in TEMPLATES):
            return ()
        return tuple(_node(item, within) for item in objects)
    except tlv.MalformedTLV:
        return ()


def laid_out(pieces: Iterable[Piece]) -> tuple[Node, ...]:
    """Fields without tags, as nodes of a tree."""
    return tuple(
        Node("", name, len(value), octets.spaced(value.hex().upper()), note, None, ())
        for name, value, note in pieces
    )


def _node(item: tlv.DataObject, within: str) -> Node:
    tag = tlv.encode_tag(item.tag).hex().upper()
    children: tuple[Node, ...] = ()
    if item.constructed and item.value:
        children = tree(item.value, expected=True, within=tag)
    else:
        children = laid_out(layouts.value_of(within, tag, item.value))
    return Node(
        tag,
        tables.tag_name(item.tag, within) or tables.tag_name(item.tag, ""),
        len(item.value),
        "" if children else octets.spaced(item.value.hex().upper()),
        _note(item, within),
        None if children else octets.readable(item.value),
        children,
    )


def _note(item: tlv.DataObject, within: str) -> Note | None:
    """What the value of a control parameter says, for the few whose bytes are no text."""
    if within not in CONTROL or not item.value:
        return None
    number = int.from_bytes(item.value[:LONGEST_COUNT], "big")
    if item.tag in {0x80, 0x81} and len(item.value) <= LONGEST_COUNT:
        return Note("{n} bytes", number, one="{n} byte")
    if item.tag == 0x88 and len(item.value) == 1:
        return Note("short EF identifier {n}", number >> 3)
    if item.tag == 0x8A and len(item.value) == 1:
        return _first("life_cycle", number)
    if item.tag == 0x82:
        return _first("descriptor", item.value[0])
    return None


def _first(name: str, value: int) -> Note | None:
    rules = tables.rules(tables.table("tags")[name])
    return next((note for _, note in tables.notes(rules, {"": value})), None)
