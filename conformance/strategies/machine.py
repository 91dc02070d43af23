"""Histories of commands of chosen kinds, in any order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import strategies
from conformance.guard import Refused
from conformance.layout import Kind
from conformance.strategies import further
from conformance.strategies.walk import Move, wander

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.strategies import Maker, Makers
    from conformance.strategies.dice import Dice
    from conformance.terminal import Terminal

RECORD_KINDS = (Kind.LINEAR_FIXED, Kind.LINEAR_VARIABLE, Kind.LINEAR_TLV, Kind.CYCLIC)
LONGEST = 30
"""Moves in one history."""
STRUNG = 5
"""Histories one behind the other on a card that cannot be copied, before it is put back."""
OTHERS_FOR_A_RESET = 4
"""How many of each other move are drawn for one reset there: most cards take long over it."""


@dataclass(frozen=True, slots=True)
class Stroll:
    """One history: what the guard does not let pass is left out of it."""

    terminal: Terminal

    def take(self, maker: Maker, dice: Dice) -> None:
        """Send the command, or those that belong together, that *maker* makes of *dice*."""
        made = maker(dice)
        for command in made if isinstance(made, tuple) else (made,):
            try:
                self.terminal.send(command)
            except Refused:
                continue


class Thread:
    """Hands out the terminal of each next history.

    A card that cannot be copied goes on from where the last one ended, which the model knows: it is
    put back and reset once for `STRUNG` of them.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._terminal: Terminal | None = None
        self._left = 0

    def next(self) -> Terminal:
        """A terminal for `LONGEST` moves; a new one behind a violation."""
        self._left -= 1
        if self._terminal is None or self._left < 0 or self._terminal.broken:
            self._terminal = self._bench.begin()
            self._left = 0 if self._bench.copies else STRUNG - 1
        self._terminal.met.clear()
        return self._terminal


def explore(bench: Bench, *kinds: str) -> None:
    """Run generated histories of the *kinds* of commands; the Violation of the first bad one.

    Kinds: select, binary, record, verify, reset, and read (the reading half of binary and record);
    files (that are created), records and parts (of those), channels, chains and changes of values.
    """
    moves: list[Move[Stroll]] = [_taking(maker) for maker in _makers(bench, kinds).values()]
    if "reset" in kinds:
        moves = moves if bench.copies else moves * OTHERS_FOR_A_RESET
        moves.append(lambda stroll, _dice: stroll.terminal.reset())
    thread = Thread(bench)
    wander(bench, lambda: Stroll(thread.next()), moves, LONGEST)


def _taking(maker: Maker) -> Callable[[Stroll, Dice], None]:
    return lambda stroll, dice: stroll.take(maker, dice)


def _makers(bench: Bench, kinds: tuple[str, ...]) -> Makers:
    """The makers of commands of *kinds*; one that two kinds have in common counts once."""
    layout = bench.statement.layout
    makers: Makers = {}
    if "select" in kinds:
        makers["select"] = strategies.selections(layout)
    if {"binary", "read"} & set(kinds):
        makers["read_binary"] = strategies.binary_reads(layout)
    if {"record", "read"} & set(kinds):
        makers["read_record"] = strategies.record_reads(layout)
    if "binary" in kinds:
        makers["update_binary"] = strategies.binary_updates(layout)
    if "record" in kinds:
        makers["update_record"] = strategies.record_updates(layout)
    if "verify" in kinds:
        makers |= strategies.verifications(layout, bench.keys)
    return makers | _further_makers(bench, kinds)


def _further_makers(bench: Bench, kinds: tuple[str, ...]) -> Makers:
    """Those about created files, channels, chains and changed values, by other names."""
    statement = bench.statement
    makers: Makers = {}
    if "files" in kinds:
        makers |= further.files(statement)
    if "records" in kinds:
        makers |= further.work(statement, *RECORD_KINDS)
    if "parts" in kinds:
        makers |= further.work(statement, Kind.TRANSPARENT)
        makers |= further.work(statement, Kind.DATA_OBJECTS)
    if "channels" in kinds:
        makers |= further.on_channels(statement, strategies.selections(statement.layout))
    if "chains" in kinds:
        makers |= further.chains(statement.layout)
    if "changes" in kinds:
        makers |= further.changes(bench.keys, statement.layout.references)
    return makers
