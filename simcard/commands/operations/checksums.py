"""COMPUTE and VERIFY CRYPTOGRAPHIC CHECKSUM (ISO/IEC 7816-8:2021, 5.3)."""

from __future__ import annotations

from typing import Final

from simcard.commands.call import Call
from simcard.commands.declaration import Reply
from simcard.commands.operations import chosen
from simcard.crypto.macs import retail_mac, same_mac
from simcard.crypto.padding import Padding
from simcard.security import mechanisms
from simcard.security.environment import Side, Template
from simcard.security.keys import Key, KeyUsage
from simcard.security.mechanisms import Checksum, MacAlgorithm
from simcard.status import SW, CardError

_TAG_PLAIN: Final = 0x80
_TAG_CHECKSUM: Final = 0x8E
_SHORTEST: Final = 4


def compute(call: Call, data: bytes) -> Reply:
    """The checksum over the data field, one block; a short Ne asks for its first bytes, 4 or more.

    6700 for fewer, and for data that is not whole blocks where nothing is padded.
    """
    key, algorithm, initial = _meant(call, Side.COMPUTES, data)
    length = call.command.ne or key.suite.block_size
    if length < _SHORTEST:
        raise CardError(SW.WRONG_LENGTH)
    key.use()
    return Reply(_code(key, algorithm, data, initial)[:length])


def verify(call: Call, data: bytes) -> Reply:
    """Whether the checksum (8E) over the plain value (80) is right; 6300, or 63CX, when not."""
    plain, code = chosen.with_proof(data, (_TAG_PLAIN,), _TAG_CHECKSUM)
    message = b"" if plain is None else plain.value
    key, algorithm, initial = _meant(call, Side.VERIFIES, message)
    if not _SHORTEST <= len(code) <= key.suite.block_size:
        raise CardError(SW.INCORRECT_DATA)
    key.spend()
    if not same_mac(_code(key, algorithm, message, initial)[: len(code)], code):
        return Reply(sw=key.failure)
    key.restore()
    return Reply()


def _meant(call: Call, side: Side, message: bytes) -> tuple[Key, Checksum, bytes]:
    """Key, algorithm and initial value; 6985, 6A81, 6700 for a message that has to be padded."""
    template = Template.CHECKSUM
    key = chosen.key(call, template, side, KeyUsage.MAC)
    algorithm = mechanisms.checksum(key, chosen.algorithm(call, template, side))
    size = key.suite.block_size
    initial = chosen.initial_value(call, template, side, size)
    if algorithm.algorithm is MacAlgorithm.CMAC:
        if initial:
            raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    elif algorithm.padding is Padding.NONE and (not message or len(message) % size):
        raise CardError(SW.WRONG_LENGTH)
    return key, algorithm, initial


def _code(key: Key, algorithm: Checksum, message: bytes, initial: bytes) -> bytes:
    match algorithm.algorithm:
        case MacAlgorithm.CBC_MAC:
            return key.suite.cbc_mac(message, initial, algorithm.padding)
        case MacAlgorithm.RETAIL:
            return retail_mac(key.value, message, initial, algorithm.padding)
        case MacAlgorithm.CMAC:
            return key.suite.cmac(message)
