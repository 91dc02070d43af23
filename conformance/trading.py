"""The commands of a purse transaction, as terminals and hosts make them with the keys they hold.

Used by the cases, by the generated histories, and to give back what a history moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import SHORT_NE, CommandAPDU
from conformance.commands import select_path, verify
from conformance.layout import DedicatedFile
from conformance.model.pboc import formulas
from conformance.model.pboc.state import KINDS, Kind, Pending

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.apdu import ResponseAPDU
    from conformance.family import CardKey, PbocTable, PurseTable
    from conformance.keys import Keys
    from conformance.terminal import Terminal

PROPRIETARY = 0x80
TERMINAL = bytes.fromhex("330300000010")
MOMENT = bytes.fromhex("20261124083000")
COUNTER = bytes.fromhex("01020307")
"""The terminal transaction counter where no security module gives one: no byte of it is zero."""
FIRST = {kind: pair for pair, kind in KINDS.items()}
"""P1 and P2 of INITIALIZE by the kind of transaction."""
SECOND = {
    "load": (0x52, 0x00, 4),
    "purchase": (0x54, 0x01, 8),
    "composite": (0x54, 0x01, 8),
    "unload": (0x54, 0x03, 4),
    "overdraw": (0x58, 0x00, 4),
}
"""INS, P1 and the length of the answer of the completing command; P2 is 00."""


def pboc_of(terminal: Terminal) -> PbocTable:
    """The `[pboc]` table of the statement."""
    pboc = terminal.statement.pboc
    assert pboc is not None, "a case of the PBOC family is about a card of the family"
    return pboc


def balance(purse: PurseTable) -> CommandAPDU:
    """GET BALANCE."""
    return CommandAPDU(PROPRIETARY, 0x5C, 0x00, purse.number, b"", 4)


def proof(kind: Kind, counter: int) -> CommandAPDU:
    """GET TRANSACTION PROOF of the transaction that *counter* names."""
    return CommandAPDU(PROPRIETARY, 0x5A, 0x00, kind.code, counter.to_bytes(2, "big"), 8)


def initialize(kind: Kind, key: int, amount: int, terminal: bytes = TERMINAL) -> CommandAPDU:
    """INITIALIZE with the key index *key*; an update of the limit has no amount."""
    p1, p2 = FIRST[kind]
    moved = b"" if kind.name == "overdraw" else formulas.four(amount)
    data = bytes((key,)) + moved + terminal
    return CommandAPDU(PROPRIETARY, 0x50, p1, p2, data, SHORT_NE)


def completing(
    begun: Pending,
    value: bytes,
    *,
    limit: int = 0,
    counter: bytes = COUNTER,
    moment: bytes = MOMENT,
    spoilt: int = 0,
) -> CommandAPDU:
    """The completing command under the key *value*; *spoilt* is combined with the MAC's end."""
    ins, p1, ne = SECOND[begun.kind.name]
    pays = begun.kind.name in {"purchase", "composite"}
    changes = begun.kind.name == "overdraw"
    head = counter if pays else limit.to_bytes(3, "big") if changes else b""
    process = formulas.process_key(begun, value, counter if pays else b"")
    amount = head if changes else begun.amount
    mac = formulas.host_mac(begun, process, amount, moment)
    mac = mac[:-1] + bytes((mac[-1] ^ spoilt,))
    return CommandAPDU(PROPRIETARY, ins, p1, 0x00, head + moment + mac, ne)


def begun_in(terminal: Terminal) -> Pending | None:
    """The transaction that the card has begun."""
    family = terminal.model.states[0].family
    pending = family.pending if family else None
    return pending if isinstance(pending, Pending) else None


def usable_keys(pboc: PbocTable, keys: Keys, purse: PurseTable, kind: Kind) -> Iterator[CardKey]:
    """The keys of *kind* for *purse* whose values the judge holds."""
    return (one for one in pboc.keys_of(kind.key, purse.df) if one.name in keys.secrets)


def enter(terminal: Terminal, path: str, *, proven: bool = True) -> DedicatedFile:
    """Select the DF at *path* and verify the PIN of the card there, unless it is to stay closed."""
    df = terminal.layout.by_path(path)
    assert isinstance(df, DedicatedFile)
    terminal.send(select_path(df))
    for reference in terminal.layout.references if proven else ():
        if reference.df in df.lineage() and terminal.keys.right(reference) is not None:
            terminal.send(verify(terminal.keys, "pin", reference))
    return df


def transact(
    terminal: Terminal, kind: Kind, key: CardKey, amount: int, *, limit: int = 0
) -> ResponseAPDU:
    """A whole transaction; the answer of its completing command."""
    terminal.send(initialize(kind, key.number, amount))
    begun = begun_in(terminal)
    assert begun is not None, "the model follows an answer to INITIALIZE"
    return terminal.send(completing(begun, terminal.keys.secrets[key.name], limit=limit))
