"""VERIFY (ISO/IEC 7816-4:2020, 11.6.6): comparison, retry counter, security status."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.model.addressing import refusal, refused, staying
from conformance.model.outcome import Outcome, Ruling, Suspect, words

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU
    from conformance.keys import Keys
    from conformance.layout import Reference
    from conformance.model.state import State
    from conformance.statement import Statement

RESERVED_BITS = 0x60
_AREA = "7816-4/verify"
BLOCKED = words(0x6983, 0x6984)
ACCEPTED = words(0x9000)
WRONG_LENGTH = words(0x6700, 0x6A80)
ANY_TRIES = words(*range(0x63C0, 0x63D0))


def tries_left(tries: int) -> frozenset[int]:
    """63CX for *tries*."""
    return words(0x63C0 | min(tries, 15))


@dataclass(frozen=True, slots=True)
class Verification:
    """The rule of VERIFY; it knows the right values, to tell a right guess from a wrong one."""

    keys: Keys

    def __call__(self, card: Statement, state: State, command: CommandAPDU) -> Ruling:
        """One ruling for the query (no data field) and one for the comparison."""
        if command.p1:
            allowed = words(0x6A86, 0x6A81, 0x6B00)
            return refused(f"{_AREA}/reserved-p1", allowed, state)
        unknown = words(0x6A88, 0x6A86)
        if command.p2 & RESERVED_BITS:
            return refused(f"{_AREA}/reserved-p2", unknown | words(0x6A81), state)
        candidates = card.layout.references_at(state.df, command.p2)[:1]
        if not candidates:
            return refused(f"{_AREA}/unknown-reference", unknown, state)
        reference = candidates[0]
        if command.data:
            ruling = self._comparison(card, state, command, reference)
        else:
            ruling = _query(card, state, reference)
        if reference.df is not state.df and reference.local:
            # The reference is one of a DF further up; whether that counts is not said.
            elsewhere = refused(f"{_AREA}/unknown-reference", unknown, state)
            return Ruling((*ruling.outcomes, *elsewhere.outcomes), ruling.suspects)
        return ruling

    def _comparison(
        self, card: Statement, state: State, command: CommandAPDU, reference: Reference
    ) -> Ruling:
        right = state.values.get(reference) or self.keys.right(reference)
        if not state.tries[reference]:
            suspects = (Suspect(f"{_AREA}/blocked-stays-blocked", ACCEPTED),)
            allowed = BLOCKED
            if len(command.data) != reference.length:
                allowed |= WRONG_LENGTH  # the card may look at the length first
            return Ruling((refusal(f"{_AREA}/blocked", allowed, state),), suspects)
        if right is None:
            return _unknown_value(state, reference)
        if command.data == right:
            verified = replace(state, verified=state.verified | {reference})
            restored = verified.with_tries(reference, reference.tries)
            outcomes = [Outcome(f"{_AREA}/right-value", ACCEPTED, staying(restored))]
            if command.ne is not None:
                outcomes.append(refusal(f"{_AREA}/with-le", words(0x6700), state))
            return Ruling(tuple(outcomes))
        outcomes = list(failures(card, state, reference))
        if len(command.data) != len(right):
            requirement = f"{_AREA}/wrong-length"
            outcomes.append(refusal(requirement, WRONG_LENGTH, state))
            return Ruling(tuple(outcomes), (Suspect(requirement, ACCEPTED),))
        return Ruling(tuple(outcomes), (Suspect(f"{_AREA}/wrong-value", ACCEPTED),))


def failures(card: Statement, state: State, reference: Reference) -> Iterator[Outcome]:
    """A failed comparison: one try less; the security status may be lost or not."""
    left = state.tries[reference] - 1
    after = state.with_tries(reference, left)
    allowed = tries_left(left) if left else tries_left(0) | words(0x6983)
    choice = card.choices.status_after_failure
    was_verified = reference in state.verified
    if not was_verified or choice != "lost":
        yield Outcome(f"{_AREA}/counter-decreases", allowed, staying(after))
    if was_verified and choice != "kept":
        cleared = replace(after, verified=state.verified - {reference})
        yield Outcome(f"{_AREA}/counter-decreases", allowed, staying(cleared))


def _unknown_value(state: State, reference: Reference) -> Ruling:
    """The judge does not hold the value: whatever the card makes of the guess is followed."""
    verified = replace(state, verified=state.verified | {reference})
    left = state.tries[reference] - 1
    return Ruling(
        (
            Outcome(
                f"{_AREA}/counter-decreases",
                tries_left(left),
                staying(state.with_tries(reference, left)),
            ),
            Outcome(
                f"{_AREA}/right-value",
                ACCEPTED,
                staying(verified.with_tries(reference, reference.tries)),
            ),
        )
    )


def _query(card: Statement, state: State, reference: Reference) -> Ruling:
    """Without a data field: 9000 when verified, else the tries left; nothing is spent."""
    if not card.features.verify_query:
        return refused(f"{_AREA}/query-counter", words(0x6700, 0x6A80, 0x6A86) | ANY_TRIES, state)
    if reference in state.verified | state.disabled:
        return refused(f"{_AREA}/query-verified", ACCEPTED, state)
    tries = state.tries[reference]
    allowed = tries_left(tries) if tries else BLOCKED | tries_left(0)
    suspects = (Suspect(f"{_AREA}/query-not-verified", ACCEPTED),)
    return Ruling((refusal(f"{_AREA}/query-counter", allowed, state),), suspects)
