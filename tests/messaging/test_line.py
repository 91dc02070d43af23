"""PBOC line protection, from the judge's side of the line."""

import pytest

from conformance.crypto.pboc import line_encipher, line_mac
from simcard.card import Card
from simcard.profiles import build_card, load_profile

KEY = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
OK = b"\x90\x00"


@pytest.fixture
def card() -> Card:
    card = build_card(load_profile("globalplatform"), 1)
    card.power_on()
    assert card.transmit(bytes.fromhex("00A4040C09F053494D4341524403")) == OK
    return card


def protected(card: Card, header: str, data: bytes, size: int = 4) -> bytes:
    challenge = card.transmit(bytes.fromhex("00840000") + bytes([size]))[:-2]
    command = bytes.fromhex(header) + bytes([len(data) + 4]) + data
    return command + line_mac(KEY, challenge, command)


@pytest.mark.parametrize("size", [4, 8])
def test_update_with_mac(card: Card, size: int) -> None:
    assert card.transmit(protected(card, "04D68100", b"abc", size)) == OK
    assert card.transmit(bytes.fromhex("00B0810003")) == b"abc" + OK


def test_update_without_protection_is_refused(card: Card) -> None:
    assert card.transmit(bytes.fromhex("00D6810003616263")) == b"\x69\x82"


def test_challenge_serves_once(card: Card) -> None:
    command = protected(card, "04D68100", b"abc")
    assert card.transmit(command) == OK
    assert card.transmit(command) == b"\x69\x85"


@pytest.mark.parametrize("bit", range(8 * 5, 8 * 12))
def test_flipped_bit_changes_nothing(card: Card, bit: int) -> None:
    flipped = bytearray(protected(card, "04D68100", b"abc"))
    flipped[bit // 8] ^= 1 << bit % 8
    assert card.transmit(bytes(flipped)) == b"\x69\x88"
    assert card.transmit(bytes.fromhex("00B0810003")) == bytes(3) + OK


def test_short_data_field_lacks_its_mac(card: Card) -> None:
    card.transmit(bytes.fromhex("0084000004"))
    assert card.transmit(bytes.fromhex("04D6810002AABB")) == b"\x69\x87"


def test_confidential_file_takes_and_gives_cryptograms(card: Card) -> None:
    assert card.transmit(protected(card, "04D68200", line_encipher(KEY, b"hello"))) == OK
    answer = card.transmit(protected(card, "04B08200", b"") + b"\0")
    assert answer[-2:] == OK
    assert answer[:-2] == line_encipher(KEY, b"hello".ljust(64, b"\0"))


def test_plain_data_for_a_confidential_file_is_no_cryptogram(card: Card) -> None:
    assert card.transmit(protected(card, "04D68200", b"in plain")) in (b"\x69\x82", b"\x69\x88")
