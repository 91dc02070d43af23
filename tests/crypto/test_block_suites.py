"""Block suites: pure functions, however their long-lived contexts are used before."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from simcard.crypto import BlockCipher, BlockSuite, KeyLengthError, Padding, block_suite
from simcard.crypto.blocks import SUITES_KEPT

ECB = modes.ECB()  # noqa: S305 - a card uses it
CIPHERS = st.sampled_from(
    [(cipher, length) for cipher in BlockCipher for length in cipher.key_lengths]
)


def fresh_algorithm(suite: BlockSuite, key: bytes) -> AES | SM4 | TripleDES:
    if suite.cipher is BlockCipher.AES:
        return AES(key)
    if suite.cipher is BlockCipher.SM4:
        return SM4(key)
    return TripleDES((key * 3)[:24])


class Fresh:
    """The same operations with new library objects each time: the oracle."""

    def __init__(self, suite: BlockSuite, key: bytes) -> None:
        self.algorithm, self.size = fresh_algorithm(suite, key), suite.block_size

    def encrypt_ecb(self, data: bytes, _: bytes) -> bytes:
        return Cipher(self.algorithm, ECB).encryptor().update(data)

    def decrypt_ecb(self, data: bytes, _: bytes) -> bytes:
        return Cipher(self.algorithm, ECB).decryptor().update(data)

    def encrypt_cbc(self, data: bytes, iv: bytes) -> bytes:
        return Cipher(self.algorithm, modes.CBC(iv)).encryptor().update(data)

    def decrypt_cbc(self, data: bytes, iv: bytes) -> bytes:
        return Cipher(self.algorithm, modes.CBC(iv)).decryptor().update(data)

    def cbc_mac(self, data: bytes, iv: bytes) -> bytes:
        padded = data + b"\x80" + bytes(self.size - 1)
        return self.encrypt_cbc(padded, iv)[-self.size :]

    def cmac(self, data: bytes, _: bytes) -> bytes:
        context = CMAC(self.algorithm)
        context.update(data)
        return context.finalize()


def result_of(suite: BlockSuite, operation: str, data: bytes, iv: bytes) -> bytes:
    function: Callable[..., bytes] = getattr(suite, operation)
    return function(data, iv) if operation.endswith(("cbc", "cbc_mac")) else function(data)


OPERATIONS = ["encrypt_ecb", "decrypt_ecb", "encrypt_cbc", "decrypt_cbc", "cbc_mac", "cmac"]


@given(st.data())
def test_reused_contexts_give_what_fresh_ones_give(data: st.DataObject) -> None:
    """Any interleaving of operations on several suites, some of them under equal keys."""
    suites = []
    for _ in range(data.draw(st.integers(1, 3))):
        cipher, length = data.draw(CIPHERS)
        key = data.draw(st.binary(min_size=length, max_size=length))
        suite = BlockSuite(cipher, key)
        suites += [(suite, Fresh(suite, key)), (block_suite(cipher, key), Fresh(suite, key))]
    for _ in range(data.draw(st.integers(1, 12))):
        suite, oracle = data.draw(st.sampled_from(suites))
        size = suite.block_size
        length = size * data.draw(st.integers(0, 4))
        blocks = data.draw(st.binary(min_size=length, max_size=length))
        iv = data.draw(st.binary(min_size=size, max_size=size))
        operation = data.draw(st.sampled_from(OPERATIONS))
        expected = getattr(oracle, operation)(blocks, iv)
        assert result_of(suite, operation, blocks, iv) == expected


@given(CIPHERS, st.data())
def test_deciphering_undoes_enciphering(
    chosen: tuple[BlockCipher, int], data: st.DataObject
) -> None:
    cipher, length = chosen
    suite = block_suite(cipher, data.draw(st.binary(min_size=length, max_size=length)))
    size = suite.block_size
    length = size * data.draw(st.integers(0, 5))
    plain = data.draw(st.binary(min_size=length, max_size=length))
    iv = data.draw(st.binary(min_size=size, max_size=size))
    assert suite.decrypt_cbc(suite.encrypt_cbc(plain, iv), iv) == plain
    assert suite.decrypt_ecb(suite.encrypt_ecb(plain)) == plain
    assert suite.encrypt_cbc(plain) == suite.encrypt_cbc(plain, bytes(size))


def test_an_operation_that_fails_leaves_the_suite_usable() -> None:
    suite = BlockSuite(BlockCipher.AES, bytes(16))
    before = suite.encrypt_cbc(bytes(32))
    with pytest.raises(ValueError, match="17 bytes are not whole blocks of 16"):
        suite.encrypt_cbc(bytes(17))
    with pytest.raises(TypeError):
        suite.encrypt_cbc("x" * 16)  # type: ignore[arg-type]
    assert suite.encrypt_cbc(bytes(32)) == before


def test_threads_that_share_a_suite_do_not_disturb_one_another() -> None:
    suite = BlockSuite(BlockCipher.SM4, bytes(range(16)))
    messages = [bytes([n]) * 160 for n in range(4)]
    expected = [BlockSuite(BlockCipher.SM4, bytes(range(16))).encrypt_cbc(m) for m in messages]
    wrong: list[int] = []

    def work(n: int) -> None:
        for _ in range(300):
            enciphered = suite.encrypt_cbc(messages[n])
            if enciphered != expected[n] or suite.decrypt_cbc(enciphered) != messages[n]:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("cipher", list(BlockCipher))
def test_only_keys_of_the_right_length_are_taken(cipher: BlockCipher) -> None:
    for length in range(34):
        if length in cipher.key_lengths:
            assert BlockSuite(cipher, bytes(length)).cipher is cipher
        else:
            with pytest.raises(KeyLengthError, match=f"not {length}$"):
                block_suite(cipher, bytes(length))


def test_a_key_length_error_tells_no_key() -> None:
    with pytest.raises(KeyLengthError) as caught:
        BlockSuite(BlockCipher.AES, b"\xab" * 15)
    assert str(caught.value) == "AES keys have 16, 24, 32 bytes, not 15"


@pytest.mark.parametrize(
    "key",
    ["0101010101010101", "FEFEFEFEFEFEFEFE", "E0FEE0FEF1FEF1FE", "0000000000000000"],
    ids=["weak", "weak-FE", "semi-weak", "parity-wrong"],
)
def test_weak_keys_and_wrong_parity_are_accepted(key: str) -> None:
    suite = BlockSuite(BlockCipher.DES, bytes.fromhex(key))
    flipped = BlockSuite(BlockCipher.DES, bytes(byte ^ 1 for byte in bytes.fromhex(key)))
    assert suite.encrypt_ecb(b"12345678") == flipped.encrypt_ecb(b"12345678")


def test_triple_des_with_equal_halves_is_single_des() -> None:
    key = bytes.fromhex("0123456789ABCDEF")
    single = BlockSuite(BlockCipher.DES, key).encrypt_ecb(b"12345678")
    assert BlockSuite(BlockCipher.TDES, key * 2).encrypt_ecb(b"12345678") == single
    assert BlockSuite(BlockCipher.TDES, key * 3).encrypt_ecb(b"12345678") == single


def test_an_iv_is_one_block() -> None:
    suite = BlockSuite(BlockCipher.TDES, bytes(16))
    for operation in (suite.encrypt_cbc, suite.decrypt_cbc, suite.cbc_mac):
        with pytest.raises(ValueError, match="one block of 8 bytes, not 16"):
            operation(bytes(16), bytes(16))


def test_a_mac_without_padding_wants_whole_blocks() -> None:
    with pytest.raises(ValueError, match="not whole blocks"):
        BlockSuite(BlockCipher.AES, bytes(16)).cbc_mac(b"123", padding=Padding.NONE)


def test_suites_are_remembered_in_bounds() -> None:
    key = bytes(16)
    assert block_suite(BlockCipher.AES, key) is block_suite(BlockCipher.AES, key)
    for n in range(SUITES_KEPT + 10):
        block_suite(BlockCipher.AES, n.to_bytes(16, "big"))
    assert block_suite.cache_info().currsize == SUITES_KEPT
