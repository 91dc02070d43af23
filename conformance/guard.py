"""What may be sent to a card at which risk level, decided on each outgoing command by a table.

A case cannot get round the guard: the bench asks it about every command, the generated ones
included. Whatever the table does not know is `destroy`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU, MalformedAPDU
from conformance.layout import ElementaryFile, Kind
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.keys import Keys
    from conformance.layout import Layout
    from conformance.model import Model
    from conformance.model.state import Content, State

INTERINDUSTRY_CLASSES = 0x80
RISKS = {
    0x20: Risk.CONSUME,  # VERIFY; a right guess or none at all costs nothing, see below
    0x70: Risk.OBSERVE,  # MANAGE CHANNEL
    0x82: Risk.CONSUME,  # EXTERNAL AUTHENTICATE
    0x84: Risk.OBSERVE,  # GET CHALLENGE
    0x88: Risk.OBSERVE,  # INTERNAL AUTHENTICATE
    0xA4: Risk.OBSERVE,  # SELECT
    0xB0: Risk.OBSERVE,  # READ BINARY
    0xB1: Risk.OBSERVE,
    0xB2: Risk.OBSERVE,  # READ RECORD
    0xB3: Risk.OBSERVE,
    0xC0: Risk.OBSERVE,  # GET RESPONSE
    0xCA: Risk.OBSERVE,  # GET DATA
    0xCB: Risk.OBSERVE,
    0xD6: Risk.RESTORE,  # UPDATE BINARY
    0xDC: Risk.RESTORE,  # UPDATE RECORD
}
"""What the instruction costs at most. 6X and 9X are invalid on every card and cost nothing."""
INVALID = (0x60, 0x90)
READING = frozenset({0xA4, 0xB0, 0xB2})
"""Instructions that read in every dialect, also behind a proprietary class byte."""


class Refused(Exception):
    """The guard does not let the command pass; the text says why."""


@dataclass(frozen=True, slots=True)
class Guard:
    """The risk level of a run, applied to what the statement and the keys say."""

    risk: Risk
    layout: Layout
    keys: Keys

    def admit(self, raw: bytes, model: Model) -> None:
        """Let *raw* pass, or raise Refused."""
        needed, reason = self._needed(raw, model)
        if needed.rank > self.risk.rank:
            raise Refused(f"{reason}; that needs --risk {needed.value}")

    def _needed(self, raw: bytes, model: Model) -> tuple[Risk, str]:
        if len(raw) < 2 or raw[1] & 0xF0 in INVALID:
            return Risk.OBSERVE, "nothing happens"
        cla, ins = raw[0], raw[1]
        if cla & INTERINDUSTRY_CLASSES and ins not in READING:
            return Risk.DESTROY, f"nobody knows what {cla:02X} {ins:02X} does"
        try:
            command = CommandAPDU.decode(raw)
        except MalformedAPDU:
            return RISKS.get(ins, Risk.DESTROY), "a malformed command might be obeyed"
        if ins == 0x20:
            return self._verify(command, model)
        if ins in {0xD6, 0xDC}:
            return self._update(command, model)
        known = f"it may change the card ({ins:02X})"
        return RISKS.get(ins, Risk.DESTROY), known

    def _verify(self, command: CommandAPDU, model: Model) -> tuple[Risk, str]:
        """A wrong guess costs a try, and none is spent that goes below the floor."""
        if not command.data:
            return Risk.OBSERVE, "a question"
        worst = Risk.OBSERVE
        for state in model.states:
            for reference in self.layout.references_at(state.df, command.p2):
                if command.data == self.keys.right(reference):
                    continue
                worst = Risk.CONSUME
                left = state.tries[reference] - 1
                if left < reference.floor:
                    floor = f"below its floor of {reference.floor} tries"
                    return Risk.DESTROY, f"a wrong guess would bring {reference.name} {floor}"
        return worst, "a wrong guess costs a try"

    def _update(self, command: CommandAPDU, model: Model) -> tuple[Risk, str]:
        """Only files that the statement gives free are written, others with what they hold."""
        for state in model.states:
            ef = _addressed(self.layout, state, command)
            if ef is None or ef.writable or _unchanged(state, ef, command):
                continue
            return Risk.DESTROY, f"{ef.path} is not declared writable"
        return Risk.RESTORE, "it writes"


def _addressed(layout: Layout, state: State, command: CommandAPDU) -> ElementaryFile | None:
    in_p1 = command.p1 & 0x1F if command.p1 & 0x80 else 0
    sfi = command.p2 >> 3 if command.ins == 0xDC else in_p1
    return layout.by_sfi(state.df, sfi) if sfi else state.ef


def _unchanged(state: State, ef: ElementaryFile, command: CommandAPDU) -> bool:
    """Whether the command would write what is there, or cannot write for its structure."""
    contents: tuple[Content, ...] = state.contents[ef]
    if command.ins == 0xDC:
        if not ef.kind.has_records or not 0 < command.p1 <= ef.records:
            return not ef.kind.has_records
        content, offset = contents[command.p1 - 1], 0
    else:
        if ef.kind is not Kind.TRANSPARENT:
            return True
        content = contents[0]
        offset = command.p2 if command.p1 & 0x80 else command.p1 << 8 | command.p2
    known = content.known is None
    held = content.value[offset : offset + len(command.data)]
    return known and len(held) > 0 and command.data.startswith(held)
