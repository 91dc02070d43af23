"""Putting a card back as it was found: first reading everything, later writing back what differs.

Nothing here trusts the model about what was written: a wrong card may have written elsewhere. Every
writable file is read again and compared with what was there at the beginning.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.apdu import MalformedAPDU, ResponseAPDU
from conformance.commands import (
    ALL,
    FCI,
    query,
    read_binary,
    read_record,
    select_path,
    update_binary,
    update_record,
    verify,
)
from conformance.layout import ElementaryFile, Kind
from conformance.model import Model
from conformance.refund import moved, refund
from conformance.returning import give_back
from conformance.terminal import Terminal, Violation
from conformance.trouble import NotPutBack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.apdu import CommandAPDU
    from conformance.bench import Bench
    from conformance.layout import Reference, Right

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
    """
    _count_tries(bench)
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
    bench.put_back()
    if first is not None:
        raise first


def _count_tries(bench: Bench) -> None:
    """Ask each reference how many tries are left, where the card says it can tell."""
    if not bench.statement.features.verify_query:
        return
    for reference in bench.statement.layout.references:
        bench.reset(bench.card)
        _ask(bench, select_path(reference.df))
        sw = _ask(bench, query(reference.number)).sw
        if sw & 0xFFF0 == 0x63C0 or sw == 0x6983:
            left = sw & 0x0F if sw != 0x6983 else 0
            bench.baseline = bench.baseline.with_tries(reference, left)


def put_back(bench: Bench, live: Model) -> None:
    """Write back every byte that differs from the baseline, and give back every spent try."""
    give_back(bench, live)
    for reference in bench.statement.layout.references:
        spent = any(
            state.tries[reference] != bench.baseline.tries[reference] for state in live.states
        )
        if spent:
            left = _restored_tries(bench, reference, live)
            bench.baseline = bench.baseline.with_tries(reference, left)
    for ef in bench.statement.layout.elementary(*JUDGED):
        held = bench.baseline.contents[ef]
        touched = any(state.contents[ef] != held for state in live.states)
        if ef.writable and touched:
            _restore_file(bench, ef)
    for purse, holding in moved(live):
        bench.reset(bench.card)
        terminal = Terminal(bench, bench.card, Model(bench.statement, bench.keys))
        if not refund(terminal, purse, holding):
            raise NotPutBack(f"the {purse.kind} of {purse.df} could not be put back")


def _ask(bench: Bench, command: CommandAPDU) -> ResponseAPDU:
    answer = bench.exchange(bench.card, command.encode())
    try:
        return ResponseAPDU.decode(answer)
    except MalformedAPDU:
        return ResponseAPDU(b"", 0)


def _restored_tries(bench: Bench, reference: Reference, live: Model) -> int:
    """The tries left when all was done to give them back: a right VERIFY, where the value is known.

    A card that was found with tries already spent has all of them afterwards.
    """
    if bench.keys.right(reference) is not None:
        bench.reset(bench.card)
        _ask(bench, select_path(reference.df))
        if _ask(bench, verify(bench.keys, "pin", reference)).sw == 0x9000:
            return reference.tries
    return min(state.tries[reference] for state in live.states)


def _restore_file(bench: Bench, ef: ElementaryFile) -> None:
    bench.reset(bench.card)
    _ask(bench, select_path(ef.parent))
    needed = {*(opening(ef.read, bench) or ()), *(opening(ef.update, bench) or ())}
    for reference in sorted(needed, key=lambda one: one.number):
        _ask(bench, verify(bench.keys, "pin", reference))
    _ask(bench, select_path(ef))
    for index, offset, command in pieces(ef):
        content = bench.baseline.contents[ef][index]
        found = _ask(bench, command)
        wanted = content.value[offset : offset + (command.ne or 0)]
        if found.data == wanted or content.known is not None:
            continue
        if ef.kind is Kind.TRANSPARENT:
            _ask(bench, update_binary(offset, wanted))
        else:
            _ask(bench, update_record(index + 1, wanted))
        if _ask(bench, command).data != wanted:
            raise NotPutBack(f"{ef.path} could not be put back as it was found")
