"""Data objects: what is encoded is decoded, and bytes that are none are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcard.tlv import (
    Tlv,
    TlvError,
    decode_length,
    decode_tag,
    encode,
    encode_length,
    encode_tag,
    find,
    is_constructed,
    iterate,
    parse,
    parse_compact,
    parse_simple,
)

ONE_BYTE = [first for first in range(1, 256) if first & 0x1F != 0x1F]
FIRST_OF_MORE = [first for first in range(1, 256) if first & 0x1F == 0x1F]
TAGS = st.one_of(
    st.sampled_from(ONE_BYTE),
    st.builds(lambda a, b: a << 8 | b, st.sampled_from(FIRST_OF_MORE), st.integers(0x00, 0x7F)),
    st.builds(
        lambda a, b, c: a << 16 | b << 8 | c,
        st.sampled_from(FIRST_OF_MORE),
        st.integers(0x80, 0xFF),
        st.integers(0x00, 0x7F),
    ),
)
OBJECTS = st.lists(st.builds(Tlv, TAGS, st.binary(max_size=300)), max_size=6)


@given(objects=OBJECTS)
def test_data_objects_come_back(objects: list[Tlv]) -> None:
    encoded = b"".join(map(bytes, objects))
    assert parse(encoded) == objects
    borders = [(start, end) for _, start, end in iterate(encoded)]
    assert [encoded[start:end] for start, end in borders] == [bytes(tlv) for tlv in objects]
    for tlv in objects:
        assert find(objects, tlv.tag) == next(o.value for o in objects if o.tag == tlv.tag)


@given(objects=OBJECTS, padding=st.lists(st.integers(0, 3), min_size=7, max_size=7))
def test_bytes_00_between_them_mean_nothing(objects: list[Tlv], padding: list[int]) -> None:
    pieces = [bytes(padding[0])]
    for tlv, zeros in zip(objects, padding[1:], strict=False):
        pieces += [bytes(tlv), bytes(zeros)]
    assert parse(b"".join(pieces)) == objects


@given(inner=OBJECTS, tag=st.sampled_from([0x62, 0x6F, 0x7F49, 0xBF8101]))
def test_constructed_ones_hold_their_children(inner: list[Tlv], tag: int) -> None:
    (outer,) = parse(encode(tag, inner))
    assert outer.constructed
    assert outer.children() == inner


@given(objects=OBJECTS, cut=st.integers(min_value=1, max_value=400))
def test_what_is_cut_off_is_refused_or_shorter(objects: list[Tlv], cut: int) -> None:
    encoded = b"".join(map(bytes, objects))[:-cut]
    try:
        found = parse(encoded)
    except TlvError:
        return
    assert found == objects[: len(found)]
    assert len(found) < len(objects) or not objects


@given(data=st.binary(max_size=24))
def test_any_bytes_are_data_objects_or_an_error(data: bytes) -> None:
    try:
        objects = parse(data)
    except TlvError:
        return
    assert parse(b"".join(map(bytes, objects))) == objects


@pytest.mark.parametrize("first", range(256), ids="{:02X}".format)
def test_the_tag_ends_where_its_bits_say(first: int) -> None:
    if first & 0x1F != 0x1F:
        assert decode_tag(bytes([first, 0xFF])) == (first, 1)
    else:
        assert decode_tag(bytes([first, 0x7F])) == (first << 8 | 0x7F, 2)
        assert decode_tag(bytes([first, 0x80, 0x00])) == (first << 16 | 0x8000, 3)
        for endless in ([first], [first, 0x80], [first, 0x80, 0x80], [first, 0x80, 0x80, 0x01]):
            with pytest.raises(TlvError):
                decode_tag(bytes(endless))
    assert is_constructed(first) == (f"{first:08b}"[2] == "1")


@pytest.mark.parametrize(
    ("length", "encoded"),
    [
        (0, "00"),
        (0x7F, "7F"),
        (0x80, "8180"),
        (0xFF, "81FF"),
        (0x100, "820100"),
        (0xFFFF, "82FFFF"),
        (0x10000, "83010000"),
        (0xFFFFFF, "83FFFFFF"),
        (0x1000000, "8401000000"),
        (0xFFFFFFFF, "84FFFFFFFF"),
    ],
)
def test_lengths_take_the_shortest_field(length: int, encoded: str) -> None:
    assert encode_length(length).hex().upper() == encoded
    assert decode_length(bytes.fromhex(encoded), 0) == (length, len(encoded) // 2)


@pytest.mark.parametrize("field", ["80", "8500000000FF", "FF", "81", "8201", "84010000", ""])
def test_length_fields_that_are_none_are_refused(field: str) -> None:
    with pytest.raises(TlvError):
        decode_length(bytes.fromhex(field), 0)


@pytest.mark.parametrize("field", ["8105", "820005", "83000005", "8400000005"])
def test_longer_length_fields_than_needed_are_read(field: str) -> None:
    assert decode_length(bytes.fromhex(field), 0)[0] == 5


@given(tag=TAGS)
def test_tags_come_back(tag: int) -> None:
    assert decode_tag(encode_tag(tag)) == (tag, len(encode_tag(tag)))


@given(st.lists(st.tuples(st.integers(0, 15), st.binary(max_size=15)), max_size=6))
def test_compact_tlv(objects: list[tuple[int, bytes]]) -> None:
    encoded = b"".join(bytes([tag << 4 | len(value)]) + value for tag, value in objects)
    assert parse_compact(encoded) == [Tlv(*each) for each in objects]
    if objects and objects[-1][1]:
        with pytest.raises(TlvError):
            parse_compact(encoded[:-1])


@given(st.lists(st.tuples(st.integers(1, 0xFE), st.binary(max_size=300)), max_size=6))
def test_simple_tlv(objects: list[tuple[int, bytes]]) -> None:
    encoded = b"".join(
        bytes([tag])
        + (bytes([len(value)]) if len(value) < 0xFF else b"\xff" + len(value).to_bytes(2, "big"))
        + value
        for tag, value in objects
    )
    assert parse_simple(encoded) == [Tlv(*each) for each in objects]
    if objects:
        with pytest.raises(TlvError):
            parse_simple(encoded[:-1])


@pytest.mark.parametrize("data", ["00", "01", "0001AA", "FF01AA", "01FF", "01FF00", "01FF0002AA"])
def test_simple_tlv_refuses(data: str) -> None:
    with pytest.raises(TlvError):
        parse_simple(bytes.fromhex(data))
