"""Commands that prove keys: challenges, and internal, external and mutual authentication.

ISO/IEC 7816-4:2020, 11.6. P2 names the key as it names reference data; 00 leaves it to the current
security environment, or means the nearest key for the purpose. P1 is 00: the algorithm is the key's
own. A challenge serves one authentication and is gone with it, whatever its outcome.
"""

from __future__ import annotations

from simcard.apdu import Case
from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.commands.environment import key_meant
from simcard.crypto.blocks import BlockCipher, block_suite
from simcard.crypto.icao import (
    KeyPair,
    bac_cryptogram,
    bac_send_sequence_counter,
    bac_session,
)
from simcard.crypto.macs import retail_mac, same_mac
from simcard.messaging.iso import DataObjectChannel
from simcard.security.environment import MUTUAL, Side
from simcard.security.keys import Key, KeyUsage
from simcard.security.proof import check_challenge, prove
from simcard.status import SW, CardError

_BAC_SIZE = 40
_RANDOM_SIZE = 8


@command("GET CHALLENGE", ins=0x84, cases="2", clause="ISO/IEC 7816-4:2020, 11.6.3")
def get_challenge(call: Call) -> Reply:
    """Ne random bytes, valid for the next authentication; the card's usual length for Le 00."""
    command = call.command
    if command.p1p2:
        raise CardError(SW.INCORRECT_P1_P2)
    challenge = call.draw(call.settings.challenge_size if command.asks_for_all else command.ne)
    call.session = call.session._replace(challenge=challenge)
    return Reply(challenge)


@command("INTERNAL AUTHENTICATE", ins=0x88, cases="4", clause="ISO/IEC 7816-4:2020, 11.6.2")
def internal_authenticate(call: Call) -> Reply:
    """The card proves its key P2 over the challenge in the data field, as `prove` tells.

    6700 for a challenge of a length the key cannot answer; 6A88, 6982, 6985 as the key's rules say.
    """
    if call.command.p1:
        raise CardError(SW.INCORRECT_P1_P2)
    key = key_meant(call, KeyUsage.INTERNAL | KeyUsage.ACTIVE, Side.COMPUTES)
    check_challenge(key, call.command.data)
    key.use()
    return Reply(prove(key, call.command.data, call.draw))


@command("EXTERNAL AUTHENTICATE", ins=0x82, cases="134", clause="ISO/IEC 7816-4:2020, 11.6.4")
def external_authenticate(call: Call) -> Reply:
    """The terminal proves the key P2 over the card's last challenge.

    Without a Le field the data field is the challenge, enciphered. With one both sides prove
    themselves (MUTUAL AUTHENTICATE) and secure messaging starts. Without a data field the retry
    counter is asked for. 6985 without a challenge, 63CX or 6300 when the proof is wrong, 6983 when
    the key is blocked.
    """
    if call.command.p1:
        raise CardError(SW.INCORRECT_P1_P2)
    if call.command.case is Case.BOTH:
        return _mutual(call)
    key = key_meant(call, KeyUsage.EXTERNAL, Side.VERIFIES)
    if not call.command.data:
        return _query(call, key)
    challenge = _take_challenge(call)
    if len(call.command.data) != len(challenge) or len(challenge) % key.suite.block_size:
        raise CardError(SW.WRONG_LENGTH)
    key.spend()
    if not same_mac(key.suite.encrypt_ecb(challenge), call.command.data):
        return _failed(call, key)
    _succeeded(call, key)
    return Reply()


def _take_challenge(call: Call) -> bytes:
    challenge = call.session.challenge
    if not challenge:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    call.session = call.session._replace(challenge=b"")
    return challenge


def _query(call: Call, key: Key) -> Reply:
    if key.cell in call.session.satisfied:
        return Reply()
    if key.tries_left == 0:
        raise CardError(SW.AUTHENTICATION_BLOCKED)
    return Reply(sw=key.failure)


def _failed(call: Call, key: Key) -> Reply:
    satisfied = call.session.satisfied - {key.cell}
    call.session = call.session._replace(satisfied=satisfied)
    return Reply(sw=key.failure)


def _succeeded(call: Call, key: Key) -> None:
    key.restore()
    satisfied = call.session.satisfied | {key.cell}
    call.session = call.session._replace(satisfied=satisfied)


def _mutual(call: Call) -> Reply:
    """MUTUAL AUTHENTICATE as basic access control has it (ICAO 9303-11, 4.3.1)."""
    key = key_meant(call, KeyUsage.MUTUAL, MUTUAL)
    challenge = _take_challenge(call)
    if len(call.command.data) != _BAC_SIZE or len(challenge) != _RANDOM_SIZE:
        raise CardError(SW.WRONG_LENGTH)
    half = len(key.value) // 2
    keys = KeyPair(key.value[:half], key.value[half:])
    key.spend()
    proof = _bac_proof(call.command.data, keys, challenge)
    if proof is None:
        return _failed(call, key)
    terminal_random, terminal_key = proof
    chip_key = call.draw(16)
    answer = bac_cryptogram(keys, challenge, terminal_random, chip_key)
    key.restore()
    counter = int.from_bytes(bac_send_sequence_counter(challenge, terminal_random), "big")
    session_keys = bac_session(chip_key, terminal_key)
    grants = frozenset({key.cell})
    channel = DataObjectChannel(BlockCipher.TDES, session_keys, counter, grants=grants)
    call.session = call.session.with_channel(channel)
    return Reply(answer)


def _bac_proof(data: bytes, keys: KeyPair, challenge: bytes) -> tuple[bytes, bytes] | None:
    """The terminal's random number and key material, None when the proof is wrong."""
    enciphered, mac = data[:-8], data[-8:]
    if not same_mac(retail_mac(keys.mac, enciphered), mac):
        return None
    plain = block_suite(BlockCipher.TDES, keys.enc).decrypt_cbc(enciphered)
    if plain[_RANDOM_SIZE : 2 * _RANDOM_SIZE] != challenge:
        return None
    return plain[:_RANDOM_SIZE], plain[2 * _RANDOM_SIZE :]
