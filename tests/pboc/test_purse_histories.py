"""Purse histories with the power cut at every page write and inside it: no value is made or lost.

SIMCARD_PURSE_TEARS is how many tear points are tried (default 1500; 20000 is the number that the
project claims, about a minute).
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest
from pboc_terminal import (
    MOMENT,
    PIN,
    PUBLIC,
    TERMINAL,
    balance,
    initialize,
    key_of,
    load_command,
    ok,
    oracle,
    powered,
    purchase_command,
    select,
    send,
)

from simcard.card import Card
from simcard.commands.pboc.purse import purchase
from simcard.files.purse import PurseContent
from simcard.memory import PowerCut, PowerLoss
from simcard.memory.power import Moment, Tear

POINTS = int(os.environ.get("SIMCARD_PURSE_TEARS", "1500"))
HISTORY = 12
JOURNEYS = "00B2{:02X}D400"


@dataclass(frozen=True)
class Deal:
    """A kind of transaction as both sides see it."""

    parameters: str
    code: int
    key: str
    purse: int
    sign: int

    @property
    def online(self) -> bool:
        return self.code in (1, 2, 3)


DEALS = (
    Deal("0002", 0x02, "load", 2, +1),
    Deal("0001", 0x01, "load", 1, +1),
    Deal("0102", 0x06, "purchase", 2, -1),
    Deal("0101", 0x05, "purchase", 1, -1),
    Deal("0302", 0x09, "purchase", 2, -1),
    Deal("0501", 0x03, "unload", 1, -1),
)


class Side:
    """A terminal and its host: what they believe of the card, from its answers alone."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self.enter()
        self.expected = {purse: balance(card, purse) for purse in (1, 2)}
        self.counters = {purse: self.counters_of(purse) for purse in (1, 2)}

    def enter(self) -> None:
        select(self.card, PUBLIC)
        ok(self.card, PIN)

    def counters_of(self, purse: int) -> tuple[int, int]:
        load, _ = initialize(self.card, f"00{purse:02X}", 0)
        pay, _ = initialize(self.card, f"01{purse:02X}", 0)
        return int.from_bytes(load[4:6], "big"), int.from_bytes(pay[4:6], "big")

    def begin(self, deal: Deal, amount: int, note: int) -> tuple[bytes, str]:
        """INITIALIZE, and the command that would complete it."""
        begun, sw = initialize(self.card, deal.parameters, amount)
        assert sw == 0x9000, f"{deal}: {sw:04X}"
        key = key_of("ssc2", "DF08", deal.key, 1)
        if deal.code == 0x03:
            process = oracle.load_key(key, begun[8:12], begun[4:6])
            covered = (amount.to_bytes(4, "big"), bytes([deal.code]), TERMINAL, MOMENT)
            return begun, "805403000B" + (MOMENT + oracle.mac(process, *covered)).hex() + "04"
        if deal.key == "load":
            return begun, load_command(key, begun, amount, deal.code)
        if deal.code == 0x09:
            for record in (1, 2):
                journey = bytes([record, 8]) + note.to_bytes(8, "big")
                ok(self.card, f"80DC{record:02X}D00A" + journey.hex())
        return begun, purchase_command(key, begun, amount, deal.code)

    def learns(self, deal: Deal, begun: bytes, amount: int) -> bool:
        """Whether the transaction took place, by GET TRANSACTION PROOF."""
        counter = int.from_bytes(begun[4:6], "big") + 1
        answer = send(self.card, f"805A00{deal.code:02X}02{counter:04X}08")
        assert answer.sw in (0x9000, 0x9406), f"{answer.sw:04X}"
        if answer.sw == 0x9000:
            self.expected[deal.purse] += deal.sign * amount
        return answer.sw == 0x9000

    def audit(self, deal: Deal, begun: bytes, happened: bool, note: int) -> None:
        """Value is conserved, counters are monotonic, log and records are on the same side."""
        for purse in (1, 2):
            assert balance(self.card, purse) == self.expected[purse]
            now, before = self.counters_of(purse), self.counters[purse]
            step = happened and purse == deal.purse
            expected = (before[0] + (step and deal.online), before[1] + (step and not deal.online))
            assert now == expected
        newest = send(self.card, "00B201C400")
        logged = newest.sw == 0x9000 and newest.data[:2] == begun[4:6]
        logged = logged and newest.data[9] == deal.code
        if happened:
            assert logged
        if deal.code == 0x09:
            notes = {ok(self.card, JOURNEYS.format(record))[2:] for record in (1, 2)}
            assert len(notes) == 1
            assert (notes == {note.to_bytes(8, "big")}) == happened


def cuts(writes: int, chance: random.Random) -> Iterator[PowerCut]:
    """Before, inside (in each way a page can be torn) and after every page write."""
    for write in range(1, writes + 1):
        yield PowerCut(write, Moment.BEFORE)
        yield PowerCut(write, Moment.AFTER)
        for tear in Tear:
            yield PowerCut(write, Moment.DURING, tear, chance.getrandbits(32))


def writes_of(card: Card, command: str) -> int:
    rehearsal = card.fork()
    before = rehearsal.flash.writes
    ok(rehearsal, command)
    return rehearsal.flash.writes - before


def torn(card: Card, command: str, cut: PowerCut) -> Card:
    """*card* after the power failed at *cut* and came back."""
    victim = card.fork()
    victim.flash.arm(cut)
    with suppress(PowerLoss):
        victim.transmit(bytes.fromhex(command))
    victim.flash.restore()
    victim.power_on()
    return victim


def try_history(seed: int) -> int:
    """One history, every transaction of it torn at every point: how many points there were."""
    chance = random.Random(seed)
    side, points = Side(powered("ssc2", seed)), 0
    for note in range(1, HISTORY + 1):
        deal, amount = chance.choice(DEALS), chance.randrange(1, 900)
        if deal.sign < 0 and amount > side.expected[deal.purse]:
            continue
        begun, command = side.begin(deal, amount, note)
        for cut in cuts(writes_of(side.card, command), chance):
            after = Side.__new__(Side)
            after.card = torn(side.card, command, cut)
            after.expected, after.counters = dict(side.expected), dict(side.counters)
            after.enter()
            happened = after.learns(deal, begun, amount)
            after.audit(deal, begun, happened, note)
            points += 1
        ok(side.card, command)
        assert side.learns(deal, begun, amount)
        side.audit(deal, begun, happened=True, note=note)
        side.counters = {purse: side.counters_of(purse) for purse in (1, 2)}
    return points


@pytest.mark.timeout(900)
def test_value_is_neither_made_nor_lost(record_property: Callable[[str, object], None]) -> None:
    points = seed = 0
    while points < POINTS:
        points += try_history(seed)
        seed += 1
    record_property("tear_points", points)


def test_the_audit_sees_a_debit_that_forgets_to_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purchase, "counted", lambda _kind, holding: holding)
    with pytest.raises(AssertionError):
        sum(map(try_history, range(3)))


def test_the_audit_sees_a_proof_that_is_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    book = PurseContent.book

    def early(self: PurseContent, *arguments: object) -> None:
        book(self, *arguments)  # type: ignore[arg-type]
        self._memory.commit()

    monkeypatch.setattr(PurseContent, "book", early)
    with pytest.raises(AssertionError):
        sum(map(try_history, range(3)))
