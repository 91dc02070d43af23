"""The memory of a card holds after a run what it held before, bit for bit, however the run ended.

Compared is every byte of the card's file system, read from its flash: descriptors, contents, keys,
values, retry counters, life cycle, and where each file lies.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from plastic import Incident, Killed, Plastic, contents, judged, restored

from conformance.custody import CHANGE, DISABLE, RESET
from conformance.trouble import CardLost
from conformance.undolog import read_log
from conformance.verdict import Outcome, Risk, Verdict

PROFILES = ("iso7816", "ssc2", "ssc3", "psam")
ENDS = (KeyboardInterrupt, Killed, CardLost)
CHANCE = random.Random(20261124)
MOMENTS = [
    (profile, Incident(ENDS[number % 3], CHANCE.randrange(60, last), CHANCE.random() < 0.5))
    for profile, last, times in (
        ("iso7816", 5000, 12),
        ("ssc2", 3000, 8),
        ("ssc3", 3000, 5),
        ("psam", 800, 5),
    )
    for number in range(times)
]

VALUES_CHANGING = [
    Incident(ENDS[1 + number % 2], CHANCE.randrange(280, 500), CHANCE.random() < 0.5)
    for number in range(12)
]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("risk", [Risk.RESTORE, Risk.CONSUME])
def test_a_whole_run(profile: str, risk: Risk, tmp_path: Path) -> None:
    card, untouched = Plastic(profile), Plastic(profile)
    untouched.connect()
    result = judged(card, profile, risk, tmp_path, examples=2)
    assert result is not None
    assert result.run.outcome is Outcome.CONFORMANT
    assert sum(case.verdict is Verdict.PASS for case in result.cases) > 50
    assert contents(card.card) == contents(untouched.card)
    assert read_log(tmp_path).put_back


def test_thirty_moments_are_tried() -> None:
    assert len(MOMENTS) == 30
    assert {incident.what for _, incident in MOMENTS} == set(ENDS)


@pytest.mark.parametrize(("profile", "incident"), MOMENTS)
def test_a_run_interrupted_at_a_random_moment(
    profile: str, incident: Incident, tmp_path: Path
) -> None:
    card, untouched = Plastic(profile, incident), Plastic(profile)
    untouched.connect()
    result = judged(card, profile, Risk.RESTORE, tmp_path)
    assert card.count >= incident.exchange
    if incident.what is KeyboardInterrupt:
        assert result is not None
        assert result.run.interrupted
        assert read_log(tmp_path).put_back
    else:
        assert not read_log(tmp_path).put_back
        assert not restored(card, profile, Risk.RESTORE, tmp_path).failed
    assert contents(card.card) == contents(untouched.card)
    assert read_log(tmp_path).put_back
    assert not restored(card, profile, Risk.RESTORE, tmp_path).failed
    assert contents(card.card) == contents(untouched.card)


@pytest.mark.parametrize("ins", [CHANGE, DISABLE, RESET])
def test_a_run_killed_when_a_value_or_a_requirement_has_just_changed(
    ins: int, tmp_path: Path
) -> None:
    class Dying(Plastic):
        """Does what it is told, and the process dies before it hears of it."""

        def transmit(self, command: bytes) -> bytes:
            answer = super().transmit(command)
            changed = command[1] == ins and contents(self.card) != contents(untouched.card)
            if changed and not killed:
                self.incident = Incident(Killed, self.count, answered=True)
                killed.append(self.incident)
                raise Killed("gone")
            return answer

    killed: list[Incident] = []
    card, untouched = Dying("iso7816"), Plastic("iso7816")
    untouched.connect()
    judged(card, "iso7816", Risk.CONSUME, tmp_path, ("reference",))
    assert killed
    assert not restored(card, "iso7816", Risk.CONSUME, tmp_path).failed
    assert contents(card.card) == contents(untouched.card)


@pytest.mark.parametrize("incident", VALUES_CHANGING)
def test_a_run_that_changes_values_killed_or_pulled(incident: Incident, tmp_path: Path) -> None:
    card, untouched = Plastic("iso7816", incident), Plastic("iso7816")
    untouched.connect()
    judged(card, "iso7816", Risk.CONSUME, tmp_path, ("reference",))
    assert card.count >= incident.exchange
    assert not restored(card, "iso7816", Risk.CONSUME, tmp_path).failed
    assert contents(card.card) == contents(untouched.card)
