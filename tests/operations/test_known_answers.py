"""Published known answers through the card: its keys are those of `vectors/`."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from operating import (
    CHECKSUM,
    COMPUTES,
    CONFIDENTIALITY,
    HASH,
    OK,
    SIGNATURE,
    VERIFIES,
    card_with,
    checksum,
    choose,
    decipher,
    encipher,
    hashed,
    sign,
    verify,
    verify_checksum,
)

from simcard.card import Card
from simcard.crypto.curves import CURVES
from simcard.crypto.digests import Digest
from simcard.entropy import ScriptedEntropy, SeededEntropy
from simcard.security.mechanisms import HASHES, SIGNATURES, Scheme, Signature

ROOM = Path(__file__).parents[2] / "vectors"
DIGESTS = {digest.title: digest for digest in Digest}
HASH_REFERENCES = {digest: reference for reference, digest in HASHES.items()}
SIGNATURE_REFERENCES = {algorithm: reference for reference, algorithm in SIGNATURES.items()}
BLOCK_CIPHERS = {"TDES", "AES", "SM4"}
FAILED = b"\x63\x00"

Entry = dict[str, Any]


def entries(op: str, *families: str, ciphers: Collection[str] = BLOCK_CIPHERS) -> list[Any]:
    """The entries of *families* that say *op* and that a key of this card can have."""
    return [
        pytest.param(entry, id=entry["id"])
        for family in families
        for entry in json.loads((ROOM / f"{family}.json").read_text("utf-8"))["entries"]
        if entry["op"] == op
        and {entry["inputs"].get("cipher")} <= {None, *ciphers}
        and {entry["inputs"].get("curve")} <= {None, *CURVES}
    ]


def block_key(inputs: Entry) -> dict[str, str | int]:
    return {"algorithm": inputs["cipher"].lower(), "hex": inputs["key"]}


def scripted(number: str) -> ScriptedEntropy:
    return ScriptedEntropy(bytes.fromhex(number), SeededEntropy(0))


@pytest.mark.parametrize("entry", entries("ecb", "aes_tdes", "sm4"))
def test_ecb(entry: Entry) -> None:
    i, out = entry["inputs"], bytes.fromhex(entry["expected"]["out"])
    card = card_with(block_key(i))
    choose(card, CONFIDENTIALITY, COMPUTES | VERIFIES, key=1, algorithm=0x08)
    assert encipher(card, bytes.fromhex(i["data"])) == out
    assert decipher(card, out) == bytes.fromhex(i["data"])


@pytest.mark.parametrize("entry", entries("cbc", "aes_tdes", "sm4"))
def test_cbc(entry: Entry) -> None:
    i, out = entry["inputs"], bytes.fromhex(entry["expected"]["out"])
    card = card_with(block_key(i))
    both = COMPUTES | VERIFIES
    choose(card, CONFIDENTIALITY, both, key=1, algorithm=0x09, initial=bytes.fromhex(i["iv"]))
    assert encipher(card, bytes.fromhex(i["data"])) == out
    assert decipher(card, out) == bytes.fromhex(i["data"])


@pytest.mark.parametrize("entry", entries("cmac", "aes_tdes", "sm4"))
def test_cmac(entry: Entry) -> None:
    check_mac(entry, block_key(entry["inputs"]), 0x05)


@pytest.mark.parametrize("entry", entries("mac_1", "sm4"))
def test_cbc_mac(entry: Entry) -> None:
    check_mac(entry, block_key(entry["inputs"]), entry["inputs"]["padding"] << 4 | 0x01)


@pytest.mark.parametrize("entry", entries("mac_3", "iso9797", ciphers={"DES"}))
def test_retail_mac(entry: Entry) -> None:
    i = entry["inputs"]
    key: dict[str, str | int] = {"algorithm": "tdes", "hex": i["key"] + i["key2"]}
    check_mac(entry, key, i["padding"] << 4 | 0x03)


def check_mac(entry: Entry, key: dict[str, str | int], algorithm: int) -> None:
    mac, message = (
        bytes.fromhex(text) for text in (entry["expected"]["mac"], entry["inputs"]["data"])
    )
    card = card_with(key)
    choose(card, CHECKSUM, COMPUTES | VERIFIES, key=1, algorithm=algorithm)
    assert checksum(card, message)[: len(mac)] == mac
    assert verify_checksum(card, message, mac) == OK
    assert verify_checksum(card, message, bytes([mac[0] ^ 1]) + mac[1:]) == FAILED


@pytest.mark.parametrize("entry", entries("digest", "sha", "sm3"))
def test_hash(entry: Entry) -> None:
    i, digest = entry["inputs"], DIGESTS[entry["inputs"]["digest"]]
    card = card_with({"algorithm": "sm4", "hex": "00" * 16})
    choose(card, HASH, COMPUTES, algorithm=HASH_REFERENCES[digest])
    assert hashed(card, bytes.fromhex(i["data"])) == bytes.fromhex(entry["expected"]["digest"])


@pytest.mark.parametrize("entry", entries("rsa_pkcs1", "rsa"))
def test_rsa_signature(entry: Entry) -> None:
    i, signature = entry["inputs"], bytes.fromhex(entry["expected"]["signature"])
    card = card_with({"algorithm": "rsa", "p": i["p"], "q": i["q"], "e": int(i["e"], 16)})
    check_signature(card, Scheme.PKCS1, i, signature)


@pytest.mark.parametrize("entry", entries("rsa_pkcs1_verify", "rsa"))
def test_rsa_verification(entry: Entry) -> None:
    i = entry["inputs"]
    exponent = int(i["e"], 16)
    card = card_with({"algorithm": "rsa", "n": i["n"], "e": exponent})
    reference = SIGNATURE_REFERENCES[Signature(Scheme.PKCS1, DIGESTS[i["digest"]])]
    choose(card, SIGNATURE, VERIFIES, key=1, algorithm=reference)
    valid = verify(card, bytes.fromhex(i["message"]), bytes.fromhex(i["signature"])) == OK
    assert valid is entry["expected"]["valid"]


@pytest.mark.parametrize("entry", entries("ecdsa_sign", "ecc"))
def test_ecdsa_with_the_printed_ephemeral_key(entry: Entry) -> None:
    i, expected = entry["inputs"], entry["expected"]
    card = card_with(
        {"algorithm": "ec", "curve": i["curve"], "private": i["d"]}, entropy=scripted(i["k"])
    )
    signature = bytes.fromhex(expected["r"] + expected["s"])
    check_signature(card, Scheme.ECDSA, i, signature)


@pytest.mark.parametrize("entry", entries("ecdsa_deterministic", "ecc"))
def test_ecdsa_verification(entry: Entry) -> None:
    i, expected = entry["inputs"], entry["expected"]
    card = card_with({"algorithm": "ec", "curve": i["curve"], "private": i["d"]})
    reference = SIGNATURE_REFERENCES[Signature(Scheme.ECDSA, DIGESTS[i["digest"]])]
    choose(card, SIGNATURE, VERIFIES, key=1, algorithm=reference)
    signature = bytes.fromhex(expected["r"] + expected["s"])
    assert verify(card, bytes.fromhex(i["message"]), signature) == OK


def check_signature(card: Card, scheme: Scheme, inputs: Entry, signature: bytes) -> None:
    """The card makes *signature*, and accepts it for its message alone."""
    message = bytes.fromhex(inputs["message"])
    reference = SIGNATURE_REFERENCES[Signature(scheme, DIGESTS[inputs["digest"]])]
    choose(card, SIGNATURE, COMPUTES | VERIFIES, private=1, algorithm=reference)
    assert sign(card, message) == signature
    assert verify(card, message, signature) == OK
    assert verify(card, message + b"!", signature) == FAILED


@pytest.mark.parametrize("entry", entries("sm2_sign", "sm2"))
def test_sm2_signature_with_the_printed_ephemeral_key(entry: Entry) -> None:
    """From the message, and from SM3(Z || message) of the terminal."""
    i, expected = entry["inputs"], entry["expected"]
    key: dict[str, str | int] = {"algorithm": "sm2", "private": i["d"]}
    card = card_with(key, entropy=scripted(i["k"] * 2))
    signature = bytes.fromhex(expected["r"] + expected["s"])
    choose(card, SIGNATURE, COMPUTES | VERIFIES, private=1, algorithm=0x06)
    assert sign(card, bytes.fromhex(expected["e"])) == signature
    choose(card, SIGNATURE, COMPUTES | VERIFIES, private=1)
    assert sign(card, bytes.fromhex(i["message"])) == signature
    assert verify(card, bytes.fromhex(i["message"]), signature) == OK


@pytest.mark.parametrize("entry", entries("sm2_encrypt", "sm2"))
def test_sm2_encipherment_with_the_printed_ephemeral_key(entry: Entry) -> None:
    i, expected = entry["inputs"], entry["expected"]
    word = "public" if "P" in i else "private"
    key: dict[str, str | int] = {"algorithm": "sm2", word: i.get("P") or i["d"]}
    card = card_with(key, entropy=scripted(i["k"]))
    choose(card, CONFIDENTIALITY, VERIFIES, key=1)
    out = "".join(expected[part] for part in ("C1", "C3", "C2"))
    assert encipher(card, bytes.fromhex(i["message"])) == bytes.fromhex(out)


@pytest.mark.parametrize("entry", entries("sm2_decrypt", "sm2"))
def test_sm2_decipherment(entry: Entry) -> None:
    i = entry["inputs"]
    card = card_with({"algorithm": "sm2", "private": i["d"]})
    choose(card, CONFIDENTIALITY, COMPUTES, private=1)
    message = bytes.fromhex(entry["expected"]["message"])
    assert decipher(card, bytes.fromhex(i["ciphertext"])) == message
