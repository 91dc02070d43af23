"""Hashing from the middle: SHA-256 and SM3 for terminals that leave a message's end to the card.

FIPS 180-4, 6.2 written out; the constants are computed as 4.2.2 and 5.3.3 define them: the first 32
bits of the fractional parts of the roots of the first primes.
"""

from __future__ import annotations

from itertools import count, islice
from math import isqrt

from conformance.crypto.digests import sm3_state

BLOCK = 64
_MASK = 0xFFFFFFFF


def intermediate(name: str, message: bytes) -> bytes:
    """The state of the hash function *name* after *message*, which is whole blocks of 64 bytes."""
    if len(message) % BLOCK:
        raise ValueError("an intermediate state stands behind whole blocks")
    return sm3_state(message) if name == "SM3" else _sha256_state(message, _START)


def finished(name: str, counted_state: bytes, rest: bytes) -> bytes | None:
    """The hash code of what `counted` has the state of, with *rest* behind it; None for others.

    ValueError for a state of another length, or a number of bits that is not whole blocks.
    """
    if name not in {"SHA-256", "SM3"}:
        return None
    state, bits = counted_state[:32], int.from_bytes(counted_state[32:], "big")
    if len(counted_state) != 40 or bits % (8 * BLOCK):
        raise ValueError("the state has 32 bytes and a counter of whole blocks in eight")
    length = (bits + 8 * len(rest)).to_bytes(8, "big")
    tail = rest + b"\x80" + bytes(-(len(rest) + 9) % BLOCK) + length
    words = [int.from_bytes(state[at : at + 4], "big") for at in range(0, 32, 4)]
    return sm3_state(tail, words) if name == "SM3" else _sha256_state(tail, words)


def counted(state: bytes, message: bytes) -> bytes:
    """*state* and the number of bits that led to it, eight bytes, as data object 90 has them."""
    return state + (8 * len(message)).to_bytes(8, "big")


def _primes(amount: int) -> list[int]:
    numbers = (n for n in count(2) if all(n % low for low in range(2, isqrt(n) + 1)))
    return list(islice(numbers, amount))


def _cube_root(number: int) -> int:
    """The whole part of the cube root of *number*, found bit by bit."""
    root = 0
    for bit in reversed(range(40)):
        if (root | 1 << bit) ** 3 <= number:
            root |= 1 << bit
    return root


_CONSTANTS = [_cube_root(prime << 96) & _MASK for prime in _primes(64)]
_START = [isqrt(prime << 64) & _MASK for prime in _primes(8)]


def _right(word: int, by: int) -> int:
    return (word >> by | word << 32 - by) & _MASK


def _sha256_state(message: bytes, state: list[int]) -> bytes:
    for start in range(0, len(message), BLOCK):
        words = [
            int.from_bytes(message[at : at + 4], "big") for at in range(start, start + BLOCK, 4)
        ]
        for t in range(16, 64):
            low, high = words[t - 15], words[t - 2]
            small = _right(low, 7) ^ _right(low, 18) ^ low >> 3
            large = _right(high, 17) ^ _right(high, 19) ^ high >> 10
            words.append(words[t - 16] + small + words[t - 7] + large & _MASK)
        state = [a + b & _MASK for a, b in zip(state, _compressed(state, words), strict=True)]
    return b"".join(word.to_bytes(4, "big") for word in state)


def _compressed(state: list[int], words: list[int]) -> list[int]:
    a, b, c, d, e, f, g, h = state
    for constant, word in zip(_CONSTANTS, words, strict=True):
        chosen = e & f ^ ~e & g
        first = h + (_right(e, 6) ^ _right(e, 11) ^ _right(e, 25)) + chosen + constant + word
        most = a & b ^ a & c ^ b & c
        second = (_right(a, 2) ^ _right(a, 13) ^ _right(a, 22)) + most
        a, b, c, d, e, f, g, h = first + second & _MASK, a, b, c, d + first & _MASK, e, f, g
    return [a, b, c, d, e, f, g, h]
