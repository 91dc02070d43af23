"""One history on one card: every command passes the guard, every answer the laws and the model."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU, ResponseAPDU
from conformance.case import Unmet
from conformance.evidence import command_name
from conformance.laws import broken_law
from conformance.model import Departure

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.cards import CardUnderTest
    from conformance.model import Model

RESET_ANSWER = "7816-3/atr/same-after-reset"
SHOWN = re.compile(r"\{[^}]*\}|..")
LONGEST_SHOWN = 16
"""Bytes of an answer that are told in a line."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a history: a command, or a reset when `command` is None."""

    command: bytes | None
    response: bytes = b""
    expect: tuple[str, tuple[int, ...]] | None = None
    """A narrower answer that the case asks for: the requirement and the status words."""
    wholly: bool = False
    """Whether that requirement is to blame too for data that the model does not allow."""


class Grounds(Enum):
    """What the model says of an answer that a case does not expect."""

    FORBIDDEN = "no rule allows the answer"
    ALLOWED = "a rule allows the answer as well as what is expected"
    UNJUDGED = "no rule knows the command"
    UNEXPECTED = "every rule forbids what is expected"


class Violation(AssertionError):
    """The card broke *requirement* with the last answer of *history*."""

    grounds = Grounds.FORBIDDEN

    def __init__(
        self,
        requirement: str,
        message: str,
        allowed: Collection[str],
        history: tuple[Step, ...],
        *,
        replayable: bool = True,
    ) -> None:
        super().__init__(f"{requirement}: {message}")
        self.replayable = replayable
        self.requirement = requirement
        self.message = message
        self.allowed = tuple(allowed)
        self.history = history


class Terminal:
    """Sends commands to one card and judges each answer; made by `Bench.begin`."""

    def __init__(self, bench: Bench, card: CardUnderTest, model: Model) -> None:
        self.bench = bench
        self.model = model
        self.statement = bench.statement
        self.layout = bench.statement.layout
        self.keys = bench.keys
        self.met: set[str] = set()
        self.broken = False
        """Whether an answer was wrong: from then on the model may not know the card any more."""
        self._card = card
        self._history: list[Step] = []

    @property
    def history(self) -> tuple[Step, ...]:
        """What was sent and answered so far."""
        return tuple(self._history)

    def send(
        self,
        command: CommandAPDU | bytes,
        *,
        expect: int | Collection[int] | None = None,
        because: str = "",
        wholly: bool = False,
    ) -> ResponseAPDU:
        """Send *command*; Violation unless the answer keeps the laws and the model allows it.

        *expect* narrows the answer to one or several status words, on behalf of the requirement
        *because*; with *wholly* that requirement is to blame for wrong data, too.
        """
        raw = command if isinstance(command, bytes) else command.encode()
        narrowed = None
        if expect is not None:
            words = (expect,) if isinstance(expect, int) else tuple(expect)
            narrowed = (because, words)
        return self.play(Step(raw, expect=narrowed, wholly=wholly))

    def play(self, step: Step) -> ResponseAPDU:
        """Send the command of *step* and judge the answer by its expectation too."""
        assert step.command is not None
        raw = step.command
        self.bench.guard.admit(raw, self.model)
        self.model.sent.update(raw[1:2])
        answer = self.bench.exchange(self._card, raw)
        self._history.append(Step(raw, answer, step.expect, step.wholly))
        broken = broken_law(raw, answer)
        if broken is not None:
            raise self._violation(broken[0], broken[1], ())
        response = ResponseAPDU.decode(answer)
        if step.expect is not None and response.sw not in step.expect[1]:
            requirement, words = step.expect
            allowed = [f"{word:04X}" for word in words]
            violation = self._violation(requirement, self._answered(raw, answer), allowed)
            violation.grounds = self._grounds(raw, words, response)
            raise violation
        try:
            self.met |= self.model.observe(raw, response)
        except Departure as departure:
            requirement = departure.requirement
            if step.wholly and step.expect is not None:
                requirement = step.expect[0]
            message = self._answered(raw, answer)
            raise self._violation(requirement, message, departure.allowed) from None
        return response

    def carry(self, raw: bytes) -> ResponseAPDU:
        """Send *raw*, which the model cannot read, and judge the answer by the laws alone."""
        self.bench.guard.admit(raw, self.model)
        answer = self.bench.exchange(self._card, raw)
        self._history.append(Step(raw, answer))
        broken = broken_law(raw, answer)
        if broken is not None:
            raise Unmet(*broken)
        return ResponseAPDU.decode(answer)

    def reset(self) -> bytes:
        """Reset the card: the same ATR again, the MF selected, nothing verified."""
        atr = self.bench.start_anew(self._card)
        self._history.append(Step(None, atr))
        self.model.reset()
        if atr != self.bench.atr:
            message = f"a reset answered {atr.hex().upper()}"
            raise self._violation(RESET_ANSWER, message, (self.bench.atr.hex().upper(),))
        return atr

    def _grounds(self, raw: bytes, words: tuple[int, ...], response: ResponseAPDU) -> Grounds:
        """On what grounds one of *words* is expected of the card now, and not *response*."""
        outcomes = [one for ruling in self.model.rulings(raw) for one in ruling.outcomes]
        allowing = [one for one in outcomes if not one.words.isdisjoint(words)]
        if not allowing:
            return Grounds.UNEXPECTED
        if not any(one.requirement for one in allowing):
            return Grounds.UNJUDGED
        answered = any(one.fits(response) for one in outcomes)
        return Grounds.ALLOWED if answered else Grounds.FORBIDDEN

    def _answered(self, raw: bytes, answer: bytes) -> str:
        """What happened, in a line without secrets; of a long answer the beginning."""
        shown = SHOWN.findall(self.bench.keys.redacted_answer(raw, answer))
        data, sw = shown[:-2], "".join(shown[-2:])
        name, begin, size = command_name(raw), "".join(data[:LONGEST_SHOWN]), len(answer) - 2
        if len(data) > LONGEST_SHOWN:
            return f"{name} answered {begin}... ({size} bytes) {sw}"
        return f"{name} answered {f'{begin} {sw}'.strip()}"

    def _violation(self, requirement: str, message: str, allowed: Collection[str]) -> Violation:
        self.broken = True
        return Violation(requirement, message, allowed, self.history)

    def unmet(self, unmet: Unmet) -> Violation:
        """What a case found by itself, as a violation with the history of this terminal.

        No model knows what the case saw, so only the case itself can see it again.
        """
        return Violation(
            unmet.requirement, str(unmet), unmet.allowed, self.history, replayable=False
        )
