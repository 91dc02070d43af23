"""What only a whole profile can get wrong: files nowhere, identifiers twice, rules without key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simcard.files.descriptors import Structure
from simcard.profiles.answers import AnswerToSelect, check_answer_to_reset
from simcard.profiles.keys import KeyTable
from simcard.profiles.pboc import PbocKeyTable
from simcard.profiles.schema import (
    STRUCTURES,
    CompactAccess,
    ContentTable,
    FileTable,
    ProfileTables,
    ReferencedAccess,
    ReferenceTable,
)
from simcard.profiles.tables import AccessTable
from simcard.security.access import AllOf, AnyOf, Authenticated, Condition, Method, Not
from simcard.security.attributes import Subject, decode_compact
from simcard.security.pboc import KeyType
from simcard.security.rules import decode_record
from simcard.tlv import TlvError, parse


class Unsound(ValueError):
    """A rule broken, and where: the location of a key in the tables."""

    def __init__(self, location: tuple[int | str, ...], rule: str) -> None:
        super().__init__(rule)
        self.location = location
        self.rule = rule


def check(tables: ProfileTables) -> None:
    """Raise `Unsound` for the first rule that the profile as a whole breaks."""
    _check_answers(tables)
    files: dict[str, FileTable] = {}
    for index, file in enumerate(tables.file):
        _check_place(index, file, files)
        _check_content(index, file)
        files[file.path] = file
    for index, reference in enumerate(tables.reference_data):
        _check_secret("reference_data", index, reference, tables.reference_data, files)
        _check_unblocking(index, reference, tables.reference_data)
    for index, file in enumerate(tables.file):
        _check_access(("file", index, "access"), file.access, file.path, tables)
        _check_rules_in_place(index, file, files)
    for index, reference in enumerate(tables.reference_data):
        where = ("reference_data", index, "access")
        _check_access(where, reference.access, reference.df, tables)
    for index, key in enumerate(tables.key):
        _check_secret("key", index, key, tables.key, files)
        _check_access(("key", index, "access"), key.access, key.df, tables)
    _check_family(tables, files)


def _check_family(tables: ProfileTables, files: dict[str, FileTable]) -> None:
    """Keys, PINs and purses of the PBOC family lie in DFs, fit their own headers, and once each."""
    seen: set[tuple[object, ...]] = set()
    for table in ("pboc_key", "sam_key", "purse"):
        for index, row in enumerate(getattr(tables, table)):
            if row.df not in files or files[row.df].type != "df":
                raise Unsound((table, index, "df"), f"{row.df} is not a DF")
            pin = isinstance(row, PbocKeyTable) and row.key_type is KeyType.PIN
            place = ("purse" if table == "purse" else "pin" if pin else "key", row.df, row.number)
            if place in seen:
                raise Unsound((table, index), f"it is there twice in {row.df}")
            seen.add(place)
    for index, key in enumerate(tables.pboc_key):
        try:
            key.header.body(key.hex, tables.pboc.rules)
        except ValueError as error:
            raise Unsound(("pboc_key", index, "hex"), str(error)) from None
    for index, purse in enumerate(tables.purse):
        _check_access(("purse", index, "access"), purse.access, purse.df, tables)
        logs = [each for each in files.values() if each.parent == purse.df]
        log = next((each for each in logs if purse.log and each.sfi == purse.log), None)
        if purse.log and (log is None or (log.type, log.record_size) != ("cyclic", 23)):
            rule = f"{purse.df} has no cyclic EF of 23-byte records with SFI {purse.log}"
            raise Unsound(("purse", index, "log"), rule)


def _check_answers(tables: ProfileTables) -> None:
    try:
        check_answer_to_reset(tables.atr)
    except ValueError as error:
        raise Unsound(("atr",), str(error)) from None
    if tables.ats is not None:
        try:
            AnswerToSelect.parse(tables.ats)
        except ValueError as error:
            raise Unsound(("ats",), str(error)) from None


def _check_place(index: int, file: FileTable, above: dict[str, FileTable]) -> None:
    where = ("file", index, "path")
    if index == 0 and (file.path != "3F00" or file.type != "df"):
        raise Unsound(where, "the first file is the MF: path 3F00, type df")
    if file.path in above:
        raise Unsound(where, f"{file.path} is there twice")
    if file.parent and (file.parent not in above or above[file.parent].type != "df"):
        raise Unsound(where, f"{file.parent} is not a DF that stands before this file")
    if index and file.identifier in (0x0000, 0x3F00, 0x3FFF, 0xFFFF):
        raise Unsound(where, f"the identifier {file.identifier:04X} is reserved")
    for other in above.values():
        if file.sfi and other.parent == file.parent and other.sfi == file.sfi:
            raise Unsound(("file", index, "sfi"), f"{other.path} has the short identifier too")
        if file.name and other.name == file.name:
            raise Unsound(("file", index, "name"), f"{other.path} has the name too")


def _check_content(index: int, file: FileTable) -> None:
    content = file.content
    if content is None:
        return
    where = ("file", index, "content")
    structure = STRUCTURES.get(file.type)
    if structure is None:
        raise Unsound(where, "a DF has no content of its own")
    if structure.has_records:
        rows = content.records or []
        if content.records is None and content.fill is None:
            raise Unsound(where, "the content of an EF with records is records, or fill")
        if len(rows) > file.records or any(len(row) > file.record_size for row in rows):
            raise Unsound(where, f"more than {file.records} records of {file.record_size} bytes")
        if structure.is_variable and sum(map(len, rows)) > (file.size or 65535):
            raise Unsound(where, f"the records are longer than {file.size} bytes together")
        if structure.is_variable and (content.fill is not None or not all(rows)):
            raise Unsound(where, "records of their own length are said, with at least one byte")
    elif content.records is not None:
        raise Unsound(where, f"{file.type} has no records")
    elif structure is Structure.DATA_OBJECTS:
        _check_data_objects(where, file, content)
    elif len(content.hex or (content.text or "").encode()) > file.size:
        raise Unsound(where, f"the content is longer than {file.size} bytes")


def _check_data_objects(
    where: tuple[int | str, ...], file: FileTable, content: ContentTable
) -> None:
    if content.fill is not None:
        raise Unsound(where, "the content of data-objects is hex or text")
    data = content.hex or (content.text or "").encode()
    if len(data) > file.size:
        raise Unsound(where, f"the content is longer than {file.size} bytes")
    try:
        parse(data)
    except TlvError as error:
        raise Unsound(where, str(error)) from None


def _check_secret(
    table: str,
    index: int,
    own: ReferenceTable | KeyTable,
    every: Sequence[ReferenceTable | KeyTable],
    files: dict[str, FileTable],
) -> None:
    """A PIN or a key lies in a DF, its reference fits P2 and is there once."""
    if own.df not in files or files[own.df].type != "df":
        raise Unsound((table, index, "df"), f"{own.df} is not a DF")
    number = own.reference[0]
    where = (table, index, "reference")
    if any((each.df, each.reference) == (own.df, own.reference) for each in every[:index]):
        raise Unsound(where, f"{number:02X} is there twice in {own.df}")
    if not number & 0x80 and own.df != "3F00":
        raise Unsound(where, f"{number:02X} is global (bit 8 is 0), so it belongs to 3F00")
    if number & 0x60:
        raise Unsound(where, f"{number:02X} does not fit P2: bits 7 and 6 are 0")


def _check_unblocking(index: int, own: ReferenceTable, every: list[ReferenceTable]) -> None:
    if own.unblocked_by is not None and not _is_there(own.unblocked_by[0], own.df, every):
        where = ("reference_data", index, "unblocked_by")
        raise Unsound(where, f"no reference data {own.unblocked_by.hex().upper()} is in reach")


def _is_there(number: int, path: str, every: Sequence[ReferenceTable | KeyTable]) -> bool:
    """Whether reference data or a key *number* is in reach of the file at *path*."""
    homes = [each.df for each in every if each.reference[0] == number]
    if not number & 0x80:
        return "3F00" in homes
    return any(f"{path}/".startswith(f"{home}/") for home in homes)


def _check_access(
    where: tuple[int | str, ...], access: object, path: str, tables: ProfileTables
) -> None:
    if isinstance(access, str):
        if access not in tables.access:
            raise Unsound(where, f"there is no table [access.{access}]")
        access = tables.access[access]
    if not isinstance(access, AccessTable):
        return
    every: dict[Method, Sequence[ReferenceTable | KeyTable]] = {
        Method.USER: tables.reference_data,
        Method.EXTERNAL: tables.key,
    }
    for right, condition in access.rules().items():
        for method, number in _references(condition):
            if not _is_there(number, path, every[method]):
                raise Unsound(
                    where, f"{right.value}: no {method.value} {number:02X} is in reach of {path}"
                )


def _check_rules_in_place(index: int, file: FileTable, files: dict[str, FileTable]) -> None:
    """Compact rules are well-formed; a record of EF.ARR that rules are said to be in holds some."""
    where = ("file", index, "access")
    subject = Subject.DF if file.type == "df" else Subject.EF
    if file.data_objects and isinstance(file.access, CompactAccess | ReferencedAccess):
        raise Unsound(where, "a DF with data objects says its rules by name or in a table")
    try:
        if isinstance(file.access, CompactAccess):
            decode_compact(file.access.compact, subject)
        elif isinstance(file.access, ReferencedAccess):
            decode_record(_rule_record(where, file, files), subject)
    except ValueError as error:
        if isinstance(error, Unsound):
            raise
        raise Unsound(where, str(error)) from None


def _rule_record(
    where: tuple[int | str, ...], file: FileTable, files: dict[str, FileTable]
) -> bytes:
    """The record of the nearest EF.ARR that the access of *file* refers to."""
    assert isinstance(file.access, ReferencedAccess)
    home = file.path if file.type == "df" else file.parent
    while home and f"{home}/2F06" not in files:
        home = files[home].parent
    if not home:
        raise Unsound(where, "there is no EF.ARR (2F06) in reach to refer to")
    content = files[f"{home}/2F06"].content
    rows = content.records if content is not None else None
    if rows is None or len(rows) < file.access.record:
        raise Unsound(where, f"EF.ARR ({home}/2F06) has no record {file.access.record}")
    return rows[file.access.record - 1]


def _references(condition: Condition) -> Iterator[tuple[Method, int]]:
    match condition:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _references(part)
        case Not(part):
            yield from _references(part)
        case Authenticated(method, int(reference)):
            yield method, reference
