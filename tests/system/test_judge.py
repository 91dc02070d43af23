"""The judge meets the served card in a PC/SC reader and says what it says of the embedded one."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from real_reader import PROGRAMS, READER, ServedCards, Service, program, wait_until

pytestmark = pytest.mark.pcsc

EXAMPLES = "25"
USAGE = 3
CARD_LOST = 4


def judge(card: str, out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return program("conformance", "run", "--card", card, "--out", str(out), *arguments, timeout=240)


def result_in(out: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((out / "result.json").read_text("utf-8"))
    return result


def verdicts(out: Path) -> dict[str, str]:
    return {each["id"]: each["verdict"] for each in result_in(out)["requirements"]}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_reader_changes_no_verdict(card: ServedCards, tmp_path: Path) -> None:
    pytest.importorskip("smartcard")
    embedded = judge("sim:iso7816", tmp_path / "embedded", "--examples", EXAMPLES)
    assert embedded.returncode == 0, embedded.stdout + embedded.stderr
    in_reader = judge(f"pcsc:{READER}", tmp_path / "reader", "--examples", EXAMPLES)
    assert in_reader.returncode == 0, in_reader.stdout + in_reader.stderr
    assert verdicts(tmp_path / "reader") == verdicts(tmp_path / "embedded")
    assert "PASS" in verdicts(tmp_path / "reader").values()
    assert (tmp_path / "reader" / "report.html").exists()
    assert card.process.poll() is None


@pytest.mark.slow
def test_a_card_pulled_during_a_run_ends_it_with_what_there_is(
    card: ServedCards, tmp_path: Path
) -> None:
    pytest.importorskip("smartcard")
    trace = tmp_path / "trace.jsonl"
    with subprocess.Popen(
        [str(PROGRAMS / "conformance"), "run", "--card", f"pcsc:{READER}", "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        wait_until("the run is under way", lambda: trace.exists() and trace.stat().st_size > 20_000)
        card.kill()
        output, _ = run.communicate(timeout=120)
    assert run.returncode == CARD_LOST, output
    kept = result_in(tmp_path)
    assert kept["requirements"]
    assert {each["verdict"] for each in kept["requirements"]} >= {"PASS", "NOT RUN"}
    again = program("conformance", "report", "html", str(tmp_path))
    assert again.returncode == 0, again.stderr


def test_a_reader_that_is_not_there_is_named_with_those_that_are(service: Service) -> None:
    pytest.importorskip("smartcard")
    assert service.answers()
    run = program("conformance", "run", "--card", "pcsc:No Such Reader")
    assert run.returncode == USAGE
    assert "No Such Reader" in run.stderr
    assert READER in run.stderr
    assert "Traceback" not in run.stderr


def test_without_a_service_the_message_says_how_to_start_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("smartcard")
    monkeypatch.setitem(os.environ, "PCSCLITE_CSOCK_NAME", "/nonexistent/pcscd.comm")
    run = program("conformance", "run", "--card", f"pcsc:{READER}")
    assert run.returncode == USAGE
    assert "pcscd" in run.stderr
    assert "start" in run.stderr
    assert "Traceback" not in run.stderr
