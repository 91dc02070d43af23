"""The kinds of purse transactions, and what is between the two commands of one.

INITIALIZE leaves a `Pending`, a value, in the session; only the very next command finds it there.
Everything a transaction changes (balance, counter, log, proof, records of a composite purchase)
belongs to the one memory transaction of the completing command.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from simcard.commands.call import Call
from simcard.commands.pboc.proof import check_application, file_of, rules_of
from simcard.crypto.pboc import Transaction, tac_key
from simcard.files.purse import COUNTER_MAX, ED, EP, Holding, PurseContent
from simcard.security.access import Right
from simcard.security.keys import Key
from simcard.security.pboc import KeyType, algorithm_identifier
from simcard.status import PBOC, SW, CardError

RANDOM_SIZE: Final = 4
MOMENT_SIZE: Final = 7


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of transaction: its code in MACs and log, its purse, its key, how it is counted."""

    code: int
    purse: int
    key: KeyType
    online: bool = True


LOAD_ED: Final = Kind(0x01, ED, KeyType.LOAD)
LOAD_EP: Final = Kind(0x02, EP, KeyType.LOAD)
UNLOAD: Final = Kind(0x03, ED, KeyType.UNLOAD)
PURCHASE_ED: Final = Kind(0x05, ED, KeyType.PURCHASE, online=False)
PURCHASE_EP: Final = Kind(0x06, EP, KeyType.PURCHASE, online=False)
OVERDRAW: Final = Kind(0x07, ED, KeyType.OVERDRAW)
COMPOSITE: Final = Kind(0x09, EP, KeyType.PURCHASE, online=False)

KINDS: Final = {
    (0x00, ED): LOAD_ED,
    (0x00, EP): LOAD_EP,
    (0x01, ED): PURCHASE_ED,
    (0x01, EP): PURCHASE_EP,
    (0x03, EP): COMPOSITE,
    (0x04, ED): OVERDRAW,
    (0x05, ED): UNLOAD,
}
"""What P1 and P2 of INITIALIZE mean."""

PURSES: Final = {kind.code: kind.purse for kind in KINDS.values()}
"""The purse of each kind, by the code that GET TRANSACTION PROOF names it by."""


class CachedRecord(NamedTuple):
    """A record that a composite purchase will write: cell of its EF, number, content."""

    cell: int
    number: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Pending:
    """A transaction that has been initialised.

    `amount` is 4 bytes and 0 for an update of the limit; `process_key` is there when it could be
    made without the terminal; `counter` is the one before the transaction.
    """

    kind: Kind
    amount: bytes
    terminal: bytes
    random: bytes
    counter: int
    key_number: int
    process_key: bytes = field(default=b"", repr=False)
    records: tuple[CachedRecord, ...] = ()

    def with_record(self, record: CachedRecord) -> Pending:
        """This transaction with one more record to write."""
        return replace(self, records=(*self.records, record))

    def at(self, moment: bytes) -> Transaction:
        """What MACs cover, with date and time (7 bytes)."""
        return Transaction(self.amount, bytes([self.kind.code]), self.terminal, moment)


def transaction_key(call: Call, number: int) -> Key:
    """A key of the purses: 9403 when it is not there, 6982 without the right to use it."""
    if not call.has_key(number):
        raise CardError(PBOC.KEY_NOT_FOUND)
    return call.key_for(number, Right.READ)


def tac_key_of(call: Call) -> bytes:
    """The key that TACs are made with; 9403."""
    key = transaction_key(call, KeyType.INTERNAL.numbered(rules_of(call).tac_key))
    return key.value if len(key.value) == 8 else tac_key(key.value, key.algorithm.cipher)


def version_and_algorithm(call: Call, key: Key) -> bytes:
    """The two bytes by which INITIALIZE tells the other side which key is meant."""
    return bytes([key.version, algorithm_identifier(file_of(call, key))])


def counter_of(kind: Kind, holding: Holding) -> int:
    """The transaction counter that *kind* goes by."""
    return holding.online_counter if kind.online else holding.offline_counter


def pending(call: Call, *kinds: Kind) -> tuple[Pending, PurseContent]:
    """The transaction of one of *kinds* that the command before has initialised, and its purse.

    6985 when there is none, or when the purse has been used on another channel since.
    """
    check_application(call)
    found = call.transaction
    if not isinstance(found, Pending) or found.kind not in kinds:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    purse = call.purse(found.kind.purse)
    if counter_of(found.kind, purse.holding) != found.counter:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    return found, purse


def counted(kind: Kind, holding: Holding) -> Holding:
    """*holding* with the counter of *kind* one further."""
    if kind.online:
        return holding._replace(online_counter=holding.online_counter + 1)
    return holding._replace(offline_counter=holding.offline_counter + 1)


def check_counter(kind: Kind, holding: Holding) -> None:
    """9402 when no further transaction can be counted."""
    if counter_of(kind, holding) == COUNTER_MAX:
        raise CardError(PBOC.COUNTER_AT_MAXIMUM)


def book(
    call: Call, purse: PurseContent, done: Pending, after: Holding, moment: bytes, proof: bytes
) -> None:
    """Keep what the purse holds *after*, the log record and the proof, all in one transaction."""
    record = (
        done.counter.to_bytes(2, "big") + after.overdraw.to_bytes(3, "big") + done.at(moment).wire
    )
    purse.book(after, record)
    number = done.counter + rules_of(call).proof_counter_after
    purse.keep_proof(done.kind.code, number, proof)
