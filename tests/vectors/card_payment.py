"""The card's side of the vectors: PBOC purses and line protection, EMV keys and cryptograms.

EMV cryptograms and issuer scripts have no room in the simulator; they are worked out here over its
suites and derivations.
"""

from __future__ import annotations

from typing import Any

from card_protocols import kcv, tdes
from vector_files import Check, Inputs

from simcard.apdu import Command
from simcard.crypto import Diversification, emv, pad, pboc, retail_mac, with_odd_parity


def pboc_diversification(i: Inputs) -> dict[str, Any]:
    factors = map(bytes.fromhex, i["factors"])
    return {"key": Diversification.PBOC_TDES.derive(i("key"), *factors)}


def _transaction(i: Inputs, kinds: dict[int, bytes]) -> pboc.Transaction:
    command = Command.parse(i("command"))
    kind, moment = kinds[command.p2], i("moment") if "moment" in i else b""
    return pboc.Transaction(command.data[1:5], kind, command.data[5:11], moment)


def pboc_load(i: Inputs) -> dict[str, Any]:
    transaction = _transaction(i, {1: b"\x01", 2: b"\x02"})
    balance, counter = i("balance"), i("online_counter")
    process = pboc.load_process_key(i("load_key"), i("random"), counter)
    mac1 = pboc.load_mac1(process, balance, transaction)
    head = balance + counter + i("key_version") + i("algorithm") + i("random")
    results: dict[str, Any] = {
        "process_input": pad(i("random") + counter, 8),
        "process_key": process,
        "mac1_input": balance + transaction._replace(moment=b"").wire,
        "mac1": mac1,
        "response": head + mac1 + b"\x90\x00",
    }
    if "tac_key" not in i:
        return results
    total = int.from_bytes(balance, "big") + int.from_bytes(transaction.amount, "big")
    after = total.to_bytes(4, "big")
    mac2 = pboc.load_mac2(process, transaction)
    tac_key = pboc.tac_key(i("tac_key"))
    tac = pboc.load_tac(tac_key, after, counter, transaction)
    return results | {
        "mac2_input": transaction.wire,
        "mac2": mac2,
        "credit_command": bytes(Command(0x80, 0x52, 0, 0, transaction.moment + mac2)),
        "tac_input": after + counter + transaction.wire,
        "tac_key": tac_key,
        "tac": tac,
        "credit_response": tac + b"\x90\x00",
    }


def pboc_purchase(i: Inputs) -> dict[str, Any]:
    transaction = _transaction(i, {1: b"\x05", 2: b"\x06"})
    terminal_counter = i("terminal_counter")
    process = pboc.purchase_process_key(
        i("purchase_key"), i("random"), i("offline_counter"), terminal_counter
    )
    mac1 = pboc.purchase_mac1(process, transaction)
    mac2 = pboc.purchase_mac2(process, transaction.amount)
    tac = pboc.purchase_tac(pboc.tac_key(i("tac_key")), terminal_counter, transaction)
    debit = terminal_counter + transaction.moment + mac1
    answered = ("balance", "offline_counter", "overdraw", "key_version", "algorithm", "random")
    return {
        "process_input": i("random") + i("offline_counter") + terminal_counter[2:],
        "process_key": process,
        "response": b"".join(map(i, answered)) + b"\x90\x00",
        "mac1_input": transaction.wire,
        "mac1": mac1,
        "debit_command": bytes(Command(0x80, 0x54, 1, 0, debit, 8)),
        "mac2_input": transaction.amount,
        "mac2": mac2,
        "tac_input": transaction._replace(moment=terminal_counter + transaction.moment).wire,
        "tac": tac,
        "debit_response": tac + mac2 + b"\x90\x00",
    }


def line_protection(i: Inputs) -> dict[str, Any]:
    ciphertext = pboc.line_encipher(i("key"), i("plain"))
    assert pboc.line_decipher(i("key"), ciphertext) == i("plain")
    filled = bytes([len(i("plain"))]) + i("plain")
    results = {"ciphertext": ciphertext, "padded": pad(filled, 8)[: len(ciphertext)]}
    if "challenge" not in i:
        return results
    body = i("header") + bytes([len(ciphertext) + 4]) + ciphertext
    mac = pboc.line_mac(i("key"), i("challenge"), body)
    return results | {"mac": mac, "command": body + mac}


def line_mac(i: Inputs) -> dict[str, Any]:
    return {"mac": pboc.line_mac(i("key"), i("challenge"), i("data"))}


def _master(i: Inputs, name: str) -> bytes:
    derive = emv.master_key_a if i["option"] == "A" else emv.master_key_b
    return derive(i(name), i["pan"], i.get("psn", "00"))


def emv_cryptogram(i: Inputs) -> dict[str, Any]:
    master = _master(i, "imk")
    session = with_odd_parity(emv.common_session_key(master, i("r"))) if "r" in i else master
    ac = retail_mac(session, i("data"), padding=i["padding"])
    if "arc" in i:
        key = master if i.get("arpc_key") == "mk" else session
        block = int.from_bytes(ac, "big") ^ i.number("arc") << 48
        arpc = tdes(key).encrypt_ecb(block.to_bytes(8, "big"))
    else:
        extra = i("pad_data") if "pad_data" in i else b""
        arpc = retail_mac(session, ac + i("csu") + extra)[:4]
    return {
        "kcv2_icc_mk": kcv(master, 2),
        "kcv2_sk": kcv(session, 2),
        "ac": ac,
        "arpc": arpc,
    }


def emv2000_session_key(i: Inputs) -> dict[str, Any]:
    """EMV 2000 Book 2 A1.3: a tree of keys; the leaf of the ATC and its grandparent combined."""
    branch, atc = i["branch"], i.number("atc")

    def child(parent: bytes, grandparent: bytes, number: int) -> bytes:
        mask = number % branch
        left = int.from_bytes(grandparent[:8], "big") ^ mask
        right = int.from_bytes(grandparent[8:], "big") ^ 0xF0 ^ mask
        halves = left.to_bytes(8, "big") + right.to_bytes(8, "big")
        return bytes(tdes(parent).encrypt_ecb(halves))

    grandparent, parent = i("iv"), i("key")
    for height in range(1, i["height"] + 1):
        number = atc // branch ** (i["height"] - height)
        grandparent, parent, oldest = parent, child(parent, grandparent, number), grandparent
    combined = bytes(a ^ b for a, b in zip(parent, oldest, strict=True))
    return {"key": with_odd_parity(combined)}


def _script_session(i: Inputs, name: str) -> bytes:
    master = _master(i, name)
    if "r" in i:
        return emv.common_session_key(master, i("r"))
    atc = i.number("atc")
    left = int.from_bytes(master[:8], "big") ^ atc
    right = int.from_bytes(master[8:], "big") ^ (atc ^ 0xFFFF)
    return left.to_bytes(8, "big") + right.to_bytes(8, "big")


def _pin_block(i: Inputs) -> bytes:
    pin = i["pin"]
    if i["enc"] != "visa":
        return bytes([0x20 | len(pin)]) + bytes.fromhex(pin.ljust(14, "F"))
    block = bytes([len(pin)]) + bytes.fromhex(pin.ljust(14, "F"))
    number = int.from_bytes(block, "big") ^ int.from_bytes(_master(i, "imk_ac")[4:8], "big")
    if "cur_pin" in i:
        number ^= int(i["cur_pin"].ljust(16, "0"), 16)
    return number.to_bytes(8, "big")


def emv_script(i: Inputs) -> dict[str, Any]:
    integrity = _script_session(i, "imk_smi")
    results: dict[str, Any] = {"kcv2_smi": kcv(integrity, 2), "kcv_smi": kcv(integrity)}
    enciphered = b""
    if "pin" in i:
        confidentiality = _script_session(i, "imk_smc")
        block = _pin_block(i)
        if i["enc"] == "visa":
            enciphered = tdes(confidentiality).encrypt_ecb(pad(bytes([8]) + block, 8))
        else:
            padded = pad(block, 8) if i["enc"] == "emv" else block
            enciphered = tdes(confidentiality).encrypt_cbc(padded)
        results |= {"kcv_smc": kcv(confidentiality), "pin_block": block, "enc_data": enciphered}
    prefix = i("prefix") if "prefix" in i else b""
    return results | {"mac": retail_mac(integrity, i("header") + prefix + enciphered)}


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
