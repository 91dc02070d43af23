"""Cards that are lost in the middle of a run: they come back, stay away, or are exchanged."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from judging import Plastic, judged

from conformance.cards import Ability
from conformance.cards.recorded import RecordedCard
from conformance.cards.recovering import Patience, RecoveringCard
from conformance.interview import Interview, Scope
from conformance.interview.candidates import load_candidates
from conformance.interview.draft import draft
from conformance.result import Exchange
from conformance.statement import parse_statement
from conformance.trouble import CardLost, UsageError
from conformance.verdict import Outcome, Verdict

READ = bytes.fromhex("00B0")
ANSWERS = "7816-4/laws/answers"


class Frail(Plastic):
    """Crashes over READ BINARY with an Le of 1, and is started anew after *absences* looks."""

    abilities = frozenset({Ability.RETURN})

    def __init__(self, absences: int = 2, atr: bytes = b"") -> None:
        super().__init__()
        self.absences = absences
        self.sent: list[bytes] = []
        self._atr = atr
        self._away = 0

    def connect(self) -> bytes:
        if self._away:
            self._away -= 1
            raise UsageError("there is no card in the reader")
        atr = super().connect()
        return self._atr if self._atr and self.sent else atr

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command)
        if command.startswith(READ) and command[4:] == b"\x01":
            self._away = self.absences
            raise CardLost("the card in 'a reader' was lost")
        return super().transmit(command)

    def close(self) -> None:
        self.inner.close()


@dataclass
class Time:
    """A clock that goes on only while somebody sleeps."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def recovering(card: Frail, seconds: float = 10, losses: int = 200) -> RecoveringCard:
    time = Time()
    return RecoveringCard(card, Patience(seconds, losses), time.clock, time.sleep)


def test_a_crash_is_a_fault_and_the_run_goes_on() -> None:
    card = recovering(Frail())
    result = judged(card, examples=2)
    assert result.run.outcome is Outcome.NON_CONFORMANT
    failed = [case for case in result.cases if case.verdict is Verdict.FAIL]
    assert failed
    for case in failed:
        assert case.failure is not None
        assert case.failure.requirement == ANSWERS
        last = case.failure.script[-1]
        assert (last.command[:4], last.response) == ("00B0", "")
        assert len(case.failure.script) <= 2
    verdicts = {case.id: case.verdict for case in result.cases}
    assert verdicts["laws/alive-last"] is Verdict.PASS
    assert verdicts["select/by-name"] is Verdict.PASS
    assert card.lost > len(failed)


def test_a_card_that_stays_away_ends_the_run_with_the_command_it_went_over() -> None:
    result = judged(recovering(Frail(absences=10_000)), examples=2)
    assert result.run.outcome is Outcome.CARD_LOST
    last = result.cases[-1]
    assert last.verdict is Verdict.INCONCLUSIVE
    assert "not back within 10 s" in last.reason
    assert last.failure is not None
    assert last.failure.script[-1].command.startswith("00B0")


def test_another_card_is_not_taken_for_the_lost_one() -> None:
    other = bytes.fromhex("3B00")
    result = judged(recovering(Frail(atr=other)), examples=2)
    assert result.run.outcome is Outcome.CARD_LOST
    assert "another card came, with the ATR 3B00" in result.cases[-1].reason


@pytest.mark.parametrize("inner", [Frail(absences=150), Frail(absences=0, atr=b"\x3b\x00")])
def test_a_card_that_was_given_up_is_not_waited_for_again(inner: Frail) -> None:
    time = Time()
    card = RecoveringCard(inner, Patience(10), time.clock, time.sleep)
    card.connect()
    assert card.transmit(READ + b"\x00\x00\x01") == b""
    with pytest.raises(CardLost, match=r"not back within|another card came"):
        card.reset()
    waited = time.now
    inner.absences = inner._away = 0
    inner.sent.clear()  # now it is the lost card that is in the reader
    with pytest.raises(CardLost):
        card.reset()
    assert time.now == waited
    assert card.transmit(bytes.fromhex("00A4000C023F00")) == b""
    assert inner.sent == []


def test_losses_are_bounded() -> None:
    card = recovering(Frail(), losses=3)
    result = judged(card, examples=2)
    assert result.run.outcome is Outcome.CARD_LOST
    assert card.lost == 4


def test_nothing_is_sent_between_the_loss_and_the_reset() -> None:
    inner = Frail()
    card = recovering(inner)
    heard: list[tuple[str, bytes]] = []
    card.told = lambda event, atr: heard.append((event, atr))
    atr = card.connect()
    deadly = READ + b"\x00\x00\x01"
    assert card.transmit(deadly) == b""
    assert card.transmit(bytes.fromhex("00E4000002")) == b""
    assert inner.sent == [deadly]
    assert card.reset() == atr
    assert heard == [("lost", b""), ("back", atr)]
    assert card.transmit(bytes.fromhex("00A4000C023F00")) == b"\x90\x00"


def test_without_patience_the_loss_is_passed_on_at_the_reset() -> None:
    card = recovering(Frail(absences=0), seconds=0)
    card.connect()
    assert card.transmit(READ + b"\x00\x00\x01") == b""
    with pytest.raises(CardLost, match="was lost"):
        card.reset()


def test_a_record_of_losses_can_be_judged_again(tmp_path: Path) -> None:
    events = (
        Exchange(n=0, case="", event="lost", response="", seconds=0),
        Exchange(n=1, case="", event="back", response="3B00", seconds=0),
        Exchange(n=2, case="", event="reset", response="3B00", seconds=0),
    )
    (tmp_path / "trace.jsonl").write_text("".join(one.line() + "\n" for one in events))
    result = judged(recovering(Frail()), examples=1)
    (tmp_path / "result.json").write_text(result.model_dump_json(by_alias=True))
    assert RecordedCard.open(str(tmp_path)).reset() == bytes.fromhex("3B00")


class Dying(Frail):
    """Crashes over every command."""

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command)
        raise CardLost("the card in 'a reader' was lost")


def test_a_card_that_dies_of_every_command_is_judged_to_an_end() -> None:
    card = recovering(Dying(), losses=60)
    result = judged(card, examples=1)
    assert result.run.outcome is Outcome.CARD_LOST
    assert card.lost == 61
    found = [case for case in result.cases if case.failure is not None]
    assert {case.failure.requirement for case in found if case.failure} == {ANSWERS}


def test_an_interview_gives_up_a_card_that_dies_of_every_command() -> None:
    inner = Dying()
    card = recovering(inner)
    scope = Scope(load_candidates())
    interview = Interview(card, card.connect(), scope, lambda *_: None, lambda: 0.0)
    findings = interview.run()
    assert len(inner.sent) == 5
    assert not findings.finished
    assert any("fell silent 5 times" in remark for remark in findings.remarks)
    assert len(parse_statement(draft(findings, "dying", "keys"), "draft").layout.files) == 1
