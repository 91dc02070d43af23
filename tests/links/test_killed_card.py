"""`simcard serve --image` is killed at any moment: the card comes up, and what it said is true.

A hundred cards are served by children of one process that has imported everything already, so
that they cost seconds; each runs the command line as a `simcard` of its own does.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest
from fake_reader import Reader, Service

from simcard.card import Card
from simcard.links.image_file import opened_image
from simcard.profiles import build_card, load_profile

KILLS = 100
POWER_ON = b"\x01"
SELECT = bytes.fromhex("00A4040C09F053494D4341524401")
COUNTED = 2000
"""Bytes that every other update changes at once: nine pages in one transaction."""
OK = b"\x90\x00"

NURSERY = """
import json, os, sys
from simcard import cli

print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        sys.argv = ["simcard", *json.loads(line)]
        cli.main()
        os._exit(99)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


class Starter(Protocol):
    """Starts one `simcard` after the other."""

    def start(self, *arguments: str) -> int:
        """The process id of a new `simcard` with *arguments*."""

    def killed_by(self) -> int:
        """The signal that ended it, once it has ended."""


class Nursery:
    """Starts `simcard` in milliseconds."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, *arguments: str) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        return int(self.line())

    def killed_by(self) -> int:
        return int(self.line())

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


class Program:
    """Starts `simcard` as a program of its own."""

    def start(self, *arguments: str) -> int:
        self._process = subprocess.Popen([sys.executable, "-m", "simcard", *arguments])
        return self._process.pid

    def killed_by(self) -> int:
        return -self._process.wait()


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        nursery = Nursery(process)
        assert nursery.line() == "ready\n"
        yield nursery
        process.communicate()


class Numbers(NamedTuple):
    """What the card holds: the number all over the bytes, and the number in the youngest record."""

    in_bytes: int
    in_record: int


def numbers(card: Card) -> Numbers:
    """Power *card* on and read; an update that took effect in part is found here."""
    card.power_on()
    assert card.transmit(SELECT) == OK
    content = card.transmit(b"\x00\xb0\x86\x00\x00" + COUNTED.to_bytes(2, "big"))
    record = card.transmit(bytes.fromhex("00B2013C00"))
    assert content[-2:] == record[-2:] == OK
    everywhere = {content[at : at + 4] for at in range(0, COUNTED, 4)}
    assert len(everywhere) == 1, "an update took effect in part"
    return Numbers(int.from_bytes(everywhere.pop(), "big"), int.from_bytes(record[:4], "big"))


class Terminal:
    """Writes ever higher numbers, by turns over many bytes and into a new record."""

    def __init__(self, acknowledged: Numbers) -> None:
        self.acknowledged = acknowledged
        self.under_way = acknowledged
        self.updates = 0

    def work(self, reader: Reader, updates: int, then: Callable[[], None]) -> None:
        """Do *then* after so many *updates*, and go on until the card hangs up."""
        reader.say(POWER_ON)
        assert reader.ask(SELECT) == OK
        last = self.updates + updates
        while True:
            if self.updates == last:
                then()
            data = (max(self.acknowledged) + 1).to_bytes(4, "big")
            if self.updates % 2:
                self.under_way = self.acknowledged._replace(in_record=max(self.acknowledged) + 1)
                answer = reader.ask(b"\x00\xe2\x00\x38\x0a" + data + bytes(6))
            else:
                self.under_way = self.acknowledged._replace(in_bytes=max(self.acknowledged) + 1)
                head = b"\x00\xd6\x86\x00\x00" + COUNTED.to_bytes(2, "big")
                answer = reader.ask(head + data * (COUNTED // 4))
            assert answer == OK
            self.acknowledged = self.under_way
            self.updates += 1

    def check(self, card: Card) -> None:
        """What was acknowledged is there, and at most the one command that was under way."""
        found = numbers(card)
        assert found in (self.acknowledged, self.under_way)
        self.acknowledged = self.under_way = found


def kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


class Death(NamedTuple):
    """When a server is killed: that long after its start, or after so many updates."""

    delay_s: float
    updates: int | None = None


def serve_and_kill(starter: Starter, image: Path, death: Death, terminal: Terminal) -> None:
    """Serve the card of *image* to *terminal* and kill the server."""
    service = Service()
    arguments = ("--image", str(image), "--port", str(service.address[1]), "--quiet")
    server = starter.start("serve", *arguments)
    killer = threading.Timer(death.delay_s, kill, [server])
    if death.updates is None:
        killer.start()
        killer.join()
    else:
        with suppress(ConnectionError), closing(service.accept()) as reader:
            terminal.work(reader, death.updates, killer.start)
    killer.join()
    service.go_away()
    assert starter.killed_by() == signal.SIGKILL


def test_a_card_killed_a_hundred_times_keeps_what_it_has_acknowledged(
    nursery: Nursery, tmp_path: Path
) -> None:
    profile = load_profile("iso7816")
    image = tmp_path / "card.img"
    terminal = Terminal(numbers(build_card(profile)))
    chance = random.Random(3)
    for _ in range(KILLS):
        death = Death(chance.uniform(0.0, 0.1))
        if chance.random() < 0.8:
            death = Death(chance.uniform(0.0, 0.003), chance.randrange(300))
        serve_and_kill(nursery, image, death, terminal)
        with opened_image(image, profile) as flash:
            terminal.check(build_card(profile, flash=flash))
    assert terminal.updates > 5_000


def test_a_program_killed_at_work_leaves_its_card_whole(tmp_path: Path) -> None:
    profile = load_profile("iso7816")
    image = tmp_path / "card.img"
    terminal = Terminal(numbers(build_card(profile)))
    for updates in (50, 77):
        serve_and_kill(Program(), image, Death(0.0005, updates), terminal)
        with opened_image(image, profile) as flash:
            terminal.check(build_card(profile, flash=flash))
    assert terminal.updates >= 127
