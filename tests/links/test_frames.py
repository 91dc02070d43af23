"""The frames of the vpcd protocol, without a wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcard.links.frames import LONGEST, Control, FrameDecoder, control_of, encode


@pytest.mark.parametrize(
    ("message", "control"),
    [
        (b"\x00", Control.POWER_OFF),
        (b"\x01", Control.POWER_ON),
        (b"\x02", Control.RESET),
        (b"\x04", Control.ATR),
    ],
)
def test_a_known_byte_alone_is_a_control_message(message: bytes, control: Control) -> None:
    assert control_of(message) is control


@pytest.mark.parametrize(
    "message", [b"", b"\x03", b"\x05", b"\xff", b"\x00\x00", b"\x00\xa4\x00\x00"]
)
def test_everything_else_is_a_command(message: bytes) -> None:
    assert control_of(message) is None


def test_a_frame_is_the_length_and_the_message() -> None:
    assert encode(bytes.fromhex("9000")) == bytes.fromhex("0002 9000")
    assert encode(bytes(0x1234))[:2] == bytes.fromhex("1234")


def test_the_longest_message_fits_and_the_next_one_does_not() -> None:
    assert len(encode(bytes(LONGEST))) == LONGEST + 2
    with pytest.raises(ValueError, match="65535"):
        encode(bytes(LONGEST + 1))


@given(st.lists(st.binary(max_size=40), max_size=6), st.data())
def test_messages_survive_any_cutting_of_the_stream(
    messages: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(map(encode, messages))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    decoder = FrameDecoder()
    heard = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        heard += decoder.feed(stream[start:end])
    assert heard == messages


def test_a_message_comes_out_with_its_last_byte_and_not_before() -> None:
    decoder = FrameDecoder()
    frame = encode(b"\x00\xb0\x00\x00\x01")
    for byte in frame[:-1]:
        assert decoder.feed(bytes([byte])) == []
    assert decoder.feed(frame[-1:]) == [b"\x00\xb0\x00\x00\x01"]
