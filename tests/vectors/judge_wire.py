"""The judge's side of the vectors: APDUs, data objects, ATRs, T=1 blocks and PPS.

APDUs, data objects and ATRs are read by the judge's own codecs; blocks and PPS are read here from
tables of what there may be.
"""

from __future__ import annotations

from typing import Any

from vector_files import Check, Inputs

from conformance import apdu as codec
from conformance import atr as answers
from conformance import tlv


def apdu(i: Inputs) -> dict[str, Any]:
    try:
        command = codec.CommandAPDU.decode(i("apdu"))
    except codec.MalformedAPDU:
        return {"case": None}
    assert command.encode() == i("apdu")
    return {
        "case": command.form.value,
        "header": bytes([command.cla, command.ins, command.p1, command.p2]),
        "data": command.data,
        "nc": len(command.data),
        "ne": command.ne or 0,
    }


def tlv_list(i: Inputs) -> dict[str, Any]:
    padding = i("skip") if "skip" in i else tlv.PADDING
    try:
        objects = tlv.parse(i("data"), padding)
    except tlv.MalformedTLV:
        return {"error": True}
    return {"error": False, "list": [[tlv.encode_tag(o.tag), o.value] for o in objects]}


def _tree(objects: tuple[tlv.DataObject, ...]) -> list[Any]:
    return [
        [tlv.encode_tag(o.tag), _tree(o.children) if o.constructed else o.value] for o in objects
    ]


def tlv_tree(i: Inputs) -> dict[str, Any]:
    try:
        return {"error": False, "tree": _tree(tlv.parse(i("data")))}
    except tlv.MalformedTLV:
        return {"error": True}


def tlv_length(i: Inputs) -> dict[str, Any]:
    return {"enc": tlv.encode_length(i["n"])}


def tag_list(i: Inputs) -> dict[str, Any]:
    try:
        return {"tags": [tlv.encode_tag(tag) for tag in tlv.parse_tags(i("data"))]}
    except tlv.MalformedTLV:
        return {"tags": None}


KINDS = {0x00: "I(0,0)", 0x20: "I(0,1)", 0x40: "I(1,0)", 0x60: "I(1,1)"}
KINDS |= {0x80: "R(0)", 0x81: "R(0) EDC/parity error", 0x82: "R(0) other error"}
KINDS |= {0x90: "R(1)", 0x91: "R(1) EDC/parity error", 0x92: "R(1) other error"}
for _place, _name in enumerate(("RESYNCH", "IFS", "ABORT", "WTX")):
    KINDS[0xC0 + _place] = f"S({_name} request)"
    KINDS[0xE0 + _place] = f"S({_name} response)"


def _lrc(data: bytes) -> int:
    total = 0
    for byte in data:
        total ^= byte
    return total


def t1_block(i: Inputs) -> dict[str, Any]:
    prologue, epilogue = i("block")[:3], i("block")[-1]
    information = i("block")[3:-1]
    return {
        "kind": KINDS[prologue[1]],
        "edc_ok": _lrc(prologue + information) == epilogue,
        "len_ok": prologue[2] == len(information),
    }


def _remainder(data: bytes) -> int:
    """The CRC as a division of polynomials over the bits as they are sent, lowest first."""
    bits = [byte >> place & 1 for byte in data for place in range(8)]
    bits = [bit ^ (place < 16) for place, bit in enumerate(bits)] + [0] * 16
    for place in range(8 * len(data)):
        if bits[place]:
            for offset in (0, 4, 11, 16):
                bits[place + offset] ^= 1
    return sum(bit << place for place, bit in enumerate(bits[-16:]))


def t1_edc(i: Inputs) -> dict[str, Any]:
    remainder = _remainder(i("data"))
    return {
        "crc_openct_order": remainder.to_bytes(2, "big"),
        "crc_x25": (0xFFFF - remainder).to_bytes(2, "big"),
        "lrc": bytes([_lrc(i("data"))]),
    }


class _Station:
    """One end of a T=1 dialogue: the number of the I-block that is due from it."""

    def __init__(self) -> None:
        self.due = 0
        self.sent = False

    def may_send(self, number: int) -> bool:
        right = number == self.due
        self.due, self.sent = 1 - number, True
        return right

    def told_to_expect(self, number: int) -> None:
        """An R-block of the other end names the I-block it waits for, the next or the last."""
        if self.sent:
            self.due = number


def t1_dialogue(i: Inputs) -> dict[str, Any]:
    stations = {"IFD": _Station(), "ICC": _Station()}
    wellformed, numbered, turn = True, True, "IFD"
    for sender, text in i["steps"]:
        block = bytes.fromhex(text)
        known = KINDS.get(block[1], "?")
        wellformed &= sender == turn and known != "?"
        wellformed &= _lrc(block) == 0 and len(block) == 4 + block[2]
        turn = "ICC" if sender == "IFD" else "IFD"
        if known.startswith("I"):
            numbered &= stations[sender].may_send(int(known[2]))
        elif known.startswith("R"):
            stations[turn].told_to_expect(int(known[2]))
        elif "RESYNCH" in known:
            stations = {"IFD": _Station(), "ICC": _Station()}
    return {"wellformed": wellformed, "numbered": numbered}


def pps(i: Inputs) -> dict[str, Any]:
    first, pps0, *rest = i("pps")
    optional = [
        name for bit, name in ((0x10, "PPS1"), (0x20, "PPS2"), (0x40, "PPS3")) if pps0 & bit
    ]
    named = dict(zip(optional, rest, strict=False))
    return {
        "pck_ok": first == 0xFF and _lrc(i("pps")[:-1]) == rest[-1],
        "length_ok": len(rest) == len(optional) + 1,
        "T": pps0 % 16,
        "PPS1": bytes([named["PPS1"]]) if "PPS1" in named else None,
    }


HIGHEST_CLOCK = (4, 5, 6, 8, 12, 16, 20, None, None, 5, 7.5, 10, 15, 20)


def atr(i: Inputs) -> dict[str, Any]:
    try:
        answer = answers.parse(i("atr"))
    except answers.MalformedATR:
        return {"valid_parse": False}
    tb1, tb = answer.value("TB1"), answer.specific("B", 1)
    tc, global_ta = answer.specific("C", 1), answer.specific("A", 15)
    clock = (
        None
        if global_ta is None
        else ("not supported", "state L", "state H", "no preference")[global_ta // 64]
    )
    classes = "".join(
        name for bit, name in ((1, "A"), (2, "B"), (4, "C")) if (global_ta or 0) & bit
    )
    return {
        "valid_parse": True,
        "convention": answer.convention,
        "interface": [[item.name, bytes([item.value])] for item in answer.interface],
        "Fi": answer.fi,
        "Di": answer.di,
        "fmax_MHz": HIGHEST_CLOCK[(answer.value("TA1") or 0x11) >> 4],
        "N": answer.extra_guard_time,
        "Vpp_II": None if tb1 is None else tb1 // 32 % 4,
        "Vpp_PI1": None if tb1 is None else tb1 % 32,
        "offered": [f"T={protocol}" for protocol in answer.offered],
        "IFSC": answer.ifsc,
        "BWI": 4 if tb is None else tb // 16,
        "CWI": 13 if tb is None else tb % 16,
        "EDC": "CRC" if (tc or 0) % 2 else "LRC",
        "clock_stop": clock,
        "class": classes,
        "K": i("atr")[1] % 16,
        "historical": answer.historical,
        "tck": b"" if answer.tck is None else bytes([answer.tck]),
        "tck_required": answer.tck_needed,
        "tck_present": answer.tck is not None,
        "tck_ok": None if answer.tck is None else answer.has_fault("tck") is None,
        "structure_ok": answer.has_fault("structure") is None
        and answer.tck_needed == (answer.tck is not None),
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
