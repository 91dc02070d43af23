"""The judge on a card that nobody here wrote, and that dies over commands a card has to answer."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from foreign_card import ATR, PIN, ForeignCard, missing
from real_reader import READER, Readers, Service, atr_in, program, wait_until

from conformance.engine import declared_in

pytestmark = [pytest.mark.pcsc, pytest.mark.slow, pytest.mark.timeout(240)]

STATEMENT = Path(__file__).with_name("vpicc.toml")
ANSWERS = "7816-4/laws/answers"
SELECT_FCI, GREEDY_CLASS = "00A40000023F0000", "80A4000C023F00"
NON_CONFORMANT = 1
AREAS = ("coding", "challenge", "select")


@dataclass
class Judged:
    """One run that the tests of this module look at, with the card still in the reader."""

    card: ForeignCard
    out: Path
    run: subprocess.CompletedProcess[str]

    @property
    def result(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / "result.json").read_text("utf-8"))
        return found

    def failure(self, case: str) -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in self.result["cases"] if one["id"] == case)
        assert found["verdict"] == "FAIL"
        failure: dict[str, Any] = found["failure"]
        return failure


@pytest.fixture(scope="module")
def judged(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    pytest.importorskip("smartcard")
    if missing():
        pytest.skip(f"not installed: {', '.join(missing())}; .ci/run lists the packages")
    assert service.answers()
    out = tmp_path_factory.mktemp("judged")
    card = ForeignCard(tmp_path_factory.mktemp("vicc"))
    try:
        wait_until("the foreign card is in the reader", lambda: atr_in(READER) == ATR)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("CONFORMANCE_PIN_01", PIN)
            areas = [part for area in AREAS for part in ("--area", area)]
            run = program(
                *("conformance", "run", "--card", f"pcsc:{READER}", "--ics", str(STATEMENT)),
                *("--examples", "2", "--out", str(out), *areas),
                timeout=180,
            )
        yield Judged(card, out, run)
    finally:
        card.end()
        wait_until("the reader is empty", lambda: READER not in Readers.now().occupied)


def test_the_statement_holds_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFORMANCE_PIN_01", PIN)
    statement, keys = declared_in(STATEMENT, None)
    assert statement.card.atr == ATR
    assert keys.values == {"01": bytes.fromhex(PIN)}


def test_the_run_comes_to_its_end_although_the_card_dies(judged: Judged) -> None:
    assert judged.run.returncode == NON_CONFORMANT, judged.run.stdout + judged.run.stderr
    assert "Traceback" not in judged.run.stdout + judged.run.stderr
    assert judged.card.deaths >= 3
    assert "Traceback" in judged.card.said()
    last = judged.result["cases"][-1]
    assert (last["id"], last["verdict"]) == ("laws/alive-last", "PASS")
    own = [one for one in judged.result["cases"] if "the suite failed" in one["reason"]]
    assert not own
    assert (judged.out / "report.html").exists()


def test_the_command_behind_which_the_card_was_gone_is_named(judged: Judged) -> None:
    failure = judged.failure("select/control-information")
    assert failure["requirement"] == ANSWERS
    deadly = failure["script"][-1]
    assert (deadly["command"], deadly["response"]) == (SELECT_FCI, "")
    trace = (judged.out / "trace.jsonl").read_text("utf-8")
    events = [json.loads(line) for line in trace.splitlines()]
    told = [one.get("event") for one in events]
    assert told.count("lost") == told.count("back") >= 3
    assert judged.failure("coding/class")["script"][-1]["command"] == GREEDY_CLASS


def by_hand(command: str) -> str:
    """What OpenSC's tool says of one command, sent as a person would who checks the report."""
    number = Readers.now().number.get(READER, "0")
    sent = program("opensc-tool", "--reader", number, "--send-apdu", command)
    return sent.stdout + sent.stderr


def wait_for_the_card() -> None:
    """The card answers: the service may still tell of one that is dead already."""
    answered = "Received (SW1=0x90, SW2=0x00)"
    wait_until("the card is back", lambda: answered in by_hand(GREEDY_CLASS))


def test_its_faults_come_up_again_by_hand(judged: Judged) -> None:
    wait_for_the_card()
    deaths = judged.card.deaths
    assert "APDU transmit failed" in by_hand(SELECT_FCI)
    wait_until("the card has died of it", lambda: judged.card.deaths > deaths)


def test_it_is_interviewed_for_a_draft_that_can_be_used(judged: Judged, tmp_path: Path) -> None:
    wait_for_the_card()
    assert judged.card.deaths
    draft = tmp_path / "draft.toml"
    arguments = ("ics", "new", "--card", f"pcsc:{READER}", "--effort", "12", "-o", str(draft))
    new = program("conformance", *arguments)
    assert new.returncode == 0, new.stderr
    assert program("conformance", "ics", "check", str(draft)).returncode == 0
    assert f"SELECT {SELECT_FCI} was not answered properly" in draft.read_text("utf-8")
