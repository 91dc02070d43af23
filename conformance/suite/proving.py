"""Proving keys of the PBOC family, sealing commands, and changing what a proof has opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import NotRun, not_applicable
from conformance.commands import get_challenge
from conformance.crypto import purses as crypto
from conformance.trading import pboc_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.family import CardKey
    from conformance.layout import ElementaryFile
    from conformance.terminal import Terminal


def files_with_items(terminal: Terminal) -> tuple[ElementaryFile, ...]:
    """The EFs whose records are items of the scheme; the case ends when there is none."""
    found = tuple(ef for ef in terminal.layout.elementary() if ef.items)
    return found or not_applicable("no EF has items of the scheme")


def prove(terminal: Terminal, key: CardKey, *, factor: bytes = b"", spoilt: int = 0) -> CommandAPDU:
    """EXTERNAL AUTHENTICATE over a challenge that is asked for, with the value of *key*."""
    size = 16 if key.cipher == "SM4" else 8
    challenge = terminal.send(CommandAPDU(0x00, 0x84, 0x00, 0x00, b"", size)).data
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


def changing(ef: ElementaryFile, number: int, held: bytes) -> CommandAPDU:
    """UPDATE RECORD of the whole TLV with another value of the same coding."""
    value = held[2:]
    changed = value[:-1] + bytes((value[-1] ^ 0x01,))
    return CommandAPDU(0x00, 0xDC, number, (ef.sfi or 0) << 3 | 4, held[:2] + changed)


def writable(terminal: Terminal) -> Iterator[tuple[ElementaryFile, CardKey]]:
    """The EFs whose items may be changed, with the key that opens them, after a reset."""
    if not terminal.bench.copies:
        raise NotRun("items of a card that cannot be copied are left as they are")
    found = [ef for ef in files_with_items(terminal) if ef.writable]
    for ef in found or not_applicable("no items are declared writable"):
        key = opening_key(terminal, ef)
        if key is not None:
            terminal.reset()
            yield ef, key
