"""HASH (ISO/IEC 7816-8:2021, 5.3): of a message, of its parts, or of its end."""

from __future__ import annotations

from dataclasses import replace

from conformance.crypto.digests import digest
from conformance.crypto.mechanisms import HASHES
from conformance.crypto.rounds import finished
from conformance.model.addressing import refusal, staying
from conformance.model.desk import Hashed
from conformance.model.exact import Exactly
from conformance.model.operations.choosing import ACCEPTED, LENGTH, Scene, hash_chosen
from conformance.model.outcome import NO_DATA, Outcome, Ruling, words
from conformance.model.state import Content
from conformance.tlv import MalformedTLV, parse

PART, STATE = 0x80, 0x90
_AREA = "7816-8/hash"
MALFORMED = LENGTH | words(0x6985, 0x6A87)


def hash_value(scene: Scene) -> Ruling:
    """The data field is the message."""
    name = hash_chosen(scene)
    if isinstance(name, Ruling):
        return name
    return _answer(scene, "whole", name, digest(name, scene.command.data))


def hash_template(scene: Scene) -> Ruling:
    """80 once or more: the message in parts; 90 before it: an intermediate state, or a hash code.

    An empty 90 says that there is no such state.
    """
    name = hash_chosen(scene)
    if isinstance(name, Ruling):
        return name
    try:
        objects = list(parse(scene.command.data, b""))
    except MalformedTLV:
        return Ruling((refusal(f"{_AREA}/malformed", MALFORMED, scene.state),))
    start = objects.pop(0).value if objects and objects[0].tag == STATE else b""
    if start and not objects:
        if len(start) == HASHES[name]:
            return _answer(scene, "of-terminal", name, start)
        return Ruling((refusal(f"{_AREA}/bad-state", MALFORMED, scene.state),))
    if not objects or any(one.tag != PART for one in objects):
        return Ruling((refusal(f"{_AREA}/malformed", MALFORMED, scene.state),))
    message = b"".join(one.value for one in objects)
    if not start:
        return _answer(scene, "parts", name, digest(name, message))
    try:
        code = finished(name, start, message)
    except ValueError:
        return Ruling((refusal(f"{_AREA}/bad-state", MALFORMED, scene.state),))
    return scene.staying() if code is None else _answer(scene, "last-round", name, code)


def _answer(scene: Scene, rule: str, name: str, code: bytes) -> Ruling:
    """The hash code for a command that asks for one; else it is kept for the next signature."""
    requirement, state = f"{_AREA}/{rule}", scene.state
    if scene.command.ne is None:
        hashed = Hashed(name, code, state.df)
        after = replace(state, desk=replace(state.desk, hashed=hashed, disturbed=False))
        return Ruling((Outcome(requirement, ACCEPTED, staying(after), NO_DATA),))
    if not scene.room_for(len(code)):
        return scene.staying()
    return Ruling((Outcome(requirement, ACCEPTED, staying(state), Exactly(Content(code))),))
