"""MANAGE CHANNEL (ISO/IEC 7816-4:2020, 11.1.2): opening and closing logical channels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.model.addressing import WRONG_P1_P2, refusal, refused, staying
from conformance.model.outcome import Outcome, Ruling, Suspect, words
from conformance.model.state import Seat

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU, ResponseAPDU
    from conformance.model.state import State
    from conformance.statement import Statement

OPEN, CLOSE = 0x00, 0x80
_AREA = "7816-4/channel"
UNFIT = words(0x6881, 0x6985, 0x6A86, 0x6A81, 0x6A82, 0x6A88, 0x6986)


@dataclass(frozen=True, slots=True)
class ChannelNumber:
    """One byte: the number of a channel that is not open."""

    free: frozenset[int]

    def fault(self, data: bytes) -> str | None:
        """One of the free numbers."""
        return None if len(data) == 1 and data[0] in self.free else ""

    def __str__(self) -> str:
        return f"one of {', '.join(f'{number:02X}' for number in sorted(self.free))}"


def manage_channel(card: Statement, state: State, command: CommandAPDU, channel: int) -> Ruling:
    """Open a channel of the card's or of the terminal's choice, or close one."""
    count = card.features.channels
    if count == 1:
        allowed = words(0x6D00, 0x6881, 0x6A81, 0x6A86, 0x6985, 0x6700)
        return refused(f"{_AREA}/full", allowed, state)
    if command.p1 not in {OPEN, CLOSE} or command.data:
        return refused(f"{_AREA}/reserved-p1", WRONG_P1_P2 | words(0x6700), state)
    if command.p2 >= count:
        return refused(f"{_AREA}/number-too-high", UNFIT, state)
    if command.p1 == CLOSE:
        return _close(state, command, command.p2 or channel)
    free = frozenset(range(1, count)) - state.others.keys()
    if not command.p2:
        return _assign(state, command, channel, free)
    if command.p2 not in free:
        accepted = (Suspect(f"{_AREA}/open-twice", words(0x9000)),)
        return Ruling((refusal(f"{_AREA}/open-twice", UNFIT, state),), accepted)
    opened = _opened(state, channel, command.p2)
    outcomes = [Outcome(f"{_AREA}/open-numbered", words(0x9000), staying(opened))]
    if command.ne is not None:
        outcomes.append(refusal(f"{_AREA}/open-numbered", words(0x6700), state))
    return Ruling(tuple(outcomes))


def _assign(state: State, command: CommandAPDU, channel: int, free: frozenset[int]) -> Ruling:
    if not free:
        return refused(f"{_AREA}/full", words(0x6A81, 0x6881, 0x6985, 0x6A84), state)
    if command.ne is None:
        return refused(f"{_AREA}/open-assigns", words(0x6700, 0x6C01, 0x6101), state)

    def then(response: ResponseAPDU) -> State:
        return _opened(state, channel, response.data[0])

    rule = ChannelNumber(free)
    return Ruling((Outcome(f"{_AREA}/open-assigns", words(0x9000), then, rule),))


def _opened(state: State, channel: int, number: int) -> State:
    """The new channel begins at the MF, or where the channel stands from which it was opened."""
    master = next(reversed(tuple(state.df.lineage())))
    start = state.df if channel else master
    return replace(state, others={**state.others, number: Seat(start)})


def _close(state: State, command: CommandAPDU, number: int) -> Ruling:
    if not number:
        return refused(f"{_AREA}/close-basic", UNFIT, state)
    if number not in state.others:
        return refused(f"{_AREA}/close-not-open", UNFIT, state)
    others = {key: seat for key, seat in state.others.items() if key != number}
    closed = staying(replace(state, others=others))
    outcomes = [Outcome(f"{_AREA}/close", words(0x9000), closed)]
    if command.ne is not None:
        outcomes.append(refusal(f"{_AREA}/close", words(0x6700), state))
    return Ruling(tuple(outcomes))
