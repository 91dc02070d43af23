"""The rules of the PBOC family and the social security scheme, in front of those of ISO 7816-4.

Read `state` and `fields`, then `proofs` (security states), `items` (the scheme's records), `line`
(MACs on commands), `formulas` and `transactions` (purses), `module` (the terminal's PSAM).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.model.pboc import items, line, module, proofs, transactions
from conformance.model.pboc.proofs import family_of

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU, ResponseAPDU
    from conformance.family import PbocTable
    from conformance.keys import Keys
    from conformance.model.outcome import Ruling, Then
    from conformance.model.state import State
    from conformance.statement import Statement

VERIFY, READ_RECORD, UPDATE_RECORD = 0x20, 0xB2, 0xDC
GET_CHALLENGE, EXTERNAL, INTERNAL = 0x84, 0x82, 0x88
PROPRIETARY = 0x80
LINE = 0x04


@dataclass(frozen=True, slots=True)
class Family:
    """The rules for one statement and the values of its keys."""

    card: Statement
    keys: Keys
    pboc: PbocTable

    def before(self, state: State, _command: CommandAPDU) -> State:
        """Any command that does not complete what was begun ends it."""
        family = family_of(state)
        return replace(state, family=replace(family, pending=None))

    def ruling(self, state: State, command: CommandAPDU) -> Ruling | None:
        """The ruling where the family has a rule of its own; None leaves it to ISO 7816-4."""
        if state.chain is not None:
            return None
        state = replace(state, waiting=None)
        if command.cla == PROPRIETARY:
            return self._proprietary(state, command)
        state = self.before(state, command)
        if command.cla & 0x0F == LINE and command.cla & 0x70 == 0:
            return line.ruling(self.card, self.pboc, self.keys, state, command)
        if command.cla:
            return None
        if command.ins in {READ_RECORD, UPDATE_RECORD}:
            logged = transactions.log(self.card, self.pboc, state, command)
            return logged or items.ruling(self.card, state, command)
        if command.ins == GET_CHALLENGE:
            return proofs.challenge(state, command)
        if command.ins == EXTERNAL:
            return proofs.external(self.pboc, self.keys, state, command)
        if command.ins == INTERNAL:
            return proofs.internal(self.pboc, self.keys, state, command)
        return line.needed(self.card, state, command)

    def _proprietary(self, state: State, command: CommandAPDU) -> Ruling | None:
        if self.pboc.module is not None:
            found = module.ruling(self.pboc, self.keys, state, command)
            if found is not None:
                return found
        return transactions.ruling(self.card, self.pboc, self.keys, state, command)

    def followed(self, before: State, ruling: Ruling, command: CommandAPDU) -> Ruling:
        """The ruling of another rule, with what it means to the security state."""
        if command.ins == VERIFY and not command.cla:
            found = self.card.layout.references_at(before.df, command.p2)[:1]
            return proofs.verified(before, ruling, 1) if found and command.data else ruling

        def following(then: Then) -> Then:
            def follow(response: ResponseAPDU) -> State:
                return proofs.moved(before, then(response))

            return follow

        outcomes = tuple(replace(one, then=following(one.then)) for one in ruling.outcomes)
        return replace(ruling, outcomes=outcomes)
