"""Whatever is sent to a card of the family, it answers; an error has changed nothing but tries."""

from __future__ import annotations

import random

import pytest
from pboc_issuer import blank_chip
from pboc_terminal import MODULE, PIN, PUBLIC, ok, powered, select

from simcard.card import Card

HISTORIES = 40
LENGTH = 60


def starting_points() -> dict[str, Card]:
    purse = powered("ssc3")
    select(purse, PUBLIC)
    ok(purse, PIN)
    module = powered("psam")
    select(module, MODULE)
    return {"purse": purse, "module": module, "bare": blank_chip()}


START = starting_points()
TYPES = bytes.fromhex("28 2A 2C 2E 2F 38 3F A8 E8 30 31 32 34 36 37 38 39 3A 3C 3D 3E F9 22 42")


def some_command(card: Card, chance: random.Random) -> bytes:
    """A command of the family that is nearly right: its length, its type byte, its P1-P2 likely."""
    ins = chance.choice([each.ins for each in card.settings.commands if each.proprietary])
    size = chance.choice((0, 1, 2, 4, 7, 11, 13, 14, 15, 19, 20, 21, 28, 36))
    data = chance.choice(TYPES).to_bytes(1, "big") + chance.randbytes(size)
    p1, p2 = chance.choice((0, 1, 3, 4, 5, 0x39, 0xEF, 0x48)), chance.choice((0, 1, 2, 6, 0x16))
    le = chance.choice((b"", b"\0", b"\x08"))
    head = bytes([chance.choice((0x80, 0x80, 0x84)), ins, p1, p2])
    return head + (bytes([len(data)]) + data if size else b"") + le


@pytest.mark.parametrize("start", START)
def test_it_answers_and_an_error_changes_nothing(start: str) -> None:
    chance = random.Random(start)
    for _ in range(HISTORIES):
        card = START[start].fork()
        for _ in range(LENGTH):
            command = some_command(card, chance)
            before, writes = card.fork(), card.flash.writes
            answer = card.transmit(command)
            assert card.fault is None, f"{command.hex()}: {card.fault!r}"
            if answer[0] not in (0x90, 0x61, 0x63, 0x65) and len(answer) == 2:
                counted = command[0] == 0x84 or command[1] == 0x5E
                assert card.flash.writes == writes or counted, command.hex()
            assert before.transmit(command) == answer
