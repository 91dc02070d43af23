"""READ RECORD and UPDATE RECORD of linear EFs with fixed-size records, by record number.

ISO/IEC 7816-4:2020, 11.4.2 to 11.4.5. Addressing by identifier, the record pointer and the other
structures are not judged here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.layout import ElementaryFile, Kind
from conformance.model.addressing import Target, barred, granted, locate, refusal, staying
from conformance.model.outcome import MORE_DATA, NO_DATA, Outcome, Ruling, words
from conformance.model.state import Content, Stored

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU, ResponseAPDU
    from conformance.model.outcome import Then
    from conformance.model.state import State
    from conformance.statement import Statement

BY_NUMBER = 4
FROM_NUMBER = 5
RESERVED_MODE = 7
NO_SFI = 31
RESERVED_NUMBER = 0xFF
_READ_MODES = frozenset({BY_NUMBER, FROM_NUMBER, RESERVED_MODE})
NOT_FOUND = words(0x6A83)
WRONG_SIZE = words(0x6700, 0x6A84, 0x6A80, 0x6A85, 0x6A87)


def judged(card: Statement, state: State, command: CommandAPDU) -> bool:
    """Whether the rules below know this command and the structure of the EF it addresses."""
    modes = {BY_NUMBER, RESERVED_MODE} if command.ins == 0xDC else _READ_MODES
    sfi = command.p2 >> 3
    ef = card.layout.by_sfi(state.df, sfi) if sfi else state.ef
    known = ef is None or not ef.kind.has_records or ef.kind is Kind.LINEAR_FIXED
    if ef is not None and ef.kind.has_records and ef in state.created:
        return False  # it may have fewer records than it has room for
    return known and command.p1 > 0 and command.p2 & 0x07 in modes


def read_record(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """Record P1, or every record from P1 to the last one."""
    target, refusals = _addressed(card, state, command, "read")
    ef, mode = target.ef, command.p2 & 0x07
    if mode == FROM_NUMBER and not card.features.read_records_from:
        refusals.append(refusal("7816-4/record/read-from", words(0x6A81, 0x6A86), state))
    if refusals or ef is None:
        return Ruling(tuple(refusals))
    held = state.contents[ef]
    chosen = held[command.p1 - 1 :] if mode == FROM_NUMBER else held[command.p1 - 1 : command.p1]
    beside = any(content.written for content in held)
    rule = Stored(_joined(chosen), 0, ef.size * len(chosen), "record", beside)
    then = _reading(target, ef, command.p1 - 1, len(chosen))
    requirement = "7816-4/record/read-from" if mode == FROM_NUMBER else _plain(command)
    plain = Outcome(requirement, words(0x9000), then, rule)
    return Ruling(tuple(answers(state, command, plain, rule)), granted("read"))


def answers(state: State, command: CommandAPDU, plain: Outcome, rule: Stored) -> list[Outcome]:
    """The whole record when Ne allows it; what may come when Ne is another number of bytes."""
    ne, exact = command.ne, words(0x6C00 | rule.length & 0xFF)
    if ne is None:
        without = "7816-4/record/read-without-le"
        return [
            refusal(without, exact | words(0x6700), state),
            replace(plain, requirement=without, data=NO_DATA),
        ]
    if ne == rule.length or (command.all_available and rule.length <= ne):
        return [plain]
    if ne > rule.length:
        more = "7816-4/record/le-too-long"
        return [
            replace(plain, requirement=more, words=words(0x6282, 0x9000)),
            refusal(more, exact | words(0x6700), state),
        ]
    short = "7816-4/record/le-too-short"
    part, some = replace(rule, length=ne), words(0x9000) | MORE_DATA
    return [
        refusal(short, exact | words(0x6700), state),
        replace(plain, requirement=short, words=some, data=part),
    ]


def update_record(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """The data field, as long as the record, replaces record P1 and no other."""
    target, refusals = _addressed(card, state, command, "update")
    ef, data = target.ef, command.data
    if ef is not None and ef.kind is Kind.LINEAR_FIXED and len(data) != ef.size:
        refusals.append(refusal("7816-4/record/update-length", WRONG_SIZE, state))
    if ef is None or ef.kind is not Kind.LINEAR_FIXED or command.p1 > ef.records:
        return Ruling(tuple(refusals))
    index = command.p1 - 1
    content = state.contents[ef][index]
    if refusals:
        noted = state.with_content(ef, index, content.attempted(0, data))
        return Ruling(tuple(replace(outcome, then=staying(noted)) for outcome in refusals))
    selected = target.selected
    written = selected.with_content(ef, index, content.updated(0, data))
    requirement = (
        "7816-4/record/update-by-sfi" if command.p2 >> 3 else "7816-4/record/update-writes"
    )
    outcomes = [Outcome(requirement, words(0x9000), staying(written))]
    if command.ne is not None:
        outcomes.append(refusal("7816-4/record/update-with-le", words(0x6700), state))
    return Ruling(tuple(outcomes), granted("update"))


def _addressed(
    card: Statement, state: State, command: CommandAPDU, action: str
) -> tuple[Target, list[Outcome]]:
    """The target that P2 codes, and every refusal that applies to it."""
    sfi = command.p2 >> 3
    if sfi == NO_SFI:
        allowed = words(0x6A86, 0x6A81, 0x6A82, 0x6986)
        return Target(None, state), [refusal("7816-4/record/reserved-sfi", allowed, state)]
    target = locate(card, state, sfi or None, "record")
    refusals = list(target.refusals)
    ef = target.ef
    if command.p2 & 0x07 == RESERVED_MODE:
        refusals.append(refusal("7816-4/record/reserved-mode", words(0x6A86, 0x6A81), state))
    if ef is not None:
        right = ef.read if action == "read" else ef.update
        refusals += barred(state, right, f"7816-4/access/{action}-refused")
        if not ef.kind.has_records:
            refusals.append(refusal("7816-4/record/wrong-structure", words(0x6981), state))
        elif command.p1 > ef.records:
            reserved = words(0x6A86) if command.p1 == RESERVED_NUMBER else words()
            refusals.append(refusal("7816-4/record/not-found", NOT_FOUND | reserved, state))
    return target, refusals


def _plain(command: CommandAPDU) -> str:
    return "7816-4/record/read-by-sfi" if command.p2 >> 3 else "7816-4/record/read-content"


def _joined(contents: tuple[Content, ...]) -> Content:
    """The records one after the other, with the marks that `Content.blame` reads."""
    if len(contents) == 1:
        return contents[0]
    known = b"".join(content.known or b"\x01" * len(content.value) for content in contents)
    return Content(b"".join(content.value for content in contents), known)


def _reading(target: Target, ef: ElementaryFile, index: int, count: int) -> Then:
    selected = target.selected
    held = selected.contents[ef]
    if all(content.known is None for content in held[index : index + count]):
        return staying(selected)

    def learn(response: ResponseAPDU) -> State:
        state = selected
        for number in range(count):
            part = response.data[number * ef.size : (number + 1) * ef.size]
            content = held[index + number].learned(0, part)
            state = state.with_content(ef, index + number, content)
        return state

    return learn
