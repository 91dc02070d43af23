"""The real PC/SC service, one test run at a time, with a card of ours in its virtual reader."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from real_reader import READER, TOOLS, Readers, ServedCards, Service, atr_in, wait_until

from simcard.profiles import load_profile


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """The PC/SC service, running. Two test runs on one machine wait for each other."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}; .ci/run lists the packages")
    with Path(tempfile.gettempdir(), "simcard-pcsc.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        service = Service()
        if not service.answers():
            if os.geteuid() != 0:
                pytest.skip("no PC/SC service runs, and only root may start one")
            service.start()
        yield service
        service.close()


@pytest.fixture
def restartable(service: Service) -> Iterator[Service]:
    """The service for a test that stops it; it runs again afterwards."""
    if not service.may_be_restarted:
        pytest.skip("a PC/SC service that these tests did not start is not stopped by them")
    yield service
    if not service.answers():
        service.start()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., ServedCards]]:
    """Starts `simcard serve` with these arguments and ends it after the test."""
    serving: list[ServedCards] = []

    def start(*arguments: str) -> ServedCards:
        serving.append(ServedCards(tmp_path / f"serve{len(serving)}.log", *arguments))
        return serving[-1]

    yield start
    for cards in serving:
        if cards.process.poll() is None:
            cards.end()
    # The service must see the reader empty before another card may come.
    wait_until("the readers are empty", virtual_readers_are_empty)


def virtual_readers_are_empty() -> bool:
    return not any(name.startswith("Virtual PCD") for name in Readers.now().occupied)


@pytest.fixture
def card(service: Service, serve: Callable[..., ServedCards]) -> ServedCards:
    """An iso7816 card in the first slot, seen by the service."""
    assert service.answers()
    cards = serve("--profile", "iso7816")
    wait_until("the card is in the reader", lambda: atr_in(READER) == iso7816_atr())
    return cards


def iso7816_atr() -> str:
    return load_profile("iso7816").settings.atr.hex().upper()
