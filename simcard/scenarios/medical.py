"""The card in hospital and pharmacy: settled at home, and in another region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simcard.apdu import Command
from simcard.scenarios.contact import Contact
from simcard.scenarios.module import Module
from simcard.scenarios.money import (
    ED,
    Payment,
    balance,
    check_tac,
    key_index,
    moment,
    pay,
    proof_of,
)
from simcard.scenarios.proving import authenticate, check_genuine
from simcard.scenarios.reading import (
    FUND_PAID,
    INSURANCE_STATE,
    MEDICAL,
    NAME,
    RESIDENT_NUMBER,
    Face,
    admit,
    application_data,
    identify,
    present_pin,
    read,
    text,
    write,
)
from simcard.scenarios.scene import Role, Scene, check, scenario
from simcard.scenarios.setting import HOME_CITY, HOME_PROVINCE, CardKey, Office

_BILL: Final = 86_400
_SUM_MAX: Final = 0xFFFFFFFF
_SHARE_AT_HOME, _SHARE_AWAY = 70, 50
_UPDATE_KEY: Final = 0x01
_SETTLEMENTS_SFI: Final = 0x08
_SETTLEMENT_SIZE: Final = 28
_IN_HOSPITAL, _AT_HOME = b"1", b"0"
_INPATIENT: Final = b"\x02"
_PRICE: Final = 4_280
_SAVED: Final = 30_000


def _register(scene: Scene, office: Office) -> tuple[Face, Mapping[str, CardKey]]:
    """What every medical counter does first."""
    card, setting = scene.card, scene.setting
    with scene.step(
        "The counter reads the card, and the settlement centre lets it prove its key.",
        "The card is valid today, and genuine.",
    ):
        face = identify(card)
        admit(face, setting.now.date())
        keys = office.card_keys(face.identity)
        check_genuine(card, scene.psam, keys)
    with scene.step(
        "The insured types the PIN; the counter reads name and resident number.",
        "Both can be read, and the number has 18 characters.",
    ):
        present_pin(card, setting.pin)
        check(text(read(card, NAME)) != "", "the card has no name")
        check(len(read(card, RESIDENT_NUMBER)) == 18, "the number has another length")
    return face, keys


def _visit(scene: Scene, office: Office, share: int) -> None:
    """Admission, bill and settlement, of which the fund pays *share* percent."""
    card = scene.card
    _, keys = _register(scene, office)
    with scene.step(
        "The desk selects the medical application, and the centre proves its update key there.",
        "The card lets it write that the patient is in hospital.",
    ):
        card.select(MEDICAL)
        authenticate(card, _UPDATE_KEY, keys["DF04/external/01"])
        paid = int.from_bytes(read(card, FUND_PAID), "big")
        check(paid + _BILL <= _SUM_MAX, "the sum of what the fund has paid does not fit the card")
        write(card, INSURANCE_STATE, _IN_HOSPITAL)
    fund = _BILL * share // 100
    with scene.step(
        f"At discharge the centre settles the bill: the fund pays {share} of a hundred, the"
        " terminal appends the settlement and adds up what the fund has paid.",
        "The newest settlement and the sum are on the card, and the patient is at home again.",
    ):
        record = _settlement(scene, fund)
        card.done(Command(0x00, 0xE2, 0x00, _SETTLEMENTS_SFI << 3, record))
        write(card, FUND_PAID, (paid + fund).to_bytes(4, "big"))
        write(card, INSURANCE_STATE, _AT_HOME)
        newest = card.done(Command(0x00, 0xB2, 0x01, _SETTLEMENTS_SFI << 3 | 4, b"", 256))
        check(newest == record, "the newest settlement is another")
        check(int.from_bytes(read(card, FUND_PAID), "big") == paid + fund, "the sum is another")
    _nobody_else_writes(scene, card)


def _nobody_else_writes(scene: Scene, card: Contact) -> None:
    with scene.step(
        "A program at the hospital tries to change the sum with the patient's PIN alone.",
        "6982: the PIN lets it read, and nothing more.",
    ):
        card.select(MEDICAL)
        present_pin(card, scene.setting.pin)
        before = read(card, FUND_PAID)
        write(card, FUND_PAID, bytes(4), 0x6982)
        check(read(card, FUND_PAID) == before, "the sum has changed")


def _settlement(scene: Scene, fund: int) -> bytes:
    """Number(4) kind(1) institution(4) moment(7), three amounts(4): all, the fund's, the rest."""
    amounts = b"".join(value.to_bytes(4, "big") for value in (_BILL, fund, _BILL - fund))
    head = bytes.fromhex("00000001") + _INPATIENT + scene.setting.terminal[:4]
    record = head + moment(scene.setting) + amounts
    assert len(record) == _SETTLEMENT_SIZE
    return record


@scenario()
def hospital(scene: Scene) -> None:
    """A stay in a hospital of the home city, settled at discharge.

    The patient registers with the card instead of papers. The hospital's terminal is connected to
    the city's settlement centre, which holds the city's keys; at discharge the fund's share is
    settled at once, and the patient pays only the rest.
    """
    _visit(scene, scene.setting.office(HOME_PROVINCE, HOME_CITY), _SHARE_AT_HOME)


@scenario()
def hospital_in_another_region(scene: Scene) -> None:
    """A stay in a hospital of another province, settled directly.

    Far from home the hospital's centre has no keys of the patient's city. The national platform
    has: from the region that the card names it derives province, city and card, and the bill is
    settled at the bedside instead of with receipts at home, by the terms for other regions.
    """
    _visit(scene, scene.setting.office(), _SHARE_AWAY)


def _buy(scene: Scene, office: Office, settling: Office) -> None:
    """Medicine paid from the deposit, with a module that holds the keys of *office*."""
    card, setting = scene.card, scene.setting
    module = Module(scene.psam, office, setting)
    with scene.step(
        "The operator has set the terminal's module up, with purchase keys from the hierarchy.",
        "The module takes terminal number and keys: enciphered, under its master key.",
    ):
        module.set_up()
    face, keys = _register(scene, settling)
    with scene.step(
        "The pharmacist's terminal opens the public services with the PIN and reads the deposit.",
        f"There are at least {_PRICE / 100:.2f} yuan in it.",
    ):
        application_data(card)
        present_pin(card, setting.pin)
        before = balance(card, ED)
        check(before >= _PRICE, f"there are only {before / 100:.2f} yuan")
    with scene.step(
        "The terminal pays: INITIALIZE by the card, MAC1 by the module, DEBIT by the card, MAC2"
        " back to the module.",
        "Card and module believe each other, and the price has left the deposit.",
    ):
        bill = Payment(ED, _PRICE, key_index(face.generation))
        receipt = pay(card, module, face.identity, bill, setting)
        check(balance(card, ED) == before - _PRICE, "the balance is another")
    with scene.step(
        "In the evening the pharmacy hands in its receipts, and the centre makes each TAC itself.",
        "The TAC is right, so the fund pays; the card still has the same proof.",
    ):
        check_tac(receipt, keys)
        check(proof_of(card, receipt) == receipt.mac2 + receipt.tac, "the card's proof is another")


@scenario(card=Role(deposit=_SAVED))
def pharmacy(scene: Scene) -> None:
    """Medicine from a pharmacy of the home city, paid from the personal account.

    The insured save a part of their contributions in a personal account on the card, the deposit
    behind the PIN. To take money from it the terminal asks nobody: its module has the city's
    purchase keys, and one factor, the card's, makes the key of this card.
    """
    city = scene.setting.office(HOME_PROVINCE, HOME_CITY)
    _buy(scene, city, city)


@scenario(card=Role(deposit=_SAVED))
def pharmacy_in_another_region(scene: Scene) -> None:
    """Medicine from a pharmacy in another province, paid from the personal account.

    The module of this terminal has the nation's purchase keys. It is told three factors, of
    province, city and card, and so makes the key of any card in the country.
    """
    nation = scene.setting.office()
    _buy(scene, nation, nation)
