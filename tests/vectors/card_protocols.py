"""The card's side of the vectors: ICAO, GlobalPlatform, PBOC and EMV.

What the simulator has no room for (SCP01 and SCP02, EMV cryptograms and scripts, the key
diversification of GlobalPlatform) is worked out here over the card's suites.
"""

from __future__ import annotations

from typing import Any

from vector_files import Check, Inputs

from simcard.apdu import Command
from simcard.crypto import (
    BlockCipher,
    BlockSuite,
    block_suite,
    icao,
    kbkdf_cmac,
    pad,
    retail_mac,
    scp03,
    sha1,
    unpad,
)
from simcard.crypto.kdf import icao_key as derived
from simcard.crypto.scp03 import key_check_value
from simcard.tlv import encode, parse


def tdes(key: bytes) -> BlockSuite:
    return block_suite(BlockCipher.TDES, key)


def kcv(key: bytes, length: int = 3) -> bytes:
    return tdes(key).encrypt_ecb(bytes(8))[:length]


# ICAO 9303-11


def mrz(i: Inputs) -> dict[str, Any]:
    fields = i["document_number"], i["date_of_birth"], i["date_of_expiry"]
    information = icao.mrz_information(*fields)
    password = icao.password_of_mrz(information)
    return {"mrz_information": information, "sha1": password, "kseed": password[:16]}


def icao_key(i: Inputs) -> dict[str, Any]:
    hashed = sha1(i("seed") + i["counter"].to_bytes(4, "big"))
    return {"hash": hashed, "key": derived(i("seed"), i["counter"], BlockCipher[i["cipher"]])}


def bac_command(i: Inputs) -> dict[str, Any]:
    keys = icao.KeyPair(i("kenc"), i("kmac"))
    data = icao.bac_cryptogram(keys, i("rnd_ifd"), i("rnd_ic"), i("k_ifd"))
    return {
        "S": i("rnd_ifd") + i("rnd_ic") + i("k_ifd"),
        "E_IFD": data[:32],
        "M_IFD": data[32:],
        "apdu": bytes(Command(0, 0x82, 0, 0, data, 40)),
    }


def bac_response(i: Inputs) -> dict[str, Any]:
    keys = icao.KeyPair(i("kenc"), i("kmac"))
    data = icao.bac_cryptogram(keys, i("rnd_ic"), i("rnd_ifd"), i("k_ic"))
    return {"E_IC": data[:32], "M_IC": data[32:], "resp_data": data}


def bac_session(i: Inputs) -> dict[str, Any]:
    keys = icao.bac_session(i("k_ic"), i("k_ifd"))
    return {
        "kseed": bytes(a ^ b for a, b in zip(i("k_ic"), i("k_ifd"), strict=True)),
        "KSenc": keys.enc,
        "KSmac": keys.mac,
        "SSC": icao.bac_send_sequence_counter(i("rnd_ic"), i("rnd_ifd")),
    }


class _Messaging:
    """The chip's secure messaging, assembled from suites; *counter* is the one in force."""

    def __init__(self, i: Inputs, counter: int) -> None:
        self.cipher = BlockCipher[i["cipher"]]
        self.size = self.cipher.block_size
        self.counter = counter.to_bytes(self.size, "big")
        self.i = i

    def mac(self, data: bytes) -> bytes:
        if self.cipher is BlockCipher.TDES:
            return retail_mac(self.i("ksmac"), data)
        return block_suite(self.cipher, self.i("ksmac")).cmac(pad(data, self.size))[:8]

    def encrypt(self, data: bytes) -> bytes:
        return self._suite().encrypt_cbc(pad(data, self.size), self._iv())

    def decrypt(self, data: bytes) -> bytes:
        return unpad(self._suite().decrypt_cbc(data, self._iv()), self.size)

    def _suite(self) -> BlockSuite:
        return block_suite(self.cipher, self.i("ksenc"))

    def _iv(self) -> bytes:
        return b"" if self.cipher is BlockCipher.TDES else self._suite().encrypt_ecb(self.counter)


def sm_command(i: Inputs) -> dict[str, Any]:
    sm = _Messaging(i, i.number("ssc") + 1)
    cla, ins, p1, p2 = i("header")
    data = i("data") if "data" in i else b""
    enciphered = sm.encrypt(data) if data else b""
    objects = encode(0x87, b"\x01" + enciphered) if data else b""
    if "le" in i:
        objects += encode(0x97, bytes([i["le"]]))
    covered = sm.counter + pad(bytes([cla | 0x0C, ins, p1, p2]), sm.size) + objects
    mac = sm.mac(covered)
    command = Command(cla | 0x0C, ins, p1, p2, objects + encode(0x8E, mac), 256)
    return {
        "padded": pad(data, sm.size),
        "enc": enciphered,
        "mac_input": covered,
        "mac": mac,
        "apdu": bytes(command),
        "ssc": sm.counter,
    }


def sm_open_response(i: Inputs) -> dict[str, Any]:
    sm = _Messaging(i, i.number("ssc") + 1)
    objects = parse(i("rapdu")[:-2])
    values = {tlv.tag: tlv.value for tlv in objects}
    mac = sm.mac(sm.counter + b"".join(bytes(tlv) for tlv in objects if tlv.tag != 0x8E))
    return {
        "mac": mac,
        "mac_ok": mac == values[0x8E],
        "data": sm.decrypt(values[0x87][1:]) if 0x87 in values else b"",
        "sw": values[0x99] if values[0x99] == i("rapdu")[-2:] else None,
        "ssc": sm.counter,
    }


def sm_response(i: Inputs) -> dict[str, Any]:
    sm = _Messaging(i, i.number("ssc") + 1)
    objects = encode(0x87, b"\x01" + sm.encrypt(i("data"))) if "data" in i else b""
    objects += encode(0x99, i("sw"))
    return {"rapdu": objects + encode(0x8E, sm.mac(sm.counter + objects)) + i("sw")}


def sm_encrypt(i: Inputs) -> dict[str, Any]:
    return {"cipher": _Messaging(i, i.number("ssc")).encrypt(i("data"))}


def sm_mac(i: Inputs) -> dict[str, Any]:
    sm = _Messaging(i, i.number("ssc"))
    return {"mac": sm.mac(sm.counter + i("data"))}


# GlobalPlatform


def _parts(command: str) -> tuple[bytes, bytes, bytes]:
    """Header, data and Le field of a short command."""
    parsed = Command.parse(bytes.fromhex(command))
    le = b"" if parsed.expected is None else bytes([parsed.expected % 256])
    return parsed.header, parsed.data, le


def scp03_session(i: Inputs) -> dict[str, Any]:
    answer, host, level = i("init_upd_rsp"), i("host_challenge"), i["level"]
    card, received = answer[13:21], answer[21:29]
    keys = scp03.session_keys(i("enc"), i("mac"), host, card)
    assert scp03.card_cryptogram(keys, host, card) == received
    sent: list[bytes] = []
    opened: list[bytes] = []
    chaining = bytes(16)

    def send(header: bytes, data: bytes, le: bytes) -> None:
        nonlocal chaining
        command = bytes([header[0] | 0x04]) + header[1:] + bytes([len(data) + 8]) + data
        chaining = scp03.command_mac(keys, chaining, command)
        sent.append(command + chaining[:8] + le)

    send(bytes([0x80, 0x82, level, 0]), scp03.host_cryptogram(keys, host, card), b"")
    responses = i.get("responses", [])
    for counter, text in enumerate(i["commands"], start=1):
        header, data, le = _parts(text)
        if data and level & 0x02:
            plain, data = data, scp03.encrypt_command(keys, counter, data)
            assert scp03.decrypt_command(keys, counter, data) == plain
        send(header, data, le)
        if counter <= len(responses):
            response = bytes.fromhex(responses[counter - 1])
            opened.append(_scp03_open(keys, level, (chaining, counter), response))
    return {
        "card_cryptogram": scp03.card_cryptogram(keys, host, card),
        "ext_auth": sent[0],
        "wrapped": sent[1:],
        "plain_responses": opened,
        "S-ENC": keys.enc,
        "S-MAC": keys.mac,
        "S-RMAC": keys.rmac,
    }


def _scp03_open(
    keys: scp03.SessionKeys, level: int, state: tuple[bytes, int], response: bytes
) -> bytes:
    data, sw = response[:-2], response[-2:]
    if level & 0x10:
        data, mac = data[:-8], data[-8:]
        assert scp03.response_mac(keys, state[0], data + sw)[:8] == mac
    if level & 0x20:
        plain = scp03.decrypt_response(keys, state[1], data)
        assert scp03.encrypt_response(keys, state[1], plain) == data
        return plain
    return data


def scp03_kdf_kcv(i: Inputs) -> dict[str, Any]:
    key = scp03.derive(i("key"), i["const"], i("context"), i["bits"] // 8)
    return {"kcv": key_check_value(key)}


def _template(scheme: str, kdd: bytes, number: int) -> bytes:
    stem = kdd[4:10] if scheme == "emv" else kdd[:2] + kdd[4:8]
    return stem + bytes([0xF0, number]) + stem + bytes([0x0F, number])


def gp_diversification(i: Inputs) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for number, name in enumerate(("ENC", "MAC", "DEK"), start=1):
        if i["scheme"] == "kdf3":
            fixed = bytes([0, 0, 0, number, 0]) + i("kdd")
            suite = block_suite(BlockCipher.AES, i("master"))
            results[name] = kbkdf_cmac(suite, b"", fixed, len(i("master")))
            results[f"kcv_{name}"] = key_check_value(results[name])
        else:
            template = _template(i["scheme"], i("kdd"), number)
            results[f"kcv_{name}"] = kcv(tdes(i("master")).encrypt_ecb(template))
    return results


def _scp02_key(static: bytes, constant: int, sequence: bytes) -> bytes:
    return bytes(tdes(static).encrypt_cbc(constant.to_bytes(2, "big") + sequence + bytes(12)))


def scp02_session_keys(i: Inputs) -> dict[str, Any]:
    sequence = i("seq")
    return {
        "kcv_S-ENC": kcv(_scp02_key(i("enc"), 0x0182, sequence)),
        "kcv_S-MAC": kcv(_scp02_key(i("mac"), 0x0101, sequence)),
        "kcv_DEK": kcv(_scp02_key(i("dek"), 0x0181, sequence)),
        "kcv_S-RMAC": kcv(_scp02_key(i("mac"), 0x0102, sequence)),
    }


def scp02_key_encryption(i: Inputs) -> dict[str, Any]:
    return {"out": tdes(_scp02_key(i("dek"), 0x0181, i("seq"))).encrypt_ecb(i("key"))}


def scp02(i: Inputs) -> dict[str, Any]:
    answer, host = i("init_upd_rsp"), i("host_challenge")
    sequence, challenge, received = answer[12:14], answer[14:20], answer[20:28]
    enc, mac = _scp02_key(i("enc"), 0x0182, sequence), _scp02_key(i("mac"), 0x0101, sequence)
    card_cryptogram = tdes(enc).cbc_mac(host + sequence + challenge)
    assert card_cryptogram == received
    commands = [
        (bytes([0x80, 0x82, i["level"], 0]), tdes(enc).cbc_mac(sequence + challenge + host), b"")
    ]
    commands += [_parts(text) for text in i["commands"]]
    sent, chain = [], b""
    for place, (header, data, le) in enumerate(commands):
        head = bytes([header[0] | 0x04]) + header[1:]
        start = block_suite(BlockCipher.DES, mac[:8]).encrypt_ecb(chain)
        chain = retail_mac(mac, head + bytes([len(data) + 8]) + data, start)
        enciphered = place and data and i["level"] & 0x02
        field = tdes(enc).encrypt_cbc(pad(data, 8)) if enciphered else data
        sent.append(head + bytes([len(field) + 8]) + field + chain + le)
    return {"card_cryptogram": card_cryptogram, "ext_auth": sent[0], "wrapped": sent[1:]}


def _scp01_key(static: bytes, host: bytes, card: bytes) -> bytes:
    return bytes(tdes(static).encrypt_ecb(card[4:] + host[:4] + card[:4] + host[4:]))


def scp01_session_keys(i: Inputs) -> dict[str, Any]:
    return {"kcv_S-ENC": kcv(_scp01_key(i("enc"), i("host_challenge"), i("card_challenge")))}


def scp01(i: Inputs) -> dict[str, Any]:
    answer, host = i("init_upd_rsp"), i("host_challenge")
    card, received = answer[12:20], answer[20:28]
    enc, mac = i("enc"), i("mac")
    if "diversify" in i:
        enc, mac = (
            tdes(key).encrypt_ecb(_template(i["diversify"], answer[:10], number))
            for number, key in ((1, enc), (2, mac))
        )
    enc, mac = _scp01_key(enc, host, card), _scp01_key(mac, host, card)
    assert tdes(enc).cbc_mac(host + card) == received
    commands = [(bytes([0x80, 0x82, i["level"], 0]), tdes(enc).cbc_mac(card + host), b"")]
    commands += [_parts(text) for text in i.get("commands", [])]
    sent, chain = [], b""
    for header, data, le in commands:
        head = bytes([header[0] | 0x04]) + header[1:] + bytes([len(data) + 8])
        chain = tdes(mac).cbc_mac(head + data, chain)
        sent.append(head + data + chain + le)
    return {"card_cryptogram": received, "ext_auth": sent[0], "wrapped": sent[1:]}


CHECKS: dict[str, Check] = {
    "mrz": mrz,
    "icao_key": icao_key,
    "bac_command": bac_command,
    "bac_response": bac_response,
    "bac_session": bac_session,
    "sm_command": sm_command,
    "sm_open_response": sm_open_response,
    "sm_response": sm_response,
    "sm_encrypt": sm_encrypt,
    "sm_mac": sm_mac,
    "scp03": scp03_session,
    "scp03_kdf_kcv": scp03_kdf_kcv,
    "gp_diversification": gp_diversification,
    "scp02_session_keys": scp02_session_keys,
    "scp02_key_encryption": scp02_key_encryption,
    "scp02": scp02,
    "scp01_session_keys": scp01_session_keys,
    "scp01": scp01,
}
