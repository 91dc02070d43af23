"""Line protection: the MAC on one command, over the last challenge (FMCOS manual, class 04 and 84).

Judged are UPDATE BINARY of a file that asks for a MAC, PIN UNBLOCK, and the loading of a security
module's key; of other protected commands nothing is said here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.crypto import purses as crypto
from conformance.model import binary
from conformance.model.addressing import refused, staying
from conformance.model.outcome import Outcome, Ruling, Suspect, words
from conformance.model.pboc import module
from conformance.model.pboc.completion import anything
from conformance.model.pboc.proofs import NOT_NOW, family_of, key_near
from conformance.model.verification import BLOCKED

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU
    from conformance.family import CardKey, PbocTable
    from conformance.keys import Keys
    from conformance.layout import ElementaryFile
    from conformance.model.state import State
    from conformance.statement import Statement

AREA = "pboc/line-mac"
UPDATE, UNBLOCK, WRITE_KEY = 0xD6, 0x24, 0xD4
KEYS = {UPDATE: "line", UNBLOCK: "unblock", WRITE_KEY: "external"}
MAC = 4


def _updated(card: Statement, state: State, command: CommandAPDU) -> ElementaryFile | None:
    sfi = command.p1 & 0x1F if command.p1 & 0x80 else 0
    return card.layout.by_sfi(state.df, sfi) if sfi else state.ef


def needed(card: Statement, state: State, command: CommandAPDU) -> Ruling | None:
    """A plain UPDATE BINARY of a file that asks for line protection is refused."""
    if command.ins != UPDATE:
        return None
    ef = _updated(card, state, command)
    if ef is None or not ef.line:
        return None
    return refused(f"{AREA}/needed", words(0x6982, 0x6987, 0x6985), state)


def ruling(
    card: Statement, pboc: PbocTable, keys: Keys, state: State, command: CommandAPDU
) -> Ruling:
    """A command with class 04 or 84."""
    kind = KEYS.get(command.ins)
    key = key_near(pboc, state.df, kind, 0) if kind else None
    value = keys.secrets.get(key.name) if key else None
    family = family_of(state)
    used = replace(state, family=replace(family, challenge=b"", spent=family.challenge))
    if key is None or value is None or len(command.data) <= MAC or not _known(card, state, command):
        return anything(used)
    if not family.challenge:
        rule = "challenge-once" if family.spent else "no-challenge"
        return refused(f"{AREA}/{rule}", NOT_NOW | words(0x6988), used)
    if len(family.challenge) > (8 if key.cipher == "TDES" else 16):
        return anything(used)
    if not family.tries_of(key):
        return refused(f"{AREA}/blocked", BLOCKED, used)
    data, mac = command.data[:-MAC], command.data[-MAC:]
    covered = bytes((command.cla, command.ins, command.p1, command.p2, len(command.data))) + data
    if mac != crypto.line_mac(key.cipher, value, family.challenge, covered):
        return _wrong(pboc, used, key)
    kept = replace(used, family=family_of(used).with_tries(key, key.tries))
    return _right(_Opened(card, keys, kept, command, data, key, value))


def _known(card: Statement, state: State, command: CommandAPDU) -> bool:
    """Whether it is one of the commands that are judged."""
    if command.ins == UPDATE:
        ef = _updated(card, state, command)
        return command.cla == 0x04 and ef is not None and ef.line == "mac"
    return command.cla == 0x84


def _wrong(pboc: PbocTable, state: State, key: CardKey) -> Ruling:
    left = family_of(state).tries_of(key) - pboc.line_failures_count
    after = replace(state, family=family_of(state).with_tries(key, left))
    allowed = words(0x6988, 0x9302) | (words(0x6983) if not left else words())
    suspects = (Suspect(f"{AREA}/wrong-mac", words(0x9000)),)
    return Ruling((Outcome(f"{AREA}/wrong-mac", allowed, staying(after)),), suspects)


class _Opened:
    """A command whose MAC is right."""

    def __init__(
        self,
        card: Statement,
        keys: Keys,
        state: State,
        command: CommandAPDU,
        data: bytes,
        key: CardKey,
        value: bytes,
    ) -> None:
        self.card, self.keys, self.state, self.command = card, keys, state, command
        self.data, self.key, self.value = data, key, value


def _right(opened: _Opened) -> Ruling:
    state, command = opened.state, opened.command
    if command.ins == UPDATE:
        plain = replace(command, cla=0x00, data=opened.data)
        ruling = binary.update_binary(opened.card, state, plain)
        named = tuple(
            replace(one, requirement=f"{AREA}/right-mac") if one.words == words(0x9000) else one
            for one in ruling.outcomes
        )
        return Ruling(named, (Suspect(f"{AREA}/right-mac", words(0x6988)),))
    if command.ins == WRITE_KEY:
        return module.loaded(state, opened.key, opened.value, opened.data)
    return _unblocked(opened)


def _unblocked(opened: _Opened) -> Ruling:
    """PIN UNBLOCK: all tries are there again, and the PIN is the one that came enciphered."""
    state, layout = opened.state, opened.card.layout
    found = layout.references_at(state.df, opened.command.p2)[:1]
    value = opened.keys.right(found[0]) if found else None
    if not found or value is None:
        return anything(state)
    sealed = crypto.line_encipher(opened.key.cipher, opened.value, value)
    if opened.data != sealed:
        return anything(state)
    after = state.with_tries(found[0], found[0].tries)
    return Ruling((Outcome(f"{AREA}/unblock", words(0x9000), staying(after)),))
