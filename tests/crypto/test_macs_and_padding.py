"""Padding and message authentication codes beyond their vectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcard.crypto import (
    BlockCipher,
    KeyLengthError,
    Padding,
    algorithm_3,
    block_suite,
    pad,
    retail_mac,
    same_mac,
    unpad,
    with_odd_parity,
)


@given(st.binary(max_size=40), st.sampled_from([8, 16]))
def test_unpadding_undoes_method_2(data: bytes, size: int) -> None:
    padded = pad(data, size)
    assert len(padded) % size == 0
    assert 0 < len(padded) - len(data) <= size
    assert unpad(padded) == unpad(padded, size) == data


@given(st.binary(max_size=40), st.sampled_from([1, 3]))
def test_methods_1_and_3_fill_to_a_positive_multiple(data: bytes, method: int) -> None:
    padded = pad(data, 8, method)
    body = padded if method == 1 else padded[8:]
    assert len(padded) % 8 == 0
    assert body
    assert body.rstrip(b"\x00") == data.rstrip(b"\x00")
    if method == 3:
        assert int.from_bytes(padded[:8], "big") == 8 * len(data)


@pytest.mark.parametrize("data", [b"", b"\x00", b"1234", b"\x80\x01", bytes(16)])
def test_missing_padding_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"the padding 80 00\.\. is missing"):
        unpad(data)


def test_padding_longer_than_a_block_is_an_error_where_the_block_is_known() -> None:
    data = b"1234567\x80" + bytes(8)
    assert unpad(data) == b"1234567"
    with pytest.raises(ValueError, match="longer than one block of 8"):
        unpad(data, 8)
    assert unpad(b"\x80" + bytes(7), 8) == b""


def test_an_unknown_method_is_an_error() -> None:
    with pytest.raises(ValueError, match="4 is not a padding method"):
        pad(b"", 8, 4)


def test_no_padding_wants_whole_blocks() -> None:
    assert pad(bytes(16), 8, Padding.NONE) == bytes(16)
    with pytest.raises(ValueError, match="9 bytes are not whole blocks of 8"):
        pad(bytes(9), 8, Padding.NONE)


@given(
    st.binary(min_size=16, max_size=16), st.binary(max_size=60), st.binary(min_size=8, max_size=8)
)
def test_the_retail_mac_is_algorithm_3_with_des(key: bytes, data: bytes, iv: bytes) -> None:
    first, second = (block_suite(BlockCipher.DES, half) for half in (key[:8], key[8:]))
    assert retail_mac(key, data, iv) == algorithm_3(first, second, data, iv)


@pytest.mark.parametrize("length", [0, 8, 15, 24])
def test_retail_mac_keys_have_sixteen_bytes(length: int) -> None:
    with pytest.raises(KeyLengthError, match=f"16 bytes, not {length}"):
        retail_mac(bytes(length), b"")


def test_a_retail_mac_iv_is_one_block() -> None:
    for data in (b"", bytes(20)):
        with pytest.raises(ValueError, match="one block of 8 bytes"):
            retail_mac(bytes(16), data, bytes(4))


@given(st.binary(max_size=8), st.binary(max_size=8))
def test_macs_are_compared_whole(left: bytes, right: bytes) -> None:
    assert same_mac(left, right) == (left == right)


@given(st.binary(max_size=24))
def test_odd_parity_touches_the_lowest_bits_alone(key: bytes) -> None:
    adjusted = with_odd_parity(key)
    assert all(byte.bit_count() % 2 == 1 for byte in adjusted)
    assert [byte & 0xFE for byte in adjusted] == [byte & 0xFE for byte in key]
    assert with_odd_parity(adjusted) == adjusted
