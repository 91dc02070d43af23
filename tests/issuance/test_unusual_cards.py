"""Issued cards out of the ordinary: names and birthdays at the edge, expiry, a blocked PIN."""

from __future__ import annotations

from datetime import date

import pytest

from simcard.card import Card
from simcard.issuance.holder import Holder, check_character
from simcard.profiles import load_profile
from simcard.scenarios import Role, Setting
from simcard.scenarios.cast import make
from simcard.scenarios.setting import EXPIRED, HOLDER

PROFILES = ["ssc2", "ssc3"]
PIN = "0020000003123456"
SSSE = "00A4040C0F7378312E73682EC9E7BBE1B1A3D5CF"


def card_of(profile: str, holder: Holder) -> Card:
    return make(Role(holder=holder), Setting(load_profile(profile)))


def ask(card: Card, *apdus: str) -> bytes:
    """The response to the last of *apdus*."""
    response = b""
    for apdu in apdus:
        response = card.transmit(bytes.fromhex(apdu))
    return response


def item(card: Card, apdu: str) -> bytes:
    """The value of an item that is read after the PIN; the card answers 9000."""
    response = ask(card, SSSE, PIN, apdu)
    assert response[-2:] == b"\x90\x00"
    return response[2:-2]


def named(name: str, *, fallback: bool = False) -> Holder:
    fields = HOLDER.model_dump() | {"name": name, "fallback": fallback}
    return Holder.model_validate(fields)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_name_of_thirty_bytes_fills_its_record_and_leaves_the_extension_empty(
    profile: str,
) -> None:
    card = card_of(profile, named("欧阳" + "张" * 13))
    assert item(card, "00B2093020") == ("欧阳" + "张" * 13).encode("gbk")
    assert item(card, "00B24E3016") == bytes(20)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_rare_character_stands_as_a_question_mark_where_that_is_allowed(profile: str) -> None:
    with pytest.raises(ValueError, match=r"U\+20BB7 is not in GBK"):
        named("张𠮷")
    card = card_of(profile, named("张𠮷", fallback=True))
    assert item(card, "00B2093020") == "张?".encode("gbk").ljust(30, b"\0")


@pytest.mark.parametrize("profile", PROFILES)
def test_a_leap_day_is_a_birthday_on_the_card(profile: str) -> None:
    number = "33030220000229001"
    fields = {"number": number + check_character(number), "born": date(2000, 2, 29)}
    card = card_of(profile, Holder.model_validate(HOLDER.model_dump() | fields))
    assert item(card, "00B20D3006") == bytes.fromhex("20000229")


@pytest.mark.parametrize("profile", PROFILES)
def test_an_expired_card_says_so_in_both_places_and_knows_no_date(profile: str) -> None:
    card = card_of(profile, EXPIRED)
    assert item(card, "00B2062806") == bytes.fromhex("20260115")
    assert ask(card, "00A4040C06D15600000508", "00B0951806") == bytes.fromhex("202601150000 9000")


@pytest.mark.parametrize("profile", PROFILES)
def test_wrong_pins_block_for_good_until_the_issuer_helps(profile: str) -> None:
    card = card_of(profile, HOLDER)
    ask(card, SSSE)
    answers = [ask(card, "0020000003000000").hex() for _ in range(4)]
    assert answers == ["63c2", "63c1", "63c0", "6983"]
    card.reset()
    assert ask(card, SSSE, PIN) == bytes.fromhex("6983")
    assert ask(card, "00B2093020") == bytes.fromhex("6982")
    assert ask(card, "00B2072800")[2:-2] == HOLDER.card_number.encode()
