"""How a case is declared: its id, the requirements it covers, what it costs, and its promise.

The first line of the docstring is the sentence in the report. The body gets a `terminal` (one fresh
card) or the `bench` (as many as it asks for).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from conformance.verdict import Risk

Body = TypeVar("Body", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Case:
    """One case of the suite."""

    id: str
    title: str
    covers: tuple[str, ...]
    risk: Risk

    @property
    def area(self) -> str:
        """The part of the id before the slash."""
        return self.id.partition("/")[0]


class NotApplicable(Exception):
    """The card has nothing that the case could be about; the text says what is missing."""


class NotRun(Exception):
    """The case could not be run; the text says why."""


class Unmet(AssertionError):
    """A case found by itself, without the model, that a requirement is not met."""

    def __init__(self, requirement: str, message: str, allowed: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.requirement = requirement
        self.allowed = tuple(allowed)


def case(
    identifier: str, *, covers: Iterable[str], risk: Risk = Risk.OBSERVE
) -> Callable[[Body], Body]:
    """Declare the decorated test function as the case *identifier*."""

    def declare(body: Body) -> Body:
        title = (body.__doc__ or "").strip().partition("\n")[0]
        assert title, f"the case {identifier} makes no promise in its docstring"
        body.case = Case(identifier, title, tuple(covers), risk)  # type: ignore[attr-defined]
        return body

    return declare


def not_applicable(reason: str) -> NoReturn:
    """End the case: the card has nothing it could be about."""
    raise NotApplicable(reason)


def require(condition: object, requirement: str, message: str) -> None:
    """Fail the case on *requirement* unless *condition* holds."""
    if not condition:
        raise Unmet(requirement, message)
