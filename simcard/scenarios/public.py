"""Bus, park and library: gates that have a second for a card, and ask nobody for a PIN."""

from __future__ import annotations

from typing import Final

from simcard.apdu import Command
from simcard.scenarios.contact import Contact
from simcard.scenarios.module import Module
from simcard.scenarios.money import (
    EP,
    JOURNEYS_SFI,
    Payment,
    balance,
    key_index,
    pay,
)
from simcard.scenarios.proving import authenticate, check_genuine, protect
from simcard.scenarios.reading import (
    APPLICATION_DATA_SFI,
    APPLICATION_DATA_SIZE,
    NAME,
    PUBLIC,
    ApplicationData,
    application_data,
    identify,
    present_pin,
    read,
    text,
)
from simcard.scenarios.scene import Refused, Role, Scene, check, refused, scenario
from simcard.scenarios.setting import HOME_CITY, HOME_PROVINCE, CardKey, Identity

_FARE, _TICKET = 300, 1_500
_BUS: Final = 0x01
_INSIDE, _OUTSIDE = 0x01, 0x00
_FIRST_STOP, _LAST_STOP = 0x0007, 0x0019
_UPDATE_KEY: Final = 0x01
_LIBRARY: Final = 0x01
_INSUFFICIENT_FUNDS: Final = 0x9401
_SERVICES_AT: Final = APPLICATION_DATA_SIZE - 2


def _gate(scene: Scene) -> tuple[Module, ApplicationData]:
    """The module of a gate in the home city, and what the gate reads of the card first."""
    module = Module(scene.psam, scene.setting.office(HOME_PROVINCE, HOME_CITY), scene.setting)
    with scene.step(
        "The operator has set the gate's module up with the city's purchase keys.",
        "The module takes terminal number and keys: enciphered, under its master key.",
    ):
        module.set_up()
    with scene.step(
        "The card comes to the gate, which selects the public services and reads 30 bytes.",
        "They name issuer and serial number, and the card is valid today.",
    ):
        data = application_data(scene.card)
        if scene.setting.now.date() > data.valid_until:
            raise Refused(f"the card has expired on {data.valid_until}")
    return module, data


def _journey(card: Contact) -> bytes:
    """The record of the last journey by bus: 01, 08, state(1), stop(2), and five bytes."""
    return card.done(Command(0x00, 0xB2, _BUS, JOURNEYS_SFI << 3, b"", 256))


def _noted(state: int, stop: int, moment: str) -> bytes:
    """A record of a journey; *moment* is month, day, hour, minute."""
    value = bytes([state]) + stop.to_bytes(2, "big") + bytes.fromhex(moment)
    return bytes([_BUS, 8]) + value.ljust(8, b"\0")


@scenario(card=Role(purse=2_000))
def bus_gate(scene: Scene) -> None:
    """A bus journey, noted where it begins and paid where it ends.

    The gate at the first stop has no fare to take yet; it notes stop and time on the card. The gate
    at the last stop reads the note and takes the fare. Both are composite purchases: money and note
    change together or not at all, even when the card is pulled back too early.
    """
    module, data = _gate(scene)
    card, setting = scene.card, scene.setting
    key = key_index(setting.generation)
    when = f"{setting.now:%m%d%H%M}"
    with scene.step(
        "The gate at the first stop makes a composite purchase of 0.00 yuan that notes the stop.",
        "The note is on the card, the balance as before.",
    ):
        before = balance(card, EP)
        note = _noted(_INSIDE, _FIRST_STOP, when)
        pay(card, module, data.identity, Payment(EP, 0, key, (note,)), setting)
        check(_journey(card) == note, "the note is another")
        check(balance(card, EP) == before, "the balance has changed")
    with scene.step(
        "At the last stop the gate begins to take the fare, and the card is pulled back.",
        "Neither money nor note has changed: the passenger is still inside.",
    ):
        card.select(PUBLIC)
        begin = bytes([key]) + _FARE.to_bytes(4, "big") + setting.terminal
        card.done(Command(0x80, 0x50, 0x03, EP, begin))
        after = _noted(_OUTSIDE, _LAST_STOP, when)
        card.done(Command(0x80, 0xDC, _BUS, JOURNEYS_SFI << 3, after))
        card.reset()
        application_data(card)
        check(_journey(card) == note, "the note has changed")
        check(balance(card, EP) == before, "the balance has changed")
    with scene.step(
        "The passenger holds the card there again; the gate reads the note and takes the fare.",
        "The fare has left the purse, and the journey is over.",
    ):
        pay(card, module, data.identity, Payment(EP, _FARE, key, (after,)), setting)
        check(_journey(card) == after, "the note is another")
        check(balance(card, EP) == before - _FARE, "the balance is another")


@scenario(card=Role(purse=_TICKET + 100))
def park(scene: Scene) -> None:
    """A day ticket at the park, and a second one that the purse cannot pay.

    The turnstile takes the price of a day ticket from the open purse, without a PIN. Who comes with
    too little stays outside and keeps what there is.
    """
    module, data = _gate(scene)
    card, setting = scene.card, scene.setting
    key = key_index(setting.generation)
    with scene.step(
        "The turnstile takes the price of a ticket from the purse.",
        "Card and module believe each other; the turnstile opens.",
    ):
        before = balance(card, EP)
        pay(card, module, data.identity, Payment(EP, _TICKET, key), setting)
        check(balance(card, EP) == before - _TICKET, "the balance is another")
    with scene.step(
        "A friend is to come in with the same card, which has too little left.",
        "9401 from INITIALIZE: the turnstile stays shut, the balance as it was.",
    ):
        begin = bytes([key]) + before.to_bytes(4, "big") + setting.terminal
        card.done(Command(0x80, 0x50, 0x01, EP, begin), _INSUFFICIENT_FUNDS)
        check(balance(card, EP) == before - _TICKET, "the balance has changed")


@scenario()
def library(scene: Scene) -> None:
    """A reader's ticket for the library, written onto the card once and read at every visit.

    The desk enrols the citizen: with the PIN it reads the name, and the centre writes the library's
    mark into the application data, with a line MAC. From then on the door only reads.
    """
    card, setting = scene.card, scene.setting
    office = setting.office(HOME_PROVINCE, HOME_CITY)
    with (
        scene.step(
            "The door reads the application data of somebody who was never here.",
            "There is no mark, so the door sends the visitor to the desk.",
        ),
        refused("not enrolled"),
    ):
        _enter(application_data(card))
    with scene.step(
        "The desk lets the card prove its key, the visitor types the PIN, the desk reads the name.",
        "The card is genuine, and has a name.",
    ):
        face = identify(card)
        keys = office.card_keys(face.identity)
        check_genuine(card, scene.psam, keys)
        present_pin(card, setting.pin)
        check(text(read(card, NAME)) != "", "the card has no name")
    _enrol(scene, face.identity, keys["DF08/external/01"], keys["DF08/line/00"])
    with scene.step(
        "The door reads the application data again.",
        "The mark is there, and the door opens.",
    ):
        card.reset()
        _enter(application_data(card))


def _enter(data: ApplicationData) -> None:
    if not data.booked[0] & _LIBRARY:
        raise Refused("not enrolled in the library")


def _enrol(scene: Scene, identity: Identity, update: CardKey, line: CardKey) -> None:
    card = scene.card
    with scene.step(
        "The centre proves the update key and writes the mark, first without a MAC, then with one.",
        "6982 without; with the line MAC the card takes it.",
    ):
        data = application_data(card)
        check(data.identity == identity, "environment and public services name different cards")
        authenticate(card, _UPDATE_KEY, update)
        mark = bytes([data.booked[0] | _LIBRARY])
        plain = Command(0x00, 0xD6, 0x80 | APPLICATION_DATA_SFI, _SERVICES_AT, mark)
        card.done(plain, 0x6982)
        card.done(protect(card, plain, line))
