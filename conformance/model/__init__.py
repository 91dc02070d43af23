"""The reference model: what a conformant card may answer, as a set, and where that leads it.

The card under test may be in one of a few states, because the standard leaves choices that cannot
be seen at once (is a local security status lost when its DF is left?). A command maps every one of
them to the outcomes it allows; the answer keeps the states whose outcomes fit. When none is left,
the card is wrong, and `Departure` says which requirement it broke.

Read `outcome`, `state`, `addressing`, then the rules: `selection`, `binary`, `records`,
`verification`, `transmission`. Every rule names its clause.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU, MalformedAPDU, ResponseAPDU
from conformance.model import binary, records, selection, transmission
from conformance.model.addressing import staying
from conformance.model.outcome import Length, Outcome, Ruling
from conformance.model.state import State, initial_state
from conformance.model.verification import Verification

if TYPE_CHECKING:
    from conformance.keys import Keys
    from conformance.statement import Statement

Rule = Callable[["Statement", State, CommandAPDU], Ruling]

UNJUDGED = frozenset(range(0x6100, 0x7000)) | frozenset(range(0x9000, 0xA000))
"""Every word a command may be answered with that no rule knows."""
MOST_STATES = 64


class Departure(Exception):
    """The card left the set: the requirement it broke, and what would have been allowed."""

    def __init__(self, requirement: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f"{requirement}: allowed is {'; or '.join(allowed)}")
        self.requirement = requirement
        self.allowed = allowed


class Model:
    """The states the card may be in, for one statement and the values of its references."""

    def __init__(self, card: Statement, keys: Keys, states: tuple[State, ...] = ()) -> None:
        self.card = card
        self.keys = keys
        self.states = states or (initial_state(card.layout),)
        self._rules: Mapping[int, Rule] = {
            0x20: Verification(keys),
            0x84: transmission.get_challenge,
            0xA4: selection.select,
            0xB0: binary.read_binary,
            0xB2: records.read_record,
            0xC0: transmission.get_response,
            0xD6: binary.update_binary,
            0xDC: records.update_record,
        }

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
        away = transmission.turned_away(state, command.cla, command.ins)
        if away is not None:
            return away
        rule = self._rules.get(command.ins)
        if rule is None or command.cla & transmission.CHAINING or not self._judged(state, command):
            anything = Length(0, 0x10000)
            return Ruling((Outcome("", UNJUDGED, staying(state), anything),))
        return rule(self.card, state, command)

    def _judged(self, state: State, command: CommandAPDU) -> bool:
        if command.ins in {0xB2, 0xDC}:
            return records.judged(self.card, state, command)
        return command.ins != 0xA4 or selection.judged(command)

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
            allowed = dict.fromkeys(str(outcome) for one in rulings for outcome in one.outcomes)
            raise Departure(rulings[0].blame(response), tuple(allowed))
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


__all__ = ["Departure", "Model"]
