from __future__ import annotations

import pytest

from conformance.evidence import COMMANDS, PROPRIETARY
from conformance.reporting import exchange, octets
from conformance.reporting.exchange import Weight
from conformance.reporting.identity import identify
from conformance.reporting.language import Language
from conformance.reporting.objects import tree
from conformance.reporting.wording import duration, gloss, moment, phrase, slug

ENGLISH = Language("en")
NESTED = ["levels of diversification: 2", "key for MACs and enciphering"]
Pieces = list[tuple[str, str, str]]


def said(masked: str) -> dict[str, list[str]]:
    command = exchange.command(masked)
    return {field.name: [phrase(note, ENGLISH) for note in field.notes] for field in command.fields}


@pytest.mark.parametrize(
    ("masked", "name", "field", "notes"),
    [
        ("00A4040009F053494D4341524401", "SELECT", "P1", ["by DF name"]),
        ("00A4000C027F10", "SELECT", "P2", ["first or only occurrence", "no response data"]),
        ("00A40406", "SELECT", "P2", ["next occurrence", "answer with FCP"]),
        ("00B0012310", "READ BINARY", "P1-P2", ["offset 291"]),
        ("00B08A0500", "READ BINARY", "P1-P2", ["short EF identifier 10", "offset 5"]),
        ("00B1000000", "READ BINARY", "P1-P2", ["current EF, offset in a data object"]),
        ("00B1000500", "READ BINARY", "P1-P2", ["short EF identifier 5"]),
        ("00B1012300", "READ BINARY", "P1-P2", ["file identifier 0123"]),
        ("00B2010400", "READ RECORD", "P2", ["the record numbered in P1", "current EF"]),
        ("00B2013C00", "READ RECORD", "P2", ["the record numbered in P1", "short EF identifier 7"]),
        ("00200081", "VERIFY", "P2", ["reference data 1 of the DF"]),
        ("00200000", "VERIFY", "P2", ["reference not given"]),
        ("00CA7F6600", "GET DATA", "P1-P2", ["data object 7F66"]),
        ("8050010200", "INITIALIZE", "P1", ["purchase"]),
        ("8050000008", "INITIALIZE UPDATE", "P1-P2", ["a secure channel"]),
        ("8054010000", "DEBIT FOR PURCHASE", "P1", ["purchase"]),
        ("8054030000", "DEBIT FOR UNLOAD", "P1", ["unload"]),
        ("8054020000", "DEBIT", "P1", []),
        ("805A000900", "GET TRANSACTION PROOF", "P2", ["composite purchase"]),
        ("801A480100", "INITIALIZE FOR COMPUTATION", "P1", NESTED),
        ("84D4000000", "WRITE KEY", "CLA", ["proprietary class", "secure messaging"]),
        ("84820300", "EXTERNAL AUTHENTICATE", "P2", ["reference not given"]),
        ("00FF0000", "INS FF", "INS", []),
        (
            "10D60000",
            "UPDATE BINARY",
            "CLA",
            ["command chaining: not the last", "logical channel 0"],
        ),
        ("4CA40000", "SELECT", "CLA", ["logical channel 12 beyond the first four"]),
        ("00B000000000", "READ BINARY", "Lc", ["0 announced, other length follows"]),
        ("00B0000000", "READ BINARY", "Le", ["all there is, up to 256"]),
        ("00B00000000000", "READ BINARY", "Le", ["all there is, up to 65536"]),
        ("00D6000001AA", "UPDATE BINARY", "Lc", ["1 byte"]),
        ("00D60000000002AABB", "UPDATE BINARY", "Lc", ["2 bytes"]),
    ],
)
def test_commands(masked: str, name: str, field: str, notes: list[str]) -> None:
    assert exchange.command(masked).name == name
    assert said(masked)[field] == notes


def test_a_command_has_the_name_that_the_judge_gives_it() -> None:
    assert {ins: exchange.name_of(f"00{ins:02X}FFFF") for ins in COMMANDS} == COMMANDS
    assert {ins: exchange.name_of(f"80{ins:02X}FFFF") for ins in PROPRIETARY} == PROPRIETARY


def laid_out(data: exchange.Data | None) -> Pieces:
    nodes = data.tree if data else ()
    said = [(node.name, node.value, node.note) for node in nodes]
    return [(name, value, phrase(note, ENGLISH) if note else "") for name, value, note in said]


@pytest.mark.parametrize(
    ("command", "sent", "response", "answered"),
    [
        (
            "805000020B 01 000003E8 330300000010 00",
            [("key index", "01", ""), ("amount", "00 00 03 E8", "1000 in decimal")],
            "00002710 0001 0100 F658ED41 21B5317B 9000",
            [
                ("balance", "00 00 27 10", "10000 in decimal"),
                ("online transaction counter", "00 01", "1 in decimal"),
                ("key version", "01", ""),
                ("algorithm", "00", ""),
                ("random number", "F6 58 ED 41", ""),
                ("MAC1", "21 B5 31 7B", ""),
            ],
        ),
        (
            "805401000F 00000007 20261124 083000 F01FCF7E 08",
            [("terminal transaction counter", "00 00 00 07", "7 in decimal")],
            "85716096 2C2B5CC0 9000",
            [("TAC", "85 71 60 96", ""), ("MAC2", "2C 2B 5C C0", "")],
        ),
        ("805C000104", [], "00003710 9000", [("balance", "00 00 37 10", "14096 in decimal")]),
        (
            "04D6810007 AABBCC 01020304",
            [("data", "AA BB CC", ""), ("MAC", "01 02 03 04", "")],
            "9302",
            [],
        ),
        ("825C000104", [], "00003710 9000", [("balance", "00 00 37 10", "14096 in decimal")]),
        ("8050000203 010203 00", [], "0000 9000", []),
    ],
)
def test_fields_of_the_purses_are_told_one_by_one(
    command: str, sent: Pieces, response: str, answered: Pieces
) -> None:
    asked = command.replace(" ", "")
    assert laid_out(exchange.command(asked).data)[: len(sent)] == sent
    assert laid_out(exchange.response(response.replace(" ", ""), asked).data) == answered


def test_a_payment_application_says_who_issued_it() -> None:
    issued = (
        "9F0C1E" + "91560000" * 2 + "0201" + "00" * 6 + "12345678" + "2026010120360101" + "5500"
    )
    value = "500350424F" + issued
    fci = f"A5{len(value) // 2:02X}{value}"
    (template,) = tree(bytes.fromhex(f"6F{len(fci) // 2:02X}{fci}"), expected=False)
    names = [node.name for node in template.children[0].children[1].children]
    assert names[0] == "card issuer"
    assert names[4:6] == ["valid from", "valid until"]


def test_what_is_masked_stays_masked() -> None:
    command = exchange.command("0020000104{pin:01}")
    assert command.data is not None
    assert (command.data.value, command.data.length) == ("{pin:01}", None)


@pytest.mark.parametrize("masked", ["", "00", "00A4{pin:01}"])
def test_what_is_no_command_is_shown_as_bytes(masked: str) -> None:
    command = exchange.command(masked)
    assert (command.name, command.fields) == ("", ())


@pytest.mark.parametrize(
    ("response", "meaning", "weight"),
    [
        ("9000", "normal processing", Weight.NORMAL),
        ("6110", "normal processing, 16 more bytes available", Weight.NORMAL),
        ("6100", "normal processing, 256 more bytes available", Weight.NORMAL),
        ("63C1", "1 further try allowed", Weight.WARNING),
        ("63C0", "0 further tries allowed", Weight.WARNING),
        ("6A82", "file or application not found", Weight.ERROR),
        ("6AFF", "wrong parameters P1-P2", Weight.ERROR),
        ("1234", "status word of no known meaning", Weight.ERROR),
        ("", "no answer", Weight.MUTE),
        ("90", "no status word", Weight.MUTE),
    ],
)
def test_responses(response: str, meaning: str, weight: Weight) -> None:
    decoded = exchange.response(response)
    assert (phrase(decoded.meaning, ENGLISH), decoded.weight) == (meaning, weight)


def test_a_tree_has_names_and_notes() -> None:
    answer = exchange.response("620E8201018302000180020100880108" + "9000", "00A4")
    assert answer.data is not None
    (template,) = answer.data.tree
    assert template.name == "file control parameters (FCP)"
    told = [
        (node.tag, node.name, node.note and phrase(node.note, ENGLISH))
        for node in template.children
    ]
    assert told == [
        ("82", "file descriptor", "transparent EF"),
        ("83", "file identifier", None),
        ("80", "data bytes in the EF", "256 bytes"),
        ("88", "short EF identifier", "short EF identifier 1"),
    ]


def test_content_that_looks_like_objects_is_left_alone() -> None:
    assert tree(bytes.fromhex("010102"), expected=False) == ()
    assert tree(bytes.fromhex("6F0101"), expected=False)[0].children == ()
    assert tree(bytes.fromhex("6F05"), expected=True) == ()


def test_an_atr_is_taken_apart() -> None:
    identity = identify(bytes.fromhex("3B878131FE458031F873F7C1FB7B"))
    assert identity.faults == ()
    told = {one.name: [phrase(note, ENGLISH) for note in one.notes] for one in identity.historical}
    assert "command chaining" in told["73"]
    assert "highest logical channel 3" in told["73"]
    assert "card with an MF" in told["31"]


@pytest.mark.parametrize("raw", ["", "3B", "00", "3B80", "3FFF", "3B0F", "3B8F8001FF"])
def test_any_bytes_are_an_identity(raw: str) -> None:
    identity = identify(bytes.fromhex(raw))
    assert identity.raw.replace(" ", "") == raw
    assert identity.faults


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"A1", None),
        (b"VISA", ("VISA", "ASCII")),
        ("社会保障".encode(), ("社会保障", "UTF-8")),
        ("社会保障".encode("gbk"), ("社会保障", "GBK")),
        (bytes.fromhex("DEADBEEF"), None),
        (b"ab\x00", None),
    ],
)
def test_text_is_offered_only_when_it_is_text(data: bytes, text: tuple[str, str] | None) -> None:
    assert octets.readable(data) == text


def test_small_words() -> None:
    assert [duration(value) for value in (0, 2e-6, 0.00123, 0.5, 61, 5000)] == [
        *("0 µs", "2 µs", "1.23 ms", "500 ms", "61 s", "5000 s")
    ]
    assert moment("2026-03-02T09:14:05.123+00:00") == "2026-03-02 09:14:05 UTC"
    assert moment("yesterday") == "yesterday"
    assert gloss("6982 with no data", ENGLISH) == "security status not satisfied"
    assert gloss("16 times 01", ENGLISH) == gloss("6982AB", ENGLISH) == ""
    assert slug("a/b c[é]") == "a_2Fb_20c_5B_C3_A9_5D"
