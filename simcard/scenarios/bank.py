"""The card at a bank's terminal: money is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simcard.apdu import Command
from simcard.scenarios.money import ED, EP, balance, key_index, load, moment
from simcard.scenarios.proving import check_genuine
from simcard.scenarios.reading import PUBLIC, admit, identify, present_pin
from simcard.scenarios.scene import Scene, check, scenario
from simcard.scenarios.setting import HOME_CITY, HOME_PROVINCE, CardKey

_AMOUNTS: Final = {ED: 50_000, EP: 10_000}
_NOT_ALLOWED: Final = 0x6982
_WRONG_TRANSACTION_MAC: Final = 0x9302


@scenario()
def bank_load(scene: Scene) -> None:
    """Deposit and purse are loaded at a bank's terminal.

    Money comes onto the card only online: the card proves itself with MAC1, the bank books the
    amount and answers with MAC2, the card confirms with a TAC. A load needs the PIN.
    """
    card, setting = scene.card, scene.setting
    key = key_index(setting.generation)
    with scene.step(
        "The bank's terminal reads the card, and the centre lets it prove its key.",
        "The card is valid today, and genuine.",
    ):
        face = identify(card)
        admit(face, setting.now.date())
        keys = setting.office(HOME_PROVINCE, HOME_CITY).card_keys(face.identity)
        check_genuine(card, scene.psam, keys)
    begin = bytes([key]) + _AMOUNTS[EP].to_bytes(4, "big") + setting.terminal
    with scene.step(
        "The terminal begins a load before the holder has typed the PIN.",
        "6982: without the holder nothing is loaded.",
    ):
        card.select(PUBLIC)
        card.done(Command(0x80, 0x50, 0x00, EP, begin), _NOT_ALLOWED)
    after = _loaded(scene, keys)
    with scene.step(
        "Somebody without the bank's keys tries the same, with a MAC2 of zeros.",
        "9302: the balance is as before.",
    ):
        card.done(Command(0x80, 0x50, 0x00, EP, begin))
        made_up = moment(setting) + bytes(4)
        card.done(Command(0x80, 0x52, 0x00, 0x00, made_up), _WRONG_TRANSACTION_MAC)
        check(balance(card, EP) == after, "the balance has changed")


def _loaded(scene: Scene, keys: Mapping[str, CardKey]) -> int:
    """A step for each purse; what the last one, the open purse, holds at the end."""
    card, setting, after = scene.card, scene.setting, 0
    for purse, amount in _AMOUNTS.items():
        what = "deposit" if purse == ED else "purse"
        with scene.step(
            f"The holder types the PIN; the bank loads {amount / 100:.2f} yuan into the {what}.",
            "MAC1 and TAC of the card are right, and the balance has grown by the amount.",
        ):
            card.select(PUBLIC)
            present_pin(card, setting.pin)
            before = balance(card, purse)
            after = load(card, keys, purse, amount, setting)
            check(balance(card, purse) == after == before + amount, "the balance is another")
    return after
