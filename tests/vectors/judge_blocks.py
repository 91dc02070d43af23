"""The judge's side of the vectors: ciphers, MACs, padding, hashes and key derivation.

Modes that neither room needs (CTR, OFB, CFB, GCM) are taken whole from `cryptography`; the card's
side builds them from blocks.
"""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.decrepit.ciphers.modes import CFB, OFB
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from vector_files import Check, Inputs

from conformance.crypto import blocks
from conformance.crypto.digests import digest as hashed


def _padded(data: bytes, size: int, method: int) -> bytes:
    """ISO/IEC 9797-1 clause 6.3, the methods one by one."""
    if method == 0:
        return data
    if method == 2:
        return blocks.pad(data, size)
    filled = data
    while len(filled) % size or not filled:
        filled += b"\x00"
    return (8 * len(data)).to_bytes(size, "big") + filled if method == 3 else filled


def _mode(i: Inputs, mode: Any) -> Any:
    return Cipher({"AES": algorithms.AES, "SM4": algorithms.SM4}[i["cipher"]](i("key")), mode)


def ecb(i: Inputs) -> dict[str, Any]:
    return {"out": blocks.encrypt_ecb(i["cipher"], i("key"), i("data"))}


def ecb_decrypt(i: Inputs) -> dict[str, Any]:
    return {"out": blocks.decrypt_ecb(i["cipher"], i("key"), i("data"))}


def ecb_iterated(i: Inputs) -> dict[str, Any]:
    """Through the library's own CBC: over zeros it enciphers its last output again and again."""
    zeros = bytes(16 * (i["iterations"] - 1))
    return {"out": _mode(i, modes.CBC(bytes(16))).encryptor().update(i("data") + zeros)[-16:]}


def cbc(i: Inputs) -> dict[str, Any]:
    out = blocks.encrypt_cbc(i["cipher"], i("key"), i("data"), i("iv"))
    assert blocks.decrypt_cbc(i["cipher"], i("key"), out, i("iv")) == i("data")
    return {"out": out}


def ctr(i: Inputs) -> dict[str, Any]:
    return {"out": _mode(i, modes.CTR(i("iv"))).encryptor().update(i("data"))}


def ofb(i: Inputs) -> dict[str, Any]:
    return {"out": _mode(i, OFB(i("iv"))).encryptor().update(i("data"))}


def cfb(i: Inputs) -> dict[str, Any]:
    return {"out": _mode(i, CFB(i("iv"))).encryptor().update(i("data"))}


def gcm(i: Inputs) -> dict[str, Any]:
    context = _mode(i, modes.GCM(i("iv"))).encryptor()
    context.authenticate_additional_data(i("aad"))
    out = context.update(i("data")) + context.finalize()
    return {"out": out, "tag": context.tag}


def cmac(i: Inputs) -> dict[str, Any]:
    return {"mac": blocks.cmac(i["cipher"], i("key"), i("data"))}


def _last_block(i: Inputs) -> bytes:
    size = blocks.BLOCK_SIZE[i["cipher"]]
    return blocks.cbc_mac(i["cipher"], i("key"), _padded(i("data"), size, i["padding"]))


def mac_1(i: Inputs) -> dict[str, Any]:
    return {"mac": _last_block(i)[: i.get("length", 16)]}


def mac_2(i: Inputs) -> dict[str, Any]:
    return {"mac": blocks.encrypt_ecb(i["cipher"], i("key2"), _last_block(i))}


def mac_3(i: Inputs) -> dict[str, Any]:
    if i["cipher"] == "DES":
        return {"mac": blocks.retail_mac(i("key") + i("key2"), _padded(i("data"), 8, i["padding"]))}
    inner = blocks.decrypt_ecb(i["cipher"], i("key2"), _last_block(i))
    return {"mac": blocks.encrypt_ecb(i["cipher"], i("key"), inner)}


def mac_4(i: Inputs) -> dict[str, Any]:
    cipher, size = i["cipher"], blocks.BLOCK_SIZE[i["cipher"]]
    third = bytes(byte ^ 0xF0 for byte in i("key2"))
    chain = bytes(size)
    for place, block in enumerate(blocks.blocks_of(cipher, _padded(i("data"), size, i["padding"]))):
        chain = blocks.encrypt_ecb(cipher, i("key"), blocks.xor(chain, block))
        if place == 0:
            chain = blocks.encrypt_ecb(cipher, third, chain)
    return {"mac": blocks.encrypt_ecb(cipher, i("key2"), chain)}


def padding(i: Inputs) -> dict[str, Any]:
    return {"out": _padded(i("data"), i["block_size"], i["method"])}


def unpadding(i: Inputs) -> dict[str, Any]:
    try:
        return {"out": blocks.unpad(i("data"))}
    except ValueError:
        return {"out": None}


def digest(i: Inputs) -> dict[str, Any]:
    return {"digest": hashed(i["digest"], i("data"))}


def digest_repeated(i: Inputs) -> dict[str, Any]:
    return {"digest": hashed(i["digest"], i("byte") * i["count"])}


def x963(i: Inputs) -> dict[str, Any]:
    key, counter = b"", 0
    while len(key) < i["length"]:
        counter += 1
        key += hashed(i["digest"], i("secret") + counter.to_bytes(4, "big") + i("shared_info"))
    return {"key": key[: i["length"]]}


def kbkdf(i: Inputs) -> dict[str, Any]:
    parts = (
        blocks.cmac("AES", i("key"), i("before") + bytes([counter]) + i("after"))
        for counter in range(1, 1 + -(-i["length"] // 16))
    )
    return {"key": b"".join(parts)[: i["length"]]}


def kcv(i: Inputs) -> dict[str, Any]:
    block = bytes(8) if i["cipher"] == "TDES" else b"\x01" * 16
    return {"kcv": blocks.encrypt_ecb(i["cipher"], i("key"), block)[:3]}


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
