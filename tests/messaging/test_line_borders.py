"""Line protection at its borders: challenges and answers longer than it can carry."""

from __future__ import annotations

import pytest

from simcard.apdu import CLASS_BYTES, Command
from simcard.crypto.blocks import BlockCipher
from simcard.crypto.pboc import line_decipher
from simcard.messaging.line import LineProtection, LineSeal
from simcard.status import SW, CardError

KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")


def protection(challenge: bytes) -> LineProtection:
    return LineProtection(BlockCipher.TDES, KEY, challenge)


@pytest.mark.parametrize("size", [0, 9, 16, 257])
def test_a_challenge_that_is_no_block_starts_no_mac(size: int) -> None:
    class_byte = CLASS_BYTES[0x04]
    assert class_byte is not None
    command = Command(0x04, 0xD6, 0, 0, bytes(8))
    with pytest.raises(CardError) as refused:
        protection(bytes(size)).unwrap(command, class_byte)
    assert refused.value.sw == SW.CONDITIONS_NOT_SATISFIED


@pytest.mark.parametrize("size", [1, 255, 256, 300])
def test_an_enciphered_answer_has_255_bytes_at_most(size: int) -> None:
    data = bytes(number % 251 for number in range(size))
    sealed = LineSeal(protection(bytes(8)), enciphers=True).wrap(data, SW.OK)
    assert line_decipher(KEY, sealed) == data[:255]
