"""What the tests of scenarios share: playing one in this process, and reading what was written."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from simcard.card import Card
from simcard.profiles import load_profile
from simcard.scenarios import SCENARIOS, Exchange, Outcome, Setting, cast, new_module, run

PROFILES = {2: "ssc2", 3: "ssc3"}
CASES = [
    (name, PROFILES[generation])
    for name, scenario in SCENARIOS.items()
    for generation in scenario.generations
]


@cache
def setting(profile: str) -> Setting:
    return Setting(load_profile(profile))


@cache
def play(name: str, profile: str) -> Outcome:
    world = setting(profile)
    scenario = SCENARIOS[name]
    return run(scenario, cast(scenario, world), new_module(world), world)


class Liar:
    """A card whose responses pass through *lie*, which gets command and response."""

    def __init__(self, card: Card, lie: Callable[[bytes, bytes], bytes]) -> None:
        self._card = card
        self._lie = lie

    def transmit(self, apdu: bytes, /) -> bytes:
        return self._lie(apdu, self._card.transmit(apdu))

    def reset(self) -> bytes:
        return self._card.reset()


def play_with_liar(name: str, profile: str, lie: Callable[[bytes, bytes], bytes]) -> Outcome:
    world = setting(profile)
    scenario = SCENARIOS[name]
    card = Liar(cast(scenario, world)["card"], lie)
    return run(scenario, card, new_module(world), world)


def conversation(outcome: Outcome) -> list[tuple[bytes, bytes]]:
    """Commands and whole response data, what was fetched put where it belongs; no hidden ones."""
    found: list[tuple[bytes, bytes]] = []
    for exchange in written(outcome):
        if exchange.command == "reset" or "**" in exchange.command:
            continue
        command, response = bytes.fromhex(exchange.command), bytes.fromhex(exchange.response)
        if command[1] == 0xC0:
            found[-1] = found[-1][0], found[-1][1] + response[:-2]
        else:
            found.append((command, response[:-2]))
    return found


def written(outcome: Outcome) -> list[Exchange]:
    return [exchange for step in outcome.steps for exchange in step.exchanges]
