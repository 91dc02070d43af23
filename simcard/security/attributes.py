"""Security attributes as bytes: compact, expanded and referenced (ISO/IEC 7816-4:2020, 9.3).

The compact form (tag 8C) is an access mode byte and one security condition byte for each bit set
in it. The expanded form (tag AB) is a row of access mode data objects, each followed by the
condition data objects that all have to be met. The referenced form (tag 8B) points at a record of
an EF.ARR, which holds expanded rules. A security condition byte that names no reference data is
met by any reference data of the method it asks for. The proprietary form (tag 86) has the rights of
the PBOC family, which go by the security state of the DF; in expanded rules they are data objects
of the private class (C1).
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from simcard.files.descriptors import (
    TAG_COMPACT,
    TAG_EXPANDED,
    TAG_PROPRIETARY,
    TAG_REFERENCED,
    File,
)
from simcard.security.access import (
    ALWAYS,
    NEVER,
    AccessRules,
    AllOf,
    Always,
    AnyOf,
    Authenticated,
    Condition,
    MasterState,
    Method,
    Never,
    Not,
    Right,
    Secured,
    StateBetween,
)
from simcard.tlv import Tlv, TlvError, encode, parse


class Subject(Enum):
    """What kind of object an access mode byte is about: its bits differ."""

    DF = "DF"
    EF = "EF"

    @classmethod
    def of(cls, file: File) -> Subject:
        """What the bits mean for *file*."""
        return cls.DF if file.is_df else cls.EF


MODE_BITS: Final[dict[Subject, dict[int, Right]]] = {
    Subject.EF: {
        0x40: Right.DELETE,
        0x20: Right.TERMINATE,
        0x10: Right.ACTIVATE,
        0x08: Right.DEACTIVATE,
        0x04: Right.WRITE,
        0x02: Right.UPDATE,
        0x01: Right.READ,
    },
    Subject.DF: {
        0x40: Right.DELETE,
        0x20: Right.TERMINATE,
        0x10: Right.ACTIVATE,
        0x08: Right.DEACTIVATE,
        0x04: Right.CREATE_DF,
        0x02: Right.CREATE_EF,
        0x01: Right.DELETE_CHILD,
    },
}
"""Bits 7 to 1 of the access mode byte (ISO/IEC 7816-4:2020, tables 17 and 18)."""

_AM_BYTE: Final = 0x80
_ALWAYS: Final = 0x90
_NEVER: Final = 0x97
_SC_BYTE: Final = 0x9E
_AUTHENTICATION: Final = 0xA4
_MAC_TEMPLATE: Final = 0xB4
_CONFIDENTIALITY_TEMPLATE: Final = 0xB8
_OR: Final = 0xA0
_AND: Final = 0xAF
_NOT: Final = 0xA7
_STATE: Final = 0xC1
_REFERENCE_TAGS: Final = (0x83, 0x84)
_USAGE: Final = 0x95
_USAGE_USER: Final = 0x08
_USAGE_EXTERNAL: Final = 0x80
_USAGE_MESSAGING: Final = 0x30

_SC_ALL: Final = 0x80
_SC_MESSAGING: Final = 0x40
_SC_EXTERNAL: Final = 0x20
_SC_USER: Final = 0x10


def decode_compact(value: bytes, subject: Subject) -> AccessRules:
    """The rules of a compact attribute; ValueError when bytes are missing or left over."""
    if not value or value[0] & 0x80:
        raise ValueError("the access mode byte is missing or proprietary")
    rights = [right for bit, right in MODE_BITS[subject].items() if value[0] & bit]
    if len(value) != 1 + len(rights):
        raise ValueError(f"{len(rights)} security condition bytes expected, {len(value) - 1} found")
    return dict(zip(rights, map(_from_sc_byte, value[1:]), strict=True))


def state_right(value: int) -> Condition:
    """A right byte XY of the PBOC family: granted while Y <= security state <= X.

    0Y, which no state of the DF could meet, is granted while that of the MF is Y or higher. F0 is
    always and EF never.
    """
    if value in (0xF0, 0xEF):
        return ALWAYS if value == 0xF0 else NEVER
    if 0 < value <= 0x0F:
        return MasterState(value)
    return StateBetween(value & 0x0F, value >> 4)


def decode_proprietary(value: bytes, subject: Subject) -> AccessRules:
    """The rules of a proprietary attribute (86): two right bytes, then what protects the line.

    Of a DF the first right is to create and the second to delete, of an EF they are to read and to
    change. Bit 8 of the third byte demands a MAC on changes, bits 8 and 7 cipher and MAC.
    """
    if len(value) != 3 or value[2] & 0x3F:
        raise ValueError("a proprietary security attribute (86) is two rights and a line byte")
    first, second = state_right(value[0]), state_right(value[1])
    if subject is Subject.DF:
        return {
            Right.CREATE_EF: first,
            Right.CREATE_DF: first,
            Right.DELETE: second,
            Right.DELETE_CHILD: second,
        }
    if value[2]:
        line = Secured(authentic=True, confidential=value[2] == 0xC0)
        second = line if second is ALWAYS else AllOf((second, line))
    return {Right.READ: first, Right.UPDATE: second, Right.WRITE: second}


def _from_sc_byte(value: int) -> Condition:
    if value == 0x00:
        return ALWAYS
    if value == 0xFF:
        return NEVER
    parts: list[Condition] = []
    if value & _SC_MESSAGING:
        parts.append(Secured())
    if value & _SC_EXTERNAL:
        parts.append(Authenticated(Method.EXTERNAL))
    if value & _SC_USER:
        parts.append(Authenticated(Method.USER))
    if not parts:
        raise ValueError(f"the security condition byte {value:02X} asks for nothing")
    if len(parts) == 1:
        return parts[0]
    return AllOf(tuple(parts)) if value & _SC_ALL else AnyOf(tuple(parts))


def decode_expanded(value: bytes, subject: Subject) -> AccessRules:
    """The rules of an expanded attribute or of a record of EF.ARR; ValueError when malformed."""
    rules: AccessRules = {}
    rights: list[Right] = []
    parts: list[Condition] = []
    for tlv in [*parse(value), Tlv(_AM_BYTE, b"\0")]:
        if tlv.tag != _AM_BYTE:
            parts.append(_from_condition(tlv))
            continue
        if rights and not parts:
            raise ValueError("an access mode data object has no condition behind it")
        rules.update(dict.fromkeys(rights, _all(parts)) if rights else {})
        if len(tlv.value) != 1 or tlv.value[0] & 0x80:
            raise ValueError("an access mode data object holds one interindustry byte")
        rights = [right for bit, right in MODE_BITS[subject].items() if tlv.value[0] & bit]
        parts = []
    return rules


def _all(parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _from_condition(tlv: Tlv) -> Condition:
    match tlv.tag:
        case 0xC1 if len(tlv.value) == 1:
            return state_right(tlv.value[0])
        case 0x90:
            return ALWAYS
        case 0x97:
            return NEVER
        case 0x9E if len(tlv.value) == 1:
            return _from_sc_byte(tlv.value[0])
        case 0xA0 | 0xAF:
            parts = tuple(_from_condition(part) for part in tlv.children())
            if not parts:
                raise ValueError(f"the template {tlv.tag:02X} is empty")
            return AnyOf(parts) if tlv.tag == _OR else AllOf(parts)
        case 0xA7:
            return Not(_all([_from_condition(part) for part in tlv.children()]))
        case 0xA4:
            return _from_authentication(tlv.children())
        case 0xB4:
            return Secured()
        case 0xB8:
            return Secured(authentic=False, confidential=True)
    raise ValueError(f"{tlv.tag:X} is not a security condition data object")


def _from_authentication(template: list[Tlv]) -> Condition:
    usage = next((tlv.value for tlv in template if tlv.tag == _USAGE), bytes([_USAGE_USER]))
    reference = next((tlv.value for tlv in template if tlv.tag in _REFERENCE_TAGS), None)
    if len(usage) != 1 or (reference is not None and len(reference) != 1):
        raise ValueError("a reference and a usage qualifier are one byte each")
    method = Method.USER if usage[0] & _USAGE_USER else Method.EXTERNAL
    return Authenticated(method, None if reference is None else reference[0])


def encode_expanded(rules: AccessRules, subject: Subject) -> bytes:
    """The value field of an expanded attribute (tag AB) that says *rules*."""
    bits = {right: bit for bit, right in MODE_BITS[subject].items()}
    modes: dict[Condition, int] = {}
    for right, condition in rules.items():
        modes[condition] = modes.get(condition, 0) | bits[right]
    return b"".join(
        encode(_AM_BYTE, bytes([mode])) + _to_condition(condition)
        for condition, mode in modes.items()
    )


def _to_condition(condition: Condition) -> bytes:
    match condition:
        case Always():
            return encode(_ALWAYS, b"")
        case Never():
            return encode(_NEVER, b"")
        case Authenticated(method, reference):
            usage = _USAGE_USER if method is Method.USER else _USAGE_EXTERNAL
            named = b"" if reference is None else encode(0x83, bytes([reference]))
            return encode(_AUTHENTICATION, named + encode(_USAGE, bytes([usage])))
        case Secured(authentic, confidential):
            usage_field = encode(_USAGE, bytes([_USAGE_MESSAGING]))
            parts = [encode(_MAC_TEMPLATE, usage_field)] * authentic
            parts += [encode(_CONFIDENTIALITY_TEMPLATE, usage_field)] * confidential
            return parts[0] if len(parts) == 1 else encode(_AND, b"".join(parts))
        case StateBetween(low, high):
            return encode(_STATE, bytes([high << 4 | low]))
        case MasterState(low):
            return encode(_STATE, bytes([low]))
        case AllOf(parts=members):
            return encode(_AND, b"".join(map(_to_condition, members)))
        case AnyOf(parts=members):
            return encode(_OR, b"".join(map(_to_condition, members)))
        case Not(part):
            return encode(_NOT, _to_condition(part))


def check(attributes: list[Tlv], subject: Subject) -> None:
    """Malformed security attributes raise ValueError (TlvError is one): for CREATE FILE."""
    for tlv in attributes:
        if tlv.tag == TAG_COMPACT:
            decode_compact(tlv.value, subject)
        elif tlv.tag == TAG_PROPRIETARY:
            decode_proprietary(tlv.value, subject)
        elif tlv.tag == TAG_EXPANDED:
            decode_expanded(tlv.value, subject)
        elif tlv.tag == TAG_REFERENCED and len(tlv.value) not in (1, 3):
            raise TlvError("a reference to EF.ARR is a record number, or a FID and one")
