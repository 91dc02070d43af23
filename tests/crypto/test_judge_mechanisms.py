"""The judge's mechanisms: hashing from the middle, modes, paddings, signatures, and their keys."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.apdu import CommandAPDU
from conformance.cards import open_card
from conformance.crypto.digests import sm3
from conformance.crypto.mechanisms import (
    Public,
    checksum,
    deciphered,
    enciphered,
    enciphered_for,
    fits,
    proves,
    signature_is_right,
    signed,
)
from conformance.crypto.rounds import counted, finished, intermediate
from conformance.layout import Key
from conformance.operating import flipped, set_template
from conformance.statement import parse_statement

STATEMENT = files("conformance") / "statements" / "crypto.toml"


def key(name: str) -> Key:
    statement = parse_statement(STATEMENT.read_text("utf-8"), "crypto.toml")
    return next(one for one in statement.layout.keys if one.name == name)


@given(st.binary(max_size=40), st.integers(0, 4))
def test_hashing_goes_on_behind_whole_blocks(rest: bytes, blocks: int) -> None:
    begun = bytes(range(256))[: 64 * blocks]
    for name, whole in (
        ("SHA-256", hashlib.sha256(begun + rest).digest()),
        ("SM3", sm3(begun + rest)),
    ):
        assert finished(name, counted(intermediate(name, begun), begun), rest) == whole
    assert finished("SHA-512", bytes(72), rest) is None


@pytest.mark.parametrize("state", [bytes(39), bytes(41), bytes(39) + b"\x08"])
def test_a_state_that_is_none_is_refused(state: bytes) -> None:
    with pytest.raises(ValueError, match="whole blocks"):
        finished("SHA-256", state, b"")
    with pytest.raises(ValueError, match="whole blocks"):
        intermediate("SHA-256", b"abc")


@pytest.mark.parametrize("mechanism", ["ecb/none", "ecb/2", "cbc/none", "cbc/2"])
def test_what_is_enciphered_is_deciphered(mechanism: str) -> None:
    secret, message = bytes(range(16)), bytes(range(32))
    for initial in (b"", bytes(range(16))) if mechanism.startswith("cbc") else (b"",):
        made = enciphered(mechanism, "AES", secret, message, initial)
        assert deciphered(mechanism, "AES", secret, made, initial) == message


def test_padding_that_is_not_there_is_noticed() -> None:
    secret = bytes(16)
    long = enciphered("ecb/none", "AES", secret, b"\x80" + bytes(31), b"")
    for made in (enciphered("ecb/none", "AES", secret, bytes(16), b""), long):
        with pytest.raises(ValueError, match="padding"):
            deciphered("ecb/2", "AES", secret, made, b"")
    with pytest.raises(ValueError, match="whole blocks"):
        checksum("cbc-mac/none", "AES", secret, b"abc", b"")


def test_mechanisms_belong_to_their_keys() -> None:
    assert fits("retail/2", "TDES")
    assert not fits("retail/2", "AES")
    assert fits("pkcs1/SHA-256", "RSA")
    assert not fits("pkcs1/SHA-256", "P-256")


@pytest.mark.parametrize("name", ["RSA", "SM2"])
def test_the_card_opens_what_the_judge_enciphers(name: str) -> None:
    card = open_card("sim:crypto")
    card.connect()
    public = Public(key(name).algorithm, key(name).public, key(name).exponent)
    card.transmit(bytes.fromhex("00A40800027F50"))
    card.transmit(set_template(0xB8, key=key(name)).encode())
    made = enciphered_for(public, b"for you", 0x123456789)
    command = CommandAPDU(0x00, 0x2A, 0x80, 0x84, made, 256)
    assert card.transmit(command.encode()) == b"for you\x90\x00"


def test_only_the_right_signature_is_right() -> None:
    public = Public("P-256", key("EC").public, 65537)
    hashed = signed("ecdsa/SHA-256", public, b"sample")
    r = "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
    s = "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
    right = bytes.fromhex(r + s)  # RFC 6979, A.2.5
    assert signature_is_right("ecdsa/SHA-256", public, hashed, right)
    assert proves("ecdsa/SHA-256", public, b"sample", right)
    assert not signature_is_right("ecdsa/SHA-256", public, hashed, flipped(right, 5))
    assert not signature_is_right("ecdsa/SHA-256", public, hashed, right[:-1])
    with pytest.raises(ValueError, match="nobody hashes to 7 bytes"):
        signature_is_right("ecdsa", public, bytes(7), right)
