"""A script that is played again: judged by what its case expected, and shown without secrets."""

from __future__ import annotations

import pytest
from judging import bench_with

from conformance.cards import open_card
from conformance.replaying import replay_script
from conformance.result import Failure, Step
from conformance.trouble import UsageError
from conformance.verdict import Risk

RULE = "7816-4/challenge/length"
VERIFY, QUERY, CHALLENGE = "0020000104{pin:01}", "00200001", "0084000008"


def failure(*commands: str, allowed: tuple[str, ...]) -> Failure:
    script = tuple(Step(command=command) for command in commands)
    return Failure(requirement=RULE, message="it differed", allowed=allowed, script=script)


def replayed(told: Failure, risk: Risk = Risk.CONSUME) -> tuple[str | None, str]:
    """The requirement that failed again, and what was shown."""
    shown: list[str] = []
    found = replay_script(bench_with(open_card("sim:iso7816"), risk), told, shown.append)
    return found.requirement if found else None, "\n".join(shown)


@pytest.mark.parametrize(
    ("allowed", "broken"),
    [(("6D00", "6A81"), RULE), (("6D00", "9000"), None), (("8 bytes that are new",), None)],
)
def test_the_last_answer_is_held_against_what_the_case_expected(
    allowed: tuple[str, ...], broken: str | None
) -> None:
    requirement, shown = replayed(failure(QUERY, CHALLENGE, allowed=allowed))
    assert requirement == broken
    assert f"> {CHALLENGE}" in shown
    assert ("expected 6D00" in shown) is (broken is not None)


def test_the_answers_before_the_last_may_be_any() -> None:
    requirement, shown = replayed(failure(QUERY, "reset", VERIFY, QUERY, allowed=("9000",)))
    assert requirement is None
    assert "reset" in shown
    assert "< 63C3" in shown
    assert "31323334" not in shown
    assert "> 0020000104{pin:01}" in shown


def test_what_the_guard_holds_back_is_no_verdict() -> None:
    with pytest.raises(UsageError, match="not sent"):
        replayed(failure("0020000104{wrong:01}", allowed=("63C2",)), Risk.OBSERVE)
