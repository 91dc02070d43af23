"""From an FCP template (62) to the file that CREATE FILE makes of it.

ISO/IEC 7816-4:2020, 7.4.3 (control parameters), 7.4.5 (file descriptor), 9.3.3 to 9.3.5 (security
attributes in compact, expanded and referenced form).
"""

from __future__ import annotations

from itertools import chain, product
from typing import TYPE_CHECKING

from conformance import tlv
from conformance.layout import Behaviour, DedicatedFile, ElementaryFile, File, Kind, Right

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.layout import Layout, Reference
    from conformance.model.state import State

FCP = 0x62
SIZE, DESCRIPTOR, IDENTIFIER, NAME, SHORT_IDENTIFIER = 0x80, 0x82, 0x83, 0x84, 0x88
REFERENCED, COMPACT, EXPANDED = 0x8B, 0x8C, 0xAB
RESERVED_IDENTIFIERS = frozenset({0x0000, 0x3F00, 0x3FFF, 0xFFFF})
DESCRIPTORS = {
    Kind.TRANSPARENT: 0x01,
    Kind.LINEAR_FIXED: 0x02,
    Kind.LINEAR_VARIABLE: 0x04,
    Kind.LINEAR_TLV: 0x05,
    Kind.CYCLIC: 0x06,
    Kind.DATA_OBJECTS: 0x39,
    Kind.DF: 0x38,
}
_KINDS = {descriptor: kind for kind, descriptor in DESCRIPTORS.items()}
EF_MODES = {
    0x40: "delete",
    0x20: "terminate",
    0x10: "activate",
    0x08: "deactivate",
    0x04: "write",
    0x02: "update",
    0x01: "read",
}
DF_MODES = {
    0x40: "delete",
    0x20: "terminate",
    0x10: "activate",
    0x08: "deactivate",
    0x04: "create-df",
    0x02: "create-ef",
    0x01: "delete-child",
}
ALWAYS, NEVER = Right((frozenset(),)), Right(())
_SC_ALWAYS, _SC_NEVER, _SC_USER = 0x00, 0xFF, 0x10
_CONDITION_ALWAYS, _CONDITION_NEVER, _AUTHENTICATION, _ACCESS_MODE = 0x90, 0x97, 0xA4, 0x80
_ONE_OF, _ALL_OF = 0xA0, 0xAF


class Unsound(ValueError):
    """The template describes no file."""


def parameters_in(field: bytes) -> tuple[tlv.DataObject, ...]:
    """The control parameters in *field*; Unsound when it is not one FCP template."""
    try:
        objects = tlv.parse(field)
        if len(objects) != 1 or objects[0].tag != FCP:
            raise Unsound
        return objects[0].children
    except tlv.MalformedTLV:
        raise Unsound from None


def file_in(field: bytes, state: State, layout: Layout) -> File:
    """The file that the template in *field* describes under the current DF; Unsound."""
    parameters = parameters_in(field)
    descriptor = tlv.find(parameters, DESCRIPTOR) or b"\x00"
    identifier = tlv.find(parameters, IDENTIFIER) or b""
    kind = _KINDS.get(descriptor[0] & 0xBF)
    fid = int.from_bytes(identifier, "big")
    if kind is None or len(identifier) != 2 or fid in RESERVED_IDENTIFIERS:
        raise Unsound
    path = f"{state.df.path}/{fid:04X}"
    rights = rights_in(parameters, state, layout, is_df=kind is Kind.DF)
    if kind is Kind.DF:
        return DedicatedFile(path, fid, state.df, tlv.find(parameters, NAME) or b"", rights)
    size = int.from_bytes(tlv.find(parameters, SIZE) or b"", "big")
    records = 0
    if kind.has_records:
        if len(descriptor) < 5:
            raise Unsound
        records = int.from_bytes(descriptor[4:6], "big")
        size = int.from_bytes(descriptor[2:4], "big")
    if not size:
        raise Unsound
    sfi = tlv.find(parameters, SHORT_IDENTIFIER)
    return ElementaryFile(
        path,
        fid,
        state.df,
        kind,
        sfi[0] >> 3 if sfi else None,
        size,
        records,
        rights.get("read", NEVER),
        rights.get("update", NEVER),
        writable=True,
        rights=rights,
        behaviour=Behaviour(descriptor[1] & 0x60) if len(descriptor) > 1 else Behaviour.UNKNOWN,
    )


def rights_in(
    parameters: tuple[tlv.DataObject, ...], state: State, layout: Layout, *, is_df: bool
) -> Mapping[str, Right]:
    """The access rules of the new file, in whichever form they come."""
    modes = DF_MODES if is_df else EF_MODES
    compact = tlv.find(parameters, COMPACT)
    expanded = tlv.find(parameters, EXPANDED)
    referenced = tlv.find(parameters, REFERENCED)
    if compact is not None:
        return _compact(compact, modes, layout)
    if expanded is not None:
        return _expanded(expanded, modes, layout)
    if referenced is not None:
        return _expanded(_rule_at(referenced, state, layout), modes, layout)
    return {}


def _compact(value: bytes, modes: Mapping[int, str], layout: Layout) -> Mapping[str, Right]:
    chosen = [name for bit, name in modes.items() if value and value[0] & bit]
    if len(value) != 1 + len(chosen):
        raise Unsound
    return dict(zip(chosen, (_condition(byte, layout) for byte in value[1:]), strict=True))


def _condition(byte: int, layout: Layout) -> Right:
    """A security condition byte: always, never, or any user authentication."""
    if byte in {_SC_ALWAYS, _SC_NEVER}:
        return ALWAYS if byte == _SC_ALWAYS else NEVER
    if byte != _SC_USER:
        raise Unsound
    return Right(tuple(frozenset({reference}) for reference in layout.references))


def _expanded(value: bytes, modes: Mapping[int, str], layout: Layout) -> Mapping[str, Right]:
    """Access mode data objects, each followed by its condition."""
    rights: dict[str, Right] = {}
    chosen: list[str] = []
    try:
        for item in tlv.parse(value):
            if item.tag == _ACCESS_MODE and len(item.value) == 1:
                chosen = [name for bit, name in modes.items() if item.value[0] & bit]
            else:
                rights |= dict.fromkeys(chosen, _expanded_condition(item, layout))
    except tlv.MalformedTLV:
        raise Unsound from None
    return rights


def _expanded_condition(item: tlv.DataObject, layout: Layout) -> Right:
    """One condition data object, or an AND or OR template of them (9.3.4, table 24)."""
    if item.tag in {_ALL_OF, _ONE_OF}:
        parts = [_expanded_condition(child, layout).alternatives for child in item.children]
        if not parts:
            raise Unsound
        if item.tag == _ONE_OF:
            return Right(tuple(chain.from_iterable(parts)))
        groups = (frozenset(chain.from_iterable(chosen)) for chosen in product(*parts))
        return Right(tuple(dict.fromkeys(groups)))
    if item.tag in {_CONDITION_ALWAYS, _CONDITION_NEVER}:
        return ALWAYS if item.tag == _CONDITION_ALWAYS else NEVER
    number = item.find(0x83) if item.tag == _AUTHENTICATION else None
    named: list[Reference] = [
        reference
        for reference in layout.references
        if number is not None and bytes((reference.number,)) == number
    ]
    if not named:
        raise Unsound
    return Right(tuple(frozenset({reference}) for reference in named))


def _rule_at(value: bytes, state: State, layout: Layout) -> bytes:
    """The record of the EF.ARR beside the new file that a reference (8B) names."""
    fid, number = int.from_bytes(value[:2], "big"), value[2] if len(value) == 3 else 0
    for file in layout.children(state.df):
        if file.fid == fid and isinstance(file, ElementaryFile) and file in state.created:
            held = state.contents[file]
            if 1 <= number <= len(held):
                return held[number - 1].value
    raise Unsound
