"""What may be sent to a card at which risk level, decided on each outgoing command by a table.

A case cannot get round the guard: the bench asks it about every command, the generated ones
included. Whatever the table does not know is `destroy`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU, MalformedAPDU
from conformance.familyguard import family_risk
from conformance.layout import ElementaryFile, File, Kind
from conformance.operationsguard import OPERATIONS, operation_risk
from conformance.tlv import MalformedTLV, parse
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.keys import Keys
    from conformance.layout import Layout
    from conformance.model import Model
    from conformance.model.state import Content, State

INTERINDUSTRY_CLASSES = 0x80
RISKS = {
    0x04: Risk.RESTORE,  # DEACTIVATE FILE
    0x0C: Risk.RESTORE,  # ERASE RECORD
    0x0E: Risk.RESTORE,  # ERASE BINARY
    0x0F: Risk.RESTORE,
    0x20: Risk.CONSUME,  # VERIFY; a right guess or none at all costs nothing, see below
    0x24: Risk.CONSUME,  # CHANGE REFERENCE DATA
    0x26: Risk.CONSUME,  # DISABLE VERIFICATION REQUIREMENT
    0x28: Risk.CONSUME,  # ENABLE VERIFICATION REQUIREMENT
    0x2C: Risk.CONSUME,  # RESET RETRY COUNTER
    0x44: Risk.RESTORE,  # ACTIVATE FILE
    0x70: Risk.OBSERVE,  # MANAGE CHANNEL
    0x82: Risk.CONSUME,  # EXTERNAL AUTHENTICATE
    0x84: Risk.OBSERVE,  # GET CHALLENGE
    0x88: Risk.OBSERVE,  # INTERNAL AUTHENTICATE
    0xA0: Risk.OBSERVE,  # SEARCH BINARY
    0xA1: Risk.OBSERVE,
    0xA2: Risk.OBSERVE,  # SEARCH RECORD
    0xA4: Risk.OBSERVE,  # SELECT
    0xB0: Risk.OBSERVE,  # READ BINARY
    0xB1: Risk.OBSERVE,
    0xB2: Risk.OBSERVE,  # READ RECORD
    0xB3: Risk.OBSERVE,
    0xC0: Risk.OBSERVE,  # GET RESPONSE
    0xCA: Risk.OBSERVE,  # GET DATA
    0xCB: Risk.OBSERVE,
    0xCC: Risk.OBSERVE,  # GET NEXT DATA
    0xD0: Risk.RESTORE,  # WRITE BINARY
    0xD2: Risk.RESTORE,  # WRITE RECORD
    0xD6: Risk.RESTORE,  # UPDATE BINARY
    0xD7: Risk.RESTORE,
    0xDA: Risk.RESTORE,  # PUT DATA
    0xDB: Risk.RESTORE,
    0xDC: Risk.RESTORE,  # UPDATE RECORD
    0xDD: Risk.RESTORE,
    0xE0: Risk.RESTORE,  # CREATE FILE, in the DF that the statement gives
    0xE2: Risk.RESTORE,  # APPEND RECORD
    0xE4: Risk.RESTORE,  # DELETE FILE, of what was created
}
"""What the instruction costs at most. 6X and 9X are invalid on every card and cost nothing."""
INVALID = (0x60, 0x90)
OFFSET, DATA = 0x54, 0x53
CREATED_ONLY = frozenset(
    {0x04, 0x0C, 0x0E, 0x0F, 0x44, 0xD0, 0xD2, 0xD7, 0xDA, 0xDB, 0xDD, 0xE0, 0xE2, 0xE4}
)
"""Instructions that are let pass for files only that the judge created and can delete."""
SWITCHES = frozenset({0x24, 0x26, 0x28, 0x2C})
_BY_FILE = frozenset({0x04, 0x44, 0xE4})
_ODD_REFERENCE = frozenset({0x0F, 0xD7})
_IN_P2 = frozenset({0x0C, 0xD2, 0xDD, 0xE2})
OPENING_SCP03 = frozenset({(0x80, 0x50), (0x84, 0x82)})
"""INITIALIZE UPDATE and EXTERNAL AUTHENTICATE, where the statement declares the channel."""
GENERAL_AUTHENTICATE = 0x86
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
        if model.card.messaging.scp03 and (cla, ins) in OPENING_SCP03:
            return Risk.CONSUME, "a wrong cryptogram costs a try"
        if model.card.messaging.pace and ins == GENERAL_AUTHENTICATE:
            return Risk.CONSUME, "a wrong password may cost a try"
        family = self._family(raw, model)
        if family is not None:
            return family
        if cla & INTERINDUSTRY_CLASSES and ins not in READING:
            return Risk.DESTROY, f"nobody knows what {cla:02X} {ins:02X} does"
        try:
            command = CommandAPDU.decode(raw)
        except MalformedAPDU:
            lasting = ins in CREATED_ONLY or ins in SWITCHES
            needed = Risk.DESTROY if lasting else RISKS.get(ins, Risk.DESTROY)
            return needed, "a malformed command might be obeyed"
        if ins == 0x20:
            return self._verify(command, model)
        if ins in {0xD6, 0xDC} or _replaced(command) is not None:
            return self._update(command, model)
        if ins in CREATED_ONLY:
            return self._created(command, model)
        if ins in SWITCHES:
            return self._change(command, model)
        if ins in OPERATIONS and model.card.operations is not None:
            return operation_risk(command, model)
        known = f"it may change the card ({ins:02X})"
        return RISKS.get(ins, Risk.DESTROY), known

    def _family(self, raw: bytes, model: Model) -> tuple[Risk, str] | None:
        """What the PBOC family says of it; what writes files is asked about them all the same."""
        try:
            command = CommandAPDU.decode(raw)
        except MalformedAPDU:
            return None
        found = family_risk(command, model)
        if found is None or found[0] is not Risk.CONSUME or command.ins != 0xD6:
            return found
        return max(found, self._update(command, model), key=lambda one: one[0].rank)

    def _verify(self, command: CommandAPDU, model: Model) -> tuple[Risk, str]:
        """A wrong guess costs a try, and none is spent that goes below the floor."""
        if not command.data:
            if model.card.features.verify_query:
                return Risk.OBSERVE, "a question"
            return Risk.DESTROY, "a card that does not declare verify_query may count it as a guess"
        worst = Risk.OBSERVE
        for state in model.states:
            for reference in self.layout.references_at(state.df, command.p2):
                if command.data == (state.values.get(reference) or self.keys.right(reference)):
                    continue
                worst = Risk.CONSUME
                left = state.tries[reference] - 1
                if left < reference.floor:
                    floor = f"below its floor of {reference.floor} tries"
                    return Risk.DESTROY, f"a wrong guess would bring {reference.name} {floor}"
        return worst, "a wrong guess costs a try"

    def _change(self, command: CommandAPDU, model: Model) -> tuple[Risk, str]:
        """A known value is changed for another, or its code tried, with tries above the floor."""
        for state in model.states:
            for reference in self.layout.references_at(state.df, command.p2):
                known = {self.keys.guess(kind, reference) for kind in ("pin", "other")}
                if None in known:
                    return Risk.DESTROY, f"the value of {reference.name} is not known"
                changes = command.ins == 0x24 or (command.ins == 0x2C and command.p1 != 1)
                if changes and not any(value and command.data.endswith(value) for value in known):
                    return Risk.DESTROY, f"nobody could change {reference.name} back"
                spent = {reference.name, reference.unblocked_by}
                for one in self.layout.references:
                    if one.name in spent and state.tries[one] - 1 < one.floor:
                        return Risk.DESTROY, f"{one.name} has no tries above its floor"
        return Risk.CONSUME, "it changes reference data"

    def _created(self, command: CommandAPDU, model: Model) -> tuple[Risk, str]:
        """Only files that the judge created are written in ways that cannot be undone."""
        for state in model.states:
            layout = state.layout or self.layout
            if command.ins == 0xE0:
                scratch = model.card.scratch
                if scratch and state.df in (layout.by_path(scratch.df), *state.created):
                    continue
                return Risk.DESTROY, f"{state.df.path} is not the DF given for files of the judge"
            for file in _concerned(layout, state, command):
                if file not in state.created:
                    return Risk.DESTROY, f"{file.path} was not created by the judge"
        return Risk.RESTORE, "it writes"

    def _update(self, command: CommandAPDU, model: Model) -> tuple[Risk, str]:
        """Only files that the statement gives free are written, others with what they hold."""
        for state in model.states:
            ef = _addressed(state.layout or self.layout, state, command)
            if ef is None or ef.writable or _unchanged(state, ef, command):
                continue
            return Risk.DESTROY, f"{ef.path} is not declared writable"
        return Risk.RESTORE, "it writes"


def _addressed(layout: Layout, state: State, command: CommandAPDU) -> ElementaryFile | None:
    if command.ins in _ODD_REFERENCE:
        file = _one_concerned(layout, state, command)
        return file if isinstance(file, ElementaryFile) else None
    in_p1 = command.p1 & 0x1F if command.p1 & 0x80 else 0
    sfi = command.p2 >> 3 if command.ins == 0xDC else in_p1
    return layout.by_sfi(state.df, sfi) if sfi else state.ef


def _concerned(layout: Layout, state: State, command: CommandAPDU) -> tuple[File, ...]:
    """The files that *command* might change; none when there is nothing to change."""
    if command.ins in _BY_FILE and command.data:
        fid = int.from_bytes(command.data[-2:], "big")
        near = (file for file in layout.children(state.df) if file.fid == fid)
        found = tuple(near) if command.p1 in {0, 1, 2} else ()
        return found or tuple(file for file in layout.files if file.fid == fid)
    file = _one_concerned(layout, state, command)
    return () if file is None else (file,)


def _one_concerned(layout: Layout, state: State, command: CommandAPDU) -> File | None:
    """The file that *command* would change, None when there is none."""
    if command.ins in _BY_FILE:
        return state.ef or state.df
    if command.ins in _ODD_REFERENCE:
        number = command.p1 << 8 | command.p2
        if number > 30:
            found = (file for file in layout.children(state.df) if file.fid == number)
            return next(found, None)
        return layout.by_sfi(state.df, number) if number else state.ef
    if command.ins in _IN_P2:
        sfi = command.p2 >> 3
        return layout.by_sfi(state.df, sfi) if sfi else state.ef
    if command.ins in {0xDA, 0xDB}:
        return state.ef or state.df
    return _addressed(layout, state, command)


def _replaced(command: CommandAPDU) -> tuple[int, bytes] | None:
    """Offset and bytes of UPDATE BINARY with the odd code that replaces as the even one does."""
    if command.ins != 0xD7:
        return None
    try:
        objects = parse(command.data)
    except MalformedTLV:
        return None
    if [one.tag for one in objects] != [OFFSET, DATA]:
        return None
    return int.from_bytes(objects[0].value, "big"), objects[1].value


def _unchanged(state: State, ef: ElementaryFile, command: CommandAPDU) -> bool:
    """Whether the command would write what is there, or cannot write for its structure."""
    contents: tuple[Content, ...] = state.contents[ef]
    data = command.data
    if command.ins == 0xDC:
        if not ef.kind.has_records or not 0 < command.p1 <= ef.records:
            return not ef.kind.has_records
        content, offset = contents[command.p1 - 1], 0
    else:
        if ef.kind is not Kind.TRANSPARENT:
            return True
        content = contents[0]
        offset = command.p2 if command.p1 & 0x80 else command.p1 << 8 | command.p2
        offset, data = _replaced(command) or (offset, data)
    known = content.known is None
    held = content.value[offset : offset + len(data)]
    return known and len(held) > 0 and data.startswith(held)
