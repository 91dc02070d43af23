"""Money at a terminal: loads that an office authorises, purchases between card and module.

Amounts are in fen. ED is the deposit behind the PIN, EP the open purse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from simcard.apdu import Command
from simcard.crypto.macs import same_mac
from simcard.crypto.pboc import (
    Transaction,
    load_mac1,
    load_mac2,
    load_process_key,
    load_tac,
    purchase_tac,
    tac_key,
)
from simcard.files.purse import ED, EP
from simcard.scenarios.contact import Contact
from simcard.scenarios.module import Module
from simcard.scenarios.reading import PUBLIC, present_pin
from simcard.scenarios.scene import Refused, check
from simcard.scenarios.setting import CardKey, Identity, Setting

__all__ = [
    "ED",
    "EP",
    "Payment",
    "Receipt",
    "balance",
    "check_tac",
    "has_key",
    "key_index",
    "load",
    "pay",
    "proof_of",
]

TDES_KEY, SM4_KEY = 1, 2
KEY_NOT_FOUND: Final = 0x9403
_LOAD: Final = {ED: 0x01, EP: 0x02}
_PURCHASE: Final = {ED: 0x05, EP: 0x06}
COMPOSITE: Final = 0x09
JOURNEYS_SFI: Final = 0x1A
_TAC_KEY: Final = "DF08/internal/00"


@dataclass(frozen=True, slots=True)
class Payment:
    """What is to be paid: from which purse, how much, under which key, writing which records."""

    purse: int
    amount: int
    key: int = TDES_KEY
    records: tuple[bytes, ...] = ()

    @property
    def kind(self) -> int:
        """The kind of transaction in MACs and log."""
        return COMPOSITE if self.records else _PURCHASE[self.purse]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a terminal keeps of a purchase, and settles with."""

    transaction: Transaction
    terminal_counter: bytes
    card_counter: int
    mac2: bytes
    tac: bytes


def key_index(generation: int) -> int:
    """The index of the purchase and load keys of a generation."""
    return SM4_KEY if generation >= 3 else TDES_KEY


def moment(setting: Setting) -> bytes:
    """Date(4) and time(3) in BCD."""
    return bytes.fromhex(f"{setting.now:%Y%m%d%H%M%S}")


def balance(card: Contact, purse: int, *expected: int) -> int:
    """GET BALANCE in the public services, in fen."""
    said = card.done(Command(0x80, 0x5C, 0, purse, b"", 4), *expected)
    check(len(said) in (0, 4), f"a balance of {len(said)} bytes")
    return int.from_bytes(said, "big")


def has_key(card: Contact, index: int, setting: Setting) -> bool:
    """Whether the card has a purchase key *index*: asked with a purchase of nothing."""
    data = bytes([index]) + bytes(4) + setting.terminal
    _, sw = card.ask(Command(0x80, 0x50, 0x01, EP, data))
    check(sw in (0x9000, KEY_NOT_FOUND), f"INITIALIZE answered {sw:04X}")
    return sw == 0x9000


def load(
    card: Contact, keys: Mapping[str, CardKey], purse: int, amount: int, setting: Setting
) -> int:
    """Load *amount* after the PIN; the new balance. `Refused` when the card's MACs are wrong."""
    card.select(PUBLIC)
    present_pin(card, setting.pin)
    index = key_index(setting.generation)
    key = keys[f"DF08/load/{index:02X}"]
    value = amount.to_bytes(4, "big")
    data = bytes([index]) + value + setting.terminal
    begun = card.done(Command(0x80, 0x50, 0x00, purse, data))
    before, counter, random, mac1 = begun[:4], begun[4:6], begun[8:12], begun[12:]
    meant = Transaction(value, bytes([_LOAD[purse]]), setting.terminal, moment(setting))
    process = load_process_key(key.value, random, counter, key.cipher)
    if not same_mac(load_mac1(process, before, meant), mac1):
        raise Refused("MAC1 of the load is wrong: this is no card of ours")
    mac2 = load_mac2(process, meant)
    tac = card.done(Command(0x80, 0x52, 0, 0, meant.moment + mac2))
    after = int.from_bytes(before, "big") + amount
    made = load_tac(_tac_key(keys), after.to_bytes(4, "big"), counter, meant)
    if not same_mac(made, tac):
        raise Refused("the TAC of the load is wrong")
    return after


def pay(
    card: Contact,
    module: Module,
    identity: Identity,
    payment: Payment,
    setting: Setting,
    *expected: int,
) -> Receipt:
    """A purchase in the public services, which are the current DF.

    With records it is a composite one. The card must end it with 9000 or one of *expected*.
    """
    value = payment.amount.to_bytes(4, "big")
    composite = payment.kind == COMPOSITE
    data = bytes([payment.key]) + value + setting.terminal
    begun = card.done(Command(0x80, 0x50, 0x03 if composite else 0x01, payment.purse, data))
    check(len(begun) == 15, "INITIALIZE FOR PURCHASE answered another length")
    for record in payment.records:
        address = JOURNEYS_SFI << 3
        card.done(Command(0x80, 0xDC, record[0], address, record))
    when, kind = moment(setting), bytes([payment.kind])
    asked = begun[11:15] + begun[4:6] + value + kind + when + begun[9:11]
    counter, mac1 = module.mac1(asked, identity)
    debit = Command(0x80, 0x54, 0x01, 0x00, counter + when + mac1)
    answer = card.done(debit, *expected)
    transaction = Transaction(value, kind, setting.terminal, when)
    spent = int.from_bytes(begun[4:6], "big")
    if not expected:
        module.check_mac2(answer[4:])
    return Receipt(transaction, counter, spent, answer[4:], answer[:4])


def check_tac(receipt: Receipt, keys: Mapping[str, CardKey]) -> None:
    """Settlement: the office makes the TAC itself; `Refused` when the receipt has another."""
    made = purchase_tac(_tac_key(keys), receipt.terminal_counter, receipt.transaction)
    if not same_mac(made, receipt.tac):
        raise Refused("the TAC of the purchase is wrong: nobody pays for it")


def proof_of(card: Contact, receipt: Receipt) -> bytes:
    """GET TRANSACTION PROOF: MAC2(4) and TAC(4) of the purchase, from the card's memory."""
    number = (receipt.card_counter + 1).to_bytes(2, "big")
    return card.done(Command(0x80, 0x5A, 0, receipt.transaction.kind[0], number))


def _tac_key(keys: Mapping[str, CardKey]) -> bytes:
    key = keys[_TAC_KEY]
    return tac_key(key.value, key.cipher)
