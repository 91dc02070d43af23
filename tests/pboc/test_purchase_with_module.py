"""A purchase between a card and a terminal's security module, neither knowing the other's keys."""

from __future__ import annotations

import pytest
from pboc_terminal import (
    MODULE,
    MOMENT,
    PIN,
    PUBLIC,
    SSSE,
    balance,
    initialize,
    module_mac1,
    ok,
    powered,
    select,
    send,
)

from simcard.card import Card

CASES = [("ssc2", 1), ("ssc3", 1), ("ssc3", 2)]


@pytest.fixture
def module() -> Card:
    module = powered("psam")
    select(module, MODULE)
    return module


@pytest.mark.parametrize(("profile", "key"), CASES)
@pytest.mark.parametrize(("parameters", "kind", "purse"), [("0102", 6, 2), ("0101", 5, 1)])
def test_card_and_module_agree(
    module: Card, profile: str, key: int, parameters: str, kind: int, purse: int
) -> None:
    card = powered(profile)
    select(card, PUBLIC)
    ok(card, PIN)
    before = balance(card, purse)
    begun, sw = initialize(card, parameters, 250, key)
    assert sw == 0x9000
    said = module_mac1(module, begun, 250, kind)
    answer = ok(card, "805401000F" + (said[:4] + MOMENT + said[4:]).hex() + "08")
    ok(module, "8072000004" + answer[4:].hex())
    assert balance(card, purse) == before - 250


def test_the_module_counts_its_purchases(module: Card) -> None:
    card = powered("ssc2")
    select(card, PUBLIC)
    counters = []
    for _ in range(3):
        begun, _ = initialize(card, "0102", 1)
        counters.append(int.from_bytes(module_mac1(module, begun, 1, 6)[:4], "big"))
        module.reset()
        select(module, MODULE)
    assert counters == [0, 1, 2]


def test_the_module_refuses_a_wrong_mac2_and_a_second_one(module: Card) -> None:
    card = powered("ssc2")
    select(card, PUBLIC)
    begun, _ = initialize(card, "0102", 1)
    module_mac1(module, begun, 1, 6)
    assert send(module, "807200000400000000").sw == 0x9302
    assert send(module, "807200000400000000").sw == 0x6985


def test_the_module_has_no_key_for_other_levels(module: Card) -> None:
    command = "8070000014" + "00" * 18 + "0100" + "08"
    assert send(module, command).sw == 0x9403


def test_a_module_computes_under_a_diversified_key(module: Card) -> None:
    ok(module, "801A480110" + "9156000002330300" + "3303000000000017")
    cryptogram = ok(module, "80FA000008" + "0102030405060708" + "08")
    assert len(cryptogram) == 8
    mac = ok(module, "80FA050010" + "01020304000000001122334455667788" + "04")
    assert len(mac) == 4
    assert send(module, "801A420110" + "00" * 16).sw == 0x6985
    assert send(module, "80FA000008" + "0102030405060708" + "08").sw == 0x6985


@pytest.mark.parametrize("profile", ["ssc2", "ssc3"])
def test_the_applications_open_by_name(profile: str) -> None:
    card = powered(profile)
    for name in (SSSE, *(bytes.fromhex(f"D156000005{n:02X}") for n in (1, 2, 3, 4, 7, 8))):
        select(card, name)
