"""The rules of ISO/IEC 7816-8, of the security environment, and of proofs of declared keys.

Read `conformance.model.desk`, then `choosing` (which key, which mechanism, which refusals), then
the operations: `environment`, `hashing`, `signatures`, `ciphering`, `checksums`, `keypairs`,
`proofs`. They apply to a card whose statement has the table `[operations]`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.model.addressing import WRONG_P1_P2, refusal
from conformance.model.operations import (
    checksums,
    ciphering,
    environment,
    hashing,
    keypairs,
    proofs,
    signatures,
)
from conformance.model.operations.choosing import Scene
from conformance.model.outcome import Outcome, Ruling, words
from conformance.tlv import MalformedTLV, parse

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU, ResponseAPDU
    from conformance.keys import Keys
    from conformance.model.outcome import DataRule, Then
    from conformance.model.state import State
    from conformance.statement import Statement

Operation = Callable[[Scene], Ruling]
PERFORM, PERFORM_OBJECT = 0x2A, 0x2B
MOVING = frozenset({0xA4, 0xE0, 0xE4})
"""Instructions that may make another DF the current one."""
CERTIFICATES = frozenset({(0x00, 0x92), (0x00, 0xAE), (0x00, 0xBE)})
_AREA = "7816-8/operation"
OPERATIONS: Mapping[tuple[int, int], Operation] = {
    (0x00, 0xA2): checksums.verify,
    (0x00, 0xA8): signatures.verify,
    **{(0x80, tag): ciphering.decipher for tag in (0x82, 0x84, 0x86)},
    **{(tag, 0x80): ciphering.encipher for tag in (0x82, 0x84, 0x86)},
    (0x8E, 0x80): checksums.compute,
    (0x90, 0x80): hashing.hash_value,
    (0x90, 0xA0): hashing.hash_template,
    **{(0x9E, tag): signatures.compute for tag in (0x9A, 0xAC, 0xBC)},
}
"""The operations by P1 and P2, the tags of what is answered and of what is given."""


@dataclass(frozen=True, slots=True)
class Inside:
    """The data object *tag* around what *rule* allows."""

    tag: int
    rule: DataRule

    def fault(self, data: bytes) -> str | None:
        """One data object, and no other."""
        try:
            (found,) = parse(data, b"")
        except (MalformedTLV, ValueError):
            return f"{_AREA}/odd-instruction"
        wrong = found.tag != self.tag
        return f"{_AREA}/odd-instruction" if wrong else self.rule.fault(found.value)

    def __str__(self) -> str:
        return f"{self.tag:02X} around {self.rule}"


def perform(scene: Scene) -> Ruling:
    """PERFORM SECURITY OPERATION: P1 and P2 say which."""
    pair = scene.command.p1, scene.command.p2
    if pair in CERTIFICATES:
        return scene.staying()
    operation = OPERATIONS.get(pair)
    if operation is None:
        return Ruling((refusal(f"{_AREA}/reserved-parameters", WRONG_P1_P2, scene.state),))
    hashing_or_signing = pair[0] in {0x90, 0x9E}
    desk = scene.state.desk
    if desk.hashed is not None and not hashing_or_signing:
        scene = replace(scene, state=replace(scene.state, desk=replace(desk, disturbed=True)))
    return operation(scene)


def perform_object(scene: Scene) -> Ruling:
    """The same with an odd instruction code: data object P2 in, data object P1 out."""
    table = scene.card.operations
    if table is None or "odd-instruction" not in table.operations:
        return scene.staying()
    try:
        (given,) = parse(scene.command.data, b"")
        fits = given.tag == scene.command.p2
    except (MalformedTLV, ValueError):
        fits = False
    if not fits:
        allowed = words(0x6A80, 0x6A87, 0x6700, 0x6985, 0x6A86, 0x6A81, 0x6A88)
        return Ruling((refusal(f"{_AREA}/odd-malformed", allowed, scene.state),))
    plain = replace(scene.command, ins=PERFORM, data=given.value)
    ruling = perform(replace(scene, command=plain))
    tag = scene.command.p1
    wrapped = tuple(
        replace(one, data=Inside(tag, one.data)) if tag and _answers(one) else one
        for one in ruling.outcomes
    )
    return replace(ruling, outcomes=wrapped)


def _answers(outcome: Outcome) -> bool:
    return 0x9000 in outcome.words and str(outcome.data) != "no data"


RULES: Mapping[int, Operation] = {
    environment.INS: environment.manage,
    PERFORM: perform,
    PERFORM_OBJECT: perform_object,
    0x46: keypairs.generate,
    0x47: keypairs.generate,
    0x82: proofs.external,
    0x84: proofs.challenge,
    0x88: proofs.internal,
}


@dataclass(frozen=True, slots=True)
class Bound:
    """One of the rules as the model calls it; it knows the values of keys."""

    operation: Operation
    keys: Keys

    def __call__(self, card: Statement, state: State, command: CommandAPDU) -> Ruling:
        """The ruling of *command* in *state*."""
        return self.operation(Scene(card, self.keys, state, command))


def rules(keys: Keys) -> Mapping[int, Bound]:
    """The rules by instruction byte."""
    return {ins: Bound(operation, keys) for ins, operation in RULES.items()}


def moved(card: Statement, before: State, ruling: Ruling) -> Ruling:
    """The ruling of a command that may make another DF current: the environment may be lost."""
    table = card.operations
    choice = table.environment_on_df if table is not None else "kept"
    if choice == "kept" or (not before.desk.components and before.desk.known):
        return ruling

    def following(then: Then) -> Then:
        def follow(response: ResponseAPDU) -> State:
            after = then(response)
            if after.df is before.df:
                return after
            return replace(after, desk=after.desk.cleared())

        return follow

    lost = tuple(replace(one, then=following(one.then)) for one in ruling.outcomes)
    outcomes = lost if choice == "lost" else (*lost, *ruling.outcomes)
    return replace(ruling, outcomes=outcomes)
