"""What the sources leave open: each choice of a profile makes another card."""

from __future__ import annotations

import pytest
from pboc_terminal import (
    MODULE,
    PIN,
    PUBLIC,
    SSSE,
    challenge,
    initialize,
    key_of,
    ok,
    oracle,
    purchase_command,
    sealed,
    select,
    send,
)

from conformance.crypto.blocks import encrypt_ecb
from simcard.card import Card
from simcard.files.descriptors import FileKind
from simcard.profiles import Profile, build_card, load_profile


def choosing(profile: str = "ssc2", **choices: object) -> Card:
    """A powered card of *profile* that has chosen otherwise."""
    loaded = load_profile(profile)
    table = loaded.tables.pboc.model_copy(update=choices)
    tables = loaded.tables.model_copy(update={"pboc": table})
    card = build_card(Profile(tables, loaded.source))
    card.power_on()
    return card


@pytest.mark.parametrize(("choice", "counter"), [("after", "0001"), ("before", "0000")])
def test_the_counter_that_names_a_proof(choice: str, counter: str) -> None:
    card = choosing(proof_counter=choice)
    select(card, PUBLIC)
    begun, _ = initialize(card, "0102", 5)
    ok(card, purchase_command(key_of("ssc2", "DF08", "purchase", 1), begun, 5, 6))
    proofs = {n: send(card, f"805A000602{n}08").sw for n in ("0000", "0001")}
    assert [n for n, sw in proofs.items() if sw == 0x9000] == [counter]


@pytest.mark.parametrize("sets", [True, False])
def test_pin_unblock_brings_a_pin_or_not(sets: bool) -> None:
    card = choosing(unblock_sets_pin=sets)
    select(card, SSSE)
    key = key_of("ssc2", "DDF1", "unblock", 0)
    ok(card, sealed(card, "84240000", key, bytes.fromhex("654321"), cipher=True))
    assert (send(card, "0020000003654321").sw == 0x9000) is sets
    assert (send(card, PIN).sw == 0x9000) is not sets


def test_without_factors_a_second_block_is_only_a_wrong_length() -> None:
    card = choosing(factors=False)
    select(card, SSSE)
    challenge(card, 8)
    assert send(card, "0082000410" + "00" * 16).sw == 0x6700
    two = ok(card, "0088000110" + "01" * 8 + "02" * 8 + "10")
    key = key_of("ssc2", "DDF1", "internal", 1)
    assert two == encrypt_ecb("TDES", key, b"\x01" * 8 + b"\x02" * 8)


@pytest.mark.parametrize(("counts", "sw"), [(True, 0x6983), (False, 0x6988)])
def test_wrong_macs_cost_tries_or_not(counts: bool, sw: int) -> None:
    card = choosing(line_failures_count=counts)
    select(card, SSSE)
    for _ in range(15):
        assert send(card, "805E00000788888800000000").sw == 0x6988
        challenge(card)
        assert send(card, "841E00000400000000").sw == 0x6988
    assert send(card, "805E00000788888800000000").sw == sw
    challenge(card)
    assert send(card, "841E00000400000000").sw == sw


def test_another_tac_key() -> None:
    card = choosing(tac_key=b"\x07")
    select(card, PUBLIC)
    assert initialize(card, "0102", 5).sw == 0x9403


def test_only_the_files_it_names_are_written_by_composite_purchases() -> None:
    card = choosing(composite_files=[0x18])
    select(card, PUBLIC)
    assert initialize(card, "0302", 5).sw == 0x9000
    assert send(card, "80DC01D00A01081122334455667788").sw == 0x6982


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("80DC03D00A03081122334455667788", 0x6A83),
        ("80DC03D40A03081122334455667788", 0x6A83),
        ("80DC01D00A02081122334455667788", 0x6A80),
        ("80DC01D20A01081122334455667788", 0x6A86),
        ("80DC01F00A01081122334455667788", 0x6A82),
        ("80DC01D021" + "01" + "00" * 32, 0x6A84),
    ],
)
def test_a_record_that_cannot_be_written(command: str, sw: int) -> None:
    card = choosing()
    select(card, PUBLIC)
    assert initialize(card, "0302", 5).sw == 0x9000
    assert send(card, command).sw == sw


def test_a_composite_purchase_writes_so_many_records_and_no_more() -> None:
    card = choosing()
    select(card, PUBLIC)
    begun, _ = initialize(card, "0302", 5)
    for note in range(8):
        ok(card, f"80DC02D40A0208{note:016X}")
    twin = card.fork()
    assert send(twin, "80DC02D40A02080000000000000009").sw == 0x6A84
    ok(card, purchase_command(key_of("ssc2", "DF08", "purchase", 1), begun, 5, 9))
    assert ok(card, "00B202D400").hex() == "0208" + f"{7:016x}"


def test_the_module_s_counter_ends() -> None:
    module = choosing("psam")
    state = module.state
    assert state is not None
    df = state.tree.by_identifier[state.tree.root, 0xDF01]
    file = state.tree.internal[df.cell, FileKind.KEY_FILE, 0]
    file.region.write(state.memory, 0, b"\xff" * 4)
    state.memory.commit()
    select(module, MODULE)
    ask = "8070000024" + "00" * 18 + "0100" + "9156000002330300" + "3303000000000017" + "08"
    assert send(module, ask).sw == 0x9402
    file.region.write(state.memory, 0, b"\xff\xff\xff\xfe")
    state.memory.commit()
    assert ok(module, ask)[:4] == b"\xff\xff\xff\xfe"
    assert send(module, ask).sw == 0x9402


def test_an_overdrawn_deposit_pays_what_was_lent_and_unloads_it_not() -> None:
    card = choosing()
    select(card, PUBLIC)
    ok(card, PIN)
    key = key_of("ssc2", "DF08", "overdraw", 1)
    for limit, sw in ((500, 0x9000), (100, 0x9000)):
        begun = ok(card, "8050040107" + "01" + "330300000001" + "13")
        process = oracle.load_key(key, begun[11:15], begun[4:6])
        new = limit.to_bytes(3, "big")
        moment = bytes(7)
        mac = oracle.mac(process, new, b"\x07", bytes.fromhex("330300000001"), moment)
        assert send(card, "805800000E" + (new + moment + mac).hex() + "04").sw == sw
    assert ok(card, "805C000104") == (10100).to_bytes(4, "big")
    begun, _ = initialize(card, "0101", 10050)
    assert begun[6:9] == (100).to_bytes(3, "big")
    ok(card, purchase_command(key_of("ssc2", "DF08", "purchase", 1), begun, 10050, 5))
    begun = ok(card, "8050040107" + "01" + "330300000001" + "13")
    process = oracle.load_key(key, begun[11:15], begun[4:6])
    mac = oracle.mac(process, bytes(3), b"\x07", bytes.fromhex("330300000001"), bytes(7))
    refused = send(card, "805800000E" + (bytes(10) + mac).hex() + "04")
    assert refused.sw == 0x6985  # more is overdrawn than the new limit lends
    assert ok(card, "805C000104") == (50).to_bytes(4, "big")
