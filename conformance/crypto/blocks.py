"""Block encryption built from single blocks: ECB, CBC, CBC-MAC, retail MAC and CMAC."""

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB

BLOCK_SIZE = {"DES": 8, "TDES": 8, "AES": 16, "SM4": 16}
KEY_LENGTHS = {"DES": (8,), "TDES": (16, 24), "AES": (16, 24, 32), "SM4": (16,)}


def xor(left: bytes, right: bytes) -> bytes:
    """The bytes of *left* and *right*, which are equally long, combined one by one."""
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def blocks_of(cipher: str, data: bytes) -> list[bytes]:
    """*data* cut into blocks; ValueError when the last one is not whole."""
    size = BLOCK_SIZE[cipher]
    if len(data) % size:
        raise ValueError(f"{len(data)} bytes are not whole blocks of {size}")
    return [data[start : start + size] for start in range(0, len(data), size)]


def encrypt_ecb(cipher: str, key: bytes, data: bytes) -> bytes:
    """Each block of *data* enciphered on its own."""
    blocks_of(cipher, data)
    return Cipher(_algorithm(cipher, key), ECB()).encryptor().update(data)  # noqa: S305 - a tool


def decrypt_ecb(cipher: str, key: bytes, data: bytes) -> bytes:
    """Each block of *data* deciphered on its own."""
    blocks_of(cipher, data)
    return Cipher(_algorithm(cipher, key), ECB()).decryptor().update(data)  # noqa: S305 - a tool


def encrypt_cbc(cipher: str, key: bytes, data: bytes, iv: bytes | None = None) -> bytes:
    """*data* enciphered in cipher block chaining from *iv* (zero when left out)."""
    chain = iv or bytes(BLOCK_SIZE[cipher])
    out = b""
    single = Cipher(_algorithm(cipher, key), ECB()).encryptor()  # noqa: S305 - a block at a time
    for block in blocks_of(cipher, data):
        chain = single.update(xor(block, chain))
        out += chain
    return out


def decrypt_cbc(cipher: str, key: bytes, data: bytes, iv: bytes | None = None) -> bytes:
    """*data* deciphered in cipher block chaining from *iv* (zero when left out)."""
    chain = iv or bytes(BLOCK_SIZE[cipher])
    out = b""
    single = Cipher(_algorithm(cipher, key), ECB()).decryptor()  # noqa: S305 - a block at a time
    for block in blocks_of(cipher, data):
        out += xor(single.update(block), chain)
        chain = block
    return out


def pad(data: bytes, size: int) -> bytes:
    """*data* with 80 and then 00 until the blocks of *size* bytes are full (ISO/IEC 7816-4)."""
    padded = data + b"\x80"
    while len(padded) % size:
        padded += b"\x00"
    return padded


def unpad(data: bytes) -> bytes:
    """*data* without its padding 80 00 ..; ValueError where none is."""
    end = len(data)
    while end and data[end - 1] == 0x00:
        end -= 1
    if not end or data[end - 1] != 0x80:
        raise ValueError("the padding 80 00.. is missing")
    return data[: end - 1]


def cbc_mac(cipher: str, key: bytes, data: bytes, iv: bytes | None = None) -> bytes:
    """The last block of CBC over *data*, which must be padded already (ISO 9797-1 algorithm 1)."""
    return encrypt_cbc(cipher, key, data, iv)[-BLOCK_SIZE[cipher] :]


def retail_mac(key: bytes, data: bytes, iv: bytes | None = None) -> bytes:
    """ISO 9797-1 algorithm 3 with DES under the 16-byte *key*, over *data* padded already."""
    last = cbc_mac("DES", key[:8], data, iv)
    return encrypt_ecb("DES", key[:8], decrypt_ecb("DES", key[8:], last))


def cmac(cipher: str, key: bytes, data: bytes) -> bytes:
    """CMAC of NIST SP 800-38B over *data* of any length, one block long."""
    size = BLOCK_SIZE[cipher]
    subkey = _times_x(encrypt_ecb(cipher, key, bytes(size)))
    if not data or len(data) % size:
        data, subkey = pad(data, size), _times_x(subkey)
    return cbc_mac(cipher, key, data[:-size] + xor(data[-size:], subkey))


def _times_x(block: bytes) -> bytes:
    """*block* shifted by one bit, with the polynomial of its size where a bit falls out."""
    shifted = int.from_bytes(block, "big") * 2
    if shifted >> 8 * len(block):
        shifted ^= (1 << 8 * len(block)) | {8: 0x1B, 16: 0x87}[len(block)]
    return shifted.to_bytes(len(block), "big")


def _algorithm(cipher: str, key: bytes) -> BlockCipherAlgorithm:
    if len(key) not in KEY_LENGTHS[cipher]:
        raise ValueError(f"{cipher} has no keys of {len(key)} bytes")
    if cipher == "AES":
        return AES(key)
    if cipher == "SM4":
        return SM4(key)
    whole = {8: key * 3, 16: key + key[:8], 24: key}
    return TripleDES(whole[len(key)])
