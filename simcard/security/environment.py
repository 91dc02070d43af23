"""The current security environment: which keys and algorithms the next operations use.

MANAGE SECURITY ENVIRONMENT fills it with control reference templates (ISO/IEC 7816-4:2020, 10.3);
each says for one kind of operation, and for one side of it, which algorithm, keys and parameters
are meant. The side is the usage qualifier (95): the high half of P1 of the command has the same
bits.

An environment that is stored on the card is an internal EF of the DF it belongs to. Its body is
two bytes that count the bytes in use, and the templates.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final, NamedTuple, Self

from simcard.files.descriptors import File
from simcard.memory.journal import Memory
from simcard.status import SW, CardError
from simcard.tlv import Tlv, encode, find, parse

STORED_SIZE: Final = 256
_BOOKS: Final = 2
TAG_USAGE: Final = 0x95


class Template(IntEnum):
    """The tags of control reference templates (ISO/IEC 7816-4:2020, table 55)."""

    AUTHENTICATION = 0xA4
    KEY_AGREEMENT = 0xA6
    HASH = 0xAA
    CHECKSUM = 0xB4
    SIGNATURE = 0xB6
    CONFIDENTIALITY = 0xB8


class Side(IntFlag):
    """The usage qualifier of a template (ISO/IEC 7816-4:2020, table 57): what it is used for."""

    VERIFIES = 0x80
    """Verification, encipherment, external authentication, key agreement."""

    COMPUTES = 0x40
    """Computation, decipherment, internal authentication, key agreement."""

    RESPONSES = 0x20
    """Secure messaging in responses."""

    COMMANDS = 0x10
    """Secure messaging in commands."""


MUTUAL: Final = Side.VERIFIES | Side.COMPUTES


class Component(NamedTuple):
    """One template that is set: for which side, and its data objects without the qualifier."""

    template: Template
    side: Side
    objects: tuple[Tlv, ...]

    def __bytes__(self) -> bytes:
        qualifier = Tlv(TAG_USAGE, bytes([self.side]))
        return encode(self.template, [qualifier, *self.objects])

    @classmethod
    def decode(cls, tlv: Tlv) -> Self:
        """The component in a template; ValueError for anything else."""
        objects = tlv.children()
        side = Side(int.from_bytes(find(objects, TAG_USAGE) or b"", "big") & 0xF0)
        return cls(Template(tlv.tag), side, tuple(o for o in objects if o.tag != TAG_USAGE))


class Environment(NamedTuple):
    """The components that are set; a value."""

    components: tuple[Component, ...] = ()

    def get(self, template: Template, side: Side, tag: int) -> bytes | None:
        """The value of data object *tag* in *template* for all of *side*, None if it is not set."""
        for component in self.components:
            if component.template is template and component.side & side == side:
                return find(component.objects, tag)
        return None

    def with_component(self, new: Component) -> Environment:
        """This environment with *new* instead of every component it overlaps."""
        kept = (
            old
            for old in self.components
            if old.template is not new.template or not old.side & new.side
        )
        return Environment((*kept, new))


class StoredEnvironment:
    """An environment that the card keeps, behind the door."""

    __slots__ = ("_memory", "_region")

    def __init__(self, file: File, memory: Memory) -> None:
        self._region = file.region
        self._memory = memory

    def load(self) -> Environment:
        """The environment as it was stored."""
        used = int.from_bytes(self._region.read(self._memory, 0, _BOOKS), "big")
        objects = parse(self._region.read(self._memory, _BOOKS, used))
        return Environment(tuple(Component.decode(tlv) for tlv in objects))

    def store(self, environment: Environment) -> None:
        """Keep *environment* instead of what was there; 6A84 when it is too long."""
        self._region.write(self._memory, 0, stored_body(environment))


def stored_body(environment: Environment) -> bytes:
    """The first bytes of the body of a stored environment; 6A84 when it is too long."""
    body = b"".join(map(bytes, environment.components))
    if _BOOKS + len(body) > STORED_SIZE:
        raise CardError(SW.NOT_ENOUGH_MEMORY)
    return len(body).to_bytes(_BOOKS, "big") + body
