"""READ and UPDATE RECORD of the scheme's items: by number, by identifier, through a short one.

DOMAIN: the SSSE scheme as public terminal programs read it. An item is one record: identifier,
length, value. P2 = 00 (or a short EF identifier with 000 behind it) means the record whose
identifier is P1, 04 the record whose number it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.model.addressing import barred, locate, refusal, staying
from conformance.model.outcome import EXACT_LENGTH, MORE_DATA, Outcome, Ruling, Suspect, words

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU, ResponseAPDU
    from conformance.layout import ElementaryFile, Item
    from conformance.model.addressing import Target
    from conformance.model.state import Content, State
    from conformance.statement import Statement

_AREA = "ssc/environment"
BY_IDENTIFIER, BY_NUMBER = 0, 4
READ = 0xB2
NOT_FOUND = words(0x6A83)
CLOSED = words(0x6982, 0x6985, 0x6983)
ASCII = range(0x20, 0x7F)


@dataclass(frozen=True, slots=True)
class ItemContent:
    """The data rule of a whole item: identifier, length, coding, and what was seen of it before."""

    content: Content
    item: Item
    rule: str

    def fault(self, data: bytes) -> str | None:
        """Each of the four has its requirement."""
        if len(data) != len(self.content.value):
            return f"{_AREA}/item-length"
        if data[0] != self.item.identifier:
            return self.rule if self.rule.endswith("identifier") else f"{_AREA}/item-identifier"
        if data[1] != self.item.length:
            return f"{_AREA}/item-length"
        if not coded(self.item.coding, data[2:]):
            return f"{_AREA}/item-coding"
        if not self.content.matches(0, data):
            if self.content.refused is not None and data == self.content.refused[1]:
                return "pboc/purse/composite-only-with-debit"
            if self.content.by:
                return self.content.by
            written = self.content.written is not None
            if written and self.content.kept:
                return f"{_AREA}/update-survives-reset"
            return f"{_AREA}/{'update-writes' if written else 'same-value'}"
        return None

    def __str__(self) -> str:
        known = self.content.known is None
        shown = self.content.value.hex().upper() if known else f"{len(self.content.value)} bytes"
        return f"item {self.item.identifier:02X}: {shown}"


def coded(coding: str, value: bytes) -> bool:
    """Whether *value* is coded as *coding* says: text may be padded with zeroes."""
    if coding == "ascii":
        return all(byte in ASCII for byte in value.rstrip(b"\x00"))
    if coding == "bcd":
        return all(byte >> 4 < 10 and byte & 0x0F < 10 for byte in value)
    if coding == "gbk":
        try:
            value.rstrip(b"\x00").decode("gb18030")
        except UnicodeDecodeError:
            return False
    return True


def addressed(card: Statement, state: State, command: CommandAPDU) -> ElementaryFile | None:
    """The EF with items that the command addresses, None when it has none."""
    sfi = command.p2 >> 3
    if sfi == 31:
        return None
    ef = card.layout.by_sfi(state.df, sfi) if sfi else state.ef
    return ef if ef is not None and ef.items else None


def ruling(card: Statement, state: State, command: CommandAPDU) -> Ruling | None:
    """READ or UPDATE RECORD of an item, None when it is addressed in another way."""
    ef = addressed(card, state, command)
    mode = command.p2 & 0x07
    if ef is None or mode not in {BY_IDENTIFIER, BY_NUMBER} or not command.p1:
        return None
    target = locate(card, state, command.p2 >> 3 or None, "record")
    action = "read" if command.ins == READ else "update"
    right = ef.read if action == "read" else ef.update
    refusals = list(barred(state, right, f"{_AREA}/{action}-closed"))
    index = _index(ef, command.p1, mode)
    if index is None:
        rule = "identifier-unknown" if mode == BY_IDENTIFIER else "number-unknown"
        refusals.append(refusal(f"{_AREA}/{rule}", NOT_FOUND, state))
    if refusals or index is None:
        return Ruling(tuple(refusals))
    if action == "update":
        return _update(target, ef, index, command)
    return _read(target, ef, index, command)


def _index(ef: ElementaryFile, p1: int, mode: int) -> int | None:
    if mode == BY_NUMBER:
        return p1 - 1 if p1 <= len(ef.items) else None
    found = (index for index, item in enumerate(ef.items) if item.identifier == p1)
    return next(found, None)


def _read(target: Target, ef: ElementaryFile, index: int, command: CommandAPDU) -> Ruling:
    mode, sfi, ne = command.p2 & 0x07, command.p2 >> 3, command.ne
    state = target.selected
    record = index + 1 if mode == BY_IDENTIFIER else state.record
    content = state.contents[ef][index]
    rule = "read-by-identifier" if mode == BY_IDENTIFIER else "read-by-number"
    rule = f"{_AREA}/{'read-by-sfi' if sfi and mode == BY_NUMBER else rule}"

    def learn(response: ResponseAPDU) -> State:
        seen = content.learned(0, response.data) if response.data else content
        return replace(state.with_content(ef, index, seen), record=record)

    whole = ItemContent(content, ef.items[index], rule)
    plain = Outcome(rule, words(0x9000), learn, whole)
    suspects = (Suspect(f"{_AREA}/read-opened", CLOSED),)
    size = len(content.value)
    if ne is None:
        return Ruling((refusal(rule, words(0x6700) | EXACT_LENGTH, state),))
    if ne == size or command.all_available:
        requirement = f"{_AREA}/exact-le" if ne == size else rule
        return Ruling((replace(plain, requirement=requirement),), suspects)
    exact = words(0x6C00 | size)
    if ne > size:
        warned = replace(plain, words=words(0x6282, 0x9000))
        return Ruling((warned, refusal(rule, exact | words(0x6700), state)), suspects)
    part = replace(plain, words=words(0x9000, 0x6282) | MORE_DATA, then=staying(state))
    cut = replace(part, data=_Head(content, ne))
    return Ruling((refusal(rule, exact | words(0x6700), state), cut), suspects)


@dataclass(frozen=True, slots=True)
class _Head:
    """The first bytes of a record."""

    content: Content
    length: int

    def fault(self, data: bytes) -> str | None:
        """Length and bytes, as far as they are known."""
        return None if len(data) == self.length and self.content.matches(0, data) else ""

    def __str__(self) -> str:
        return f"the first {self.length} bytes"


def _update(target: Target, ef: ElementaryFile, index: int, command: CommandAPDU) -> Ruling:
    state, item = target.selected, ef.items[index]
    size = item.length + 2
    data = command.data
    if len(data) != size or data[:2] != bytes((item.identifier, item.length)):
        anything = frozenset(range(0x6100, 0x7000)) | words(0x9000)
        return Ruling((Outcome("", anything, staying(state)),))
    content = state.contents[ef][index].updated(0, data)
    written = state.with_content(ef, index, content)
    outcome = Outcome(f"{_AREA}/update-opened", words(0x9000), staying(written))
    return Ruling((outcome,), (Suspect(f"{_AREA}/update-opened", CLOSED),))
