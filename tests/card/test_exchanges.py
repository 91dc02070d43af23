"""The readable exchanges of `vectors/exchanges`: one promise each, held against the card.

Every command of the dialect has an example there and a refusal; one without is an orphan.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from simcard.apdu import CLASS_BYTES, Command
from simcard.commands.declaration import Declaration
from simcard.profiles import Profile, build_card, load_profile
from simcard.script import Action, Step, parse_script
from simcard.status import CardError

HERE = Path(__file__).parent
EXCHANGES = Path(__file__).parents[2] / "vectors" / "exchanges"
OWN_PROFILES = {"keyed": str(HERE / "keyed.toml")}
SCRIPTS = [*sorted(EXCHANGES.glob("*/*.apdu")), *sorted(HERE.glob("keyed/*.apdu"))]


@lru_cache
def profile_of(folder: str) -> Profile:
    """The folder a script lies in is the profile of the card it is about."""
    return load_profile(OWN_PROFILES.get(folder, folder))


def steps_of(script: Path) -> list[Step]:
    return parse_script(script.read_text("utf-8").splitlines(), script.name)


def answers(script: Path) -> Iterator[tuple[Step, bytes]]:
    card = build_card(profile_of(script.parent.name))
    card.power_on()
    for step in steps_of(script):
        match step.action:
            case Action.COMMAND:
                yield step, card.transmit(step.apdu)
            case Action.RESET:
                card.reset()
            case Action.POWER:
                card.power_off()
                card.power_on()


@pytest.mark.parametrize(
    "script", SCRIPTS, ids=lambda script: f"{script.parent.name}/{script.stem}"
)
def test_the_card_answers_as_written(script: Path) -> None:
    said = [
        f"line {step.line}: > {step.apdu.hex().upper()}\n< {response.hex().upper()}"
        for step, response in answers(script)
    ]
    written = [
        f"line {step.line}: > {step.apdu.hex().upper()}\n< {step.expected.hex().upper()}"
        for step in steps_of(script)
        if step.expected is not None
    ]
    assert said == written


@pytest.mark.parametrize(
    "script", SCRIPTS, ids=lambda script: f"{script.parent.name}/{script.stem}"
)
def test_an_exchange_opens_with_its_promise(script: Path) -> None:
    promise = script.read_text("utf-8").splitlines()[0]
    assert promise.startswith(
        (
            *("# ISO/IEC 7816-3:2006, ", "# ISO/IEC 7816-4:2020, "),
            *("# ISO/IEC 7816-8:2021, ", "# ISO/IEC 7816-9:2017, "),
            *("# PBOC 2.0: ", "# Social security card: "),
        )
    )
    assert promise.endswith(".")
    assert ": " in promise


def addressed(folder: str, raw: bytes) -> Declaration | None:
    """The declaration of the command that *raw* is, None where it is none."""
    try:
        command = Command.parse(raw)
    except CardError:
        return None
    class_byte = CLASS_BYTES[command.cla]
    if class_byte is None:
        return None
    try:
        return profile_of(folder).settings.commands.find(class_byte, command.ins)
    except CardError:
        return None


def test_no_command_is_without_example_and_refusal() -> None:
    """By what is written: that the card does answer so is tested above."""
    examples: set[Declaration] = set()
    refusals: set[Declaration] = set()
    for script in SCRIPTS:
        for step in steps_of(script):
            declaration = addressed(script.parent.name, step.apdu)
            if declaration is not None and step.expected is not None:
                done = step.expected[-2] in {0x90, 0x61, 0x62, 0x63}
                (examples if done else refusals).add(declaration)
    served = list(profile_of("iso7816").settings.commands)
    assert [f"{each.ins:02X} {each.name}" for each in served if each not in examples] == []
    assert [f"{each.ins:02X} {each.name}" for each in served if each not in refusals] == []
