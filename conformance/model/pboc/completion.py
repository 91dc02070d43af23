"""The second command of a transaction: CREDIT, DEBIT, UPDATE OVERDRAW LIMIT, and the data cache.

PBOC 2.0 part 2: only the very next command completes what INITIALIZE began. A wrong MAC is answered
with 9302 (some cards: 6988) and changes nothing; a right one changes balance, counter, log and
proof, all of them together.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.crypto import purses as crypto
from conformance.model.addressing import refusal, refused, staying
from conformance.model.outcome import EXACT_LENGTH, MORE_DATA, Outcome, Ruling, Suspect, words
from conformance.model.pboc import formulas
from conformance.model.pboc.fields import Part, Parts
from conformance.model.pboc.proofs import family_of
from conformance.model.pboc.state import Pending

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU
    from conformance.family import PbocTable
    from conformance.keys import Keys
    from conformance.layout import ElementaryFile
    from conformance.model.state import State
    from conformance.statement import Statement

AREA = "pboc/purse"
CREDIT, DEBIT, LIMIT, CACHE = 0x52, 0x54, 0x58, 0xDC
NOT_BEGUN = words(0x6985, 0x6901, 0x6984)
WRONG_MAC = words(0x9302, 0x6988)
NAMES = {
    (CREDIT, 0x0000): frozenset({"load"}),
    (DEBIT, 0x0100): frozenset({"purchase", "composite"}),
    (DEBIT, 0x0300): frozenset({"unload"}),
    (LIMIT, 0x0000): frozenset({"overdraw"}),
}
"""What each completing command completes, by INS and P1-P2."""
SIZES = {"load": 11, "purchase": 15, "composite": 15, "unload": 11, "overdraw": 14}
GROWS = {"load": 1, "overdraw": 0, "unload": -1, "purchase": -1, "composite": -1}


def anything(state: State) -> Ruling:
    """The judge cannot know: it does not hold the keys, or nobody says."""
    free = frozenset(range(0x6100, 0x7000)) | frozenset(range(0x9000, 0xA000))
    return Ruling((Outcome("", free, staying(state), _Any()),))


class _Any:
    """Any data field."""

    def fault(self, _data: bytes) -> str | None:
        """None: nothing is wrong with any."""
        return None

    def __str__(self) -> str:
        return "any data"


def complete(pboc: PbocTable, keys: Keys, state: State, command: CommandAPDU) -> Ruling:
    """The ruling of a completing command; *state* still holds what was begun."""
    family = family_of(state)
    begun = family.pending
    ended = replace(state, family=replace(family, pending=None))
    completed = NAMES.get((command.ins, command.p1 << 8 | command.p2))
    if completed is None:
        return refused(f"{AREA}/reserved-p1-p2", words(0x6A86, 0x6A81, 0x6B00), ended)
    if not isinstance(begun, Pending) or begun.kind.name not in completed:
        outcomes = [refusal(f"{AREA}/pair-unbroken", NOT_BEGUN, ended)]
        if len(command.data) not in {SIZES[name] for name in completed}:
            outcomes.append(refusal(f"{AREA}/length", words(0x6700, 0x6A80), ended))
        return Ruling(tuple(outcomes))
    if len(command.data) != SIZES[begun.kind.name]:
        return refused(f"{AREA}/length", words(0x6700, 0x6A80), ended)
    value = keys.secrets.get(begun.key.name)
    if value is None:
        return anything(ended)
    return _judged(_Completion(pboc, keys, ended, command, begun, value))


class _Completion:
    """One completing command taken apart: what it should have said, and what it makes."""

    def __init__(
        self,
        pboc: PbocTable,
        keys: Keys,
        state: State,
        command: CommandAPDU,
        begun: Pending,
        value: bytes,
    ) -> None:
        self.pboc, self.state, self.command, self.begun = pboc, state, command, begun
        self.name = begun.kind.name
        fields, self.mac = command.data[:-4], command.data[-4:]
        moment, head = fields[-formulas.MOMENT :], fields[: -formulas.MOMENT]
        self.moment, limits = moment, self.name == "overdraw"
        self.counter = head if self.pays else b""
        self.amount = head if limits else begun.amount
        self.process = formulas.process_key(begun, value, self.counter)
        self.limit = int.from_bytes(head, "big") if limits else begun.overdraw
        moved = int.from_bytes(begun.amount, "big") * GROWS[self.name]
        self.after = begun.balance + moved + self.limit - begun.overdraw
        secret = keys.secrets.get(pboc.tac_key)
        cipher = next((key.cipher for key in pboc.key if key.name == pboc.tac_key), "TDES")
        self.tac = crypto.tac_key(cipher, secret) if secret else None

    @property
    def pays(self) -> bool:
        """Whether it is a purchase of some kind."""
        return self.name in {"purchase", "composite"}

    @property
    def right(self) -> bool:
        """Whether the MAC in the command is right."""
        wanted = formulas.host_mac(self.begun, self.process, self.amount, self.moment)
        return self.mac == wanted

    @property
    def answer(self) -> tuple[tuple[str, bytes | None], ...]:
        """The fields of the answer, by the last part of their requirement."""
        tac = self.tac
        if self.pays:
            made = tac and formulas.purchase_tac(self.begun, tac, self.counter, self.moment)
            mac2 = crypto.mac(self.process, self.begun.amount)
            return ("purchase-tac", made), ("purchase-mac2", mac2)
        key = self.process if self.name == "unload" else tac
        made = key and formulas.online_proof(self.begun, key, self.amount, self.moment, self.after)
        return ((f"{self.name}-{'mac3' if self.name == 'unload' else 'tac'}", made),)

    @property
    def proof(self) -> bytes | None:
        """What GET TRANSACTION PROOF answers afterwards, None when that cannot be known."""
        values = [value for _, value in self.answer]
        if any(value is None for value in values):
            return None
        known = [value for value in values if value is not None]
        return b"".join(known[::-1]) if self.pays else self.mac + known[0]


def _judged(done: _Completion) -> Ruling:
    state, begun = done.state, done.begun
    if not done.right:
        rule = f"{done.name}-wrong-mac" if done.name != "composite" else "purchase-wrong-mac"
        kept = _noted(state, begun, f"{AREA}/wrong-mac-keeps")
        suspects = (Suspect(f"{AREA}/{rule}", words(0x9000) | MORE_DATA),)
        return Ruling((refusal(f"{AREA}/{rule}", WRONG_MAC, kept),), suspects)
    if not 0 <= done.after <= 0xFFFFFFFF:
        return refused(f"{AREA}/overdraw-moves", words(0x6985, 0x9401), state)
    parts = Parts(tuple(Part(f"{AREA}/{name}", 4, value) for name, value in done.answer))
    rule = f"{AREA}/{done.name}-right-mac"
    plain = Outcome(rule, words(0x9000), staying(_booked(done)), parts)
    if done.command.ne is None or done.command.ne < sum(part.length for part in parts.parts):
        length = refusal(f"{AREA}/length", words(0x6700) | EXACT_LENGTH, state)
        cut = replace(plain, words=words(0x9000) | MORE_DATA, data=_Any())
        return Ruling((cut, length))
    return Ruling((plain,))


def _noted(state: State, begun: Pending, requirement: str) -> State:
    """The same state, with the note whose fault it is when balance or records change."""
    family = family_of(state)
    holding = replace(family.holding(begun.purse), before=requirement)
    state = replace(state, family=family.with_holding(begun.purse, holding))
    for ef, index, data in begun.records:
        content = state.contents[ef][index].attempted(0, data)
        state = state.with_content(ef, index, content)
    return state


def _booked(done: _Completion) -> State:
    """Balance, counter, log, proof, and the records of a composite purchase, all at once."""
    begun, family = done.begun, family_of(done.state)
    before = family.holding(begun.purse).counted(begun.kind, begun.counter)
    effect = {"load": "load-credits", "overdraw": "overdraw-moves", "unload": "unload-debits"}
    rule = f"{AREA}/{effect.get(done.name, 'purchase-debits')}"
    holding = replace(before, overdraw=done.limit, before=rule).seen(done.after)
    for other, held in family.holdings.items():
        if other is not begun.purse:
            apart = replace(held, before=f"{AREA}/purses-apart")
            family = family.with_holding(other, apart)
    family = family.with_holding(begun.purse, holding)
    record = formulas.log_record(begun, done.limit, done.moment)
    place = (begun.purse.df, begun.purse.log)
    logged = (record, *family.logs.get(place, ()))
    family = replace(family, logs={**family.logs, place: logged})
    key = begun.purse, begun.kind.code
    proof = done.proof
    if proof is not None:
        family = replace(family, proofs={**family.proofs, key: (begun.counter, proof)})
    state = replace(done.state, family=family)
    for ef, index, data in begun.records:
        content = state.contents[ef][index].updated(0, data)
        content = replace(content, by=f"{AREA}/composite-writes")
        state = state.with_content(ef, index, content)
    return state


def cache(card: Statement, pboc: PbocTable, state: State, command: CommandAPDU) -> Ruling:
    """UPDATE CAPP DATA CACHE: the record is put aside for a composite purchase that was begun."""
    family = family_of(state)
    begun = family.pending
    ended = replace(state, family=replace(family, pending=None))
    if not isinstance(begun, Pending) or begun.kind.name != "composite":
        return refused(f"{AREA}/composite-outside", NOT_BEGUN, ended)
    sfi = command.p2 >> 3
    ef = card.layout.by_sfi(state.df, sfi) if 0 < sfi < 31 else None
    if ef is None or sfi != pboc.composite or command.p2 & 0x07 not in {0, 4}:
        allowed = words(0x6982, 0x6A82, 0x6A86)
        return refused(f"{AREA}/composite-other-file", allowed, ended)
    index = _index(ef, command)
    if index is None:
        return refused(f"{AREA}/composite-no-record", words(0x6A83), ended)
    held = replace(begun, records=(*begun.records, (ef, index, command.data)))
    kept = replace(state, family=replace(family, pending=held))
    return Ruling((Outcome(f"{AREA}/composite-cache", words(0x9000), staying(kept)),))


def _index(ef: ElementaryFile, command: CommandAPDU) -> int | None:
    by_number = command.p2 & 0x07 == 4
    for index, item in enumerate(ef.items):
        if command.p1 == (index + 1 if by_number else item.identifier):
            return index
    return None
