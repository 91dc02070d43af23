"""The counters of a key: a use is not a try, and only a right proof gives tries back."""

from __future__ import annotations

import pytest
from operating import COMPUTES, CONFIDENTIALITY, OK, VERIFIES, card_with, choose, send

from simcard.card import Card

KEY = "0123456789ABCDEFFEDCBA9876543210"
CHALLENGE = bytes(8)
BLOCKED, USED_UP = b"\x69\x83", b"\x69\x84"


def failed_proof(card: Card) -> bytes:
    """The answer of EXTERNAL AUTHENTICATE to a wrong cryptogram."""
    send(card, 0x84, 0, 0)
    return send(card, 0x82, 0, 1, CHALLENGE, le=None)


@pytest.fixture
def card() -> Card:
    return card_with(
        {
            "algorithm": "tdes",
            "usage": "internal external encipher decipher",
            "hex": KEY,
            "tries": 3,
            "uses": 20,
        }
    )


def test_using_a_key_gives_no_try_back(card: Card) -> None:
    choose(card, CONFIDENTIALITY, COMPUTES | VERIFIES, key=1)
    assert failed_proof(card) == b"\x63\xc2"
    assert send(card, 0x88, 0, 1, CHALLENGE)[-2:] == OK
    assert send(card, 0x2A, 0x86, 0x80, b"message")[-2:] == OK
    assert send(card, 0x2A, 0x80, 0x86, b"\x01" + bytes(8)) == b"\x6a\x80"
    assert failed_proof(card) == b"\x63\xc1"
    assert failed_proof(card) == b"\x63\xc0"
    assert send(card, 0x88, 0, 1, CHALLENGE) == BLOCKED
    assert send(card, 0x2A, 0x86, 0x80, b"message") == BLOCKED


def test_every_use_counts_also_one_that_fails_and_one_that_is_refused_does_not(card: Card) -> None:
    choose(card, CONFIDENTIALITY, COMPUTES | VERIFIES, key=1)
    for _ in range(30):
        assert send(card, 0x2A, 0x80, 0x86, b"\x01" + bytes(7)) == b"\x67\x00"
    for _ in range(10):
        assert send(card, 0x2A, 0x80, 0x86, b"\x01" + bytes(8)) == b"\x6a\x80"
        assert send(card, 0x88, 0, 1, CHALLENGE)[-2:] == OK
    assert send(card, 0x88, 0, 1, CHALLENGE) == USED_UP
    assert failed_proof(card) == USED_UP
    card.power_off()
    card.power_on()
    assert send(card, 0x88, 0, 1, CHALLENGE) == USED_UP
