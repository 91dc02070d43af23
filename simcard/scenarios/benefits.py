"""Pension, unemployment and maternity: the offices read what is due, and write what is decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from simcard.scenarios.proving import authenticate, check_genuine
from simcard.scenarios.reading import (
    BENEFIT_CODE,
    BENEFIT_UNTIL,
    BORN,
    EMPLOYMENT,
    EXPECTED_ON,
    MATERNITY,
    MONTHS_PAID,
    PAID_UNTIL,
    PENSION,
    RETIRED_ON,
    UNEMPLOYED_SINCE,
    Item,
    admit,
    bcd,
    day,
    identify,
    is_closed,
    present_pin,
    read,
    write,
)
from simcard.scenarios.scene import Role, Scene, check, scenario
from simcard.scenarios.setting import HOME_CITY, HOME_PROVINCE, PENSIONER, CardKey

_RETIREMENT_AGE: Final = 60
_MONTHS_WORKED: Final = b"372"
_UPDATE_KEY: Final = 0x01


def _admitted(scene: Scene) -> Mapping[str, CardKey]:
    """The first step at every counter; the keys of the card that was admitted."""
    card, setting = scene.card, scene.setting
    office = setting.office(HOME_PROVINCE, HOME_CITY)
    with scene.step(
        "The counter reads the card, and the city's centre lets it prove its key.",
        "The card is valid today, and genuine.",
    ):
        face = identify(card)
        admit(face, setting.now.date())
        keys = office.card_keys(face.identity)
        check_genuine(card, scene.psam, keys)
    return keys


def _decide(
    scene: Scene, application: bytes, asked: Item, decided: dict[Item, bytes], benefit: str
) -> None:
    """An office reads an item of an application, and writes what it has *decided*."""
    card, setting = scene.card, scene.setting
    keys = _admitted(scene)
    with scene.step(
        f"The terminal selects the application for {benefit} and tries to read without the PIN.",
        "6982: what somebody is entitled to is nobody else's business.",
    ):
        card.select(application)
        is_closed(card, asked)
    with scene.step(
        "The holder types the PIN, and the terminal reads what is on record.",
        "The item can be read now; changing it is still 6982.",
    ):
        present_pin(card, setting.pin)
        value = read(card, asked)
        write(card, asked, value, 0x6982)
    with scene.step(
        f"The office has decided on {benefit}: its centre proves the update key of this"
        " application and writes the items.",
        "Each item reads back as it was written.",
    ):
        authenticate(card, _UPDATE_KEY, keys[f"DF0{application[-1]}/external/01"])
        for item, new in decided.items():
            write(card, item, new)
            check(read(card, item) == new, f"item {item.identifier:02X} reads otherwise")
    with scene.step(
        "The card is taken out and put in again, and the holder looks at the terminal on the wall.",
        "The decision has lasted.",
    ):
        card.reset()
        card.select(application)
        present_pin(card, setting.pin)
        for item, new in decided.items():
            check(read(card, item) == new, f"item {item.identifier:02X} reads otherwise")


@scenario(card=Role(holder=PENSIONER))
def pension(scene: Scene) -> None:
    """A pension begins.

    Somebody has come to the age of retirement. The counter reads the date of birth from the card,
    the centre closes the record of contributions and writes from when the pension is paid.
    """
    today = scene.setting.now.date()
    with scene.step(
        "The counter reads the date of birth behind the PIN.",
        f"The holder is {_RETIREMENT_AGE} years old or older.",
    ):
        identify(scene.card)
        present_pin(scene.card, scene.setting.pin)
        age = today.year - day(read(scene.card, BORN)).year
        check(age > _RETIREMENT_AGE, f"the holder is about {age} years old")
    retired = date(today.year, today.month, 1)
    decided = {PAID_UNTIL: bcd(retired), MONTHS_PAID: _MONTHS_WORKED, RETIRED_ON: bcd(retired)}
    _decide(scene, PENSION, RETIRED_ON, decided, "pension")


@scenario()
def unemployment(scene: Scene) -> None:
    """Unemployment benefit is granted.

    Somebody has lost a job and registers at the employment counter. The centre writes since when,
    and until which month benefit is paid; the next counter, in any district, reads it there.
    """
    today = scene.setting.now.date()
    until = bytes.fromhex(f"{today.year + 1}{today.month:02}")
    decided = {UNEMPLOYED_SINCE: bcd(today), BENEFIT_UNTIL: until}
    _decide(scene, EMPLOYMENT, BENEFIT_UNTIL, decided, "unemployment benefit")


@scenario()
def maternity(scene: Scene) -> None:
    """Maternity benefit is granted before a birth.

    An expectant mother registers with the card. The centre writes that benefit is granted and the
    expected day, so that the maternity ward settles the bill without a paper.
    """
    today = scene.setting.now.date()
    decided = {BENEFIT_CODE: b"1", EXPECTED_ON: bcd(date(today.year + 1, 3, 1))}
    _decide(scene, MATERNITY, BENEFIT_CODE, decided, "maternity benefit")
