"""What `simcard tear` does and says, on a console that is handed in; the result is an exit code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.progress import Progress

from simcard.apdu import CLASS_BYTES
from simcard.profiles import Profile
from simcard.script import Action, Step
from simcard.status import CardError
from simcard.tearing.campaign import (
    Tally,
    Violation,
    card_to_tear,
    replay,
    shorten,
    tear_history,
)
from simcard.tearing.histories import history
from simcard.tearing.invariants import Breach, Invariant
from simcard.tearing.point import TearError, TearPoint

_HOLDS, _BROKEN = 0, 1
_SCRIPT_HISTORIES = (1, 2)
"""A script is torn on a worn-in chip and on a fresh one."""


def run_campaign(
    profile: Profile,
    seed: int,
    histories: int,
    script: Sequence[Step] | None,
    console: Console,
    invocation: str,
) -> int:
    """Tear generated histories, or *script*; 0 when every law holds, 1 when one is broken.

    `TearError` when no command has written anything: then nothing was torn and nothing is shown.
    *invocation* is how somebody asks for this profile and script, to be told with a violation.
    """
    numbers = range(1, histories + 1) if script is None else _SCRIPT_HISTORIES
    tally = Tally()
    violations = 0
    first: dict[Invariant, Violation] = {}
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        for number in progress.track(numbers, description="tearing"):
            steps = history(profile, seed, number) if script is None else script
            card = card_to_tear(profile, number)
            for violation in tear_history(card, seed, number, steps, tally):
                violations += 1
                first.setdefault(violation.breaches[0].invariant, violation)
    if not tally.cuts and not violations:
        raise TearError(
            f"{profile.name}: none of {tally.commands:,} commands wrote anything, so there was "
            "nothing to tear; give a script of commands that do"
        )
    console.print(f"{profile.name}: {tally.histories} histories, {tally.commands:,} commands")
    console.print(
        f"tear points tried: {tally.tear_points:,}"
        f" ({tally.cuts:,} in commands, {tally.recovery_cuts:,} in recoveries)"
    )
    console.print(f"violations: {violations:,}")
    for violation in first.values():
        _explain(profile, violation, console, invocation)
    return _BROKEN if violations else _HOLDS


def run_replay(
    profile: Profile, point: TearPoint, script: Sequence[Step] | None, console: Console
) -> int:
    """Tear at *point* alone; `TearIdError` when the history does not get there."""
    steps = history(profile, point.seed, point.history) if script is None else script
    breaches = replay(card_to_tear(profile, point.history), steps, point)
    _print_lines(_script(profile, steps[: point.step], point), console)
    _print_lines(_broken(breaches), console)
    return _BROKEN if breaches else _HOLDS


def _explain(profile: Profile, violation: Violation, console: Console, invocation: str) -> None:
    short = shorten(profile, violation)
    console.print()
    _print_lines(_broken(violation.breaches), console)
    again = f"simcard tear {invocation} --replay {violation.point}"
    console.print(f"again with: {again}", markup=False)
    console.print("the shortest script that shows it:")
    _print_lines(_script(profile, short.steps, short.point), console)


def _broken(breaches: Iterable[Breach]) -> list[str]:
    return [f"broken: {breach}" for breach in breaches] or ["no law is broken"]


def _print_lines(lines: Iterable[str], console: Console) -> None:
    for line in lines:
        console.print(line, markup=False)


def _script(profile: Profile, steps: Sequence[Step], point: TearPoint) -> Iterator[str]:
    """The steps as a script that can be pasted, the tear as a comment before its command."""
    for number, step in enumerate(steps, 1):
        if number == len(steps) and point.failure is not None:
            yield f"# the power fails during the next command: {point.failure}"
            if point.second is not None:
                yield f"# and again during the recovery: {point.second}"
        if step.action is Action.COMMAND:
            yield f"> {step.apdu.hex(' ').upper()}  {_name(profile, step.apdu)}".rstrip()
        else:
            yield step.action.value


def _name(profile: Profile, apdu: bytes) -> str:
    class_byte = CLASS_BYTES[apdu[0]]
    if class_byte is None:
        return ""
    try:
        return profile.settings.commands.find(class_byte, apdu[1]).name
    except CardError:
        return ""
