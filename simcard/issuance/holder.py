"""The person a card is made for: what is written on it, checked before anything is made.

A resident identity number (GB 11643) is a region code, a date of birth, a serial number whose last
digit tells the sex, and a check character; what a holder says twice has to agree. Names are coded
in GBK. A character that GBK does not have is refused, or replaced by `?` where `fallback` says so:
what cards in the field do with GB 18030's rare characters is not settled in public.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

NAME_SIZE: Final = 30
EXTENSION_SIZE: Final = 20
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS: Final = "10X98765432"
_PROVINCES: Final = frozenset(
    {
        *("11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36"),
        *("37", "41", "42", "43", "44", "45", "46", "50", "51", "52", "53", "54", "61", "62"),
        *("63", "64", "65", "71", "81", "82", "83"),
    }
)
"""The first two digits of a region code (GB/T 2260)."""


def check_character(first: str) -> str:
    """The last character of a resident identity number from its *first* 17 digits (ISO 7064)."""
    total = sum(int(digit) * weight for digit, weight in zip(first, _WEIGHTS, strict=True))
    return _CHECK_CHARACTERS[total % 11]


def region_code(value: str) -> str:
    """*value*, when it is six digits of a province that exists; else ValueError."""
    if len(value) != 6 or not (value.isascii() and value.isdecimal()):
        raise ValueError("a region code has 6 digits")
    if value[:2] not in _PROVINCES:
        raise ValueError(f"there is no province {value[:2]}")
    return value


def issuing_region(value: str) -> str:
    """*value*, when it is the region code of a city, not of a whole province; else ValueError."""
    if region_code(value)[2:] == "0000":
        raise ValueError(f"{value} is a province; cards are issued by its cities")
    return value


def resident_number(value: str) -> str:
    """*value* in capitals, when its date and check character are right; else ValueError."""
    number = value.upper()
    if len(number) != 18 or not (number[:17].isascii() and number[:17].isdecimal()):
        raise ValueError("a resident identity number has 17 digits and a check character")
    region_code(number[:6])
    birth_date(number)
    wanted = check_character(number[:17])
    if number[17] != wanted:
        raise ValueError(f"the check character is {number[17]}, it should be {wanted}")
    return number


def birth_date(number: str) -> date:
    """The date of birth in a resident identity number; ValueError for one that never was."""
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise ValueError(f"{number[6:14]} in the resident identity number is no date") from None


def _ethnic_group(value: int) -> int:
    if not 1 <= value <= 58:  # GB/T 3304 has 56; 57 and 58 are for others and the naturalised
        raise ValueError("an ethnic group is a code from 1 to 58 (GB/T 3304)")
    return value


class Holder(BaseModel):
    """One person, and the card: everything that personalisation writes."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    number: Annotated[str, AfterValidator(resident_number)]
    name: str = Field(min_length=1)
    sex: Annotated[str, Field(pattern="^[12]$")]
    ethnic_group: Annotated[int, AfterValidator(_ethnic_group)] = 1
    birth_place: Annotated[str, AfterValidator(region_code)]
    born: date
    card_number: Annotated[str, Field(pattern="^[0-9A-Z]{9}$")]
    region: Annotated[str, AfterValidator(issuing_region)]
    issued: date
    valid_until: date
    fallback: bool = False

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.born != birth_date(self.number):
            raise ValueError(f"born {self.born}: the resident identity number says another date")
        if int(self.number[16]) % 2 != int(self.sex) % 2:
            raise ValueError(f"sex {self.sex}: the resident identity number says the other")
        if self.valid_until <= self.issued:
            raise ValueError("valid_until: a card is valid until a day after that of its issue")
        if self.issued < self.born:
            raise ValueError("issued: a card is issued to somebody who has been born")
        self.coded_name()
        return self

    def coded_name(self) -> tuple[bytes, bytes]:
        """The name in GBK: its first 30 bytes and the rest, neither cutting a character in two.

        ValueError when it is longer than 50 bytes or has a character that GBK lacks.
        """
        first = rest = b""
        for character in self.name:
            coded = self._coded(character)
            if not rest and len(first) + len(coded) <= NAME_SIZE:
                first += coded
            else:
                rest += coded
        if len(rest) > EXTENSION_SIZE:
            longest = NAME_SIZE + EXTENSION_SIZE
            raise ValueError(f"name: more than the {longest} bytes of GBK that fit the card")
        return first, rest

    def _coded(self, character: str) -> bytes:
        try:
            return character.encode("gbk")
        except UnicodeEncodeError:
            if self.fallback:
                return b"?"
            code = f"U+{ord(character):04X}"
            raise ValueError(f"name: {code} is not in GBK; fallback = true writes '?'") from None
