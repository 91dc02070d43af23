"""A hash finished from an intermediate state is the hash of the whole message."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simcard.crypto.digests import Digest
from simcard.crypto.rounds import _ROUNDS, finish, state_size

INITIAL = {
    Digest.SHA1: "67452301EFCDAB8998BADCFE10325476C3D2E1F0",
    Digest.SHA224: "C1059ED8367CD5073070DD17F70E5939FFC00B316858151164F98FA7BEFA4FA4",
    Digest.SHA256: "6A09E667BB67AE853C6EF372A54FF53A510E527F9B05688C1F83D9AB5BE0CD19",
    Digest.SHA384: "CBBB9D5DC1059ED8629A292A367CD5079159015A3070DD17152FECD8F70E5939"
    "67332667FFC00B318EB44A8768581511DB0C2E0D64F98FA747B5481DBEFA4FA4",
    Digest.SHA512: "6A09E667F3BCC908BB67AE8584CAA73B3C6EF372FE94F82BA54FF53A5F1D36F1"
    "510E527FADE682D19B05688C2B3E6C1F1F83D9ABFB41BD6B5BE0CD19137E2179",
    Digest.SM3: "7380166F4914B2B9172442D7DA8A0600A96F30BC163138AAE38DEE4DB0FB0E4E",
}
"""The initial values of FIPS 180-4, 5.3, and GB/T 32905, 4.1."""

BLOCK = {digest: 128 if digest in (Digest.SHA384, Digest.SHA512) else 64 for digest in Digest}


def state_behind(digest: Digest, blocks: bytes) -> bytes:
    """The intermediate state behind whole *blocks*, by the compression function itself."""
    rounds = _ROUNDS[digest]
    words = tuple(int.from_bytes(word, "big") for word in split(INITIAL[digest], rounds.word))
    for block in split(blocks.hex(), rounds.block):
        message = [int.from_bytes(word, "big") for word in split(block.hex(), rounds.word)]
        words = rounds.compress(words, message)
    return b"".join(word.to_bytes(rounds.word, "big") for word in words)


def split(digits: str, size: int) -> list[bytes]:
    data = bytes.fromhex(digits)
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("digest", Digest)
@pytest.mark.parametrize("length", [0, 1, 55, 56, 63, 64, 65, 111, 112, 119, 120, 127, 128, 129])
def test_from_the_initial_value_it_is_the_hash(digest: Digest, length: int) -> None:
    message = bytes(range(length))
    assert finish(digest, bytes.fromhex(INITIAL[digest]), 0, message) == digest.of(message)


@pytest.mark.parametrize("digest", Digest)
@settings(max_examples=20)
@given(head=st.integers(0, 3), chance=st.randoms(use_true_random=False), rest=st.integers(0, 200))
def test_it_goes_on_from_any_block(digest: Digest, head: int, chance: Random, rest: int) -> None:
    blocks = chance.randbytes(head * BLOCK[digest])
    tail = chance.randbytes(rest)
    state = state_behind(digest, blocks)
    assert len(state) == state_size(digest)
    assert finish(digest, state, 8 * len(blocks), tail) == digest.of(blocks + tail)


@pytest.mark.parametrize("digest", Digest)
def test_a_state_or_a_count_that_cannot_be_is_refused(digest: Digest) -> None:
    state = bytes.fromhex(INITIAL[digest])
    with pytest.raises(ValueError, match="an intermediate state of"):
        finish(digest, state[:-1], 0, b"")
    for count in (1, 8 * BLOCK[digest] - 8, -8 * BLOCK[digest]):
        with pytest.raises(ValueError, match="hashes whole blocks"):
            finish(digest, state, count, b"")
