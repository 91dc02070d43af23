"""An order for one card: who it is for, which number it gets, and which keys are its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from simcard.issuance.hierarchy import FACTOR_SIZE, Purpose, issuer_identifier
from simcard.issuance.holder import Holder

_SERIAL_SIZE: Final = 10
_BASE: Final = 36


@dataclass(frozen=True, slots=True, repr=False)
class Order:
    """One card to be made, with its keys by purpose."""

    holder: Holder
    keys: Mapping[Purpose, bytes]

    @property
    def issuer(self) -> bytes:
        """The issuer identifier of the holder's city, 8 bytes."""
        return issuer_identifier(self.holder.region)

    @property
    def serial(self) -> bytes:
        """The application serial number, 10 bytes."""
        return serial_number(self.holder)

    @property
    def seed(self) -> int:
        """What decides the random numbers that the chip draws while it is personalised.

        The same order has the same, and whoever lacks the card's keys cannot tell it: a private key
        comes from it.
        """
        keys = sorted((purpose.name, key) for purpose, key in self.keys.items())
        secret = b"".join(key for _, key in keys)
        return int.from_bytes(sha256(b"random numbers of " + self.serial + secret).digest(), "big")


def serial_number(holder: Holder) -> bytes:
    """The application serial number: 00 00, four digits of the region, and the card number.

    The card number's nine characters count as a number to the base 36, which fits the six bytes
    left: two cards have the same serial number only when they have the same region and number.
    """
    number = int(holder.card_number, _BASE).to_bytes(6, "big")
    return bytes(2) + bytes.fromhex(holder.region[:4]) + number


def card_factor(holder: Holder) -> bytes:
    """The diversification factor of the holder's card: the end of its serial number."""
    return serial_number(holder)[_SERIAL_SIZE - FACTOR_SIZE :]
