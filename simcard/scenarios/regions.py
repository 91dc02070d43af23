"""Cards away from home: other cities and provinces, other generations, another nation's root."""

from __future__ import annotations

from typing import Final

from simcard.apdu import Command
from simcard.scenarios.contact import Contact
from simcard.scenarios.module import Module
from simcard.scenarios.money import (
    EP,
    SM4_KEY,
    TDES_KEY,
    Payment,
    balance,
    check_tac,
    has_key,
    load,
    pay,
)
from simcard.scenarios.proving import authenticate, check_genuine
from simcard.scenarios.reading import (
    MEDICAL,
    NAME,
    Face,
    admit,
    application_data,
    identify,
    present_pin,
    read,
)
from simcard.scenarios.scene import Role, Scene, check, refused, scenario
from simcard.scenarios.setting import HOME_CITY, HOME_PROVINCE, OTHER_CITY, CardKey, Office

_LOADED: Final = Role(purse=5_000)
_PRICE: Final = 200
_WRONG_TRANSACTION_MAC: Final = 0x9302
_WRONG_LENGTH: Final = 0x6700


def _met(scene: Scene, office: Office) -> Face:
    card = scene.card
    with scene.step(
        "The terminal reads the card, and the centre behind it lets it prove its key.",
        "The card is valid today, and genuine.",
    ):
        face = identify(card)
        admit(face, scene.setting.now.date())
        check_genuine(card, scene.psam, office.card_keys(face.identity))
    return face


def _paid(scene: Scene, module: Module, key: int) -> None:
    """A purchase from the open purse that has to come right."""
    card = scene.card
    data = application_data(card)
    before = balance(card, EP)
    receipt = pay(card, module, data.identity, Payment(EP, _PRICE, key), scene.setting)
    check(balance(card, EP) == before - _PRICE, "the balance is another")
    check_tac(receipt, scene.setting.office().card_keys(data.identity))


@scenario(card=_LOADED)
def another_city(scene: Scene) -> None:
    """A card of one city at a terminal of another, and of another province.

    All cities' keys come from the same national ones. A module with only the other city's keys
    cannot make this card's key; one with the province's keys can, with the factors of city and
    card; one with the nation's, with those of province, city and card.
    """
    setting = scene.setting
    _met(scene, setting.office())
    key = SM4_KEY if setting.generation == 3 else TDES_KEY
    other = setting.office(HOME_PROVINCE, OTHER_CITY)
    with scene.step(
        "A terminal whose module has only the keys of its own city tries to take the price.",
        "9302: its MAC1 is made with another key. The balance is as before.",
    ):
        module = Module(scene.psam, other, setting)
        module.set_up()
        data = application_data(scene.card)
        before = balance(scene.card, EP)
        bill = Payment(EP, _PRICE, key)
        pay(scene.card, module, data.identity, bill, setting, _WRONG_TRANSACTION_MAC)
        check(balance(scene.card, EP) == before, "the balance has changed")
    for level, office, factors in (
        ("province", setting.office(HOME_PROVINCE), "two factors, of city and card"),
        ("nation", setting.office(), "three factors, of province, city and card"),
    ):
        with scene.step(
            f"A module with the keys of the {level} is told {factors}.",
            "Card and module believe each other; the TAC is right.",
        ):
            module = Module(scene.psam, office, setting)
            module.set_up()
            _paid(scene, module, key)


@scenario(card=Role(foreign=True, purse=5_000))
def foreign_root(scene: Scene) -> None:
    """A card that comes from another root is refused, and no money moves.

    It has the right files and the right ATR; somebody has made it well. But its keys do not come
    from the nation's, and so it can prove nothing, nor believe a terminal.
    """
    card, setting = scene.card, scene.setting
    key = SM4_KEY if setting.generation == 3 else TDES_KEY
    with (
        scene.step(
            "The terminal reads the card, and the national platform lets it prove its key.",
            "The proof is wrong, and the terminal refuses the card.",
        ),
        refused("does not know the key"),
    ):
        face = identify(card)
        check_genuine(card, scene.psam, setting.office().card_keys(face.identity))
    with scene.step(
        "A gate that is offline has only its module, with the nation's purchase keys.",
        "9302: the card does not believe the module. The balance is as before.",
    ):
        module = Module(scene.psam, setting.office(), setting)
        module.set_up()
        data = application_data(card)
        before = balance(card, EP)
        bill = Payment(EP, _PRICE, key)
        pay(card, module, data.identity, bill, setting, _WRONG_TRANSACTION_MAC)
        check(balance(card, EP) == before, "the balance has changed")
    with (
        scene.step(
            "A bank's counter is asked to load the purse.",
            "MAC1 of the card is wrong, and the bank refuses before it gives a MAC2.",
        ),
        refused("no card of ours"),
    ):
        load(card, setting.office().card_keys(face.identity), EP, _PRICE, setting)


def _keys(scene: Scene, face: Face) -> CardKey:
    return scene.setting.office().card_keys(face.identity)["DF04/external/01"]


@scenario(generations=(2,), card=_LOADED)
def older_card_at_newer_terminal(scene: Scene) -> None:
    """A card of the second generation at a terminal of the third.

    The third generation brings SM4; cards of the second stay valid for years. The newer terminal
    reads the version of the specification, finds no SM4 key and goes on with triple DES.
    """
    card, setting = scene.card, scene.setting
    module = Module(scene.psam, setting.office(HOME_PROVINCE, HOME_CITY), setting)
    with scene.step(
        "The operator has set up a module of the third generation.",
        "It takes what purchase keys there are for this card's profile.",
    ):
        module.set_up()
    face = _met(scene, setting.office())
    with scene.step(
        "The terminal reads the version, and asks for a purchase under the SM4 key.",
        "Version 2, and 9403: there is no such key.",
    ):
        check(face.generation == 2, f"the card is of generation {face.generation}")
        application_data(card)
        check(not has_key(card, SM4_KEY, setting), "the card has an SM4 key")
    with scene.step(
        "It goes on with the triple DES key.",
        "The price is paid, and the TAC is right.",
    ):
        _paid(scene, module, TDES_KEY)
    with scene.step(
        "The centre proves the update key of the medical application, with triple DES.",
        "The card believes it.",
    ):
        card.select(MEDICAL)
        authenticate(card, 0x01, _keys(scene, face))


@scenario(generations=(3,), card=_LOADED)
def newer_card_at_older_terminal(scene: Scene) -> None:
    """A card of the third generation at a terminal of the second.

    The older terminal knows only triple DES. The newer card keeps a triple DES key for its purse,
    so that it can read and pay there; what is written waits for a newer terminal.
    """
    card, setting = scene.card, scene.setting
    module = Module(scene.psam, setting.office(HOME_PROVINCE, HOME_CITY), setting)
    with scene.step(
        "The operator has set up a module of the second generation, with triple DES keys only.",
        "The module takes the key.",
    ):
        module.set_up(generation=2)
    face = _met(scene, setting.office())
    with scene.step(
        "The holder types the PIN, and the terminal reads the name.",
        "The version is 3, and the files are where they were.",
    ):
        check(face.generation == 3, f"the card is of generation {face.generation}")
        present_pin(card, setting.pin)
        read(card, NAME)
    with scene.step(
        "The terminal pays with the key it knows, the triple DES key.",
        "The price is paid, and the TAC is right.",
    ):
        _paid(scene, module, TDES_KEY)
    with scene.step(
        "The older centre tries to prove the update key with a block of 8 bytes.",
        "6700: SM4 has 16. The card stays as it is.",
    ):
        _prove_in_the_old_way(card)


def _prove_in_the_old_way(card: Contact) -> None:
    card.select(MEDICAL)
    card.challenge(8)
    card.done(Command(0x00, 0x82, 0x00, 0x01, bytes(8)), _WRONG_LENGTH)
