"""A purse: balance, counters, overdraw limit, and the proofs of the last transactions.

The body of a purse EF (all numbers big-endian):

======  ====  ==================================================================
offset  size  meaning
======  ====  ==================================================================
0       4     balance, which includes the overdraw limit
4       2     online counter: loads, unloads and updates of the limit
6       2     offline counter: purchases
8       3     overdraw limit
11      1     SFI of the log EF in the same DF, 00 when there is none
12      60    five proofs of 12 bytes: kind, counter(2), length, MAC and TAC
======  ====  ==================================================================

A proof is kept for each kind of transaction until the next of that kind.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Self

from simcard.files.descriptors import File
from simcard.files.records import RecordContent
from simcard.memory.journal import Memory

ED: Final = 1
EP: Final = 2
LOG_RECORD_SIZE: Final = 23
COUNTER_SIZE: Final = 4
_LOG_AT: Final = 11
_PROOFS_AT: Final = 12
_PROOF_SIZE: Final = 12
_PROOF_SLOTS: Final = {1: 0, 2: 0, 3: 1, 5: 2, 6: 2, 7: 3, 9: 4}
PURSE_SIZE: Final = _PROOFS_AT + 5 * _PROOF_SIZE
COUNTER_MAX: Final = 0xFFFF
BALANCE_MAX: Final = 0xFFFFFFFF


class Holding(NamedTuple):
    """What a purse holds: whole units of money, and how often it was used."""

    balance: int = 0
    online_counter: int = 0
    offline_counter: int = 0
    overdraw: int = 0

    def __bytes__(self) -> bytes:
        return (
            self.balance.to_bytes(4, "big")
            + self.online_counter.to_bytes(2, "big")
            + self.offline_counter.to_bytes(2, "big")
            + self.overdraw.to_bytes(3, "big")
        )

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The holding in the first 11 bytes of a body."""
        fields = (data[:4], data[4:6], data[6:8], data[8:11])
        return cls(*(int.from_bytes(field, "big") for field in fields))


def purse_body(holding: Holding, log: int) -> bytes:
    """The body of a new purse EF that logs into the EF with short identifier *log*."""
    return (bytes(holding) + bytes([log])).ljust(PURSE_SIZE, b"\0")


def log_of(file: File, memory: Memory) -> int:
    """The short identifier of the EF that the purse in *file* logs into, 0 for none."""
    return file.region.read(memory, _LOG_AT, 1)[0]


class PurseContent:
    """One purse, behind the door; everything it changes belongs to the open transaction."""

    __slots__ = ("_log", "_memory", "_region")

    def __init__(self, file: File, log: File | None, memory: Memory) -> None:
        self._region = file.region
        self._log = log
        self._memory = memory

    @property
    def holding(self) -> Holding:
        """What the purse holds now."""
        return Holding.parse(self._region.read(self._memory, 0, _LOG_AT))

    def book(self, holding: Holding, record: bytes) -> None:
        """Replace what the purse holds, and log why: *record* has 23 bytes."""
        self._region.write(self._memory, 0, bytes(holding))
        if self._log is not None:
            RecordContent(self._log, self._memory).append(record)

    def keep_proof(self, kind: int, counter: int, proof: bytes) -> None:
        """Remember MAC and TAC (at most 8 bytes) of the transaction *counter* of a *kind*."""
        slot = bytes([kind]) + counter.to_bytes(2, "big") + bytes([len(proof)]) + proof
        self._region.write(self._memory, _slot_at(kind), slot.ljust(_PROOF_SIZE, b"\0"))

    def proof(self, kind: int, counter: int) -> bytes | None:
        """The proof of the transaction *counter* of a *kind*; None when it is not the last one."""
        if kind not in _PROOF_SLOTS:
            return None
        slot = self._region.read(self._memory, _slot_at(kind), _PROOF_SIZE)
        if slot[0] != kind or int.from_bytes(slot[1:3], "big") != counter:
            return None
        return slot[4 : 4 + slot[3]]


def _slot_at(kind: int) -> int:
    return _PROOFS_AT + _PROOF_SIZE * _PROOF_SLOTS[kind]
