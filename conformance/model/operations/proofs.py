"""INTERNAL and EXTERNAL AUTHENTICATE with declared keys, GET CHALLENGE for them.

ISO/IEC 7816-4:2020, 11.6.2 to 11.6.5. A challenge serves one proof, whatever comes of it; a right
proof grants what hangs on the key and gives its tries back, a wrong one costs a try.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.crypto.blocks import BLOCK_SIZE, encrypt_ecb
from conformance.crypto.mechanisms import Public, proves
from conformance.model import transmission
from conformance.model.addressing import refusal, staying
from conformance.model.desk import COMPUTES, VERIFIES
from conformance.model.exact import Exactly
from conformance.model.operations.choosing import (
    ACCEPTED,
    FAILED,
    LENGTH,
    MISSING,
    Scene,
    admitted,
    reference,
)
from conformance.model.outcome import Outcome, Ruling, Suspect, words
from conformance.model.state import Content
from conformance.model.verification import ANY_TRIES, BLOCKED, tries_left

if TYPE_CHECKING:
    from conformance.apdu import ResponseAPDU
    from conformance.layout import Key
    from conformance.model.outcome import Then
    from conformance.model.state import State

ACTIVE_CHALLENGE = 8
NOT_NOW = words(0x6985, 0x6A88)
_AREA = "7816-4/authentication"


@dataclass(frozen=True, slots=True)
class Proof:
    """What the owner of *public* makes of *challenge*."""

    mechanism: str
    public: Public
    challenge: bytes

    def fault(self, data: bytes) -> str | None:
        """Whether it proves the key."""
        return None if proves(self.mechanism, self.public, self.challenge, data) else ""

    def __str__(self) -> str:
        return f"a proof of {self.public.size} bytes"


def challenge(scene: Scene) -> Ruling:
    """GET CHALLENGE as always; what comes is what the next proof is over."""
    ruling = transmission.get_challenge(scene.card, scene.state, scene.command)

    def remembering(then: Then) -> Then:
        def remember(response: ResponseAPDU) -> State:
            after = then(response)
            if response.sw != 0x9000 or not response.data:
                return after
            desk = replace(after.desk, challenge=response.data, spent=False)
            return replace(after, desk=desk)

        return remember

    outcomes = tuple(replace(one, then=remembering(one.then)) for one in ruling.outcomes)
    return replace(ruling, outcomes=outcomes)


def _key(scene: Scene, side: int, usage: str) -> Key | Ruling:
    """The key that P2 names, or with P2 00 the environment, or the only one for the purpose."""
    number: int | None = scene.command.p2
    layout, state = scene.card.layout, scene.state
    if not number:
        try:
            number = reference(scene, 0xA4, side)
        except LookupError:
            return scene.staying()
    if number is None:
        lineage = tuple(state.df.lineage())
        near = [key for key in layout.keys if usage in key.usage and key.df in lineage]
        return near[0] if len(near) == 1 else scene.staying()
    key = layout.key_at(state.df, number)
    if key is None:
        allowed = MISSING | words(0x6985, 0x6A86)
        return Ruling((refusal(f"{_AREA}/unknown-key", allowed, state),))
    return key


def internal(scene: Scene) -> Ruling:
    """The card proves a key over the challenge in the data field."""
    command, state = scene.command, scene.state
    if command.p1 or not command.data:
        return scene.staying()
    key = _key(scene, COMPUTES, "internal")
    if isinstance(key, Ruling):
        return key
    refusals = admitted(scene, key, "internal")
    if refusals:
        return Ruling(refusals)
    mechanism, public = key.implied.get(0xA4, ""), scene.public(key)
    requirement = f"{_AREA}/internal"
    if mechanism == "ecb":
        value, size = scene.secret(key), BLOCK_SIZE[key.algorithm]
        if len(command.data) % size:
            return Ruling((refusal(f"{_AREA}/internal-length", LENGTH, state),))
        if value is None or not scene.room_for(len(command.data)):
            return scene.staying()
        code = encrypt_ecb(key.algorithm, value, command.data)
        rule = Exactly(Content(code))
        return Ruling((Outcome(requirement, ACCEPTED, staying(state), rule),))
    if not mechanism or public is None or not scene.room_for(public.size):
        return scene.staying()
    if mechanism.startswith("9796-2") and len(command.data) != ACTIVE_CHALLENGE:
        return Ruling((refusal(f"{_AREA}/internal-length", LENGTH, state),))
    proof = Proof(mechanism, public, command.data)
    return Ruling((Outcome(requirement, ACCEPTED, staying(state), proof),))


def external(scene: Scene) -> Ruling:
    """The terminal proves a key over the card's last challenge: the challenge enciphered."""
    command, state = scene.command, scene.state
    if command.p1 or command.ne is not None:
        return scene.staying()
    key = _key(scene, VERIFIES, "external")
    if isinstance(key, Ruling):
        return key
    refusals = admitted(scene, key, "external")
    if not command.data:
        return _query(scene, key) if "external" in key.usage else Ruling(refusals)
    gone = replace(state, desk=replace(state.desk, challenge=b"", spent=True))
    if not state.desk.challenge:
        rule = "challenge-once" if state.desk.spent else "no-challenge"
        none = refusal(f"{_AREA}/{rule}", NOT_NOW, state)
        return Ruling((none, *refusals))
    if refusals:
        after = tuple(replace(one, then=staying(gone)) for one in refusals)
        return Ruling((*refusals, *after))
    value, size = scene.secret(key), BLOCK_SIZE[key.algorithm]
    if value is None:
        return scene.staying()
    asked = state.desk.challenge
    if len(command.data) != len(asked) or len(asked) % size:
        allowed = LENGTH | words(0x6985)
        kept = refusal(f"{_AREA}/external-length", allowed, state)
        return Ruling((kept, replace(kept, then=staying(gone))))
    right = command.data == encrypt_ecb(key.algorithm, value, asked)
    ruling = _proven(gone, key) if right else _failed(scene, gone, key)
    if len(asked) == size:
        return ruling
    # ISO/IEC 7816-4 leaves it to the card whether a challenge may have several blocks.
    unserved = refusal(f"{_AREA}/external-length", LENGTH, state)
    either = (unserved, replace(unserved, then=staying(gone)))
    return replace(ruling, outcomes=(*ruling.outcomes, *either))


def _proven(gone: State, key: Key) -> Ruling:
    after = replace(gone, verified=gone.verified | {key.proof})
    if key.tries:
        after = after.with_tries(key.proof, key.tries)
    outcome = Outcome(f"{_AREA}/external-right", ACCEPTED, staying(after))
    return Ruling((outcome,), (Suspect(f"{_AREA}/external-right", words(0x6982)),))


def _failed(scene: Scene, gone: State, key: Key) -> Ruling:
    """A try less where they count; what an earlier proof granted may be lost or not."""
    closed = replace(gone, verified=gone.verified - {key.proof})
    accepted = (Suspect(f"{_AREA}/external-wrong", ACCEPTED),)
    if not key.tries:
        allowed, requirement, left = FAILED, f"{_AREA}/external-wrong", 0
    else:
        left = scene.tries(key) - 1
        allowed = tries_left(left) | (words(0x6983) if not left else words())
        requirement = f"{_AREA}/external-counts"
    choice = scene.card.choices.status_after_failure
    was = key.proof in gone.verified
    ends = []
    if not was or choice != "kept":
        ends.append(closed)
    if was and choice != "lost":
        ends.append(gone)
    if key.tries:
        ends = [one.with_tries(key.proof, left) for one in ends]
    return Ruling(tuple(Outcome(requirement, allowed, staying(one)) for one in ends), accepted)


def _query(scene: Scene, key: Key) -> Ruling:
    """Without a data field: the tries left; nothing is spent."""
    requirement = f"{_AREA}/query"
    if key.proof in scene.state.verified:
        return Ruling((Outcome(requirement, ACCEPTED | ANY_TRIES, staying(scene.state)),))
    left = scene.tries(key)
    allowed = words(0x6300) if not key.tries else tries_left(left) if left else BLOCKED
    unserved = LENGTH | words(0x6985)
    outcomes = refusal(requirement, allowed, scene.state), refusal("", unserved, scene.state)
    return Ruling(outcomes, (Suspect(f"{_AREA}/query", ACCEPTED),))
