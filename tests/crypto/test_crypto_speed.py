"""What long-lived contexts save: each suite beside objects that are built for every message.

`pytest --benchmark-enable --benchmark-only tests/crypto` prints the numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.cmac import CMAC
from pytest_benchmark.fixture import BenchmarkFixture

from simcard.crypto import BlockCipher, block_suite

CASES: dict[str, tuple[BlockCipher, bytes, Callable[[bytes], BlockCipherAlgorithm]]] = {
    "TDES": (BlockCipher.TDES, bytes(range(16)), lambda key: TripleDES(key + key[:8])),
    "AES-128": (BlockCipher.AES, bytes(range(16)), AES),
    "AES-256": (BlockCipher.AES, bytes(range(32)), AES),
    "SM4": (BlockCipher.SM4, bytes(range(16)), SM4),
}


@pytest.mark.parametrize("length", [16, 256])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "fresh"])
def test_cbc(benchmark: BenchmarkFixture, name: str, length: int, *, kept: bool) -> None:
    cipher, key, algorithm = CASES[name]
    data, iv = bytes(length), b"\x01" * cipher.block_size
    suite = block_suite(cipher, key)

    def fresh() -> bytes:
        context = Cipher(algorithm(key), modes.CBC(iv)).encryptor()
        return context.update(data) + context.finalize()

    benchmark.group = f"CBC {name} {length} bytes"
    result = benchmark((lambda: suite.encrypt_cbc(data, iv)) if kept else fresh)
    assert result == fresh()


@pytest.mark.parametrize("length", [16, 256])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "fresh"])
def test_cmac(benchmark: BenchmarkFixture, name: str, length: int, *, kept: bool) -> None:
    cipher, key, algorithm = CASES[name]
    data, suite = bytes(length), block_suite(cipher, key)

    def fresh() -> bytes:
        context = CMAC(algorithm(key))
        context.update(data)
        return context.finalize()

    benchmark.group = f"CMAC {name} {length} bytes"
    result = benchmark((lambda: suite.cmac(data)) if kept else fresh)
    assert result == fresh()
