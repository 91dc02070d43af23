"""Every scenario through the real PC/SC service: the card in one reader, the PSAM in the other.

One session of the service and one pair of readers serve them all. Between two scenarios, and where
a scenario has a second card, somebody changes the card in the reader.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

import pytest
from played import CASES, PROFILES, setting
from real_reader import READER, Readers, Service, wait_until

from simcard.card import Card
from simcard.links import VpcdLink
from simcard.links.vpcd import DEFAULT_ADDRESS
from simcard.scenarios import SCENARIOS, cast, new_module, run

pytestmark = pytest.mark.pcsc

SECOND_READER = "Virtual PCD 00 01"


class Tray:
    """What lies in a reader: a card that somebody can change while the power is off."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self._next = card

    @property
    def atr(self) -> bytes:
        return self.card.atr

    def put(self, card: Card) -> None:
        """The next time the reader switches on, it is this *card*."""
        self._next = card

    def power_on(self) -> bytes:
        self.card = self._next
        return self.card.power_on()

    def reset(self) -> bytes:
        return self.card.reset()

    def power_off(self) -> None:
        self.card.power_off()

    def transmit(self, apdu: bytes) -> bytes:
        return self.card.transmit(apdu)


class Terminal:
    """A connection by T=0 to whatever lies in a reader, by the plain calls of the API."""

    def __init__(self, reader: str, tray: Tray) -> None:
        self._scard: Any = pytest.importorskip("smartcard.scard")
        scard = self._scard
        self._tray = tray
        _, self._context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        code, self._card, _ = scard.SCardConnect(
            self._context, reader, scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_T0
        )
        assert code == scard.SCARD_S_SUCCESS, scard.SCardGetErrorMessage(code)

    def transmit(self, apdu: bytes) -> bytes:
        scard = self._scard
        code, answer = scard.SCardTransmit(self._card, scard.SCARD_PCI_T0, list(apdu))
        assert code == scard.SCARD_S_SUCCESS, scard.SCardGetErrorMessage(code)
        return bytes(answer)

    def reset(self) -> bytes:
        """The power goes away and comes back; the ATR is what the service says it is."""
        scard = self._scard
        code, _ = scard.SCardReconnect(
            self._card,
            scard.SCARD_SHARE_EXCLUSIVE,
            scard.SCARD_PROTOCOL_T0,
            scard.SCARD_UNPOWER_CARD,
        )
        assert code == scard.SCARD_S_SUCCESS, scard.SCardGetErrorMessage(code)
        code, _, _, _, atr = scard.SCardStatus(self._card)
        assert code == scard.SCARD_S_SUCCESS, scard.SCardGetErrorMessage(code)
        return bytes(atr)

    def change(self, card: Card) -> None:
        """Take out the card there is, and put *card* in."""
        self._tray.put(card)
        assert self.reset() == card.atr
        assert self._tray.card is card

    def close(self) -> None:
        self._scard.SCardDisconnect(self._card, self._scard.SCARD_UNPOWER_CARD)
        self._scard.SCardReleaseContext(self._context)


class Seat:
    """A card that is put into the terminal's reader whenever somebody talks to it."""

    def __init__(self, place: Place, card: Card) -> None:
        self._place = place
        self._card = card

    def transmit(self, apdu: bytes, /) -> bytes:
        self._sit_down()
        return self._place.terminal.transmit(apdu)

    def reset(self) -> bytes:
        self._sit_down()
        return self._place.terminal.reset()

    def _sit_down(self) -> None:
        if self._place.tray.card is not self._card:
            self._place.terminal.change(self._card)


class Place(NamedTuple):
    """A reader with what lies in it, and the terminal that is connected to it."""

    terminal: Terminal
    tray: Tray

    def seat(self, card: Card) -> Seat:
        """A place for *card*, which does not get its power from anybody else any more."""
        card.power_off()
        return Seat(self, card)


@pytest.fixture(scope="module")
def places(service: Service) -> Iterator[tuple[Place, Place]]:
    """Two readers, for card and module; the terminals stay connected for all scenarios."""
    assert service.answers()
    world = setting(PROFILES[2])
    trays = [Tray(cast(SCENARIOS["hospital"], world)["card"]), Tray(new_module(world))]
    for tray in trays:
        tray.power_off()
    host, port = DEFAULT_ADDRESS
    links = [VpcdLink(tray, (host, port + slot)) for slot, tray in enumerate(trays)]
    threads = [threading.Thread(target=link.run) for link in links]
    for thread in threads:
        thread.start()
    names = {READER, SECOND_READER}
    try:
        wait_until("both readers have a card", lambda: names <= Readers.now().occupied)
        with (
            closing(Terminal(READER, trays[0])) as card,
            closing(Terminal(SECOND_READER, trays[1])) as module,
        ):
            yield Place(card, trays[0]), Place(module, trays[1])
    finally:
        for link in links:
            link.stop()
        for thread in threads:
            thread.join()
        wait_until("the readers are empty", lambda: not names & Readers.now().occupied)


@pytest.mark.parametrize(("name", "profile"), CASES)
def test_a_scenario_passes_in_two_readers(
    places: tuple[Place, Place], name: str, profile: str
) -> None:
    world = setting(profile)
    at_card, at_module = places
    cards = cast(SCENARIOS[name], world)
    seats = {role: at_card.seat(card) for role, card in cards.items()}
    outcome = run(SCENARIOS[name], seats, at_module.seat(new_module(world)), world)
    assert outcome.passed, outcome.failure
    assert at_card.tray.card in cards.values()


def test_what_fails_in_this_process_fails_in_the_readers(places: tuple[Place, Place]) -> None:
    world = setting("ssc3")
    at_card, at_module = places
    foreign = cast(SCENARIOS["foreign-root"], world)["card"]
    scenario, module = SCENARIOS["another-city"], new_module(world)
    outcome = run(scenario, at_card.seat(foreign), at_module.seat(module), world)
    assert "does not know the key" in (outcome.failure or "")
