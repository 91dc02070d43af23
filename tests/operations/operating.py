"""A card with keys that a test names, and a terminal that performs security operations with it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from simcard.apdu import Command
from simcard.card import Card
from simcard.entropy import Entropy
from simcard.profiles import Profile, build_card, load_profile
from simcard.tlv import Tlv, encode

OK: Final = b"\x90\x00"
AUTHENTICATION, HASH, CHECKSUM, SIGNATURE, CONFIDENTIALITY = 0xA4, 0xAA, 0xB4, 0xB6, 0xB8
COMPUTES, VERIFIES = 0x41, 0x81

_HEAD: Final = """
name = "keys"
title = "A card with nothing but keys"
atr = "3B 00"

[memory]
size = 16384

[access.open]
read = "always"
update = "always"

[[file]]
path = "3F00"
type = "df"
access = "open"
"""
_USAGES: Final = {
    "rsa": ["sign", "verify", "encipher", "decipher"],
    "ec": ["sign", "verify"],
    "sm2": ["sign", "verify", "encipher", "decipher"],
}

Words = Mapping[str, str | int]


def key_table(number: int, words: Words) -> str:
    """A `[[key]]` for what `usage` says, else all its algorithm can do; anybody may use it."""
    usage = _USAGES.get(str(words["algorithm"]), ["encipher", "decipher", "mac"])
    usage = str(words["usage"]).split() if "usage" in words else usage
    lines = [f'df = "3F00"\nreference = "{number:02X}"\nusage = {usage}\naccess = "open"']
    lines += [f"{name} = {value!r}" for name, value in words.items() if name != "usage"]
    return "\n[[key]]\n" + "\n".join(lines) + "\n"


@cache
def _profile(*keys: tuple[tuple[str, str | int], ...]) -> Profile:
    text = _HEAD + "".join(map(key_table, count(1), map(dict, keys)))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "keys.toml"
        path.write_text(text, "utf-8")
        return load_profile(str(path))


def card_with(*keys: Words, entropy: Entropy | None = None) -> Card:
    """A powered card that has *keys*, numbered from 01."""
    card = build_card(_profile(*(tuple(words.items()) for words in keys)), entropy=entropy)
    card.power_on()
    return card


def crypto_card() -> Card:
    """A card of the profile `crypto`, its application selected."""
    card = build_card(load_profile("crypto"))
    card.power_on()
    assert card.transmit(bytes.fromhex("00A4040C09F053494D4341524404")) == OK
    return card


def send(
    card: Card, ins: int, p1: int, p2: int, data: bytes = b"", *, le: int | None = 65536
) -> bytes:
    """The response to one command, of extended length where it has to be."""
    return card.transmit(bytes(Command(0x00, ins, p1, p2, data, le, extended=True)))


def answer(response: bytes) -> bytes:
    """The data of a response that says 9000."""
    assert response[-2:] == OK, response[-2:].hex()
    return response[:-2]


def choose(card: Card, template: int, side: int, **objects: bytes | int) -> None:
    """MANAGE SECURITY ENVIRONMENT: SET; objects are key, private, algorithm and initial."""
    tags = {"key": 0x83, "private": 0x84, "algorithm": 0x80, "initial": 0x87}
    data = b"".join(
        encode(tags[name], value if isinstance(value, bytes) else bytes([value]))
        for name, value in objects.items()
    )
    assert send(card, 0x22, side, template, data, le=None) == OK


def sign(card: Card, message: bytes) -> bytes:
    return answer(send(card, 0x2A, 0x9E, 0x9A, message))


def verify(card: Card, message: bytes, signature: bytes, tag: int = 0x9A) -> bytes:
    """The status word of VERIFY DIGITAL SIGNATURE."""
    data = bytes(Tlv(tag, message)) + bytes(Tlv(0x9E, signature))
    return send(card, 0x2A, 0x00, 0xA8, data, le=None)


def encipher(card: Card, message: bytes, tag: int = 0x82) -> bytes:
    return answer(send(card, 0x2A, tag, 0x80, message))


def decipher(card: Card, cryptogram: bytes, tag: int = 0x82) -> bytes:
    return answer(send(card, 0x2A, 0x80, tag, cryptogram))


def checksum(card: Card, message: bytes) -> bytes:
    return answer(send(card, 0x2A, 0x8E, 0x80, message))


def verify_checksum(card: Card, message: bytes, code: bytes) -> bytes:
    """The status word of VERIFY CRYPTOGRAPHIC CHECKSUM."""
    data = bytes(Tlv(0x80, message)) + bytes(Tlv(0x8E, code))
    return send(card, 0x2A, 0x00, 0xA2, data, le=None)


def hashed(card: Card, message: bytes) -> bytes:
    return answer(send(card, 0x2A, 0x90, 0x80, message))
