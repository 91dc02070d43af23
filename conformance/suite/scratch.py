"""Files that a case makes for itself in the DF that the statement gives it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.case import not_applicable
from conformance.commands import select_path
from conformance.editing import Plan, append_record, create_file, delete_file
from conformance.layout import DedicatedFile, ElementaryFile, Kind
from conformance.suite.finding import OK

if TYPE_CHECKING:
    from conformance.statement import ScratchTable
    from conformance.terminal import Terminal

RECORDS = (b"\x01\x03ABC", b"\x02\x03abc", b"\x01\x03DEF", b"\x03\x03xyz")
"""SIMPLE-TLV records of five bytes; the first and the third have the same identifier."""


def scratch_of(terminal: Terminal) -> ScratchTable:
    """The `[scratch]` table of the statement; the case ends when there is none."""
    scratch = terminal.statement.scratch
    return not_applicable("no DF is given for files of the judge") if scratch is None else scratch


def home(terminal: Terminal) -> DedicatedFile:
    """The DF for files of the judge, which becomes current, cleared of what the case made in it."""
    df = terminal.layout.by_path(scratch_of(terminal).df)
    assert isinstance(df, DedicatedFile)
    terminal.send(select_path(df))
    for file in sorted(terminal.model.states[0].created, key=lambda one: one.path):
        if file.parent is df:
            terminal.send(delete_file(file.fid))
    return df


def plan(terminal: Terminal, kind: Kind, index: int = 0, **fields: Any) -> Plan:
    """A file of *kind* with the identifier *index* of those that the statement gives."""
    scratch = scratch_of(terminal)
    if kind not in scratch.kinds:
        not_applicable(f"files of kind {kind.value} are not created on this card")
    base = Plan(kind, scratch.identifiers[index])
    return replace(base, **fields)


def made(terminal: Terminal, wanted: Plan) -> ElementaryFile:
    """The EF *wanted*, created under the current DF and current."""
    because = f"7816-9/create/{wanted.kind.value}"
    terminal.send(create_file(wanted.template()), expect=OK, because=because)
    ef = terminal.model.states[0].ef
    assert ef is not None
    return ef


def new(terminal: Terminal, kind: Kind, index: int = 0, **fields: Any) -> ElementaryFile:
    """A new EF of *kind* in the DF for files of the judge."""
    home(terminal)
    return made(terminal, plan(terminal, kind, index, **fields))


def with_records(terminal: Terminal, kind: Kind, *records: bytes, **fields: Any) -> ElementaryFile:
    """A new EF of *kind* for records of at most five bytes, with *records* appended to it."""
    ef = new(terminal, kind, size=len(RECORDS[0]), **fields)
    for record in records:
        terminal.send(append_record(record), expect=OK, because="7816-4/record/append-adds")
    return ef
