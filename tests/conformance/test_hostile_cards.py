"""Cards that answer nonsense: the run ends with verdicts and a trace, never with a traceback."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from judging import Plastic, judge_with, judged

from conformance.commands import select_path
from conformance.engine import execute
from conformance.suite import test_histories
from conformance.verdict import Outcome, Verdict

CHANCE = random.Random(11)


def garbage(_command: bytes) -> bytes:
    return CHANCE.randbytes(CHANCE.randrange(12))


def template(_command: bytes) -> bytes:
    return b"\x62" + CHANCE.randbytes(CHANCE.randrange(12)) + b"\x90\x00"


ANSWERS: dict[str, Callable[[bytes], bytes]] = {
    "silence": lambda _command: b"",
    "one byte": lambda _command: b"\x90",
    "always yes": lambda _command: b"\x90\x00",
    "always 6F00": lambda _command: b"\x6f\x00",
    "too long": lambda _command: bytes(70_000) + b"\x90\x00",
    "garbage": garbage,
    "templates": template,
    "echo": lambda command: command + b"\x90\x00",
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_nonsense_is_judged_to_the_end(answer: Callable[[bytes], bytes]) -> None:
    class Hostile(Plastic):
        def transmit(self, command: bytes) -> bytes:
            self.count += 1
            return answer(command)

    result = judged(Hostile(), examples=2)
    assert result.run.outcome in {Outcome.NON_CONFORMANT, Outcome.INCONCLUSIVE}
    assert len(result.cases) > 95
    own = [case for case in result.cases if "the suite failed" in case.reason]
    assert not own, own[0].reason


def test_a_card_that_changes_its_mind_is_inconclusive() -> None:
    class Moody(Plastic):
        """Denies one command, whatever it is, and is sound otherwise."""

        def transmit(self, command: bytes) -> bytes:
            answer = super().transmit(command)
            return b"\x6f\x00" if self.count == 90 else answer

    judge = judge_with(Moody(), examples=5)
    found = test_histories.test_files.case  # type: ignore[attr-defined]
    result = judge.run(found, lambda: test_histories.test_files(judge.bench))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.failure is not None


def test_a_bug_of_the_suite_is_no_verdict_on_the_card() -> None:
    judge = judge_with(Plastic())
    found = test_histories.test_files.case  # type: ignore[attr-defined]

    def body() -> None:
        terminal = judge.bench.begin()
        terminal.send(select_path(terminal.layout.master))
        raise ZeroDivisionError("ours")

    result = judge.run(found, body)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "the suite failed, not the card: ZeroDivisionError: ours" in result.reason
    assert execute(judge, ("atr",)).run.outcome is Outcome.INCONCLUSIVE
