"""A transaction is one unbroken pair of commands: whatever comes between ends it."""

from __future__ import annotations

import pytest
from pboc_issuer import with_purse
from pboc_terminal import (
    PIN,
    PUBLIC,
    balance,
    initialize,
    key_of,
    load_command,
    ok,
    powered,
    purchase_command,
    select,
    send,
)

from simcard.card import Card

BETWEEN = {
    "a command that succeeds": "805C000204",
    "a select of the same application": "00A4040C06D15600000508",
    "a refused command": "00B2FF0C00",
    "a command that is not served": "8001000000",
    "a class byte that is none": "2001000000",
    "a channel that is not open": "01B0950001",
    "a malformed command": "00B0",
    "a challenge": "0084000004",
    "half a chain": "10D6950001" + "00",
    "another initialisation": "805001020B0100000001330300000001" + "0F",
}


@pytest.fixture
def card() -> Card:
    card = powered("ssc2")
    select(card, PUBLIC)
    ok(card, PIN)
    return card


def begun_purchase(card: Card) -> str:
    begun, sw = initialize(card, "0102", 100)
    assert sw == 0x9000
    return purchase_command(key_of("ssc2", "DF08", "purchase", 1), begun, 100, 6)


@pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN.keys())
def test_a_purchase_is_over_when_anything_comes_between(card: Card, between: str) -> None:
    debit = begun_purchase(card)
    send(card, between)
    refused = 0x9302 if between.startswith("8050") else 0x6985
    if between.startswith("10"):
        refused = 0x6883
    assert send(card, debit).sw == refused
    assert balance(card) == 5000


def test_a_reset_ends_it(card: Card) -> None:
    debit = begun_purchase(card)
    card.reset()
    select(card, PUBLIC)
    assert send(card, debit).sw == 0x6985


def test_a_wrong_mac_ends_it(card: Card) -> None:
    debit = begun_purchase(card)
    wrong = debit[:-10] + f"{int(debit[-10:-2], 16) ^ 1:08x}" + debit[-2:]
    assert send(card, wrong).sw == 0x9302
    assert send(card, debit).sw == 0x6985


def test_fetching_the_answer_does_not_end_it(card: Card) -> None:
    answer = send(card, "805001020B0100000064330300000001")
    assert answer.sw == 0x610F
    begun = ok(card, "00C000000F")
    ok(card, purchase_command(key_of("ssc2", "DF08", "purchase", 1), begun, 100, 6))


def test_a_fork_can_complete_what_was_begun_before_it(card: Card) -> None:
    debit = begun_purchase(card)
    twin = card.fork()
    ok(card, debit)
    assert balance(twin.fork()) == 5000
    ok(twin, debit)


def test_another_channel_that_used_the_purse_ends_it(card: Card) -> None:
    ok(card, "00700001")
    ok(card, "01A4040C06D15600000508")
    debit = begun_purchase(card)
    answer = send(card, "815001020B0100000001330300000001" + "0F")
    other = purchase_command(key_of("ssc2", "DF08", "purchase", 1), answer.data, 1, 6)
    ok(card, "81" + other[2:])
    assert send(card, debit).sw == 0x6985
    assert balance(card) == 4999


def test_completing_one_kind_does_not_complete_another(card: Card) -> None:
    begun, _ = initialize(card, "0002", 100)
    credit = load_command(key_of("ssc2", "DF08", "load", 1), begun, 100, 2)
    assert send(card, "805401000F" + "00" * 15 + "08").sw == 0x6985
    assert send(card, credit).sw == 0x6985


@pytest.mark.parametrize("last", [0xFFFE, 0xFFFF])
def test_counters_end(last: int) -> None:
    card = with_purse(balance=10, offline_counter=last, online_counter=last)
    select(card, PUBLIC)
    ok(card, PIN)
    for parameters in ("0102", "0002"):
        answer = initialize(card, parameters, 1)
        assert answer.sw == (0x9000 if last < 0xFFFF else 0x9402)


def test_a_purse_can_be_full() -> None:
    card = with_purse(balance=0xFFFFFFFF)
    select(card, PUBLIC)
    ok(card, PIN)
    assert initialize(card, "0002", 0).sw == 0x9000
    assert initialize(card, "0002", 1).sw == 0x6985
