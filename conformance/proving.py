"""Proving keys of the PBOC family, and sealing commands with the MAC of a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.commands import get_challenge
from conformance.crypto import purses as crypto
from conformance.trading import pboc_of

if TYPE_CHECKING:
    from conformance.family import CardKey
    from conformance.layout import ElementaryFile
    from conformance.terminal import Terminal


def prove(terminal: Terminal, key: CardKey, *, factor: bytes = b"", spoilt: int = 0) -> CommandAPDU:
    """EXTERNAL AUTHENTICATE over a challenge that is asked for, with the value of *key*."""
    size = 16 if key.cipher == "SM4" else 8
    challenge = terminal.send(get_challenge(size)).data
    factors = (factor,) if factor else ()
    value = crypto.diversified(key.cipher, terminal.keys.secrets[key.name], *factors)
    block = crypto.cryptogram(key.cipher, value, challenge)
    block = block[:-1] + bytes((block[-1] ^ spoilt,))
    return CommandAPDU(0x00, 0x82, 0x00, key.number, block + factor)


def sealed(
    terminal: Terminal,
    key: CardKey,
    header: tuple[int, int, int, int],
    data: bytes,
    spoilt: int = 0,
) -> CommandAPDU:
    """The command with its MAC over a challenge that is asked for."""
    challenge = terminal.send(get_challenge(4)).data
    value = terminal.keys.secrets[key.name]
    covered = bytes((*header, len(data) + 4)) + data
    mac = crypto.line_mac(key.cipher, value, challenge, covered)
    return CommandAPDU(*header, data + mac[:-1] + bytes((mac[-1] ^ spoilt,)))


def opening_key(terminal: Terminal, ef: ElementaryFile) -> CardKey | None:
    """A key of the DF of *ef* whose proof opens updates of it."""
    states = {one.number for alternative in ef.update.alternatives for one in alternative}
    for key in pboc_of(terminal).keys_of("external", ef.parent.path):
        if key.state in states and key.name in terminal.keys.secrets:
            return key
    return None
