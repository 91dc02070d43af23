"""What a fault can take hold of: a sound card behind a puppeteer that changes what goes in and out.

A fault is a function of the puppet and one command. It may send the command on, send another one,
try something on a copy that is thrown away, or answer by itself; what it remembers it keeps in
`notes`. So a fault knows nothing of the inside of the card, and forty faults are forty short
functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from conformance.apdu import CommandAPDU, MalformedAPDU
from conformance.cards import Ability
from conformance.cards.embedded import EmbeddedCard

DEFAULT_PROFILE = "iso7816"
OK = b"\x90\x00"
INS_VERIFY, INS_SELECT = 0x20, 0xA4
INS_READ_BINARY, INS_READ_RECORD = 0xB0, 0xB2
INS_UPDATE_BINARY, INS_UPDATE_RECORD = 0xD6, 0xDC
PINS = {0x01: b"1234", 0x02: b"12345678", 0x81: b"123456"}
"""The reference data of the profile iso7816, published test values."""


SETTING = frozenset(
    map(bytes.fromhex, ("2400", "2401", "2500", "2501", "2C00", "2C02", "2D00", "2D02"))
)
"""INS and P1 of the commands at whose end a new value stands, which is as long as the old one."""


@dataclass
class Puppet:
    """A sound card on strings, and what the fault remembers."""

    card: EmbeddedCard
    notes: dict[str, Any] = field(default_factory=dict)
    values: dict[int, bytes] = field(default_factory=PINS.copy)
    """What each reference of the profile iso7816 is set to."""

    def send(self, raw: bytes) -> bytes:
        """What the sound card answers."""
        answer = self.card.transmit(raw)
        if answer == OK and raw[1:3] in SETTING and raw[3] in self.values:
            self.values[raw[3]] = CommandAPDU.decode(raw).data[-len(self.values[raw[3]]) :]
        return answer

    def trial(self, *commands: bytes) -> bytes:
        """What the sound card would answer to the last of *commands*; it never gets them."""
        copy = self.card.fork()
        answer = b""
        for raw in commands:
            answer = copy.transmit(raw)
        return answer

    def accepting_again(self, raw: bytes, refusal: bytes) -> bytes:
        """What the sound card answers; where that is *refusal*, what it last accepted is again."""
        answer = self.send(raw)
        if answer == OK:
            self.notes["accepted"] = raw
        return OK if answer == refusal and raw == self.notes.get("accepted") else answer

    def opened(self, raw: bytes) -> bytes:
        """What the sound card would answer with every PIN verified."""
        return self.trial(*map(self.verifying, PINS), raw)

    def verifying(self, number: int) -> bytes:
        """VERIFY with the value that the reference *number* has now."""
        return CommandAPDU(0x00, INS_VERIFY, 0x00, number, self.values[number]).encode()


Fault = Callable[[Puppet, CommandAPDU, bytes], bytes]
"""The puppet, the command decoded, and as it came; gives the answer."""
ResetFault = Callable[[Puppet], bytes]


def sound_reset(puppet: Puppet) -> bytes:
    """A reset as it should be."""
    return puppet.card.reset()


def forgetful_reset(puppet: Puppet) -> bytes:
    """A reset as it should be, over which the fault forgets what it remembers, too."""
    puppet.notes.clear()
    return puppet.card.reset()


def sound_answer(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """An answer as it should be."""
    return puppet.send(raw)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One faulty card: what is wrong, and the requirement that breaks."""

    name: str
    breaks: str
    text: str
    instructions: frozenset[int] = frozenset()
    """The commands the fault concerns; none means all."""
    answer: Fault = sound_answer
    reset: ResetFault = sound_reset
    risk: str | None = None
    """The risk level that the case needs which finds it, above the default one."""
    profile: str = DEFAULT_PROFILE
    """The sound card behind the fault."""

    @property
    def area(self) -> str:
        """The area of the suite that should find it."""
        return self.name.partition("/")[0]


MUTANTS: dict[str, Mutant] = {}
"""Every mutant by its name."""


def declare(mutant: Mutant) -> None:
    """Add *mutant* to the table."""
    assert mutant.name not in MUTANTS, mutant.name
    MUTANTS[mutant.name] = mutant


def fault(
    name: str,
    *instructions: int,
    breaks: str,
    risk: str | None = None,
    standard: str = "7816-4",
    profile: str = DEFAULT_PROFILE,
    reset: ResetFault = sound_reset,
) -> Callable[[Fault], Fault]:
    """Declare the decorated function as a faulty answer to *instructions*.

    *reset* is what a reset does in place of a sound one.
    """

    def add(answer: Fault) -> Fault:
        text = (answer.__doc__ or "").strip()
        chosen = frozenset(instructions)
        requirement = f"{standard}/{breaks}"
        declare(Mutant(name, requirement, text, chosen, answer, reset, risk, profile))
        return answer

    return add


class MutantCard:
    """A card of the simulator with one fault, for the judge to find."""

    reader = ""
    abilities = frozenset({Ability.FORK, Ability.TWIN})

    def __init__(self, mutant: Mutant, puppet: Puppet, known_as: bytes | None = None) -> None:
        self.mutant = mutant
        self.spec = f"mutant:{mutant.name}"
        self.known_as: bytes | None = known_as
        self._puppet = puppet

    @classmethod
    def of(cls, mutant: Mutant) -> MutantCard:
        """The card of the mutant's profile with its fault."""
        return cls(mutant, Puppet(EmbeddedCard.open(mutant.profile)))

    def connect(self) -> bytes:
        """Power on; the statement is still that of the sound card."""
        self.known_as = self._puppet.card.connect()
        return self.mutant.reset(self._puppet)

    def reset(self) -> bytes:
        """A reset, perhaps with the fault in it."""
        return self.mutant.reset(self._puppet)

    def transmit(self, command: bytes) -> bytes:
        """The answer, faulty where the mutant says so."""
        concerned = self.mutant.instructions
        if concerned and (len(command) < 2 or command[1] not in concerned):
            return self._puppet.send(command)
        try:
            decoded = CommandAPDU.decode(command)
        except MalformedAPDU:
            decoded = CommandAPDU(*command[:4].ljust(4, b"\0"))
        return self.mutant.answer(self._puppet, decoded, command)

    def fork(self) -> MutantCard:
        """A copy with the same fault and the same memories."""
        notes = {
            key: value.fork() if isinstance(value, EmbeddedCard) else value
            for key, value in self._puppet.notes.items()
        }
        return MutantCard(
            self.mutant,
            Puppet(self._puppet.card.fork(), notes, self._puppet.values.copy()),
            self.known_as,
        )

    def close(self) -> None:
        """Power off."""
        self._puppet.card.close()
