"""What goes wrong in life: PINs forgotten and blocked, cards lost, cards out of date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from simcard.apdu import Command
from simcard.scenarios.issuing import NEW_PIN, personalise
from simcard.scenarios.money import ED, EP, balance, load
from simcard.scenarios.proving import check_genuine, protect, reload_pin, unblock_pin
from simcard.scenarios.reading import (
    NAME,
    PUBLIC,
    SSSE,
    admit,
    application_data,
    identify,
    is_closed,
    present_pin,
    read,
)
from simcard.scenarios.scene import Refused, Role, Scene, check, refused, scenario
from simcard.scenarios.setting import (
    EXPIRED,
    HOLDER,
    HOME_CITY,
    HOME_PROVINCE,
    REPLACED,
    CardKey,
    Office,
)

_WRONG_PINS: Final = tuple(bytes.fromhex(digits) for digits in ("000000", "111111", "900307"))
_TWO_LEFT, _ONE_LEFT, _NONE_LEFT, _BLOCKED = 0x63C2, 0x63C1, 0x63C0, 0x6983
_CONDITIONS: Final = 0x6985
_DEACTIVATED: Final = 0x6283
_WRONG_MAC: Final = 0x6988
_BOOKS: Final = 30_000, 2_000


def _city(scene: Scene) -> Office:
    return scene.setting.office(HOME_PROVINCE, HOME_CITY)


@scenario()
def pin_forgotten(scene: Scene) -> None:
    """A PIN is forgotten, and reloaded at the counter before the card blocks it.

    After two wrong PINs the holder goes to the counter with an identity document. The counter
    cannot read the old PIN, nobody can; the centre gives a new one, with a MAC of its reload key.
    """
    card = scene.card
    with scene.step(
        "At home the holder types two PINs that might have been it.",
        "63C2 and 63C1: two tries are left, then one. The name stays closed.",
    ):
        face = identify(card)
        present_pin(card, _WRONG_PINS[0], _TWO_LEFT)
        present_pin(card, _WRONG_PINS[1], _ONE_LEFT)
        is_closed(card, NAME)
    with scene.step(
        "Somebody tries to reload a PIN without the key, with a MAC of zeros.",
        "6988: the PIN is the same as before.",
    ):
        command = Command(0x80, 0x5E, 0x00, 0x00, NEW_PIN + bytes(4))
        card.done(command, _WRONG_MAC)
    with scene.step(
        "The counter checks the identity document; the centre reloads a PIN under the reload key.",
        "The new PIN opens the card, and all tries are there again.",
    ):
        keys = _city(scene).card_keys(face.identity)
        reload_pin(card, NEW_PIN, keys["DDF1/reload/00"])
        present_pin(card, NEW_PIN)
        read(card, NAME)
        present_pin(card, _WRONG_PINS[0], _TWO_LEFT)


@scenario()
def pin_blocked(scene: Scene) -> None:
    """A PIN is blocked by wrong ones, and unblocked at the counter.

    Three wrong PINs block it, for a thief as for the holder. Taking the card out does not help. The
    counter has the centre unblock it, with a new PIN that travels enciphered.
    """
    card, setting = scene.card, scene.setting
    with scene.step(
        "Somebody types three wrong PINs.",
        "63C2, 63C1, 63C0: no try is left.",
    ):
        face = identify(card)
        for pin, left in zip(_WRONG_PINS, (_TWO_LEFT, _ONE_LEFT, _NONE_LEFT), strict=True):
            present_pin(card, pin, left)
    with scene.step(
        "The card is taken out and put in again, and the holder types the right PIN.",
        "6983: it is blocked, and the holder's data stay closed.",
    ):
        card.reset()
        card.select(SSSE)
        present_pin(card, setting.pin, _BLOCKED)
        is_closed(card, NAME)
    with scene.step(
        "The counter checks the identity document; the centre unblocks, with a new PIN.",
        "The new PIN opens the card, the old one does not.",
    ):
        keys = _city(scene).card_keys(face.identity)
        unblock_pin(card, NEW_PIN, keys["DDF1/unblock/00"])
        present_pin(card, setting.pin, _TWO_LEFT)
        present_pin(card, NEW_PIN)
        read(card, NAME)


@scenario(card=Role(deposit=_BOOKS[0], purse=_BOOKS[1]), new=Role(holder=REPLACED, blank=True))
def lost_card(scene: Scene) -> None:
    """A card is lost, reported, blocked where it turns up, and replaced.

    The holder reports the loss by telephone; from then on the number is on the list that terminals
    have. The finder tries the card at a gate, which is connected to the centre: the purse is
    blocked there and then, and the card for good at the counter where it is handed in. The
    replacement has another number, other keys, and the balance that was settled.
    """
    card = scene.card
    reported = {HOLDER.card_number}
    with (
        scene.step(
            "The finder holds the card to a gate, which has the list of the lost.",
            "The gate refuses it.",
        ),
        refused("reported as lost"),
    ):
        face = identify(card)
        if face.number in reported:
            raise Refused(f"card {face.number} is reported as lost")
    keys = _city(scene).card_keys(face.identity)
    _block_purse(scene)
    with scene.step(
        "The card is handed in; the centre blocks it with a MAC of the master file's line key.",
        "From now on it answers 6985 to everything, even after it was taken out.",
    ):
        card.select_master_file()
        card.done(protect(card, Command(0x80, 0x16, 0, 0), keys["3F00/line/00"]))
        card.select(SSSE, _CONDITIONS)
        card.reset()
        card.select(SSSE, _CONDITIONS)
        card.select(PUBLIC, _CONDITIONS)
    _replace(scene, reported, keys)


def _replace(scene: Scene, reported: set[str], old: Mapping[str, CardKey]) -> None:
    with scene.step(
        "The counter issues a replacement: another number, the holder's data, keys of its own.",
        "The new card is genuine, its number is not in the list.",
    ):
        new = scene.other("new")
        personalise(new, REPLACED, scene.setting)
        face = identify(new)
        check(face.number not in reported, f"card {face.number} is reported as lost")
        own = _city(scene).card_keys(face.identity)
        check_genuine(new, scene.psam, own)
        check(not _values(own) & _values(old), "the new card has a key of the old one")
    with scene.step(
        "The centre loads what its books say was left in deposit and purse.",
        "The holder has the money again.",
    ):
        for purse, amount in zip((ED, EP), _BOOKS, strict=True):
            after = load(new, own, purse, amount, scene.setting)
            check(after == amount, "the balance is another")


def _values(keys: Mapping[str, CardKey]) -> set[bytes]:
    return {key.value for key in keys.values()}


def _block_purse(scene: Scene) -> None:
    card = scene.card
    with scene.step(
        "The gate's centre blocks the public services with a MAC of their line key.",
        "The purse gives nothing any more, neither now nor after the card was taken out.",
    ):
        keys = _city(scene).card_keys(application_data(card).identity)
        purse = balance(card, EP)
        check(purse == _BOOKS[1], f"the purse has {purse} fen")
        card.done(protect(card, Command(0x80, 0x1E, 0, 0), keys["DF08/line/00"]))
        balance(card, EP, _CONDITIONS)
        card.reset()
        card.select(PUBLIC, _DEACTIVATED)
        balance(card, EP, _CONDITIONS)


@scenario(card=Role(holder=EXPIRED, deposit=30_000))
def expired_card(scene: Scene) -> None:
    """A card past its last day is refused by the terminal.

    The card itself has no clock and would go on. It is the terminal that compares the last day with
    the calendar, before it asks for a PIN or writes anything.
    """
    card, setting = scene.card, scene.setting
    with (
        scene.step(
            "The terminal reads the last day the card is valid, and compares it with today.",
            "The terminal refuses the card.",
        ),
        refused("expired"),
    ):
        face = identify(card)
        admit(face, setting.now.date())
    with scene.step(
        "The same terminal, on the card's last day and on the day after.",
        "Admitted on the last day, refused on the next.",
    ):
        last = face.valid_until
        check(last < date.max, f"the card is valid until {last}")
        admit(face, last)
        with refused("expired"):
            admit(face, last + timedelta(days=1))
    with scene.step(
        "A gate reads the application data of the public services.",
        "They name the same last day.",
    ):
        day = application_data(card).valid_until
        check(day == face.valid_until, f"the public services say {day}")
