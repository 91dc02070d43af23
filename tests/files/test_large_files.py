"""Files larger than two bytes can count, on a chip that has room for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from simcard.apdu import Command
from simcard.card import Card
from simcard.profiles import build_card, load_profile
from simcard.tlv import Tlv, encode

TEXT = """\
name = "large"
title = "A card of a megabyte"
atr = "3B 00"

[memory]
size = 1048576
page_size = 2048

[limits]
command_data_max = 65535

[[file]]
path = "3F00"
type = "df"
access = { create_ef = "always", delete_child = "always" }
"""
SIZE = 0x11000


@pytest.fixture
def card(tmp_path: Path) -> Card:
    path = tmp_path / "large.toml"
    path.write_text(TEXT)
    new = build_card(load_profile(str(path)))
    new.power_on()
    return new


def create(card: Card, descriptor: int, size: int) -> None:
    parameters = [
        Tlv(0x82, bytes([descriptor])),
        Tlv(0x83, b"\0\1"),
        Tlv(0x80, size.to_bytes(3, "big")),
    ]
    assert send(card, 0xE0, 0, 0, encode(0x62, parameters)) == b"\x90\0"


def send(card: Card, *command: object) -> bytes:
    return card.transmit(bytes(Command(0x00, *command)))  # type: ignore[arg-type]


def at(offset: int) -> bytes:
    return encode(0x54, offset.to_bytes(3, "big"))


def test_bytes_behind_the_65536th_are_reached_by_offset_data_objects(card: Card) -> None:
    create(card, 0x01, SIZE)
    assert send(card, 0xD7, 0, 0, at(SIZE - 2) + encode(0x53, b"\xaa\xbb")) == b"\x90\0"
    assert send(card, 0xB1, 0, 0, at(SIZE - 3), 5) == b"\x53\3\0\xaa\xbb\x90\0"
    assert send(card, 0xD7, 0, 0, at(SIZE) + encode(0x53, b"\xaa")) == b"\x6b\0"
    card.power_off()
    card.power_on()
    assert send(card, 0xB1, 0, 1, at(SIZE - 3), 5) == b"\x53\3\0\xaa\xbb\x90\0"


def test_a_match_behind_the_65536th_byte_has_an_offset_of_three_bytes(card: Card) -> None:
    create(card, 0x01, SIZE)
    assert send(card, 0xD7, 0, 0, at(0x10005) + encode(0x53, b"\xaa\xbb")) == b"\x90\0"
    assert send(card, 0xA0, 0, 0, b"\xaa", 256) == bytes.fromhex("010005 9000")
    assert send(card, 0xA1, 0, 0, at(0) + b"\x53\1\xbb", 256) == bytes.fromhex("5403010006 9000")


def test_data_objects_fill_their_ef_up_to_what_it_can_count(card: Card) -> None:
    create(card, 0x39, 2 * SIZE)
    assert send(card, 0xDA, 0, 0xC1, bytes(40000)) == b"\x90\0"
    assert send(card, 0xDA, 0, 0xC2, bytes(30000)) == b"\x6a\x84"
    assert send(card, 0xDA, 0, 0xC2, bytes(25000)) == b"\x90\0"
    assert send(card, 0xCA, 0, 0xC1, b"", 65536) == bytes(40000) + b"\x90\0"
    assert send(card, 0xCA, 0, 0xC2, b"", 65536) == bytes(25000) + b"\x90\0"


def test_the_size_that_is_told_has_three_bytes(card: Card) -> None:
    create(card, 0x01, SIZE)
    assert b"\x80\3\1\x10\0" in send(card, 0xA4, 2, 4, b"\0\1", 256)
    assert send(card, 0xE4, 0, 0) == b"\x90\0"
