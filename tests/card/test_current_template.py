"""The current template of a channel, when somebody else changes what is around it."""

from __future__ import annotations

import pytest

from simcard.card import Card
from simcard.profiles import build_card, load_profile

SELECT_FILE = ("00A4040C09F053494D4341524401", "00A4020C02000A")
OTHERS = ("01A4040C09F053494D4341524401", "01A4020C02000A")


def send(card: Card, *commands: str) -> str:
    """The last response to *commands*, all of which are carried out."""
    response = b"\x90\x00"
    for command in commands:
        assert response[-2:] == b"\x90\x00", response.hex()
        response = card.transmit(bytes.fromhex(command))
        assert card.fault is None
    return response.hex().upper()


@pytest.fixture
def card() -> Card:
    """A card with two channels in the EF of data objects, the basic one inside its template E2."""
    card = build_card(load_profile("iso7816"))
    card.power_on()
    send(card, *SELECT_FILE, "00700001", *OTHERS, "00A4100C01E2")
    return card


def test_a_template_that_is_deleted_is_not_found_any_more(card: Card) -> None:
    assert send(card, "00CA00C100") == "049000"
    assert send(card, "01EE00E2") == "9000"
    assert send(card, "00CA00C100") == "6A88"
    assert send(card, "00D800C10101") == "6A88"
    assert send(card, "00A4130C") == "6A88"


def test_what_is_done_in_a_template_is_seen_from_around_it(card: Card) -> None:
    assert send(card, "00DA00C902BEEF", "00DE00C10105", "01CA00E200") == "C10105C20105C902BEEF9000"
    assert send(card, "00EE00C2", "01CA00E200") == "C10105C902BEEF9000"


def test_a_template_grows_no_further_than_its_file(card: Card) -> None:
    before = card.flash.image()
    assert send(card, "00DA00C9F0" + "00" * 0xF0) == "6A84"
    assert card.flash.image() == before


def test_templates_nest(card: Card) -> None:
    assert send(card, "00DA00E306C10101C20102", "00A4100C01E3", "00CA00C200") == "029000"
    assert send(card, "00DA00C20103", "00A4130C", "00A4130C", "00CA00E200") == (
        "C10104C20105E306C10101C201039000"
    )


def test_another_file_or_a_reset_leaves_the_template(card: Card) -> None:
    assert send(card, "00B0810001", "00A4020C02000A", "00CA00C100") == "0102039000"
    assert send(card, "00A4100C01E2", "00A4000C023F00", "00A4130C") == "6A88"
    card.reset()
    assert send(card, *SELECT_FILE, "00A4130C") == "6A88"


def test_a_reference_to_the_current_file_means_the_current_template(card: Card) -> None:
    assert send(card, "00CB0000025C0000") == "C10104C201059000"
    assert send(card, "00CB000A025C0000") == "C10104C201059000"
    assert send(card, "00DB3FFF03C10101", "00CB3FFF035C01C100") == "C101019000"
    assert send(card, "00CA00C100") == "049000"
