"""COMPUTE and VERIFY DIGITAL SIGNATURE (ISO/IEC 7816-8:2021, 5.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.crypto.mechanisms import (
    HASHES,
    PKCS1_OVERHEAD,
    Public,
    hash_function,
    signature_is_right,
    signed,
)
from conformance.model.addressing import refusal, staying
from conformance.model.desk import COMPUTES, VERIFIES
from conformance.model.operations.choosing import (
    ACCEPTED,
    FAILED,
    LENGTH,
    Choice,
    Scene,
    choose,
)
from conformance.model.outcome import Length, Outcome, Ruling, Suspect, words
from conformance.model.verification import tries_left
from conformance.tlv import MalformedTLV, find, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.apdu import ResponseAPDU
    from conformance.layout import Key
    from conformance.model.state import State

HASH, MESSAGE, VALUES, TEMPLATE, SIGNATURE = 0x90, 0x9A, 0xAC, 0xBC, 0x9E
INPUTS = (HASH, MESSAGE, VALUES, TEMPLATE)
NOTHING = words(0x6985, 0x6A88, 0x6700, 0x6A80)
_AREA = "7816-8/signature"


class Malformed(ValueError):
    """The data field is not what the operation takes."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature over *hashed* by the owner of *public*, and its first half is a new one."""

    mechanism: str
    public: Public
    hashed: bytes
    nonces: Mapping[bytes, bytes]

    def fault(self, data: bytes) -> str | None:
        """Whether it verifies, and what is random about it does not repeat for anything else."""
        if not signature_is_right(self.mechanism, self.public, self.hashed, data):
            return f"{_AREA}/right"
        return None if self.nonces.get(data[:32], self.hashed) == self.hashed else f"{_AREA}/fresh"

    def __str__(self) -> str:
        return f"a signature of {self.public.size} bytes that verifies"


def compute(scene: Scene) -> Ruling:
    """The signature over the data field, or over what HASH has left."""
    choice = choose(scene, 0xB6, COMPUTES, "sign")
    ruling = choice.ruling(scene)
    if ruling is not None or choice.key is None:
        return ruling or scene.staying()
    given = (scene.command.p2, scene.command.data) if scene.command.data else None
    hashed = _hashed(scene, choice, given)
    if not isinstance(hashed, bytes):
        return hashed
    key, public = choice.key, scene.public(choice.key)
    size = public.size if public else 64
    if not scene.room_for(size):
        return scene.staying()
    desk = replace(scene.state.desk, hashed=None, disturbed=False) if given is None else None
    after = replace(scene.state, desk=desk) if desk is not None else scene.state
    if public is None:
        return Ruling((Outcome(f"{_AREA}/right", ACCEPTED, staying(after), Length(1, 512)),))
    nonces = scene.state.works.nonces
    rule = Signature(choice.mechanism, public, hashed, nonces)

    def signed_by(response: ResponseAPDU) -> State:
        if key.algorithm == "RSA":
            return after
        works = replace(after.works, nonces={**nonces, response.data[:32]: hashed})
        return replace(after, works=works)

    outcome = Outcome(f"{_AREA}/right", ACCEPTED, signed_by, rule)
    return Ruling((outcome,), choice.suspects)


def verify(scene: Scene) -> Ruling:
    """The signature (9E) over what stands beside it, or over what HASH has left."""
    choice = choose(scene, 0xB6, VERIFIES, "verify")
    try:
        given, signature = with_proof(scene.command.data, INPUTS, SIGNATURE)
    except Malformed:
        return choice.or_malformed(scene, f"{_AREA}/malformed", NOTHING | words(0x6A87))
    ruling = choice.ruling(scene)
    if ruling is not None or choice.key is None:
        return ruling or scene.staying()
    public = scene.public(choice.key)
    if given is None or public is None:
        return scene.staying()
    hashed = _hashed(scene, choice, given)
    if not isinstance(hashed, bytes):
        return hashed
    right = signature_is_right(choice.mechanism, public, hashed, signature)
    return proven(scene, choice.key, _AREA, right=right)


def proven(scene: Scene, key: Key, area: str, *, right: bool) -> Ruling:
    """What VERIFY of a signature or checksum answers; a wrong one costs a try where they count."""
    state = scene.state
    if right:
        after = state.with_tries(key.proof, key.tries) if key.tries else state
        return Ruling((Outcome(f"{area}/verify-right", ACCEPTED, staying(after)),))
    if not key.tries:
        return Ruling((refusal(f"{area}/verify-wrong", FAILED, state),))
    left = scene.tries(key) - 1
    counted = staying(state.with_tries(key.proof, left))
    allowed = tries_left(left) | (words(0x6983) if not left else words())
    outcome = Outcome("7816-8/operation/counts", allowed, counted)
    return Ruling((outcome,), (Suspect(f"{area}/verify-wrong", ACCEPTED),))


def with_proof(
    data: bytes, inputs: tuple[int, ...], proof: int
) -> tuple[tuple[int, bytes] | None, bytes]:
    """The one data object to be verified and its proof; Malformed for any other data field."""
    try:
        objects = parse(data, b"")
    except MalformedTLV as error:
        raise Malformed from error
    value = find(objects, proof)
    rest = [one for one in objects if one.tag != proof]
    if value is None or len(objects) - len(rest) != 1 or len(rest) > 1:
        raise Malformed
    if any(one.tag not in inputs for one in rest):
        raise Malformed
    return ((rest[0].tag, rest[0].value) if rest else None), value


def _hashed(scene: Scene, choice: Choice, given: tuple[int, bytes] | None) -> bytes | Ruling:
    """What is signed, or the ruling where there is nothing or it has a wrong length."""
    key = choice.key
    assert key is not None
    public = scene.public(key)
    if given is None:
        hashed = _left_by_hash(scene, choice)
        if not isinstance(hashed, bytes):
            return hashed
    elif given[0] == HASH:
        hashed = given[1]
    else:
        message = _message(given)
        if message is None:
            return scene.staying()
        if message[0]:
            hashed = message[1]
        elif public is None:
            name = hash_function(choice.mechanism)
            return bytes(HASHES[name]) if name else scene.staying()
        else:
            hashed = signed(choice.mechanism, public, message[1])
    return _checked(scene, choice, public, hashed)


def _message(given: tuple[int, bytes]) -> tuple[bool, bytes] | None:
    """Whether it is a hash code already, and the bytes; None when it cannot be read."""
    tag, value = given
    if tag in {MESSAGE, TEMPLATE}:
        return False, value
    try:
        objects = parse(value, b"")
    except MalformedTLV:
        return None
    if [one.tag for one in objects] == [HASH]:
        return True, objects[0].value
    return False, b"".join(one.value for one in objects)


def _checked(scene: Scene, choice: Choice, public: Public | None, hashed: bytes) -> bytes | Ruling:
    name, wrong = hash_function(choice.mechanism), False
    if name:
        wrong = len(hashed) != HASHES[name]
    elif choice.mechanism == "sm2":
        wrong = len(hashed) != HASHES["SM3"]
    elif choice.mechanism == "pkcs1":
        wrong = public is not None and not 0 < len(hashed) <= public.size - PKCS1_OVERHEAD
    elif len(hashed) not in HASHES.values():
        return scene.staying()
    if wrong:
        allowed = LENGTH | words(0x6985, 0x6A87)
        return Ruling((refusal(f"{_AREA}/wrong-length", allowed, scene.state),))
    return hashed


def _left_by_hash(scene: Scene, choice: Choice) -> bytes | Ruling:
    """What HASH has left; a card may forget it when something else came between."""
    state = scene.state
    hashed, name = state.desk.hashed, hash_function(choice.mechanism)
    if hashed is None:
        return Ruling((refusal(f"{_AREA}/nothing-to-sign", NOTHING, state),))
    if state.desk.disturbed or hashed.df is not state.df or name not in {"", hashed.function}:
        return scene.staying()
    return hashed.code
