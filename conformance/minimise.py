"""From a failing history to the shortest script that still breaks the same requirement.

Delta debugging (Zeller's ddmin): drop ever smaller runs of steps, replaying what is left on a fresh
card against a fresh model; then make each command smaller. The last step is the one the card
answered wrongly; it always stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from conformance.apdu import CommandAPDU, MalformedAPDU
from conformance.evidence import command_name
from conformance.guard import Refused
from conformance.result import Failure
from conformance.result import Step as Line
from conformance.terminal import Grounds, Violation
from conformance.trouble import TimeIsUp

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.terminal import Step

EXCHANGES = 6000
"""Exchanges spent on one failure, at most, on a card that can be copied."""
SLOW_EXCHANGES = 600
"""The same on a card that has to be reset and put back each time."""
SHARE_OF_TIME = 10
"""At most a tenth of the time that a budget leaves goes into making one failure short."""
RECENT = (30, 75)
"""How many steps at the end of a long history are tried alone before anything else."""
SILENCE = 120
"""What it costs when such a card falls silent: it may have to be waited for."""


def replay(bench: Bench, steps: tuple[Step, ...]) -> Violation | None:
    """Play *steps* on a fresh card; the violation that comes up, if any does."""
    terminal = bench.begin()
    try:
        for step in steps:
            if step.command is None:
                terminal.reset()
            else:
                terminal.play(step)
    except Violation as violation:
        return violation
    except Refused:
        return None
    return None


@dataclass
class _Shrinking:
    bench: Bench
    original: Violation
    left: int

    def breaks(
        self, steps: tuple[Step, ...], *, whatever_it_costs: bool = False
    ) -> Violation | None:
        """The same violation by *steps*, while exchanges are left: requirement and status word.

        What a case expects of a step makes sense only behind the steps before it, so another status
        word is another story, and so is one that the model expects no longer.
        """
        self.left -= len(steps)
        if self.left < 0 and not whatever_it_costs:
            return None
        try:
            violation = replay(self.bench, steps)
        except TimeIsUp:
            if whatever_it_costs:
                raise
            self.left = 0
            return None
        if violation and not violation.history[-1].response and not self.bench.copies:
            self.left -= SILENCE
        return violation if violation and _told(violation) == _told(self.original) else None


def _told(violation: Violation) -> tuple[str, bytes, Grounds]:
    last = violation.history[-1]
    word = last.response[-2:] if last.command else b""
    return violation.requirement, word, violation.grounds


def minimise(bench: Bench, violation: Violation) -> Violation | None:
    """The same violation in as few and as small steps as possible; None if it is not repeated.

    The first replay is the repetition after a reset that makes a failure a FAIL; TimeIsUp when the
    budget ends before it does. After that the shortest found in time has to do.
    """
    budget = EXCHANGES if bench.copies else SLOW_EXCHANGES
    shrinking = _Shrinking(bench, violation, budget)
    found = shrinking.breaks(violation.history, whatever_it_costs=True)
    if found is None:
        return None
    now = bench.clock()
    with bench.until(now + (bench.deadline - now) / SHARE_OF_TIME):
        return _smaller_steps(shrinking, _fewer_steps(shrinking, found))


def _fewer_steps(shrinking: _Shrinking, found: Violation) -> Violation:
    found = _recent(shrinking, found)
    size = max(1, len(found.history) - 1)
    while size:
        shorter = _without_a_run(shrinking, found, size)
        if shorter is None:
            size //= 2
        else:
            found = shorter
            size = min(size, max(1, len(found.history) - 1))
    return found


def _recent(shrinking: _Shrinking, found: Violation) -> Violation:
    """The end of a long history alone, where that suffices."""
    for size in RECENT:
        if len(found.history) >= 2 * size:
            shorter = shrinking.breaks(found.history[-size:])
            if shorter is not None:
                return shorter
    return found


def _without_a_run(shrinking: _Shrinking, found: Violation, size: int) -> Violation | None:
    """Leave out *size* steps in a row, the latest first; None when every one of them is needed."""
    *before, last = found.history
    for start in range(max(0, len(before) - size), -1, -size):
        kept = (*before[:start], *before[start + size :], last)
        if len(kept) < len(found.history):
            shorter = shrinking.breaks(kept)
            if shorter is not None:
                return shorter
    return None


def _smaller_steps(shrinking: _Shrinking, found: Violation) -> Violation:
    """Each command with less data, a smaller Ne, offset 0 or record 1, where that breaks it too."""
    for index, step in enumerate(found.history):
        for smaller in _smaller(step):
            history = found.history
            candidate = shrinking.breaks((*history[:index], smaller, *history[index + 1 :]))
            if candidate is not None and len(candidate.history) == len(history):
                found = candidate
                break
    return found


def _smaller(step: Step) -> Iterator[Step]:
    """Simpler commands of the same kind, the simplest first."""
    if step.command is None:
        return
    try:
        command = CommandAPDU.decode(step.command)
    except MalformedAPDU:
        return
    tried = {step.command}
    for changes in SIMPLIFICATIONS.get(command.ins, ()):
        simpler = replace(command, **changes(command))
        if (raw := simpler.encode()) not in tried:
            tried.add(raw)
            yield replace(step, command=raw)


def _from_the_start(command: CommandAPDU) -> dict[str, Any]:
    return {"p1": command.p1 & 0x80 and command.p1, "p2": 0}


def _one_byte(command: CommandAPDU) -> dict[str, Any]:
    return {"data": command.data[:1], "extended": False}


def _one_expected(command: CommandAPDU) -> dict[str, Any]:
    return {"ne": command.ne and 1, "extended": False}


def _both(
    first: Callable[[CommandAPDU], dict[str, Any]], second: Callable[[CommandAPDU], dict[str, Any]]
) -> Callable[[CommandAPDU], dict[str, Any]]:
    return lambda command: first(command) | second(command)


SIMPLIFICATIONS: Mapping[int, tuple[Callable[[CommandAPDU], dict[str, Any]], ...]] = {
    0xB0: (_both(_from_the_start, _one_expected), _one_expected, _from_the_start),
    0xD6: (_both(_from_the_start, _one_byte), _one_byte, _from_the_start),
    0xB2: (lambda _command: {"p1": 1},),
    0xDC: (lambda _command: {"p1": 1},),
    0xA4: (lambda _command: {"p2": 0x0C, "ne": None},),
}
"""By instruction, what may be simpler about a command; the boldest change first."""


def failure_of(bench: Bench, violation: Violation) -> Failure:
    """What the result says of *violation*; the script holds no secret.

    It can be replayed, unless it depends on what only the case knows, such as session keys.
    """
    lines = [_line(bench, step) for step in violation.history]
    if lines:
        lines[-1] = lines[-1].model_copy(
            update={
                "expected": bench.keys.told(f"{_expectation(violation)}: {violation.requirement}")
            }
        )
    return Failure(
        requirement=violation.requirement,
        message=bench.keys.told(violation.message),
        allowed=tuple(bench.keys.told(answer) for answer in violation.allowed),
        script=tuple(lines),
        again="script" if violation.replayable else "case",
    )


def _expectation(violation: Violation) -> str:
    return violation.allowed[0].partition(": ")[0] if violation.allowed else "another answer"


def _line(bench: Bench, step: Step) -> Line:
    if step.command is None:
        return Line(command="reset", response=step.response.hex().upper(), note="RESET")
    text = bench.keys.redacted(step.command)
    response = bench.keys.redacted_answer(step.command, step.response)
    return Line(command=text, response=response, note=command_name(step.command))


def script_text(failure: Failure) -> str:
    """The script in the notation of `vectors/exchanges`: it can be pasted and replayed."""
    lines = []
    for step in failure.script:
        if step.command == "reset":
            lines.append("reset")
            continue
        lines.append(f"> {step.command}  {step.note}")
        expected = f"  expected {step.expected}" if step.expected else ""
        lines.append(f"< {step.response}{expected}")
    return "\n".join(lines)
