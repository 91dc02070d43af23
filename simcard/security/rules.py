"""From the security attributes of a file to the condition for one right."""

from __future__ import annotations

from functools import lru_cache

from simcard.files.descriptors import (
    TAG_COMPACT,
    TAG_EXPANDED,
    TAG_ITEM_RIGHTS,
    TAG_PROPRIETARY,
    TAG_REFERENCED,
    File,
    LifeCycle,
)
from simcard.files.records import RecordContent
from simcard.files.tree import Tree
from simcard.memory.journal import Memory
from simcard.security.access import ALWAYS, NEVER, AccessRules, Condition, Grants, Right
from simcard.security.attributes import (
    Subject,
    decode_compact,
    decode_expanded,
    decode_proprietary,
    state_right,
)
from simcard.status import CardError
from simcard.tlv import decode_length, decode_tag, find

__all__ = ["closed_items", "condition", "rules_of", "unconditional"]

_EF_ARR = 0x2F06


def condition(tree: Tree, memory: Memory, file: File, right: Right) -> Condition:
    """What *right* on *file* demands.

    A file without security attributes is open to all; one that has some grants a right it does
    not name to nobody.
    """
    rules = rules_of(tree, memory, file)
    return ALWAYS if rules is None else rules.get(right, NEVER)


@lru_cache(maxsize=4096)
def unconditional(file: File) -> frozenset[Right]:
    """The rights on *file* for which nobody is asked anything, whatever else the card holds.

    All of them before the file is activated: that is when its rules come into force (7816-9, 6.2).
    """
    if file.life_cycle in (LifeCycle.CREATION, LifeCycle.INITIALISATION):
        return frozenset(Right)
    direct = _direct(file)
    if direct is None:
        return frozenset(Right)
    if isinstance(direct, bytes):
        return frozenset()
    return frozenset(right for right, condition in direct.items() if condition is ALWAYS)


def rules_of(tree: Tree, memory: Memory, file: File) -> AccessRules | None:
    """The rule set of *file*, None when it has no security attributes."""
    direct = _direct(file)
    if isinstance(direct, bytes):
        return _referenced(tree, memory, file, direct)
    return direct


def closed_items(file: File, grants: Grants) -> frozenset[int]:
    """The identifiers of the records of *file* that a session with *grants* may not read.

    They are the items with a right of their own, besides that of the EF (PBOC family).
    """
    return frozenset(item for item, right in _item_rights(file) if not right.met_by(grants))


@lru_cache(maxsize=4096)
def _item_rights(file: File) -> tuple[tuple[int, Condition], ...]:
    """What data object C3 says: identifiers, each with the right byte to read the record."""
    pairs = find(file.attributes, TAG_ITEM_RIGHTS) or b""
    return tuple(
        (item, state_right(right)) for item, right in zip(pairs[::2], pairs[1::2], strict=False)
    )


@lru_cache(maxsize=4096)
def _direct(file: File) -> AccessRules | bytes | None:
    """The rules that stand in the attributes themselves, or the reference that does instead."""
    for tlv in file.attributes:
        if tlv.tag == TAG_COMPACT:
            return decode_compact(tlv.value, Subject.of(file))
        if tlv.tag == TAG_PROPRIETARY:
            return decode_proprietary(tlv.value, Subject.of(file))
        if tlv.tag == TAG_EXPANDED:
            return decode_expanded(tlv.value, Subject.of(file))
        if tlv.tag == TAG_REFERENCED:
            return tlv.value
    return None


def _referenced(tree: Tree, memory: Memory, file: File, reference: bytes) -> AccessRules:
    """The rules in a record of EF.ARR; a reference that leads nowhere grants nothing."""
    identifier = int.from_bytes(reference[:2], "big") if len(reference) == 3 else _EF_ARR
    for df in tree.lineage(file if file.is_df else tree.parent(file)):
        arr = tree.child(df, identifier)
        if arr is not None and arr.structure is not None and arr.structure.has_records:
            try:
                record = RecordContent(arr, memory).read(reference[-1])
                return decode_record(record, Subject.of(file))
            except (CardError, ValueError):
                return {}
    return {}


def decode_record(record: bytes, subject: Subject) -> AccessRules:
    """The rules in a record of EF.ARR; ValueError when it holds none.

    They end with the record, or with the first FF where a tag should stand: there the record was
    never written.
    """
    offset = 0
    while offset < len(record) and record[offset] != 0xFF:
        if record[offset]:
            _, offset = decode_tag(record, offset)
            length, offset = decode_length(record, offset)
            offset += length
        else:
            offset += 1  # 00 means nothing between data objects
    return decode_expanded(record[:offset], subject)
