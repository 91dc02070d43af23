"""CHANGE REFERENCE DATA, RESET RETRY COUNTER, and verification required or not.

ISO/IEC 7816-4:2020, 11.6.7 to 11.6.10, with even instruction codes: P1 says which values the data
field holds, one behind the other, the first as long as it is at present.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.model.addressing import WRONG_P1_P2, anything, refusal, staying
from conformance.model.outcome import Outcome, Ruling, Suspect, words
from conformance.model.state import State
from conformance.model.verification import ACCEPTED, ANY_TRIES, BLOCKED, failures

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU
    from conformance.keys import Keys
    from conformance.layout import Reference
    from conformance.statement import Statement

CHANGE, DISABLE, ENABLE, RESET = 0x24, 0x26, 0x28, 0x2C
_AREA = "7816-4/reference"
UNKNOWN = words(0x6A88, 0x6A86)
LENGTH = words(0x6700, 0x6A80, 0x6A87)


def value_of(keys: Keys, state: State, reference: Reference) -> bytes | None:
    """The right value of *reference* at present, None when the judge does not know it."""
    return state.values.get(reference) or keys.right(reference)


@dataclass(frozen=True, slots=True)
class ReferenceRules:
    """The rules; they know the right values."""

    keys: Keys

    def _named(
        self, card: Statement, state: State, command: CommandAPDU
    ) -> tuple[Reference, bytes] | Ruling:
        """The reference that P2 means and its value."""
        found = card.layout.references_at(state.df, command.p2)[:1]
        if not found:
            return Ruling((refusal(f"{_AREA}/unknown", UNKNOWN, state),))
        right = value_of(self.keys, state, found[0])
        if right is None or (found[0].local and found[0].df is not state.df):
            return anything(state)
        return found[0], right

    def change(self, card: Statement, state: State, command: CommandAPDU) -> Ruling:
        """P1 00: the data field is the old value and the new one."""
        if command.p1 > 1:
            return Ruling((refusal(f"{_AREA}/reserved-p1", WRONG_P1_P2, state),))
        named = self._named(card, state, command)
        if isinstance(named, Ruling) or command.p1 == 1:
            return named if isinstance(named, Ruling) else anything(state)
        reference, right = named
        old, new = command.data[: len(right)], command.data[len(right) :]
        if not new:
            return Ruling((refusal(f"{_AREA}/change-length", LENGTH | ANY_TRIES, state),))
        if not state.tries[reference]:
            return Ruling((refusal(f"{_AREA}/blocked", BLOCKED, state),))
        if old != right:
            accepted = (Suspect(f"{_AREA}/change-wrong", ACCEPTED),)
            return Ruling(_spent(card, state, reference, f"{_AREA}/change-counts"), accepted)
        held = replace(state, values={**state.values, reference: new})
        held = held.with_tries(reference, reference.tries)
        verified = replace(held, verified=state.verified | {reference})
        requirement = f"{_AREA}/change"
        outcomes = [Outcome(requirement, ACCEPTED, staying(verified))]
        if reference not in state.verified:
            outcomes.append(Outcome(requirement, ACCEPTED, staying(held)))
        return Ruling(tuple(outcomes))

    def reset(self, card: Statement, state: State, command: CommandAPDU) -> Ruling:
        """P1 00: resetting code and new value; 01: resetting code alone."""
        if command.p1 > 3:
            return Ruling((refusal(f"{_AREA}/reserved-p1", WRONG_P1_P2, state),))
        named = self._named(card, state, command)
        if isinstance(named, Ruling) or command.p1 > 1:
            return named if isinstance(named, Ruling) else anything(state)
        reference = named[0]
        code = _unblocker(card, reference)
        if code is None:
            allowed = words(0x6985, 0x6A88, 0x6982, 0x6A81, 0x6A86, 0x6A80, 0x6700)
            return Ruling((refusal(f"{_AREA}/no-resetting-code", allowed, state),))
        right = value_of(self.keys, state, code)
        if right is None:
            return anything(state)
        given, new = command.data[: len(right)], command.data[len(right) :]
        if bool(new) == (command.p1 == 1):
            allowed = LENGTH | ANY_TRIES
            return Ruling((refusal(f"{_AREA}/change-length", allowed, state),))
        if given != right:
            accepted = (Suspect(f"{_AREA}/reset-wrong", ACCEPTED),)
            return Ruling(_spent(card, state, code, f"{_AREA}/reset-counts"), accepted)
        after = state.with_tries(reference, reference.tries).with_tries(code, code.tries)
        if new:
            after = replace(after, values={**after.values, reference: new})
        requirement = f"{_AREA}/{'reset-new-value' if new else 'reset'}"
        return Ruling((Outcome(requirement, ACCEPTED, staying(after)),))

    def switch(self, card: Statement, state: State, command: CommandAPDU) -> Ruling:
        """P1 00: with the value, verification is required from now on (28) or not (26)."""
        if command.p1 > 1:
            return Ruling((refusal(f"{_AREA}/reserved-p1", WRONG_P1_P2, state),))
        named = self._named(card, state, command)
        if isinstance(named, Ruling) or command.p1 == 1 or not command.data:
            return named if isinstance(named, Ruling) else anything(state)
        reference, right = named
        action = "disable" if command.ins == DISABLE else "enable"
        if not state.tries[reference]:
            return Ruling((refusal(f"{_AREA}/blocked", BLOCKED, state),))
        if command.data != right:
            accepted = (Suspect(f"{_AREA}/{action}-wrong", ACCEPTED),)
            spent = _spent(card, state, reference, f"{_AREA}/switch-counts")
            return Ruling(spent, accepted)
        chosen = {reference}
        disabled = state.disabled | chosen if action == "disable" else state.disabled - chosen
        after = replace(state, disabled=disabled).with_tries(reference, reference.tries)
        verified = replace(after, verified=state.verified | chosen)
        outcomes = [Outcome(f"{_AREA}/{action}", ACCEPTED, staying(verified))]
        if reference not in state.verified:
            outcomes.append(Outcome(f"{_AREA}/{action}", ACCEPTED, staying(after)))
        return Ruling(tuple(outcomes))


def _unblocker(card: Statement, reference: Reference) -> Reference | None:
    names = (one for one in card.layout.references if one.name == reference.unblocked_by)
    return next(names, None)


def _spent(
    card: Statement, state: State, reference: Reference, requirement: str
) -> tuple[Outcome, ...]:
    return tuple(
        replace(outcome, requirement=requirement) for outcome in failures(card, state, reference)
    )


Rule = Callable[["Statement", State, "CommandAPDU"], Ruling]


def rules(keys: Keys) -> Mapping[int, Rule]:
    """The rules by instruction byte."""
    bound = ReferenceRules(keys)
    return {
        CHANGE: bound.change,
        RESET: bound.reset,
        DISABLE: bound.switch,
        ENABLE: bound.switch,
    }
