"""The worked examples of ICAO 9303-11, byte for byte, through the command line and both sides."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from inspection import DG1, EF_COM, Inspection, Protocol
from typer.testing import CliRunner

from conformance.crypto import icao
from simcard.card import Card
from simcard.cli import app
from simcard.entropy import ScriptedEntropy, SeededEntropy
from simcard.messaging.iso import DataObjectChannel
from simcard.profiles import Profile, build_card, load_profile
from simcard.script import parse_script

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "vectors"
EXAMPLES = sorted((VECTORS / "exchanges").glob("icao-9303-11-*.apdu"))
G1 = str(Path(__file__).with_name("icao-appendix-g.toml"))
PACE = {
    row["id"]: row
    for row in json.loads((VECTORS / "icao_pace.json").read_text("utf-8"))["entries"]
    if row["op"] == "pace_ecdh_gm"
}


class Exhausted(AssertionError):
    """The card wanted more random bytes than the example has."""


class NothingMore:
    def draw(self, length: int) -> bytes:
        raise Exhausted(f"{length} more bytes were drawn")

    def fork(self) -> NothingMore:
        return self


def command_line(script: Path) -> list[str]:
    """The command that the script says in its head, without the name of the program."""
    head = "".join(
        line.removeprefix("#").rstrip()
        for line in script.read_text("utf-8").splitlines()
        if line.startswith("#")
    )
    said = re.search(r"simcard (exchange --profile \S+ --entropy )([0-9A-F\\ ]+)", head)
    assert said is not None, script.name
    return [*said[1].split(), re.sub(r"[\\ ]", "", said[2])]


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_the_command_line_replays_it(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(app, [*command_line(script), str(script)])
    assert done.exit_code == 0, done.output
    steps = parse_script(script.read_text("utf-8").splitlines())
    assert all(step.expected for step in steps)
    assert done.output.count("\n<") == len(steps)


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_other_random_bytes_are_noticed(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    arguments = command_line(script)
    arguments[-1] = f"{int(arguments[-1][0], 16) ^ 1:X}{arguments[-1][1:]}"
    done = CliRunner().invoke(app, [*arguments, str(script)])
    assert done.exit_code == 1
    assert "expected" in done.output


def test_entropy_that_is_no_hexadecimal_is_refused_by_name() -> None:
    done = CliRunner().invoke(app, ["exchange", "--entropy", "0G"], input="")
    assert "--entropy" in str(done.exception)


def test_the_terminal_side_of_appendix_d_sends_what_is_printed() -> None:
    script = next(each for each in EXAMPLES if each.stem.endswith("appendix-d"))
    steps = parse_script(script.read_text("utf-8").splitlines())
    written = iter(steps)

    def transmit(raw: bytes) -> bytes:
        step = next(written)
        assert raw == step.apdu
        assert step.expected is not None
        return step.expected

    drawn = iter(map(bytes.fromhex, ("781723860C06C226", "0B795240CB7049B01C19B33E32804F0B")))
    inspection = Inspection(transmit, lambda _: next(drawn))
    inspection.select_application()
    inspection.basic_access_control("L898902C", "690806", "940623")
    inspection.send(bytes.fromhex("00A4020C"), bytes.fromhex("011E"))
    head = inspection.send(bytes.fromhex("00B00000"), le=4)
    body = inspection.send(bytes.fromhex("00B00004"), le=18)
    assert head + body == bytes.fromhex("60145F0104303130365F36063034303030305C026175")
    assert next(written, None) is None


def pace_profile(row: dict[str, Any]) -> Profile:
    """The document of appendix G.1 with the password of another example."""
    profile = load_profile(G1)
    keys = [
        key.model_copy(update={"mrz": None, "hex": bytes.fromhex(row["inputs"]["password"])})
        if key.reference == b"\x01"
        else key
        for key in profile.tables.key
    ]
    return Profile(profile.tables.model_copy(update={"key": keys}), profile.source)


def terminal_scalar(digits: str) -> bytes:
    """What the inspection system must draw to use this private key: it adds one."""
    return (int(digits, 16) - 1).to_bytes(len(digits) // 2, "big")


@pytest.mark.parametrize("row", PACE.values(), ids=PACE)
def test_both_sides_of_pace_arrive_at_the_printed_keys(row: dict[str, Any]) -> None:
    inputs, printed = row["inputs"], row["expected"]
    script = "".join(inputs[name] for name in ("nonce", "map_sk_ic", "eph_sk_ic"))
    entropy = ScriptedEntropy(bytes.fromhex(script), NothingMore())
    card = build_card(pace_profile(row), entropy=entropy)
    card.power_on()
    said: list[bytes] = []

    def transmit(raw: bytes) -> bytes:
        said.extend((raw, card.transmit(raw)))
        return said[-1]

    scalars = iter([terminal_scalar(inputs[f"{name}_sk_ifd"]) for name in ("map", "eph")])
    inspection = Inspection(transmit, lambda _: next(scalars))
    protocol = Protocol(bytes.fromhex(inputs["oid"]), 13)
    inspection.pace(protocol, bytes.fromhex(inputs["password"]), 1)
    talk = b"".join(said)
    for name in ("z", "map_pk_ifd", "map_pk_ic", "eph_pk_ifd", "eph_pk_ic", "T_ifd", "T_ic"):
        assert bytes.fromhex(printed[name]) in talk, name
    assert inspection.keys is not None
    assert inspection.keys.enc == bytes.fromhex(printed["KSenc"])
    assert inspection.keys.mac == bytes.fromhex(printed["KSmac"])
    channel = channel_of(card)
    assert (channel.keys.enc, channel.keys.mac) == (inspection.keys.enc, inspection.keys.mac)
    assert channel.counter == 0
    with pytest.raises(Exhausted):
        entropy.draw(1)
    inspection.select_application()
    assert inspection.read(EF_COM)[:1] == b"\x60"
    assert inspection.read(DG1)[:1] == b"\x61"


def channel_of(card: Card) -> DataObjectChannel:
    assert card._state is not None
    channel = card._state.sessions[0].secure
    assert isinstance(channel, DataObjectChannel)
    return channel


def test_a_scalar_out_of_range_is_drawn_again() -> None:
    row = PACE["g1-gm-ecdh"]["inputs"]
    too_large = "FF" * 32
    script = row["nonce"] + too_large + row["map_sk_ic"]
    entropy = ScriptedEntropy(bytes.fromhex(script), SeededEntropy(1))
    card = build_card(load_profile(G1), entropy=entropy)
    card.power_on()
    steps = parse_script(
        (VECTORS / "exchanges/icao-9303-11-appendix-g1.apdu").read_text().splitlines()
    )
    for step in steps[:4]:
        assert card.transmit(step.apdu) == step.expected


def test_the_judges_tokens_are_the_printed_ones() -> None:
    row = PACE["g1-gm-ecdh"]
    keys = icao.Keys(b"", bytes.fromhex(row["expected"]["KSmac"]), "AES")
    identifier = bytes.fromhex(row["inputs"]["oid"])
    for token, public in (("T_ifd", "eph_pk_ic"), ("T_ic", "eph_pk_ifd")):
        data = icao.token_input(identifier, bytes.fromhex(row["expected"][public]))
        assert icao.mac8(keys, data).hex().upper() == row["expected"][token]
