"""Histories of commands for laws that hold on any card: written exchanges, and chance.

What the exchanges of `vectors/exchanges` send is a corpus of commands that mean something. A
history starts with a piece of one of them and goes on with commands taken from all of them: as
they are, with a byte changed, or put together anew; now and then with bytes that are no command.
"""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from simcard.apdu import Command
from simcard.card import Card
from simcard.commands.iso import ISO
from simcard.profiles import build_card, load_profile
from simcard.script import Action, Step, parse_script

HERE = Path(__file__).parent
KEYED = str(HERE / "keyed.toml")
FOLDERS = (Path(__file__).parents[2] / "vectors" / "exchanges" / "iso7816", HERE / "keyed")


def read_steps(script: Path) -> tuple[Step, ...]:
    return tuple(parse_script(script.read_text("utf-8").splitlines(), script.name))


SCRIPTS = [read_steps(script) for folder in FOLDERS for script in sorted(folder.glob("*.apdu"))]
SENT = sorted({step.apdu for script in SCRIPTS for step in script if step.apdu}, key=bytes.hex)

RESET, POWER = b"reset", b"power"
"""Two events of a history that are no commands."""

BYTE = st.integers(0, 255)
INTERESTING = st.sampled_from(
    [0x00, 0x01, 0x02, 0x03, 0x04, 0x08, 0x0C, 0x14, 0x3B, 0x80, 0x81, 0xFF]
)
LENGTH = st.sampled_from([None, 1, 2, 3, 16, 255, 256, 257, 65536])
BUILT = st.builds(
    Command,
    cla=st.sampled_from([0x00, 0x00, 0x00, 0x01, 0x02, 0x10, 0x0C, 0x80]),
    ins=st.sampled_from([declaration.ins for declaration in ISO]),
    p1=INTERESTING | BYTE,
    p2=INTERESTING | BYTE,
    data=st.binary(max_size=6) | st.sampled_from([command[5:] for command in SENT]),
    expected=LENGTH,
).map(bytes)


def with_byte(command: bytes, index: int, value: int) -> bytes:
    changed = bytearray(command)
    changed[index % len(command)] = value
    return bytes(changed)


AS_WRITTEN = st.sampled_from(SENT)
CHANGED = st.builds(with_byte, AS_WRITTEN, st.integers(0, 11), INTERESTING | BYTE)
CHAINED = AS_WRITTEN.map(lambda command: bytes([command[0] | 0x10]) + command[1:])
COMMANDS = st.one_of(AS_WRITTEN, AS_WRITTEN, CHANGED, BUILT, CHAINED, st.binary(max_size=9))
EVENTS = st.one_of(COMMANDS, COMMANDS, COMMANDS, COMMANDS, st.sampled_from([RESET, POWER]))


def events_of(script: tuple[Step, ...]) -> list[bytes]:
    names = {Action.RESET: RESET, Action.POWER: POWER}
    return [names.get(step.action, step.apdu) for step in script]


def around(script: tuple[Step, ...]) -> st.SearchStrategy[list[bytes]]:
    """A piece of *script*, then its own commands and others, as they are and changed."""
    written = events_of(script)
    own = st.sampled_from([event for event in written if event not in (RESET, POWER)])
    changed = st.builds(with_byte, own, st.integers(1, 11), INTERESTING | BYTE)
    return st.builds(
        lambda length, rest: written[:length] + rest,
        st.integers(0, len(written)),
        st.lists(st.one_of(own, changed, changed, EVENTS), max_size=12),
    )


HISTORIES = st.sampled_from(SCRIPTS).flatmap(around)

PROFILE = load_profile(KEYED)


def new_card(seed: int = 0) -> Card:
    """The generic card with keys, powered."""
    card = build_card(PROFILE, seed)
    card.power_on()
    return card


def perform(card: Card, event: bytes) -> bytes:
    """The response, or the answer to reset."""
    if event is RESET:
        return card.reset()
    if event is POWER:
        card.power_off()
        return card.power_on()
    return card.transmit(event)


def perform_all(card: Card, events: list[bytes]) -> list[bytes]:
    return [perform(card, event) for event in events]
