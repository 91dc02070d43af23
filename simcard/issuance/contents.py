"""What personalisation writes into the files: the holder's items, and nothing of anybody else.

The profile says which records there are and how long they are. Items of the environment's EF05 and
EF06 are the holder's; the application data of the public services names issuer and serial number;
every other record keeps its identifier and its length and starts empty.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from simcard.issuance.holder import EXTENSION_SIZE, NAME_SIZE, Holder
from simcard.issuance.order import Order
from simcard.profiles.schema import FileTable, ProfileTables

_ISSUER_DATA: Final = "3F00/DDF1/EF05"
_HOLDER_DATA: Final = "3F00/DDF1/EF06"
_APPLICATION_DATA: Final = "3F00/DDF1/DF08/0015"
_APPLICATION_DATA_SIZE: Final = 30
_EXTENSION: Final = 0x4E
_SCHEME: Final = bytes.fromhex("D156000005")
_KEPT: Final = frozenset({0x02, 0x03, 0x04})
"""Items of EF05 that are the profile's own: card type, version, initialising institution."""
_ITEM_SIZES: Final = {
    _ISSUER_DATA: {0x01: 16, 0x05: 4, 0x06: 4, 0x07: 9},
    _HOLDER_DATA: {
        0x08: 18,
        0x09: NAME_SIZE,
        _EXTENSION: EXTENSION_SIZE,
        0x0A: 1,
        0x0B: 1,
        0x0C: 3,
        0x0D: 4,
    },
}
"""The items that orders decide, by EF and identifier, and how many bytes each has."""


def misplaced_item(tables: ProfileTables) -> str | None:
    """The first place of *tables* that has another size than what an order puts there, or None."""
    for file in tables.file:
        if file.content is None:
            continue
        sizes = _ITEM_SIZES.get(file.path, {})
        for record in file.content.records or []:
            size = sizes.get(record[0], len(record) - 2)
            if len(record) - 2 != size:
                return f"{file.path}: item {record[0]:02X} has {size} bytes"
        hexadecimal = file.content.hex or b""
        if file.path == _APPLICATION_DATA and len(hexadecimal) != _APPLICATION_DATA_SIZE:
            return f"{file.path}: application data has {_APPLICATION_DATA_SIZE} bytes"
    return None


def misfit(tables: ProfileTables, holder: Holder) -> str | None:
    """Why the name of *holder* does not fit a card of *tables*, or None when it does.

    The record for the rest of a long name is one that a profile may lack.
    """
    records = [
        record[0]
        for file in tables.file
        if file.path == _HOLDER_DATA and file.content is not None
        for record in file.content.records or []
    ]
    _, rest = holder.coded_name()
    if rest and _EXTENSION not in records:
        return f"more than {NAME_SIZE} bytes of GBK, and no record for the rest"
    return None


def contents_for(tables: ProfileTables, order: Order) -> dict[str, list[bytes]]:
    """For each EF with content: its records, or its bytes in one piece."""
    items = {_ISSUER_DATA: _issuer_items(order), _HOLDER_DATA: _holder_items(order)}
    contents = {}
    for file in tables.file:
        if file.content is None:
            continue
        if file.content.records is not None:
            contents[file.path] = _records(file, file.content.records, items.get(file.path, {}))
        elif file.path == _APPLICATION_DATA:
            contents[file.path] = [_application_data(file.content.hex or b"", order)]
    return contents


def _records(file: FileTable, records: list[bytes], items: dict[int, bytes]) -> list[bytes]:
    written = []
    for record in records:
        identifier, size = record[0], len(record) - 2
        value = items.get(identifier, bytes(size))
        if file.path == _ISSUER_DATA and identifier in _KEPT:
            value = record[2:]
        written.append(record[:2] + value)
    return written


def _bcd(day: date) -> bytes:
    return bytes.fromhex(f"{day:%Y%m%d}")


def _issuer_items(order: Order) -> dict[int, bytes]:
    holder = order.holder
    identification = bytes.fromhex(holder.region) + _SCHEME + order.serial[-6:] + b"\xff\xff"
    return {
        0x01: identification,
        0x05: _bcd(holder.issued),
        0x06: _bcd(holder.valid_until),
        0x07: holder.card_number.encode("ascii"),
    }


def _holder_items(order: Order) -> dict[int, bytes]:
    holder = order.holder
    name, rest = holder.coded_name()
    return {
        0x08: holder.number.encode("ascii"),
        0x09: name.ljust(NAME_SIZE, b"\0"),
        _EXTENSION: rest.ljust(EXTENSION_SIZE, b"\0"),
        0x0A: holder.sex.encode("ascii"),
        0x0B: bytes.fromhex(f"{holder.ethnic_group:02d}"),
        0x0C: bytes.fromhex(holder.birth_place),
        0x0D: _bcd(holder.born),
    }


def _application_data(template: bytes, order: Order) -> bytes:
    """Issuer(8) type version serial number(10) valid from(4) to(4) and the issuer's own(2)."""
    holder = order.holder
    dates = _bcd(holder.issued) + _bcd(holder.valid_until)
    return order.issuer + template[8:10] + order.serial + dates + template[28:]
