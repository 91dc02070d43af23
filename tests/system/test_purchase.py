"""A purchase between two cards of ours, each behind a slot of the real PC/SC service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pboc_terminal import CARD_FACTOR, CITY, MODULE, MOMENT, PUBLIC, TERMINAL
from real_reader import READER, ServedCards, Service, atr_in, wait_until

from simcard.apdu import Command
from simcard.profiles import load_profile

pytestmark = pytest.mark.pcsc

SECOND_READER = "Virtual PCD 00 01"
AMOUNT = (250).to_bytes(4, "big")


class Slot:
    """A connection with T=0 to the card in a reader, by the plain calls of the API."""

    def __init__(self, reader: str) -> None:
        self._scard: Any = pytest.importorskip("smartcard.scard")
        scard = self._scard
        _, self._context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        code, self._card, self.protocol = scard.SCardConnect(
            self._context, reader, scard.SCARD_SHARE_SHARED, scard.SCARD_PROTOCOL_T0
        )
        assert code == scard.SCARD_S_SUCCESS, scard.SCardGetErrorMessage(code)

    def done(self, command: bytes) -> bytes:
        """The response data of a command; what waits is fetched, as T=0 terminals do."""
        scard = self._scard
        code, answer = scard.SCardTransmit(self._card, scard.SCARD_PCI_T0, list(command))
        assert code == scard.SCARD_S_SUCCESS, scard.SCardGetErrorMessage(code)
        *data, sw1, sw2 = answer
        if sw1 == 0x61:
            return self.done(bytes([command[0] & 0x03, 0xC0, 0, 0, sw2]))
        assert (sw1, sw2) == (0x90, 0x00), f"{command.hex()}: {sw1:02X}{sw2:02X}"
        return bytes(data)

    def close(self) -> None:
        self._scard.SCardDisconnect(self._card, self._scard.SCARD_LEAVE_CARD)
        self._scard.SCardReleaseContext(self._context)


@pytest.fixture(params=["ssc2", "ssc3"])
def slots(
    request: pytest.FixtureRequest, service: Service, serve: Callable[..., ServedCards]
) -> Iterator[tuple[Slot, Slot]]:
    assert service.answers()
    serve("--profile", request.param, "--profile", "psam")
    for reader, name in ((READER, request.param), (SECOND_READER, "psam")):
        wait_until(f"{name} is in its reader", lambda r=reader, n=name: atr_in(r) == atr_of(n))
    both = Slot(READER), Slot(SECOND_READER)
    yield both
    for slot in both:
        slot.close()


def atr_of(name: str) -> str:
    return load_profile(name).settings.atr.hex().upper()


def test_a_card_and_a_module_in_two_readers(slots: tuple[Slot, Slot]) -> None:
    card, module = slots
    card.done(bytes(Command(0x00, 0xA4, 0x04, 0x00, PUBLIC)))
    module.done(bytes(Command(0x00, 0xA4, 0x04, 0x00, MODULE)))
    before = int.from_bytes(card.done(bytes.fromhex("805C000204")), "big")
    begun = card.done(bytes(Command(0x80, 0x50, 0x01, 0x02, b"\x01" + AMOUNT + TERMINAL)))
    asked = begun[11:15] + begun[4:6] + AMOUNT + b"\x06" + MOMENT + begun[9:11]
    said = module.done(bytes(Command(0x80, 0x70, 0, 0, asked + CITY + CARD_FACTOR)))
    paid = card.done(bytes(Command(0x80, 0x54, 0x01, 0x00, said[:4] + MOMENT + said[4:])))
    module.done(bytes(Command(0x80, 0x72, 0, 0, paid[4:])))
    assert int.from_bytes(card.done(bytes.fromhex("805C000204")), "big") == before - 250


def test_a_field_terminal_reads_the_card(slots: tuple[Slot, Slot]) -> None:
    card, _ = slots
    card.done(bytes.fromhex("00A404000F7378312E73682EC9E7BBE1B1A3D5CF"))
    card.done(bytes.fromhex("0020000003123456"))
    card.done(bytes.fromhex("00A4020002EF06"))
    name = card.done(bytes.fromhex("00B2090020"))[2:]
    assert name.rstrip(b"\0").decode("gbk") == "张三"
