"""Finding the keys of the statement that a case can work with, and making them ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.case import NotRun, not_applicable
from conformance.commands import get_challenge, select_path, verify
from conformance.operating import (
    challenge_size,
    cryptogram,
    external,
    flipped,
)
from conformance.suite.finding import OK
from conformance.undo import opening

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU
    from conformance.layout import Key
    from conformance.operations import OperationsTable
    from conformance.terminal import Terminal

NOT_DONE = (
    *(0x6985, 0x6982, 0x6A88, 0x6A80, 0x6700, 0x6300, *range(0x63C0, 0x63D0)),
    *(0x6981, 0x6983, 0x6984, 0x6986, 0x6987, 0x6988),
    *(0x6A81, 0x6A82, 0x6A86, 0x6A87, 0x6B00, 0x6D00, 0x6E00),
)
"""The ways to say that nothing was done, the likeliest first; the model says which are right."""
NOT_CHOSEN = (0x6985, 0x6A88)
MESSAGES = (b"a", b"message digest", bytes(range(48)), b"\x00" * 64, bytes(range(200)))


def table_of(terminal: Terminal) -> OperationsTable:
    """The `[operations]` table of the statement; the case ends when there is none."""
    table = terminal.statement.operations
    return not_applicable("no operations are declared") if table is None else table


def keys_for(
    terminal: Terminal, *usages: str, secret: bool | None = None, spare: bool = False
) -> tuple[Key, ...]:
    """The keys for all of *usages* that the judge may use without wearing them out.

    *secret* asks for those of block ciphers, or for the others; keys whose value is not known, or
    whose rule the judge cannot meet, are left out.
    """
    table_of(terminal)
    found = [key for key in terminal.layout.keys if set(usages) <= key.usage and not key.uses]
    if secret is not None:
        found = [key for key in found if key.symmetric is secret]
    if not found:
        not_applicable(f"no key is declared for {' and '.join(usages)}")
    usable = tuple(
        key
        for key in found
        if (opening(key.access, terminal.bench) is not None or key.usage <= {"internal"})
        and (not key.symmetric or key.name in terminal.keys.secrets)
        and key.spare == spare
    )
    if not usable:
        raise NotRun(f"no value of a key for {' and '.join(usages)} is known")
    return usable


def uncounted(terminal: Terminal, *usages: str) -> tuple[Key, ...]:
    """Keys of block ciphers for *usages* that count nothing."""
    found = tuple(one for one in keys_for(terminal, *usages, secret=True) if not one.tries)
    return found or not_applicable("every such key counts failures")


def ready(terminal: Terminal, key: Key) -> None:
    """The DF of *key* is current and its rule met."""
    terminal.send(select_path(key.df))
    for reference in opening(key.access, terminal.bench) or ():
        terminal.send(verify(terminal.keys, "pin", reference))


def challenge(terminal: Terminal, key: Key) -> bytes:
    """A fresh challenge for *key*."""
    return terminal.send(get_challenge(challenge_size(key)), expect=OK).data


def proof(terminal: Terminal, key: Key, *, wrong: int | None = None) -> CommandAPDU:
    """EXTERNAL AUTHENTICATE over a new challenge; *wrong* is the place of an error in it."""
    block = cryptogram(terminal.keys, key, challenge(terminal, key))
    return external(key, block if wrong is None else flipped(block, wrong))


def spendable(terminal: Terminal, key: Key, tries: int = 1) -> bool:
    """Whether *tries* of *key* may be spent without going below its floor."""
    left = terminal.model.states[0].tries.get(key.proof, key.tries)
    return not key.tries or left - tries >= key.proof.floor
