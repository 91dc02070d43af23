"""What an office proves to a card, and a card to an office: authentications and line MACs.

The scheme's authentications have two steps: a process factor makes a process key from the card's
key, and that enciphers the original information; both are 8 bytes from GET CHALLENGE, with SM4 the
information is 16. The party that wants a proof draws both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simcard.apdu import Command
from simcard.crypto import sm2
from simcard.crypto.blocks import BlockCipher
from simcard.crypto.diversification import Diversification
from simcard.crypto.macs import same_mac
from simcard.crypto.pboc import (
    MAC_LENGTH,
    authentication_cryptogram,
    line_encipher,
    line_mac,
    tac_key,
    transaction_mac,
)
from simcard.scenarios.contact import Contact
from simcard.scenarios.scene import Refused
from simcard.scenarios.setting import CardKey

ENVIRONMENT_KEY: Final = "DDF1/internal/01"
ENVIRONMENT_PAIR: Final = 0x81
_FACTOR: Final = 8
_SCHEMES: Final = {
    BlockCipher.TDES: Diversification.PBOC_TDES,
    BlockCipher.SM4: Diversification.SM4_BLOCK,
}


def check_genuine(card: Contact, psam: Contact, keys: Mapping[str, CardKey]) -> None:
    """INTERNAL AUTHENTICATE of the current environment; `Refused` when its proof is wrong."""
    key = keys[ENVIRONMENT_KEY]
    factor, information = psam.challenge(_FACTOR), psam.challenge(key.cipher.block_size)
    said = card.done(Command(0x00, 0x88, 0x00, 0x01, information + factor))
    if not same_mac(_proof(key, information, factor), said):
        raise Refused("the card does not know the key of the environment")


def check_signature(card: Contact, psam: Contact, public: bytes) -> tuple[bytes, bytes]:
    """INTERNAL AUTHENTICATE with the SM2 key of the current environment: challenge and signature.

    `Refused` when it is not made with the private key to *public*. The terminal needs no secret.
    """
    challenge = psam.challenge(BlockCipher.SM4.block_size)
    said = card.done(Command(0x00, 0x88, 0x00, ENVIRONMENT_PAIR, challenge, 256))
    if not is_signature(public, challenge, said):
        raise Refused("the card does not have the private key of its certificate")
    return challenge, said


def is_signature(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether *signature* (r || s) is that of *public* over *message*: SM2 with SM3."""
    return sm2.verify(public, sm2.message_digest(public, message), signature)


def authenticate(card: Contact, identifier: int, key: CardKey, *expected: int) -> None:
    """EXTERNAL AUTHENTICATE: the office proves the external key *identifier*."""
    factor, information = card.challenge(_FACTOR), card.challenge(key.cipher.block_size)
    data = _proof(key, information, factor) + factor
    card.done(Command(0x00, 0x82, 0x00, identifier, data), *expected)


def _proof(key: CardKey, information: bytes, factor: bytes) -> bytes:
    process = _SCHEMES[key.cipher].derive(key.value, factor)
    return authentication_cryptogram(process, information, key.cipher)


def protect(card: Contact, command: Command, key: CardKey, *, enciphered: bool = False) -> Command:
    """*command* with a line MAC under *key*, after a challenge; its data enciphered if need be."""
    data = line_encipher(key.value, command.data, key.cipher) if enciphered else command.data
    challenge = card.challenge(4)
    header = bytes([command.cla | 0x04, command.ins, command.p1, command.p2])
    covered = header + bytes([len(data) + MAC_LENGTH]) + data
    mac = line_mac(key.value, challenge, covered, key.cipher)
    return command._replace(cla=header[0], data=data + mac)


def reload_pin(card: Contact, pin: bytes, key: CardKey, *expected: int) -> None:
    """RELOAD PIN: a new PIN and its MAC, with all tries."""
    mac = transaction_mac(tac_key(key.value, key.cipher), pin)
    card.done(Command(0x80, 0x5E, 0x00, 0x00, pin + mac), *expected)


def unblock_pin(card: Contact, pin: bytes, key: CardKey) -> None:
    """PIN UNBLOCK: a new PIN, enciphered and with a MAC, for one that was blocked."""
    plain = Command(0x80, 0x24, 0x00, 0x00, pin)
    card.done(protect(card, plain, key, enciphered=True))


def change_pin(card: Contact, old: bytes, new: bytes) -> None:
    """CHANGE PIN: the holder types the old one and the new one."""
    card.done(Command(0x80, 0x5E, 0x01, 0x00, old + b"\xff" + new))
