"""Faults thought up without knowledge of the suite, part one: the generic card (see BLIND.md)."""

from __future__ import annotations

from dataclasses import replace

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import (
    INS_READ_BINARY,
    INS_READ_RECORD,
    INS_SELECT,
    INS_VERIFY,
    OK,
    Puppet,
    fault,
    forgetful_reset,
)
from conformance.mutants.inside import (
    channel_of,
    give_back,
    is_refusal,
    reference_data,
    remember,
    session_of,
    state_of,
)
from conformance.tlv import DataObject, MalformedTLV, encode, parse

INS_CHANGE, INS_RESET_COUNTER, INS_CREATE, INS_DELETE = 0x24, 0x2C, 0xE0, 0xE4
INS_MANAGE_CHANNEL, INS_ACTIVATE, INS_DEACTIVATE, INS_PUT_DATA = 0x70, 0x44, 0x04, 0xDA
NOT_FOUND, NO_RECORD, NO_ROOM = b"\x6a\x82", b"\x6a\x83", b"\x6a\x84"
BY_PATH, RELATIVE_PATH = 0x08, 0x09
PREVIOUS = 3
CHAINED = 0x10
EXPANDED, ALL_OF, ONE_OF = 0xAB, 0xAF, 0xA0


@fault(
    "binary/blind-short-identifiers-of-another-df",
    INS_SELECT,
    INS_READ_BINARY,
    INS_CREATE,
    INS_DELETE,
    breaks="binary/read-by-sfi",
    reset=forgetful_reset,
)
def short_identifiers_of_another_df(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The table of short identifiers is not made anew when a path leads to an EF of another DF."""
    before = session_of(puppet, command)
    stale = f"short identifiers {channel_of(command)}"
    if command.ins == INS_READ_BINARY:
        old = puppet.notes.get(stale)
        if before is None or not command.p1 & 0x80 or old not in state_of(puppet).tree.files:
            return puppet.send(raw)
        remember(puppet, command, before._replace(df=old))
        answer = puppet.send(raw)
        after = session_of(puppet, command)
        assert after is not None
        remember(puppet, command, after._replace(df=before.df))
        return answer
    answer = puppet.send(raw)
    after = session_of(puppet, command)
    if before is None or after is None or is_refusal(answer):
        return answer
    if command.ins == INS_SELECT and command.p1 in {BY_PATH, RELATIVE_PATH} and after.ef:
        puppet.notes.setdefault(stale, before.df)
    else:
        puppet.notes.pop(stale, None)
    return answer


@fault("select/blind-walks-the-path", INS_SELECT, breaks="select/refusal-keeps-selection")
def walks_the_path(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """SELECT by path stands where the path broke off when the rest of it is not found."""
    answer = puppet.send(raw)
    if answer == NOT_FOUND and command.p1 in {BY_PATH, RELATIVE_PATH}:
        for end in range(len(command.data) - 2, 0, -2):
            part = replace(command, p2=0x0C, data=command.data[:end], ne=None)
            if not is_refusal(puppet.send(part.encode())):
                break
    return answer


@fault("record/blind-falls-off-the-front", INS_READ_RECORD, breaks="record/failed-keeps-pointer")
def falls_off_the_front(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The record pointer is counted down before the first record is asked for its previous one."""
    before = session_of(puppet, command)
    answer = puppet.send(raw)
    after = session_of(puppet, command)
    at_first = before is not None and before.record == 1 and before == after
    if answer == NO_RECORD and command.p2 == PREVIOUS and not command.p1 and at_first:
        assert after is not None
        remember(puppet, command, after._replace(record=0))
    return answer


def _tries_come_back(puppet: Puppet) -> bytes:
    for note in [note for note in puppet.notes if note.startswith("spent ")]:
        file = state_of(puppet).tree.files[int(note.removeprefix("spent "))]
        give_back(puppet, file, puppet.notes.pop(note))
    return puppet.card.reset()


@fault(
    "verify/blind-tries-of-a-change-come-back",
    INS_VERIFY,
    INS_CHANGE,
    INS_RESET_COUNTER,
    breaks="verify/counter-survives-reset",
    reset=_tries_come_back,
)
def tries_of_a_change_come_back(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The try that a wrong CHANGE REFERENCE DATA costs is kept in RAM until the next VERIFY."""
    answer = puppet.send(raw)
    file = reference_data(puppet, command)
    if file is None:
        return answer
    spent = f"spent {file.cell}"
    if command.ins == INS_CHANGE and not command.p1 and answer[:1] == b"\x63":
        puppet.notes[spent] = puppet.notes.get(spent, 0) + 1
    elif command.data:
        puppet.notes.pop(spent, None)
    return answer


@fault("access/blind-right-lost-below", INS_SELECT, breaks="access/status-survives-selection")
def right_lost_below(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A DF's own PIN is no longer verified as soon as a DF below that DF is current."""
    before = session_of(puppet, command)
    answer = puppet.send(raw)
    after, files = session_of(puppet, command), state_of(puppet).tree.files
    if before is None or after is None or before.df == after.df:
        return answer
    if before.df != state_of(puppet).tree.root and files[after.df].parent == before.df:
        kept = frozenset(cell for cell in after.satisfied if files[cell].parent != before.df)
        remember(puppet, command, after._replace(satisfied=kept))
    return answer


@fault("file/blind-all-means-one", INS_CREATE, breaks="rules/expanded-refuses", standard="7816-9")
def all_means_one(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Of conditions in an AND template (AF) the first one that is met grants the access."""
    try:
        data = b"".join(_loosened(item, within=False) for item in parse(command.data))
    except MalformedTLV:
        return puppet.send(raw)
    return puppet.send(replace(command, data=data).encode())


def _loosened(item: DataObject, *, within: bool) -> bytes:
    """*item* with every AND template of its expanded attributes turned into an OR template."""
    inside = within or item.tag == EXPANDED
    if item.tag not in {0x62, EXPANDED, ALL_OF, ONE_OF}:
        return encode(item.tag, item.value)
    value = b"".join(_loosened(child, within=inside) for child in item.children)
    return encode(ONE_OF if within and item.tag == ALL_OF else item.tag, value)


def _both_reset(puppet: Puppet) -> bytes:
    if "before" in puppet.notes:
        puppet.notes["before"].reset()
    return puppet.card.reset()


@fault(
    "file/blind-deactivated-by-short-identifier",
    breaks="life-cycle/deactivated-closed",
    standard="7816-9",
    reset=_both_reset,
)
def deactivated_by_short_identifier(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """READ BINARY by short identifier does not look at the life cycle state of the EF."""
    if command.ins == INS_DEACTIVATE and "before" not in puppet.notes:
        before = puppet.card.fork()
        answer = puppet.send(raw)
        if answer == OK:
            puppet.notes["before"] = before
        return answer
    answer = puppet.send(raw)
    if "before" not in puppet.notes:
        return answer
    if command.ins == INS_ACTIVATE and answer == OK:
        del puppet.notes["before"]
        return answer
    if command.ins == INS_DEACTIVATE:
        return answer
    awake: bytes = puppet.notes["before"].transmit(raw)
    closed = command.ins == INS_READ_BINARY and command.p1 & 0x80 and answer == b"\x69\x85"
    return awake if closed else answer


@fault(
    "channel/blind-reopened-where-it-was",
    INS_MANAGE_CHANNEL,
    breaks="channel/starts-at-mf",
    reset=forgetful_reset,
)
def reopened_where_it_was(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A channel that is opened by its number finds the selection of before it was closed."""
    closing, number = command.p1 == 0x80, command.p2 or channel_of(command)
    before = state_of(puppet).sessions.get(number)
    answer = puppet.send(raw)
    if answer != OK:
        return answer
    sessions = state_of(puppet).sessions
    if closing and before is not None:
        puppet.notes[f"left {number}"] = (before.df, before.ef)
    elif not closing and command.p2:
        df, ef = puppet.notes.pop(f"left {number}", (None, None))
        if df in state_of(puppet).tree.files and (ef is None or ef in state_of(puppet).tree.files):
            sessions[number] = sessions[number]._replace(df=df, ef=ef)
    return answer


@fault(
    "chaining/blind-last-parameter-not-compared",
    breaks="chaining/other-command",
    reset=forgetful_reset,
)
def last_parameter_not_compared(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Of the header of a chain CLA, INS and P1 are compared; P2 is that of the first part."""
    header = (command.cla & ~CHAINED, command.ins, command.p1)
    *begun, p2 = puppet.notes.get("chain", (None, None))
    continues = begun == [header]
    if command.cla & CHAINED:
        puppet.notes["chain"] = (header, p2 if continues else command.p2)
    else:
        puppet.notes.pop("chain", None)
    answer = puppet.send(replace(command, p2=p2).encode() if continues else raw)
    if is_refusal(answer):
        puppet.notes.pop("chain", None)
    return answer


@fault("object/blind-old-value-gone-first", INS_PUT_DATA, breaks="object/put-full")
def old_value_gone_first(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """PUT DATA takes the old data object away before it finds that the new one does not fit."""
    answer = puppet.send(raw)
    if answer == NO_ROOM:
        puppet.send(replace(command, data=b"", ne=None, extended=False).encode())
    return answer
