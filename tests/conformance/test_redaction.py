"""Slots in the place of secrets: in commands, answers and sentences, and back again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.keys import Keys
from conformance.redaction import FORMS
from conformance.trouble import UsageError

DES, CHANNEL = bytes(range(0x11, 0x21)), bytes(range(0x40, 0x70))
EXPANDED = DES + DES[:8]


@pytest.fixture
def holder(keys: Keys) -> Keys:
    return replace(keys, secrets={"LOAD": DES, "CHANNEL": CHANNEL})


@pytest.mark.parametrize(
    ("command", "redacted"),
    [
        (f"00D6000010{DES.hex()}", "00D6000010{key:LOAD}"),
        (f"00D600001A01{EXPANDED.hex()}02", "00D600001A01{expanded:LOAD}02"),
        (f"00D6000022{DES.hex()}0102{DES.hex()}", "00D6000022{key:LOAD}0102{key:LOAD}"),
        (f"00D6000010{CHANNEL[16:32].hex()}", "00D6000010{second:CHANNEL}"),
        (f"80D4000013020100{FORMS['spare'](DES).hex()}", "80D4000013020100{spare:LOAD}"),
        ("80D4000013020100" + "77" * 16, "80D4000013020100{withheld:16}"),
        ("80D4000003020100", "80D4000003020100"),
        ("84D4000008" + "77" * 8, "84D4000008" + "77" * 8),
        ("8424000108" + "77" * 8, "8424000108" + "77" * 8),
        ("0C2000010431323334", "0C20000104{pin:01}"),
        ("6020000104AABBCCDD", "6020000104AABBCCDD"),
        ("0020001E0430303030", "0020001E04{zeros:4}"),
        ("0024000108" + b"12341235".hex(), "0024000108{pin:01}{wrong:01}"),
        ("002C010108" + b"12345678".hex(), "002C010108{pin:02}"),
    ],
)
def test_a_command_shows_no_secret_and_can_be_replayed(
    holder: Keys, command: str, redacted: str
) -> None:
    raw = bytes.fromhex(command)
    assert holder.redacted(raw) == redacted
    if "withheld" in redacted:
        with pytest.raises(UsageError, match="withheld"):
            holder.expanded(redacted)
    else:
        assert holder.expanded(redacted) == raw


def test_an_answer_shows_no_key_and_no_value_that_was_asked_for(holder: Keys) -> None:
    read, verify = bytes.fromhex("00B0000000"), bytes.fromhex("0020000104") + b"1234"
    assert holder.redacted_answer(read, b"\x01" + EXPANDED + b"\x90\x00") == "01{expanded:LOAD}9000"
    assert holder.redacted_answer(verify, b"1234\x90\x00") == "{pin:01}9000"
    assert holder.redacted_answer(read, b"1234\x90\x00") == "313233349000", "by chance in a file"
    assert holder.redacted_answer(b"", b"\x90\x00") == "9000"
    assert holder.redacted_answer(read, b"") == ""


def test_a_sentence_shows_no_key(holder: Keys) -> None:
    readable = replace(holder, secrets={"TEXT": b"SSSE_MASTER_0000"})
    for spelled in (DES.hex(), DES.hex().upper(), DES.hex(" ").upper()):
        assert holder.told(f"it answered {spelled}!") == "it answered {key:LOAD}!"
    assert readable.told("b'SSSE_MASTER_0000'") == "b'{key:TEXT}'"
    assert holder.told("VERIFY answered 63C2") == "VERIFY answered 63C2"
