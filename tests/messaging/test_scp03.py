"""SCP03 against the published sessions, and end to end against the judge's own host."""

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.crypto.scp03 import Session
from simcard.apdu import CLASS_BYTES, Command
from simcard.card import Card
from simcard.crypto.scp03 import SessionKeys
from simcard.messaging.channel import Unwrapped
from simcard.messaging.scp03 import Level, Scp03Channel
from simcard.profiles import build_card, load_profile
from simcard.status import SW

VECTORS = Path(__file__).parents[2] / "vectors" / "globalplatform.json"
SESSIONS = [entry for entry in json.loads(VECTORS.read_text())["entries"] if entry["op"] == "scp03"]
KEY = bytes.fromhex("404142434445464748494A4B4C4D4E4F")
LEVELS = (0x01, 0x03, 0x11, 0x13, 0x33)
SEALED = bytes.fromhex("00D68200"), bytes.fromhex("00B08200")


def unwrap(channel: Scp03Channel, raw: bytes) -> Unwrapped:
    command = Command.parse(raw)
    class_byte = CLASS_BYTES[command.cla]
    assert class_byte is not None
    return channel.unwrap(command, class_byte)


@pytest.mark.parametrize("entry", SESSIONS, ids=lambda entry: entry["id"])
def test_published_session(entry: dict[str, Any]) -> None:
    inputs, expected = entry["inputs"], entry["expected"]
    keys = Session(
        bytes.fromhex(inputs["enc"]),
        bytes.fromhex(inputs["mac"]),
        bytes.fromhex(inputs["host_challenge"]),
        bytes.fromhex(inputs["init_upd_rsp"])[13:21],
        inputs["level"],
    )
    channel = Scp03Channel(SessionKeys(keys.s_enc, keys.s_mac, keys.s_rmac), Level.C_MAC, 8)
    opened = unwrap(channel, bytes.fromhex(expected["ext_auth"]))
    assert opened.command.data == keys.host_cryptogram
    assert isinstance(opened.after, Scp03Channel)
    level = Level(inputs["level"])
    channel = Scp03Channel(channel.keys, level, 8, chaining=opened.after.chaining)
    answers = dict(
        enumerate(zip(inputs["responses"], expected["plain_responses"], strict=True))
        if "responses" in inputs
        else ()
    )
    for index, plain in enumerate(inputs["commands"]):
        unwrapped = unwrap(channel, bytes.fromhex(expected["wrapped"][index]))
        assert unwrapped.command.data == Command.parse(bytes.fromhex(plain)).data
        if index in answers:
            sealed, answer = map(bytes.fromhex, answers[index])
            assert unwrapped.seal.wrap(answer, SW.OK) + SW.OK.encoded == sealed
        assert isinstance(unwrapped.after, Scp03Channel)
        channel = unwrapped.after


class Host:
    """A terminal that opens the security domain of the profile `globalplatform`."""

    def __init__(self, level: int, size: int = 8) -> None:
        self.card: Card = build_card(load_profile("globalplatform"), 1)
        self.card.power_on()
        assert self.card.transmit(bytes.fromhex("00A4040C08A000000151000000")) == b"\x90\x00"
        challenge = bytes(range(size))
        answer = self.card.transmit(bytes.fromhex("80500000") + bytes([size]) + challenge + b"\0")
        card_challenge = answer[13 : 13 + size]
        self.session = Session(KEY, KEY, challenge, card_challenge, level, size)
        assert answer[13 + size : 13 + 2 * size] == self.session.card_cryptogram
        self.opening = self.session.external_authenticate()

    def open(self) -> bytes:
        return self.card.transmit(self.opening)

    def send(self, header: bytes, data: bytes = b"", le: bytes = b"") -> bytes:
        if self.session.level & 0x10 and not le:
            le = b"\0"  # an R-MAC needs a response data field
        answer = self.card.transmit(self.session.protect(header, data, le))
        return self.session.open(answer) + answer[-2:]


@pytest.mark.parametrize("size", [8, 16])
@pytest.mark.parametrize("level", LEVELS)
def test_channel_writes_and_reads(level: int, size: int) -> None:
    host = Host(level, size)
    assert host.open() == b"\x90\x00"
    update, read = bytes.fromhex("00D68100"), bytes.fromhex("00B08100")
    assert host.send(update, b"written under a MAC") == b"\x90\x00"
    assert host.send(read, le=b"\x13") == b"written under a MAC\x90\x00"


@pytest.mark.parametrize("level", LEVELS)
def test_confidential_file_needs_ciphering(level: int) -> None:
    host = Host(level)
    host.open()
    le = b"\0" if level & 0x10 else b""
    answer = host.card.transmit(host.session.protect(SEALED[0], b"secret", le))
    assert answer[-2:] == (b"\x90\x00" if level & 0x02 else b"\x69\x82")


def test_enciphered_answer_shows_nothing() -> None:
    host = Host(0x33)
    host.open()
    host.send(SEALED[0], b"PLAINTEXT")
    answer = host.card.transmit(host.session.protect(SEALED[1], b"", b"\x09"))
    assert b"PLAINTEXT" not in answer


@pytest.mark.parametrize("bit", range(8 * 21))
def test_one_flipped_bit_of_external_authenticate_opens_nothing(bit: int) -> None:
    host = Host(0x01)
    flipped = bytearray(host.opening)
    flipped[bit // 8] ^= 1 << bit % 8
    host.card.transmit(bytes(flipped))
    host.card.transmit(host.opening)
    assert host.card.transmit(bytes.fromhex("00B0810001")) == b"\x69\x82"


def test_replayed_command_ends_the_session() -> None:
    host = Host(0x01)
    host.open()
    command = host.session.protect(bytes.fromhex("00D68100"), b"once", b"")
    assert host.card.transmit(command) == b"\x90\x00"
    assert host.card.transmit(command) == b"\x69\x88"
    following = host.session.protect(bytes.fromhex("00D68100"), b"more", b"")
    assert host.card.transmit(following) == b"\x68\x82"


def test_missing_mac_is_told() -> None:
    host = Host(0x01)
    host.open()
    assert host.card.transmit(bytes.fromhex("04D6810002ABCD")) == b"\x69\x87"


def test_undefined_level_is_refused() -> None:
    host = Host(0x02)
    assert host.open() == b"\x6a\x86"


def test_wrong_host_cryptogram_costs_a_try() -> None:
    host = Host(0x01)
    wrong = Session(KEY, KEY, bytes(8), host.session.card_challenge, 0x01)
    wrong.s_mac = host.session.s_mac  # a good MAC over a bad cryptogram
    assert host.card.transmit(wrong.external_authenticate()) == b"\x63\xc9"
    assert host.open() == b"\x68\x82"


def test_card_challenge_never_repeats() -> None:
    host = Host(0x01)
    command = bytes.fromhex("8050000008") + bytes(8) + b"\0"
    challenges = {host.card.transmit(command)[13:21] for _ in range(20)}
    assert len(challenges) == 20
