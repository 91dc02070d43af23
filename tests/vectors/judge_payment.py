"""The judge's side of the vectors: PBOC purses and line protection, EMV keys and cryptograms."""

from __future__ import annotations

import hashlib
from typing import Any

from judge_protocols import kcv
from vector_files import Check, Inputs

from conformance.apdu import CommandAPDU
from conformance.crypto import pboc
from conformance.crypto.blocks import encrypt_cbc, encrypt_ecb, pad, retail_mac, xor


def pboc_diversification(i: Inputs) -> dict[str, Any]:
    return {"key": pboc.diversified(i("key"), *(bytes.fromhex(f) for f in i["factors"]))}


def _fields(i: Inputs) -> tuple[bytes, bytes, int]:
    """Amount, terminal and P2 of an INITIALIZE command."""
    command = CommandAPDU.decode(i("command"))
    return command.data[1:5], command.data[5:11], command.p2


def pboc_load(i: Inputs) -> dict[str, Any]:
    amount, terminal, kind = _fields(i)
    core = amount + bytes([kind]) + terminal
    process = pboc.load_key(i("load_key"), i("random"), i("online_counter"))
    mac1 = pboc.mac(process, i("balance"), core)
    fields = ("balance", "online_counter", "key_version", "algorithm", "random")
    out = {
        "process_input": i("random") + i("online_counter") + bytes.fromhex("8000"),
        "process_key": process,
        "mac1_input": i("balance") + core,
        "mac1": mac1,
        "response": b"".join(i(name) for name in fields) + mac1 + bytes.fromhex("9000"),
    }
    if "moment" in i:
        after = (i.number("balance") + int.from_bytes(amount, "big")).to_bytes(4, "big")
        mac2 = pboc.mac(process, core, i("moment"))
        key = pboc.tac_key(i("tac_key"))
        tac = pboc.mac(key, after, i("online_counter"), core, i("moment"))
        out |= {
            "mac2_input": core + i("moment"),
            "mac2": mac2,
            "credit_command": CommandAPDU(0x80, 0x52, 0, 0, i("moment") + mac2).encode(),
            "tac_input": after + i("online_counter") + core + i("moment"),
            "tac_key": key,
            "tac": tac,
            "credit_response": tac + bytes.fromhex("9000"),
        }
    return out


def pboc_purchase(i: Inputs) -> dict[str, Any]:
    amount, terminal, purse = _fields(i)
    core = amount + bytes([4 + purse]) + terminal
    low = i("terminal_counter")[-2:]
    process = pboc.purchase_key(i("purchase_key"), i("random"), i("offline_counter"), low)
    mac1, mac2 = pboc.mac(process, core, i("moment")), pboc.mac(process, amount)
    tac_fields = core, i("terminal_counter"), i("moment")
    tac = pboc.mac(pboc.tac_key(i("tac_key")), *tac_fields)
    debit = i("terminal_counter") + i("moment") + mac1
    fields = ("balance", "offline_counter", "overdraw", "key_version", "algorithm", "random")
    return {
        "process_input": i("random") + i("offline_counter") + low,
        "process_key": process,
        "response": b"".join(i(name) for name in fields) + bytes.fromhex("9000"),
        "mac1_input": core + i("moment"),
        "mac1": mac1,
        "debit_command": CommandAPDU(0x80, 0x54, 1, 0, debit, 8).encode(),
        "mac2_input": amount,
        "mac2": mac2,
        "tac_input": b"".join(tac_fields),
        "tac": tac,
        "debit_response": tac + mac2 + bytes.fromhex("9000"),
    }


def line_protection(i: Inputs) -> dict[str, Any]:
    enciphered = pboc.line_encipher(i("key"), i("plain"))
    assert pboc.line_decipher(i("key"), enciphered) == i("plain")
    out = {"padded": pboc.line_fill(i("plain")), "ciphertext": enciphered}
    if "challenge" in i:
        command = i("header") + bytes([len(enciphered) + 4]) + enciphered
        mac = pboc.line_mac(i("key"), i("challenge"), command)
        out |= {"mac": mac, "command": command + mac}
    return out


def line_mac(i: Inputs) -> dict[str, Any]:
    return {"mac": pboc.line_mac(i("key"), i("challenge"), i("data"))}


def _odd(key: bytes) -> bytes:
    """Each byte with as many ones as make their number odd, changed in its last bit."""
    return bytes(byte if byte.bit_count() % 2 else byte ^ 1 for byte in key)


def _master(i: Inputs, name: str) -> bytes:
    number = i["pan"] + i.get("psn", "00")
    if i["option"] == "B" and len(i["pan"]) > 16:
        even = number if len(number) % 2 == 0 else "0" + number
        letters = hashlib.sha1(bytes.fromhex(even), usedforsecurity=False).hexdigest()
        digits = [int(letter) for letter in letters if letter in "0123456789"]
        digits += ["abcdef".index(letter) for letter in letters if letter in "abcdef"]
        block = bytes.fromhex("".join(map(str, digits[:16])))
    else:
        block = bytes.fromhex(("0" * 16 + number)[-16:])
    left = encrypt_ecb("TDES", i(name), block)
    return _odd(left + encrypt_ecb("TDES", i(name), xor(block, b"\xff" * 8)))


def _common_session(master: bytes, r: bytes) -> bytes:
    halves = (r[:2] + mark + r[3:] for mark in (b"\xf0", b"\x0f"))
    return b"".join(encrypt_ecb("TDES", master, half) for half in halves)


def emv_cryptogram(i: Inputs) -> dict[str, Any]:
    master = _master(i, "imk")
    session = _common_session(master, i("r")) if "r" in i else master
    zeros = i("data") + bytes(-len(i("data")) % 8)
    ac = retail_mac(session, zeros if i["padding"] == 1 else pad(i("data"), 8))
    if "arc" in i:
        key = master if "arpc_key" in i else session
        arpc = encrypt_ecb("TDES", key, xor(ac, i("arc") + bytes(6)))
    else:
        behind = i("pad_data") if "pad_data" in i else b""
        arpc = retail_mac(session, pad(ac + i("csu") + behind, 8))[:4]
    return {
        "kcv2_icc_mk": kcv(master)[:2],
        "kcv2_sk": kcv(session)[:2],
        "ac": ac,
        "arpc": arpc,
    }


def emv2000_session_key(i: Inputs) -> dict[str, Any]:
    """The tree by its definition: a key from the two above it, recursively."""
    b, height = i["branch"], i["height"]

    def key(level: int, place: int) -> bytes:
        if level == -1:
            return i("iv")
        if level == 0:
            return i("key")
        above, twice_above = key(level - 1, place // b), key(level - 2, place // b**2)
        left = bytes(7) + bytes([place % b])
        right = bytes(7) + bytes([place % b ^ 0xF0])
        return encrypt_ecb("TDES", above, xor(twice_above, left + right))

    atc = i.number("atc")
    return {"key": _odd(xor(key(height, atc), key(height - 2, atc // b**2)))}


def _session(i: Inputs, name: str) -> bytes:
    master = _master(i, name)
    if "r" in i:
        return _common_session(master, i("r"))
    counter = i("atc")
    return xor(master, bytes(6) + counter + bytes(6) + xor(counter, b"\xff\xff"))


def _pin_block(i: Inputs) -> bytes:
    digits = (i["pin"] + "F" * 14)[:14]
    if i["enc"] in ("mc", "emv"):
        return bytes.fromhex(f"2{len(i['pin']):X}" + digits)
    block = xor(bytes.fromhex(f"0{len(i['pin']):X}" + digits), bytes(4) + _master(i, "imk_ac")[4:8])
    if "cur_pin" in i:
        block = xor(block, bytes.fromhex((i["cur_pin"] + "0" * 16)[:16]))
    return block


def emv_script(i: Inputs) -> dict[str, Any]:
    smi = _session(i, "imk_smi")
    out: dict[str, Any] = {"kcv2_smi": kcv(smi)[:2], "kcv_smi": kcv(smi)}
    covered = i("header")
    if "prefix" in i:
        covered += i("prefix")
    if "pin" in i:
        smc, block = _session(i, "imk_smc"), _pin_block(i)
        enciphered = {
            "visa": lambda: encrypt_ecb("TDES", smc, pad(b"\x08" + block, 8)),
            "mc": lambda: encrypt_cbc("TDES", smc, block),
            "emv": lambda: encrypt_cbc("TDES", smc, pad(block, 8)),
        }[i["enc"]]()
        out |= {"kcv_smc": kcv(smc), "pin_block": block, "enc_data": enciphered}
        covered += enciphered
    return out | {"mac": retail_mac(smi, pad(covered, 8))}


CHECKS: dict[str, Check] = {
    "pboc_diversification": pboc_diversification,
    "pboc_load": pboc_load,
    "pboc_purchase": pboc_purchase,
    "line_protection": line_protection,
    "line_mac": line_mac,
    "emv_cryptogram": emv_cryptogram,
    "emv2000_session_key": emv2000_session_key,
    "emv_script": emv_script,
}
