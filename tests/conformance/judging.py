"""Benches for the tests: the simulated card, also dressed as one that cannot be copied."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

from conformance.bench import Bench, Plan
from conformance.cards import Ability, CardUnderTest, open_card
from conformance.catalogue import load_catalogue
from conformance.engine import execute
from conformance.evidence import Evidence
from conformance.guard import Guard
from conformance.judge import Judge
from conformance.keys import Keys, load_keys
from conformance.record import Circumstances
from conformance.result import Result
from conformance.statement import Statement, shipped, statement_for
from conformance.verdict import Risk

ATR = bytes.fromhex("3B878131FE458031F873F7C1FB7B")


@cache
def declared() -> tuple[Statement, Keys]:
    statement, entry = statement_for(ATR)
    assert entry in shipped()
    pins = '[pin]\n"01" = "31323334"\n"02" = "3132333435363738"\n"81" = "313233343536"\n'
    return statement, load_keys(statement.layout, f"schema = 1\n{pins}", "test keys")


class Plastic:
    """The simulated card without the gift of being copied: what was written has to be undone.

    *before* is called with the number of each exchange and may raise.
    """

    spec = "sim:iso7816"
    reader = ""
    known_as: bytes | None = None
    abilities: frozenset[Ability] = frozenset()

    def __init__(self, before: Callable[[int], None] = lambda _count: None) -> None:
        self.inner: CardUnderTest = open_card("sim:iso7816")
        self.count = 0
        self._before = before

    def connect(self) -> bytes:
        return self.inner.connect()

    def reset(self) -> bytes:
        return self.inner.reset()

    def transmit(self, command: bytes) -> bytes:
        self.count += 1
        self._before(self.count)
        return self.inner.transmit(command)

    def fork(self) -> CardUnderTest:
        raise AssertionError("a plastic card is not copied")

    def close(self) -> None:
        """Stay powered: the test wants to look at the card afterwards."""


def bench_with(
    card: CardUnderTest,
    risk: Risk = Risk.DESTROY,
    examples: int = 10,
    told: tuple[Statement, Keys] | None = None,
) -> Bench:
    statement, keys = told or declared()
    guard = Guard(risk, statement.layout, keys)
    evidence = Evidence(keys)
    plan = Plan(seed=3, examples=examples)
    bench = Bench(card, statement, keys, guard, evidence, plan, time.perf_counter)
    bench.found(card.connect())
    return bench


def judge_with(card: CardUnderTest, risk: Risk = Risk.CONSUME, examples: int = 5) -> Judge:
    return judge_at(bench_with(card, risk, examples))


def judge_at(bench: Bench) -> Judge:
    circumstances = Circumstances(now=lambda: "2026-01-01T00:00:00+00:00", started="2026-01-01")
    return Judge(bench, load_catalogue(), circumstances)


def judged(card: CardUnderTest, risk: Risk = Risk.CONSUME, examples: int = 5) -> Result:
    return execute(judge_with(card, risk, examples))
