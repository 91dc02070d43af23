"""The terminal's security module (PSAM): how an operator sets it up, and what terminals ask of it.

The module holds purchase keys of a level of the hierarchy; a terminal that meets a card names the
factors of the levels below. A key is loaded enciphered under the module's own master key.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from simcard.apdu import Command
from simcard.issuance.hierarchy import Level
from simcard.issuance.purposes import purpose_name
from simcard.scenarios.contact import Contact
from simcard.scenarios.proving import authenticate, protect
from simcard.scenarios.scene import check
from simcard.scenarios.setting import CardKey, Identity, Office, Setting
from simcard.security.pboc import KeyType

_LEVELS: Final = {Level.NATIONAL: 3, Level.PROVINCE: 2, Level.CITY: 1}
_PURCHASE: Final = 0x02
_TERMINAL_SFI: Final = 0x16
_MASTER_KEY: Final = 0x00
_NAME: Final = bytes.fromhex("D156000005A0")


class Module:
    """A module that has been set up with the purchase keys of one office."""

    def __init__(self, contact: Contact, office: Office, setting: Setting) -> None:
        self._contact = contact
        self._levels = _LEVELS[office.keys.level]
        self._office = office
        self._setting = setting

    def set_up(self, generation: int = 3) -> None:
        """The operator's part: terminal number and purchase keys, proven and enciphered.

        A module of generation 2 gets no SM4 key.
        """
        self._contact.reset()
        self._contact.select_master_file()
        authenticate(self._contact, _MASTER_KEY, self._master_key("3F00"))
        number = Command(0x00, 0xD6, 0x80 | _TERMINAL_SFI, 0, self._setting.terminal)
        self._contact.done(number)
        self._contact.select(_NAME)
        for key in self._purchase_keys(generation):
            plain = Command(0x80, 0xD4, 0, 0, key)
            master = self._master_key("DF01")
            self._contact.done(protect(self._contact, plain, master, enciphered=True))
        self._contact.reset()

    def mac1(self, purchase: bytes, identity: Identity) -> tuple[bytes, bytes]:
        """Transaction counter(4) of the terminal, and MAC1(4), for the data of a *purchase*(20)."""
        self._contact.select(_NAME)
        factors = b"".join(identity.factors[-self._levels :])
        said = self._contact.done(Command(0x80, 0x70, 0, 0, purchase + factors))
        check(len(said) == 8, f"the module answered {len(said)} bytes for MAC1")
        return said[:4], said[4:]

    def check_mac2(self, mac2: bytes) -> None:
        """The card's MAC2 is right, says the module; else it answers 9302."""
        self._contact.done(Command(0x80, 0x72, 0, 0, mac2))

    def _purchase_keys(self, generation: int) -> Iterator[bytes]:
        """Usage, version, algorithm and 16 bytes, for each purchase key of the card's profile."""
        values = {purpose.name: key for purpose, key in self._office.keys.keys.items()}
        rules = self._setting.profile.tables.pboc.rules
        for table in self._setting.profile.tables.pboc_key:
            if table.key_type is not KeyType.PURCHASE:
                continue
            header = table.header
            if generation < 3 and header.last == rules.sm4_identifier:
                continue
            usage = self._levels << 5 | _PURCHASE
            yield bytes([usage, header.fourth, header.last]) + values[purpose_name(table)]

    def _master_key(self, df: str) -> CardKey:
        profile = self._setting.psam.tables
        for table in profile.pboc_key:
            if table.df[-4:] == df and table.number == KeyType.EXTERNAL.numbered(_MASTER_KEY):
                return CardKey(table.hex, profile.pboc.rules.cipher)
        raise ValueError(f"{profile.name}: no master key in {df}")
