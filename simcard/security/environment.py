"""The current security environment: which keys and algorithms the next operations use.

MANAGE SECURITY ENVIRONMENT fills it with control reference templates (ISO/IEC 7816-4:2020, 10.3);
each says for one kind of operation which algorithm, keys and parameters are meant.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from simcard.tlv import Tlv, encode, find, parse


class Template(IntEnum):
    """The tags of control reference templates (ISO/IEC 7816-4:2020, table 55)."""

    AUTHENTICATION = 0xA4
    KEY_AGREEMENT = 0xA6
    HASH = 0xAA
    CHECKSUM = 0xB4
    SIGNATURE = 0xB6
    CONFIDENTIALITY = 0xB8


class Environment(NamedTuple):
    """The templates that are set, each with its data objects; a value."""

    templates: tuple[tuple[Template, tuple[Tlv, ...]], ...] = ()

    def get(self, template: Template, tag: int) -> bytes | None:
        """The value of data object *tag* in *template*, None when it is not set."""
        return find(dict(self.templates).get(template, ()), tag)

    def with_template(self, template: Template, objects: tuple[Tlv, ...]) -> Environment:
        """This environment with *objects* in *template*, in the place of those of the same tag."""
        current = dict(self.templates)
        tags = {tlv.tag for tlv in objects}
        kept = (tlv for tlv in current.get(template, ()) if tlv.tag not in tags)
        current[template] = (*kept, *objects)
        return Environment(tuple(current.items()))

    def encode(self) -> bytes:
        """The environment as data objects, for storing it on the card."""
        return b"".join(encode(template, objects) for template, objects in self.templates)

    @classmethod
    def decode(cls, data: bytes) -> Environment:
        """The environment that `encode` wrote; ValueError for anything else."""
        return cls(tuple((Template(tlv.tag), tuple(tlv.children())) for tlv in parse(data)))
