"""The card's side of the vectors: ciphers, MACs, padding, hashes and key derivation."""

from __future__ import annotations

from typing import Any

from vector_files import Check, Inputs

from simcard.crypto import (
    BlockCipher,
    BlockSuite,
    Digest,
    algorithm_3,
    block_suite,
    kbkdf_cmac,
    pad,
    retail_mac,
    unpad,
    x963_kdf,
)
from simcard.crypto.scp03 import key_check_value

DIGESTS = {digest.title: digest for digest in Digest}


def suite(i: Inputs, key: str = "key") -> BlockSuite:
    return block_suite(BlockCipher[i["cipher"]], i(key))


def xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=False))


def ecb(i: Inputs) -> dict[str, Any]:
    out = suite(i).encrypt_ecb(i("data"))
    assert suite(i).decrypt_ecb(out) == i("data")
    return {"out": out}


def ecb_decrypt(i: Inputs) -> dict[str, Any]:
    return {"out": suite(i).decrypt_ecb(i("data"))}


def ecb_iterated(i: Inputs) -> dict[str, Any]:
    encrypt, block = suite(i).encrypt_ecb, i("data")
    for _ in range(i["iterations"]):
        block = encrypt(block)
    return {"out": block}


def cbc(i: Inputs) -> dict[str, Any]:
    out = suite(i).encrypt_cbc(i("data"), i("iv"))
    assert suite(i).decrypt_cbc(out, i("iv")) == i("data")
    return {"out": out}


def _counter_stream(cipher: BlockSuite, start: int, length: int, modulus: int) -> bytes:
    size = cipher.block_size
    high = start - start % modulus
    blocks = (high + (start + step) % modulus for step in range(-(-length // size)))
    return cipher.encrypt_ecb(b"".join(block.to_bytes(size, "big") for block in blocks))


def ctr(i: Inputs) -> dict[str, Any]:
    size = suite(i).block_size
    stream = _counter_stream(suite(i), i.number("iv"), len(i("data")), 1 << 8 * size)
    return {"out": xor(i("data"), stream)}


def ofb(i: Inputs) -> dict[str, Any]:
    data, block, stream = i("data"), i("iv"), b""
    while len(stream) < len(data):
        block = suite(i).encrypt_ecb(block)
        stream += block
    return {"out": xor(data, stream)}


def cfb(i: Inputs) -> dict[str, Any]:
    data, block, out = i("data"), i("iv"), b""
    for start in range(0, len(data), len(block)):
        block = xor(suite(i).encrypt_ecb(block), data[start : start + len(block)])
        out += block
    return {"out": out}


def _ghash(key: int, data: bytes) -> int:
    """GHASH of NIST SP 800-38D clause 6.4: bits run from the left, x^128 + x^7 + x^2 + x + 1."""
    total = 0
    for start in range(0, len(data), 16):
        total ^= int.from_bytes(data[start : start + 16], "big")
        product, factor = 0, key
        for bit in range(127, -1, -1):
            if total >> bit & 1:
                product ^= factor
            factor = factor >> 1 ^ (0xE1 << 120 if factor & 1 else 0)
        total = product
    return total


def gcm(i: Inputs) -> dict[str, Any]:
    cipher, aad, data = suite(i), i("aad"), i("data")
    start = int.from_bytes(i("iv") + b"\x00\x00\x00\x01", "big")
    stream = _counter_stream(cipher, start, 16 + len(data), 1 << 32)
    out = xor(data, stream[16:])
    lengths = (8 * len(aad)).to_bytes(8, "big") + (8 * len(out)).to_bytes(8, "big")
    whole = b"".join(part + bytes(-len(part) % 16) for part in (aad, out)) + lengths
    key = int.from_bytes(cipher.encrypt_ecb(bytes(16)), "big")
    return {"out": out, "tag": xor(_ghash(key, whole).to_bytes(16, "big"), stream[:16])}


def cmac(i: Inputs) -> dict[str, Any]:
    return {"mac": suite(i).cmac(i("data"))}


def mac_1(i: Inputs) -> dict[str, Any]:
    mac = suite(i).cbc_mac(i("data"), padding=i["padding"])
    return {"mac": mac[: i.get("length")]}


def mac_2(i: Inputs) -> dict[str, Any]:
    mac = suite(i).cbc_mac(i("data"), padding=i["padding"])
    return {"mac": suite(i, "key2").encrypt_ecb(mac)}


def mac_3(i: Inputs) -> dict[str, Any]:
    mac = algorithm_3(suite(i), suite(i, "key2"), i("data"), padding=i["padding"])
    if i["cipher"] == "DES":
        assert retail_mac(i("key") + i("key2"), i("data"), padding=i["padding"]) == mac
    return {"mac": mac}


def mac_4(i: Inputs) -> dict[str, Any]:
    first, second = suite(i), suite(i, "key2")
    size = first.block_size
    third = block_suite(first.cipher, xor(i("key2"), b"\xf0" * size))
    padded = pad(i("data"), size, i["padding"])
    mac = third.encrypt_ecb(first.encrypt_ecb(padded[:size]))
    if padded[size:]:
        mac = first.encrypt_cbc(padded[size:], mac)[-size:]
    return {"mac": second.encrypt_ecb(mac)}


def padding(i: Inputs) -> dict[str, Any]:
    return {"out": pad(i("data"), i["block_size"], i["method"])}


def unpadding(i: Inputs) -> dict[str, Any]:
    try:
        return {"out": unpad(i("data"))}
    except ValueError:
        return {"out": None}


def digest(i: Inputs) -> dict[str, Any]:
    return {"digest": DIGESTS[i["digest"]].of(i("data"))}


def digest_repeated(i: Inputs) -> dict[str, Any]:
    return {"digest": DIGESTS[i["digest"]].of(i("byte") * i["count"])}


def x963(i: Inputs) -> dict[str, Any]:
    key = x963_kdf(DIGESTS[i["digest"]], i("secret"), i["length"], i("shared_info"))
    return {"key": key}


def kbkdf(i: Inputs) -> dict[str, Any]:
    aes = block_suite(BlockCipher.AES, i("key"))
    return {"key": kbkdf_cmac(aes, i("before"), i("after"), i["length"])}


def kcv(i: Inputs) -> dict[str, Any]:
    if i["cipher"] == "AES":
        return {"kcv": key_check_value(i("key"))}
    return {"kcv": suite(i).encrypt_ecb(bytes(8))[:3]}


CHECKS: dict[str, Check] = {
    "ecb": ecb,
    "ecb_decrypt": ecb_decrypt,
    "ecb_iterated": ecb_iterated,
    "cbc": cbc,
    "ctr": ctr,
    "ofb": ofb,
    "cfb": cfb,
    "gcm": gcm,
    "cmac": cmac,
    "mac_1": mac_1,
    "mac_2": mac_2,
    "mac_3": mac_3,
    "mac_4": mac_4,
    "pad": padding,
    "unpad": unpadding,
    "digest": digest,
    "digest_repeated": digest_repeated,
    "x963_kdf": x963,
    "kbkdf_cmac": kbkdf,
    "kcv": kcv,
}
