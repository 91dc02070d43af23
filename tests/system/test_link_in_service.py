"""The vpcd link inside the real service: speed, silence, and both sides of the connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fake_reader import MUTE_COMMAND, Echo
from real_reader import READER, Readers, ServedCards, Service, atr_in, wait_until

from simcard.links import VpcdLink

pytestmark = pytest.mark.pcsc

COMMAND = bytes.fromhex("00B0000001")
DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")


class NotTransmitted(Exception):
    """The service did not carry the command, or carried nothing back."""


class Terminal:
    """A connection through PC/SC to the card in the first slot, by the plain calls of the API."""

    def __init__(self) -> None:
        self._scard: Any = pytest.importorskip("smartcard.scard")
        scard = self._scard
        _, self._context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        code, self._card, _ = scard.SCardConnect(
            self._context, READER, scard.SCARD_SHARE_SHARED, scard.SCARD_PROTOCOL_T1
        )
        assert code == scard.SCARD_S_SUCCESS, scard.SCardGetErrorMessage(code)

    def transmit(self, command: bytes) -> bytes:
        scard = self._scard
        code, answer = scard.SCardTransmit(self._card, scard.SCARD_PCI_T1, list(command))
        if code != scard.SCARD_S_SUCCESS or not answer:
            raise NotTransmitted(scard.SCardGetErrorMessage(code))
        return bytes(answer)

    def close(self) -> None:
        self._scard.SCardDisconnect(self._card, self._scard.SCARD_LEAVE_CARD)
        self._scard.SCardReleaseContext(self._context)


@pytest.fixture
def echo(service: Service) -> Iterator[Echo]:
    """A card without any work of its own in the first slot."""
    assert service.answers()
    echo = Echo()
    link = VpcdLink(echo)
    thread = threading.Thread(target=link.run)
    thread.start()
    wait_until("the card is in the reader", lambda: atr_in(READER) == Echo.atr.hex().upper())
    yield echo
    link.stop()
    thread.join()
    wait_until("the reader is empty", lambda: READER not in Readers.now().occupied)


@pytest.mark.usefixtures("echo")
def test_no_exchange_waits_for_a_delayed_acknowledgement() -> None:
    with closing(Terminal()) as terminal:
        begin = time.perf_counter()
        for _ in range(100):
            assert terminal.transmit(COMMAND) == COMMAND + b"\x90\x00"
        assert time.perf_counter() - begin < 2, "without TCP_QUICKACK this takes 4 to 5 s"


@pytest.mark.usefixtures("echo")
def test_exchanges_a_second(benchmark: Any) -> None:
    with closing(Terminal()) as terminal:
        assert benchmark(terminal.transmit, COMMAND) == COMMAND + b"\x90\x00"


def test_a_mute_card_fails_the_command_and_not_the_service(echo: Echo) -> None:
    with closing(Terminal()) as terminal:
        assert terminal.transmit(COMMAND) == COMMAND + b"\x90\x00"
        for command in (MUTE_COMMAND, COMMAND):
            with pytest.raises(NotTransmitted):
                terminal.transmit(command)
    wait_until("the service sees it gone", lambda: READER not in Readers.now().occupied)
    wait_until("the card is back", lambda: atr_in(READER) == Echo.atr.hex().upper())
    with closing(Terminal()) as again:
        assert again.transmit(COMMAND) == COMMAND + b"\x90\x00"
    assert "off" in echo.diary


def test_the_driver_may_come_to_the_cards_instead(
    restartable: Service, serve: Any, tmp_path: Path
) -> None:
    restartable.stop()
    configuration = tmp_path / "reader.conf.d"
    configuration.mkdir()
    (configuration / "vpcd").write_text(
        f'FRIENDLYNAME "Virtual PCD"\nDEVICENAME localhost:35963\n'
        f"LIBPATH {DRIVER}\nCHANNELID 0x8C7B\n"
    )
    cards: ServedCards = serve("--listen", "--profile", "iso7816", "--profile", "iso7816")
    wait_until("both cards listen", lambda: cards.said().count("waiting for the reader") == 2)
    restartable.start("--config", str(configuration))
    wait_until("both are in the reader", lambda: len(Readers.now().occupied) == 2)
    assert atr_in(READER).startswith("3B87")
    restartable.stop()
    wait_until("the cards notice", lambda: cards.said().count("the reader is gone") == 2)
    assert cards.end() == 0
