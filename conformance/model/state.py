"""The state a card is in, as far as the standard makes it visible from outside.

Immutable: a command leads to another state. `Content` is what is known of the bytes of a file or a
record; a byte nobody has read or written yet may be anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from conformance.layout import DedicatedFile, ElementaryFile, File, Item, Layout, Reference
from conformance.model.desk import EMPTY, NOTHING, Desk, Works

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU
    from conformance.model.outcome import DataRule
    from conformance.model.pboc.state import FamilyState
    from conformance.tlv import DataObject

REFUSED_CHANGES_NOTHING = "7816-4/laws/refused-changes-nothing"

Area = Literal["binary", "record"]


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a transparent EF or of one record; `known` marks with 01 those that count."""

    value: bytes
    known: bytes | None = None
    """None when every byte is known."""
    written: tuple[int, int] | None = None
    """First and behind-the-last offset of the latest successful update in this history."""
    refused: tuple[int, bytes] | None = None
    """Offset and data of the latest update that the card refused."""
    kept: bool = False
    """Whether there was a reset since the latest successful update."""
    by: str = ""
    """The requirement on the command that changed it last, where that is not UPDATE."""

    @classmethod
    def unknown(cls, size: int) -> Content:
        """*size* bytes nobody has seen."""
        return cls(bytes(size), bytes(size))

    def matches(self, offset: int, data: bytes) -> bool:
        """Whether *data* can be what stands at *offset*."""
        value = self.value[offset : offset + len(data)]
        if self.known is None:
            return value == data
        known = self.known[offset : offset + len(data)]
        return all(a == b or not k for a, b, k in zip(value, data, known, strict=True))

    def learned(self, offset: int, data: bytes) -> Content:
        """The same bytes, with those at *offset* known to be *data*."""
        if self.known is None:
            return self
        seen = self._overlaid(offset, data)
        return replace(self, value=seen.value, known=seen.known)

    def updated(self, offset: int, data: bytes) -> Content:
        """The bytes after *data* was written at *offset*."""
        return replace(self._overlaid(offset, data), written=(offset, offset + len(data)))

    def attempted(self, offset: int, data: bytes) -> Content:
        """The same bytes, with the note that writing *data* at *offset* was refused."""
        return replace(self, refused=(offset, data))

    def _overlaid(self, offset: int, data: bytes) -> Content:
        end = offset + len(data)
        value = self.value[:offset] + data + self.value[end:]
        known = None
        if self.known is not None:
            known = self.known[:offset] + b"\x01" * len(data) + self.known[end:]
            known = None if all(known) else known
        return Content(value, known)

    def blame(self, offset: int, data: bytes, area: Area, *, beside: bool = False) -> str:
        """The requirement broken by a card that answers *data* for the bytes at *offset*.

        *beside* says that another record of the same EF has been written.
        """
        if self.refused is not None:
            at, attempt = self.refused
            changed = self._overlaid(at, attempt[: max(0, len(self.value) - at)])
            if changed.matches(offset, data):
                return REFUSED_CHANGES_NOTHING
        if self.written is None:
            return f"7816-4/{area}/{'update-only-there' if beside else 'read-content'}"
        first, end = self.written
        wrong = [
            offset + index
            for index, byte in enumerate(data)
            if not self.matches(offset + index, bytes((byte,)))
        ]
        if self.kept and not self.by:
            return f"7816-4/{area}/update-survives-reset"
        if all(first <= position < end for position in wrong):
            return self.by or f"7816-4/{area}/update-writes"
        return self.by or f"7816-4/{area}/update-only-there"


@dataclass(frozen=True, slots=True)
class Stored:
    """The data rule of the read commands: what stands in *content* at *offset*."""

    content: Content
    offset: int
    length: int
    area: Area
    beside: bool = False
    """Whether another record of the same EF has been written."""

    def fault(self, data: bytes) -> str | None:
        """The length must be exact and every known byte right."""
        if len(data) != self.length:
            return ""
        if self.content.matches(self.offset, data):
            return None
        return self.content.blame(self.offset, data, self.area, beside=self.beside)

    def __str__(self) -> str:
        known = self.content.known
        if known is not None and not all(known[self.offset : self.offset + self.length]):
            return f"{self.length} bytes"
        return self.content.value[self.offset : self.offset + self.length].hex().upper()


Contents = Mapping[ElementaryFile, tuple[Content, ...]]


@dataclass(frozen=True, slots=True)
class Seat:
    """What one logical channel has of its own (ISO/IEC 7816-4:2020, 5.4.2)."""

    df: DedicatedFile
    ef: ElementaryFile | None = None
    verified: frozenset[Reference] = frozenset()
    record: int | None = 0
    pointer: int | None = None
    desk: Desk = EMPTY


@dataclass(frozen=True, slots=True)
class Waiting:
    """Response data that GET RESPONSE may fetch: what came already, and what it all must be."""

    come: bytes
    rule: DataRule
    left: int
    """Bytes that are left, 0 for 256 or more."""
    channel: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """Selection, security status, retry counters and contents at one moment."""

    df: DedicatedFile
    ef: ElementaryFile | None
    verified: frozenset[Reference]
    tries: Mapping[Reference, int]
    contents: Contents
    challenge: bytes = b""
    """The latest challenge of this history, which the next one must not repeat."""
    record: int | None = 0
    """The number of the current record, 0 when there is none, None when that cannot be known."""
    moved_by: str = ""
    """The requirement on the command that made the record current, where it was not a read."""
    layout: Layout | None = None
    """The file tree with what was created and deleted; None while it is that of the statement."""
    created: frozenset[File] = frozenset()
    inactive: frozenset[File] = frozenset()
    ended: frozenset[File] = frozenset()
    objects: Mapping[ElementaryFile, tuple[DataObject, ...]] = field(default_factory=dict)
    """The data objects of the EFs whose content is known from their creation on."""
    pointer: int | None = None
    """The position of the current data object."""
    put_by: Mapping[int, str] = field(default_factory=dict)
    """The requirement on the command that put the data object with a tag last."""
    values: Mapping[Reference, bytes] = field(default_factory=dict, repr=False)
    """The values of references that were changed."""
    disabled: frozenset[Reference] = frozenset()
    others: Mapping[int, Seat] = field(default_factory=dict)
    """The logical channels that are open beside the basic one."""
    chain: CommandAPDU | None = None
    """The parts so far of a command that comes in a chain."""
    waiting: Waiting | None = None
    family: FamilyState | None = None
    """What a card of the PBOC family has beside: purses, key counters, a transaction begun."""
    desk: Desk = EMPTY
    """The security environment and what goes with it."""
    works: Works = NOTHING

    def with_content(self, ef: ElementaryFile, index: int, content: Content) -> State:
        """The state in which record *index* (0 for a transparent EF) holds *content*."""
        held = self.contents[ef]
        if held[index] == content:
            return self
        changed = (*held[:index], content, *held[index + 1 :])
        return replace(self, contents={**self.contents, ef: changed})

    def with_tries(self, reference: Reference, tries: int) -> State:
        """The state in which *reference* has *tries* left."""
        return replace(self, tries={**self.tries, reference: tries})

    def after_reset(self, layout: Layout) -> State:
        """ISO/IEC 7816-4:2020, 7.3.1 and 9.1: the MF is selected, nothing is verified."""
        contents = {
            ef: tuple(map(_kept, held)) if any(content.written for content in held) else held
            for ef, held in self.contents.items()
        }
        return replace(
            self,
            df=layout.master,
            ef=None,
            verified=frozenset(),
            contents=contents,
            record=0,
            pointer=None,
            others={},
            chain=None,
            waiting=None,
            family=self.family.after_reset() if self.family else None,
            desk=EMPTY,
        )


def _kept(content: Content) -> Content:
    return replace(content, kept=True) if content.written else content


def _item(item: Item) -> Content:
    """A record of which identifier and length are known."""
    head = bytes((item.identifier, item.length))
    return Content(head + bytes(item.length), b"\x01\x01" + bytes(item.length))


def initial_state(layout: Layout) -> State:
    """The state of a card of which nothing is known but its statement."""
    contents = {
        ef: tuple(map(_item, ef.items))
        or tuple(Content.unknown(ef.size) for _ in range(ef.records or 1))
        for ef in layout.elementary()
    }
    tries = {reference: reference.tries for reference in layout.references}
    return State(layout.master, None, frozenset(), tries, contents)
