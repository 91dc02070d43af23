"""Transactions that a host authorises: load, unload, update of the overdraw limit."""

from __future__ import annotations

from typing import Final

from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.commands.pboc.proof import check_p1p2
from simcard.commands.pboc.purse.kinds import (
    LOAD_ED,
    LOAD_EP,
    MOMENT_SIZE,
    OVERDRAW,
    UNLOAD,
    book,
    counted,
    pending,
    tac_key_of,
)
from simcard.crypto.macs import same_mac
from simcard.crypto.pboc import (
    MAC_LENGTH,
    load_mac2,
    load_tac,
    overdraw_mac2,
    overdraw_tac,
    unload_mac3,
)
from simcard.files.purse import BALANCE_MAX
from simcard.status import PBOC, SW, CardError

_LIMIT_SIZE: Final = 3


@command("CREDIT FOR LOAD", ins=0x52, cases="34", clause="PBOC 2.0 part 1", proprietary=True)
def credit(call: Call) -> Reply:
    """Date(4), time(3), MAC2(4): the amount is in the purse; answered is the TAC(4).

    6985 unless INITIALIZE FOR LOAD came just before, 9302 for a wrong MAC2.
    """
    check_p1p2(call)
    moment, mac2 = _parts(call, MOMENT_SIZE)
    done, purse = pending(call, LOAD_ED, LOAD_EP)
    if not same_mac(load_mac2(done.process_key, done.at(moment)), mac2):
        raise CardError(PBOC.WRONG_TRANSACTION_MAC)
    before = purse.holding
    balance = before.balance + int.from_bytes(done.amount, "big")
    after = counted(done.kind, before)._replace(balance=balance)
    counter = done.counter.to_bytes(2, "big")
    tac = load_tac(tac_key_of(call), balance.to_bytes(4, "big"), counter, done.at(moment))
    book(call, purse, done, after, moment, mac2 + tac)
    return Reply(tac)


def debit_for_unload(call: Call) -> Reply:
    """Date(4), time(3), MAC2(4): the amount has left the ED; answered is MAC3(4).

    6985 unless INITIALIZE FOR UNLOAD came just before, 9302 for a wrong MAC2.
    """
    moment, mac2 = _parts(call, MOMENT_SIZE)
    done, purse = pending(call, UNLOAD)
    if not same_mac(load_mac2(done.process_key, done.at(moment)), mac2):
        raise CardError(PBOC.WRONG_TRANSACTION_MAC)
    before = purse.holding
    balance = before.balance - int.from_bytes(done.amount, "big")
    if balance < before.overdraw:
        raise CardError(PBOC.INSUFFICIENT_FUNDS)
    after = counted(done.kind, before)._replace(balance=balance)
    counter = done.counter.to_bytes(2, "big")
    mac3 = unload_mac3(done.process_key, balance.to_bytes(4, "big"), counter, done.at(moment))
    book(call, purse, done, after, moment, mac2 + mac3)
    return Reply(mac3)


@command("UPDATE OVERDRAW LIMIT", ins=0x58, cases="34", clause="PBOC 2.0 part 1", proprietary=True)
def update_overdraw_limit(call: Call) -> Reply:
    """New limit(3), date(4), time(3), MAC2(4): the balance moves with the limit; answered is a TAC.

    6985 unless INITIALIZE FOR UPDATE came just before, or when more was overdrawn than the new
    limit allows; 9302 for a wrong MAC2.
    """
    check_p1p2(call)
    fields, mac2 = _parts(call, _LIMIT_SIZE + MOMENT_SIZE)
    limit, moment = fields[:_LIMIT_SIZE], fields[_LIMIT_SIZE:]
    done, purse = pending(call, OVERDRAW)
    if not same_mac(overdraw_mac2(done.process_key, limit, done.at(moment)), mac2):
        raise CardError(PBOC.WRONG_TRANSACTION_MAC)
    before, overdraw = purse.holding, int.from_bytes(limit, "big")
    balance = before.balance + overdraw - before.overdraw
    if not 0 <= balance <= BALANCE_MAX:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    after = counted(done.kind, before)._replace(balance=balance, overdraw=overdraw)
    counter = done.counter.to_bytes(2, "big")
    amount = balance.to_bytes(4, "big")
    tac = overdraw_tac(tac_key_of(call), amount, counter, limit, done.at(moment))
    book(call, purse, done, after, moment, mac2 + tac)
    return Reply(tac)


def _parts(call: Call, size: int) -> tuple[bytes, bytes]:
    """The *size* bytes of the data field before the MAC, and the MAC; 6700 for another length."""
    data = call.command.data
    if len(data) != size + MAC_LENGTH:
        raise CardError(SW.WRONG_LENGTH)
    return data[:size], data[size:]
