"""Putting a card back as it was found: first reading everything, later writing back what differs.

Nothing here trusts the model about what was written: a wrong card may have written elsewhere. Every
writable file is read again and compared with what was there at the beginning.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.commands import (
    ALL,
    FCI,
    read_binary,
    read_record,
    select_path,
    update_binary,
    update_record,
    verify,
)
from conformance.inventory import count_money, file_entry, look_around, look_at_references
from conformance.layout import ElementaryFile, Kind
from conformance.model.management import CREATE
from conformance.refund import give_back_money
from conformance.reopening import Opened, prove_spent
from conformance.returning import Report, ask, delete_created, give_back_values, reactivate, resync
from conformance.terminal import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.apdu import CommandAPDU
    from conformance.bench import Bench
    from conformance.layout import Reference, Right
    from conformance.model import Model

CHUNK = 128
JUDGED = (Kind.TRANSPARENT, Kind.LINEAR_FIXED)


def opening(right: Right, bench: Bench) -> tuple[Reference, ...] | None:
    """The references to verify for *right*, or None when the judge cannot open the file."""
    for alternative in sorted(right.alternatives, key=len):
        if all(bench.keys.right(reference) is not None for reference in alternative):
            return tuple(sorted(alternative, key=lambda reference: reference.number))
    return None


def pieces(ef: ElementaryFile) -> Iterator[tuple[int, int, CommandAPDU]]:
    """(record index, offset, command) for each read that together cover *ef*, which is current."""
    if ef.kind is Kind.TRANSPARENT:
        for offset in range(0, ef.size, CHUNK):
            yield 0, offset, read_binary(offset, min(CHUNK, ef.size - offset))
        return
    for number in range(1, ef.records + 1):
        yield number - 1, 0, read_record(number, ef.size)


def take_stock(bench: Bench) -> None:
    """Read every counter and file that can be read, and remember it all as the baseline.

    The counters are taken as the card tells them; what the files answer is judged as any history.
    The first Violation is raised when all files have been tried; what could be read is known then.
    On a card that cannot be copied the undo log has it all, as far as it goes, before a file or a
    purse is opened, and the rest as it is read.
    """
    if bench.copies:
        look_at_references(bench)
    else:
        look_around(bench)
    first: Violation | None = None
    for ef in bench.statement.layout.elementary(*JUDGED):
        references = opening(ef.read, bench)
        if references is None:
            continue
        terminal = bench.begin()
        try:
            terminal.send(select_path(ef.parent))
            for reference in references:
                terminal.send(verify(bench.keys, "pin", reference))
            terminal.send(select_path(ef, FCI, ALL))
            for _, _, command in pieces(ef):
                terminal.send(command)
        except Violation as violation:
            first = first or violation
            continue
        held = {**bench.baseline.contents, ef: terminal.model.states[0].contents[ef]}
        bench.baseline = replace(bench.baseline, contents=held)
        if bench.live is not None:
            bench.live = terminal.model
        entry = file_entry(bench, ef)
        if entry is not None:
            bench.record(entry)
    bench.put_back()
    if not bench.copies:
        with bench.unwatched():
            count_money(bench)
            resync(bench)
    if first is not None:
        raise first


def put_back(bench: Bench, live: Model, *, everything: bool = False) -> Report:
    """Give back whatever the history of *live* changed; what was done and what could not be.

    With *everything* each file, purse and identifier is looked at, whatever the model says of it.
    """
    report = Report()
    give_back_values(bench, report)
    if everything or CREATE in live.sent:
        delete_created(bench, report)
    if everything:
        reactivate(bench, report)
    prove_spent(bench, live, report)
    for ef in bench.statement.layout.elementary(*JUDGED):
        held = bench.baseline.contents[ef]
        touched = any(state.contents[ef] != held for state in live.states)
        if ef.writable and (touched or everything) and bench.stocked(ef):
            _restore_file(bench, ef, report)
    give_back_money(bench, live, report, everything=everything)
    return report


def read_whole(bench: Bench, ef: ElementaryFile) -> bytes:
    """What *ef*, which anybody may read, holds now."""
    Opened(bench, ef, set()).enter()
    return b"".join(ask(bench, command).data for _, _, command in pieces(ef))


def _restore_file(bench: Bench, ef: ElementaryFile, report: Report) -> None:
    """Write what differs; a file that cannot even be read again counts as not put back."""
    opened = Opened(
        bench, ef, {*(opening(ef.read, bench) or ()), *(opening(ef.update, bench) or ())}
    )
    opened.enter()
    differs = False
    succeeded = True
    for index, offset, command in pieces(ef):
        content = bench.baseline.contents[ef][index].value
        wanted = content[offset : offset + (command.ne or 0)]
        if ask(bench, command).data == wanted:
            continue
        differs = True
        if ef.kind is Kind.TRANSPARENT:
            opened.write(update_binary(offset, wanted))
        else:
            opened.write(update_record(index + 1, wanted))
        succeeded = ask(bench, command).data == wanted and succeeded
    if differs:
        report.told(ef.path, succeeded=succeeded)
