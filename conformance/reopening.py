"""Opening files again to write them back: PINs, proofs of keys, and the MAC a line asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.commands import select_path, update_binary
from conformance.custody import ACCEPTED
from conformance.guard import Refused
from conformance.layout import Kind
from conformance.model import Model
from conformance.model.pboc.proofs import key_near
from conformance.proving import opening_key, prove, sealed
from conformance.reproving import give_back_operations
from conformance.returning import ask, give_value
from conformance.terminal import Terminal, Violation

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU
    from conformance.bench import Bench
    from conformance.family import CardKey
    from conformance.layout import ElementaryFile, Reference
    from conformance.returning import Report

SEALED = 0x04
"""The class of a command whose data end with a MAC."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An EF to be read and written, with the references that open it."""

    bench: Bench
    ef: ElementaryFile
    needed: set[Reference]

    def enter(self) -> None:
        """Reset, select the EF, and verify the references."""
        self.bench.reset(self.bench.card)
        ask(self.bench, select_path(self.ef.parent))
        for reference in sorted(self.needed, key=lambda one: one.number):
            give_value(self.bench, reference)
        ask(self.bench, select_path(self.ef))

    def write(self, command: CommandAPDU) -> bool:
        """Send the update, with the proof and the MAC that the EF asks for; it is current after.

        Whether it was accepted.
        """
        if not self.ef.line:
            return ask(self.bench, command).sw == ACCEPTED
        accepted = False
        terminal = _terminal(self.bench)
        try:
            key = _line_key(terminal, self.ef)
            opener = opening_key(terminal, self.ef)
            terminal.send(select_path(self.ef.parent))
            if key is not None and opener is not None:
                terminal.send(prove(terminal, opener))
                ask(self.bench, select_path(self.ef))
                command = sealed(terminal, key, _header(command), command.data)
                accepted = terminal.send(command).sw == ACCEPTED
        except (Violation, Refused):
            accepted = False
        ask(self.bench, select_path(self.ef))
        return accepted


def _header(command: CommandAPDU) -> tuple[int, int, int, int]:
    return SEALED, command.ins, command.p1, command.p2


def _terminal(bench: Bench) -> Terminal:
    bench.reset(bench.card)
    return Terminal(bench, bench.card, Model(bench.statement, bench.keys))


def _line_key(terminal: Terminal, ef: ElementaryFile) -> CardKey | None:
    pboc = terminal.statement.pboc
    key = key_near(pboc, ef.parent, "line", 0) if pboc is not None else None
    return key if key is not None and key.name in terminal.keys.secrets else None


def prove_spent(bench: Bench, live: Model, report: Report) -> None:
    """Prove each key that was tried wrongly, or use it on its line: that gives its tries back."""
    give_back_operations(bench, live, report)
    pboc = bench.statement.pboc
    spent = {
        key
        for state in live.states
        if state.family is not None
        for key, left in state.family.tries.items()
        if left < key.tries
    }
    for key in (one for one in (pboc.key if pboc is not None else ()) if one in spent):
        if key.type == "external" and key.name in bench.keys.secrets:
            report.told(f"the tries of {key.name}", succeeded=_proven(bench, key))
        elif key.type == "line" and key.name in bench.keys.secrets:
            _use_line(bench, key, report)


def _use_line(bench: Bench, key: CardKey, report: Report) -> None:
    """Write a byte that is there into an EF under the key, with the right MAC."""
    for ef in bench.statement.layout.elementary(Kind.TRANSPARENT):
        if ef.line and ef.writable and ef.parent.path == key.df and bench.stocked(ef):
            held = bench.baseline.contents[ef][0].value[:1]
            accepted = Opened(bench, ef, set()).write(update_binary(0, held))
            report.told(f"the tries of {key.name}", succeeded=accepted)
            return


def _proven(bench: Bench, key: CardKey) -> bool:
    terminal = _terminal(bench)
    df = terminal.layout.by_path(key.df)
    assert df is not None, "a key that was tried lies under a DF of the statement"
    try:
        terminal.send(select_path(df))
        return terminal.send(prove(terminal, key)).sw == ACCEPTED
    except (Violation, Refused):
        return False
