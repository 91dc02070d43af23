"""Scripts of exchanges: what a person pastes, what a failing test prints, what `vectors/` keeps.

One thing a line: ``> HEX`` a command APDU (a bare ``HEX`` means the same), ``< HEX`` the response
it should get, ``reset`` a warm reset, ``power`` a cold one. Behind the bytes a comment may follow,
two spaces apart; blank lines and lines that start with ``#`` say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final


class Action(Enum):
    """What a step does."""

    COMMAND = "command"
    RESET = "reset"
    POWER = "power"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a script: the line it stands on, its bytes, and the response it should get."""

    line: int
    action: Action
    apdu: bytes = b""
    expected: bytes | None = None


class ScriptError(ValueError):
    """A line that is none of the things a script has; the message names it."""


_BYTES: Final = re.compile(r"((?:[0-9A-Fa-f]{2} ?)+)(?:\s.*)?$")


def parse_script(lines: Iterable[str], source: str = "script") -> list[Step]:
    """The steps of a script; `ScriptError` names *source*, line and rule."""
    steps: list[Step] = []
    for number, raw in enumerate(lines, 1):
        text = raw.strip()
        if not text or text.startswith("#"):
            continue
        try:
            if text.startswith("<"):
                steps[-1:] = [_answered(steps, text[1:].strip())]
            else:
                steps.append(_step(number, text))
        except ValueError as error:
            raise ScriptError(f"{source}:{number}: {error}") from None
    return steps


def _step(number: int, text: str) -> Step:
    if text.lower() in {"reset", "power"}:
        return Step(number, Action(text.lower()))
    apdu = _hexadecimal(text.removeprefix(">").strip())
    if len(apdu) < 4:
        raise ValueError("a command APDU has at least the four bytes CLA INS P1 P2")
    return Step(number, Action.COMMAND, apdu)


def _answered(steps: list[Step], text: str) -> Step:
    if not steps or steps[-1].action is not Action.COMMAND or steps[-1].expected is not None:
        raise ValueError("an expected response (<) stands behind the command it answers")
    response = _hexadecimal(text)
    if len(response) < 2:
        raise ValueError("a response APDU ends with the two bytes SW1 SW2")
    return replace(steps[-1], expected=response)


def _hexadecimal(text: str) -> bytes:
    found = _BYTES.match(text)
    if found is None:
        raise ValueError(f"{text!r} is not pairs of hexadecimal digits, reset, power or a comment")
    return bytes.fromhex(found[1])
