from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from simcard.issuance.holder import Holder, check_character

SOMEBODY: dict[str, Any] = {
    "number": "33030219900307001X",
    "name": "张三",
    "sex": "1",
    "birth_place": "330302",
    "born": "1990-03-07",
    "card_number": "S00000017",
    "region": "330302",
    "issued": "2026-01-15",
    "valid_until": "2036-01-15",
}


def holder(**changes: Any) -> Holder:
    fields = SOMEBODY | changes
    first = fields["number"][:17]
    if "number" in changes and len(first) == 17 and changes["number"].endswith("?"):
        fields["number"] = first + check_character(first)
    return Holder.model_validate(fields)


def test_published_check_characters() -> None:
    # the two examples of GB 11643-1999, annex A
    assert check_character("11010519491231002") == "X"
    assert check_character("44052418800101001") == "4"


def test_somebody_is_in_order() -> None:
    somebody = holder(number="33030219900307001?")
    assert somebody.born == date(1990, 3, 7)
    assert somebody.coded_name() == ("张三".encode("gbk"), b"")


def test_a_leap_day_is_a_birthday() -> None:
    assert holder(number="33030220000229001?", born="2000-02-29").born == date(2000, 2, 29)


def test_thirty_bytes_of_name_fill_the_record() -> None:
    first, rest = holder(number="33030219900307001?", name="张" * 15).coded_name()
    assert (len(first), rest) == (30, b"")


def test_a_longer_name_goes_on_in_the_extension_without_cutting_a_character() -> None:
    first, rest = holder(number="33030219900307001?", name="a" + "张" * 15).coded_name()
    assert first == ("a" + "张" * 14).encode("gbk")
    assert rest == "张".encode("gbk")


def test_a_rare_character_is_refused_or_falls_back() -> None:
    rare = "张𠮷"  # the second character is in GB 18030, not in GBK
    with pytest.raises(ValidationError, match=r"U\+20BB7 is not in GBK"):
        holder(number="33030219900307001?", name=rare)
    written = holder(number="33030219900307001?", name=rare, fallback=True).coded_name()
    assert written == ("张?".encode("gbk"), b"")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"number": "330302199003070010"}, "check character"),
        ({"number": "33030219900230001?", "born": "1990-02-28"}, "no date"),
        ({"number": "33030219010229001?", "born": "1901-02-28"}, "no date"),
        ({"number": "99030219900307001?"}, "no province 99"),
        ({"number": "3303021990030700"}, "17 digits"),
        ({"number": "33030219900307001?", "born": "1990-03-08"}, "another date"),
        ({"number": "33030219900307001?", "sex": "2"}, "says the other"),
        ({"number": "33030219900307001?", "sex": "3"}, "pattern"),
        ({"number": "33030219900307001?", "name": ""}, "at least 1"),
        ({"number": "33030219900307001?", "name": "张" * 26}, "50 bytes"),
        ({"number": "33030219900307001?", "ethnic_group": 59}, "1 to 58"),
        ({"number": "33030219900307001?", "region": "000000"}, "no province 00"),
        ({"number": "33030219900307001?", "valid_until": "2026-01-15"}, "valid until"),
        ({"number": "33030219900307001?", "issued": "1989-01-01"}, "been born"),
        ({"number": "33030219900307001?", "issued": "2026-02-30"}, "date"),
        ({"number": "33030219900307001?", "card_number": "S1"}, "pattern"),
        ({"number": "33030219900307001?", "nickname": "三"}, "xtra"),
    ],
)
def test_a_holder_who_cannot_be_is_refused(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        holder(**changes)
