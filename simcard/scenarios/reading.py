"""What every terminal begins with: whose the card is, until when, and whether the holder is there.

The items of the environment and of the applications are named here with their places on the card:
DF, short identifier of the EF, record number, identifier of the item.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from simcard.apdu import Command
from simcard.scenarios.contact import Contact, Unexpected
from simcard.scenarios.scene import Refused, check
from simcard.scenarios.setting import Identity

SSSE: Final = bytes.fromhex("7378312E73682EC9E7BBE1B1A3D5CF")
_SCHEME: Final = bytes.fromhex("D156000005")
EMPLOYMENT: Final = _SCHEME + b"\x02"
PENSION: Final = _SCHEME + b"\x03"
MEDICAL: Final = _SCHEME + b"\x04"
MATERNITY: Final = _SCHEME + b"\x07"
PUBLIC: Final = _SCHEME + b"\x08"

BY_IDENTIFIER: Final = 0
BY_NUMBER: Final = 4
APPLICATION_DATA_SFI: Final = 0x15
APPLICATION_DATA_SIZE: Final = 30
IDENTIFICATION_SIZE: Final = 16
RECORD_OF_ITEM: Final = 2
"""Identifier and length before the value of an item."""

SECURITY_STATUS_NOT_SATISFIED: Final = 0x6982
_EF05, _EF06 = 5, 6


class Item(NamedTuple):
    """An item in a record EF of the current DF: short identifier, record number, identifier."""

    sfi: int
    number: int
    identifier: int


IDENTIFICATION: Final = Item(_EF05, 1, 0x01)
VERSION: Final = Item(_EF05, 3, 0x03)
VALID_UNTIL: Final = Item(_EF05, 6, 0x06)
CARD_NUMBER: Final = Item(_EF05, 7, 0x07)
RESIDENT_NUMBER: Final = Item(_EF06, 1, 0x08)
NAME: Final = Item(_EF06, 2, 0x09)
BORN: Final = Item(_EF06, 7, 0x0D)

INSURANCE_STATE: Final = Item(_EF06, 1, 0x90)
FUND_PAID: Final = Item(_EF06, 2, 0x92)
UNEMPLOYED_SINCE: Final = Item(_EF06, 1, 0x4C)
BENEFIT_UNTIL: Final = Item(_EF06, 6, 0x50)
PAID_UNTIL: Final = Item(_EF05, 4, 0x62)
MONTHS_PAID: Final = Item(_EF05, 5, 0x63)
RETIRED_ON: Final = Item(_EF06, 1, 0x67)
BENEFIT_CODE: Final = Item(_EF05, 2, 0xF1)
EXPECTED_ON: Final = Item(_EF05, 3, 0xF2)


@dataclass(frozen=True, slots=True)
class Face:
    """What a card tells everybody: identity, generation, number, the last day it is valid."""

    identity: Identity
    generation: int
    number: str
    valid_until: date


def read(card: Contact, item: Item) -> bytes:
    """The value of an item, read by its identifier."""
    address = item.sfi << 3 | BY_IDENTIFIER
    record = card.done(Command(0x00, 0xB2, item.identifier, address, b"", 256))
    whole = record[:1] == bytes([item.identifier]) and record[1:2] == bytes([len(record) - 2])
    check(whole, f"item {item.identifier:02X}: the card answered another record")
    return record[RECORD_OF_ITEM:]


def is_closed(card: Contact, item: Item) -> None:
    """The card must not let the item be read in its present state."""
    address = item.sfi << 3 | BY_IDENTIFIER
    command = Command(0x00, 0xB2, item.identifier, address, b"", 256)
    card.done(command, SECURITY_STATUS_NOT_SATISFIED)


def write(card: Contact, item: Item, value: bytes, *expected: int) -> None:
    """Replace the value of an item: the whole record, by its number."""
    data = bytes([item.identifier, len(value)]) + value
    card.done(Command(0x00, 0xDC, item.number, item.sfi << 3 | BY_NUMBER, data), *expected)


def identify(card: Contact) -> Face:
    """Select the environment, and read from EF05 what everybody may."""
    card.select(SSSE)
    code = read(card, IDENTIFICATION)
    check(len(code) == IDENTIFICATION_SIZE, "the identification code has another length")
    version = text(read(card, VERSION))
    check(version[:2] in ("1.", "2.", "3."), f"version {version!r} of the specification is unknown")
    return Face(
        Identity(region(code[:3]), code[:2] + code[8:14]),
        int(version[0]),
        text(read(card, CARD_NUMBER)),
        day(read(card, VALID_UNTIL)),
    )


def admit(face: Face, today: date) -> None:
    """`Refused` when the card has expired."""
    if today > face.valid_until:
        raise Refused(f"the card has expired on {face.valid_until}")


def present_pin(card: Contact, pin: bytes, *expected: int) -> None:
    """VERIFY: the holder types the PIN."""
    card.done(Command(0x00, 0x20, 0x00, 0x00, pin), *expected)


def text(value: bytes) -> str:
    """Characters in GBK, without the filling behind them."""
    try:
        return value.rstrip(b"\0 ").decode("gbk")
    except UnicodeDecodeError:
        raise Unexpected(f"{value.hex().upper()} is no text in GBK") from None


def day(value: bytes) -> date:
    """A date in BCD, YYYYMMDD."""
    try:
        return date.fromisoformat(f"{value[:2].hex()}-{value[2:3].hex()}-{value[3:].hex()}")
    except ValueError:
        raise Unexpected(f"{value.hex().upper()} is no date") from None


def region(value: bytes) -> str:
    """A region code of 6 digits, from BCD."""
    code = value.hex()
    check(code.isdecimal(), f"{code.upper()} is no region code")
    return code


def bcd(when: date) -> bytes:
    """A date as the card has it."""
    return bytes.fromhex(f"{when:%Y%m%d}")


class ApplicationData(NamedTuple):
    """EF 0015 of the public services: issuer(8), serial number(10), valid until, what is booked."""

    identity: Identity
    valid_until: date
    booked: bytes


def application_data(card: Contact) -> ApplicationData:
    """Select the public services, and read what every gate reads."""
    card.select(PUBLIC)
    address = 0x80 | APPLICATION_DATA_SFI
    data = card.done(Command(0x00, 0xB0, address, 0, b"", APPLICATION_DATA_SIZE))
    check(len(data) == APPLICATION_DATA_SIZE, "the application data has another length")
    identity = Identity(region(data[5:8]), data[12:20])
    return ApplicationData(identity, day(data[24:28]), data[28:])
