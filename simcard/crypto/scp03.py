"""The computations of GlobalPlatform SCP03 (Amendment D v1.2): keys, cryptograms, MACs, ciphering.

Everything runs over AES with keys of 16, 24 or 32 bytes. In S8 mode challenges, cryptograms and
MACs are 8 bytes, in S16 mode 16. Counters and MAC chaining values are the session's to keep; here
they are arguments.
"""

from dataclasses import dataclass
from enum import IntEnum

from simcard.crypto.blocks import BlockCipher, block_suite
from simcard.crypto.kdf import kbkdf_cmac
from simcard.crypto.padding import pad, unpad


class Constant(IntEnum):
    """The derivation constants of table 4-1, the last byte of the label."""

    CARD_CRYPTOGRAM = 0x00
    HOST_CRYPTOGRAM = 0x01
    CARD_CHALLENGE = 0x02
    S_ENC = 0x04
    S_MAC = 0x06
    S_RMAC = 0x07


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """The keys of one session: S-ENC, S-MAC and S-RMAC, each as long as the static key."""

    enc: bytes
    mac: bytes
    rmac: bytes


def derive(key: bytes, constant: int, context: bytes, length: int) -> bytes:
    """*length* bytes by the scheme of clause 4.1.5: SP 800-108 counter mode with CMAC under *key*.

    The fixed input is label (11 bytes 00 and *constant*), 00, length in bits (2), the counter (1)
    and *context*.
    """
    label = bytes(11) + bytes([constant])
    fixed = label + b"\x00" + (8 * length).to_bytes(2, "big")
    return kbkdf_cmac(block_suite(BlockCipher.AES, key), fixed, context, length)


def session_keys(
    enc: bytes, mac: bytes, host_challenge: bytes, card_challenge: bytes
) -> SessionKeys:
    """The session keys from the static Key-ENC and Key-MAC (clause 6.2.1)."""
    context = host_challenge + card_challenge
    return SessionKeys(
        enc=derive(enc, Constant.S_ENC, context, len(enc)),
        mac=derive(mac, Constant.S_MAC, context, len(mac)),
        rmac=derive(mac, Constant.S_RMAC, context, len(mac)),
    )


def card_challenge(enc: bytes, sequence_counter: bytes, aid: bytes, length: int = 8) -> bytes:
    """The pseudo-random card challenge from the static Key-ENC (clause 6.2.2.1).

    *sequence_counter* is 3 bytes, *aid* that of the application that opens the session.
    """
    return derive(enc, Constant.CARD_CHALLENGE, sequence_counter + aid, length)


def card_cryptogram(
    keys: SessionKeys, host_challenge: bytes, card_challenge: bytes, length: int = 8
) -> bytes:
    """What the card proves in INITIALIZE UPDATE (clause 6.2.2.2)."""
    return derive(keys.mac, Constant.CARD_CRYPTOGRAM, host_challenge + card_challenge, length)


def host_cryptogram(
    keys: SessionKeys, host_challenge: bytes, card_challenge: bytes, length: int = 8
) -> bytes:
    """What the host proves in EXTERNAL AUTHENTICATE (clause 6.2.2.3)."""
    return derive(keys.mac, Constant.HOST_CRYPTOGRAM, host_challenge + card_challenge, length)


def command_mac(keys: SessionKeys, chaining: bytes, command: bytes) -> bytes:
    """The new 16-byte MAC chaining value; its leftmost 8 (16) bytes are the C-MAC (clause 6.2.4).

    *command* is CLA INS P1 P2, Lc counting the MAC, and the data field as it travels. *chaining* is
    16 bytes 00 for EXTERNAL AUTHENTICATE, afterwards the value returned last.
    """
    return block_suite(BlockCipher.AES, keys.mac).cmac(chaining + command)


def response_mac(keys: SessionKeys, chaining: bytes, response: bytes) -> bytes:
    """16 bytes whose leftmost 8 (16) are the R-MAC over *response*: data as it travels, SW1 SW2.

    *chaining* is the chaining value of the command that is answered (clause 6.2.5).
    """
    return block_suite(BlockCipher.AES, keys.rmac).cmac(chaining + response)


def encrypt_command(keys: SessionKeys, counter: int, data: bytes) -> bytes:
    """The enciphered command data field for encryption counter *counter* (clause 6.2.6).

    The counter starts at 1 behind EXTERNAL AUTHENTICATE and counts every command, also those
    without a data field, which are not enciphered.
    """
    return block_suite(BlockCipher.AES, keys.enc).encrypt_cbc(pad(data, 16), _icv(keys, counter))


def decrypt_command(keys: SessionKeys, counter: int, data: bytes) -> bytes:
    """The plain command data field; ValueError for no whole blocks or missing padding."""
    plain = block_suite(BlockCipher.AES, keys.enc).decrypt_cbc(data, _icv(keys, counter))
    return unpad(plain, 16)


def encrypt_response(keys: SessionKeys, counter: int, data: bytes) -> bytes:
    """The enciphered response data field to the command of *counter* (clause 6.2.7)."""
    icv = _icv(keys, counter, b"\x80")
    return block_suite(BlockCipher.AES, keys.enc).encrypt_cbc(pad(data, 16), icv)


def decrypt_response(keys: SessionKeys, counter: int, data: bytes) -> bytes:
    """The plain response data field; ValueError for no whole blocks or missing padding."""
    icv = _icv(keys, counter, b"\x80")
    return unpad(block_suite(BlockCipher.AES, keys.enc).decrypt_cbc(data, icv), 16)


def key_check_value(key: bytes) -> bytes:
    """The 3-byte check value of an AES key: the first bytes of 16 bytes 01 enciphered (B.6)."""
    return block_suite(BlockCipher.AES, key).encrypt_ecb(b"\x01" * 16)[:3]


def _icv(keys: SessionKeys, counter: int, first: bytes = b"\x00") -> bytes:
    """The counter block, told apart by its first byte for responses, enciphered under S-ENC."""
    block = first + counter.to_bytes(15, "big")
    return block_suite(BlockCipher.AES, keys.enc).encrypt_ecb(block)
