"""What a command passes before its rule: its logical channel, its chain, the response that waits.

ISO/IEC 7816-4:2020, 5.3.3 (command chaining), 5.3.4 (response chaining), 5.4.2 (channels).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.model.addressing import refused, staying
from conformance.model.exact import Rest
from conformance.model.outcome import MORE_DATA, NO_DATA, Outcome, Ruling, words
from conformance.model.state import Seat, Waiting

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU, ResponseAPDU
    from conformance.model.outcome import DataRule, Then
    from conformance.model.state import State
    from conformance.statement import Statement

CHAINING, CHANNEL = 0x10, 0x03
SHORTEST_LIMIT = 256
"""Bytes that the parts of a chain may have together on every card that chains."""


def seated(state: State, channel: int) -> State | None:
    """*state* as the logical *channel* sees it; None when it is not open."""
    if not channel:
        return state
    seat = state.others.get(channel)
    return None if seat is None else _with(state, seat)


def _with(state: State, seat: Seat) -> State:
    return replace(
        state,
        df=seat.df,
        ef=seat.ef,
        verified=seat.verified,
        record=seat.record,
        pointer=seat.pointer,
        desk=seat.desk,
    )


def _seat(state: State) -> Seat:
    return Seat(state.df, state.ef, state.verified, state.record, state.pointer, state.desk)


def returned(ruling: Ruling, basic: State, channel: int) -> Ruling:
    """*ruling* on *channel*, the states behind it as the *basic* channel sees them."""

    def back(then: Then) -> Then:
        def after(response: ResponseAPDU) -> State:
            there = then(response)
            others = dict(there.others)
            if channel in others:
                others[channel] = _seat(there)
            waiting = there.waiting and replace(there.waiting, channel=channel)
            here = replace(there, others=others, waiting=waiting)
            return _with(here, _seat(basic))

        return after

    outcomes = tuple(replace(one, then=back(one.then)) for one in ruling.outcomes)
    return Ruling(outcomes, ruling.suspects)


def chained(card: Statement, state: State, command: CommandAPDU) -> Ruling | CommandAPDU:
    """The ruling of a part of a chain, or the whole command when its last part has come."""
    chain, last = state.chain, not command.cla & CHAINING
    if chain is None and last:
        return command
    unchained = replace(state, chain=None)
    plain = replace(command, cla=command.cla & ~CHAINING)
    header = (plain.cla, plain.ins, plain.p1, plain.p2)
    if chain is not None and (chain.cla, chain.ins, chain.p1, chain.p2) != header:
        requirement = "7816-4/chaining/other-command"
        return refused(requirement, words(0x6883, 0x6985, 0x6884), unchained)
    if not card.features.command_chaining:
        return refused("7816-4/chaining/part", words(0x6884, 0x6E00, 0x6700, 0x9000), unchained)
    data = (chain.data if chain is not None else b"") + command.data
    whole = replace(plain, data=data, extended=command.extended or len(data) > 0xFF)
    if last:
        return whole
    held = replace(state, chain=whole)
    outcomes = [Outcome("7816-4/chaining/part", words(0x9000), staying(held), NO_DATA)]
    if len(data) > SHORTEST_LIMIT:
        outcomes.append(Outcome("7816-4/chaining/part", words(0x6700), staying(unchained)))
    return Ruling(tuple(outcomes))


def begins_nothing(state: State, command: CommandAPDU) -> State:
    """*state* when *command* is not one that fetches: nothing waits any more."""
    if state.waiting is None or command.ins == 0xC0:
        return state
    return replace(state, waiting=None)


def remembering(after: State, rule: DataRule) -> Then:
    """The state *after* a command, in which GET RESPONSE may complete what *rule* allows."""

    def then(response: ResponseAPDU) -> State:
        if response.sw1 != 0x61:
            return after
        return replace(after, waiting=Waiting(response.data, rule, response.sw2))

    return then


def fetched(state: State, command: CommandAPDU, channel: int) -> Ruling | None:
    """The ruling of GET RESPONSE when something waits; None when nothing does."""
    waiting = state.waiting
    if waiting is None or waiting.channel != channel or command.p1 or command.p2:
        return None
    ne, left = command.ne or 0, waiting.left or 256
    done = replace(state, waiting=None)
    rest = Rest(waiting.come, waiting.rule, waiting.left or None)
    if command.all_available or ne == left:
        if not waiting.left:  # 6100: 256 bytes or more are left
            return _part(state, waiting, left, left)
        plain = "7816-4/response/gives-the-rest"
        return Ruling((Outcome(plain, words(0x9000), staying(done), rest),))
    if ne > left:
        longer = "7816-4/response/le-too-long"
        exact = Outcome(longer, words(0x6C00 | waiting.left), staying(state))
        given = Outcome(longer, words(0x9000, 0x6282), staying(done), rest)
        return Ruling((exact, given))
    return _part(state, waiting, ne, left)


def _part(state: State, waiting: Waiting, ne: int, left: int) -> Ruling:
    """Fewer bytes than wait: they come with 61XX, which counts the others."""
    rule = Rest(waiting.come, waiting.rule, ne, whole=False)
    remains = replace(waiting, left=left - ne)

    def then(response: ResponseAPDU) -> State:
        come = waiting.come + response.data
        return replace(state, waiting=replace(remains, come=come, left=response.sw2))

    allowed = words(0x6100 | left - ne) if waiting.left else MORE_DATA
    return Ruling((Outcome("7816-4/response/in-pieces", allowed, then, rule),))
