"""The reference model: what a conformant card may answer, as a set, and where that leads it.

The card under test may be in one of a few states, because the standard leaves choices that cannot
be seen at once (is a local security status lost when its DF is left?). A command maps every one of
them to the outcomes it allows; the answer keeps the states whose outcomes fit. When none is left,
the card is wrong, and `Departure` says which requirement it broke.

Read `outcome`, `state`, `addressing`, `stages`, then the rules: `selection`, `binary`, `parts`,
`records`, `structures`, `objects`, `verification`, `reference`, `management`, `channels`,
`transmission`; then the families `pboc` and `operations`. Every rule names its clause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU, MalformedAPDU, ResponseAPDU
from conformance.model import (
    binary,
    channels,
    management,
    objects,
    operations,
    parts,
    records,
    reference,
    selection,
    stages,
    structures,
    transmission,
)
from conformance.model.addressing import anything
from conformance.model.outcome import Outcome, Ruling
from conformance.model.pboc import Family
from conformance.model.state import State, initial_state
from conformance.model.verification import Verification

if TYPE_CHECKING:
    from conformance.keys import Keys
    from conformance.statement import Statement

Rule = Callable[["Statement", State, CommandAPDU], Ruling]

MOST_STATES = 64


class Departure(Exception):
    """The card left the set: the requirement it broke, and what would have been allowed."""

    def __init__(self, requirement: str, outcomes: Iterable[Outcome]) -> None:
        self.requirement = requirement
        self.outcomes = tuple(outcomes)
        self.allowed = tuple(dict.fromkeys(str(one) for one in self.outcomes))
        super().__init__(f"{requirement}: allowed is {'; or '.join(self.allowed)}")

    @property
    def veiled(self) -> tuple[str, ...]:
        """What would have been allowed, without the data: they travel enciphered."""
        return tuple(dict.fromkeys(one.veiled() for one in self.outcomes))


class Model:
    """The states the card may be in, for one statement and the values of its references."""

    def __init__(self, card: Statement, keys: Keys, states: tuple[State, ...] = ()) -> None:
        self.card = card
        self.keys = keys
        self.states = states or (initial_state(card.layout),)
        self.sent: set[int] = set()
        """The instructions that were sent, whether they were answered or not."""
        self._rules: Mapping[int, Rule] = {
            0x20: Verification(keys),
            0x84: transmission.get_challenge,
            0xA4: selection.select,
            0xB0: binary.read_binary,
            0xB2: records.read_record,
            0xC0: transmission.get_response,
            0xD6: binary.update_binary,
            0xDC: records.update_record,
            **parts.RULES,
            **objects.RULES,
            **management.RULES,
            **reference.rules(keys),
            **(operations.rules(keys) if card.operations else {}),
        }
        self._family = Family(card, keys, card.pboc) if card.pboc else None

    def copy(self) -> Model:
        """A model that goes its own way from here."""
        return Model(self.card, self.keys, self.states)

    def rulings(self, raw: bytes) -> tuple[Ruling, ...]:
        """What each of the states allows as the answer to the command *raw*."""
        try:
            command = CommandAPDU.decode(raw)
        except MalformedAPDU:
            return tuple(transmission.malformed(state) for state in self.states)
        return tuple(self._ruling(state, command) for state in self.states)

    def _ruling(self, state: State, command: CommandAPDU) -> Ruling:
        """The stages before the rule: class and instruction, channel, chain."""
        if self._family is None:
            return self._staged(state, command)
        own = self._family.ruling(state, command)
        if own is not None:
            return own
        before = self._family.before(state, command)
        return self._family.followed(before, self._staged(before, command), command)

    def _staged(self, state: State, command: CommandAPDU) -> Ruling:
        number = command.cla & stages.CHANNEL if command.cla & 0xE0 == 0 else 0
        there = stages.seated(stages.begins_nothing(state, command), number)
        away = transmission.turned_away(state, command.cla, command.ins, is_open=there is not None)
        if away is not None or there is None:
            return away or transmission.malformed(state)
        plain = replace(command, cla=command.cla & ~stages.CHANNEL) if number else command
        ruling = self._chained(there, plain, number)
        return stages.returned(ruling, state, number) if number else ruling

    def _chained(self, state: State, command: CommandAPDU, channel: int) -> Ruling:
        whole = stages.chained(self.card, state, command)
        if isinstance(whole, Ruling):
            return whole
        state = replace(state, chain=None) if state.chain is not None else state
        card = replace(self.card, layout=state.layout) if state.layout else self.card
        if whole.ins == 0x70:
            return channels.manage_channel(card, state, whole, channel)
        waiting = stages.fetched(state, whole, channel) if whole.ins == 0xC0 else None
        if waiting is not None:
            return waiting
        if whole.ins == 0xC0 and state.waiting is not None:
            state = replace(state, waiting=None)
        rule = self._rule(card, state, whole)
        ruling = _unjudged(card, state, whole) if rule is None else rule(card, state, whole)
        moves = card.operations is not None and whole.ins in operations.MOVING
        return operations.moved(card, state, ruling) if moves else ruling

    def _rule(self, card: Statement, state: State, command: CommandAPDU) -> Rule | None:
        """The rule that knows this command, or None."""
        by_number = command.ins in {0xB2, 0xDC} and records.judged(card, state, command)
        if command.ins in structures.RULES and not by_number:
            known = structures.judged(card, state, command)
            return structures.RULES[command.ins] if known else None
        if command.ins == 0xA4 and not selection.judged(command):
            return None
        return self._rules.get(command.ins)

    def observe(self, raw: bytes, response: ResponseAPDU) -> frozenset[str]:
        """Follow the card: the requirements this answer bears out; Departure when none fits."""
        rulings = self.rulings(raw)
        after: list[State] = []
        met: set[str] = set()
        for ruling in rulings:
            for outcome in ruling.outcomes:
                if outcome.fits(response):
                    met.add(outcome.requirement)
                    state = outcome.then(response)
                    if state not in after:
                        after.append(state)
        if not after:
            allowed = (outcome for one in rulings for outcome in one.outcomes)
            raise Departure(rulings[0].blame(response), allowed)
        assert len(after) <= MOST_STATES, "the model lost its way among the choices"
        self.states = tuple(after)
        return frozenset(met)

    def reset(self) -> None:
        """The card was reset."""
        layout = self.card.layout
        after: list[State] = []
        for state in self.states:
            fresh = state.after_reset(layout)
            if fresh not in after:
                after.append(fresh)
        self.states = tuple(after)


def _unjudged(card: Statement, state: State, command: CommandAPDU) -> Ruling:
    """A command that no rule knows may be answered anything, and make any record current."""
    return anything(replace(structures.blurred(card, state, command), record=None))


__all__ = ["Departure", "Model"]
