"""The card's side of the vectors: APDUs, data objects, ATRs, T=1 blocks and PPS.

APDUs and data objects are read by the card's own codecs. ATRs, blocks and PPS are read here, in
the order of the bytes; the judge's side reads them with the judge's codecs or in another manner.
"""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import Any

from vector_files import Check, Inputs

from simcard.apdu import Case, Command
from simcard.status import CardError
from simcard.tlv import Tlv, TlvError, decode_tag, encode_length, encode_tag, parse


def apdu(i: Inputs) -> dict[str, Any]:
    try:
        command = Command.parse(i("apdu"))
    except CardError:
        return {"case": None}
    assert bytes(command) == i("apdu")
    form = "" if command.case is Case.NOTHING else "E" if command.extended else "S"
    return {
        "case": f"{command.case.value}{form}",
        "header": command.header,
        "data": command.data,
        "nc": len(command.data),
        "ne": command.ne,
    }


def tlv_list(i: Inputs) -> dict[str, Any]:
    # The card skips 00 alone; other padding is taken off before, where the reader has asked for it.
    data = i("data").lstrip(i("skip")) if "skip" in i else i("data")
    try:
        objects = [[encode_tag(tlv.tag), tlv.value] for tlv in parse(data)]
    except TlvError:
        return {"error": True}
    return {"error": False, "list": objects}


def _tree(objects: list[Tlv]) -> list[Any]:
    return [
        [encode_tag(tlv.tag), _tree(tlv.children()) if tlv.constructed else tlv.value]
        for tlv in objects
    ]


def tlv_tree(i: Inputs) -> dict[str, Any]:
    try:
        return {"error": False, "tree": _tree(parse(i("data")))}
    except TlvError:
        return {"error": True}


def tlv_length(i: Inputs) -> dict[str, Any]:
    return {"enc": encode_length(i["n"])}


def tag_list(i: Inputs) -> dict[str, Any]:
    tags, offset = [], 0
    try:
        while offset < len(i("data")):
            tag, offset = decode_tag(i("data"), offset)
            tags.append(encode_tag(tag))
    except TlvError:
        return {"tags": None}
    return {"tags": tags}


REASONS = {0: "", 1: " EDC/parity error", 2: " other error"}
SUPERVISORY = {0: "RESYNCH", 1: "IFS", 2: "ABORT", 3: "WTX"}


def _kind(pcb: int) -> str:
    """What the protocol control byte says (ISO/IEC 7816-3 clause 11.3.2.2)."""
    if pcb < 0x80:
        return f"I({pcb >> 6},{pcb >> 5 & 1})"
    if pcb < 0xC0:
        return f"R({pcb >> 4 & 1}){REASONS[pcb & 0x0F]}"
    return f"S({SUPERVISORY[pcb & 0x1F]} {'response' if pcb & 0x20 else 'request'})"


def t1_block(i: Inputs) -> dict[str, Any]:
    block = i("block")
    return {
        "kind": _kind(block[1]),
        "edc_ok": reduce(xor, block) == 0,
        "len_ok": block[2] == len(block) - 4,
    }


def _crc(data: bytes) -> int:
    """CRC-16 with the polynomial 1021 reflected, started with FFFF."""
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x8408 if register & 1 else 0)
    return register


def t1_edc(i: Inputs) -> dict[str, Any]:
    crc = _crc(i("data"))
    return {
        "crc_openct_order": crc.to_bytes(2, "big"),
        "crc_x25": (crc ^ 0xFFFF).to_bytes(2, "big"),
        "lrc": bytes([reduce(xor, i("data"))]),
    }


def _numbers_fit(steps: list[list[str]]) -> bool:
    """I-blocks of a side alternate unless an R-block has asked for the same again."""
    last: dict[str, int | None] = {"IFD": None, "ICC": None}
    asked: dict[str, int | None] = {"IFD": None, "ICC": None}
    for sender, text in steps:
        pcb, other = bytes.fromhex(text)[1], "ICC" if sender == "IFD" else "IFD"
        if pcb & 0xDF == 0xC0:
            last, asked = dict.fromkeys(last), dict.fromkeys(asked)
        elif pcb & 0xC0 == 0x80:
            asked[other] = pcb >> 4 & 1
        elif pcb < 0x80:
            number, before = pcb >> 6, last[sender]
            due = 0 if before is None else 1 - before
            repeated = asked[sender] is not None and asked[sender] == before
            if number != (before if repeated else due):
                return False
            last[sender], asked[sender] = number, None
    return True


def t1_dialogue(i: Inputs) -> dict[str, Any]:
    blocks = [bytes.fromhex(text) for _, text in i["steps"]]
    sound = all(reduce(xor, block) == 0 and block[2] == len(block) - 4 for block in blocks)
    turns = [sender for sender, _ in i["steps"]]
    alternate = turns == ["IFD", "ICC"] * (len(turns) // 2)
    return {"wellformed": sound and alternate, "numbered": _numbers_fit(i["steps"])}


def pps(i: Inputs) -> dict[str, Any]:
    data = i("pps")
    present = data[1] >> 4
    return {
        "pck_ok": data[0] == 0xFF and reduce(xor, data) == 0,
        "length_ok": len(data) == 3 + (present & 0x07).bit_count(),
        "T": data[1] & 0x0F,
        "PPS1": data[2:3] if present & 1 else None,
    }


CLOCK_RATES = {0: (372, 4), 1: (372, 5), 2: (558, 6), 3: (744, 8), 9: (512, 5), 10: (768, 7.5)}
RATE_ADJUSTMENTS = {1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 6: 32, 7: 64, 8: 12, 9: 20}
CLOCK_STOP = ["not supported", "state L", "state H", "no preference"]


def _interface(raw: bytes) -> tuple[list[tuple[str, int]], list[int], int]:
    """Interface bytes by name, the T of each TD, and where the historical bytes begin."""
    found: list[tuple[str, int]] = []
    protocols: list[int] = []
    announced, offset, level = raw[1] >> 4, 2, 1
    while announced:
        for letter in "ABCD":
            if announced >> "ABCD".index(letter) & 1:
                found.append((f"T{letter}{level}", raw[offset]))
                offset += 1
        following = dict(found).get(f"TD{level}")
        if following is not None:
            protocols.append(following & 0x0F)
        announced, level = (following or 0) >> 4, level + 1
    return found, protocols, offset


def _specific(values: dict[str, int], protocols: list[int]) -> dict[str, Any]:
    """What the bytes behind TD2 say of T=1, and those behind T=15 of the card's clock and class."""
    results: dict[str, Any] = {"IFSC": 32, "BWI": 4, "CWI": 13, "EDC": "LRC"}
    ones = [level for level, t in enumerate(protocols, start=2) if t == 1 and level > 2]
    for level in ones[:1]:
        results["IFSC"] = values.get(f"TA{level}", 32)
        waiting = values.get(f"TB{level}", 0x4D)
        results |= {"BWI": waiting >> 4, "CWI": waiting & 0x0F}
        results["EDC"] = "CRC" if values.get(f"TC{level}", 0) & 1 else "LRC"
    for level in (level for level, t in enumerate(protocols, start=2) if t == 15):
        xi_ui = values.get(f"TA{level}", 0x01)
        results["clock_stop"] = CLOCK_STOP[xi_ui >> 6]
        results["class"] = "".join(c for bit, c in enumerate("ABC") if xi_ui >> bit & 1)
    return results


def atr(i: Inputs) -> dict[str, Any]:
    raw = i("atr")
    if raw[0] not in (0x3B, 0x3F):
        return {"valid_parse": False}
    interface, protocols, offset = _interface(raw)
    values, length = dict(interface), raw[1] & 0x0F
    historical, rest = raw[offset : offset + length], raw[offset + length :]
    required = any(protocols)
    fi, fmax = CLOCK_RATES[values.get("TA1", 0x11) >> 4]
    tb1 = values.get("TB1", 0x25)
    return _specific(values, protocols) | {
        "valid_parse": True,
        "convention": "direct" if raw[0] == 0x3B else "inverse",
        "interface": [[name, bytes([value])] for name, value in interface],
        "Fi": fi,
        "fmax_MHz": fmax,
        "Di": RATE_ADJUSTMENTS[values.get("TA1", 0x11) & 0x0F],
        "N": values.get("TC1", 0),
        "Vpp_II": tb1 >> 5 & 3,
        "Vpp_PI1": tb1 & 0x1F,
        "offered": [f"T={t}" for t in dict.fromkeys(protocols or [0]) if t != 15],
        "K": length,
        "historical": historical,
        "tck": rest[:1],
        "tck_required": required,
        "tck_present": bool(rest),
        "tck_ok": reduce(xor, raw[1:]) == 0 if rest else None,
        "structure_ok": len(historical) == length and len(rest) == required,
    }


CHECKS: dict[str, Check] = {
    "apdu": apdu,
    "tlv_list": tlv_list,
    "tlv_tree": tlv_tree,
    "tlv_length": tlv_length,
    "tag_list": tag_list,
    "t1_block": t1_block,
    "t1_edc": t1_edc,
    "t1_dialogue": t1_dialogue,
    "pps": pps,
    "atr": atr,
}
