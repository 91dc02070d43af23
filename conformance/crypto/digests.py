"""Hashes of the judge: SHA from the standard library, SM3 (GB/T 32905) written out."""

import hashlib

_START = "7380166F 4914B2B9 172442D7 DA8A0600 A96F30BC 163138AA E38DEE4D B0FB0E4E"
_MASK = 0xFFFFFFFF


def digest(name: str, data: bytes) -> bytes:
    """The hash *name* (as "SHA-256" or "SM3") of *data*."""
    if name == "SM3":
        return sm3(data)
    return hashlib.new(name.replace("SHA-", "sha"), data, usedforsecurity=False).digest()


def sm3(data: bytes) -> bytes:
    """SM3 of *data*, 32 bytes."""
    padded = data + b"\x80" + bytes(-(len(data) + 9) % 64) + (8 * len(data)).to_bytes(8, "big")
    return sm3_state(padded)


def sm3_state(blocks: bytes, start: list[int] | None = None) -> bytes:
    """The state of SM3 after *blocks* of 64 bytes: the hash code where they end in its padding.

    It begins as the standard says, or at the eight words *start*.
    """
    state = start or [int(word, 16) for word in _START.split()]
    for at in range(0, len(blocks), 64):
        compressed = _compress(state, blocks[at : at + 64])
        state = [old ^ new for old, new in zip(state, compressed, strict=True)]
    return b"".join(word.to_bytes(4, "big") for word in state)


def _rotated(word: int, by: int) -> int:
    by %= 32
    return (word << by | word >> 32 - by) & _MASK


def _expanded(block: bytes) -> list[int]:
    """The 68 message words (clause 5.3.2)."""
    words = [int.from_bytes(block[i : i + 4], "big") for i in range(0, 64, 4)]
    for j in range(16, 68):
        mixed = words[j - 16] ^ words[j - 9] ^ _rotated(words[j - 3], 15)
        mixed ^= _rotated(mixed, 15) ^ _rotated(mixed, 23)
        words.append(mixed ^ _rotated(words[j - 13], 7) ^ words[j - 6])
    return words


def _compress(state: list[int], block: bytes) -> list[int]:
    """The 64 rounds (clause 5.3.3), with the register names of the standard."""
    words = _expanded(block)
    a, b, c, d, e, f, g, h = state
    for j in range(64):
        constant = 0x79CC4519 if j < 16 else 0x7A879D8A
        ss1 = _rotated(_rotated(a, 12) + e + _rotated(constant, j) & _MASK, 7)
        ss2 = ss1 ^ _rotated(a, 12)
        ff = a ^ b ^ c if j < 16 else a & b | a & c | b & c
        gg = e ^ f ^ g if j < 16 else e & f | ~e & g
        tt1 = ff + d + ss2 + (words[j] ^ words[j + 4]) & _MASK
        tt2 = gg + h + ss1 + words[j] & _MASK
        a, b, c, d = tt1, a, _rotated(b, 9), c
        e, f, g, h = tt2 ^ _rotated(tt2, 9) ^ _rotated(tt2, 17), e, _rotated(f, 19), g
    return [a, b, c, d, e, f, g, h]
