"""The world that scenarios play in: keys from one national root, offices, people, the date.

All of it is made up and can be replaced: who tries a card of their own hands in a `Setting` with
their root secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from simcard.crypto.blocks import BlockCipher
from simcard.issuance.hierarchy import KeySet, issuer_identifier, national
from simcard.issuance.holder import Holder, check_character
from simcard.issuance.order import Order, card_factor
from simcard.issuance.purposes import purposes
from simcard.profiles import Profile, load_profile

HOME_PROVINCE: Final = "330000"
HOME_CITY: Final = "330302"
OTHER_CITY: Final = "330102"
_ROOT: Final = b"national root of the scenarios, 1"
_FOREIGN_ROOT: Final = b"another country's root, not ours."


@dataclass(frozen=True, slots=True, repr=False)
class CardKey:
    """A key of one card, 16 bytes, and the cipher it is for."""

    value: bytes
    cipher: BlockCipher


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a card is: the region that issued it, 6 digits, and its diversification factor(8)."""

    region: str
    factor: bytes

    @property
    def factors(self) -> tuple[bytes, bytes, bytes]:
        """The factors of province, city and card: the outermost first."""
        province = issuer_identifier(f"{self.region[:2]}0000")
        return province, issuer_identifier(self.region), self.factor


class Office:
    """Whoever holds keys of the hierarchy: the nation's, a province's or a city's centre, a bank.

    It stands for the host behind a terminal and for its hardware security module.
    """

    def __init__(self, keys: KeySet) -> None:
        self.keys = keys

    def card_keys(self, identity: Identity) -> Mapping[str, CardKey]:
        """The keys of a card by the names of their purposes, such as `DF08/purchase/01`."""
        derived = self.keys
        for factor in identity.factors[len(self.keys.path) :]:
            derived = derived.derive(factor, factor.hex())
        return {purpose.name: CardKey(key, purpose.cipher) for purpose, key in derived.keys.items()}


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and when a scenario plays.

    *profile* is that of the card, *psam* that of the terminal's module. *root* and *foreign_root*
    (32 bytes) stand for the master keys of this nation and of another. *pin* is the holder's, in
    BCD, *terminal* the terminal's number(6). *now* is the date and time that terminals know.
    """

    profile: Profile = field(default_factory=lambda: load_profile("ssc3"))
    psam: Profile = field(default_factory=lambda: load_profile("psam"))
    root: bytes = field(default=_ROOT[:32], repr=False)
    foreign_root: bytes = field(default=_FOREIGN_ROOT[:32], repr=False)
    pin: bytes = field(default=bytes.fromhex("123456"), repr=False)
    terminal: bytes = bytes.fromhex("330300000001")
    now: datetime = datetime(2026, 11, 24, 8, 30)  # noqa: DTZ001 - wall time, as terminals send it

    @property
    def generation(self) -> int:
        """3 for a card whose authentications are SM4, else 2."""
        return 3 if self.profile.tables.pboc.rules.cipher is BlockCipher.SM4 else 2

    def office(self, *path: str, foreign: bool = False) -> Office:
        """The office at the end of *path*: no code for the nation, a province's, its city's."""
        root = self.foreign_root if foreign else self.root
        keys = national(root, purposes(self.profile))
        for code in path:
            keys = keys.derive(issuer_identifier(code), code)
        return Office(keys)

    def order(self, holder: Holder, *, foreign: bool = False) -> Order:
        """The order for a card of *holder*, with the keys of its city."""
        city = self.office(f"{holder.region[:2]}0000", holder.region, foreign=foreign)
        keys = city.keys.derive(card_factor(holder), holder.card_number)
        return Order(holder, keys.keys)


def _person(first: str, name: str, card_number: str, issued: date, valid_until: date) -> Holder:
    return Holder(
        number=first + check_character(first),
        name=name,
        sex="1" if int(first[16]) % 2 else "2",
        birth_place=first[:6],
        born=date(int(first[6:10]), int(first[10:12]), int(first[12:14])),
        card_number=card_number,
        region=HOME_CITY,
        issued=issued,
        valid_until=valid_until,
    )


HOLDER: Final = _person(
    "33030219900307001", "张三", "S30000017", date(2024, 1, 15), date(2034, 1, 15)
)
REPLACED: Final = HOLDER.model_copy(
    update={
        "card_number": "S30000018",
        "issued": date(2026, 11, 24),
        "valid_until": date(2036, 11, 24),
    }
)
PENSIONER: Final = _person(
    "33030219610512002", "李四", "S30000021", date(2018, 6, 1), date(2028, 6, 1)
)
EXPIRED: Final = HOLDER.model_copy(
    update={
        "card_number": "S20000005",
        "issued": date(2016, 1, 15),
        "valid_until": date(2026, 1, 15),
    }
)
NEWBORN: Final = _person(
    "33030220240229002", "张小明", "S30000029", date(2024, 3, 20), date(2034, 3, 20)
)
