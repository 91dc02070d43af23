"""The shipped cards of the family: what their documents say, and how a chip becomes one of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pboc_issuer import blank_chip
from pboc_terminal import SSSE, Card, challenge, key_of, ok, powered, select, send

from conformance.crypto.blocks import encrypt_ecb
from simcard.apdu import Command
from simcard.files.descriptors import FileKind
from simcard.profiles import load_profile, profile_names
from simcard.script import Action, parse_script

FAMILY = ("psam", "ssc2", "ssc3")
EXCHANGES = Path(__file__).parents[2] / "vectors" / "exchanges"


def test_every_answer_to_reset_is_its_card_s_own() -> None:
    answers = [load_profile(name).settings.atr for name in profile_names()]
    assert len(set(answers)) == len(answers)


@pytest.mark.parametrize(("name", "system"), [("psam", "P2"), ("ssc2", "S2"), ("ssc3", "S3")])
def test_the_historical_bytes_tell_generation_region_and_chip(name: str, system: str) -> None:
    historical = load_profile(name).settings.atr[-13:]
    assert historical[:2] == bytes.fromhex("0081")
    assert historical[2:4] == system.encode()
    assert historical[7:10] == bytes.fromhex("330300")


def test_the_third_generation_has_a_contactless_answer() -> None:
    tables = load_profile("ssc3").tables
    assert tables.ats is not None
    assert tables.ats[0] == len(tables.ats)
    assert tables.ats[-13:] == tables.atr[-13:]
    assert load_profile("ssc2").tables.ats is None


def shown(name: str) -> str:
    program = Path(sys.executable).parent / "simcard"
    return subprocess.run(
        [str(program), "show", name], capture_output=True, text=True, check=True
    ).stdout


def test_the_document_of_a_card_names_its_keys_and_purses_but_no_values() -> None:
    text = shown("ssc3")
    for line in (
        "external 04",
        "UK, updates issuer data",
        "pin 00",
        "3 tries, leads to state 1",
        "purse EP",
        "log SFI 18",
        "ATS",
        "SM4",
        "key 81",
    ):
        assert line in text, line
    for key in load_profile("ssc3").tables.pboc_key:
        assert key.hex.hex().upper() not in text.replace(" ", "") or len(key.hex) < 8
    assert "levels" in shown("psam")


def own_commands(name: str) -> set[str]:
    return {each.name for each in load_profile(name).settings.commands if each.proprietary}


def answered(name: str) -> tuple[set[str], set[str]]:
    """The commands of the family that the exchanges of a profile show done, and refused."""
    done: set[str] = set()
    refused: set[str] = set()
    commands = load_profile(name).settings.commands
    for script in sorted(EXCHANGES.glob(f"{name}/*.apdu")):
        for step in parse_script(script.read_text("utf-8").splitlines(), script.name):
            if step.action is Action.COMMAND and step.expected is not None and step.apdu[0] & 0x80:
                ins = Command.parse(step.apdu).ins
                declared = {each.ins: each.name for each in commands if each.proprietary}[ins]
                (done if step.expected[-2:] == b"\x90\x00" else refused).add(declared)
    return done, refused


def test_no_command_of_the_family_is_without_example_and_refusal() -> None:
    shows = [answered(name) for name in FAMILY]
    assert set.union(*(done for done, _ in shows)) == own_commands("ssc2")
    assert set.union(*(refused for _, refused in shows)) == own_commands("ssc2")


def rebuilt(name: str) -> Card:
    """The SSSE of *name* made from a bare chip, by the commands an issuer sends."""
    chip = blank_chip()
    ok(chip, bytes(Command(0x80, 0xE0, 0xDD, 0xF1, bytes.fromhex("380800010195FFFF") + SSSE)))
    ok(chip, "80E0000007" + "3F0300000FFFFF")
    tables = load_profile(name).tables
    for key in (each for each in tables.pboc_key if each.df == "3F00/DDF1"):
        header = key.header
        data = bytes([header.type | header.line, *header[2:]]) + key.hex
        ok(chip, bytes(Command(0x80, 0xD4, 0x01, key.id[0], data)))
    for file in (each for each in tables.file if each.parent == "3F00/DDF1" and each.records):
        identifier = file.path[-4:]
        rights = "F0F2" if identifier == "EF05" else "F1F3"
        ok(chip, f"80E0{identifier}072C0100{rights}FFFF")
        assert file.content is not None
        proof = encrypt_ecb("TDES", master_of(name), challenge(chip, 8))
        ok(chip, "0082000008" + proof.hex())
        ok(chip, f"00A4020C02{identifier}")
        for record in file.content.records or []:
            ok(chip, bytes(Command(0x00, 0xE2, 0, 0, record)))
    chip.power_off()
    chip.power_on()
    return chip


def master_of(name: str) -> bytes:
    return key_of(name, "DDF1", "external", 0)


def test_a_chip_that_was_personalised_answers_as_the_profile_s_card() -> None:
    chip, card = rebuilt("ssc2"), powered("ssc2")
    script = (EXCHANGES / "ssc2" / "field-terminal.apdu").read_text("utf-8").splitlines()
    for step in parse_script(script, "field-terminal"):
        answers = [each.transmit(step.apdu) for each in (chip, card)]
        if answers[0][0] != 0x61:
            assert answers[0] == answers[1], step.line
    for step in parse_script(script, "field-terminal"):
        assert chip.transmit(step.apdu)[-2:-1] in (b"\x90", b"\x61")


def test_a_bare_chip_lets_nobody_create_without_the_transport_key() -> None:
    chip = blank_chip()
    chip.reset()
    assert send(chip, "80E03F010D380520F0F095FFFF57414C4C45").sw == 0x6982
    assert send(chip, "80D40101083AF0EF0133123456").sw == 0x6982
    assert chip.state is not None
    kinds = [file.kind for file in chip.state.tree.files.values()]
    assert sorted(kinds) == [FileKind.DF, FileKind.KEY, FileKind.KEY_FILE]


def test_select_by_partial_name_finds_the_environment_too() -> None:
    card = powered("ssc2")
    select(card, SSSE[:7])
