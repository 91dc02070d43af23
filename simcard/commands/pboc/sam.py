"""The terminal's security module (PSAM): MAC1 and MAC2 of purchases, and session computations.

Its keys are those of a region. Usage byte: the levels of diversification in the three high bits,
the kind in the others. A command brings one factor of 8 bytes for each level, the outermost first,
and the number of levels chooses the key together with the version.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.commands.pboc.authentication import diversified
from simcard.commands.pboc.proof import check_application, check_p1p2, rules_of
from simcard.crypto.blocks import BlockCipher, block_suite
from simcard.crypto.macs import same_mac
from simcard.crypto.pboc import (
    MAC_LENGTH,
    Transaction,
    line_mac,
    purchase_mac1,
    purchase_mac2,
    purchase_process_key,
)
from simcard.security.access import Right
from simcard.security.pboc import sam_usage
from simcard.status import PBOC, SW, CardError

PURCHASE: Final = 0x02
_MAC, _CIPHER, _BOTH = 0x06, 0x07, 0x08
_FACTOR_SIZE: Final = 8
_LEVELS_MAX: Final = 7
_PURCHASE_DATA_SIZE: Final = 20
_TERMINAL_SIZE: Final = 6


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase whose MAC1 was given: what its MAC2 is checked with."""

    process_key: bytes = field(repr=False)
    amount: bytes


@dataclass(frozen=True, slots=True)
class Computation:
    """A diversified key made ready for computations, and which of them it is for."""

    key: bytes = field(repr=False)
    cipher: BlockCipher
    kind: int


@command(
    "INITIALIZE SAM FOR PURCHASE",
    ins=0x70,
    cases="34",
    clause="PBOC PSAM",
    right=Right.READ,
    proprietary=True,
)
def initialize_sam(call: Call) -> Reply:
    """MAC1 of a purchase: terminal transaction counter(4), MAC1(4).

    The data field is random(4), offline counter(2), amount(4), kind(1), date(4), time(3), key
    version and algorithm as the card has said them, and the factors. The counter has moved on in
    memory before MAC1 is given. 9403 for a key that is not there, 6700, 9402 at the counter's end,
    6A82 without a terminal number.
    """
    check_application(call)
    check_p1p2(call)
    data = call.command.data
    version = data[18] if len(data) >= _PURCHASE_DATA_SIZE else 0
    key, cipher = _key(call, PURCHASE, version, data[_PURCHASE_DATA_SIZE:])
    terminal = _terminal_number(call)
    counter = call.count()
    if counter is None:
        raise CardError(PBOC.COUNTER_AT_MAXIMUM)
    used = counter.to_bytes(4, "big")
    process_key = purchase_process_key(key, data[:4], data[4:6], used, cipher)
    amount, kind, moment = data[6:10], data[10:11], data[11:18]
    mac1 = purchase_mac1(process_key, Transaction(amount, kind, terminal, moment))
    call.session = call.session._replace(transaction=Purchase(process_key, amount))
    return Reply(used + mac1)


@command("CREDIT SAM FOR PURCHASE", ins=0x72, cases="3", clause="PBOC PSAM", proprietary=True)
def credit_sam(call: Call) -> Reply:
    """Check MAC2 of the purchase whose MAC1 was given by the command before: 9302, else 6985."""
    check_p1p2(call)
    if len(call.command.data) != MAC_LENGTH:
        raise CardError(SW.WRONG_LENGTH)
    purchase = call.transaction
    if not isinstance(purchase, Purchase):
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    if not same_mac(purchase_mac2(purchase.process_key, purchase.amount), call.command.data):
        raise CardError(PBOC.WRONG_TRANSACTION_MAC)
    return Reply()


@command("INITIALIZE FOR COMPUTATION", ins=0x1A, cases="13", clause="PBOC PSAM", proprietary=True)
def initialize_computation(call: Call) -> Reply:
    """Make the key of usage P1 and version P2 ready, diversified by the factors in the data field.

    9403 for a key that is not there, 6985 for one that is not for computations, 6700.
    """
    check_application(call)
    usage, version = call.command.p1, call.command.p2
    kind = usage & 0x1F
    factors = call.command.data
    if len(factors) != _FACTOR_SIZE * (usage >> 5):
        raise CardError(SW.WRONG_LENGTH)
    if kind not in (_MAC, _CIPHER, _BOTH):
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    key, cipher = _key(call, kind, version, factors)
    call.session = call.session._replace(transaction=Computation(key, cipher, kind))
    return Reply()


@command("COMPUTE", ins=0xFA, cases="34", clause="PBOC PSAM", proprietary=True)
def compute(call: Call) -> Reply:
    """Encipher (P1 00), MAC (01), or MAC from the first block of the data field on (05).

    The key stays ready for the next computation. 6985 when none is, or not for this; 6700 unless
    there is data, and whole blocks where they are needed.
    """
    ready, mode = call.transaction, call.command.p1
    if call.command.p2 or mode not in _MODES:
        raise CardError(SW.INCORRECT_P1_P2)
    if not isinstance(ready, Computation) or ready.kind not in _MODES[mode]:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    data, size = call.command.data, ready.cipher.block_size
    call.session = call.session._replace(transaction=ready)
    if mode == _ENCIPHER:
        if len(data) % size:
            raise CardError(SW.WRONG_LENGTH)
        return Reply(block_suite(ready.cipher, ready.key).encrypt_ecb(data))
    start = size if mode == _MAC_FROM else 0
    if len(data) <= start:
        raise CardError(SW.WRONG_LENGTH)
    return Reply(line_mac(ready.key, data[:start], data[start:], ready.cipher))


_ENCIPHER, _MAC_FROM_ZERO, _MAC_FROM = 0x00, 0x01, 0x05
_MODES: Final = {
    _ENCIPHER: (_CIPHER, _BOTH),
    _MAC_FROM_ZERO: (_MAC, _BOTH),
    _MAC_FROM: (_MAC, _BOTH),
}
"""The kinds of key that each mode may use."""


def _key(call: Call, kind: int, version: int, factors: bytes) -> tuple[bytes, BlockCipher]:
    """The key of a kind, diversified by *factors*, and its cipher; 6700, 9403."""
    levels, rest = divmod(len(factors), _FACTOR_SIZE)
    if rest or levels > _LEVELS_MAX or (kind == PURCHASE and not call.command.data[19:]):
        raise CardError(SW.WRONG_LENGTH)
    number = sam_usage(kind, levels) << 8 | version
    if not call.has_key(number):
        raise CardError(PBOC.KEY_NOT_FOUND)
    key = call.key_for(number, Right.READ)
    each = [factors[at : at + _FACTOR_SIZE] for at in range(0, len(factors), _FACTOR_SIZE)]
    return diversified(key.value, key.algorithm.cipher, *each), key.algorithm.cipher


def _terminal_number(call: Call) -> bytes:
    """The 6 bytes at the start of the terminal's file in the MF; 6A82."""
    file = call.tree.child(call.tree.mf, rules_of(call).terminal_file)
    if file is None:
        raise CardError(SW.FILE_NOT_FOUND)
    return call.transparent(file).read(0, _TERMINAL_SIZE)


SAM: Final = (initialize_sam, credit_sam, initialize_computation, compute)
