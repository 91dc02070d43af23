"""Line protection of the family: which key protects what, and what wrong MACs cost."""

from __future__ import annotations

import pytest
from pboc_issuer import TEST_KEY, application, blank_chip
from pboc_terminal import (
    PUBLIC,
    SSSE,
    challenge,
    key_of,
    ok,
    oracle,
    powered,
    prove,
    sealed,
    select,
    send,
)

from simcard.crypto.blocks import BlockCipher
from simcard.crypto.diversification import Diversification
from simcard.crypto.pboc import authentication_cryptogram, line_mac
from simcard.memory import PowerCut, PowerLoss

LINE = bytes.fromhex(TEST_KEY)


def spoiled(command: str) -> str:
    return command[:-2] + f"{int(command[-2:], 16) ^ 1:02x}"


def test_wrong_macs_block_the_key_and_the_right_one_comes_too_late() -> None:
    chip = blank_chip()
    application(chip)
    ok(chip, "80D401001536F0F0FF33" + TEST_KEY)
    ok(chip, "80E0001607A80010F0F0FFFF")
    answers = [send(chip, spoiled(sealed(chip, "04D69600", LINE, b"\x01"))).sw for _ in range(2)]
    ok(chip, sealed(chip, "04D69600", LINE, b"\x02"))
    answers += [send(chip, spoiled(sealed(chip, "04D69600", LINE, b"\x01"))).sw for _ in range(3)]
    assert answers == [0x6988] * 5
    assert send(chip, sealed(chip, "04D69600", LINE, b"\x03")).sw == 0x6983
    assert ok(chip, "00B0960001") == b"\x02"


@pytest.mark.parametrize(("write", "sw"), [(1, 0x9000), (2, 0x6983)])
def test_the_try_is_gone_before_the_mac_is_looked_at(write: int, sw: int) -> None:
    chip = blank_chip()
    application(chip)
    ok(chip, "80D401001536F0F0FF11" + TEST_KEY)
    ok(chip, "80E0001607A80010F0F0FFFF")
    right = sealed(chip, "04D69600", LINE, b"\x01")
    chip.flash.arm(PowerCut(write))
    with pytest.raises(PowerLoss):
        chip.transmit(bytes.fromhex(right))
    chip.flash.restore()
    chip.power_on()
    ok(chip, "00A4000C023F01")
    assert send(chip, sealed(chip, "04D69600", LINE, b"\x01")).sw == sw


def test_an_enciphered_file_is_updated_and_read_enciphered() -> None:
    chip = blank_chip()
    application(chip)
    ok(chip, "80D401001536F0F0FF33" + TEST_KEY)
    ok(chip, "80E0001607E80010F0F0FFFF")
    ok(chip, sealed(chip, "04D69600", LINE, b"\x11\x22", cipher=True))
    assert ok(chip, "00B0960002") == b"\x11\x22"
    assert send(chip, "00D6960001FF").sw == 0x6982


def test_without_a_line_key_there_is_no_protection() -> None:
    chip = blank_chip()
    application(chip)
    ok(chip, "80E0001607A80010F0F0FFFF")
    assert send(chip, sealed(chip, "04D69600", LINE, b"\x01")).sw == 0x6882


def test_the_pin_s_own_unblocking_key_comes_first() -> None:
    chip = blank_chip()
    application(chip)
    other = bytes.fromhex(TEST_KEY)[::-1]
    ok(chip, "80D401001537F0F0FF33" + TEST_KEY)
    ok(chip, "80D401021537F0F0FF33" + other.hex())
    ok(chip, "80D40102083AF0EF0133123456")
    assert send(chip, sealed(chip, "84240002", LINE, b"\x65\x43\x21", cipher=True)).sw == 0x6988
    ok(chip, sealed(chip, "84240002", other, b"\x65\x43\x21", cipher=True))
    ok(chip, "0020000203654321")


def test_the_third_generation_protects_with_sm4() -> None:
    card = powered("ssc3")
    select(card, PUBLIC)
    key = key_of("ssc3", "DF08", "external", 1)
    random = challenge(card, 16)
    ok(card, "0082000110" + authentication_cryptogram(key, random, BlockCipher.SM4).hex())
    line = key_of("ssc3", "DF08", "line", 0)
    random = challenge(card, 16)
    covered = bytes.fromhex("04D6950005") + b"\x91"
    mac = line_mac(line, random, covered, BlockCipher.SM4)
    ok(card, covered + mac)
    assert ok(card, "00B0950001") == b"\x91"


@pytest.mark.parametrize("size", [8, 16])
def test_the_third_generation_takes_factors_of_both_lengths(size: int) -> None:
    card = powered("ssc3")
    select(card, SSSE)
    factor, random = challenge(card, size), challenge(card, 16)
    key = Diversification.SM4_BLOCK.derive(key_of("ssc3", "DDF1", "external", 4), factor)
    proof = authentication_cryptogram(key, random, BlockCipher.SM4)
    ok(card, f"00820004{16 + size:02X}" + (proof + factor).hex())
    ok(card, "00A4020C02EF05")
    ok(card, "00DC07040B0709533030303030303138")


def test_the_environment_signs_with_sm2() -> None:
    card = powered("ssc3")
    select(card, SSSE)
    assert len(ok(card, "0088008108010203040506070800")) == 64
    assert send(powered("ssc2"), "0088008108010203040506070800").sw == 0x6A88


def test_states_belong_to_their_df() -> None:
    card = powered("ssc2")
    ok(card, "00A4000C023F00")
    assert prove(card, 0, key_of("ssc2", "3F00", "external", 0)).sw == 0x9000
    ok(card, "80E03F020D380100F0F095FFFF5A5A5A5A5A")  # the state of the MF lets DFs be created
    select(card, SSSE)
    ok(card, "80E0DF090D380100F0F095FFFF5A5A5A5A59")  # and it lasts below
    select(card, SSSE)
    ok(card, "00A4020C02EF06")
    assert send(card, "00B2010400").sw == 0x6982  # but it is not the state of another DF
    card.reset()
    select(card, SSSE)
    assert send(card, "80E0DF0A0D380100F0F095FFFF5A5A5A5A58").sw == 0x6982


def test_a_key_file_can_be_full_and_can_ask_for_protection() -> None:
    chip = blank_chip()
    ok(chip, "80E03F010D38" + "0520F0F095FFFF57414C4C45")
    ok(chip, "80E0000007BF" + "0030" + "00F0FFFF")
    assert send(chip, "80D401010D39F0F0AA33" + "0102030405060708").sw == 0x6982
    master = b"\xff" * 16
    command = sealed(chip, "84D40101", master, bytes.fromhex("39F0F0AA330102030405060708"))
    ok(chip, command)
    command = sealed(chip, "84D40102", master, bytes.fromhex("39F0F0AA33" + TEST_KEY))
    assert send(chip, command).sw == 0x6A84


@pytest.mark.parametrize(
    ("apdu", "sw"),
    [
        ("80D401010D35F0F0AA330102030405060708", 0x6A80),  # a type that there is not
        ("80D401010C39F0F0AA3301020304050607", 0x6A80),  # a key of 7 bytes
        ("80D401010D39F0F0AA000102030405060708", 0x6A80),  # no tries
        ("80D40101063AF0EF013312", 0x6A80),  # a PIN of one byte
        ("80D401010479F0F0AA", 0x6A80),
        ("80E000180626010AF0F0FF", 0x6A80),
        ("80E000180128", 0x6A80),
        ("80E000000728001EF0F0FFFF", 0x6A80),
        ("80E03F00072800" + "1EF0F0FFFF", 0x6A89),
        ("80E0000307" + "3F0200" + "00F0FFFF", 0x6A80),
        ("80E03F020A380100F0F095FFFF5A5A", 0x6A80),  # a name of two bytes
        ("80E0001807280000F0F0FFFF", 0x6A80),
        ("80E00018072E0017F0EFFFFF", 0x6A80),
        ("80E03F0108380100F0F095FFFF", 0x6A89),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_happens(apdu: str, sw: int) -> None:
    chip = blank_chip()
    application(chip)
    before = chip.flash.image()
    assert send(chip, apdu).sw == sw
    assert chip.flash.image() == before


def test_a_reload_with_a_key_of_eight_bytes() -> None:
    chip = blank_chip()
    application(chip)
    ok(chip, "80D401000D38F0F0FF33" + "0102030405060708")
    ok(chip, "80D40100083AF0EF0133123456")
    mac = oracle.mac(bytes.fromhex("0102030405060708"), bytes.fromhex("654321"))
    ok(chip, "805E000007654321" + mac.hex())
    ok(chip, "0020000003654321")
