"""Purchases against a terminal's security module: plain, and composite with records."""

from __future__ import annotations

from typing import Final

from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.commands.pboc.proof import rules_of
from simcard.commands.pboc.purse.kinds import (
    COMPOSITE,
    PURCHASE_ED,
    PURCHASE_EP,
    CachedRecord,
    book,
    counted,
    pending,
    tac_key_of,
    transaction_key,
)
from simcard.commands.pboc.purse.online import debit_for_unload
from simcard.crypto.macs import same_mac
from simcard.crypto.pboc import (
    purchase_mac1,
    purchase_mac2,
    purchase_process_key,
    purchase_tac,
)
from simcard.files.records import RecordContent
from simcard.security.access import Right
from simcard.status import PBOC, SW, CardError

_PURCHASE, _UNLOAD = 0x0100, 0x0300
_DATA_SIZE: Final = 15
_RECORDS_MAX: Final = 8
_BY_IDENTIFIER, _BY_NUMBER = 0, 4


@command(
    "DEBIT", ins=0x54, cases="34", clause="PBOC 2.0 part 1", right=Right.READ, proprietary=True
)
def debit(call: Call) -> Reply:
    """Complete a purchase (P1 01) or an unload (P1 03).

    Purchase: terminal transaction counter(4), date(4), time(3), MAC1(4); answered are TAC(4) and
    MAC2(4). 6985 unless its INITIALIZE came just before, 9302 for a wrong MAC1.
    """
    if call.command.p1p2 == _UNLOAD:
        return debit_for_unload(call)
    if call.command.p1p2 != _PURCHASE:
        raise CardError(SW.INCORRECT_P1_P2)
    data = call.command.data
    if len(data) != _DATA_SIZE:
        raise CardError(SW.WRONG_LENGTH)
    terminal_counter, moment, mac1 = data[:4], data[4:11], data[11:]
    done, purse = pending(call, PURCHASE_ED, PURCHASE_EP, COMPOSITE)
    key = transaction_key(call, done.key_number)
    process_key = purchase_process_key(
        key.value,
        done.random,
        done.counter.to_bytes(2, "big"),
        terminal_counter,
        key.algorithm.cipher,
    )
    if not same_mac(purchase_mac1(process_key, done.at(moment)), mac1):
        raise CardError(PBOC.WRONG_TRANSACTION_MAC)
    before = purse.holding
    balance = before.balance - int.from_bytes(done.amount, "big")
    if balance < 0:
        raise CardError(PBOC.INSUFFICIENT_FUNDS)
    mac2 = purchase_mac2(process_key, done.amount)
    tac = purchase_tac(tac_key_of(call), terminal_counter, done.at(moment))
    after = counted(done.kind, before)._replace(balance=balance)
    book(call, purse, done, after, moment, mac2 + tac)
    for record in done.records:
        call.records(call.tree.files[record.cell]).update(record.number, record.data)
    return Reply(tac + mac2)


@command(
    "UPDATE CAPP DATA CACHE",
    ins=0xDC,
    cases="3",
    clause="PBOC 2.0 part 1",
    right=Right.READ,
    proprietary=True,
)
def update_cache(call: Call) -> Reply:
    """Put a record aside that the composite purchase will write, if it comes to that.

    P1 is the identifier of the record, or its number, as the three low bits of P2 say; the five
    high bits are the short identifier of an EF that the profile lets composite purchases write. The
    data field is the whole record. 6985 outside a composite purchase, 6982 for another EF, 6A82,
    6A83, 6A80, 6A84 for too many records or one that is too long.
    """
    cached, _ = pending(call, COMPOSITE)
    sfi, addressing = call.command.p2 >> 3, call.command.p2 & 0x07
    if addressing not in (_BY_IDENTIFIER, _BY_NUMBER):
        raise CardError(SW.INCORRECT_P1_P2)
    file = call.tree.by_sfi.get((call.df.cell, sfi))
    if file is None:
        raise CardError(SW.FILE_NOT_FOUND)
    if sfi not in rules_of(call).composite_files:
        raise CardError(SW.SECURITY_STATUS_NOT_SATISFIED)
    content = call.records(file)
    data = call.command.data
    if len(data) > file.record_size or len(cached.records) == _RECORDS_MAX:
        raise CardError(SW.NOT_ENOUGH_MEMORY)
    number = _record_number(content, addressing, call.command.p1, data)
    after = cached.with_record(CachedRecord(file.cell, number, data))
    call.session = call.session._replace(transaction=after)
    return Reply()


def _record_number(content: RecordContent, addressing: int, p1: int, data: bytes) -> int:
    """The record that is meant; 6A83, and 6A80 when *data* would change its identifier."""
    if addressing == _BY_NUMBER:
        number = p1
    else:
        numbers = range(1, content.count + 1)
        number = next((n for n in numbers if content.read(n)[0] == p1), 0)
    if not 1 <= number <= content.count:
        raise CardError(SW.RECORD_NOT_FOUND)
    if content.read(number)[0] != data[0]:
        raise CardError(SW.INCORRECT_DATA)
    return number
