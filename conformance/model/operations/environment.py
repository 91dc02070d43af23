"""MANAGE SECURITY ENVIRONMENT (ISO/IEC 7816-4:2020, 11.6.11): SET, STORE, RESTORE, ERASE."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.crypto.mechanisms import fits
from conformance.model.addressing import WRONG_P1_P2, refusal, staying
from conformance.model.desk import Component, Desk
from conformance.model.operations.choosing import (
    ACCEPTED,
    KEY_TAGS,
    MISSING,
    NO_ALGORITHM,
    TAG_ALGORITHM,
)
from conformance.model.outcome import Outcome, Ruling, words
from conformance.operations import TEMPLATES
from conformance.tlv import MalformedTLV, parse

if TYPE_CHECKING:
    from conformance.model.desk import Objects
    from conformance.model.operations.choosing import Scene
    from conformance.model.state import State
    from conformance.operations import OperationsTable
    from conformance.statement import ScratchTable

INS = 0x22
STORE, RESTORE, ERASE = 0xF2, 0xF3, 0xF4
FUNCTIONS = {STORE: "store", RESTORE: "restore", ERASE: "erase"}
KEY_AGREEMENT, USAGE = 0xA6, 0x95
_AREA = "7816-4/environment"
MALFORMED = words(0x6A80, 0x6A87, 0x6700)
WITHOUT = words(0x6A87, 0x6700, 0x6A80, 0x6A86)


def manage(scene: Scene) -> Ruling:
    """P1 says what happens: the high half of SET for which side, P2 the template or the number."""
    command = scene.command
    if command.p1 in FUNCTIONS:
        return _kept(scene)
    side = command.p1 & 0xF0
    if command.p1 & 0x0F != 1 or not side:
        return Ruling((refusal(f"{_AREA}/reserved-parameters", WRONG_P1_P2, scene.state),))
    if command.p2 == KEY_AGREEMENT:
        return _unclear(scene)
    if command.p2 not in TEMPLATES:
        return Ruling((refusal(f"{_AREA}/reserved-parameters", WRONG_P1_P2, scene.state),))
    if not command.data:
        return Ruling((refusal(f"{_AREA}/without-data", WITHOUT, scene.state),))
    try:
        objects = tuple((one.tag, one.value) for one in parse(command.data, b""))
    except MalformedTLV:
        return Ruling((refusal(f"{_AREA}/malformed", MALFORMED, scene.state),))
    return _set(scene, side, objects)


def _set(scene: Scene, side: int, objects: Objects) -> Ruling:
    template = scene.command.p2
    tags = [tag for tag, _ in objects]
    lengths = {len(value) for tag, value in objects if tag in (*KEY_TAGS, TAG_ALGORITHM)}
    if len(set(tags)) != len(tags) or USAGE in tags or lengths - {1}:
        return _either(scene, Component(template, side, None), MALFORMED | NO_ALGORITHM)
    new = Component(template, side, objects)
    numbers = [value[0] for tag, value in objects if tag in KEY_TAGS]
    layout, df = scene.card.layout, scene.state.df
    table = scene.card.operations
    if any(layout.key_at(df, number) is None for number in numbers):
        missing = refusal(f"{_AREA}/unknown-key", MISSING, scene.state)
        if table is not None and table.missing_key == "set":
            return Ruling((missing,))
        return Ruling((missing, _accepted(scene, new)))
    algorithm = dict(objects).get(TAG_ALGORITHM)
    if algorithm is not None and table is not None:
        mechanism = table.mechanism(template, algorithm)
        keys = [key for number in numbers if (key := layout.key_at(df, number)) is not None]
        if mechanism is None or not all(fits(mechanism, key.algorithm) for key in keys):
            return _either(scene, new, NO_ALGORITHM)
    return Ruling((_accepted(scene, new),))


def _accepted(scene: Scene, new: Component) -> Outcome:
    after = replace(scene.state, desk=scene.state.desk.with_component(new))
    return Outcome(f"{_AREA}/set", ACCEPTED, staying(after))


def _either(scene: Scene, new: Component, refusals: frozenset[int]) -> Ruling:
    """A card may look closely when a template is set, or not before it is used."""
    return Ruling((_accepted(scene, new), refusal(f"{_AREA}/set", refusals, scene.state)))


def _unclear(scene: Scene) -> Ruling:
    """Whatever the card answers, what the environment holds afterwards cannot be known."""
    desk = replace(scene.state.desk, components=(), known=False)
    outcome = scene.staying().outcomes[0]
    return Ruling((replace(outcome, then=staying(replace(scene.state, desk=desk))),))


def free(scene: Scene) -> bool:
    """Whether P2 is a number that the statement gives free in the DF that is current."""
    return is_free(scene.card.operations, scene.card.scratch, scene.state, scene.command.p2)


def is_free(
    table: OperationsTable | None, scratch: ScratchTable | None, state: State, number: int
) -> bool:
    """Whether the stored environment *number* of the current DF is the judge's to use."""
    if table is None or scratch is None or state.df.path != scratch.df:
        return False
    return f"{number:02X}" in table.stored


def _kept(scene: Scene) -> Ruling:
    table, state, command = scene.card.operations, scene.state, scene.command
    function = FUNCTIONS[command.p1]
    if table is None or function not in table.environment or command.data or not free(scene):
        return _unclear(scene)
    place = state.df, command.p2
    works, desk = state.works, state.desk
    if function == "store":
        if not desk.known or any(one.objects is None for one in desk.components):
            return _unclear(scene)
        stored = {**works.stored, place: desk.components}
        after = replace(state, works=replace(works, stored=stored))
        return Ruling((Outcome(f"{_AREA}/store", ACCEPTED, staying(after)),))
    held = works.stored.get(place)
    if held is None:
        rule = "restore-unknown" if function == "restore" else "erase-unknown"
        return Ruling((refusal(f"{_AREA}/{rule}", MISSING | words(0x6985, 0x6A86), state),))
    if function == "restore":
        after = replace(state, desk=replace(_disturbed(desk), components=held, known=True))
        return Ruling((Outcome(f"{_AREA}/restore", ACCEPTED, staying(after)),))
    left = {key: value for key, value in works.stored.items() if key != place}
    after = replace(state, works=replace(works, stored=left))
    return Ruling((Outcome(f"{_AREA}/erase", ACCEPTED, staying(after)),))


def _disturbed(desk: Desk) -> Desk:
    return replace(desk, disturbed=desk.hashed is not None)
