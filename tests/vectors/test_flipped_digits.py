"""One flipped hexadecimal digit anywhere makes the run fail: by computing, or by the digest."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sides import CARD
from vector_files import ROOM, Entry, all_entries, assert_agrees, index_rows, strings_in

from simcard.status import CardError

HEX = re.compile(r"[0-9A-F]+\Z")

SAMPLED = {
    "ecb_iterated": 1000,
    "pace_dh_gm": 32,
    "pace_ecdh_gm": 32,
    "ecdsa_sign": 16,
    "ecdh": 16,
    "sm2_agreement": 16,
}
"""Operations that take long: every so many digits of a string instead of each one."""

UNSEEN = {
    "apdu.apdu": "a malformed command stays malformed",
    "atr.atr": "entries of the collected list expect a part of what an ATR says",
    "bac_session.rnd_ic": "the send sequence counter takes the low half of each random number",
    "bac_session.rnd_ifd": "likewise",
    "ecdsa_sign.k": "the highest bits of an ephemeral key of P-521 are none",
    "emv_cryptogram.option": "options A and B differ for long account numbers only",
    "emv_cryptogram.pan": "option A takes the last sixteen digits",
    "emv_cryptogram.r": "the derivation replaces the third byte",
    "emv_script.header": "one entry expects no MAC",
    "emv_script.option": "options A and B differ for long account numbers only",
    "emv_script.pan": "option A takes the last sixteen digits",
    "emv_script.r": "the derivation replaces the third byte",
    "gp_diversification.kdd": "the schemes leave out some of the ten bytes",
    "pboc_load.algorithm": "one entry expects no response",
    "pboc_load.command": "no MAC covers header, key index and Le",
    "pboc_load.key_version": "one entry expects no response",
    "pboc_purchase.command": "no MAC covers header, key index and Le",
    "pps.pps": "a wrong check stays wrong",
    "scp01.init_upd_rsp": "no cryptogram covers diversification data and key information",
    "scp01_session_keys.mac": "the entry tells the encryption key alone",
    "scp02.init_upd_rsp": "no cryptogram covers diversification data and key information",
    "scp03.enc": "without encryption the static encryption key is of no consequence",
    "scp03.init_upd_rsp": "no cryptogram covers diversification data and key information",
    "scp03.responses": "without R-MAC the status bytes of a response are not looked at",
    "sm_command.header": "secure messaging sets two bits of the class byte anyway",
    "sm_command.ksenc": "without data nothing is enciphered",
    "sm_open_response.ksenc": "without data nothing is deciphered",
    "sm_open_response.rapdu": "not every entry expects the status bytes",
    "sm_response.ksenc": "without data nothing is enciphered",
    "t1_block.block": "a wrong check stays wrong",
    "tag_list.data": "a list cut short stays so",
    "tlv_list.data": "malformed data stays malformed",
    "tlv_list.skip": "padding that does not occur",
    "tlv_tree.data": "malformed data stays malformed",
    "unpad.data": "zeros without a mark stay so",
}
"""Inputs in which a flipped digit may change no result; there the digest is the guard."""


def _flips(entry: Entry) -> Iterator[tuple[str, dict[str, Any]]]:
    """The entry with one digit changed, and the name of the field in which it was.

    The highest bit of the digit is inverted: the lowest may be the parity of a DES key.
    """
    step = SAMPLED.get(entry.op, 1)
    whole = {"inputs": entry.inputs, "expected": entry.expected}
    for path, text in strings_in(whole):
        if not HEX.match(text):
            continue
        for place in sorted({*range(0, len(text), step), len(text) - 1}):
            changed: Any = copy.deepcopy(whole)
            holder = changed
            for part in path[:-1]:
                holder = holder[part]
            digit = f"{int(text[place], 16) ^ 8:X}"
            holder[path[-1]] = text[:place] + digit + text[place + 1 :]
            yield f"{path[0]}.{path[1]}", changed


def _is_noticed(entry: Entry, changed: dict[str, Any]) -> bool:
    try:
        assert_agrees(CARD[entry.op], changed["inputs"], changed["expected"])
    except (AssertionError, ValueError, KeyError, IndexError, CardError):
        return True
    return False


@pytest.mark.parametrize("family", sorted({entry.family for entry in all_entries()}))
def test_computing_notices_a_flipped_digit(family: str) -> None:
    unseen = set()
    for entry in (entry for entry in all_entries() if entry.family == family):
        for field, changed in _flips(entry):
            if not _is_noticed(entry, changed):
                part, name = field.split(".")
                assert part == "inputs", f"{entry.name}: a changed result went unnoticed: {name}"
                unseen.add(f"{entry.op}.{name}")
    assert unseen <= set(UNSEEN)


def test_what_is_said_to_be_unseen_occurs() -> None:
    known = {f"{entry.op}.{name}" for entry in all_entries() for name in entry.inputs}
    assert set(UNSEEN) <= known


def _places(path: Path, content: bytes) -> Iterator[int]:
    """Where a digit can flip: each one of a text, and bytes all over a memory image."""
    if path.suffix == ".img":
        yield from range(0, len(content), 97)
    else:
        yield from (match.start() for match in re.finditer(rb"[0-9A-Fa-f]", content))


@pytest.mark.parametrize("row", index_rows(), ids=lambda row: row["file"])
def test_the_digest_notices_every_flipped_digit(row: dict[str, Any]) -> None:
    path = ROOM / row["file"]
    content = path.read_bytes()
    behind, done = hashlib.sha256(), 0
    for place in _places(path, content):
        behind.update(content[done:place])
        done = place
        flipped = behind.copy()
        flipped.update(bytes([content[place] ^ 1]) + content[place + 1 :])
        assert flipped.hexdigest() != row["sha256"]
    behind.update(content[done:])
    assert behind.hexdigest() == row["sha256"]


def test_a_flipped_digit_of_the_index_is_noticed() -> None:
    text = (ROOM / "INDEX.toml").read_text("utf-8")
    digests = {row["sha256"] for row in index_rows()}
    on_disk = {
        hashlib.sha256((ROOM / row["file"]).read_bytes()).hexdigest() for row in index_rows()
    }
    assert digests == on_disk
    for digest in digests:
        assert text.count(digest) == 1
        for place, digit in enumerate(digest):
            changed = digest[:place] + f"{int(digit, 16) ^ 1:x}" + digest[place + 1 :]
            assert changed not in on_disk
