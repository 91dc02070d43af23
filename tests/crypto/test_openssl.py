"""The openssl command line agrees with SM2 signatures, SM3 and SM4, both ways."""

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

from simcard.crypto import SM2P256V1, BlockCipher, block_suite, pad, sm2, sm3

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="the openssl command is not installed")

MESSAGE = b"the card and the command line sign the same"
PRIVATE = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8


def openssl(*arguments: str, data: bytes = b"") -> bytes:
    assert OPENSSL is not None
    return subprocess.run([OPENSSL, *arguments], input=data, capture_output=True, check=True).stdout


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes([tag, len(body)] if len(body) < 128 else [tag, 0x81, len(body)]) + body


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The private key as SEC 1 ECPrivateKey with the curve's identifier 1.2.156.10197.1.301."""
    oid = bytes.fromhex("06082A811CCF5501822D")
    public = b"\x00" + SM2P256V1.public_key(PRIVATE)
    document = _der(
        0x30,
        _der(0x02, b"\x01"),
        _der(0x04, PRIVATE.to_bytes(32, "big")),
        _der(0xA0, oid),
        _der(0xA1, _der(0x03, public)),
    )
    path = tmp_path / "key.pem"
    path.write_bytes(openssl("pkey", "-inform", "DER", data=document))
    return path


SM2_OPTIONS = ("-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")


def test_openssl_verifies_what_the_card_signs(key_file: Path, tmp_path: Path) -> None:
    e = sm2.message_digest(SM2P256V1.public_key(PRIVATE), MESSAGE)
    signature = sm2.sign(PRIVATE, e, random.Random(5).randbytes)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    (tmp_path / "message").write_bytes(MESSAGE)
    arguments = ("pkeyutl", "-verify", "-inkey", str(key_file), "-in", str(tmp_path / "message"))
    signature_file = tmp_path / "signature"
    signature_file.write_bytes(encode_dss_signature(r, s))
    said = openssl(*arguments, *SM2_OPTIONS, "-sigfile", str(signature_file))
    assert said.strip() == b"Signature Verified Successfully"
    signature_file.write_bytes(encode_dss_signature(r, s ^ 1))
    with pytest.raises(subprocess.CalledProcessError):
        openssl(*arguments, *SM2_OPTIONS, "-sigfile", str(signature_file))


def test_the_card_verifies_what_openssl_signs(key_file: Path, tmp_path: Path) -> None:
    (tmp_path / "message").write_bytes(MESSAGE)
    arguments = ("pkeyutl", "-sign", "-inkey", str(key_file), "-in", str(tmp_path / "message"))
    r, s = decode_dss_signature(openssl(*arguments, *SM2_OPTIONS))
    public = SM2P256V1.public_key(PRIVATE)
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert sm2.verify(public, sm2.message_digest(public, MESSAGE), signature)
    assert not sm2.verify(public, sm2.message_digest(public, MESSAGE + b"!"), signature)


@pytest.mark.parametrize("length", [0, 1, 55, 56, 64, 1000])
def test_sm3_is_that_of_openssl(length: int) -> None:
    data = random.Random(length).randbytes(length)
    assert openssl("dgst", "-sm3", "-binary", data=data) == sm3(data)


@pytest.mark.parametrize("mode", ["ecb", "cbc"])
@pytest.mark.parametrize("length", [0, 15, 16, 100])
def test_sm4_is_that_of_openssl_both_ways(mode: str, length: int) -> None:
    chance = random.Random(length)
    key, iv, data = chance.randbytes(16), chance.randbytes(16), pad(chance.randbytes(length), 16)
    options = [f"-sm4-{mode}", "-K", key.hex(), "-nopad"]
    options += ["-iv", iv.hex()] if mode == "cbc" else []
    suite = block_suite(BlockCipher.SM4, key)
    ours = suite.encrypt_cbc(data, iv) if mode == "cbc" else suite.encrypt_ecb(data)
    assert openssl("enc", *options, data=data) == ours
    assert openssl("enc", "-d", *options, data=ours) == data
    theirs = openssl("enc", *options, data=data)
    back = suite.decrypt_cbc(theirs, iv) if mode == "cbc" else suite.decrypt_ecb(theirs)
    assert back == data
