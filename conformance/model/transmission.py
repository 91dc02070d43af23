"""GET CHALLENGE, GET RESPONSE and what comes before any command: lengths, class, instruction.

ISO/IEC 7816-4:2020, 5.4 (class byte), 5.5 (instruction byte), 11.6.3 and 11.8.1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.model.addressing import refusal, refused, staying
from conformance.model.outcome import EXACT_LENGTH, NO_DATA, Outcome, Ruling, Then, words

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU, ResponseAPDU
    from conformance.model.state import State
    from conformance.statement import Statement

SECURE_MESSAGING = 0x0C
PROPRIETARY, FURTHER = 0x80, 0x40
RESERVED_CLASS = 0x20
INVALID_INSTRUCTIONS = (0x60, 0x90)
CLASS_NOT_SUPPORTED = words(0x6E00)


@dataclass(frozen=True, slots=True)
class Fresh:
    """A data field of *length* bytes that differs from the challenge before."""

    length: int
    before: bytes

    def fault(self, data: bytes) -> str | None:
        """The length first, then the repetition."""
        if len(data) != self.length:
            return "7816-4/challenge/length"
        repeated = data == self.before and self.length >= 4
        return "7816-4/challenge/fresh" if repeated else None

    def __str__(self) -> str:
        return f"{self.length} fresh bytes"


def get_challenge(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """Ne random bytes, where the card gives that many."""
    if command.p1 or command.p2:
        allowed = words(0x6A86, 0x6A81)
        return refused("7816-4/challenge/reserved-p1-p2", allowed, state)
    if command.data:
        allowed = words(0x6700, 0x6A80, 0x6A87)
        return refused("7816-4/challenge/with-data", allowed, state)
    length = card.features.challenge_length
    ne = command.ne
    if ne is None:
        requirement = "7816-4/challenge/without-le"
        return Ruling(
            (
                refusal(requirement, words(0x6700) | EXACT_LENGTH, state),
                Outcome(requirement, words(0x9000), staying(state), NO_DATA),
            )
        )
    given = length if command.all_available else ne
    rule = Fresh(given, state.challenge)
    answer = Outcome("7816-4/challenge/length", words(0x9000), _remembering(state), rule)
    if given == length:
        return Ruling((answer,))
    other = refusal("7816-4/challenge/other-length", words(0x6700) | EXACT_LENGTH, state)
    return Ruling((answer,) if card.features.challenge_any_length else (other, answer))


def _remembering(state: State) -> Then:
    def remember(response: ResponseAPDU) -> State:
        return replace(state, challenge=response.data)

    return remember


def get_response(_card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """Nothing waits to be fetched: the card says so and gives nothing."""
    allowed = words(0x6985, 0x6986, 0x6900, 0x6D00, 0x6A88)
    if command.p1 or command.p2:
        allowed |= words(0x6A86, 0x6B00)
    if command.ne is None:
        allowed |= words(0x6700)
    return refused("7816-4/response/nothing-waits", allowed, state)


def malformed(state: State) -> Ruling:
    """The length fields contradict the length of the command."""
    return refused("7816-4/coding/wrong-length", words(0x6700), state)


def turned_away(state: State, cla: int, ins: int, *, is_open: bool = False) -> Ruling | None:
    """The refusal of a class or instruction byte that no card of this kind serves, or None."""
    if cla & PROPRIETARY:
        allowed = CLASS_NOT_SUPPORTED | words(0x6D00, 0x6881, 0x6882)
        return refused("7816-4/coding/class-not-supported", allowed, state)
    if not cla & FURTHER and cla & RESERVED_CLASS:
        allowed = CLASS_NOT_SUPPORTED | words(0x6881, 0x6882, 0x6884)
        return refused("7816-4/coding/class-reserved", allowed, state)
    if ins & 0xF0 in INVALID_INSTRUCTIONS:
        return refused("7816-4/coding/instruction-invalid", words(0x6D00, 0x6E00), state)
    if cla & FURTHER or not is_open:
        allowed = CLASS_NOT_SUPPORTED | words(0x6881, 0x6882, 0x6985)
        return refused("7816-4/coding/channel-not-open", allowed, state)
    if cla & SECURE_MESSAGING:
        allowed = CLASS_NOT_SUPPORTED | words(0x6882, 0x6987, 0x6988, 0x6985, 0x6982, 0x6700)
        return refused("7816-4/coding/no-secure-messaging", allowed, state)
    return None
