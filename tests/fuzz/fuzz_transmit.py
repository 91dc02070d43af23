"""Fuzzing of `Card.transmit`: whatever comes, the card answers a status word and never falls over.

    python tests/fuzz/fuzz_transmit.py --minutes 10 [--seed N] [--profile P]

A history of commands is taken from the corpus (the written exchanges, and what lies in `corpus/`),
changed, and sent to a card. One that makes the card answer in a way not seen before joins the
corpus of this run, so that the changes go on from where it has led. A history that breaks a law is
cut down to the commands that matter and printed as a script that `simcard exchange` takes.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from simcard.apdu import Command
from simcard.card import Card
from simcard.profiles import build_card, load_profile, profile_names
from simcard.script import Action, parse_script
from simcard.status import PBOC, SW, CardError, meaning_of

ROOT: Final = Path(__file__).parents[2]
CORPUS: Final = Path(__file__).parent / "corpus"
FOLDERS: Final = (ROOT / "vectors" / "exchanges", CORPUS)
KEYED: Final = ROOT / "tests" / "card" / "keyed"
CPU_SECONDS_MAX: Final = 20
"""More than any command takes, key generation included."""

CHANGING: Final = frozenset({0x61, 0x63, 0x65, 0x90})
LINE_PROTECTION: Final = 0x04
WRONG_MAC: Final = frozenset({SW.SM_OBJECTS_INCORRECT.encoded, PBOC.WRONG_TRANSACTION_MAC.encoded})
UNKNOWN: Final = "status word of no known meaning"
RESET: Final = b""
INTERESTING: Final = bytes.fromhex(
    "00010203040508091011141F2021303F40507F8081848A8C90A0B0BFC0E0F0FEFF"
)
LENGTHS: Final = (None, 1, 2, 3, 5, 8, 127, 128, 255, 256, 257, 65535, 65536)


@dataclass(frozen=True)
class History:
    """Commands for a card of one profile; an empty one is a reset."""

    profile: str
    commands: tuple[bytes, ...]

    def script(self) -> str:
        said = (
            "reset" if command == RESET else f"> {command.hex().upper()}"
            for command in self.commands
        )
        return "\n".join([f"# profile {self.profile}", *said])


@dataclass(frozen=True)
class Failure:
    """A law that a history broke, and how."""

    history: History
    law: str


@dataclass
class Run:
    """What a run of the fuzzer has done, and what it found."""

    corpus: list[History]
    histories: int = 0
    commands: int = 0
    answers: set[tuple[str, bytes, int, int, int]] = field(default_factory=set)
    found: list[History] = field(default_factory=list)
    failure: Failure | None = None


class TookTooLong(BaseException):
    """A command that does not end."""


@contextmanager
def limited() -> Iterator[None]:
    """`TookTooLong` when the block takes more CPU time than any command needs."""

    def stop(*_: object) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS_MAX)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def read_corpus() -> list[History]:
    """Every script there is, each for the card its folder or its first line names.

    A profile without any begins with those of the generic card.
    """
    scripts = [path for folder in FOLDERS for path in sorted(folder.rglob("*.apdu"))]
    histories = []
    for path in [*scripts, *sorted(KEYED.glob("*.apdu"))]:
        text = path.read_text("utf-8")
        steps = parse_script(text.splitlines(), path.name)
        commands = tuple(
            RESET if step.action is not Action.COMMAND else step.apdu for step in steps
        )
        histories.append(History(_profile_of(path, text), commands))
    silent = set(profile_names()) - {history.profile for history in histories}
    generic = [each.commands for each in histories if each.profile == "iso7816"]
    return histories + [History(name, commands) for name in sorted(silent) for commands in generic]


def _profile_of(path: Path, text: str) -> str:
    if path.parent == KEYED:
        return str(KEYED.with_suffix(".toml"))
    if text.startswith("# profile "):
        return text.split()[2]
    return path.parent.name if path.parent.name in profile_names() else "iso7816"


class Cards:
    """A powered card of each profile, to be forked."""

    def __init__(self) -> None:
        self._cards: dict[str, Card] = {}

    def fresh(self, profile: str) -> Card:
        if profile not in self._cards:
            card = build_card(load_profile(profile))
            card.power_on()
            self._cards[profile] = card
        return self._cards[profile].fork()


def law_broken(card: Card, command: bytes) -> tuple[str | None, bytes]:
    """The law that the answer to *command* breaks, if it breaks one, and the answer."""
    if command == RESET:
        return (None if card.reset() == card.atr else "the answer to reset is another"), b""
    writes, before = card.flash.writes, content(card)
    try:
        response = card.transmit(command)
    except TookTooLong:
        return "the command does not end", b""
    except Exception as error:  # noqa: BLE001 - that there is none is what is tested
        return f"transmit raised {error!r}", b""
    if card.fault is not None:
        return f"6F00: {card.fault!r}", response
    if meaning_of(response) == UNKNOWN:
        return f"no status word that is known: {response.hex()}", response
    if len(response) > 2 and 0x64 <= response[-2] <= 0x6F:
        return f"data with an error: {response.hex()}", response
    changed = card.flash.writes != writes and content(card) != before
    if changed and not may_change_memory(card, command, response):
        return f"memory changed by {response.hex()}", response
    if len(response) - 2 > expected(command):
        return f"more data than Ne: {response.hex()}", response
    return None, response


def content(card: Card) -> bytes:
    """Every byte of memory, wherever it lies on the chip."""
    state = card._state
    return b"" if state is None else state.memory.read(0, state.memory.capacity)


def may_change_memory(card: Card, command: bytes, response: bytes) -> bool:
    """What SW1 says; but the PBOC family counts the failures of a key, whatever the answer is."""
    if card.settings.pboc is not None and (command[0] & LINE_PROTECTION or response in WRONG_MAC):
        return True
    return response[-2] in CHANGING


def expected(command: bytes) -> int:
    try:
        return Command.parse(command).ne
    except CardError:
        return 0


def perform(run: Run, cards: Cards, history: History) -> Failure | None:
    """Send *history*; what it finds joins the run."""
    card = cards.fresh(history.profile)
    with limited():
        return _perform(run, card, history)


def _perform(run: Run, card: Card, history: History) -> Failure | None:
    new = False
    before = 0
    for number, command in enumerate(history.commands):
        law, response = law_broken(card, command)
        run.commands += 1
        if law is not None:
            return Failure(History(history.profile, history.commands[: number + 1]), law)
        if response:
            word = int.from_bytes(response[-2:], "big")
            answer = (history.profile, command[1:2], word, min(len(response), 6), before)
            new = new or answer not in run.answers
            run.answers.add(answer)
            before = word
    run.histories += 1
    if new:
        run.found.append(history)
    return None


def minimised(cards: Cards, failure: Failure) -> Failure:
    """The failure with every command left out that it does without."""
    commands = list(failure.history.commands)
    position = len(commands) - 2
    while position >= 0:
        shorter = [*commands[:position], *commands[position + 1 :]]
        again = perform(Run([]), cards, History(failure.history.profile, tuple(shorter)))
        if again is not None and again.law == failure.law:
            commands = list(again.history.commands)
        position = min(position, len(commands) - 1) - 1
    return Failure(History(failure.history.profile, tuple(commands)), failure.law)


# Change


def changed_bytes(random: Random, data: bytes) -> bytes:
    """*data* with one piece replaced, taken out, put in or doubled."""
    start = random.randrange(len(data) + 1)
    end = min(len(data), start + random.choice((0, 1, 1, 1, 2, 4)))
    middle = random.choice(
        (
            b"",
            bytes([random.choice(INTERESTING)]),
            random.randbytes(random.choice((1, 1, 2, 8))),
            data[start:end] * 2,
        )
    )
    return data[:start] + middle + data[end:]


def changed(random: Random, command: bytes, other: bytes) -> bytes:
    """*command* with something else in it: bytes, header, data field, or lengths."""
    if command == RESET or random.random() < 0.15:
        return changed_bytes(random, command)
    try:
        parsed = Command.parse(command)
    except CardError:
        return changed_bytes(random, command)
    match random.randrange(7):
        case 0:
            parsed = parsed._replace(data=changed_bytes(random, parsed.data)[:2100])
        case 1:
            parsed = parsed._replace(
                expected=random.choice(LENGTHS), extended=random.random() < 0.3
            )
        case 2:
            parsed = parsed._replace(
                cla=parsed.cla ^ random.choice((0x10, 0x01, 0x02, 0x04, 0x0C, 0x80))
            )
        case 3:
            parsed = parsed._replace(p1=random.choice(INTERESTING))
        case 4:
            parsed = parsed._replace(p2=random.choice(INTERESTING) ^ random.choice((0, 0, 4, 8)))
        case 5:
            parsed = parsed._replace(ins=other[1] if len(other) > 1 else random.randrange(256))
        case 6:
            parsed = parsed._replace(data=other[5:])
    return bytes(parsed)


def varied(random: Random, run: Run) -> History:
    """A history of the corpus with commands changed, left out, doubled, and of others put in."""
    found = run.found[-200:]
    history = random.choice(found if found and random.random() < 0.5 else run.corpus)
    others = [random.choice(run.corpus) for _ in range(2)]
    commands = list(history.commands)
    for _ in range(random.choice((1, 1, 2, 3, 5))):
        other = random.choice(random.choice(others).commands or (RESET,))
        place = random.randrange(len(commands) + 1)
        match random.randrange(6):
            case 0:
                commands.insert(place, other)
            case 1:
                commands[place : place + 1] = []
            case 2:
                commands[place:place] = commands[place : place + 3]
            case _ if place < len(commands):
                commands[place] = changed(random, commands[place], other)
    return History(history.profile, tuple(commands[:40]))


def fuzz(seconds: float, seed: int = 0, profile: str | None = None) -> Run:
    """Fuzz for *seconds*; the run ends early with the first failure, minimised."""
    random, cards = Random(seed), Cards()
    corpus = read_corpus()
    run = Run([history for history in corpus if profile in (None, history.profile)])
    end = time.monotonic() + seconds
    waiting = list(run.corpus)
    while run.failure is None and (waiting or time.monotonic() < end):
        history = waiting.pop() if waiting else varied(random, run)
        failure = perform(run, cards, history)
        if failure is not None:
            run.failure = minimised(cards, failure)
    return run


def main() -> int:
    """The command line; 1 when a law was broken."""
    parser = argparse.ArgumentParser(description="Fuzz Card.transmit.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profile", choices=profile_names(), help="only cards of this profile")
    options = parser.parse_args()
    run = fuzz(60 * options.minutes, options.seed, options.profile)
    print(f"{run.histories} histories, {run.commands} commands, {len(run.answers)} kinds of answer")  # noqa: T201
    if run.failure is None:
        return 0
    print(f"{run.failure.law}\n{run.failure.history.script()}")  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main())
