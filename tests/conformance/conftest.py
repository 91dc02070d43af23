"""The shipped statement with its keys, a bench with the simulated card on it, the command line."""

from __future__ import annotations

import sys

import pytest
from commanding import Command, Ran
from judging import bench_with, declared

from conformance.bench import Bench
from conformance.cards import open_card
from conformance.cli import main
from conformance.keys import Keys
from conformance.statement import Statement


@pytest.fixture
def statement() -> Statement:
    return declared()[0]


@pytest.fixture
def keys() -> Keys:
    return declared()[1]


@pytest.fixture
def bench() -> Bench:
    return bench_with(open_card("sim:iso7816"))


@pytest.fixture
def conformance(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Calls the command line in this process."""

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["conformance", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        return Ran(int(str(ended.value.code)), output.out, output.err)

    return run
