"""File control parameters as an interview reads them (ISO/IEC 7816-4:2020, 7.4).

Whatever is missing or makes no sense is left out, and the interview measures or leaves the question
to a person.
"""

from __future__ import annotations

from dataclasses import dataclass

from conformance import tlv
from conformance.layout import Kind

TEMPLATES = (0x62, 0x6F)
SIZE, DESCRIPTOR, IDENTIFIER, NAME, SHORT_IDENTIFIER = 0x80, 0x82, 0x83, 0x84, 0x88
_STRUCTURES = {
    1: Kind.TRANSPARENT,
    2: Kind.LINEAR_FIXED,
    3: Kind.LINEAR_TLV,
    4: Kind.LINEAR_VARIABLE,
    5: Kind.LINEAR_TLV,
    6: Kind.CYCLIC,
    7: Kind.CYCLIC,
}
_DF, _DATA_OBJECTS = 0x38, 0x39


@dataclass(frozen=True, slots=True)
class Control:
    """What a file says of itself; None and zero are "not said"."""

    fid: int | None = None
    name: bytes = b""
    kind: Kind | None = None
    size: int = 0
    """Bytes of a transparent EF, or of the longest record."""
    records: int = 0
    sfi: int | None = None

    @property
    def said(self) -> bool:
        """Whether there is anything in it."""
        return self != Control()


def parse_control(data: bytes) -> Control:
    """The parameters in the response to SELECT; an empty one when there are none."""
    try:
        objects = tlv.parse(data)
        inner = tuple(child for one in objects if one.tag in TEMPLATES for child in one.children)
        nested = tuple(child for one in inner if one.tag in TEMPLATES for child in one.children)
    except tlv.MalformedTLV:
        return Control()
    return _control({one.tag: one.value for one in reversed(inner + nested)})


def _control(found: dict[int, bytes]) -> Control:
    descriptor = found.get(DESCRIPTOR, b"")
    kind = _kind(descriptor[0]) if descriptor else None
    fid = found.get(IDENTIFIER, b"")
    size = int.from_bytes(found.get(SIZE, b"")[:4], "big")
    records = 0
    if kind is not None and kind.has_records:
        size = int.from_bytes(descriptor[2:4], "big")
        records = int.from_bytes(descriptor[4:6], "big")
    sfi = found.get(SHORT_IDENTIFIER)
    number = _short(sfi, fid) if sfi is not None else None
    return Control(
        fid=int.from_bytes(fid, "big") if len(fid) == 2 else None,
        name=found.get(NAME, b"") if len(found.get(NAME, b"")) <= 16 else b"",
        kind=kind,
        size=0 if kind is Kind.DF else size,
        records=records,
        sfi=number,
    )


def _kind(descriptor: int) -> Kind | None:
    """The structure in the file descriptor byte; None where it is proprietary."""
    if descriptor & 0xBF == _DF:
        return Kind.DF
    if descriptor & 0xBF == _DATA_OBJECTS:
        return Kind.DATA_OBJECTS
    return None if descriptor & 0x80 else _STRUCTURES.get(descriptor & 0x07)


def _short(value: bytes, fid: bytes) -> int | None:
    """The short EF identifier; an empty value means bits 5 to 1 of the file identifier."""
    number = value[0] >> 3 if value else (fid[-1] & 0x1F if fid else 0)
    return number if 1 <= number <= 30 else None
