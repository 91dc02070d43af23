"""How cards come to people: the first card, the card of a newborn, and the register of cards."""

from __future__ import annotations

from simcard.apdu import Command
from simcard.issuance.holder import Holder
from simcard.issuance.personalisation import Machine
from simcard.issuance.request import CertificateRequest
from simcard.scenarios.contact import Contact
from simcard.scenarios.money import ED, EP, balance
from simcard.scenarios.proving import (
    ENVIRONMENT_PAIR,
    change_pin,
    check_genuine,
    check_signature,
    is_signature,
    reload_pin,
)
from simcard.scenarios.reading import (
    BORN,
    NAME,
    PUBLIC,
    RESIDENT_NUMBER,
    SECURITY_STATUS_NOT_SATISFIED,
    SSSE,
    admit,
    day,
    identify,
    is_closed,
    present_pin,
    read,
    text,
)
from simcard.scenarios.scene import Role, Scene, check, refused, scenario
from simcard.scenarios.setting import (
    HOLDER,
    HOME_CITY,
    HOME_PROVINCE,
    NEWBORN,
    Setting,
)

NEW_PIN = bytes.fromhex("271828")


def personalise(chip: Contact, holder: Holder, setting: Setting) -> tuple[CertificateRequest, ...]:
    """What the machine does with a blank chip; the requests that it carries away."""
    chip.reset()
    requests = Machine(chip.transmit, setting.profile).personalise(setting.order(holder))
    chip.reset()
    return requests


def _issue(scene: Scene, holder: Holder) -> None:
    """The steps that every first card takes."""
    setting, card = scene.setting, scene.card
    office = setting.office(HOME_PROVINCE, HOME_CITY)
    with scene.step(
        "The personalisation machine proves the transport key, creates files, loads the card's own"
        " keys and replaces the transport key.",
        "Every command ends with 9000.",
    ):
        personalise(card, holder, setting)
    with scene.step(
        "The counter puts the card into its terminal, which reads what everybody may read.",
        "Card number, region and last day are those of the order, and the card is valid.",
    ):
        face = identify(card)
        check(face.number == holder.card_number, f"the card number is {face.number}")
        check(face.identity.region == holder.region, f"the region is {face.identity.region}")
        check(face.valid_until == holder.valid_until, f"the last day is {face.valid_until}")
    with scene.step(
        "The city's centre lets the card prove the key of its environment.",
        "The proof is right: the keys came from the city's, for this card number.",
    ):
        check_genuine(card, scene.psam, office.card_keys(face.identity))
    with scene.step(
        "The terminal tries to read the holder's data before the PIN.",
        "6982: the card keeps them to itself.",
    ):
        is_closed(card, NAME)
        is_closed(card, RESIDENT_NUMBER)
    with scene.step(
        "The holder types the first PIN, and the counter shows name and resident number.",
        "Both are the holder's, letter by letter.",
    ):
        present_pin(card, setting.pin)
        check(text(read(card, NAME)) == holder.name, "the name is another")
        number = text(read(card, RESIDENT_NUMBER))
        check(number == holder.number, "the resident number is another")


@scenario(card=Role(holder=HOLDER, blank=True))
def first_issue(scene: Scene) -> None:
    """The first card of an adult, from the blank chip to a PIN of one's own.

    A citizen has applied at the service counter of the city. The chip is personalised with keys
    that derive from the nation's master keys by province, city and card; the citizen checks what is
    written and chooses a PIN.
    """
    _issue(scene, HOLDER)
    with scene.step(
        "The holder chooses a PIN: the old one, FF, the new one.",
        "The new PIN opens the card, the first one does not any more.",
    ):
        card = scene.card
        change_pin(card, scene.setting.pin, NEW_PIN)
        present_pin(card, scene.setting.pin, 0x63C2)
        present_pin(card, NEW_PIN)
    with scene.step(
        "The terminal asks both purses for their balance.",
        "They are there and empty.",
    ):
        card.select(PUBLIC)
        present_pin(card, NEW_PIN)
        check(balance(card, ED) == balance(card, EP) == 0, "a new card has money")


@scenario(card=Role(holder=NEWBORN, blank=True))
def newborn(scene: Scene) -> None:
    """The card of a newborn, born on 29 February.

    A child is insured from its birth, so it gets a card within weeks, long before it can keep a
    PIN: mother or father check the card and have the counter set a PIN for them.
    """
    _issue(scene, NEWBORN)
    card, setting = scene.card, scene.setting
    with scene.step(
        "The counter reads the date of birth, which decides about the child's benefits.",
        "29 February, a day that most years do not have.",
    ):
        born = day(read(card, BORN))
        check(born == NEWBORN.born and (born.month, born.day) == (2, 29), f"born on {born}")
    with scene.step(
        "The parent chooses a PIN, and the city's centre reloads it under the reload key.",
        "The new PIN opens the card.",
    ):
        face = identify(card)
        keys = setting.office(HOME_PROVINCE, HOME_CITY).card_keys(face.identity)
        reload_pin(card, NEW_PIN, keys["DDF1/reload/00"])
        card.select(SSSE)
        present_pin(card, NEW_PIN)
    with scene.step(
        "The hospital's terminal, on the same day, asks whether the card is valid.",
        "It is admitted on the day of issue.",
    ):
        admit(face, NEWBORN.issued)


@scenario(generations=(3,), card=Role(blank=True), forged=Role(foreign=True))
def proof_of_card(scene: Scene) -> None:
    """A card proves itself to a terminal that has no secret key.

    A card of the third generation makes its own SM2 pair while it is personalised, and the centre
    registers the public key. Any terminal that has the register, or a certificate, can then tell
    the card from a forgery: offline, in another province, without a module's master keys.
    """
    setting, card, forged = scene.setting, scene.card, scene.other("forged")
    with scene.step(
        "The personalisation machine lets the new card generate its pair and sign a request.",
        "The request is signed by the key it names; the centre registers it for this card number.",
    ):
        requests = personalise(card, HOLDER, setting)
        check(len(requests) == 1, f"{len(requests)} pairs were generated")
        public = requests[0].public
    with scene.step(
        "A terminal of another province reads the card number, looks the public key up, and asks"
        " the card to sign a challenge.",
        "The signature is right under the registered key.",
    ):
        check(identify(card).number == HOLDER.card_number, "the card number is another")
        _, heard = check_signature(card, scene.psam, public)
    with scene.step(
        "Somebody who has listened answers the next challenge with the signature of before.",
        "It is worth nothing: the challenge is another.",
    ):
        challenge, _ = check_signature(card, scene.psam, public)
        check(not is_signature(public, challenge, heard), "an old signature is good again")
    with scene.step(
        "Somebody asks the card for another pair in the place of the registered one.",
        "6982: the pair is the card's for life.",
    ):
        template = bytes([0xB6, 0x03, 0x84, 0x01, ENVIRONMENT_PAIR])
        command = Command(0x00, 0x46, 0x80, 0x00, template, 256)
        card.done(command, SECURITY_STATUS_NOT_SATISFIED)
    with (
        scene.step(
            "The terminal is shown a forged card with the same number, files and answer to reset.",
            "It has a pair of its own, and the terminal refuses it.",
        ),
        refused("does not have the private key"),
    ):
        check(identify(forged).number == HOLDER.card_number, "the card number is another")
        check_signature(forged, scene.psam, public)
