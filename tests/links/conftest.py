"""A card, a service and a link between them, made anew for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from fake_reader import Echo, Reader, Running, Service

from simcard.links import VpcdLink


@pytest.fixture
def card() -> Echo:
    return Echo()


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.go_away()


@pytest.fixture
def start(card: Echo) -> Iterator[Callable[..., Running]]:
    """Starts a link for the card of this test and ends it afterwards."""
    running: list[Running] = []

    def begin(address: tuple[str, int], *, listen: bool = False) -> Running:
        running.append(Running(lambda tell: VpcdLink(card, address, listen=listen, on_event=tell)))
        return running[-1]

    yield begin
    for each in running:
        each.end()


@pytest.fixture
def reader(service: Service, start: Callable[..., Running]) -> Iterator[Reader]:
    """A reader with the card of this test in it."""
    start(service.address)
    with closing(service.accept()) as reader:
        yield reader
