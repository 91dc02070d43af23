"""INITIALIZE of every kind of purse transaction: `80 50`."""

from __future__ import annotations

from typing import Final

from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.commands.pboc.proof import check_application
from simcard.commands.pboc.purse.kinds import (
    KINDS,
    OVERDRAW,
    RANDOM_SIZE,
    UNLOAD,
    Kind,
    Pending,
    check_counter,
    counter_of,
    tac_key_of,
    transaction_key,
    version_and_algorithm,
)
from simcard.crypto.pboc import load_mac1, load_process_key, overdraw_mac1
from simcard.files.purse import BALANCE_MAX, Holding
from simcard.status import PBOC, SW, CardError

_AMOUNT: Final = slice(1, 5)
_TERMINAL_SIZE: Final = 6
_WITH_AMOUNT: Final = 11
_WITHOUT_AMOUNT: Final = 7


@command("INITIALIZE", ins=0x50, cases="34", clause="PBOC 2.0 part 1", proprietary=True)
def initialize(call: Call) -> Reply:
    """Begin the transaction that P1 and P2 mean.

    The data field is the key index, amount(4) unless a limit is updated, and terminal(6). Answered
    are balance(4), counter(2), for purchases and limits the overdraw limit(3), key version and
    algorithm, random(4), and MAC1(4) where the card proves itself first. 6A86, 6700, 6A82 without
    such a purse, 6982, 9403 for a key that is not there, 9402 for a counter at its end, 9401 for
    more than there is, 6985 for more than fits.
    """
    check_application(call)
    kind = KINDS.get((call.command.p1, call.command.p2))
    if kind is None:
        raise CardError(SW.INCORRECT_P1_P2)
    data = call.command.data
    if len(data) != (_WITHOUT_AMOUNT if kind is OVERDRAW else _WITH_AMOUNT):
        raise CardError(SW.WRONG_LENGTH)
    holding = call.purse(kind.purse).holding
    amount = bytes(4) if kind is OVERDRAW else data[_AMOUNT]
    number = kind.key.numbered(data[0])
    key = transaction_key(call, number)
    tac_key_of(call)
    check_counter(kind, holding)
    _check_amount(kind, holding, int.from_bytes(amount, "big"))
    random, counter = call.draw(RANDOM_SIZE), counter_of(kind, holding).to_bytes(2, "big")
    process_key = b""
    if kind.online:
        process_key = load_process_key(key.value, random, counter, key.algorithm.cipher)
    begun = Pending(
        kind=kind,
        amount=amount,
        terminal=data[-_TERMINAL_SIZE:],
        random=random,
        counter=counter_of(kind, holding),
        key_number=number,
        process_key=process_key,
    )
    call.session = call.session._replace(transaction=begun)
    return Reply(_answer(begun, holding, version_and_algorithm(call, key)))


def _answer(begun: Pending, holding: Holding, named: bytes) -> bytes:
    kind = begun.kind
    balance, limit = holding.balance.to_bytes(4, "big"), holding.overdraw.to_bytes(3, "big")
    shown = balance + begun.counter.to_bytes(2, "big")
    if not kind.online:
        return shown + limit + named + begun.random
    if kind is OVERDRAW:
        mac1 = overdraw_mac1(begun.process_key, balance, limit, begun.at(b""))
        return shown + limit + named + begun.random + mac1
    mac1 = load_mac1(begun.process_key, balance, begun.at(b""))
    return shown + named + begun.random + mac1


def _check_amount(kind: Kind, holding: Holding, amount: int) -> None:
    """9401 for a payment that is not covered, 6985 for a load that does not fit.

    The balance includes the overdraw limit: it can be spent, but not unloaded.
    """
    if kind is UNLOAD and amount > holding.balance - holding.overdraw:
        raise CardError(PBOC.INSUFFICIENT_FUNDS)
    if not kind.online and amount > holding.balance:
        raise CardError(PBOC.INSUFFICIENT_FUNDS)
    if kind.online and kind is not UNLOAD and holding.balance + amount > BALANCE_MAX:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
