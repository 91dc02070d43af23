"""Hash functions from the middle on: the state after some blocks is given, the rest is hashed here.

A terminal that hashes all but the end of a message hands the card the intermediate state and the
number of bits that went into it, so that the card sees a last block and not only a hash code. The
libraries do not let a state in, so the rounds stand here: SHA-1 and SHA-2 as FIPS 180-4 has them,
SM3 as GB/T 32905 has it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import gmpy2

from simcard.crypto.digests import Digest

State = tuple[int, ...]


class _Rounds(NamedTuple):
    """The shape of a hash function: bytes of a word, of a block, and its compression function."""

    word: int
    words: int
    block: int
    compress: Callable[[State, list[int]], State]

    @property
    def state(self) -> int:
        """Bytes of an intermediate state."""
        return self.word * self.words


def state_size(digest: Digest) -> int:
    """Bytes of the intermediate state of *digest*: 20, 32 or 64."""
    return _ROUNDS[digest].state


def finish(digest: Digest, state: bytes, hashed: int, rest: bytes) -> bytes:
    """The digest of a message whose first *hashed* bits led to *state*; *rest* comes behind them.

    ValueError for a state of another length, or when *hashed* is not a number of whole blocks.
    """
    rounds = _ROUNDS[digest]
    size = rounds.block
    if len(state) != rounds.state:
        raise ValueError(f"an intermediate state of {digest.title} has {rounds.state} bytes")
    if hashed < 0 or hashed % (8 * size):
        raise ValueError(f"{digest.title} hashes whole blocks of {8 * size} bits before the last")
    length = (hashed + 8 * len(rest)).to_bytes(size // 8, "big")
    tail = rest + b"\x80" + bytes(-(len(rest) + 1 + size // 8) % size) + length
    words = _words(state, rounds.word)
    for start in range(0, len(tail), size):
        words = rounds.compress(words, list(_words(tail[start : start + size], rounds.word)))
    return b"".join(word.to_bytes(rounds.word, "big") for word in words)[: digest.size]


def _words(data: bytes, size: int) -> State:
    return tuple(
        int.from_bytes(data[start : start + size], "big") for start in range(0, len(data), size)
    )


_MASK_32: Final = 0xFFFFFFFF
_MASK_64: Final = 0xFFFFFFFFFFFFFFFF


def _left(value: int, count: int) -> int:
    """A word of 32 bits, turned to the left."""
    count %= 32
    return (value << count | value >> 32 - count) & _MASK_32


def _sha1(state: State, w: list[int]) -> State:
    for t in range(16, 80):
        w.append(_left(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1))
    a, b, c, d, e = state
    for t in range(80):
        if t < 20:
            f, k = b & c | ~b & d, 0x5A827999
        elif t < 40:
            f, k = b ^ c ^ d, 0x6ED9EBA1
        elif t < 60:
            f, k = b & c | b & d | c & d, 0x8F1BBCDC
        else:
            f, k = b ^ c ^ d, 0xCA62C1D6
        a, b, c, d, e = (_left(a, 5) + f + e + k + w[t]) & _MASK_32, a, _left(b, 30), c, d
    return tuple((x + y) & _MASK_32 for x, y in zip(state, (a, b, c, d, e), strict=True))


def _constants(count: int) -> list[int]:
    """The first 64 bits of the fractional parts of the cube roots of the first *count* primes."""
    primes: list[gmpy2.mpz] = []
    prime = gmpy2.mpz(2)
    while len(primes) < count:
        primes.append(prime)
        prime = gmpy2.next_prime(prime)
    return [int(gmpy2.iroot(prime << 3 * 64, 3)[0]) & _MASK_64 for prime in primes]


class _Sha2(NamedTuple):
    """What differs between the two halves of the SHA-2 family: word length, turns and constants."""

    bits: int
    big: tuple[tuple[int, int, int], tuple[int, int, int]]
    small: tuple[tuple[int, int, int], tuple[int, int, int]]
    constants: list[int]

    def compress(self, state: State, w: list[int]) -> State:
        bits, mask = self.bits, (1 << self.bits) - 1

        def turned(value: int, counts: tuple[int, ...]) -> int:
            total = 0
            for count in counts:
                total ^= value >> count | value << bits - count
            return total & mask

        (first, last), (big_a, big_e) = self.small, self.big
        for t in range(16, len(self.constants)):
            s0 = turned(w[t - 15], first[:2]) ^ w[t - 15] >> first[2]
            s1 = turned(w[t - 2], last[:2]) ^ w[t - 2] >> last[2]
            w.append((w[t - 16] + s0 + w[t - 7] + s1) & mask)
        a, b, c, d, e, f, g, h = state
        for constant, word in zip(self.constants, w, strict=True):
            t1 = h + turned(e, big_e) + (e & f ^ ~e & g) + constant + word
            t2 = turned(a, big_a) + (a & b ^ a & c ^ b & c)
            a, b, c, d, e, f, g, h = (t1 + t2) & mask, a, b, c, (d + t1) & mask, e, f, g
        return tuple((x + y) & mask for x, y in zip(state, (a, b, c, d, e, f, g, h), strict=True))


_SHA256: Final = _Sha2(
    32,
    ((2, 13, 22), (6, 11, 25)),
    ((7, 18, 3), (17, 19, 10)),
    [constant >> 32 for constant in _constants(64)],
)
_SHA512: Final = _Sha2(64, ((28, 34, 39), (14, 18, 41)), ((1, 8, 7), (19, 61, 6)), _constants(80))


def _p1(value: int) -> int:
    return value ^ _left(value, 15) ^ _left(value, 23)


def _sm3(state: State, w: list[int]) -> State:
    for j in range(16, 68):
        mixed = _p1(w[j - 16] ^ w[j - 9] ^ _left(w[j - 3], 15))
        w.append(mixed ^ _left(w[j - 13], 7) ^ w[j - 6])
    a, b, c, d, e, f, g, h = state
    for j in range(64):
        constant = 0x79CC4519 if j < 16 else 0x7A879D8A
        ss1 = _left((_left(a, 12) + e + _left(constant, j)) & _MASK_32, 7)
        ss2 = ss1 ^ _left(a, 12)
        if j < 16:
            ff, gg = a ^ b ^ c, e ^ f ^ g
        else:
            ff, gg = a & b | a & c | b & c, e & f | ~e & g
        tt1 = (ff + d + ss2 + (w[j] ^ w[j + 4])) & _MASK_32
        tt2 = (gg + h + ss1 + w[j]) & _MASK_32
        a, b, c, d = tt1, a, _left(b, 9), c
        e, f, g, h = tt2 ^ _left(tt2, 9) ^ _left(tt2, 17), e, _left(f, 19), g
    return tuple(x ^ y for x, y in zip(state, (a, b, c, d, e, f, g, h), strict=True))


_ROUNDS: Final[dict[Digest, _Rounds]] = {
    Digest.SHA1: _Rounds(4, 5, 64, _sha1),
    Digest.SHA224: _Rounds(4, 8, 64, _SHA256.compress),
    Digest.SHA256: _Rounds(4, 8, 64, _SHA256.compress),
    Digest.SHA384: _Rounds(8, 8, 128, _SHA512.compress),
    Digest.SHA512: _Rounds(8, 8, 128, _SHA512.compress),
    Digest.SM3: _Rounds(4, 8, 64, _sm3),
}
