"""Giving back what a history changed beyond contents: files, values, verification requirements.

Like `undo`, nothing here trusts the model about what the card did: the instructions that were sent
say where to look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU, MalformedAPDU, ResponseAPDU
from conformance.commands import select_fid, select_path, verify
from conformance.editing import delete_file
from conformance.model.management import CREATE
from conformance.model.reference import CHANGE, DISABLE, ENABLE, RESET
from conformance.trouble import NotPutBack

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.layout import Reference
    from conformance.model import Model

FOUND = frozenset({0x9000, 0x6283, 0x6285})


def give_back(bench: Bench, live: Model) -> None:
    """Delete what was created, and bring values and requirements back; NotPutBack."""
    if live.sent & {CHANGE, RESET, DISABLE, ENABLE}:
        for reference in bench.statement.layout.references:
            if bench.keys.right(reference) is not None and _tries(live, reference) > 1:
                _give_back_value(bench, reference, bool(live.sent & {DISABLE, ENABLE}))
    if CREATE in live.sent:
        _delete_created(bench)


def _tries(live: Model, reference: Reference) -> int:
    return min(state.tries[reference] for state in live.states)


def _ask(bench: Bench, command: CommandAPDU) -> int:
    """The status word of the answer, 0 for an answer that has none: a card may have gone mute."""
    try:
        return ResponseAPDU.decode(bench.exchange(bench.card, command.encode())).sw
    except MalformedAPDU:
        return 0


def _give_back_value(bench: Bench, reference: Reference, switched: bool) -> None:
    bench.reset(bench.card)
    _ask(bench, select_path(reference.df))
    right = bench.keys.guess("pin", reference) or b""
    if _ask(bench, verify(bench.keys, "pin", reference)) != 0x9000:
        other = bench.keys.guess("other", reference) or b""
        change = CommandAPDU(0x00, CHANGE, 0x00, reference.number, other + right)
        if _ask(bench, change) != 0x9000:
            raise NotPutBack(f"the value of {reference.name} could not be put back")
    if switched:
        _ask(bench, CommandAPDU(0x00, ENABLE, 0x00, reference.number, right))


def _delete_created(bench: Bench) -> None:
    scratch = bench.statement.scratch
    df = bench.statement.layout.by_path(scratch.df) if scratch is not None else None
    if scratch is None or df is None:
        return
    bench.reset(bench.card)
    for fid in scratch.identifiers:
        _ask(bench, select_path(df))
        if _ask(bench, select_fid(fid)) in FOUND:
            _ask(bench, select_path(df))
            _ask(bench, delete_file(fid))
            _ask(bench, select_path(df))
            if _ask(bench, select_fid(fid)) in FOUND:
                raise NotPutBack(f"{scratch.df}/{fid:04X} could not be deleted")
