"""Block ciphers with a key: one shape for DES, triple DES, AES and SM4, with long-lived contexts.

Building a cipher object costs more than enciphering a short message with it. A suite therefore
keeps its contexts and feeds them message after message:

- ECB has no state, so one context serves for ever.
- In CBC the next block is chained to the last ciphertext block, which is known. A new message with
  its own IV goes through the same context when its first block is entered as
  ``p1 xor iv xor last``; in deciphering the first block comes out as ``d1 xor last``, so the plain
  text is ``d1 xor last xor iv``.
- A CMAC context that has only seen its key is copied for each message.

A CBC context is taken out of its drawer while it is at work (``list.pop`` and ``list.append`` are
atomic), so two threads never share one, and a context whose work was interrupted is dropped
instead of being reused in an unknown state. Callers see a pure function of key, IV and data.

Keys are taken as cards take them: the parity bits of DES keys are ignored, and weak keys or equal
halves are accepted. Only the length is checked.
"""

from collections.abc import Callable
from enum import Enum
from functools import cached_property, lru_cache
from typing import TypeAlias

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.cmac import CMAC

from simcard.crypto.padding import Padding, pad

SUITES_KEPT = 256
"""How many suites :func:`block_suite` remembers: a card's static keys and a few sessions."""


class KeyLengthError(ValueError):
    """A key of a length that the algorithm does not have; the message tells lengths, no bytes."""


class BlockCipher(Enum):
    """A block cipher: its name, block size and permitted key lengths, both in bytes."""

    DES = ("DES", 8, (8,))
    TDES = ("TDES", 8, (16, 24))
    AES = ("AES", 16, (16, 24, 32))
    SM4 = ("SM4", 16, (16,))

    def __init__(self, title: str, block_size: int, key_lengths: tuple[int, ...]) -> None:
        self.title = title
        self.block_size = block_size
        self.key_lengths = key_lengths

    def check_key(self, key: bytes) -> None:
        """Nothing, or KeyLengthError when *key* has a length that the cipher does not have."""
        if len(key) not in self.key_lengths:
            permitted = ", ".join(map(str, self.key_lengths))
            raise KeyLengthError(f"{self.title} keys have {permitted} bytes, not {len(key)}")


_Update: TypeAlias = Callable[[bytes], bytes]


class BlockSuite:
    """One block cipher under one key; every method is a pure function of its arguments.

    *key* is 8 bytes for DES, 16 or 24 for TDES, 16, 24 or 32 for AES, 16 for SM4; anything else
    raises KeyLengthError. Data of ECB, CBC and CBC-MAC must be whole blocks (ValueError otherwise);
    an IV is one block and zero when left out. Prefer :func:`block_suite`, which remembers suites.
    """

    def __init__(self, cipher: BlockCipher, key: bytes) -> None:
        cipher.check_key(key)
        self.cipher = cipher
        self.block_size = cipher.block_size
        self._algorithm = _algorithm(cipher, key)
        self._cbc_encryptors: list[tuple[_Update, int]] = []
        self._cbc_decryptors: list[tuple[_Update, int]] = []

    @cached_property
    def _ecb_encrypt(self) -> _Update:
        return Cipher(self._algorithm, modes.ECB()).encryptor().update  # noqa: S305 - cards use it

    @cached_property
    def _ecb_decrypt(self) -> _Update:
        return Cipher(self._algorithm, modes.ECB()).decryptor().update  # noqa: S305 - cards use it

    @cached_property
    def _cmac(self) -> CMAC:
        return CMAC(self._algorithm)

    def encrypt_ecb(self, data: bytes) -> bytes:
        """The blocks of *data*, each enciphered on its own."""
        self._check_blocks(data)
        return self._ecb_encrypt(data)

    def decrypt_ecb(self, data: bytes) -> bytes:
        """The blocks of *data*, each deciphered on its own."""
        self._check_blocks(data)
        return self._ecb_decrypt(data)

    def encrypt_cbc(self, data: bytes, iv: bytes = b"") -> bytes:
        """*data* enciphered in cipher block chaining from *iv* (one block; zero when left out)."""
        self._check_blocks(data, iv)
        return self._chain(data, int.from_bytes(iv, "big")) if data else b""

    def decrypt_cbc(self, data: bytes, iv: bytes = b"") -> bytes:
        """*data* deciphered in cipher block chaining from *iv* (one block; zero when left out)."""
        self._check_blocks(data, iv)
        if not data:
            return b""
        size = self.block_size
        update, last = self._take_decryptor()
        plain = update(data)
        self._cbc_decryptors.append((update, int.from_bytes(data[-size:], "big")))
        mask = last ^ int.from_bytes(iv, "big")
        return (int.from_bytes(plain[:size], "big") ^ mask).to_bytes(size, "big") + plain[size:]

    def cbc_mac(self, data: bytes, iv: bytes = b"", padding: int = Padding.METHOD_2) -> bytes:
        """The last CBC block over padded *data*: ISO/IEC 9797-1 algorithm 1, one block long.

        Truncation is the caller's: the leftmost bytes. *iv* other than zero is the older banking
        form, in which a challenge starts the chain.
        """
        padded = pad(data, self.block_size, padding)
        self._check_blocks(padded, iv)
        return self._chain(padded, int.from_bytes(iv, "big"))[-self.block_size :]

    def cmac(self, data: bytes) -> bytes:
        """The CMAC of NIST SP 800-38B over *data* of any length (algorithm 5), one block long."""
        context = self._cmac.copy()
        context.update(data)
        return context.finalize()

    def _chain(self, data: bytes, iv: int) -> bytes:
        """At least one whole block through the long-lived encryptor."""
        size = self.block_size
        update, last = self._take_encryptor()
        first = (int.from_bytes(data[:size], "big") ^ iv ^ last).to_bytes(size, "big")
        enciphered = update(first + data[size:])
        self._cbc_encryptors.append((update, int.from_bytes(enciphered[-size:], "big")))
        return enciphered

    def _take_encryptor(self) -> tuple[_Update, int]:
        try:
            return self._cbc_encryptors.pop()
        except IndexError:
            return Cipher(self._algorithm, modes.CBC(bytes(self.block_size))).encryptor().update, 0

    def _take_decryptor(self) -> tuple[_Update, int]:
        try:
            return self._cbc_decryptors.pop()
        except IndexError:
            return Cipher(self._algorithm, modes.CBC(bytes(self.block_size))).decryptor().update, 0

    def _check_blocks(self, data: bytes, iv: bytes = b"") -> None:
        if len(data) % self.block_size:
            raise ValueError(f"{len(data)} bytes are not whole blocks of {self.block_size}")
        if iv and len(iv) != self.block_size:
            raise ValueError(f"the IV is one block of {self.block_size} bytes, not {len(iv)}")


@lru_cache(maxsize=SUITES_KEPT)
def block_suite(cipher: BlockCipher, key: bytes) -> BlockSuite:
    """The suite of *cipher* under *key*, built once and remembered among the last SUITES_KEPT."""
    return BlockSuite(cipher, key)


def _algorithm(cipher: BlockCipher, key: bytes) -> BlockCipherAlgorithm:
    if cipher is BlockCipher.AES:
        return AES(key)
    if cipher is BlockCipher.SM4:
        return SM4(key)
    # K and K1||K2 are triple DES keys too: K||K||K and K1||K2||K1.
    return TripleDES((key * 3)[:24])
