"""The shipped statement with its keys, and a bench with the simulated card on it."""

from __future__ import annotations

import pytest
from judging import bench_with, declared

from conformance.bench import Bench
from conformance.cards import open_card
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
