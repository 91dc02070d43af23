"""PBOC computations of the judge: what a terminal, a host and a PSAM work out for themselves.

Every MAC is cut to its leftmost 4 bytes and padded with 80 00 .. always.
"""

from functools import reduce

from conformance.crypto.blocks import cbc_mac, decrypt_ecb, encrypt_ecb, pad, retail_mac, xor


def diversified(key: bytes, *factors: bytes) -> bytes:
    """The key of a card below *key*: one step for each 8-byte factor, outermost first."""
    return reduce(_step, factors, key)


def _step(key: bytes, factor: bytes) -> bytes:
    inverted = xor(factor, b"\xff" * 8)
    return encrypt_ecb("TDES", key, factor) + encrypt_ecb("TDES", key, inverted)


def load_key(key: bytes, random: bytes, online_counter: bytes) -> bytes:
    """The process key of a load."""
    return encrypt_ecb("TDES", key, random + online_counter + b"\x80\x00")


def purchase_key(key: bytes, random: bytes, offline_counter: bytes, terminal_low: bytes) -> bytes:
    """The process key of a purchase; *terminal_low* is two bytes of the terminal's counter."""
    return encrypt_ecb("TDES", key, random + offline_counter + terminal_low)


def mac(process: bytes, *fields: bytes) -> bytes:
    """MAC1, MAC2 or TAC over *fields* under an 8-byte key."""
    return cbc_mac("DES", process, pad(b"".join(fields), 8))[:4]


def tac_key(key: bytes) -> bytes:
    """The halves of the TAC key, combined."""
    return xor(key[:8], key[8:])


def line_mac(key: bytes, challenge: bytes, command: bytes) -> bytes:
    """The MAC of a command (header, Lc that counts the MAC, data) after *challenge*."""
    start = (challenge + bytes(8))[:8]
    padded = pad(command, 8)
    whole = cbc_mac("DES", key, padded, start) if len(key) == 8 else retail_mac(key, padded, start)
    return whole[:4]


def line_fill(plain: bytes) -> bytes:
    """*plain* with its length in front, filled with 80 00 .. where blocks are not full."""
    data = bytes([len(plain)]) + plain
    return data if len(data) % 8 == 0 else pad(data, 8)


def line_encipher(key: bytes, plain: bytes) -> bytes:
    """The data field of a command with encryption."""
    return encrypt_ecb("DES" if len(key) == 8 else "TDES", key, line_fill(plain))


def line_decipher(key: bytes, data: bytes) -> bytes:
    """The plain data field; ValueError when length and padding do not fit."""
    opened = decrypt_ecb("DES" if len(key) == 8 else "TDES", key, data)
    plain = opened[1 : 1 + opened[0]]
    if line_fill(plain) != opened:
        raise ValueError("the length byte does not fit")
    return plain
