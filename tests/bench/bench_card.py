"""How fast the card is: commands beside a bare dispatcher, fork, power-on, and many files.

Run by `make bench`, best on a machine that does nothing else. What is compared takes turns, and of
each the fastest turn counts, so that a slow moment does not fall on one side only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from itertools import cycle, islice

import pytest
from dispatcher import Dispatcher
from pytest_benchmark.fixture import BenchmarkFixture

from simcard.card import Card
from simcard.entropy import SeededEntropy
from simcard.memory import Flash
from simcard.memory.page import unseal
from simcard.profiles import Profile, build_card, load_profile
from simcard.profiles.schema import FileTable

OK = b"\x90\x00"
SELECT_APPLICATION = bytes.fromhex("00A4040C09F053494D4341524401")
SELECT_FILE = bytes.fromhex("00A4020C020001")
NEW_BYTES = (b"\xa5" * 64, b"\x5a" * 64)

COMMANDS = {
    "READ BINARY of 256 bytes": [bytes.fromhex("00B0000000")],
    "SELECT by file identifier": [SELECT_FILE],
    "READ RECORD": [bytes.fromhex("00B2011400")],
    "VERIFY": [bytes.fromhex("002000010431323334")],
    "UPDATE BINARY of 64 bytes": [bytes.fromhex("00D6003840") + new for new in NEW_BYTES],
}
"""Each update changes what it writes; each verification spends a try and gets it back."""
MORE_COMMANDS = {
    "SELECT by name": [SELECT_APPLICATION, SELECT_FILE],
    "APPEND RECORD to a cyclic EF": [bytes.fromhex("00E200380A") + new[:10] for new in NEW_BYTES],
    "CREATE FILE and DELETE FILE": [
        bytes.fromhex("00E000000C620A82010183021077800110"),
        bytes.fromhex("00E40000021077"),
    ],
}
READ_BINARY = next(iter(COMMANDS))
READ_BINARY_SHARE = 0.35
FORK_US = 20.0
MOUNT_US = 5_000.0
MANY_FILES_FACTOR = 1.25
"""What "flat" may cost from 10 files to 2,000: the caches of the processor are not ours."""
STRUCTURAL = {"CREATE FILE and DELETE FILE"}
"""Changes to the tree are not promised to be flat."""

Transmit = Callable[[bytes], bytes]
Find = Callable[[str, bool | None], None]


@lru_cache
def card_at_0001(files: int | None = None) -> Card:
    """The generic card, or one with exactly so many files, standing at 7F10/0001."""
    profile = load_profile("iso7816")
    card = build_card(profile if files is None else with_files(profile, files))
    card.power_on()
    assert card.transmit(SELECT_APPLICATION) == card.transmit(SELECT_FILE) == OK
    return card


def with_files(profile: Profile, count: int) -> Profile:
    """*profile* with its first ten files and small ones, a hundred in a DF, on a chip to match."""
    tables = profile.tables
    files = [*tables.file[:8], *(file for file in tables.file if file.path == "3F00/7F10/0007")]
    df = ""
    for number in range(count - len(files)):
        if number % 101 == 0:
            df = f"3F00/{0x5000 + number // 101:04X}"
            files.append(FileTable(path=df, type="df", access="directory"))
        else:
            path = f"{df}/{0x1000 + number % 101:04X}"
            files.append(FileTable(path=path, type="transparent", size=16, access="open"))
    memory = tables.memory.model_copy(update={"size": 65536 + 512 * count // 256 * 256})
    return Profile(tables.model_copy(update={"file": files, "memory": memory}), profile.source)


def fastest_us(
    turns: dict[str, tuple[Transmit, list[bytes]]], calls: int = 200, rounds: int = 200
) -> dict[str, float]:
    """Microseconds a command takes in the fastest of its turns."""
    fastest = dict.fromkeys(turns, float("inf"))
    for _ in range(rounds):
        for name, (transmit, commands) in turns.items():
            script = list(islice(cycle(commands), calls))
            start = time.perf_counter()
            for command in script:
                transmit(command)
            fastest[name] = min(fastest[name], (time.perf_counter() - start) / calls * 1e6)
    return fastest


def run(benchmark: BenchmarkFixture, transmit: Transmit, name: str) -> None:
    commands = cycle(COMMANDS[name])
    assert transmit(next(commands))[-2:] == OK
    benchmark.group = name
    benchmark(lambda: transmit(next(commands)))


@pytest.mark.parametrize("name", COMMANDS)
def test_dispatcher(benchmark: BenchmarkFixture, name: str) -> None:
    run(benchmark, Dispatcher().transmit, name)


@pytest.mark.parametrize("name", COMMANDS)
def test_card(benchmark: BenchmarkFixture, name: str, find: Find) -> None:
    card, dispatcher = card_at_0001().fork(), Dispatcher()
    run(benchmark, card.fork().transmit, name)
    commands = COMMANDS[name]
    fastest = fastest_us(
        {"card": (card.transmit, commands), "dispatcher": (dispatcher.transmit, commands)}
    )
    share = fastest["dispatcher"] / fastest["card"]
    met = share >= READ_BINARY_SHARE if name == READ_BINARY else None
    goal = "" if met is None else f", goal {READ_BINARY_SHARE}"
    find(
        f"{name}: {fastest['card']:.2f} us, {share:.3f} of the dispatcher's rate "
        f"({fastest['dispatcher']:.2f} us){goal}",
        met,
    )


def test_fork(benchmark: BenchmarkFixture, find: Find) -> None:
    card = card_at_0001()
    assert card.flash.geometry.size == 64 * 1024
    benchmark(card.fork)
    median = benchmark.stats.stats.median * 1e6
    find(f"fork of a 64 KiB card: {median:.1f} us median, goal {FORK_US}", median <= FORK_US)


def test_power_on_with_200_files(benchmark: BenchmarkFixture, find: Find) -> None:
    """From an image, with nothing remembered of its pages."""
    card = card_at_0001(200)
    image = card.flash.image()

    def unpowered() -> tuple[tuple[Card], dict[str, object]]:
        unseal.cache_clear()
        return (Card(card.settings, Flash.open(bytearray(image)), SeededEntropy(0)),), {}

    benchmark.pedantic(lambda card: card.power_on(), setup=unpowered, rounds=200)
    median = benchmark.stats.stats.median * 1e6
    find(
        f"power-on with 200 files: {median:.0f} us median, goal {MOUNT_US:.0f}", median <= MOUNT_US
    )


@pytest.mark.parametrize("name", COMMANDS | MORE_COMMANDS)
def test_many_files(benchmark: BenchmarkFixture, name: str, find: Find) -> None:
    commands = (COMMANDS | MORE_COMMANDS)[name]
    cards = {files: card_at_0001(files).fork() for files in (10, 2_000)}
    for card in cards.values():
        assert all(card.transmit(command)[-2:] == OK for command in commands)
        benchmark.group = "2,000 files"
    many = cycle(commands)
    benchmark(lambda: cards[2_000].transmit(next(many)))
    turns = {str(files): (card.transmit, commands) for files, card in cards.items()}
    few, many_us = fastest_us(turns, calls=len(commands) * 50, rounds=100).values()
    flat = name not in STRUCTURAL
    find(
        f"{name}: {few:.2f} us with 10 files, {many_us:.2f} us with 2,000",
        many_us <= few * MANY_FILES_FACTOR if flat else None,
    )
