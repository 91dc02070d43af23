"""Records of real cards, replayed: the same commands under the same keys get the same answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pboc_issuer import TEST_KEY, application, blank_chip, wallet, will_draw
from pboc_terminal import challenge, ok, send

ENTRIES: dict[str, dict[str, Any]] = {
    entry["id"]: entry
    for entry in json.loads(
        (Path(__file__).parents[2] / "vectors" / "pboc.json").read_text("utf-8")
    )["entries"]
}


@pytest.mark.parametrize("name", ["load-initialize", "load-complete"])
def test_a_load(name: str) -> None:
    given, expected = ENTRIES[name]["inputs"], ENTRIES[name]["expected"]
    chip = blank_chip()
    wallet(chip)
    will_draw(chip, given["random"])
    assert ok(chip, given["command"]).hex().upper() + "9000" == expected["response"]
    if "credit_command" in expected:
        credited = ok(chip, expected["credit_command"] + "04")
        assert credited.hex().upper() + "9000" == expected["credit_response"]
        assert ok(chip, "805C000204").hex() == "00002000"


def test_a_purchase_after_the_load() -> None:
    load, purchase = ENTRIES["load-complete"], ENTRIES["purchase-complete"]
    chip = blank_chip()
    wallet(chip)
    will_draw(chip, load["inputs"]["random"] + purchase["inputs"]["random"])
    ok(chip, load["inputs"]["command"])
    ok(chip, load["expected"]["credit_command"] + "04")
    begun = ok(chip, purchase["inputs"]["command"] + "0F")
    assert begun.hex().upper() + "9000" == purchase["expected"]["response"]
    paid = ok(chip, purchase["expected"]["debit_command"])
    assert paid.hex().upper() + "9000" == purchase["expected"]["debit_response"]
    assert ok(chip, "805C000204").hex() == "00001fff"
    assert ok(chip, "805A0006020001" + "08") == paid[4:] + paid[:4]
    assert ok(chip, "00B201C400").hex() == (
        "0000" + "000000" + "00000001" + "06" + "001122334455" + "20161216134600"
    )


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("writekey-add-F9", ""),
        ("writekey-39toF9", "80D401010D39F0F0AAFF0102030405060708"),
        ("writekey-F9to39", "80D401020D39F0F0AAFF0102030405060708"),
    ],
)
def test_a_key_is_written_enciphered(name: str, before: str) -> None:
    entry = ENTRIES[name]
    chip = blank_chip(entry["inputs"]["key"])
    if before:
        ok(chip, before)
    will_draw(chip, entry["inputs"]["challenge"])
    challenge(chip)
    ok(chip, entry["expected"]["command"])
    identifier = entry["inputs"]["header"][-2:]
    assert send(chip, f"008200{identifier}").sw == 0x63CF


def test_a_key_of_a_security_module_is_loaded() -> None:
    entry = ENTRIES["psam-loadkey"]
    chip = blank_chip(entry["inputs"]["key"], "psam")
    will_draw(chip, entry["inputs"]["challenge"])
    challenge(chip)
    ok(chip, entry["expected"]["command"])
    ok(chip, "80E000160728000CF0F0FFFF")
    answer = ok(chip, "807000001C" + "00" * 20 + "1122334455667788" + "08")
    assert answer[:4] == bytes(4)


@pytest.mark.parametrize(
    ("name", "create", "le"),
    [
        ("linemac-0", "80E000160728" + "0030F0F0FFFF", ""),
        ("linemac-2", "80E0001607A8" + "0030F0F0FFFF", "10"),
        ("linemac-3", "80E0001507A8" + "0030F0F0FFFF", ""),
        ("linemac-4", "80E0000507A8" + "0040F0F0FFFF", ""),
    ],
)
def test_a_line_mac_is_right(name: str, create: str, le: str) -> None:
    entry = ENTRIES[name]["inputs"]
    chip = blank_chip()
    application(chip)
    ok(chip, "80D401001536F0F0FF33" + entry["key"])
    ok(chip, create)
    will_draw(chip, entry["challenge"])
    challenge(chip)
    ok(chip, entry["data"] + ENTRIES[name]["expected"]["mac"] + le)


def test_the_manual_s_external_authentication() -> None:
    entry = ENTRIES["extauth"]
    chip = blank_chip()
    application(chip)
    ok(chip, "80D401010D39F0F05533" + entry["inputs"]["key"])
    will_draw(chip, "BB83BFF3")
    challenge(chip)
    ok(chip, "0082000108" + entry["expected"]["out"])


@pytest.mark.parametrize(
    ("name", "key_type", "p1"),
    [("intauth-enc", "30", "00"), ("intauth-dec", "31", "01"), ("intauth-mac", "32", "02")],
)
def test_the_manual_s_internal_authentication(name: str, key_type: str, p1: str) -> None:
    entry = ENTRIES[name]
    chip = blank_chip()
    application(chip)
    ok(chip, f"80D401010D{key_type}F0F00000" + entry["inputs"]["key"])
    answer = ok(chip, f"0088{p1}0108" + entry["inputs"]["data"] + "08")
    assert answer.hex().upper() in entry["expected"].values()


def test_a_key_without_counter_tells_version_and_algorithm() -> None:
    chip = blank_chip()
    wallet(chip)
    ok(chip, "80D4010515" + "3EF0F00700" + TEST_KEY)
    assert ok(chip, "805001020B05000000000011223344550F")[9:11] == b"\x07\x00"
