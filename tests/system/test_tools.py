"""Programs that are not ours see the served card through the real PC/SC service."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from real_reader import READER, Readers, ServedCards, Service, atr_in, program, wait_until

from simcard.profiles import load_profile

pytestmark = pytest.mark.pcsc

SECOND_READER = "Virtual PCD 00 01"


def send(*apdus: str) -> str:
    number = Readers.now().number[READER]
    arguments = [part for apdu in apdus for part in ("--send-apdu", apdu)]
    return program("opensc-tool", "--reader", number, *arguments).stdout


def test_opensc_tool_reads_the_atr(card: ServedCards) -> None:
    assert "the card is in the reader" in card.said()
    assert atr_in(READER) == load_profile("iso7816").settings.atr.hex().upper()


@pytest.mark.usefixtures("card")
def test_opensc_tool_selects_the_master_file() -> None:
    assert "SW1=0x90, SW2=0x00" in send("00A4000C023F00")


@pytest.mark.usefixtures("card")
def test_opensc_tool_reads_a_file_and_is_refused_another() -> None:
    answers = send("00A4040C07F053494D434152", "00B0810004", "00B0830004")
    assert answers.count("Received (SW1=0x90, SW2=0x00)") == 2
    assert "00 01 02 03" in answers
    assert "Received (SW1=0x69, SW2=0x82)" in answers


@pytest.mark.usefixtures("card")
def test_pcsc_scan_sees_the_card() -> None:
    seen = program("pcsc_scan", "-n", "-t", "1").stdout
    assert "Card inserted" in seen
    assert load_profile("iso7816").settings.atr.hex(" ").upper() in seen


def test_ctrl_c_takes_the_card_out_and_is_no_error(card: ServedCards) -> None:
    assert card.end() == 0
    assert card.said().endswith("stopped\n")
    wait_until("the reader is empty", lambda: READER not in Readers.now().occupied)


def test_two_cards_lie_in_two_slots(service: Service, serve: Callable[..., ServedCards]) -> None:
    assert service.answers()
    serve("--profile", "iso7816", "--profile", "iso7816")
    wait_until("both slots are full", lambda: {READER, SECOND_READER} <= Readers.now().occupied)
    assert atr_in(READER) == atr_in(SECOND_READER) != ""


def test_a_card_lies_on_a_contactless_reader_and_a_module_in_a_contact_one(
    service: Service, serve: Callable[..., ServedCards]
) -> None:
    assert service.answers()
    serve("--profile", "ssc3", "--profile", "psam", "--contactless")
    wait_until("both slots are full", lambda: {READER, SECOND_READER} <= Readers.now().occupied)
    assert atr_in(READER) == load_profile("ssc3").contactless.settings.atr.hex().upper()
    assert atr_in(SECOND_READER) == load_profile("psam").settings.atr.hex().upper()
    answers = send("00A404000F7378312E73682EC9E7BBE1B1A3D5CF", "00B2072C0B")
    assert answers.count("Received (SW1=0x90, SW2=0x00)") == 2


def test_the_card_comes_back_when_the_service_restarts(
    restartable: Service, card: ServedCards
) -> None:
    restartable.stop()
    wait_until("the link notices", lambda: "the reader is gone" in card.said())
    assert not Readers.now().number
    restartable.start()
    wait_until("the card is back", lambda: atr_in(READER) != "")
    assert "SW1=0x90, SW2=0x00" in send("00A4000C023F00")
    assert card.said().count("the card is in the reader") == 2


def test_a_card_waits_for_a_service_that_starts_later(
    restartable: Service, serve: Callable[..., ServedCards]
) -> None:
    restartable.stop()
    early = serve("--profile", "iso7816")
    wait_until("the link says that it waits", lambda: "no reader yet" in early.said())
    restartable.start()
    wait_until("the card is in the reader", lambda: atr_in(READER) != "")
