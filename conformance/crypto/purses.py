"""What both generations of purses compute: process keys, MACs, TACs, cryptograms, line MACs.

With triple DES these are the formulas of `pboc`; with SM4 the same over blocks of 16 bytes. A
process key of 8 bytes makes MACs with DES, one of 16 bytes with SM4. MACs have 4 bytes.
"""

from conformance.crypto import pboc
from conformance.crypto.blocks import BLOCK_SIZE, cbc_mac, encrypt_ecb, pad, xor


def process_key(cipher: str, key: bytes, data: bytes) -> bytes:
    """*data*, filled up with 80 00.. unless it is a whole block, enciphered under *key*."""
    size = BLOCK_SIZE[cipher]
    return encrypt_ecb(cipher, key, data if len(data) == size else pad(data, size))


def mac(process: bytes, *fields: bytes) -> bytes:
    """MAC1, MAC2, MAC3 or TAC over *fields*."""
    if len(process) == 8:
        return pboc.mac(process, *fields)
    return cbc_mac("SM4", process, pad(b"".join(fields), 16))[:4]


def tac_key(cipher: str, key: bytes) -> bytes:
    """What TACs are made with."""
    return pboc.tac_key(key) if cipher == "TDES" else key


def diversified(cipher: str, key: bytes, *factors: bytes) -> bytes:
    """The key below *key* for each factor of 8 bytes (with SM4 also 16), the outermost first."""
    if cipher == "TDES":
        return pboc.diversified(key, *factors)
    for factor in factors:
        block = factor if len(factor) == 16 else factor + xor(factor, b"\xff" * 8)
        key = encrypt_ecb("SM4", key, block)
    return key


def cryptogram(cipher: str, key: bytes, challenge: bytes) -> bytes:
    """*challenge*, filled with 00 to a block, enciphered."""
    return encrypt_ecb(cipher, key, challenge.ljust(BLOCK_SIZE[cipher], b"\x00"))


def line_mac(cipher: str, key: bytes, challenge: bytes, covered: bytes) -> bytes:
    """The MAC over header, Lc and data after *challenge*, which is filled with 00 to a block."""
    if cipher == "TDES":
        return pboc.line_mac(key, challenge, covered)
    return cbc_mac("SM4", key, pad(covered, 16), challenge.ljust(16, b"\x00"))[:4]


def line_encipher(cipher: str, key: bytes, plain: bytes) -> bytes:
    """The enciphered data field: length byte, *plain*, filled with 80 00.. where that is needed."""
    if cipher == "TDES":
        return pboc.line_encipher(key, plain)
    data = bytes([len(plain)]) + plain
    return encrypt_ecb("SM4", key, data if len(data) % 16 == 0 else pad(data, 16))
