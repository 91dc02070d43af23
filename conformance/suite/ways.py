"""The same thing done in every way there is: arriving in a DF, reading an EF, writing it, failing.

A card has one rule for each of these, and several places in its program that must keep it; a fault
sits in one of them. A case that is about the rule goes all the ways.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.commands import (
    ALL,
    NO_ANSWER,
    path_of,
    read_binary,
    read_record,
    select_fid,
    select_name,
    select_parent,
    select_path,
    update_binary,
    update_record,
)
from conformance.editing import data_object, odd, offset_object
from conformance.layout import DedicatedFile, ElementaryFile, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.terminal import Terminal

ABSENT = 0x7E57
SELECT = 0xA4


def arrivals(terminal: Terminal, ef: ElementaryFile) -> Iterator[tuple[CommandAPDU, ...]]:
    """From each other DF to the DF of *ef* or to *ef* itself, by each form of SELECT declared."""
    forms, df = terminal.statement.features.select, ef.parent
    for start in terminal.layout.dedicated():
        if start is df:
            continue
        begin = select_path(start)
        yield begin, select_path(df)
        yield begin, select_path(ef)
        if df.name and "name" in forms:
            yield begin, select_name(df.name)
        if start.parent is df and "parent" in forms:
            yield begin, select_parent()
        if df.parent is start and "child-df" in forms:
            yield begin, select_fid(df.fid, 0x01)
        if start in df.lineage() and "path-from-df" in forms:
            yield begin, _from_df(path_of(ef)[len(path_of(start)) :])


def _from_df(path: bytes) -> CommandAPDU:
    return CommandAPDU(0x00, SELECT, 0x09, NO_ANSWER, path)


def failing_selects(terminal: Terminal, ef: ElementaryFile) -> Iterator[CommandAPDU]:
    """SELECT commands that find nothing while *ef* is current, some of them only at their end."""
    forms, absent = terminal.statement.features.select, ABSENT.to_bytes(2, "big")
    for p1 in (0x00, 0x01, 0x02):
        yield select_fid(ABSENT, p1=p1)
    yield select_fid(ef.fid, p1=0x01)
    yield select_name(b"\x5a" * 9)
    yield CommandAPDU(0x00, SELECT, 0x08, NO_ANSWER, path_of(ef) + absent)
    for df in terminal.layout.dedicated():
        yield CommandAPDU(0x00, SELECT, 0x08, NO_ANSWER, path_of(df) + absent)
        if df.parent is ef.parent:
            yield select_fid(df.fid, p1=0x02)
            if "path-from-df" in forms:
                yield _from_df(path_of(df)[-2:] + absent)


def reads(terminal: Terminal, ef: ElementaryFile) -> Iterator[CommandAPDU]:
    """The first byte or record of *ef*, which is current, by each command declared."""
    yield read_record(1, ef.size) if ef.kind is not Kind.TRANSPARENT else read_binary(0, 1)
    if ef.kind is Kind.TRANSPARENT and terminal.statement.features.odd_binary:
        yield odd(0xB1, 0, offset_object(0), ALL)
    yield from naming_reads(terminal, ef)


def naming_reads(terminal: Terminal, ef: ElementaryFile) -> Iterator[CommandAPDU]:
    """The same by the commands that name *ef*, whichever EF of its DF is current."""
    features = terminal.statement.features
    sfi = ef.sfi if features.short_ef_identifier else None
    if sfi:
        transparent = ef.kind is Kind.TRANSPARENT
        yield read_binary(0, 1, sfi=sfi) if transparent else read_record(1, ef.size, sfi=sfi)
    if ef.kind is Kind.TRANSPARENT and features.odd_binary:
        for reference in filter(None, (sfi, ef.fid)):
            yield odd(0xB1, reference, offset_object(0), ALL)


def neighbours(
    terminal: Terminal, ef: ElementaryFile, action: str = "read"
) -> tuple[ElementaryFile, ...]:
    """The EFs beside *ef* that anybody may read, or update: their rules are not those of *ef*."""
    beside = (other for other in terminal.layout.elementary() if other.parent is ef.parent)
    return tuple(
        other
        for other in beside
        if other is not ef and (other.read if action == "read" else other.update).always
    )


def updates(terminal: Terminal, ef: ElementaryFile, data: bytes) -> Iterator[CommandAPDU]:
    """*data* into the first bytes or record of *ef*, which is current, by each command declared."""
    transparent = ef.kind is Kind.TRANSPARENT
    yield update_binary(0, data) if transparent else update_record(1, data)
    if transparent and terminal.statement.features.odd_binary:
        yield odd(0xD7, 0, offset_object(0) + data_object(data))
    yield from naming_updates(terminal, ef, data)


def naming_updates(terminal: Terminal, ef: ElementaryFile, data: bytes) -> Iterator[CommandAPDU]:
    """The same by the commands that name *ef*, whichever EF of its DF is current."""
    features = terminal.statement.features
    sfi = ef.sfi if features.short_ef_identifier else None
    transparent = ef.kind is Kind.TRANSPARENT
    if sfi:
        yield update_binary(0, data, sfi=sfi) if transparent else update_record(1, data, sfi=sfi)
    if transparent and features.odd_binary:
        for reference in filter(None, (sfi, ef.fid)):
            yield odd(0xD7, reference, offset_object(0) + data_object(data))


def beneath(terminal: Terminal, df: DedicatedFile) -> tuple[DedicatedFile | ElementaryFile, ...]:
    """The files below *df*, at any depth."""
    files = (file for file in terminal.layout.files if file is not df)
    return tuple(file for file in files if file.parent and df in file.parent.lineage())
