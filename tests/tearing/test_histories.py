from __future__ import annotations

from pathlib import Path

import pytest

from simcard.apdu import Command
from simcard.profiles import build_card, load_profile
from simcard.script import Action
from simcard.tearing.histories import history

KEYED = str(Path(__file__).parents[1] / "card" / "keyed.toml")
WRITING = {
    *(0xD0, 0xD6, 0x0E),
    *(0xD2, 0xDC, 0xE2, 0x0C),
    0xDA,
    *(0x20, 0x24, 0x2C, 0x26, 0x28),
    *(0xE0, 0xE4, 0x04, 0x44, 0xE8),
}


def test_a_history_is_the_same_for_ever() -> None:
    profile = load_profile("iso7816")
    assert history(profile, 3, 5) == history(profile, 3, 5)
    assert history(profile, 3, 5) != history(profile, 3, 6) != history(profile, 4, 6)


@pytest.mark.parametrize("name", ["iso7816", KEYED])
def test_the_histories_write_with_every_command_that_can(name: str) -> None:
    """Each of them succeeds often enough, and some writes take several pages."""
    profile = load_profile(name)
    wanted = WRITING | ({0x82} if name == KEYED else set())
    wrote: dict[int, list[int]] = {ins: [] for ins in wanted}
    resets = 0
    for number in range(1, 151):
        card = build_card(profile)
        card.power_on()
        for step in history(profile, 1, number):
            if step.action is not Action.COMMAND:
                card.reset()
                resets += 1
                continue
            before = card.flash.writes
            card.transmit(step.apdu)
            assert card.fault is None
            ins = Command.parse(step.apdu).ins
            if card.flash.writes > before:
                wrote[ins].append(card.flash.writes - before)
    assert resets
    assert {ins: len(counts) for ins, counts in wrote.items() if len(counts) < 3} == {}
    assert max(wrote[0xD6]) >= 4
