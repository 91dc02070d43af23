"""What the card knows about a file: its kind, structure and control parameters.

A file's head lies at the start of its chain of cells (all numbers big-endian):

======  ====  ==================================================================
offset  size  meaning
======  ====  ==================================================================
0       1     kind (`FileKind`)
1       1     life cycle status byte (ISO/IEC 7816-4:2020, table 14)
2       2     cell of the parent, 0000 for the MF
4       2     file identifier; for reference data and keys: 00 and the reference
6       2     length A of the attributes
8       4     length B of the body
12      A     attributes: BER-TLV data objects, the control parameters as created
12+A    B     body
======  ====  ==================================================================
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Final

from simcard.files.store import Region
from simcard.tlv import Tlv, encode, find

HEAD: Final = struct.Struct(">BBHHHI")
MF_IDENTIFIER: Final = 0x3F00

TAG_SIZE: Final = 0x80
TAG_TOTAL_SIZE: Final = 0x81
TAG_DESCRIPTOR: Final = 0x82
TAG_IDENTIFIER: Final = 0x83
TAG_NAME: Final = 0x84
TAG_SFI: Final = 0x88
TAG_PROPRIETARY: Final = 0x86
TAG_LIFE_CYCLE: Final = 0x8A
TAG_REFERENCED: Final = 0x8B
TAG_COMPACT: Final = 0x8C
TAG_EXPANDED: Final = 0xAB
TAG_FCP: Final = 0x62
TAG_FMD: Final = 0x64
TAG_FCI: Final = 0x6F
TAG_APPLICATION_LABEL: Final = 0x50
TAG_AUXILIARY_DATA: Final = 0xA5
TAG_ITEM_RIGHTS: Final = 0xC3


class FileKind(IntEnum):
    """What a chain of cells is."""

    DF = 1
    EF = 2
    REFERENCE_DATA = 3
    KEY = 4
    SECURITY_ENVIRONMENT = 5
    DATA_OBJECTS = 6
    PURSE = 7
    KEY_FILE = 8


class Structure(Enum):
    """The structure of an EF: the low bits of the file descriptor byte (7816-4, table 13)."""

    TRANSPARENT = 0x01
    LINEAR_FIXED = 0x02
    LINEAR_FIXED_TLV = 0x03
    LINEAR_VARIABLE = 0x04
    LINEAR_VARIABLE_TLV = 0x05
    CYCLIC = 0x06
    CYCLIC_TLV = 0x07
    DATA_OBJECTS = 0x39

    @property
    def has_records(self) -> bool:
        """Whether the EF is a row of records."""
        return self not in (Structure.TRANSPARENT, Structure.DATA_OBJECTS)

    @property
    def is_cyclic(self) -> bool:
        """Whether record 1 is the youngest and the oldest is overwritten."""
        return self in (Structure.CYCLIC, Structure.CYCLIC_TLV)

    @property
    def is_variable(self) -> bool:
        """Whether each record has its own length."""
        return self in (Structure.LINEAR_VARIABLE, Structure.LINEAR_VARIABLE_TLV)

    @property
    def is_tlv(self) -> bool:
        """Whether each record is one SIMPLE-TLV object, its identifier in the first byte."""
        return self in (
            Structure.LINEAR_FIXED_TLV,
            Structure.LINEAR_VARIABLE_TLV,
            Structure.CYCLIC_TLV,
        )


class LifeCycle(Enum):
    """The life cycle states of a file (ISO/IEC 7816-4:2020, table 14)."""

    CREATION = 0x01
    INITIALISATION = 0x03
    ACTIVATED = 0x05
    DEACTIVATED = 0x04
    TERMINATED = 0x0C

    @classmethod
    def from_byte(cls, value: int) -> LifeCycle:
        """The state a life cycle status byte encodes; ValueError for any other value."""
        if value & 0xFC == 0x0C:
            return cls.TERMINATED
        if value & 0xFD in (0x04, 0x05) and value <= 0x07:
            return cls(value & 0x05)
        return cls(value)


DESCRIPTOR_DF: Final = 0x38
_SHAREABLE: Final = 0x40


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """A DF, a working EF, or an internal EF that holds reference data, a key or data objects.

    Two files are equal only when they are the same object: what was derived from one can be kept.
    """

    cell: int
    kind: FileKind
    life_cycle: LifeCycle
    parent: int
    identifier: int
    attributes: tuple[Tlv, ...]
    region: Region
    structure: Structure | None = None
    record_size: int = 0
    record_limit: int = 0
    sfi: int = 0
    shareable: bool = False
    names: tuple[bytes, ...] = field(default=())

    @property
    def size(self) -> int:
        """Bytes of content the EF can hold, without what the card needs to keep its books."""
        return self.region.size - bookkeeping(self.structure, self.record_limit)

    @property
    def is_df(self) -> bool:
        """Whether this is the MF, an application DF or a DF."""
        return self.kind is FileKind.DF

    @property
    def is_usable(self) -> bool:
        """Whether the life cycle state lets commands reach the content."""
        return self.life_cycle not in (LifeCycle.DEACTIVATED, LifeCycle.TERMINATED)


def bookkeeping(structure: Structure | None, record_limit: int) -> int:
    """Bytes of a body that are not content: two, and what the states and lengths of records take.

    A bit tells the state of a record, two bytes the length of one that has its own.
    """
    if structure in (None, Structure.TRANSPARENT):
        return 0
    assert structure is not None
    lengths = 2 * record_limit if structure.is_variable else 0
    return record_books(record_limit) + lengths


def record_books(record_limit: int) -> int:
    """Bytes in front of the records: their number, the youngest, and a bit for each."""
    return 2 + (record_limit + 7) // 8


def describe(attributes: tuple[Tlv, ...], *, is_df: bool) -> dict[str, object]:
    """The fields of `File` that its descriptor (82), short identifier (88) and names (84) say.

    ValueError when the file descriptor is malformed or asks for a structure that does not exist.
    """
    names = tuple(tlv.value for tlv in attributes if tlv.tag == TAG_NAME)
    descriptor = find(attributes, TAG_DESCRIPTOR) or b""
    if not descriptor or (descriptor[0] & ~_SHAREABLE == DESCRIPTOR_DF) != is_df:
        raise ValueError("the file descriptor byte (82) is missing or says another kind of file")
    shareable = bool(descriptor[0] & _SHAREABLE)
    if is_df:
        return {"names": names, "shareable": shareable}
    structure = Structure(descriptor[0] & ~_SHAREABLE)
    record_size = record_limit = 0
    if structure.has_records:
        if len(descriptor) not in (4, 5, 6):
            raise ValueError("a record EF's descriptor (82) gives record size and number")
        record_size = int.from_bytes(descriptor[2:4], "big")
        record_limit = int.from_bytes(descriptor[4:], "big")
        if not record_size or record_limit > 0xFE:
            raise ValueError("records have at least one byte, and number 254 at most")
    return {
        "structure": structure,
        "record_size": record_size,
        "record_limit": record_limit,
        "sfi": short_identifier(attributes),
        "shareable": shareable,
    }


def short_identifier(attributes: tuple[Tlv, ...]) -> int:
    """The SFI (1 to 30) that DO 88 gives, 0 when it is empty or absent; ValueError if malformed."""
    value = find(attributes, TAG_SFI)
    if not value:
        return 0
    if len(value) != 1 or value[0] & 0x07 or not 1 <= value[0] >> 3 <= 30:
        raise ValueError("a short EF identifier (88) is 1 to 30 in the five high bits of one byte")
    return value[0] >> 3


def with_short_identifier(attributes: tuple[Tlv, ...], identifier: int) -> tuple[Tlv, ...]:
    """*attributes* with a DO 88 that says what its absence means (7816-4, 7.4.3).

    Without DO 88 the five low bits of the file identifier are the short one; where they are none
    (00 or 1F) the empty DO 88 says so.
    """
    if find(attributes, TAG_SFI) is not None:
        return attributes
    low = identifier & 0x1F
    return (*attributes, Tlv(TAG_SFI, bytes([low << 3]) if low not in (0, 0x1F) else b""))


def file_control_parameters(file: File) -> bytes:
    """The value field of the FCP template (62) of *file*, in the order of table 11."""
    size = file.size.to_bytes(max(2, (file.size.bit_length() + 7) // 8), "big")
    own: dict[int, bytes] = {}
    if not file.is_df:
        own[TAG_SIZE] = size
    own[TAG_IDENTIFIER] = file.identifier.to_bytes(2, "big")
    own[TAG_LIFE_CYCLE] = bytes([file.life_cycle.value])
    objects = [Tlv(tag, value) for tag, value in own.items()]
    objects += [tlv for tlv in file.attributes if tlv.tag in _PUBLIC_TAGS and tlv.tag not in own]
    return b"".join(bytes(tlv) for tlv in sorted(objects, key=lambda tlv: _order(tlv.tag)))


_PUBLIC_TAGS: Final = frozenset(
    {
        TAG_DESCRIPTOR,
        TAG_NAME,
        TAG_SFI,
        TAG_AUXILIARY_DATA,
        TAG_COMPACT,
        TAG_EXPANDED,
        TAG_REFERENCED,
        TAG_PROPRIETARY,
        0x85,
        0x87,
    }
)


def _order(tag: int) -> int:
    """Primitive control parameters first, by their number."""
    return tag & 0x1F | (tag & 0x20) << 3


def file_management_data(file: File) -> bytes:
    """The value field of the FMD template (64): name and label of an application."""
    objects = [encode(TAG_NAME, name) for name in file.names]
    label = find(file.attributes, TAG_APPLICATION_LABEL)
    if label is not None:
        objects.append(encode(TAG_APPLICATION_LABEL, label))
    return b"".join(objects)


def file_control_information(file: File) -> bytes:
    """The value field of the FCI template (6F): FCP and FMD, each data object once."""
    label = find(file.attributes, TAG_APPLICATION_LABEL)
    return file_control_parameters(file) + (
        b"" if label is None else encode(TAG_APPLICATION_LABEL, label)
    )
