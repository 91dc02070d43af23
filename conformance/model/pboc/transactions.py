"""INITIALIZE of every purse transaction, GET BALANCE, GET TRANSACTION PROOF, and the log.

PBOC 2.0 part 2 and the FMCOS manual. Where several conditions refuse INITIALIZE at once, any of
their status words will do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.model.addressing import refusal, refused, staying
from conformance.model.outcome import EXACT_LENGTH, MORE_DATA, Outcome, Ruling, Suspect, words
from conformance.model.pboc import formulas
from conformance.model.pboc.completion import (
    AREA,
    CACHE,
    CREDIT,
    DEBIT,
    LIMIT,
    anything,
    cache,
    complete,
)
from conformance.model.pboc.fields import Part, Parts
from conformance.model.pboc.proofs import family_of, security_state
from conformance.model.pboc.state import BY_CODE, KINDS, OVERDRAW, Kind, Pending

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU, ResponseAPDU
    from conformance.family import CardKey, PbocTable, PurseTable
    from conformance.keys import Keys
    from conformance.model.pboc.state import Holding
    from conformance.model.state import State
    from conformance.statement import Statement

INITIALIZE, PROOF, BALANCE = 0x50, 0x5A, 0x5C
COMPLETING = frozenset({CREDIT, DEBIT, LIMIT})
WRONG_P1_P2 = words(0x6A86, 0x6A81, 0x6B00, 0x6A88)
NO_PURSE = words(0x6A82, 0x6A83, 0x6985, 0x9403, 0x6A86)
CLOSED = words(0x6982, 0x6985)
FUNDS = words(0x9401)
UNKNOWN_KEY = words(0x9403, 0x6A88)
LENGTH = words(0x6700, 0x6A80)
SHORT = words(0x6700) | EXACT_LENGTH | MORE_DATA


def ruling(
    card: Statement, pboc: PbocTable, keys: Keys, state: State, command: CommandAPDU
) -> Ruling | None:
    """The ruling of a purse command, None when the command is none."""
    if not pboc.purse:
        return None
    if command.ins in COMPLETING:
        return complete(pboc, keys, state, command)
    if command.ins == CACHE:
        return cache(card, pboc, state, command)
    ended = replace(state, family=replace(family_of(state), pending=None))
    rule = {INITIALIZE: _initialize, PROOF: _proof, BALANCE: _balance}.get(command.ins)
    return None if rule is None else rule(pboc, keys, ended, command)


def _balance(pboc: PbocTable, _keys: Keys, state: State, command: CommandAPDU) -> Ruling:
    if command.p1 or command.p2 not in {1, 2}:
        return refused(f"{AREA}/reserved-p1-p2", WRONG_P1_P2, state)
    purse = pboc.purse_of(state.df.path, command.p2)
    if purse is None:
        return refused(f"{AREA}/no-purse", NO_PURSE, state)
    if security_state(state) not in purse.states:
        return refused(f"{AREA}/balance-closed", CLOSED, state)
    if command.ne is None or (command.ne != 4 and not command.all_available):
        return anything(state)
    family = family_of(state)
    holding = family.holding(purse)

    def learn(response: ResponseAPDU) -> State:
        seen = holding.seen(int.from_bytes(response.data, "big"))
        return replace(state, family=family.with_holding(purse, seen))

    shown = Part.number(holding.before or f"{AREA}/balance-shown", 4, holding.balance)
    plain = Outcome(f"{AREA}/balance-shown", words(0x9000), learn, Parts((shown,)))
    return Ruling((plain,), (Suspect(f"{AREA}/balance-shown", CLOSED),))


def _proof(pboc: PbocTable, _keys: Keys, state: State, command: CommandAPDU) -> Ruling:
    kind = BY_CODE.get(command.p2)
    if command.p1 or kind is None:
        return refused(f"{AREA}/reserved-p1-p2", WRONG_P1_P2, state)
    purse = pboc.purse_of(state.df.path, kind.purse)
    if purse is None:
        return refused(f"{AREA}/no-purse", NO_PURSE, state)
    if security_state(state) not in purse.states:
        return refused(f"{AREA}/balance-closed", CLOSED, state)
    if len(command.data) != 2:
        return refused(f"{AREA}/length", LENGTH, state)
    held = family_of(state).proofs.get((purse, command.p2))
    asked = int.from_bytes(command.data, "big") - (pboc.proof_counter == "after")
    absent = refusal(f"{AREA}/proof-absent", words(0x9406), state)
    if command.ne is None or not (command.all_available or command.ne == 8):
        return anything(state)
    if held is None:
        free = Outcome(
            f"{AREA}/proof", words(0x9000), staying(state), Parts((Part(f"{AREA}/proof", 8),))
        )
        return Ruling((absent, free))
    if asked == held[0]:
        whole = Parts((Part.known(f"{AREA}/proof", held[1]),))
        return Ruling((Outcome(f"{AREA}/proof", words(0x9000), staying(state), whole),))
    return Ruling((absent,), (Suspect(f"{AREA}/proof-absent", words(0x9000)),))


def _initialize(pboc: PbocTable, keys: Keys, state: State, command: CommandAPDU) -> Ruling:
    kind = KINDS.get((command.p1, command.p2))
    if kind is None:
        return refused(f"{AREA}/reserved-p1-p2", WRONG_P1_P2, state)
    if len(command.data) != (7 if kind is OVERDRAW else 11):
        return refused(f"{AREA}/length", LENGTH, state)
    purse = pboc.purse_of(state.df.path, kind.purse)
    if purse is None:
        return refused(f"{AREA}/no-purse", NO_PURSE, state)
    amount = bytes(4) if kind is OVERDRAW else command.data[1:5]
    holding = family_of(state).holding(purse)
    key = next(
        (one for one in pboc.keys_of(kind.key, purse.df) if one.number == command.data[0]), None
    )
    refusals = []
    reached = security_state(state)
    if reached not in purse.states or (key is not None and reached not in key.states):
        refusals.append(refusal(f"{AREA}/initialize-closed", CLOSED, state))
    if key is None:
        refusals.append(refusal(f"{AREA}/key-unknown", UNKNOWN_KEY, state))
    covered, possible = _covered(kind, holding, int.from_bytes(amount, "big"))
    if covered is not None and not possible:
        refusals.append(refusal(f"{AREA}/{covered}", _refusing(covered), state))
    if refusals or key is None:
        return Ruling(tuple(refusals), (Suspect(refusals[0].requirement, words(0x9000)),))
    plain = _answer(pboc, keys, state, command, _Start(kind, purse, key, amount))
    outcomes = [plain]
    if covered is not None:
        outcomes.append(refusal(f"{AREA}/{covered}", _refusing(covered), state))
    if command.ne is None:
        outcomes = [refusal(f"{AREA}/length", SHORT, state)]
    return Ruling(tuple(outcomes), (Suspect(f"{AREA}/initialize-open", CLOSED),))


def _covered(kind: Kind, holding: Holding, amount: int) -> tuple[str | None, bool]:
    """Which requirement the amount may break, and whether it need not; (None, True) if neither."""
    balance, limit = holding.balance, holding.overdraw
    if kind is OVERDRAW or amount == 0:
        return None, True
    if kind.name == "load":
        if balance is None:
            return "load-overflow", True
        return ("load-overflow", False) if balance + amount > 0xFFFFFFFF else (None, True)
    rule = "unload-limit" if kind.name == "unload" else "funds"
    lent = limit if kind.name == "unload" else 0
    if balance is None or lent is None:
        return rule, True
    return (rule, False) if amount > balance - lent else (None, True)


def _refusing(covered: str) -> frozenset[int]:
    return words(0x6985, 0x6A80) if covered == "load-overflow" else FUNDS


class _Start:
    """What INITIALIZE was asked to begin."""

    def __init__(self, kind: Kind, purse: PurseTable, key: CardKey, amount: bytes) -> None:
        self.kind, self.purse, self.key, self.amount = kind, purse, key, amount


class _Begun:
    """The data rule of the answer; MAC1 depends on what comes before it in the same answer."""

    def __init__(self, parts: Parts, pending: _Reader, key: bytes | None, mac: int) -> None:
        self.parts, self.pending, self.key, self.mac = parts, pending, key, mac

    def fault(self, data: bytes) -> str | None:
        """The fields one by one, MAC1 last."""
        broken = self.parts.fault(data)
        if broken is not None or not self.mac:
            return broken
        begun = self.pending(data)
        if self.key is None:
            return None
        process = formulas.process_key(begun, self.key)
        if data[-4:] == formulas.first_mac(begun, process):
            return None
        return f"{AREA}/{begun.kind.name}-mac1"

    def __str__(self) -> str:
        return f"{self.parts}{', MAC1 right' if self.mac else ''}"


class _Reader:
    """Takes an answer to INITIALIZE apart."""

    def __init__(self, start: _Start, terminal: bytes, limit: int | None) -> None:
        self.start, self.terminal, self.limit = start, terminal, limit

    @property
    def shows_limit(self) -> bool:
        """Whether the overdraw limit is in the answer."""
        return not self.start.kind.online or self.start.kind is OVERDRAW

    def __call__(self, data: bytes) -> Pending:
        """The transaction begun by the answer *data*."""
        at = 9 if self.shows_limit else 6
        shown = int.from_bytes(data[6:9], "big") if self.shows_limit else self.limit or 0
        return Pending(
            self.start.kind,
            self.start.purse,
            self.start.key,
            self.start.amount,
            self.terminal,
            data[at + 2 : at + 6],
            int.from_bytes(data[4:6], "big"),
            int.from_bytes(data[:4], "big"),
            shown,
        )


def _answer(
    pboc: PbocTable, keys: Keys, state: State, command: CommandAPDU, start: _Start
) -> Outcome:
    kind, key, family = start.kind, start.key, family_of(state)
    holding = family.holding(start.purse)
    identifier = pboc.sm4_identifier if key.cipher == "SM4" else "00"
    reader = _Reader(start, command.data[-6:], holding.overdraw)
    counted = "load-counter" if kind.online else "purchase-counter"
    parts = [
        Part.number(holding.before or f"{AREA}/initialize-balance", 4, holding.balance),
        Part.number(f"{AREA}/{counted}", 2, holding.counter(kind)),
    ]
    if reader.shows_limit:
        parts.append(Part.number(f"{AREA}/initialize-overdraw", 3, holding.overdraw))
    named = bytes((key.version,)) + bytes.fromhex(identifier)
    parts.append(Part.known(f"{AREA}/initialize-key", named))
    parts.append(Part(f"{AREA}/random-fresh", 4, unlike=family.random))
    if kind.online:
        parts.append(Part(f"{AREA}/{kind.name}-mac1", 4))
    rule = _Begun(Parts(tuple(parts)), reader, keys.secrets.get(key.name), int(kind.online))

    def begin(response: ResponseAPDU) -> State:
        begun = reader(response.data)
        known = holding.seen(begun.balance)
        known = replace(
            known,
            online=begun.counter if kind.online else known.online,
            offline=known.offline if kind.online else begun.counter,
            overdraw=begun.overdraw if reader.shows_limit else known.overdraw,
        )
        after = replace(family.with_holding(start.purse, known), pending=begun, random=begun.random)
        return replace(state, family=after)

    return Outcome(f"{AREA}/{kind.name}-begins", words(0x9000), begin, rule)


def log(card: Statement, pboc: PbocTable, state: State, command: CommandAPDU) -> Ruling | None:
    """READ RECORD of a purse's log: the transactions of this history, the youngest first."""
    sfi, mode = command.p2 >> 3, command.p2 & 0x07
    ef = card.layout.by_sfi(state.df, sfi) if 0 < sfi < 31 else state.ef
    if ef is None or command.ins != 0xB2 or mode != 4 or not command.p1 or not ef.read.always:
        return None
    logged = any(one.df == state.df.path and one.log == ef.sfi for one in pboc.purse)
    records = family_of(state).logs.get((state.df.path, ef.sfi or 0), ())
    if not logged or command.p1 > min(len(records), ef.records):
        return None
    if command.ne is None or not (command.all_available or command.ne == ef.size):
        return None
    after = replace(state, ef=ef, record=None if ef is state.ef else 0)
    rule = f"{AREA}/{'log-youngest' if command.p1 == 1 else 'log-order'}"
    whole = Parts((Part.known(rule, records[command.p1 - 1]),))
    return Ruling((Outcome(rule, words(0x9000), staying(after), whole),))
