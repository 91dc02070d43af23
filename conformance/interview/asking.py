"""Asking a card without leaving a trace: every command passes the guard at risk `observe`.

A card that falls silent is reset and the command is not sent to it a second time; one that falls
silent too often, or that was asked enough, ends the interview with what has been found until then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.apdu import SHORT_NE, CommandAPDU, MalformedAPDU, ResponseAPDU
from conformance.commands import get_response
from conformance.evidence import command_name
from conformance.guard import Guard
from conformance.keys import Keys
from conformance.model import Model
from conformance.result import Timing
from conformance.statement import parse_statement
from conformance.trouble import NotCarried
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.cards import CardUnderTest

SILENCES = 5
"""How often a card may fall silent before the interview ends."""
PIECES = 64
"""GET RESPONSE commands behind one command, at most."""
LONGEST = 70_000
SEARCHING = 0.75
"""The part of the effort that may go into searching for files."""
BLANK = """
schema = 1
[card]
name = "unknown"
atr = "3B00"
[features]
verify_query = true
[[file]]
path = "3F00"
kind = "df"
"""
"""What is known of a card before the interview."""
NOTHING = ResponseAPDU(b"", 0)
"""The answer that did not come, or that is no response APDU."""


class Enough(Exception):
    """The card was asked enough; the text says why."""


@dataclass
class Asker:
    """Sends questions to *card*, at most *effort* of them."""

    card: CardUnderTest
    clock: Callable[[], float]
    effort: int
    asked: int = 0
    resets: int = 0
    """Counts resets, so that a walker knows when its selection is gone."""
    remarks: list[str] = field(default_factory=list)
    """What the card did that a person should know, one sentence each."""

    def __post_init__(self) -> None:
        statement = parse_statement(BLANK, "interview")
        keys = Keys({}, {})
        self._guard = Guard(Risk.OBSERVE, statement.layout, keys)
        self._model = Model(statement, keys)
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._unanswered: set[bytes] = set()

    def reset(self) -> bytes:
        """Reset the card and give its ATR."""
        self.resets += 1
        return self.card.reset()

    def ask(self, command: CommandAPDU) -> ResponseAPDU:
        """The whole answer, pieces joined and Le corrected; NOTHING when none came.

        A card that did not answer has been reset: what was selected is so no more.
        """
        response = self._exchange(command)
        if response.sw1 == 0x6C and response.sw2 and command.ne != response.sw2:
            exact = CommandAPDU(
                command.cla, command.ins, command.p1, command.p2, command.data, response.sw2
            )
            response = self._exchange(exact)
        data = response.data
        for _ in range(PIECES):
            if response.sw1 != 0x61:
                break
            response = self._exchange(get_response(response.sw2 or SHORT_NE))
            data += response.data
        return NOTHING if response is NOTHING else ResponseAPDU(data, response.sw)

    def _exchange(self, command: CommandAPDU) -> ResponseAPDU:
        raw = command.encode()
        if raw in self._unanswered:
            return NOTHING
        self._guard.admit(raw, self._model)
        if self.asked >= self.effort:
            raise Enough(f"{self.effort} questions were asked; --effort allows more")
        self.asked += 1
        started = self.clock()
        try:
            answer = self.card.transmit(raw)
        except NotCarried:
            return NOTHING
        self._seconds[command_name(raw)].append(self.clock() - started)
        try:
            response = ResponseAPDU.decode(answer)
        except MalformedAPDU:
            self._silent(raw)
            return NOTHING
        if len(answer) > LONGEST:
            self._silent(raw)
            return NOTHING
        return response

    def _silent(self, raw: bytes) -> None:
        """Take note, and bring the card back by a reset."""
        self._unanswered.add(raw)
        self.remarks.append(f"{command_name(raw)} {raw.hex().upper()} was not answered properly")
        self.reset()
        if len(self._unanswered) >= SILENCES:
            raise Enough(f"the card fell silent {SILENCES} times")

    @property
    def spent(self) -> bool:
        """Whether so much was asked that searching should end, for the other steps to come."""
        return self.asked >= self.effort * SEARCHING

    def timings(self) -> list[str]:
        """How long the card took, one line for each command."""
        lines = []
        for name, seconds in sorted(self._seconds.items()):
            timing = Timing.of(seconds)
            lines.append(
                f"{name}: {timing.count} times, median {timing.median * 1000:.2f} ms,"
                f" slowest {timing.max * 1000:.2f} ms"
            )
        return lines
