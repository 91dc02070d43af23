"""The judge's plain cryptography against the card's fast one, and against what it must refuse."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.crypto import blocks, curves, digests, icao, signatures, sm2
from simcard.crypto import BlockCipher, Digest, block_suite, pad, retail_mac

CIPHERS = st.sampled_from(
    [(cipher, length) for cipher in BlockCipher for length in cipher.key_lengths]
)


@given(CIPHERS, st.data())
def test_both_rooms_encipher_alike(chosen: tuple[BlockCipher, int], data: st.DataObject) -> None:
    cipher, length = chosen
    key = data.draw(st.binary(min_size=length, max_size=length))
    size, name = cipher.block_size, cipher.title
    plain = pad(data.draw(st.binary(max_size=60)), size)
    iv = data.draw(st.binary(min_size=size, max_size=size))
    suite = block_suite(cipher, key)
    enciphered = suite.encrypt_cbc(plain, iv)
    assert blocks.encrypt_cbc(name, key, plain, iv) == enciphered
    assert blocks.decrypt_cbc(name, key, enciphered, iv) == plain
    assert blocks.decrypt_ecb(name, key, blocks.encrypt_ecb(name, key, plain)) == plain
    message = plain[: data.draw(st.integers(0, len(plain)))]
    assert blocks.cmac(name, key, message) == suite.cmac(message)
    assert blocks.cbc_mac(name, key, blocks.pad(message, size), iv) == suite.cbc_mac(message, iv)


@given(st.binary(min_size=16, max_size=16), st.binary(max_size=40))
def test_both_rooms_make_the_same_retail_mac(key: bytes, data: bytes) -> None:
    assert blocks.retail_mac(key, blocks.pad(data, 8)) == retail_mac(key, data)


@settings(max_examples=30)
@given(st.binary(max_size=200), st.sampled_from(list(Digest)))
def test_both_rooms_hash_alike(data: bytes, digest: Digest) -> None:
    assert digests.digest(digest.title, data) == digest.of(data)


def test_the_judge_refuses_wrong_lengths() -> None:
    with pytest.raises(ValueError, match="AES has no keys of 15 bytes"):
        blocks.encrypt_ecb("AES", bytes(15), bytes(16))
    with pytest.raises(ValueError, match="not whole blocks of 8"):
        blocks.encrypt_cbc("DES", bytes(8), bytes(9))
    with pytest.raises(ValueError, match="padding 80 00"):
        blocks.unpad(bytes(8))


def test_the_judge_refuses_points_off_the_curve() -> None:
    good = curves.SM2.public_key(9)
    for bad in (b"", good[:-1], b"\x02" + good[1:], good[:-1] + bytes([good[-1] ^ 1])):
        with pytest.raises(ValueError, match="the point is not"):
            curves.SM2.decode(bad)
    with pytest.raises(ValueError, match="infinity"):
        curves.SM2.encode(None)


def test_the_judge_adds_points_as_a_group() -> None:
    curve = curves.BRAINPOOL_P256R1
    five, minus_five = curve.multiply(5, curve.g), curve.multiply(curve.n - 5, curve.g)
    assert curve.add(five, minus_five) is None
    assert curve.add(None, five) == five == curve.add(five, None)
    assert curve.add(five, five) == curve.multiply(10, curve.g)
    assert curve.contains(None)


def test_the_judge_refuses_useless_ephemeral_keys_and_broken_ciphertexts() -> None:
    e = (curves.SM2.n - sm2._x(curves.SM2.multiply(3, curves.SM2.g))).to_bytes(32, "big")
    with pytest.raises(ValueError, match="another ephemeral key"):
        sm2.sign(7, e, 3)
    with pytest.raises(ValueError, match="another ephemeral key"):
        signatures.ecdsa_sign(curves.SM2, 7, e, curves.SM2.n)
    public = curves.SM2.public_key(7)
    c1, c3, c2 = sm2.encrypt(public, b"message", 99)
    with pytest.raises(ValueError, match="C3 is wrong"):
        sm2.decrypt(7, c1, c3[::-1], c2)
    assert not sm2.verify(public, e, 0, 1)
    assert not signatures.ecdsa_verify(curves.SM2, public, e, 0, 1)


KEYS = icao.Keys(bytes(range(16)), bytes(range(16, 32)))


def _response(keys: icao.Keys, body: bytes) -> bytes:
    return body + b"\x8e\x08" + icao.message_mac(keys, 1, body) + b"\x90\x00"


@pytest.mark.parametrize("cipher", ["TDES", "AES", "SM4"])
@pytest.mark.parametrize("length", [0, 1, 100, 200, 300])
def test_the_judge_opens_a_protected_response(cipher: str, length: int) -> None:
    keys = icao.Keys(KEYS.enc, KEYS.mac, cipher)
    data = bytes(range(100)) * 3
    body = b""
    if length:
        for tag, value in (
            (b"\x87", b"\x01" + icao.message_encrypt(keys, 1, data[:length])),
            (b"\x85", icao.message_encrypt(keys, 1, data[:length])),
        ):
            body = icao._tlv(tag, value) + b"\x99\x02\x90\x00"
            assert icao.open_response(keys, 1, _response(keys, body)) == (
                data[:length],
                b"\x90\x00",
            )
    else:
        body = b"\x99\x02\x90\x00"
        assert icao.open_response(keys, 1, _response(keys, body)) == (b"", b"\x90\x00")


def test_the_judge_refuses_a_response_that_is_not_as_it_should_be() -> None:
    good = _response(KEYS, b"\x99\x02\x90\x00")
    with pytest.raises(ValueError, match="the MAC of the response is wrong"):
        icao.open_response(KEYS, 2, good)
    with pytest.raises(ValueError, match="the protected status"):
        icao.open_response(KEYS, 1, good[:-2] + b"\x6a\x82")
    with pytest.raises(ValueError, match="cut short"):
        icao.open_response(KEYS, 1, b"\x87\x20\x01\x90\x00")


def test_the_judge_protects_odd_instructions_with_tag_85() -> None:
    even = icao.protect(KEYS, 1, b"\x00\xb0\x00\x00", b"12", 256)
    odd = icao.protect(KEYS, 1, b"\x00\xb1\x00\x00", b"12", 256)
    assert even[5] == 0x87
    assert odd[5] == 0x85
    assert b"\x97\x01\x00" in even


def test_long_keys_come_from_sha_256() -> None:
    assert len(icao.derived(b"seed", 1, "AES", 32)) == 32
    assert icao.derived(b"seed", 1, "AES", 24) == icao.derived(b"seed", 1, "AES", 32)[:24]
