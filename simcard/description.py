"""A profile in words: the tree with its access rules, and the table of commands."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from simcard.family_description import describe_choices, describe_family
from simcard.profiles.keys import KeyTable
from simcard.profiles.profile import Profile
from simcard.profiles.schema import CompactAccess, FileTable, ReferencedAccess
from simcard.profiles.tables import AccessTable
from simcard.security.access import Condition
from simcard.security.attributes import state_right
from simcard.security.keys import UNLIMITED


def describe_profile(profile: Profile) -> RenderableType:
    """The card as its own document: identity, chip, files, reference data, keys."""
    tables = profile.tables
    memory = tables.memory
    head = Table.grid(padding=(0, 2))
    head.add_row("card", f"{tables.name}: {tables.title}")
    head.add_row("ATR", tables.atr.hex(" ").upper())
    answer = profile.answer_to_select
    if tables.ats is not None and answer is not None:
        head.add_row("ATS", tables.ats.hex(" ").upper())
        head.add_row("", str(answer))
        head.add_row("", f"historical bytes {answer.historical.hex(' ').upper()}")
        head.add_row("", f"ATR of a contactless reader: {answer.atr.hex(' ').upper()}")
    head.add_row("dialect", tables.dialect)
    if tables.dialect == "pboc":
        head.add_row("choices", describe_choices(tables.pboc.rules))
    head.add_row(
        "memory",
        f"{memory.size} bytes in pages of {memory.page_size}, {memory.endurance} writes a page",
    )
    head.add_row("channels", str(tables.limits.channels))
    return Group(head, Text(), _tree(profile))


def _tree(profile: Profile) -> Tree:
    nodes: dict[str, Tree] = {}
    root = Tree("")
    for file in profile.tables.file:
        label = f"{_label(file)}\n  {_access(profile, file.access)}{_items(file)}"
        node = nodes[file.parent].add(label) if file.parent else Tree(label)
        if not file.parent:
            root = node
        nodes[file.path] = node
        for data in profile.tables.reference_data:
            if data.df == file.path:
                node.add(
                    f"reference data {data.reference.hex().upper()}  {data.title}\n"
                    f"  {data.tries} tries, {data.encoding}, "
                    f"{data.lengths[0]} to {data.lengths[1]} bytes; "
                    f"{_access(profile, data.access)}"
                )
        for key in profile.tables.key:
            if key.df == file.path:
                node.add(f"{_key(key)}\n  {_access(profile, key.access)}")
        for text in describe_family(profile, file.path, _access):
            node.add(text)
    return root


def _key(key: KeyTable) -> str:
    """What a key is and is for; never its value."""
    kind = " ".join(filter(None, (key.algorithm, key.curve, key.digest)))
    limits = [f"{key.tries} tries"] * bool(key.tries)
    limits += [f"{key.uses} uses"] * (key.uses != UNLIMITED)
    parts = (f"key {key.reference.hex().upper()}", key.title)
    return "  ".join([*parts, ", ".join([kind, *key.usage, *limits])])


def _label(file: FileTable) -> str:
    parts = [f"{file.identifier:04X}", file.type]
    if file.records:
        parts.append(f"{file.records} x {file.record_size}")
    elif file.size:
        parts.append(f"{file.size} bytes")
    if file.sfi:
        parts.append(f"SFI {file.sfi:02X}")
    if file.name:
        parts.append(f"name {file.name.hex().upper()}")
    return "  ".join([*parts, file.title])


def _items(file: FileTable) -> str:
    """The rights to read single items, behind those of the EF."""
    return "".join(
        f"; read item {item.hex().upper()}: {state_right(right[0])}"
        for item, right in file.read_items.items()
    )


def _access(profile: Profile, access: str | AccessTable | ReferencedAccess | CompactAccess) -> str:
    """The rules as text: each condition once, with the rights it is for."""
    match access:
        case str():
            access = profile.tables.access[access]
        case ReferencedAccess(record=record):
            return f"rules of EF.ARR, record {record}"
        case CompactAccess(compact=compact):
            return f"compact rules {compact.hex().upper()}"
    rights: dict[Condition, list[str]] = {}
    assert isinstance(access, AccessTable)
    for right, condition in access.rules().items():
        rights.setdefault(condition, []).append(right.value)
    said = [f"{', '.join(names)}: {condition}" for condition, names in rights.items()]
    return "; ".join(said) or "nothing is allowed to anybody"


def describe_commands(profile: Profile) -> RenderableType:
    """Every command of the profile's dialect, in the order of the instruction bytes."""
    table = Table("CLA", "INS", "command", "cases", "right", "clause", box=None, pad_edge=False)
    for declaration in profile.settings.commands:
        table.add_row(
            "8X" if declaration.proprietary else "0X",
            f"{declaration.ins:02X}",
            declaration.name,
            " ".join(str(case.value) for case in sorted(declaration.cases, key=lambda c: c.value)),
            declaration.right.value if declaration.right else "",
            declaration.clause,
        )
    return table
