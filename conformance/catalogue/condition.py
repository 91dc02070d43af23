"""The small language in which a requirement says whom it concerns: facts, and, or, not, brackets.

`feature.verify and file.linear-fixed` holds for a card whose statement declares both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

_TOKEN = re.compile(r"\s*(\(|\)|[a-z][a-z0-9.-]*)")
Test = Callable[[Collection[str]], bool]


class ConditionError(ValueError):
    """The text is no condition."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on the facts of a statement; the empty one holds for every card."""

    text: str
    facts: frozenset[str]
    """The facts that it mentions."""
    test: Test

    def holds(self, facts: Collection[str]) -> bool:
        """Whether the condition holds for a card of which *facts* are true."""
        return self.test(facts)

    def __str__(self) -> str:
        return self.text or "any card"


def parse_condition(text: str) -> Condition:
    """The condition in *text*; ConditionError says what was expected where."""
    if not text:
        return Condition("", frozenset(), lambda _facts: True)
    parser = _Parser(text)
    test = parser.alternatives()
    if parser.token is not None:
        raise ConditionError(f"{text!r}: nothing was expected at {parser.token!r}")
    return Condition(text, frozenset(parser.facts), test)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.facts: set[str] = set()
        self.token: str | None = None
        self.advance()

    def advance(self) -> str | None:
        """Take the current token and look at the next."""
        taken = self.token
        match = _TOKEN.match(self.text, self.position)
        if match is None and self.text[self.position :].strip():
            raise ConditionError(f"{self.text!r}: {self.text[self.position :]!r} is no fact")
        self.token = match[1] if match else None
        self.position = match.end() if match else len(self.text)
        return taken

    def alternatives(self) -> Test:
        """Terms joined by `or`."""
        tests = [self.terms()]
        while self.token == "or":
            self.advance()
            tests.append(self.terms())
        return lambda facts: any(test(facts) for test in tests)

    def terms(self) -> Test:
        """Factors joined by `and`."""
        tests = [self.factor()]
        while self.token == "and":
            self.advance()
            tests.append(self.factor())
        return lambda facts: all(test(facts) for test in tests)

    def factor(self) -> Test:
        """A fact, its negation, or a condition in brackets."""
        token = self.advance()
        if token == "not":
            negated = self.factor()
            return lambda facts: not negated(facts)
        if token == "(":
            inner = self.alternatives()
            if self.advance() != ")":
                raise ConditionError(f"{self.text!r}: a bracket is not closed")
            return inner
        if token is None or token in {"and", "or", ")"}:
            raise ConditionError(f"{self.text!r}: a fact was expected, found {token or 'the end'}")
        self.facts.add(token)
        return lambda facts: token in facts
