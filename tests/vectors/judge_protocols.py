"""The judge's side of the vectors: ICAO, GlobalPlatform, PBOC and EMV.

What the judge has no room for (SCP01 and SCP02, EMV cryptograms and scripts, the key
diversification of GlobalPlatform) is worked out here over its plain blocks.
"""

from __future__ import annotations

from typing import Any

from vector_files import Check, Inputs

from conformance.apdu import CommandAPDU
from conformance.crypto import icao, scp03
from conformance.crypto.blocks import cbc_mac, cmac, encrypt_cbc, encrypt_ecb, pad, retail_mac, xor
from conformance.crypto.digests import digest


def kcv(key: bytes, cipher: str = "TDES") -> bytes:
    block = bytes(8) if cipher == "TDES" else b"\x01" * 16
    return encrypt_ecb(cipher, key, block)[:3]


def tdes_mac(key: bytes, data: bytes, iv: bytes | None = None) -> bytes:
    return cbc_mac("TDES", key, pad(data, 8), iv)


# ICAO 9303-11


def mrz(i: Inputs) -> dict[str, Any]:
    information = icao.mrz_information(
        *(i[n] for n in ("document_number", "date_of_birth", "date_of_expiry"))
    )
    hashed = icao.mrz_password(information)
    return {"mrz_information": information, "sha1": hashed, "kseed": hashed[:16]}


def icao_key(i: Inputs) -> dict[str, Any]:
    hashed = digest("SHA-1", i("seed") + bytes([0, 0, 0, i["counter"]]))
    return {"hash": hashed, "key": icao.derived(i("seed"), i["counter"], i["cipher"])}


def bac_command(i: Inputs) -> dict[str, Any]:
    keys = icao.Keys(i("kenc"), i("kmac"))
    token = icao.bac_token(keys, i("rnd_ifd"), i("rnd_ic"), i("k_ifd"))
    return {
        "S": i("rnd_ifd") + i("rnd_ic") + i("k_ifd"),
        "E_IFD": token[:32],
        "M_IFD": token[-8:],
        "apdu": CommandAPDU(0x00, 0x82, 0, 0, token, 40).encode(),
    }


def bac_response(i: Inputs) -> dict[str, Any]:
    keys = icao.Keys(i("kenc"), i("kmac"))
    token = icao.bac_token(keys, i("rnd_ic"), i("rnd_ifd"), i("k_ic"))
    return {"E_IC": token[:32], "M_IC": token[-8:], "resp_data": token}


def bac_session(i: Inputs) -> dict[str, Any]:
    keys = icao.bac_session(i("k_ifd"), i("k_ic"))
    return {
        "kseed": xor(i("k_ifd"), i("k_ic")),
        "KSenc": keys.enc,
        "KSmac": keys.mac,
        "SSC": i("rnd_ic")[4:] + i("rnd_ifd")[4:],
    }


def _messaging(i: Inputs) -> tuple[icao.Keys, int, int]:
    """Keys, counter and block size."""
    keys = icao.Keys(
        i("ksenc") if "ksenc" in i else b"", i("ksmac") if "ksmac" in i else b"", i["cipher"]
    )
    return keys, i.number("ssc"), len(i("ssc"))


def sm_command(i: Inputs) -> dict[str, Any]:
    keys, counter, size = _messaging(i)
    data = i("data") if "data" in i else b""
    apdu = icao.protect(keys, counter + 1, i("header"), data, i.get("le"))
    body = CommandAPDU.decode(apdu).data
    return {
        "padded": pad(data, size),
        "enc": icao.message_encrypt(keys, counter + 1, data),
        "mac_input": (counter + 1).to_bytes(size, "big") + pad(apdu[:4], size) + body[:-10],
        "mac": body[-8:],
        "apdu": apdu,
        "ssc": (counter + 1).to_bytes(size, "big"),
    }


def sm_open_response(i: Inputs) -> dict[str, Any]:
    keys, counter, size = _messaging(i)
    try:
        data, sw = icao.open_response(keys, counter + 1, i("rapdu"))
    except ValueError:
        return {"mac_ok": False, "data": None, "sw": None, "mac": None, "ssc": None}
    return {
        "mac": i("rapdu")[-10:-2],
        "mac_ok": True,
        "data": data,
        "sw": sw,
        "ssc": (counter + 1).to_bytes(size, "big"),
    }


def sm_response(i: Inputs) -> dict[str, Any]:
    keys, counter, _ = _messaging(i)
    objects = b""
    if "data" in i:
        enciphered = b"\x01" + icao.message_encrypt(keys, counter + 1, i("data"))
        objects = b"\x87" + bytes([len(enciphered)]) + enciphered
    objects += b"\x99\x02" + i("sw")
    mac = icao.message_mac(keys, counter + 1, objects)
    return {"rapdu": objects + b"\x8e\x08" + mac + i("sw")}


def sm_encrypt(i: Inputs) -> dict[str, Any]:
    keys, counter, _ = _messaging(i)
    return {"cipher": icao.message_encrypt(keys, counter, i("data"))}


def sm_mac(i: Inputs) -> dict[str, Any]:
    keys, counter, _ = _messaging(i)
    return {"mac": icao.message_mac(keys, counter, i("data"))}


# GlobalPlatform


def _parts(command: str) -> tuple[bytes, bytes, bytes]:
    raw = bytes.fromhex(command)
    decoded = CommandAPDU.decode(raw)
    return raw[:4], decoded.data, b"" if decoded.ne is None else raw[-1:]


def scp03_session(i: Inputs) -> dict[str, Any]:
    answer = i("init_upd_rsp")
    session = scp03.Session(i("enc"), i("mac"), i("host_challenge"), answer[13:21], i["level"])
    assert session.card_cryptogram == answer[21:29]
    ext_auth = session.external_authenticate()
    wrapped, plain, responses = [], [], list(i.get("responses", []))
    for text in i["commands"]:
        wrapped.append(session.protect(*_parts(text)))
        if responses:
            plain.append(session.open(bytes.fromhex(responses.pop(0))))
    return {
        "card_cryptogram": session.card_cryptogram,
        "ext_auth": ext_auth,
        "wrapped": wrapped,
        "plain_responses": plain,
        "S-ENC": session.s_enc,
        "S-MAC": session.s_mac,
        "S-RMAC": session.s_rmac,
    }


def scp03_kdf_kcv(i: Inputs) -> dict[str, Any]:
    return {"kcv": kcv(scp03.derived(i("key"), i["const"], i("context"), i["bits"]), "AES")}


def _diversified(master: bytes, scheme: str, kdd: bytes, number: int) -> bytes:
    chosen = {"emv": (4, 5, 6, 7, 8, 9), "visa2": (0, 1, 4, 5, 6, 7)}[scheme]
    stem = bytes(kdd[place] for place in chosen)
    left = encrypt_ecb("TDES", master, stem + bytes([0xF0, number]))
    return left + encrypt_ecb("TDES", master, stem + bytes([0x0F, number]))


def gp_diversification(i: Inputs) -> dict[str, Any]:
    master = i("master")
    out: dict[str, Any] = {}
    for name, number in {"ENC": 1, "MAC": 2, "DEK": 3}.items():
        if i["scheme"] == "kdf3":
            label = bytes([0, 0, 0, number, 0])
            blocks = (cmac("AES", master, bytes([n]) + label + i("kdd")) for n in (1, 2))
            key = b"".join(blocks)[: len(master)]
            out |= {name: key, f"kcv_{name}": kcv(key, "AES")}
        else:
            out[f"kcv_{name}"] = kcv(_diversified(master, i["scheme"], i("kdd"), number))
    return out


SCP02 = {"S-ENC": "0182", "S-MAC": "0101", "DEK": "0181", "S-RMAC": "0102"}


def _scp02_key(static: bytes, name: str, sequence: bytes) -> bytes:
    return encrypt_cbc("TDES", static, bytes.fromhex(SCP02[name]) + sequence + bytes(12))


def scp02_session_keys(i: Inputs) -> dict[str, Any]:
    static = {"S-ENC": "enc", "S-MAC": "mac", "DEK": "dek", "S-RMAC": "mac"}
    return {f"kcv_{name}": kcv(_scp02_key(i(static[name]), name, i("seq"))) for name in SCP02}


def scp02_key_encryption(i: Inputs) -> dict[str, Any]:
    return {"out": encrypt_ecb("TDES", _scp02_key(i("dek"), "DEK", i("seq")), i("key"))}


def _opening(i: Inputs, host_cryptogram: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """EXTERNAL AUTHENTICATE and the commands behind it."""
    first = bytes.fromhex("8082") + bytes([i["level"], 0]), host_cryptogram, b""
    return [first, *map(_parts, i.get("commands", []))]


def scp02(i: Inputs) -> dict[str, Any]:
    answer, host = i("init_upd_rsp"), i("host_challenge")
    card = answer[12:20]
    enc = _scp02_key(i("enc"), "S-ENC", card[:2])
    mac_key = _scp02_key(i("mac"), "S-MAC", card[:2])
    cryptogram = tdes_mac(enc, host + card)
    assert cryptogram == answer[20:]
    wrapped: list[bytes] = []
    chain: bytes | None = None
    for header, data, le in _opening(i, tdes_mac(enc, card + host)):
        start = None if chain is None else encrypt_ecb("DES", mac_key[:8], chain)
        secured = bytes([header[0] + 4]) + header[1:]
        chain = retail_mac(mac_key, pad(secured + bytes([len(data) + 8]) + data, 8), start)
        plain = not data or not wrapped or i["level"] != 3
        field = data if plain else encrypt_cbc("TDES", enc, pad(data, 8))
        wrapped.append(secured + bytes([len(field) + 8]) + field + chain + le)
    return {"card_cryptogram": cryptogram, "ext_auth": wrapped[0], "wrapped": wrapped[1:]}


def _scp01_key(static: bytes, host: bytes, card: bytes) -> bytes:
    quarters = card[4:8], host[0:4], card[0:4], host[4:8]
    return encrypt_ecb("TDES", static, b"".join(quarters))


def scp01_session_keys(i: Inputs) -> dict[str, Any]:
    return {"kcv_S-ENC": kcv(_scp01_key(i("enc"), i("host_challenge"), i("card_challenge")))}


def scp01(i: Inputs) -> dict[str, Any]:
    answer, host = i("init_upd_rsp"), i("host_challenge")
    static = [i("enc"), i("mac")]
    if "diversify" in i:
        static = [
            _diversified(key, i["diversify"], answer[:10], n) for n, key in enumerate(static, 1)
        ]
    enc, mac_key = (_scp01_key(key, host, answer[12:20]) for key in static)
    assert tdes_mac(enc, host + answer[12:20]) == answer[20:]
    wrapped: list[bytes] = []
    chain: bytes | None = None
    for header, data, le in _opening(i, tdes_mac(enc, answer[12:20] + host)):
        body = bytes([header[0] + 4]) + header[1:] + bytes([len(data) + 8]) + data
        chain = tdes_mac(mac_key, body, chain)
        wrapped.append(body + chain + le)
    return {"card_cryptogram": answer[20:], "ext_auth": wrapped[0], "wrapped": wrapped[1:]}


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
