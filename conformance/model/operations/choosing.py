"""Which key and mechanism the security environment chooses for an operation, or why none.

ISO/IEC 7816-4:2020, 10.3 (the environment) and 11.6.11; ISO/IEC 7816-8:2021, 5.3. Where several
conditions refuse an operation at once, the standard does not say which one the card names; every
refusal that applies is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.crypto.mechanisms import Public, fits, hash_function
from conformance.model.addressing import anything, refusal
from conformance.model.desk import COMPUTES, VERIFIES
from conformance.model.outcome import NO_DATA, Outcome, Ruling, Suspect, words
from conformance.model.verification import ANY_TRIES, BLOCKED

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU
    from conformance.keys import Keys
    from conformance.layout import Key
    from conformance.model.outcome import DataRule, Words
    from conformance.model.state import State
    from conformance.statement import Statement

_AREA = "7816-8/operation"
ACCEPTED = words(0x9000)
LENGTH = words(0x6700, 0x6A80)
FAILED = words(0x6300, 0x6988, 0x6A80) | ANY_TRIES
"""How a signature or a checksum that is wrong may be told (ISO/IEC 7816-8:2021, 5.3)."""
MISSING = words(0x6A88, 0x6A82)
NOT_CHOSEN = words(0x6985, 0x6A88)
UNFIT = words(0x6985, 0x6982, 0x6A88, 0x6981)
CLOSED = words(0x6982, 0x6985)
NO_ALGORITHM = words(0x6A81, 0x6A80, 0x6985, 0x6A88, 0x6981)
TAG_ALGORITHM, TAG_KEY, TAG_PRIVATE, TAG_INITIAL = 0x80, 0x83, 0x84, 0x87
KEY_TAGS = (TAG_KEY, TAG_PRIVATE)
PROVEN = frozenset({"internal", "external"})
PRIVATE = frozenset({"sign", "decipher", "internal"})
"""Usages that take more than the public half of a pair."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One command in one state."""

    card: Statement
    keys: Keys
    state: State
    command: CommandAPDU

    def staying(self) -> Ruling:
        """What is not said enough about to judge."""
        return anything(self.state)

    def room_for(self, length: int) -> bool:
        """Whether the command asks for *length* bytes or more."""
        ne = self.command.ne
        return ne is not None and ne >= length

    def secret(self, key: Key) -> bytes | None:
        """The value of a symmetric key, None when the judge does not hold it."""
        return self.keys.secrets.get(key.name)

    def public(self, key: Key) -> Public | None:
        """The public half of a pair, None while it is not known."""
        value = self.state.works.public_of(key)
        return Public(key.algorithm, value, key.exponent) if value else None

    def tries(self, key: Key) -> int:
        """The tries left of a key that counts."""
        return self.state.tries.get(key.proof, key.tries)


@dataclass(frozen=True, slots=True)
class Choice:
    """The key and the mechanism that are meant, and every reason not to use them."""

    key: Key | None = None
    mechanism: str = ""
    initial: bytes = b""
    refusals: tuple[Outcome, ...] = ()
    unclear: bool = False
    """Whether it cannot be known what the card would use."""

    def ruling(self, scene: Scene) -> Ruling | None:
        """The ruling where nothing else counts; None when the operation goes on."""
        if self.unclear:
            return scene.staying()
        return Ruling(self.refusals) if self.refusals else None

    def or_malformed(self, scene: Scene, requirement: str, allowed: Words) -> Ruling:
        """The ruling of a malformed data field: a card may name that, or any other reason."""
        if self.unclear:
            return scene.staying()
        return Ruling((*self.refusals, refusal(requirement, allowed, scene.state)))

    @property
    def suspects(self) -> tuple[Suspect, ...]:
        """What it means when a key whose rule is met is refused on account of it."""
        guarded = self.key is not None and not self.key.access.always
        return (Suspect(f"{_AREA}/access-granted", words(0x6982)),) if guarded else ()


def reference(scene: Scene, template: int, side: int) -> int | None:
    """The key that the environment names, None when it names none; LookupError when unclear."""
    component = scene.state.desk.component(template, side)
    if component is None and not scene.state.desk.known:
        raise LookupError
    if component is None:
        return None
    if component.objects is None:
        raise LookupError
    held = dict(component.objects)
    for tag in (TAG_PRIVATE, TAG_KEY) if side == COMPUTES else (TAG_KEY, TAG_PRIVATE):
        if tag in held:
            return held[tag][0] if len(held[tag]) == 1 else -1
    return None


def choose(scene: Scene, template: int, side: int, usage: str) -> Choice:
    """The key and mechanism for *usage*, or the reasons against them."""
    try:
        number = reference(scene, template, side)
    except LookupError:
        return Choice(unclear=True)
    if number is None:
        return Choice(refusals=(refusal(f"{_AREA}/no-key", NOT_CHOSEN, scene.state),))
    component = scene.state.desk.component(template, side)
    held = dict(component.objects or ()) if component is not None else {}
    key = scene.card.layout.key_at(scene.state.df, number)
    if key is None:
        refusal_of_it = refusal("7816-4/environment/unknown-key", MISSING, scene.state)
        return Choice(refusals=(refusal_of_it,))
    algorithm = held.get(TAG_ALGORITHM)
    mechanism, refusals = _mechanism(scene, key, template, algorithm)
    refusals += admitted(scene, key, usage)
    initial = held.get(TAG_INITIAL, b"")
    return Choice(key, mechanism, initial, refusals, unclear=not mechanism and not refusals)


def admitted(scene: Scene, key: Key, usage: str) -> tuple[Outcome, ...]:
    """Every reason why *key* may not be used for *usage*."""
    state, area = scene.state, "7816-4/authentication" if usage in PROVEN else _AREA
    found = []
    if usage not in key.usage:
        public_only = not key.private and usage in PRIVATE
        rule = f"{_AREA}/public-only" if public_only else f"{area}/usage"
        found.append(refusal(rule, UNFIT, state))
    if not key.access.met(state.verified | state.disabled):
        found.append(refusal(f"{_AREA}/access-refused", CLOSED, state))
    if key.tries and not scene.tries(key):
        found.append(refusal(f"{area}/blocked", BLOCKED, state))
    if key.uses and state.works.used.get(key, 0) >= key.uses:
        allowed = words(0x6984, 0x6985, 0x6983, 0x6A88)
        found.append(refusal(f"{_AREA}/used-up", allowed, state))
    return tuple(found)


def _mechanism(
    scene: Scene, key: Key, template: int, algorithm: bytes | None
) -> tuple[str, tuple[Outcome, ...]]:
    if algorithm is None:
        return key.implied.get(template, ""), ()
    table = scene.card.operations
    named = table.mechanism(template, algorithm) if table is not None else None
    if named is None:
        return "", (refusal(f"{_AREA}/algorithm-unknown", NO_ALGORITHM, scene.state),)
    retail = named.startswith("retail") and len(scene.secret(key) or bytes(16)) != 16
    if not fits(named, key.algorithm) or retail:
        return "", (refusal(f"{_AREA}/algorithm-foreign", NO_ALGORITHM, scene.state),)
    return named, ()


def hash_chosen(scene: Scene) -> str | Ruling:
    """The hash function of the hash template, or that of the key chosen to sign."""
    for side in (COMPUTES, VERIFIES):
        component = scene.state.desk.component(0xAA, side)
        if component is None:
            continue
        algorithm = dict(component.objects or ()).get(TAG_ALGORITHM)
        if algorithm is None:
            return scene.staying()
        table = scene.card.operations
        named = table.mechanism(0xAA, algorithm) if table is not None else None
        if named is None:
            allowed = refusal(f"{_AREA}/algorithm-unknown", NO_ALGORITHM, scene.state)
            return Ruling((allowed,))
        return named
    choice = choose(scene, 0xB6, COMPUTES, "sign")
    ruling = choice.ruling(scene)
    if ruling is not None:
        return ruling
    name = hash_function(choice.mechanism)
    return name or Ruling((refusal("7816-8/hash/no-function", NO_ALGORITHM, scene.state),))


def done(
    requirement: str, choice: Choice, after: State, rule: DataRule = NO_DATA, *more: Outcome
) -> Ruling:
    """The ruling of an operation that is carried out: a use of the key is gone."""
    key = choice.key
    if key is not None and key.uses:
        used = {**after.works.used, key: after.works.used.get(key, 0) + 1}
        after = replace(after, works=replace(after.works, used=used))
    outcome = Outcome(requirement, ACCEPTED, lambda _response: after, rule)
    return Ruling((outcome, *more), choice.suspects)
