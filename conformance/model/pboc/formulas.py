"""MACs and TACs of the purses' transactions, from the fields of a transaction and the keys.

PBOC 2.0 part 2: the process key is made from the random number and the counter that INITIALIZE
answered, of a purchase also from the low two bytes of the terminal transaction counter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.crypto import purses as crypto

if TYPE_CHECKING:
    from conformance.model.pboc.state import Pending

MOMENT = 7


def four(number: int) -> bytes:
    """An amount or balance."""
    return number.to_bytes(4, "big")


def _counter(begun: Pending) -> bytes:
    return begun.counter.to_bytes(2, "big")


def _code(begun: Pending) -> bytes:
    return bytes((begun.kind.code,))


def limit_of(begun: Pending) -> bytes:
    """The overdraw limit before the transaction, 3 bytes."""
    return begun.overdraw.to_bytes(3, "big")


def process_key(begun: Pending, key: bytes, terminal_counter: bytes = b"") -> bytes:
    """The process key: of a purchase with the *terminal_counter* (4 bytes), else without."""
    data = begun.random + _counter(begun) + terminal_counter[-2:]
    return crypto.process_key(begun.key.cipher, key, data)


def first_mac(begun: Pending, process: bytes) -> bytes:
    """MAC1 of load, unload and update of the limit: by the card, in the answer to INITIALIZE."""
    balance = four(begun.balance)
    amount = limit_of(begun) if begun.kind.name == "overdraw" else begun.amount
    return crypto.mac(process, balance, amount, _code(begun), begun.terminal)


def host_mac(begun: Pending, process: bytes, amount: bytes, moment: bytes) -> bytes:
    """MAC2 of the host, or MAC1 of a terminal; *amount* is the new limit where that changes."""
    return crypto.mac(process, amount, _code(begun), begun.terminal, moment)


def online_proof(begun: Pending, key: bytes, amount: bytes, moment: bytes, after: int) -> bytes:
    """TAC of a load or limit under the TAC key, MAC3 of an unload under the process key *key*."""
    fields = (four(after), _counter(begun), amount, _code(begun), begun.terminal, moment)
    return crypto.mac(key, *fields)


def purchase_tac(begun: Pending, key: bytes, terminal_counter: bytes, moment: bytes) -> bytes:
    """TAC of a purchase under the TAC key."""
    fields = (begun.amount, _code(begun), begun.terminal, terminal_counter, moment)
    return crypto.mac(key, *fields)


def log_record(begun: Pending, overdraw: int, moment: bytes) -> bytes:
    """The 23 bytes that the log keeps of a transaction."""
    limit = overdraw.to_bytes(3, "big")
    return _counter(begun) + limit + begun.amount + _code(begun) + begun.terminal + moment
