"""The cards that scenarios start from, made in memory: blank, or issued and perhaps loaded."""

from __future__ import annotations

from simcard.card import Card
from simcard.issuance.batch import make_card
from simcard.memory import Flash
from simcard.profiles import build_card
from simcard.scenarios.contact import Contact
from simcard.scenarios.money import ED, EP, load
from simcard.scenarios.reading import identify
from simcard.scenarios.scene import Role, Scenario
from simcard.scenarios.setting import HOME_CITY, HOME_PROVINCE, Setting


def cast(scenario: Scenario, setting: Setting) -> dict[str, Card]:
    """A card for each role of *scenario*, under power."""
    return {name: make(role, setting) for name, role in scenario.roles.items()}


def new_module(setting: Setting) -> Card:
    """A terminal's security module as its maker delivers it, under power."""
    module = build_card(setting.psam, 2)
    module.power_on()
    return module


def make(role: Role, setting: Setting) -> Card:
    """The card of one *role*, under power."""
    if role.blank:
        card = build_card(setting.profile.unpersonalised, 1)
        card.power_on()
        return card
    issued = make_card(setting.profile, setting.order(role.holder, foreign=role.foreign))
    card = build_card(setting.profile, 1, flash=Flash.open(bytearray(issued.image)))
    card.power_on()
    contact = Contact(card, "card", [])
    office = setting.office(HOME_PROVINCE, HOME_CITY, foreign=role.foreign)
    for purse, amount in ((ED, role.deposit), (EP, role.purse)):
        if amount:
            keys = office.card_keys(identify(contact).identity)
            load(contact, keys, purse, amount, setting)
    card.reset()
    return card
