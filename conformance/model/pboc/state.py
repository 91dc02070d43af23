"""What a card of the PBOC family has beside its files: purses, key counters, a transaction begun.

Immutable as the rest of the state. What nobody has seen yet is None, and is learned from the first
answer that shows it; from then on it has to fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from conformance.family import CardKey, KeyType, PurseTable
    from conformance.layout import ElementaryFile


class Kind(NamedTuple):
    """A kind of transaction: its code in MACs and log, its purse, its key, which counter it has."""

    name: str
    code: int
    purse: int
    key: KeyType
    online: bool


LOAD_ED = Kind("load", 0x01, 1, "load", online=True)
LOAD_EP = Kind("load", 0x02, 2, "load", online=True)
UNLOAD = Kind("unload", 0x03, 1, "unload", online=True)
PURCHASE_ED = Kind("purchase", 0x05, 1, "purchase", online=False)
PURCHASE_EP = Kind("purchase", 0x06, 2, "purchase", online=False)
OVERDRAW = Kind("overdraw", 0x07, 1, "overdraw", online=True)
COMPOSITE = Kind("composite", 0x09, 2, "purchase", online=False)
KINDS: Mapping[tuple[int, int], Kind] = {
    (0x00, 1): LOAD_ED,
    (0x00, 2): LOAD_EP,
    (0x01, 1): PURCHASE_ED,
    (0x01, 2): PURCHASE_EP,
    (0x03, 2): COMPOSITE,
    (0x04, 1): OVERDRAW,
    (0x05, 1): UNLOAD,
}
"""What P1 and P2 of INITIALIZE mean."""
BY_CODE: Mapping[int, Kind] = {kind.code: kind for kind in KINDS.values()}


@dataclass(frozen=True, slots=True)
class Holding:
    """What a purse holds, as far as it is known; the balance includes the overdraw limit."""

    balance: int | None = None
    online: int | None = None
    offline: int | None = None
    overdraw: int | None = None
    found: int | None = None
    """The balance when it was first seen in this history."""
    before: str = ""
    """The requirement on the latest command that should, or should not, have changed it."""

    def seen(self, balance: int) -> Holding:
        """The same purse, its balance known."""
        found = balance if self.found is None else self.found
        return replace(self, balance=balance, found=found)

    def counter(self, kind: Kind) -> int | None:
        """The counter that *kind* goes by."""
        return self.online if kind.online else self.offline

    def counted(self, kind: Kind, counter: int) -> Holding:
        """The same purse with the counter of *kind* behind *counter*."""
        following = counter + 1
        if kind.online:
            return replace(self, online=following)
        return replace(self, offline=following)


@dataclass(frozen=True, slots=True)
class Pending:
    """A transaction that INITIALIZE began, with all that the completing command depends on."""

    kind: Kind
    purse: PurseTable
    key: CardKey
    amount: bytes
    terminal: bytes
    random: bytes
    counter: int
    balance: int
    overdraw: int
    records: tuple[tuple[ElementaryFile, int, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Sale:
    """A purchase whose MAC1 a security module gave."""

    process_key: bytes = field(repr=False)
    amount: bytes


@dataclass(frozen=True, slots=True)
class Ready:
    """A key of a security module made ready for computations."""

    cipher: str
    key: bytes = field(repr=False)
    kind: int


@dataclass(frozen=True, slots=True)
class FamilyState:
    """Everything beside files and reference data."""

    tries: Mapping[CardKey, int] = field(default_factory=dict)
    """Tries left of the keys that were tried in this history."""
    holdings: Mapping[PurseTable, Holding] = field(default_factory=dict)
    proofs: Mapping[tuple[PurseTable, int], tuple[int, bytes]] = field(default_factory=dict)
    """By purse and code: the counter before the transaction, and its proof."""
    logs: Mapping[tuple[str, int], tuple[bytes, ...]] = field(default_factory=dict)
    """Log records of this history, the youngest first, by DF and SFI: purses may share a log."""
    pending: Pending | Sale | Ready | None = None
    challenge: bytes = field(default=b"", repr=False)
    """The challenge that the next proof or line MAC is over; empty when there is none."""
    spent: bytes = field(default=b"", repr=False)
    """The challenge that was used up last."""
    mf_state: int = 0
    """The security state of the MF, which leaving it does not take away."""
    loaded: Mapping[tuple[int, int], bytes] = field(default_factory=dict, repr=False)
    """Keys that were loaded into a security module, by usage and version."""
    terminal_counter: int | None = None
    """The next terminal transaction counter of a security module."""
    counted_before_reset: bool = False
    random: bytes = b""
    """The latest random number of a transaction, which must not come again."""

    def after_reset(self) -> FamilyState:
        """Nothing is begun, nothing proven, and no challenge stands."""
        kept = {
            purse: replace(holding, before="pboc/purse/survives-reset")
            for purse, holding in self.holdings.items()
        }
        return replace(
            self,
            holdings=kept,
            pending=None,
            challenge=b"",
            spent=b"",
            mf_state=0,
            counted_before_reset=True,
        )

    def holding(self, purse: PurseTable) -> Holding:
        """What is known of *purse*."""
        return self.holdings.get(purse, Holding())

    def with_holding(self, purse: PurseTable, holding: Holding) -> FamilyState:
        """The state in which *purse* holds *holding*."""
        return replace(self, holdings={**self.holdings, purse: holding})

    def tries_of(self, key: CardKey) -> int:
        """The tries left of *key*; all of them unless some were spent in this history."""
        return self.tries.get(key, key.tries)

    def with_tries(self, key: CardKey, tries: int) -> FamilyState:
        """The state in which *key* has *tries* left."""
        return replace(self, tries={**self.tries, key: tries})
