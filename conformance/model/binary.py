"""READ BINARY and UPDATE BINARY (ISO/IEC 7816-4:2020, 11.3.3 and 11.3.5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.layout import ElementaryFile, Kind
from conformance.model.addressing import (
    WRONG_P1_P2,
    Target,
    barred,
    granted,
    locate,
    refusal,
    refused,
    staying,
)
from conformance.model.outcome import NO_DATA, Outcome, Ruling, Then, words
from conformance.model.state import Stored

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU, ResponseAPDU
    from conformance.model.state import State
    from conformance.statement import Statement

SFI_FORM = 0x80
RESERVED_SFI_BITS = 0x60
NO_SFI = (0, 31)
END_OF_FILE = words(0x6282)
OUTSIDE = words(0x6B00)
TOO_LONG = words(0x6A84, 0x6B00, 0x6700, 0x6A87)


def read_binary(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """Ne bytes from the offset on; fewer with a warning, or 6CXX, where the EF ends before."""
    if command.data:
        return refused("7816-4/binary/read-with-data", words(0x6700, 0x6A80, 0x6A87), state)
    target, offset = addressed(card, state, command)
    refusals = _refusals(state, target, "read")
    ef = target.ef
    if ef is not None and ef.kind is Kind.TRANSPARENT and offset > ef.size:
        refusals.append(refusal("7816-4/binary/offset-outside", OUTSIDE, state))
    if refusals or ef is None:
        return Ruling(tuple(refusals))
    if command.ne is None:
        return _read_without_le(state, target)
    return Ruling(tuple(_answers(state, target, ef, offset, command)), granted("read"))


def _answers(
    state: State, target: Target, ef: ElementaryFile, offset: int, command: CommandAPDU
) -> list[Outcome]:
    """What may be answered to a read that is granted."""
    content = state.contents[ef][0]
    left, ne = ef.size - offset, command.ne or 0
    rule = Stored(content, offset, min(ne, left), "binary")
    then = _reading(target, ef, offset)
    if not left:
        return [
            refusal("7816-4/binary/offset-at-end", OUTSIDE, state),
            Outcome("7816-4/binary/offset-at-end", END_OF_FILE | words(0x9000), then),
        ]
    if ne <= left:
        return [Outcome(_plain(command, offset), words(0x9000), then, rule)]
    if command.all_available:
        requirement = "7816-4/binary/read-all"
        return [Outcome(requirement, words(0x9000) | END_OF_FILE, then, rule)]
    return [
        Outcome("7816-4/binary/read-past-end", END_OF_FILE | words(0x9000), then, rule),
        refusal("7816-4/binary/read-past-end", words(0x6C00 | left & 0xFF), state),
    ]


def _plain(command: CommandAPDU, offset: int) -> str:
    if command.extended:
        return "7816-4/binary/read-extended"
    if command.p1 & SFI_FORM:
        return "7816-4/binary/read-by-sfi"
    return "7816-4/binary/read-offset" if offset else "7816-4/binary/read-content"


def _read_without_le(state: State, target: Target) -> Ruling:
    """Without an Le field no data can be expected: nothing comes, or the length is refused."""
    requirement = "7816-4/binary/read-without-le"
    return Ruling(
        (
            refusal(requirement, words(0x6700, *range(0x6C00, 0x6D00)), state),
            Outcome(requirement, words(0x9000), staying(target.selected), NO_DATA),
        )
    )


def _reading(target: Target, ef: ElementaryFile, offset: int) -> Then:
    selected = target.selected
    content = selected.contents[ef][0]
    if content.known is None:
        return staying(selected)

    def learn(response: ResponseAPDU) -> State:
        return selected.with_content(ef, 0, content.learned(offset, response.data))

    return learn


def update_binary(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """The data field replaces the bytes from the offset on, all of them or none."""
    target, offset = addressed(card, state, command)
    ef, data = target.ef, command.data
    refusals = _refusals(state, target, "update")
    if not data:
        empty = words(0x6700, 0x6A80, 0x6A87)
        refusals.append(refusal("7816-4/binary/update-without-data", empty, state))
    if ef is not None and ef.kind is Kind.TRANSPARENT and offset + len(data) > ef.size:
        refusals.append(refusal("7816-4/binary/update-past-end", TOO_LONG, state))
    if ef is None or ef.kind is not Kind.TRANSPARENT:
        return Ruling(tuple(refusals))
    content = state.contents[ef][0]
    if refusals:
        noted = state.with_content(ef, 0, content.attempted(offset, data))
        return Ruling(tuple(replace(outcome, then=staying(noted)) for outcome in refusals))
    written = target.selected.with_content(ef, 0, content.updated(offset, data))
    requirement = "7816-4/binary/update-writes"
    if command.extended:
        requirement = "7816-4/binary/update-extended"
    elif command.p1 & SFI_FORM:
        requirement = "7816-4/binary/update-by-sfi"
    outcomes = [Outcome(requirement, words(0x9000), staying(written))]
    if command.ne is not None:
        outcomes.append(refusal("7816-4/binary/update-with-le", words(0x6700), state))
    return Ruling(tuple(outcomes), granted("update"))


def addressed(card: Statement, state: State, command: CommandAPDU) -> tuple[Target, int]:
    """The target and the offset that P1-P2 code (ISO/IEC 7816-4:2020, 11.3.2)."""
    if not command.p1 & SFI_FORM:
        return locate(card, state, None, "binary"), command.p1 << 8 | command.p2
    sfi = command.p1 & 0x1F
    if command.p1 & RESERVED_SFI_BITS or sfi in NO_SFI:
        allowed = WRONG_P1_P2 | words(0x6A82, 0x6986)
        outcome = refusal("7816-4/binary/reserved-sfi", allowed, state)
        return Target(None, state, (outcome,)), command.p2
    return locate(card, state, sfi, "binary"), command.p2


def _refusals(state: State, target: Target, action: str) -> list[Outcome]:
    refusals = list(target.refusals)
    if target.ef is not None:
        right = target.ef.read if action == "read" else target.ef.update
        refusals += barred(state, right, f"7816-4/access/{action}-refused")
        if target.ef.kind is not Kind.TRANSPARENT:
            wrong = words(0x6981)
            refusals.append(refusal("7816-4/binary/wrong-structure", wrong, state))
    return refusals
