"""Command APDUs: the seven forms, their borders, and everything that is none of them."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simcard.apdu import Case, Command, Response
from simcard.status import SW, CardError, StatusWord

HEADER = bytes.fromhex("00A1B2C3")
SHORT_NC = (1, 2, 127, 128, 254, 255)
EXTENDED_NC = (1, 255, 256, 257, 65534, 65535)
SHORT_LE = {1: "01", 2: "02", 255: "FF", 256: "00"}
EXTENDED_LE = {1: "0001", 255: "00FF", 256: "0100", 257: "0101", 65535: "FFFF", 65536: "0000"}


def data_of(nc: int) -> bytes:
    return bytes(number % 251 for number in range(nc))


def as_command(raw: bytes) -> Command | StatusWord:
    """The command that *raw* is, or the status word it is refused with."""
    try:
        return Command.parse(raw)
    except CardError as refusal:
        return refusal.sw


def test_case_1() -> None:
    command = Command.parse(HEADER)
    assert command == Command(0x00, 0xA1, 0xB2, 0xC3)
    assert (command.case, command.ne, command.p1p2) == (Case.NOTHING, 0, 0xB2C3)


@pytest.mark.parametrize("ne", SHORT_LE)
def test_case_2_short(ne: int) -> None:
    command = Command.parse(HEADER + bytes.fromhex(SHORT_LE[ne]))
    assert command == Command(0x00, 0xA1, 0xB2, 0xC3, b"", ne)
    assert (command.case, command.asks_for_all) == (Case.RECEIVES, ne == 256)


@pytest.mark.parametrize("nc", SHORT_NC)
def test_case_3_short(nc: int) -> None:
    command = Command.parse(HEADER + bytes([nc]) + data_of(nc))
    assert command == Command(0x00, 0xA1, 0xB2, 0xC3, data_of(nc))
    assert (command.case, command.ne) == (Case.SENDS, 0)


@pytest.mark.parametrize(("nc", "ne"), list(product(SHORT_NC, SHORT_LE)))
def test_case_4_short(nc: int, ne: int) -> None:
    command = Command.parse(HEADER + bytes([nc]) + data_of(nc) + bytes.fromhex(SHORT_LE[ne]))
    assert command == Command(0x00, 0xA1, 0xB2, 0xC3, data_of(nc), ne)
    assert (command.case, command.asks_for_all) == (Case.BOTH, ne == 256)


@pytest.mark.parametrize("ne", EXTENDED_LE)
def test_case_2_extended(ne: int) -> None:
    command = Command.parse(HEADER + b"\0" + bytes.fromhex(EXTENDED_LE[ne]))
    assert command == Command(0x00, 0xA1, 0xB2, 0xC3, b"", ne, extended=True)
    assert (command.case, command.asks_for_all) == (Case.RECEIVES, ne == 65536)


@pytest.mark.parametrize("nc", EXTENDED_NC)
def test_case_3_extended(nc: int) -> None:
    command = Command.parse(HEADER + b"\0" + nc.to_bytes(2, "big") + data_of(nc))
    assert command == Command(0x00, 0xA1, 0xB2, 0xC3, data_of(nc), None, extended=True)
    assert command.case is Case.SENDS


@pytest.mark.parametrize(("nc", "ne"), list(product(EXTENDED_NC, EXTENDED_LE)))
def test_case_4_extended(nc: int, ne: int) -> None:
    le = bytes.fromhex(EXTENDED_LE[ne])
    command = Command.parse(HEADER + b"\0" + nc.to_bytes(2, "big") + data_of(nc) + le)
    assert command == Command(0x00, 0xA1, 0xB2, 0xC3, data_of(nc), ne, extended=True)
    assert (command.case, command.asks_for_all) == (Case.BOTH, ne == 65536)


def form_of(p3: int, size: int) -> str | None:
    """The form of a command of *size* bytes whose fifth byte is *p3*, by ISO 7816-3, 12.1.3.

    The two bytes behind a fifth byte 00 are taken to be 00 02: an Lc or an Le of 2.
    """
    body = size - 4
    forms = {
        "1": body == 0,
        "2S": body == 1,
        "3S": p3 != 0 and body == 1 + p3,
        "4S": p3 != 0 and body == 2 + p3,
        "2E": p3 == 0 and body == 3,
        "3E": p3 == 0 and body == 3 + 2,
        "4E": p3 == 0 and body == 5 + 2,
    }
    found = [form for form, fits in forms.items() if fits]
    assert len(found) <= 1
    return found[0] if found else None


CASE_OF = {"1": 1, "2S": 2, "2E": 2, "3S": 3, "3E": 3, "4S": 4, "4E": 4}


@pytest.mark.parametrize("p3", range(256))
def test_every_fifth_byte_with_every_size(p3: int) -> None:
    content = bytes([*HEADER, p3, 0x00, 0x02]) + data_of(300)
    for size in range(4, 270):
        raw = content[:size]
        form, command = form_of(p3, size), as_command(raw)
        if form is None:
            assert command == SW.WRONG_LENGTH, raw.hex()
        else:
            assert isinstance(command, Command), raw.hex()
            assert command.case.value == CASE_OF[form]
            assert command.extended == form.endswith("E")
            assert bytes(command) == raw


@pytest.mark.parametrize("size", range(4))
def test_without_a_whole_header_it_is_no_command(size: int) -> None:
    assert as_command(HEADER[:size]) == SW.WRONG_LENGTH


@pytest.mark.parametrize("nc", [1, 2, 255, 256, 65535])
def test_an_extended_length_that_lies_is_refused(nc: int) -> None:
    whole = HEADER + b"\0" + nc.to_bytes(2, "big") + data_of(nc)
    refused = [whole[:-1], whole + b"\1", whole + b"\1\1\1"]
    if nc == 1:
        refused[0] = whole[:-1] + b"\1\1\1\1\1"  # cut short it would be an Le field of 1
    assert {as_command(raw) for raw in refused} == {SW.WRONG_LENGTH}


@pytest.mark.parametrize("rest", ["000000AA", "0000000000", "000000AA0000"])
def test_an_extended_length_of_zero_in_front_of_data_is_refused(rest: str) -> None:
    assert as_command(HEADER + bytes.fromhex(rest)) == SW.WRONG_LENGTH


BYTE = st.integers(0, 255)
LENGTHS = st.one_of(st.none(), st.integers(1, 256), st.integers(1, 65536))


@given(header=st.tuples(BYTE, BYTE, BYTE, BYTE), data=st.binary(max_size=600), ne=LENGTHS)
@example(header=(0, 0, 0, 0), data=b"", ne=256)
@example(header=(0, 0, 0, 0), data=b"\0", ne=257)
def test_what_is_encoded_is_decoded(
    header: tuple[int, int, int, int], data: bytes, ne: int | None
) -> None:
    decoded = Command.parse(bytes(Command(*header, data, ne)))
    assert (decoded[:4], decoded.data, decoded.expected) == (header, data, ne)
    assert decoded.extended == (len(data) > 255 or (ne or 0) > 256)


@given(raw=st.binary(max_size=40))
def test_what_is_decoded_is_encoded_to_the_same_bytes(raw: bytes) -> None:
    command = as_command(raw)
    assert bytes(command) == (raw if isinstance(command, Command) else b"\x67\x00")


def test_a_response_is_data_and_status_word() -> None:
    assert bytes(Response(b"\1\2", SW.END_OF_FILE)) == bytes.fromhex("01026282")
    assert bytes(Response()) == bytes.fromhex("9000")
