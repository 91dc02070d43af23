"""A card that cannot be copied is left as it was found, however the run ends."""

from __future__ import annotations

import pytest
from judging import Plastic, bench_with, judge_with, judged

from conformance.engine import execute
from conformance.layout import Reference
from conformance.model.state import Contents
from conformance.trouble import CardLost
from conformance.undo import take_stock
from conformance.verdict import Outcome, Risk, Verdict


def stock(card: Plastic) -> tuple[Contents, dict[Reference, int]]:
    """What an honest look at the card finds: contents and tries."""
    bench = bench_with(card, Risk.OBSERVE)
    take_stock(bench)
    return bench.baseline.contents, dict(bench.baseline.tries)


def test_a_whole_run_leaves_the_card_as_it_was() -> None:
    before, after = Plastic(), Plastic()
    result = judged(after, Risk.CONSUME)
    assert result.run.outcome is Outcome.CONFORMANT
    assert stock(after) == stock(before)


@pytest.mark.parametrize("moment", [150, 611, 1313, 1999])
def test_an_interrupted_run_leaves_the_card_as_it_was(moment: int) -> None:
    def interrupt(count: int) -> None:
        if count == moment:
            raise KeyboardInterrupt

    card = Plastic(interrupt)
    result = judged(card, Risk.CONSUME)
    assert result.run.interrupted
    assert result.run.outcome is Outcome.INTERRUPTED
    assert card.count >= moment
    assert stock(card) == stock(Plastic())


def test_a_card_pulled_from_the_reader_ends_the_run_with_what_there_is() -> None:
    def pull(count: int) -> None:
        if count >= 700:
            raise CardLost("pulled")

    judge = judge_with(Plastic(pull))
    result = execute(judge)
    assert judge.lost == "pulled"
    assert result.run.outcome is Outcome.CARD_LOST
    verdicts = {case.verdict for case in result.cases}
    assert verdicts == {Verdict.PASS}
    assert 20 < len(result.cases) < 100


def test_what_cannot_be_put_back_is_said() -> None:
    class Stubborn(Plastic):
        """Writes once and never again."""

        written = 0

        def transmit(self, command: bytes) -> bytes:
            if command[1] == 0xD6:
                self.written += 1
                if self.written > 1:
                    return b"\x90\x00"
            return super().transmit(command)

    judge = judge_with(Stubborn())
    result = execute(judge, ("binary",))
    assert result.run.outcome is Outcome.INCONCLUSIVE
    assert result.cases[-1].id == "laws/restored"
    assert "could not be put back" in result.cases[-1].reason
    (found,) = [case for case in result.cases if case.failure is not None]
    assert found.verdict is Verdict.INCONCLUSIVE


def test_a_reference_with_one_try_left_is_never_blocked() -> None:
    card = Plastic()
    card.connect()
    for _ in range(2):
        card.transmit(bytes.fromhex("002000010431323335"))
    card.inner.reset()
    result = judged(card, Risk.CONSUME)
    assert result.run.outcome is Outcome.CONFORMANT
    card.inner.reset()
    assert card.inner.transmit(bytes.fromhex("002000010431323334")) == b"\x90\x00"
