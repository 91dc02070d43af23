"""Proofs of keys and PINs, and the security state they lead to: EXTERNAL, INTERNAL AUTHENTICATE.

PBOC 2.0 part 2 and the FMCOS manual: a right proof sets the security state of the current DF to
the next state of the key or PIN, a wrong one sets it to 0; leaving the DF does so, too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.crypto import purses as crypto
from conformance.crypto.blocks import BLOCK_SIZE
from conformance.layout import SECURITY_STATES
from conformance.model.addressing import refusal, refused, staying
from conformance.model.outcome import EXACT_LENGTH, Outcome, Ruling, Suspect, words
from conformance.model.pboc.fields import Part, Parts
from conformance.model.pboc.state import FamilyState
from conformance.model.verification import BLOCKED, tries_left

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU, ResponseAPDU
    from conformance.family import CardKey, PbocTable
    from conformance.keys import Keys
    from conformance.layout import DedicatedFile, Reference
    from conformance.model.outcome import Then
    from conformance.model.state import State

_AREA = "pboc/authentication"
ALL_STATES = frozenset(SECURITY_STATES)
LENGTH = words(0x6700, 0x6A80)
UNKNOWN = words(0x6A88, 0x9403, 0x6A82)
NOT_NOW = words(0x6985, 0x6984)


def family_of(state: State) -> FamilyState:
    """What *state* has of the family."""
    return state.family or FamilyState()


def entering(state: State, number: int) -> State:
    """*state* with the security state *number* of the current DF; that of the MF is apart."""
    if state.df.parent is None:
        return replace(state, family=replace(family_of(state), mf_state=number))
    others = state.verified - ALL_STATES
    reached: frozenset[Reference] = frozenset({SECURITY_STATES[number]}) if number else frozenset()
    return replace(state, verified=others | reached)


def security_state(state: State) -> int:
    """The security state of the current DF."""
    return next((one.number for one in state.verified & ALL_STATES), 0)


def key_near(pboc: PbocTable, df: DedicatedFile, kind: str, number: int) -> CardKey | None:
    """The key of a type that P2 = *number* means: in the current DF or above it."""
    for holder in df.lineage():
        for key in pboc.key:
            if key.type == kind and key.df == holder.path and key.number == number:
                return key
    return None


def external(pboc: PbocTable, keys: Keys, state: State, command: CommandAPDU) -> Ruling | None:
    """The cryptogram over the last challenge, and perhaps a factor; None when not judged."""
    key = key_near(pboc, state.df, "external", command.p2)
    if key is None or command.p1 or not command.data:
        if key is None and command.data and not command.p1:
            return refused(f"{_AREA}/external-unknown-key", UNKNOWN | NOT_NOW, state)
        return None
    value = keys.secrets.get(key.name)
    if value is None:
        return None
    family = family_of(state)
    kept = replace(state, family=replace(family, challenge=b"", spent=family.challenge))
    size = BLOCK_SIZE[key.cipher]
    block, factor = command.data[:size], command.data[size:]
    lengths = {0, 8, size} if pboc.factors else {0}
    if len(block) != size or len(factor) not in lengths:
        outcome = refusal(f"{_AREA}/external-length", LENGTH, kept)
        stays = refusal(f"{_AREA}/external-length", LENGTH, state)
        without = () if family.challenge else (refusal(f"{_AREA}/no-challenge", NOT_NOW, kept),)
        return Ruling((outcome, stays, *without))
    if not family.challenge:
        rule = "challenge-once" if family.spent else "no-challenge"
        allowed = NOT_NOW | (BLOCKED if not family.tries_of(key) else words())
        return refused(f"{_AREA}/{rule}", allowed, kept)
    if not family.tries_of(key):
        return refused(f"{_AREA}/external-blocked", BLOCKED, kept)
    factors = (factor,) if factor else ()
    process = crypto.diversified(key.cipher, value, *factors)
    if block == crypto.cryptogram(key.cipher, process, family.challenge):
        after = replace(kept, family=family_of(kept).with_tries(key, key.tries))
        rule = "external-factor" if factor else "external-right"
        proven = entering(after, key.state)
        return Ruling((Outcome(f"{_AREA}/{rule}", words(0x9000), staying(proven)),))
    left = family.tries_of(key) - 1
    after = replace(kept, family=family_of(kept).with_tries(key, left))
    allowed = tries_left(left) | (words(0x6983) if not left else words())
    failed = Outcome(f"{_AREA}/external-counter", allowed, staying(entering(after, 0)))
    return Ruling((failed,), (Suspect(f"{_AREA}/external-wrong", words(0x9000)),))


def internal(pboc: PbocTable, keys: Keys, state: State, command: CommandAPDU) -> Ruling | None:
    """One block enciphered under an internal key, or under its process key for a factor."""
    key = key_near(pboc, state.df, "internal", command.p2)
    if command.p1 or key is None:
        return None
    value = keys.secrets.get(key.name)
    if value is None:
        return None
    size = BLOCK_SIZE[key.cipher]
    block, factor = command.data[:size], command.data[size:]
    if pboc.factors and (len(block) != size or len(factor) not in {0, 8, size}):
        return refused(f"{_AREA}/internal-length", LENGTH, state)
    if not pboc.factors:
        return None
    factors = (factor,) if factor else ()
    process = crypto.diversified(key.cipher, value, *factors)
    rule = f"{_AREA}/{'internal-factor' if factor else 'internal-right'}"
    parts = Parts((Part.known(rule, crypto.cryptogram(key.cipher, process, block)),))
    if command.ne is None or (command.ne < size and not command.all_available):
        return None
    return Ruling((Outcome(rule, words(0x9000), staying(state), parts),))


def challenge(state: State, command: CommandAPDU) -> Ruling | None:
    """GET CHALLENGE of 4, 8 or 16 bytes, whatever else the card gives; it is kept for a proof."""
    if command.p1 or command.p2 or command.data or command.ne is None or command.all_available:
        return None
    family = family_of(state)
    length = command.ne

    def remember(response: ResponseAPDU) -> State:
        kept = replace(family, challenge=response.data, spent=b"")
        return replace(state, family=kept, challenge=response.data)

    unlike = state.challenge if length >= 4 else b""
    fresh = Parts((Part(f"{_AREA}/challenge-fresh", length, unlike=unlike),))
    requirement = f"{_AREA}/challenge-lengths"
    answer = Outcome(requirement, words(0x9000), remember, fresh)
    if length in {4, 8}:
        return Ruling((answer,))
    return Ruling((answer, refusal(requirement, words(0x6700) | EXACT_LENGTH, state)))


def verified(state: State, ruling: Ruling, next_state: int) -> Ruling:
    """The outcomes of VERIFY: the PIN's next state when it is right, state 0 when it is wrong."""

    def following(then: Then) -> Then:
        def follow(response: ResponseAPDU) -> State:
            after = then(response)
            if response.sw == 0x9000:
                return entering(after, next_state)
            if response.sw & 0xFFF0 == 0x63C0 or after.tries != state.tries:
                return entering(after, 0)
            return after

        return follow

    outcomes = tuple(replace(one, then=following(one.then)) for one in ruling.outcomes)
    return replace(ruling, outcomes=outcomes)


def moved(before: State, after: State) -> State:
    """*after*, with what leaving a DF takes away: the security state, while a challenge stays."""
    if after.df is before.df:
        return after
    return replace(after, verified=after.verified - ALL_STATES)
