"""What a command of the PBOC family costs a real card at most.

Questions, computations and INITIALIZE cost nothing. What completes a transaction moves value: a
purse that the statement gives free (`use = true`) gets its balance back, so that is `restore`; its
counters and log stay moved. A proof or a line MAC may cost a try of its key, which a right one
gives back: `consume`, down to the floor. Blocking, and whatever is not here, is `destroy`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.model.pboc.proofs import family_of, key_near
from conformance.model.pboc.state import Pending
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.apdu import CommandAPDU
    from conformance.family import PbocTable
    from conformance.model import Model

Verdict = tuple[Risk, str]
FREE = frozenset({0x50, 0x5A, 0x5C, 0xDC, 0x72, 0x1A, 0xFA})
"""INITIALIZE, GET TRANSACTION PROOF and BALANCE, the data cache; MAC2 and computations."""
MOVING = frozenset({0x52, 0x54})
LIMIT, SAM_PURCHASE, WRITE_KEY = 0x58, 0x70, 0xD4
EXTERNAL_AUTHENTICATE = 0x82
PROTECTED = {0xD6: "line", 0x24: "unblock", WRITE_KEY: "external"}


def family_risk(command: CommandAPDU, model: Model) -> Verdict | None:
    """The risk and its reason; None for a command of which ISO/IEC 7816-4 says what it costs."""
    pboc = model.card.pboc
    if pboc is None:
        return None
    if command.cla == 0x80:
        return _proprietary(pboc, command, model)
    if command.cla & 0x0F == 0x04 and command.cla & 0x70 == 0:
        return _protected(pboc, command, model)
    if command.ins == EXTERNAL_AUTHENTICATE and not command.cla:
        return _spends(pboc, model, "external", command.p2)
    return None


def _proprietary(pboc: PbocTable, command: CommandAPDU, model: Model) -> Verdict | None:
    if command.ins in FREE:
        return Risk.OBSERVE, "a question"
    if command.ins in MOVING or command.ins == LIMIT:
        level = Risk.CONSUME if command.ins == LIMIT else Risk.RESTORE
        return (level, "it moves value") if _free(pboc, model) else _closed("the purse")
    if command.ins == SAM_PURCHASE:
        free = pboc.module is not None and pboc.module.use
        return (Risk.RESTORE, "it counts a purchase") if free else _closed("the module")
    if command.ins == WRITE_KEY and pboc.module is not None and pboc.module.spare:
        return Risk.CONSUME, "it may load a key"
    return None


def _closed(what: str) -> Verdict:
    return Risk.DESTROY, f"the statement does not give {what} free (use = true)"


def _free(pboc: PbocTable, model: Model) -> bool:
    """Whether the purse of the transaction begun, or any where none is, may be used."""
    pending = [family_of(state).pending for state in model.states]
    begun = [one.purse for one in pending if isinstance(one, Pending)]
    return all(one.use for one in begun or pboc.purse) and bool(pboc.purse)


def _protected(pboc: PbocTable, command: CommandAPDU, model: Model) -> Verdict | None:
    kind = PROTECTED.get(command.ins)
    if kind is None:
        return None
    if command.ins == WRITE_KEY and not (pboc.module and pboc.module.spare):
        return _closed("a key")
    return _spends(pboc, model, kind, 0)


def _spends(pboc: PbocTable, model: Model, kind: str, number: int) -> Verdict | None:
    for state in model.states:
        key = key_near(pboc, state.df, kind, number)
        if key is not None and family_of(state).tries_of(key) - 1 < key.floor:
            return Risk.DESTROY, f"{key.name} has no tries above its floor"
    return Risk.CONSUME, "a wrong proof costs a try"
