"""ENCIPHER and DECIPHER (ISO/IEC 7816-8:2021, 5.3).

A cryptogram in data object 86 begins with a padding indicator: 01 says that the message was padded
with 80 00 .. 00, 02 that it was not, 00 leaves it to the algorithm (ISO/IEC 7816-4:2020, table
50). Cryptograms in 82 and 84 have none.
"""

from __future__ import annotations

from typing import Final

from simcard.commands.call import Call
from simcard.commands.declaration import Reply
from simcard.commands.operations import chosen
from simcard.crypto import rsa, sm2
from simcard.crypto.padding import Padding, pad, unpad
from simcard.security import mechanisms
from simcard.security.environment import Side, Template
from simcard.security.keys import Key, KeyUsage
from simcard.security.mechanisms import Encipherment, Mode
from simcard.status import SW, CardError

TAG_INDICATED: Final = 0x86
_NOT_INDICATED: Final = b"\x00"
_INDICATORS: Final = {Padding.METHOD_2: b"\x01", Padding.NONE: b"\x02"}
_PKCS1_OVERHEAD: Final = 11
_SM2_OVERHEAD: Final = 97


def encipher(call: Call, data: bytes) -> Reply:
    """The cryptogram of the data field; 6700 for a length the algorithm cannot encipher."""
    key, algorithm, initial = _meant(call, Side.VERIFIES, KeyUsage.ENCIPHER)
    _check_message(key, algorithm, data)
    key.use()
    indicator = b""
    if call.command.p1 == TAG_INDICATED:
        blocks = algorithm.mode in (Mode.ECB, Mode.CBC)
        indicator = _INDICATORS[algorithm.padding] if blocks else _NOT_INDICATED
    return Reply(indicator + _enciphered(call, key, algorithm, initial, data))


def decipher(call: Call, data: bytes) -> Reply:
    """The message in the cryptogram of the data field.

    6700 for a length that no cryptogram of the algorithm has; 6A80 for another padding indicator,
    a point that is not on the curve, or when no message comes out: that has cost a use of the key.
    """
    key, algorithm, initial = _meant(call, Side.COMPUTES, KeyUsage.DECIPHER)
    key.demand_private()
    if call.command.p2 == TAG_INDICATED:
        algorithm = _indicated(algorithm, data[:1])
        data = data[1:]
    _check_cryptogram(key, algorithm, data)
    key.use()
    try:
        return Reply(_deciphered(key, algorithm, initial, data))
    except ValueError:
        raise CardError(SW.INCORRECT_DATA) from None


def _meant(call: Call, side: Side, usage: KeyUsage) -> tuple[Key, Encipherment, bytes]:
    template = Template.CONFIDENTIALITY
    key = chosen.key(call, template, side, usage)
    algorithm = mechanisms.encipherment(key, chosen.algorithm(call, template, side))
    size = key.suite.block_size if algorithm.mode is Mode.CBC else 0
    return key, algorithm, chosen.initial_value(call, template, side, size)


def _indicated(algorithm: Encipherment, indicator: bytes) -> Encipherment:
    """The algorithm with the padding that the indicator says."""
    if not indicator:
        raise CardError(SW.WRONG_LENGTH)
    if indicator == _NOT_INDICATED:
        return algorithm
    for padding, known in _INDICATORS.items():
        if indicator == known and algorithm.mode in (Mode.ECB, Mode.CBC):
            return algorithm._replace(padding=padding)
    raise CardError(SW.INCORRECT_DATA)


def _check_message(key: Key, algorithm: Encipherment, message: bytes) -> None:
    match algorithm.mode:
        case Mode.PKCS1:
            fits = len(message) <= key.rsa_public.size - _PKCS1_OVERHEAD
        case Mode.SM2:
            fits = bool(message)
        case _:
            whole = bool(message) and len(message) % key.suite.block_size == 0
            fits = algorithm.padding is Padding.METHOD_2 or whole
    if not fits:
        raise CardError(SW.WRONG_LENGTH)


def _check_cryptogram(key: Key, algorithm: Encipherment, cryptogram: bytes) -> None:
    match algorithm.mode:
        case Mode.PKCS1:
            fits = len(cryptogram) == key.rsa_public.size
        case Mode.SM2:
            fits = len(cryptogram) > _SM2_OVERHEAD
        case _:
            fits = bool(cryptogram) and len(cryptogram) % key.suite.block_size == 0
    if not fits:
        raise CardError(SW.WRONG_LENGTH)


def _enciphered(
    call: Call, key: Key, algorithm: Encipherment, initial: bytes, message: bytes
) -> bytes:
    match algorithm.mode:
        case Mode.PKCS1:
            return rsa.encrypt_pkcs1(key.rsa_public, message, call.draw)
        case Mode.SM2:
            return sm2.encrypt(key.point, message, call.draw)
        case Mode.ECB:
            return key.suite.encrypt_ecb(pad(message, key.suite.block_size, algorithm.padding))
        case Mode.CBC:
            padded = pad(message, key.suite.block_size, algorithm.padding)
            return key.suite.encrypt_cbc(padded, initial)


def _deciphered(key: Key, algorithm: Encipherment, initial: bytes, cryptogram: bytes) -> bytes:
    match algorithm.mode:
        case Mode.PKCS1:
            return rsa.decrypt_pkcs1(key.rsa, cryptogram)
        case Mode.SM2:
            return sm2.decrypt(key.private_scalar, cryptogram)
        case Mode.ECB:
            plain = key.suite.decrypt_ecb(cryptogram)
        case Mode.CBC:
            plain = key.suite.decrypt_cbc(cryptogram, initial)
    if algorithm.padding is Padding.NONE:
        return plain
    return unpad(plain, key.suite.block_size)
