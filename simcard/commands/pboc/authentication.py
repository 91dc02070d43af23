"""EXTERNAL and INTERNAL AUTHENTICATE of the PBOC family, with and without a diversification factor.

P2 is the identifier of a key. The social security card turns the key into a process key first: the
data field is then a block and a factor of 8 bytes behind it (with SM4 of 8 or 16). Where no key of
the family has the identifier, the command is that of ISO/IEC 7816-4.
"""

from __future__ import annotations

from typing import Final

from simcard.commands import authentication
from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.commands.pboc.proof import (
    check_application,
    disproven,
    file_of,
    proven,
    rules_of,
)
from simcard.crypto.blocks import BlockCipher, KeyLengthError, block_suite
from simcard.crypto.diversification import Diversification
from simcard.crypto.macs import same_mac
from simcard.crypto.pboc import authentication_cryptogram, line_mac
from simcard.security.access import Right
from simcard.security.keys import Key
from simcard.security.pboc import KeyType
from simcard.status import SW, CardError

_SCHEMES: Final = {
    BlockCipher.TDES: Diversification.PBOC_TDES,
    BlockCipher.SM4: Diversification.SM4_BLOCK,
}


def diversified(key: bytes, cipher: BlockCipher, *factors: bytes) -> bytes:
    """The 16-byte key below *key* for each of *factors*; 6985 for a key of 8 bytes."""
    if not factors:
        return key
    try:
        return _SCHEMES[cipher].derive(key, *factors)
    except KeyLengthError:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED) from None


@command("EXTERNAL AUTHENTICATE", ins=0x82, cases="134", clause="PBOC 2.0 part 1; DOMAIN SSSE")
def external_authenticate(call: Call) -> Reply:
    """The terminal proves external key P2 over the last challenge, which counts once.

    The data field is the challenge, filled with 00 to a block and enciphered, and a factor behind
    it where the profile allows one. 6985 without a challenge, 6700 for another length; 63CX for a
    wrong proof, 6983 when the key is blocked. Without data the tries left are asked for.
    """
    number = KeyType.EXTERNAL.numbered(call.command.p2)
    if not call.has_key(number):
        return authentication.external_authenticate.run(call)
    check_application(call)
    if call.command.p1:
        raise CardError(SW.INCORRECT_P1_P2)
    key = call.key_for(number, Right.READ)
    if not call.command.data:
        return _tries_of(call, key)
    challenge = call.session.challenge
    call.session = call.session._replace(challenge=b"")
    block, factors = _taken_apart(call, key)
    cipher = key.algorithm.cipher
    if not challenge or len(challenge) > cipher.block_size:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    process_key = diversified(key.value, cipher, *factors)
    key.spend()
    if not same_mac(authentication_cryptogram(process_key, challenge, cipher), block):
        disproven(call, key.cell)
        return Reply(sw=key.failure)
    key.restore()
    proven(call, file_of(call, key))
    return Reply()


def _tries_of(call: Call, key: Key) -> Reply:
    if key.cell in call.session.satisfied:
        return Reply()
    if key.tries_left == 0:
        raise CardError(SW.AUTHENTICATION_BLOCKED)
    return Reply(sw=key.failure)


def _taken_apart(call: Call, key: Key) -> tuple[bytes, tuple[bytes, ...]]:
    """The block in the data field, and the factor behind it if there is one; else 6700."""
    size = key.algorithm.cipher.block_size
    block, factor = call.command.data[:size], call.command.data[size:]
    lengths = (0, 8, size) if rules_of(call).factors else (0,)
    if len(block) != size or len(factor) not in lengths:
        raise CardError(SW.WRONG_LENGTH)
    return block, (factor,) if factor else ()


@command("INTERNAL AUTHENTICATE", ins=0x88, cases="34", clause="PBOC 2.0 part 1; FMCOS 7.3")
def internal_authenticate(call: Call) -> Reply:
    """The card proves its key P2: P1 00 enciphers (types 34, 30), 01 deciphers (31), 02 MACs (32).

    To encipher, the data field is whole blocks; or one block and a factor, where the profile allows
    one. 6700 for another length, 6A86 for another P1. P1 00 without such a key is the command of
    ISO/IEC 7816-4.
    """
    key = _internal_key(call)
    if key is None:
        return authentication.internal_authenticate.run(call)
    check_application(call)
    cipher, data = key.algorithm.cipher, call.command.data
    if call.command.p1 == _MAC:
        return Reply(line_mac(key.value, b"", data, cipher))
    if call.command.p1 == _ENCIPHER and rules_of(call).factors:
        block, factors = _taken_apart(call, key)
        process_key = diversified(key.value, cipher, *factors)
        return Reply(authentication_cryptogram(process_key, block, cipher))
    if len(data) % cipher.block_size:
        raise CardError(SW.WRONG_LENGTH)
    single = cipher is BlockCipher.TDES and len(key.value) == BlockCipher.DES.block_size
    suite = block_suite(BlockCipher.DES if single else cipher, key.value)
    enciphers = call.command.p1 == _ENCIPHER
    return Reply(suite.encrypt_ecb(data) if enciphers else suite.decrypt_ecb(data))


_ENCIPHER, _DECIPHER, _MAC = range(3)
_TYPES: Final = {
    _ENCIPHER: (KeyType.INTERNAL, KeyType.ENCRYPT),
    _DECIPHER: (KeyType.DECRYPT,),
    _MAC: (KeyType.MAC,),
}


def _internal_key(call: Call) -> Key | None:
    types = _TYPES.get(call.command.p1)
    if types is None:
        raise CardError(SW.INCORRECT_P1_P2)
    for key_type in types:
        number = key_type.numbered(call.command.p2)
        if call.has_key(number):
            return call.key_for(number, Right.READ)
    if call.command.p1 != _ENCIPHER:
        raise CardError(SW.REFERENCED_DATA_NOT_FOUND)
    return None
