"""Key derivation, diversification, PBOC, SCP03 and ICAO computations beyond their vectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.crypto import pboc as judge_pboc
from conformance.crypto import scp03 as judge_scp03
from simcard.crypto import (
    CURVES,
    BlockCipher,
    Digest,
    Diversification,
    KeyLengthError,
    PointError,
    block_suite,
    emv,
    icao,
    icao_key,
    kbkdf_cmac,
    pboc,
    scp03,
    sha256,
    x963_kdf,
)

KEY = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
KEYS = st.binary(min_size=16, max_size=16)
FACTORS = st.lists(st.binary(min_size=8, max_size=8), max_size=4)


def test_icao_keys_are_as_long_as_the_cipher_wants() -> None:
    seed = bytes(32)
    assert len(icao_key(seed, 1, BlockCipher.TDES)) == 16
    assert icao_key(seed, 1, BlockCipher.AES, 32) == sha256(seed + bytes([0, 0, 0, 1]))
    assert icao_key(seed, 1, BlockCipher.AES, 24) == sha256(seed + bytes([0, 0, 0, 1]))[:24]
    assert len(icao_key(seed, 1, BlockCipher.SM4)) == 16
    for cipher, length in ((BlockCipher.TDES, 24), (BlockCipher.AES, 20), (BlockCipher.SM4, 32)):
        with pytest.raises(KeyLengthError):
            icao_key(seed, 1, cipher, length)


def test_a_one_byte_counter_ends_at_255() -> None:
    suite = block_suite(BlockCipher.AES, KEY)
    assert len(kbkdf_cmac(suite, b"", b"", 255 * 16)) == 255 * 16
    with pytest.raises(ValueError, match="more than a one-byte counter"):
        kbkdf_cmac(suite, b"", b"", 255 * 16 + 1)


def test_derived_bytes_are_a_prefix_of_more_derived_bytes() -> None:
    for digest in Digest:
        longer = x963_kdf(digest, b"secret", 200, b"info")
        assert x963_kdf(digest, b"secret", 77, b"info") == longer[:77]


@given(KEYS, FACTORS)
def test_levels_nest(key: bytes, factors: list[bytes]) -> None:
    step_by_step = key
    for factor in factors:
        step_by_step = Diversification.PBOC_TDES.derive(step_by_step, factor)
    assert Diversification.PBOC_TDES.derive(key, *factors) == step_by_step
    assert judge_pboc.diversified(key, *factors) == step_by_step


def test_an_sm4_factor_of_eight_bytes_is_completed_by_its_complement() -> None:
    sm4 = Diversification.SM4_BLOCK
    factor = bytes.fromhex("0123456789ABCDEF")
    assert sm4.derive(KEY, factor) == sm4.derive(KEY, factor + bytes.fromhex("FEDCBA9876543210"))
    assert sm4.derive(KEY) == KEY


@pytest.mark.parametrize("scheme", list(Diversification))
def test_diversification_refuses_wrong_lengths(scheme: Diversification) -> None:
    with pytest.raises(KeyLengthError, match="16 bytes, not 24"):
        scheme.derive(bytes(24), bytes(8))
    with pytest.raises(ValueError, match="not 7"):
        scheme.derive(KEY, bytes(7))


@given(st.binary(max_size=255), st.sampled_from([KEY[:8], KEY]))
def test_line_protection_opens_what_it_closes(plain: bytes, key: bytes) -> None:
    closed = pboc.line_encipher(key, plain)
    assert len(closed) % 8 == 0
    assert pboc.line_decipher(key, closed) == judge_pboc.line_decipher(key, closed) == plain
    assert closed == judge_pboc.line_encipher(key, plain)


@given(st.binary(max_size=60))
def test_line_protection_with_sm4(plain: bytes) -> None:
    closed = pboc.line_encipher(KEY, plain, BlockCipher.SM4)
    assert len(closed) % 16 == 0
    assert pboc.line_decipher(KEY, closed, BlockCipher.SM4) == plain


@given(st.binary(max_size=64))
def test_garbage_in_line_protection_is_an_error_or_what_it_enciphers(data: bytes) -> None:
    try:
        plain = pboc.line_decipher(KEY, data)
    except ValueError:
        return
    assert pboc.line_encipher(KEY, plain) == data


def test_line_protection_refuses_what_does_not_fit() -> None:
    for data in (b"", bytes(7), bytes(8), bytes(16)):
        with pytest.raises(ValueError, match=r"does not fit its length byte|not whole blocks"):
            pboc.line_decipher(KEY, data)
    with pytest.raises(ValueError, match="at most 255 bytes, not 256"):
        pboc.line_encipher(KEY, bytes(256))


@given(st.sampled_from([KEY[:8], KEY]), st.binary(min_size=4, max_size=8), st.binary(max_size=60))
def test_line_macs_agree(key: bytes, challenge: bytes, data: bytes) -> None:
    assert pboc.line_mac(key, challenge, data) == judge_pboc.line_mac(key, challenge, data)


def test_line_macs_with_sm4_take_challenges_of_up_to_a_block() -> None:
    macs = {pboc.line_mac(KEY, bytes([1]) * n, b"data", BlockCipher.SM4) for n in (4, 8, 16)}
    assert {len(mac) for mac in macs} == {4}
    assert len(macs) == 3
    with pytest.raises(ValueError, match="one block of 16"):
        pboc.line_mac(KEY, bytes(17), b"data", BlockCipher.SM4)


def test_transactions_with_sm4_run_over_sixteen_bytes() -> None:
    process = pboc.load_process_key(KEY, bytes(4), bytes(2), BlockCipher.SM4)
    block = bytes(6) + b"\x80" + bytes(9)
    assert process == block_suite(BlockCipher.SM4, KEY).encrypt_ecb(block)
    assert len(pboc.transaction_mac(process, b"amount")) == 4
    assert pboc.tac_key(KEY, BlockCipher.SM4) == KEY


def test_pboc_refuses_wrong_lengths() -> None:
    with pytest.raises(ValueError, match="one block, not 9 bytes"):
        pboc.process_key(KEY, bytes(9))
    with pytest.raises(KeyLengthError, match="TAC key has 16 bytes, not 8"):
        pboc.tac_key(bytes(8))
    with pytest.raises(ValueError, match="at most one block, not 9 bytes"):
        pboc.authentication_cryptogram(KEY, bytes(9))
    with pytest.raises(KeyLengthError):
        pboc.transaction_mac(bytes(9), b"")


def test_a_short_challenge_is_filled_with_zeros() -> None:
    expected = bytes.fromhex("74B0047DD681D96C")
    key = bytes.fromhex("0102030405060708")
    assert pboc.authentication_cryptogram(key, bytes.fromhex("BB83BFF3")) == expected


@given(
    st.sampled_from([16, 24, 32]).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
    st.sampled_from([8, 16]),
    st.binary(max_size=100),
)
def test_scp03_agrees_with_the_judge_in_both_modes(key: bytes, mode: int, data: bytes) -> None:
    host, card = bytes(range(mode)), bytes(range(mode, 2 * mode))
    keys = scp03.session_keys(key, key, host, card)
    session = judge_scp03.Session(key, key, host, card, 0x33, mode)
    assert (keys.enc, keys.mac, keys.rmac) == (session.s_enc, session.s_mac, session.s_rmac)
    assert scp03.card_cryptogram(keys, host, card, mode) == session.card_cryptogram
    assert scp03.host_cryptogram(keys, host, card, mode) == session.host_cryptogram
    opening = session.external_authenticate()
    chaining = scp03.command_mac(keys, bytes(16), opening[:-mode])
    assert chaining[:mode] == opening[-mode:]
    command = session.protect(b"\x80\xe2\x00\x00", data)
    assert scp03.command_mac(keys, chaining, command[:-mode])[:mode] == command[-mode:]
    if data:
        assert scp03.decrypt_command(keys, 1, command[5:-mode]) == data
    chaining = scp03.command_mac(keys, chaining, command[:-mode])
    answer = scp03.encrypt_response(keys, 1, data) if data else b""
    mac = scp03.response_mac(keys, chaining, answer + b"\x90\x00")[:mode]
    assert session.open(answer + mac + b"\x90\x00") == data


def test_a_card_challenge_depends_on_counter_and_application() -> None:
    challenges = {
        scp03.card_challenge(KEY, counter, aid, length)
        for counter in (b"\x00\x00\x01", b"\x00\x00\x02")
        for aid in (b"\xa0\x00", b"\xa0\x01")
        for length in (8, 16)
    }
    assert len(challenges) == 8


def test_scp03_takes_aes_keys_only() -> None:
    with pytest.raises(KeyLengthError):
        scp03.session_keys(bytes(8), bytes(8), bytes(8), bytes(8))
    keys = scp03.session_keys(KEY, KEY, bytes(8), bytes(8))
    with pytest.raises(ValueError, match="padding"):
        scp03.decrypt_command(keys, 1, b"")


def test_a_machine_readable_zone_has_few_characters() -> None:
    assert icao.check_digit("L898902C<") == "3"
    for field in ("l898902c", "Ä", "12 34", "-"):
        with pytest.raises(ValueError, match="does not occur in a machine-readable zone"):
            icao.check_digit(field)


def test_both_sides_of_pace_reach_the_same_curve_and_no_foreign_point_passes() -> None:
    curve = CURVES["brainpoolP256r1"]
    nonce = bytes(range(16))
    ours, theirs = 12345, 67890
    mapped = icao.pace_mapped_curve(curve, nonce, ours, curve.public_key(theirs))
    assert mapped == icao.pace_mapped_curve(curve, nonce, theirs, curve.public_key(ours))
    foreign = CURVES["P-256"].public_key(theirs)
    with pytest.raises(PointError, match="not on brainpoolP256r1"):
        icao.pace_mapped_curve(curve, nonce, ours, foreign)


def test_tokens_of_triple_des_are_retail_macs() -> None:
    token = icao.authentication_token(KEY, BlockCipher.TDES, b"\x04\x00", bytes(65))
    assert token == icao.mac_of(KEY, BlockCipher.TDES, icao.token_input(b"\x04\x00", bytes(65)))
    assert len(token) == 8
    assert icao.token_input(b"\x04", bytes(129))[:3] == bytes.fromhex("7F4981")


def test_emv_derivations_refuse_wrong_lengths() -> None:
    with pytest.raises(KeyLengthError, match="16 bytes, not 24"):
        emv.master_key_a(bytes(24), "1234567890123456")
    with pytest.raises(ValueError, match="8 bytes, not 2"):
        emv.common_session_key(KEY, bytes(2))
