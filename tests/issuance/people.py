"""Holders for the tests of issuing, as rows of a list."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from simcard.issuance.holder import Holder, check_character

FIELDS = list(Holder.model_fields)


def person(index: int, **changes: str) -> dict[str, str]:
    first = f"330302{1950 + index % 70}0307{(index * 2) % 998 + 1:03}"
    return {
        "number": first + check_character(first),
        "name": "张三",
        "sex": "1" if int(first[16]) % 2 else "2",
        "birth_place": "330302",
        "born": f"{1950 + index % 70}-03-07",
        "card_number": f"S{index:08}",
        "region": "330302",
        "issued": "2026-01-15",
        "valid_until": "2036-01-15",
    } | changes


def write_list(file: Path, people: Iterable[dict[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, FIELDS)
        writer.writeheader()
        writer.writerows(people)
