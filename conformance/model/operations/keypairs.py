"""GENERATE ASYMMETRIC KEY PAIR (ISO/IEC 7816-8:2021, 5.2): a new pair, or its public half."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.model.addressing import WRONG_P1_P2, refusal
from conformance.model.desk import COMPUTES
from conformance.model.operations.choosing import (
    ACCEPTED,
    CLOSED,
    KEY_TAGS,
    MISSING,
    NO_ALGORITHM,
    NOT_CHOSEN,
    Scene,
    reference,
)
from conformance.model.outcome import NO_DATA, Outcome, Ruling, words
from conformance.operations import TEMPLATES
from conformance.tlv import MalformedTLV, find, parse

if TYPE_CHECKING:
    from conformance.apdu import ResponseAPDU
    from conformance.layout import Key
    from conformance.model.state import State

GENERATE, READ, SILENTLY = 0x80, 0x81, 0x84
PUBLIC_KEY, MODULUS, EXPONENT, POINT = 0x7F49, 0x81, 0x82, 0x86
_AREA = "7816-8/keypair"


def public_in(algorithm: str, data: bytes) -> tuple[bytes, int] | None:
    """Modulus and exponent, or the point and 0, in the template 7F49; None when it is no such."""
    try:
        template = find(parse(data, b""), PUBLIC_KEY)
        inner = parse(template, b"") if template is not None else ()
    except MalformedTLV:
        return None
    if algorithm == "RSA":
        modulus, exponent = find(inner, MODULUS), find(inner, EXPONENT)
        if modulus is None or exponent is None:
            return None
        return modulus.lstrip(b"\x00"), int.from_bytes(exponent, "big")
    point = find(inner, POINT)
    return None if point is None or len(point) != 65 or point[0] != 0x04 else (point, 0)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public key template of *key*: the value *right*, or any but *other*."""

    key: Key
    right: bytes
    other: bytes = b""

    def fault(self, data: bytes) -> str | None:
        """The form first, then the value."""
        found = public_in(self.key.algorithm, data)
        if found is None:
            return ""
        if self.other and found[0] == self.other:
            return f"{_AREA}/fresh"
        right = not self.right or found[0] == self.right
        return None if right and found[1] in {0, self.key.exponent} else ""

    def __str__(self) -> str:
        return "the public key" if self.right else "a public key"


def generate(scene: Scene) -> Ruling:
    """P1 81 reads the public key, 80 generates and answers it, 84 generates without an answer."""
    command, state = scene.command, scene.state
    if command.p2:
        return Ruling((refusal(f"{_AREA}/reserved-parameters", WRONG_P1_P2, state),))
    if command.p1 not in {GENERATE, READ, SILENTLY}:
        return scene.staying()
    number = number_meant(scene)
    if isinstance(number, Ruling):
        return number
    key = scene.card.layout.key_at(state.df, number)
    if key is None:
        return Ruling((refusal(f"{_AREA}/unknown-key", MISSING, state),))
    right = key.access if command.p1 == READ else key.generate
    if not right.met(state.verified | state.disabled):
        rule = "operation/access-refused" if command.p1 == READ else "keypair/generate-protected"
        return Ruling((refusal(f"7816-8/{rule}", CLOSED, state),))
    if key.algorithm not in {"RSA", "P-256", "SM2"}:
        return Ruling((refusal(f"{_AREA}/symmetric", NO_ALGORITHM | MISSING, state),))
    return _read(scene, key) if command.p1 == READ else _generated(scene, key)


def number_meant(scene: Scene) -> int | Ruling:
    """The key that the template in the data field names, else the one that is set to sign."""
    state = scene.state
    if not scene.command.data:
        try:
            found = reference(scene, 0xB6, COMPUTES)
        except LookupError:
            return scene.staying()
        if found is None:
            return Ruling((refusal("7816-8/operation/no-key", NOT_CHOSEN, state),))
        return found
    malformed = refusal(f"{_AREA}/malformed", words(0x6A80, 0x6A88, 0x6A87, 0x6700), state)
    try:
        (template,) = parse(scene.command.data, b"")
        inner = template.children if template.tag in TEMPLATES else ()
    except (MalformedTLV, ValueError):
        return Ruling((malformed,))
    values = [one.value for one in inner if one.tag in KEY_TAGS]
    if len(values) != 1 or len(values[0]) != 1:
        return Ruling((malformed,))
    return values[0][0]


def _learning(state: State, key: Key) -> Outcome:
    def learn(response: ResponseAPDU) -> State:
        found = public_in(key.algorithm, response.data)
        publics = {**state.works.publics, key: found[0] if found else b""}
        return replace(state, works=replace(state.works, publics=publics))

    return Outcome("", ACCEPTED, learn)


def _read(scene: Scene, key: Key) -> Ruling:
    value = scene.state.works.public_of(key)
    if not scene.room_for(len(value) + 16 if value else 0x100):
        return scene.staying()
    requirement = f"{_AREA}/{'generated' if key in scene.state.works.publics else 'public-key'}"
    outcome = replace(
        _learning(scene.state, key), requirement=requirement, data=PublicKey(key, value)
    )
    return Ruling((outcome,))


def _generated(scene: Scene, key: Key) -> Ruling:
    """The new pair takes the place of the old one."""
    before = scene.state.works.public_of(key)
    requirement = f"{_AREA}/generates"
    outcome = replace(_learning(scene.state, key), requirement=requirement)
    if scene.command.p1 == SILENTLY:
        return Ruling((replace(outcome, data=NO_DATA),))
    if not scene.room_for(0x100):
        return scene.staying()
    return Ruling((replace(outcome, data=PublicKey(key, b"", before)),))
