"""What a reader may ask of a slot, and what the card in it then sees."""

from __future__ import annotations

import pytest
from fake_reader import Echo

from simcard.links.frames import encode
from simcard.links.slot import Slot
from simcard.memory import PowerLoss

OFF, ON, RESET, ASK_ATR = b"\x00", b"\x01", b"\x02", b"\x04"
COMMAND = bytes.fromhex("00B0000001")


def test_power_on_transmit_and_power_off_reach_the_card(card: Echo) -> None:
    slot = Slot(card)
    assert slot.receive(ON) == b""
    assert slot.receive(COMMAND) == encode(COMMAND + b"\x90\x00")
    assert slot.receive(OFF) == b""
    assert card.diary == ["on", COMMAND.hex(), "off"]


def test_the_atr_is_told_without_power_and_without_disturbing_the_card(card: Echo) -> None:
    slot = Slot(card)
    assert slot.receive(ASK_ATR) == encode(card.atr)
    slot.receive(ON)
    assert slot.receive(ASK_ATR) == encode(card.atr)
    assert card.diary == ["on"]


def test_a_reset_is_a_warm_one_when_powered_and_a_power_on_when_not(card: Echo) -> None:
    slot = Slot(card)
    slot.receive(RESET)
    slot.receive(RESET)
    assert card.diary == ["on", "reset"]
    assert slot.powered


def test_power_on_twice_is_a_cold_reset(card: Echo) -> None:
    slot = Slot(card)
    slot.receive(ON)
    slot.receive(ON)
    assert card.diary == ["on", "off", "on"]


def test_what_is_off_is_not_switched_off_again(card: Echo) -> None:
    slot = Slot(card)
    slot.receive(OFF)
    slot.withdraw()
    assert card.diary == []


def test_a_command_to_an_unpowered_card_gets_no_answer(card: Echo) -> None:
    assert Slot(card).receive(COMMAND) is None
    assert card.diary == []


def test_a_mute_card_has_no_answer_to_send(card: Echo) -> None:
    slot = Slot(card)
    slot.receive(ON)
    assert slot.receive(bytes.fromhex("00EE0000")) is None


def test_a_byte_alone_that_is_no_control_reaches_the_card(card: Echo) -> None:
    slot = Slot(card)
    slot.receive(ON)
    assert slot.receive(b"\x03") == encode(b"\x03\x90\x00")


@pytest.mark.parametrize(("size", "fits"), [(0xFFFF, True), (0x10000, False)])
def test_an_answer_longer_than_a_frame_is_not_sent(
    card: Echo, size: int, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card, "transmit", lambda _apdu: bytes(size))
    slot = Slot(card)
    slot.receive(ON)
    assert (slot.receive(COMMAND) is not None) is fits


def test_a_card_that_loses_its_power_is_silent_until_it_is_switched_on(
    card: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tear(_apdu: bytes) -> bytes:
        raise PowerLoss

    slot = Slot(card)
    slot.receive(ON)
    with monkeypatch.context() as torn:
        torn.setattr(card, "transmit", tear)
        assert slot.receive(COMMAND) is None
    assert not slot.powered
    assert slot.receive(COMMAND) is None
    slot.receive(ON)
    assert slot.receive(COMMAND) == encode(COMMAND + b"\x90\x00")
