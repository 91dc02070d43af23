"""What a protected READ BINARY costs beside the bare cryptography in it: `make bench`.

The card answers 224 bytes out of an open file, command and answer in extended length, so that each
answer comes in one piece with every suite. Beside it, in the same run, stands what the exchange has
of cryptographic calls, on the same long-lived contexts: the MAC of the command, the IV, the
cryptogram and the MAC of the answer. `overhead` is what is left of the median exchange, and `ratio`
the overhead in parts of the cryptography.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter
from typing import Any

import pytest
from sealed_card import OK, SUITES, Sealed

from simcard.crypto.blocks import BlockCipher, block_suite
from simcard.crypto.macs import retail_mac
from simcard.crypto.padding import pad

ROUNDS = 3000
SIZE = 0xE0
READ = "0CB08600"


def commands(sealed: Sealed) -> Iterator[bytes]:
    """Protected commands, each with the next counter."""
    while True:
        raw = sealed.protect(READ, ne=bytes([SIZE]))
        yield raw[:4] + b"\0\0" + raw[4:-1] + b"\0\0"
        sealed.counter += 2


def cryptography(suite: str, sealed: Sealed) -> Callable[[], None]:
    """The cryptographic calls of one exchange, and nothing else."""
    cipher, _ = SUITES[suite]
    enc, mac = sealed.keys.enc, sealed.keys.mac
    size = cipher.block_size
    data = pad(bytes(SIZE), size)
    command = bytes(size) + pad(bytes.fromhex(READ), size) + bytes(3)
    answer = bytes(size) + bytes(4 + len(data)) + bytes(4)
    if cipher is BlockCipher.TDES:

        def tdes() -> None:
            retail_mac(mac, command)
            block_suite(cipher, enc).encrypt_cbc(data)
            retail_mac(mac, answer)

        return tdes
    padded_command, padded_answer, counter = pad(command, size), pad(answer, size), bytes(size)

    def other() -> None:
        block_suite(cipher, mac).cmac(padded_command)
        enciphering = block_suite(cipher, enc)
        enciphering.encrypt_cbc(data, enciphering.encrypt_ecb(counter))
        block_suite(cipher, mac).cmac(padded_answer)

    return other


def median_seconds(call: Callable[[], None]) -> float:
    taken = []
    for _ in range(ROUNDS):
        begin = perf_counter()
        call()
        taken.append(perf_counter() - begin)
    return median(taken)


@pytest.mark.parametrize("suite", SUITES)
def test_protected_read_of_224_bytes(benchmark: Any, suite: str) -> None:
    sealed = Sealed(suite)
    bare = cryptography(suite, sealed)
    protected = commands(sealed)
    prepared = [next(protected) for _ in range(ROUNDS if benchmark.enabled else 1)]
    waiting = iter(prepared)
    answer = benchmark.pedantic(
        sealed.card.transmit, setup=lambda: ((next(waiting),), {}), rounds=len(prepared)
    )
    assert answer[-2:] == OK
    assert len(answer) > SIZE
    if benchmark.enabled:
        exchange, calls = benchmark.stats.stats.median, median_seconds(bare)
        benchmark.extra_info["cryptography_us"] = round(calls * 1e6, 1)
        benchmark.extra_info["overhead_us"] = round((exchange - calls) * 1e6, 1)
        benchmark.extra_info["ratio"] = round((exchange - calls) / calls, 2)
