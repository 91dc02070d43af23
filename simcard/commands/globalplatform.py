"""The two commands that open an SCP03 session (GlobalPlatform Amendment D v1.2, clause 7.1).

The static keys are one key EF with usage `channel`: Key-ENC, Key-MAC and Key-DEK one behind the
other. The card challenge is pseudo-random: made from Key-ENC, a sequence counter that the key EF
keeps and the name of the application, so that it never repeats and never has to be drawn.
"""

from __future__ import annotations

from typing import Final

from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.crypto.macs import same_mac
from simcard.crypto.scp03 import card_challenge, card_cryptogram, host_cryptogram, session_keys
from simcard.messaging.scp03 import Level, Scp03Channel, Scp03Opening
from simcard.security.keys import KeyUsage
from simcard.status import SW, CardError

_MODES: Final = {8: 0x70, 16: 0x71}
"""Length of challenges, cryptograms and MACs: the parameter "i" that announces it.

Both say: pseudo-random card challenge, R-MAC and R-ENCRYPTION supported; bit 1 is S16 mode.
"""
_DIVERSIFICATION_DATA: Final = bytes(10)
_PROTOCOL: Final = 0x03


@command(
    "INITIALIZE UPDATE",
    ins=0x50,
    cases="34",
    clause="GlobalPlatform Amendment D v1.2, 7.1.1",
    proprietary=True,
)
def initialize_update(call: Call) -> Reply:
    """Answer the host challenge (8 bytes, or 16 for S16 mode) with the card's and a cryptogram.

    P1 is the key version, 00 for the first one. 6700 for another length, 6A88 for a version that
    is not there, 6983 when the key is blocked. What an earlier session had reached is lost.
    """
    host_challenge = call.command.data
    mode = _MODES.get(len(host_challenge))
    if mode is None:
        raise CardError(SW.WRONG_LENGTH)
    if call.command.p2:
        raise CardError(SW.INCORRECT_P1_P2)
    key = call.channel_key(call.command.p1)
    if key.tries_left == 0:
        raise CardError(SW.AUTHENTICATION_BLOCKED)
    size = len(key.value) // 3
    enc, mac = key.value[:size], key.value[size : 2 * size]
    counter = key.count().to_bytes(3, "big")
    length = len(host_challenge)
    challenge = card_challenge(enc, counter, _application_name(call), length)
    keys = session_keys(enc, mac, host_challenge, challenge)
    opening = Scp03Opening(
        Scp03Channel(keys, Level.C_MAC, length),
        host_cryptogram(keys, host_challenge, challenge, length),
        key.cell,
    )
    call.session = call.session.without_channel()._replace(secure=opening)
    information = bytes([key.version, _PROTOCOL, mode])
    cryptogram = card_cryptogram(keys, host_challenge, challenge, length)
    return Reply(_DIVERSIFICATION_DATA + information + challenge + cryptogram + counter)


def _application_name(call: Call) -> bytes:
    """The name of the current DF or the nearest one above it, empty when none has one."""
    return next((df.names[0] for df in call.tree.lineage(call.df) if df.names), b"")


@command(
    "EXTERNAL AUTHENTICATE",
    ins=0x82,
    cases="3",
    clause="GlobalPlatform Amendment D v1.2, 7.1.2",
    proprietary=True,
)
def external_authenticate(call: Call) -> Reply:
    """Check the host cryptogram and open the channel at security level P1.

    The command comes with a C-MAC (class 84). 6985 without INITIALIZE UPDATE before it, 6A86 for a
    level that is not defined, 6300 or 63CX for a wrong cryptogram, which ends the session.
    """
    opening = call.session.secure
    if not isinstance(opening, Scp03Opening) or call.protected is None:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    level = Level(call.command.p1)
    if call.command.p2 or not level.is_defined:
        raise CardError(SW.INCORRECT_P1_P2)
    key = call.key_at(opening.cell, KeyUsage.CHANNEL)
    key.spend()
    if not same_mac(opening.host_cryptogram, call.command.data):
        call.session = call.session.without_channel()
        left = key.tries_left
        return Reply(sw=SW.NO_INFORMATION_WARNING if left is None else SW.tries_left(left))
    key.restore()
    call.session = call.session._replace(
        secure=opening.opened(level), satisfied=call.session.satisfied | {key.cell}
    )
    return Reply()


GLOBALPLATFORM: Final = (initialize_update, external_authenticate)
