"""The fuzzer for some seconds, and the proof that it finds what is there to be found.

`SIMCARD_FUZZ_SECONDS` says for how long (8 when it says nothing), `SIMCARD_SEED` from which seed.
"""

from __future__ import annotations

import os

import fuzz_transmit
import pytest
from fuzz_transmit import CORPUS, RESET, History, fuzz, read_corpus

from simcard.commands.addressing import TAG_OFFSET
from simcard.commands.call import Call
from simcard.files.records import RecordContent
from simcard.files.transparent import TransparentContent
from simcard.script import parse_script
from simcard.status import SW, CardError

SECONDS = float(os.environ.get("SIMCARD_FUZZ_SECONDS", "8"))
SEED = int(os.environ.get("SIMCARD_SEED", "0"))


def test_the_card_answers_whatever_comes() -> None:
    run = fuzz(SECONDS, SEED)
    assert run.failure is None, f"{run.failure.law}\n{run.failure.history.script()}"
    assert run.histories > len(run.corpus)
    assert run.answers


def fall_over(_self: RecordContent, _number: int) -> int:
    raise ZeroDivisionError("a fault that was planted")


def test_an_exception_is_found_and_cut_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecordContent, "identifier", fall_over)
    run = fuzz(30, SEED, "iso7816")
    assert run.failure is not None
    assert run.failure.law == "6F00: ZeroDivisionError('a fault that was planted')"
    assert len(run.failure.history.commands) <= 3


def commit_and_refuse(self: TransparentContent, _offset: int, _data: bytes) -> None:
    self._region.write(self._memory, 0, b"\xee")
    self._memory.commit()
    raise CardError(SW.NOT_ENOUGH_MEMORY)


def test_a_refusal_that_changes_memory_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TransparentContent, "update", commit_and_refuse)
    run = fuzz(30, SEED, "iso7816")
    assert run.failure is not None
    assert run.failure.law == "memory changed by 6a84"
    assert len(run.failure.history.commands) <= 3


def test_a_command_without_end_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def never_end(_self: Call, _file: object) -> None:
        while TAG_OFFSET:
            pass

    monkeypatch.setattr(fuzz_transmit, "CPU_SECONDS_MAX", 0.1)
    monkeypatch.setattr(Call, "transparent", never_end)
    run = fuzz(30, SEED, "iso7816")
    assert run.failure is not None
    assert run.failure.law == "the command does not end"
    assert len(run.failure.history.commands) <= 3


def test_a_failure_is_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecordContent, "identifier", fall_over)
    failure = fuzz(30, SEED, "iso7816").failure
    assert failure is not None
    steps = parse_script(failure.history.script().splitlines())
    assert [step.apdu for step in steps] == list(failure.history.commands)


def test_the_corpus_is_the_written_exchanges_and_its_own() -> None:
    corpus = read_corpus()
    own = len(list(CORPUS.glob("*.apdu")))
    assert own > 0
    assert len(corpus) > own
    assert {"iso7816", "ssc2"} <= {history.profile for history in corpus}


def test_a_history_says_its_profile_and_its_resets() -> None:
    history = History("iso7816", (bytes.fromhex("00A4000C"), RESET))
    assert history.script() == "# profile iso7816\n> 00A4000C\nreset"
