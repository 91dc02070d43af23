"""ENCIPHER and DECIPHER (ISO/IEC 7816-8:2021, 5.3).

Data object 86 begins with a padding indicator (ISO/IEC 7816-4:2020, table 50): 01 says that the
message was padded with 80 00 .., 02 that it was not, 00 leaves it to the algorithm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.crypto.blocks import BLOCK_SIZE
from conformance.crypto.mechanisms import (
    PKCS1_OVERHEAD,
    SM2_OVERHEAD,
    Public,
    deciphered,
    enciphered,
)
from conformance.model.addressing import refusal
from conformance.model.desk import COMPUTES, VERIFIES
from conformance.model.exact import Exactly
from conformance.model.operations.choosing import ACCEPTED, LENGTH, Choice, Scene, choose, done
from conformance.model.outcome import Length, Outcome, Ruling, words
from conformance.model.state import Content

if TYPE_CHECKING:
    from conformance.apdu import ResponseAPDU
    from conformance.layout import Key
    from conformance.model.state import State

INDICATED = 0x86
NO_MESSAGE = words(0x6A80, 0x6988, 0x6985, 0x6300)
_AREA = "7816-8/cipher"
_INDICATORS = {"2": b"\x01", "none": b"\x02"}


@dataclass(frozen=True, slots=True)
class Fresh:
    """A cryptogram of *length* bytes behind its indicator that did not come before."""

    indicators: tuple[bytes, ...]
    length: int
    before: frozenset[bytes]

    def fault(self, data: bytes) -> str | None:
        """The form first, then the repetition."""
        for indicator in self.indicators:
            cryptogram = data[len(indicator) :]
            if data.startswith(indicator) and len(cryptogram) == self.length:
                return f"{_AREA}/fresh" if cryptogram in self.before else None
        return f"{_AREA}/asymmetric-length"

    def __str__(self) -> str:
        return f"a fresh cryptogram of {self.length} bytes"


@dataclass(frozen=True, slots=True)
class Cryptogram:
    """Exactly these bytes behind one of the indicators."""

    indicators: tuple[bytes, ...]
    value: bytes

    def fault(self, data: bytes) -> str | None:
        """Every byte must be right."""
        return None if any(data == one + self.value for one in self.indicators) else ""

    def __str__(self) -> str:
        return (self.indicators[0] + self.value).hex().upper()


def encipher(scene: Scene) -> Ruling:
    """The cryptogram of the data field under the key that is set for encipherment."""
    choice = choose(scene, 0xB8, VERIFIES, "encipher")
    ruling = choice.ruling(scene)
    if ruling is not None or choice.key is None or not scene.command.data:
        return ruling or scene.staying()
    indicated = scene.command.p1 == INDICATED
    way = choice.mechanism.partition("/")[2]
    indicators = tuple({_INDICATORS.get(way, b"\x00"): 1, b"\x00": 1}) if indicated else (b"",)
    public = scene.public(choice.key)
    if choice.mechanism in {"pkcs1", "sm2"}:
        return scene.staying() if public is None else _for(scene, choice, public, indicators)
    value, initial = scene.secret(choice.key), choice.initial
    size = BLOCK_SIZE[choice.key.algorithm]
    if value is None or len(initial) not in {0, size} or (initial and choice.mechanism[0] == "e"):
        return scene.staying()
    try:
        cryptogram = enciphered(
            choice.mechanism, choice.key.algorithm, value, scene.command.data, initial
        )
    except ValueError:
        return Ruling((refusal(f"{_AREA}/length", LENGTH, scene.state),))
    if not scene.room_for(len(cryptogram) + indicated):
        return scene.staying()
    rule = "initial-value" if initial else "encipher"
    return done(f"{_AREA}/{rule}", choice, scene.state, Cryptogram(indicators, cryptogram))


def _for(scene: Scene, choice: Choice, public: Public, indicators: tuple[bytes, ...]) -> Ruling:
    """Under a public key: the judge cannot open it, but the card has to, later."""
    message, state = scene.command.data, scene.state
    rsa = public.algorithm == "RSA"
    if rsa and len(message) > public.size - PKCS1_OVERHEAD:
        return Ruling((refusal(f"{_AREA}/length", LENGTH, state),))
    length = public.size if rsa else len(message) + SM2_OVERHEAD
    known = state.works.cryptograms
    if not scene.room_for(length + len(indicators[0])):
        return scene.staying()

    def remember(response: ResponseAPDU) -> State:
        made = {**known, (public.value, response.data[-length:]): message}
        return replace(state, works=replace(state.works, cryptograms=made))

    before = frozenset(cryptogram for value, cryptogram in known if value == public.value)
    rule = Fresh(indicators, length, before)
    outcome = Outcome(f"{_AREA}/asymmetric-length", ACCEPTED, remember, rule)
    return Ruling((outcome,), choice.suspects)


def decipher(scene: Scene) -> Ruling:
    """The message in the cryptogram of the data field."""
    choice = choose(scene, 0xB8, COMPUTES, "decipher")
    ruling = choice.ruling(scene)
    if ruling is not None or choice.key is None or not scene.command.data:
        return ruling or scene.staying()
    key, data = choice.key, scene.command.data
    asymmetric = choice.mechanism in {"pkcs1", "sm2"}
    if scene.command.p2 == INDICATED:
        indicator, data = data[:1], data[1:]
        ways = {} if asymmetric else {mark: way for way, mark in _INDICATORS.items()}
        if indicator != b"\x00" and indicator not in ways:
            allowed = LENGTH | words(0x6985, 0x6988, 0x6A81)
            return Ruling((refusal(f"{_AREA}/indicator", allowed, scene.state),))
        if indicator in ways:
            mode = choice.mechanism.partition("/")[0]
            choice = replace(choice, mechanism=f"{mode}/{ways[indicator]}")
    if asymmetric:
        return _opened(scene, choice, key, data)
    return _with_secret(scene, choice, key, data)


def _with_secret(scene: Scene, choice: Choice, key: Key, data: bytes) -> Ruling:
    value, initial, size = scene.secret(key), choice.initial, BLOCK_SIZE[key.algorithm]
    if value is None or len(initial) not in {0, size} or (initial and choice.mechanism[0] == "e"):
        return scene.staying()
    if not data or len(data) % size:
        return Ruling((refusal(f"{_AREA}/length", LENGTH, scene.state),))
    try:
        message = deciphered(choice.mechanism, key.algorithm, value, data, initial)
    except ValueError:
        return Ruling((refusal(f"{_AREA}/bad-padding", NO_MESSAGE, scene.state),))
    if not scene.room_for(len(message)):
        return scene.staying()
    return done(f"{_AREA}/decipher", choice, scene.state, Exactly(Content(message)))


def _opened(scene: Scene, choice: Choice, key: Key, data: bytes) -> Ruling:
    """With a private key that stays on the card: what it enciphered itself has to come back."""
    public, state = scene.public(key), scene.state
    if public is None:
        return scene.staying()
    message = state.works.cryptograms.get((public.value, data))
    if message is not None:
        if not scene.room_for(len(message)):
            return scene.staying()
        return done(f"{_AREA}/round-trip", choice, state, Exactly(Content(message)))
    rsa = public.algorithm == "RSA"
    if (rsa and len(data) != public.size) or (not rsa and len(data) <= SM2_OVERHEAD):
        return Ruling((refusal(f"{_AREA}/length", LENGTH, state),))
    damaged = refusal(f"{_AREA}/damaged", NO_MESSAGE, state)
    if rsa and data >= public.value:
        return Ruling((damaged,))
    by_terminal = Outcome(f"{_AREA}/for-card", ACCEPTED, lambda _answer: state, Length(0, 256))
    return Ruling((by_terminal, damaged))
