"""Every card of the simulator is conformant by the statement that is shipped for it."""

from __future__ import annotations

import ast
from inspect import currentframe
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance import suite
from conformance.bench import Bench
from conformance.engine import Request, all_cases, execute, prepare
from conformance.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from types import FrameType

    from conformance.cards import CardUnderTest

PROFILES = ("iso7816", "crypto", "emrtd", "globalplatform", "psam", "ssc2", "ssc3")
SUITE = str(Path(suite.__file__).parent)
NO_SOUND_CARD = {"terminal.send(last, expect=refused, because=because)"}
"""What is asked only of a card that has taken the beginning of an unknown chain."""


@pytest.mark.parametrize("profile", ["crypto", "emrtd", "globalplatform"])
@pytest.mark.parametrize("seed", [0, 11])
def test_conformant(profile: str, seed: int) -> None:
    result = execute(prepare(Request(card=f"sim:{profile}", seed=seed, examples=5)))
    assert result.run.outcome is Outcome.CONFORMANT
    assert [case.id for case in result.cases if case.failure is not None] == []
    passed = {one.id for one in result.requirements if one.verdict is Verdict.PASS}
    sealed = {one for one in passed if one.startswith(("9303/", "scp03/", "pboc/line/"))}
    assert len(sealed) == {"crypto": 0, "emrtd": 33, "globalplatform": 17}[profile]
    computed = {one for one in passed if one.startswith(("7816-8/", "7816-4/environment/"))}
    assert len(computed) == {"crypto": 76, "emrtd": 0, "globalplatform": 0}[profile]


def test_a_case_that_passes_has_asked_and_every_question_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: set[tuple[str, int]] = set()
    exchange = Bench.exchange

    def noting(self: Bench, card: CardUnderTest, command: bytes) -> bytes:
        frame: FrameType | None = currentframe()
        while frame is not None:
            if frame.f_code.co_filename.startswith(SUITE):
                asked.add((frame.f_code.co_filename, frame.f_lineno))
            frame = frame.f_back
        return exchange(self, card, command)

    monkeypatch.setattr(Bench, "exchange", noting)
    areas = sorted({case.area for case in all_cases()} - {"atr", "laws", "histories"})
    silent = []
    for profile in PROFILES:
        request = Request(card=f"sim:{profile}", risk="destroy", examples=1)
        for case in execute(prepare(request), areas).cases:
            first, last = case.exchanges or (0, 0)
            if case.verdict is Verdict.PASS and first == last:  # the reset before it, at most
                silent.append((profile, case.id))
    assert silent == []
    assert _questions(asked) == NO_SOUND_CARD


def _questions(asked: set[tuple[str, int]]) -> set[str]:
    """The places of the suite that send a command, but for those that have *asked*."""
    left = set()
    for path in map(str, Path(SUITE).glob("*.py")):
        text = Path(path).read_text("utf-8")
        for node in ast.walk(ast.parse(text)):
            sends = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if sends and node.func.attr in {"send", "carry"}:
                lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
                if not any((path, line) in asked for line in lines):
                    left.add(ast.get_source_segment(text, node) or "")
    return left
