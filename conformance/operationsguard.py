"""What an operation with a declared key costs a real card at most.

Setting the environment and computing cost nothing. A wrong proof, and a check that fails, may cost
a try of its key: `consume`, down to the floor. A key that may be used a number of times only, and a
new pair in the place of another, are `destroy`, unless the statement gives the key as a spare one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.model.desk import COMPUTES, VERIFIES
from conformance.model.operations.choosing import ACCEPTED, Scene, reference
from conformance.model.operations.environment import ERASE, STORE, is_free
from conformance.model.operations.keypairs import READ, number_meant
from conformance.operations import AUTHENTICATION, CHECKSUM, CONFIDENTIALITY, SIGNATURE
from conformance.verdict import Risk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.apdu import CommandAPDU
    from conformance.layout import Key
    from conformance.model import Model

ENVIRONMENT, GENERATE, EXTERNAL, INTERNAL = 0x22, frozenset({0x46, 0x47}), 0x82, 0x88
PERFORM = frozenset({0x2A, 0x2B})
OPERATIONS = frozenset({ENVIRONMENT, EXTERNAL, INTERNAL}) | GENERATE | PERFORM
TEMPLATES = {0xA2: CHECKSUM, 0xA8: SIGNATURE, 0x8E: CHECKSUM, 0x9E: SIGNATURE}
"""The template by the tag of what is verified (P2) or computed (P1); the others encipher."""


def operation_risk(command: CommandAPDU, model: Model) -> tuple[Risk, str]:
    """The risk and its reason."""
    if command.ins == ENVIRONMENT:
        return _environment(command, model)
    if command.ins in GENERATE:
        return _generate(command, model)
    proves = command.ins == EXTERNAL and bool(command.data)
    checks = command.ins in PERFORM and command.p1 == 0x00
    worst = Risk.CONSUME if proves else Risk.OBSERVE
    reason = "a wrong proof costs a try" if proves else "a computation"
    for key, tries in _meant(command, model):
        if key.uses:
            return Risk.DESTROY, f"each use of {key.name} is one less"
        if key.tries and (proves or checks):
            worst, reason = Risk.CONSUME, "a wrong proof costs a try"
            if tries - 1 < key.proof.floor and not _right(command, model):
                return Risk.DESTROY, f"{key.name} has no tries above its floor"
    return worst, reason


def _right(command: CommandAPDU, model: Model) -> bool:
    """Whether it is what gives the tries back: the model allows success, and nothing less."""
    rulings = model.rulings(command.encode())
    return all(one.outcomes[0].words == ACCEPTED for one in rulings)


def _environment(command: CommandAPDU, model: Model) -> tuple[Risk, str]:
    """The current environment is volatile; a stored one is not, and has to be given free."""
    if command.p1 not in {STORE, ERASE}:
        return Risk.OBSERVE, "the environment is gone with the next reset"
    card = model.card
    for state in model.states:
        if not is_free(card.operations, card.scratch, state, command.p2):
            number = f"{command.p2:02X}"
            return Risk.DESTROY, f"the environment {number} is not given free here"
    return Risk.RESTORE, "it stores or erases an environment"


def _generate(command: CommandAPDU, model: Model) -> tuple[Risk, str]:
    if command.p1 == READ:
        return Risk.OBSERVE, "it reads a public key"
    for state in model.states:
        number = number_meant(Scene(model.card, model.keys, state, command))
        key = model.card.layout.key_at(state.df, number) if isinstance(number, int) else None
        if key is None or not key.spare:
            return Risk.DESTROY, "it replaces a key that is not given as a spare one"
    return Risk.RESTORE, "it replaces a spare key"


def _meant(command: CommandAPDU, model: Model) -> Iterator[tuple[Key, int]]:
    """The keys that the command may use, with the tries that are left."""
    for state in model.states:
        for key in _keys(Scene(model.card, model.keys, state, command)):
            yield key, state.tries.get(key.proof, key.tries)


def _keys(scene: Scene) -> Iterator[Key]:
    command, layout, df = scene.command, scene.card.layout, scene.state.df
    proving = command.ins not in PERFORM
    if proving and command.p2:
        number: int | None = command.p2
    else:
        try:
            number = reference(scene, *_template(command))
        except LookupError:
            number = None
    if number is None and proving:  # the card may take the nearest one for the purpose
        yield from layout.keys
        return
    key = layout.key_at(df, number) if number is not None else None
    if key is not None:
        yield key


def _template(command: CommandAPDU) -> tuple[int, int]:
    """The template and the side of it that chooses the key."""
    if command.ins not in PERFORM:
        return AUTHENTICATION, VERIFIES if command.ins == EXTERNAL else COMPUTES
    side = VERIFIES if command.p1 in {0x00, 0x82, 0x84, 0x86} else COMPUTES
    return TEMPLATES.get(command.p1 or command.p2, CONFIDENTIALITY), side
