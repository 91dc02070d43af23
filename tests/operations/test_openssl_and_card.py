"""The openssl command line agrees with what the card makes of SM2, SM3 and SM4, both ways.

Each side has a key pair of its own and of the other only the public key.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from operating import (
    COMPUTES,
    CONFIDENTIALITY,
    HASH,
    OK,
    SIGNATURE,
    VERIFIES,
    answer,
    card_with,
    choose,
    decipher,
    encipher,
    hashed,
    send,
    sign,
    verify,
)

from simcard.card import Card
from simcard.crypto.curves import SM2P256V1
from simcard.tlv import encode, parse

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="the openssl command is not installed")

MESSAGE = b"what the card signs, the command line verifies"
PRIVATE = 0x128B2FA8BD433C6C068C8D803DFF79792A519A55171B1B650C23661D15897263
CURVE = bytes.fromhex("06082A811CCF5501822D")
EC_PUBLIC_KEY = bytes.fromhex("06072A8648CE3D0201")
SM2_OPTIONS = ("-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")


def openssl(*arguments: str | Path, data: bytes = b"") -> bytes:
    assert OPENSSL is not None
    command = [OPENSSL, *map(str, arguments)]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


@pytest.fixture
def command_line_key(tmp_path: Path) -> Path:
    """The command line's key pair (RFC 5915)."""
    parts = [
        encode(0x02, b"\x01"),
        encode(0x04, PRIVATE.to_bytes(32, "big")),
        encode(0xA0, CURVE),
        encode(0xA1, encode(0x03, b"\0" + SM2P256V1.public_key(PRIVATE))),
    ]
    path = tmp_path / "own.pem"
    path.write_bytes(openssl("pkey", "-inform", "DER", data=encode(0x30, b"".join(parts))))
    return path


@pytest.fixture
def card() -> Card:
    """A card with a pair made on it (key 01) and the command line's public key (key 02)."""
    point = SM2P256V1.public_key(PRIVATE).hex()
    card = card_with(
        {"algorithm": "sm2", "private": "11" * 32}, {"algorithm": "sm2", "public": point}
    )
    assert send(card, 0x46, 0x84, 0x00, bytes.fromhex("B603840101"), le=None) == OK
    return card


@pytest.fixture
def card_key(card: Card, tmp_path: Path) -> Path:
    """The card's public key, as the card answers it, for the command line (RFC 5480)."""
    (template,) = parse(answer(send(card, 0x46, 0x81, 0x00, bytes.fromhex("B603840101"))))
    (point,) = template.children()
    document = encode(0x30, encode(0x30, EC_PUBLIC_KEY + CURVE) + encode(0x03, b"\0" + point.value))
    path = tmp_path / "card.pem"
    path.write_bytes(openssl("pkey", "-pubin", "-inform", "DER", data=document))
    return path


def test_openssl_verifies_what_the_card_signs(card: Card, card_key: Path, tmp_path: Path) -> None:
    choose(card, SIGNATURE, COMPUTES, private=1)
    signature = sign(card, MESSAGE)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    message, proof = tmp_path / "message", tmp_path / "signature"
    message.write_bytes(MESSAGE)
    proof.write_bytes(encode_dss_signature(r, s))
    arguments = ("pkeyutl", "-verify", "-pubin", "-inkey", card_key, "-in", message)
    said = openssl(*arguments, *SM2_OPTIONS, "-sigfile", proof)
    assert said.strip() == b"Signature Verified Successfully"
    message.write_bytes(MESSAGE + b"!")
    with pytest.raises(subprocess.CalledProcessError):
        openssl(*arguments, *SM2_OPTIONS, "-sigfile", proof)


def test_the_card_verifies_what_openssl_signs(
    card: Card, command_line_key: Path, tmp_path: Path
) -> None:
    (tmp_path / "message").write_bytes(MESSAGE)
    arguments = ("pkeyutl", "-sign", "-inkey", command_line_key, "-in", tmp_path / "message")
    r, s = decode_dss_signature(openssl(*arguments, *SM2_OPTIONS))
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    choose(card, SIGNATURE, VERIFIES, key=2)
    assert verify(card, MESSAGE, signature) == OK
    assert verify(card, MESSAGE + b"!", signature) == b"\x63\x00"


def integer(value: bytes) -> bytes:
    """A DER INTEGER."""
    stripped = value.lstrip(b"\0")
    return encode(0x02, b"\0" * (stripped[0] >> 7) + stripped)


def test_openssl_deciphers_what_the_card_enciphers(
    card: Card, command_line_key: Path, tmp_path: Path
) -> None:
    choose(card, CONFIDENTIALITY, VERIFIES, key=2)
    out = encipher(card, MESSAGE)
    x, y, check, body = out[1:33], out[33:65], out[65:97], out[97:]
    parts = [integer(x), integer(y), encode(0x04, check), encode(0x04, body)]
    (tmp_path / "cryptogram").write_bytes(encode(0x30, b"".join(parts)))
    arguments = ("pkeyutl", "-decrypt", "-inkey", command_line_key)
    assert openssl(*arguments, "-in", tmp_path / "cryptogram") == MESSAGE


def test_the_card_deciphers_what_openssl_enciphers(
    card: Card, card_key: Path, tmp_path: Path
) -> None:
    (tmp_path / "message").write_bytes(MESSAGE)
    arguments = ("pkeyutl", "-encrypt", "-pubin", "-inkey", card_key, "-in", tmp_path / "message")
    (sequence,) = parse(openssl(*arguments))
    x, y, check, body = (tlv.value for tlv in sequence.children())
    point = b"\x04" + b"".join(number.lstrip(b"\0").rjust(32, b"\0") for number in (x, y))
    choose(card, CONFIDENTIALITY, COMPUTES, private=1)
    assert decipher(card, point + check + body) == MESSAGE


@pytest.mark.parametrize("length", [0, 1, 55, 56, 64, 1000, 2048])
def test_sm3_on_the_card_is_that_of_openssl(card: Card, length: int) -> None:
    message = random.Random(length).randbytes(length)
    choose(card, HASH, COMPUTES, algorithm=0x70)
    assert hashed(card, message) == openssl("dgst", "-sm3", "-binary", data=message)


@pytest.mark.parametrize(("mode", "algorithm"), [("ecb", 0x28), ("cbc", 0x29)])
@pytest.mark.parametrize("length", [0, 15, 16, 100])
def test_sm4_on_the_card_is_that_of_openssl(mode: str, algorithm: int, length: int) -> None:
    chance = random.Random(length)
    key, initial, message = chance.randbytes(16), chance.randbytes(16), chance.randbytes(length)
    padded = message + b"\x80" + bytes(-(length + 1) % 16)
    options = [f"-sm4-{mode}", "-K", key.hex(), "-nopad"]
    card = card_with({"algorithm": "sm4", "hex": key.hex()})
    chained = {"initial": initial} if mode == "cbc" else {}
    if chained:
        options += ["-iv", initial.hex()]
    both = COMPUTES | VERIFIES
    choose(card, CONFIDENTIALITY, both, key=1, algorithm=algorithm, **chained)
    assert openssl("enc", "-d", *options, data=encipher(card, message)) == padded
    assert decipher(card, openssl("enc", *options, data=padded)) == message
