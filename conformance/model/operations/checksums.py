"""COMPUTE and VERIFY CRYPTOGRAPHIC CHECKSUM (ISO/IEC 7816-8:2021, 5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.crypto.blocks import BLOCK_SIZE
from conformance.crypto.mechanisms import checksum
from conformance.model.addressing import refusal
from conformance.model.desk import COMPUTES, VERIFIES
from conformance.model.exact import Exactly
from conformance.model.operations.choosing import FAILED, LENGTH, Choice, Scene, choose, done
from conformance.model.operations.signatures import Malformed, proven, with_proof
from conformance.model.outcome import Ruling, words
from conformance.model.state import Content

if TYPE_CHECKING:
    from conformance.layout import Key

PLAIN, CHECKSUM = 0x80, 0x8E
SHORTEST = 4
"""Bytes of a checksum that are worth comparing (ISO/IEC 7816-4:2020, 10.2.3)."""
_AREA = "7816-8/checksum"


def compute(scene: Scene) -> Ruling:
    """The checksum over the data field; a short Ne is the card's own affair."""
    choice = choose(scene, 0xB4, COMPUTES, "checksum")
    ruling = choice.ruling(scene)
    if ruling is not None or choice.key is None or not scene.command.data:
        return ruling or scene.staying()
    code = _code(scene, choice, choice.key, scene.command.data)
    if isinstance(code, Ruling):
        return code
    if not scene.room_for(len(code)):
        return scene.staying()
    rule = "initial-value" if choice.initial else "right"
    return done(f"{_AREA}/{rule}", choice, scene.state, Exactly(Content(code)))


def verify(scene: Scene) -> Ruling:
    """The checksum (8E) over the plain value (80)."""
    choice = choose(scene, 0xB4, VERIFIES, "checksum")
    try:
        given, code = with_proof(scene.command.data, (PLAIN,), CHECKSUM)
    except Malformed:
        return choice.or_malformed(
            scene, f"{_AREA}/malformed", LENGTH | words(0x6985, 0x6A87, 0x6A88)
        )
    ruling = choice.ruling(scene)
    if ruling is not None or choice.key is None or given is None:
        return ruling or scene.staying()
    right = _code(scene, choice, choice.key, given[1])
    if isinstance(right, Ruling):
        return right
    if not SHORTEST <= len(code) <= len(right):
        return Ruling((refusal(f"{_AREA}/too-short", FAILED | LENGTH, scene.state),))
    if len(code) < len(right) and right.startswith(code):
        return scene.staying() if not choice.key.tries else _shortened(scene, choice.key)
    return proven(scene, choice.key, _AREA, right=code == right)


def _shortened(scene: Scene, key: Key) -> Ruling:
    """The first bytes of the right one: a card may take them for right, or for wrong."""
    right, wrong = (proven(scene, key, _AREA, right=one) for one in (True, False))
    return Ruling((*right.outcomes, *wrong.outcomes, refusal("", LENGTH, scene.state)))


def _code(scene: Scene, choice: Choice, key: Key, message: bytes) -> bytes | Ruling:
    """The right checksum, or the ruling where there is none."""
    value, initial = scene.secret(key), choice.initial
    unusual = initial and (choice.mechanism == "cmac" or len(initial) != BLOCK_SIZE[key.algorithm])
    if value is None or unusual:
        return scene.staying()
    try:
        return checksum(choice.mechanism, key.algorithm, value, message, initial)
    except ValueError:
        return Ruling((refusal(f"{_AREA}/length", LENGTH, scene.state),))
