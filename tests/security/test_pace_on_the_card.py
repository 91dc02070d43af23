"""PACE step by step: what a password's counters do, and what is refused on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from itertools import count
from typing import Any

import pytest
from inspection import Inspection, Protocol, Refused

from conformance.crypto.icao import key_pair
from simcard.card import Card
from simcard.memory import PowerCut, PowerLoss, Tear
from simcard.messaging.iso import DataObjectChannel
from simcard.profiles import Profile, build_card, load_profile
from simcard.profiles.keys import KeyTable
from simcard.profiles.schema import ContentTable
from simcard.security.pace import DOMAIN_PARAMETERS, SUITES, choose, offers
from simcard.tearing.observation import Image
from simcard.tearing.point import failures

PASSWORD = b"123456"
WITH_TRIES, WITH_USES, CLOSED, NO_PASSWORD = 0x05, 0x06, 0x07, 0x08
PROTOCOL = Protocol(bytes.fromhex("04007F00070202040202"), 13)
GENERATOR = PROTOCOL.curve.public_key(1)
START = bytes.fromhex("10860000027C0000")


def key(number: int, **said: Any) -> KeyTable:
    row = {"df": "3F00", "reference": f"{number:02X}", "algorithm": "password", "usage": ["pace"]}
    return KeyTable.model_validate(row | said)


@cache
def profile() -> Profile:
    """The travel document with passwords that have counters and rules."""
    base = load_profile("emrtd")
    keys = [
        *base.tables.key,
        key(WITH_TRIES, text="123456", tries=3),
        key(WITH_USES, text="123456", uses=2),
        key(CLOSED, text="123456", access={"read": "never"}),
        key(NO_PASSWORD, algorithm="aes", usage=["external"], hex="00" * 16),
    ]
    return Profile(base.tables.model_copy(update={"key": keys}), base.source)


@pytest.fixture
def card() -> Card:
    card = build_card(profile(), 1)
    card.power_on()
    return card


@pytest.fixture
def inspection(card: Card) -> Inspection:
    drawn = count()
    return Inspection(
        card.transmit, lambda n: hashlib.sha512(f"{next(drawn)}".encode()).digest()[:n]
    )


def run(inspection: Inspection, password: bytes, number: int) -> str:
    """The status word that PACE ends with, on a terminal without a session."""
    inspection.keys = None
    try:
        inspection.pace(PROTOCOL, password, number)
    except Refused as refused:
        return str(refused)
    return "9000"


def test_a_wrong_password_costs_a_try_and_a_right_one_gives_all_back(
    inspection: Inspection,
) -> None:
    assert run(inspection, b"000000", WITH_TRIES) == "63C2"
    assert run(inspection, b"000000", WITH_TRIES) == "63C1"
    assert run(inspection, PASSWORD, WITH_TRIES) == "9000"
    assert [run(inspection, b"000000", WITH_TRIES) for _ in range(3)] == ["63C2", "63C1", "63C0"]
    assert run(inspection, PASSWORD, WITH_TRIES) == "6983"
    assert run(inspection, PASSWORD, 2) == "9000", "another password is another affair"


def test_without_a_counter_it_may_be_tried_for_ever(inspection: Inspection) -> None:
    assert {run(inspection, b"000000", 2) for _ in range(6)} == {"6300"}
    assert run(inspection, PASSWORD, 2) == "9000"


def remains(card: Card, raw: bytes, cut: PowerCut) -> tuple[bytes, bytes, int]:
    """What a cut during the last command leaves: the chip, the answer, and the tries left."""
    victim = card.fork()
    victim.flash.arm(cut)
    answer = b""
    try:
        answer = victim.transmit(raw)
    except PowerLoss:
        victim.flash.restore()
    image = victim.flash.image()
    counters = Image.of(card.settings, victim.flash).observation.counters
    return image, answer, counters["3F00", f"key {WITH_TRIES:02X}"].tries


def test_a_token_that_can_be_told_from_a_right_one_has_cost_a_try(
    card: Card, inspection: Inspection
) -> None:
    said: list[bytes] = []
    replayed = card.fork()
    inspection.transmit = lambda raw: said.append(raw) or card.transmit(raw)
    assert run(inspection, PASSWORD, WITH_TRIES) == "9000"
    for raw in said[:-1]:
        replayed.transmit(raw)
    right = said[-1]
    wrong = right[:-2] + bytes([right[-2] ^ 1]) + right[-1:]
    telling = 0
    for failure in failures(4):
        cut = PowerCut(failure.write, failure.moment, failure.tear or Tear.NOISE, seed=5)
        *after_right, _ = remains(replayed, right, cut)
        *after_wrong, left = remains(replayed, wrong, cut)
        if after_right != after_wrong:
            telling += 1
            assert left == 2, f"{failure}: a wrong token is seen and {left} tries are left"
    assert telling > 10


def test_a_usage_counter_ends_a_password(inspection: Inspection) -> None:
    assert [run(inspection, PASSWORD, WITH_USES) for _ in range(3)] == ["9000", "9000", "6984"]


def test_a_password_has_rules_and_a_purpose(inspection: Inspection) -> None:
    assert run(inspection, PASSWORD, CLOSED) == "6982"
    assert run(inspection, PASSWORD, NO_PASSWORD) == "6985"
    assert run(inspection, PASSWORD, 0x09) == "6A88"


def started(inspection: Inspection) -> Inspection:
    inspection.set_pace(PROTOCOL, 2)
    inspection.step(0x80, 0x80, b"")
    return inspection


def template(tag: int, value: bytes) -> bytes:
    return bytes([0x7C, len(value) + 2, tag, len(value)]) + value


def step(card: Card, tag: int, value: bytes, cla: int = 0x10) -> str:
    data = template(tag, value)
    answer = card.transmit(bytes([cla, 0x86, 0, 0, len(data)]) + data + b"\0")
    return answer[-2:].hex().upper()


BAD_POINTS = {
    "nothing": b"",
    "compressed": b"\x02" + GENERATOR[1:33],
    "short": GENERATOR[:-1],
    "long": GENERATOR + b"\0",
    "off the curve": GENERATOR[:-1] + bytes([GENERATOR[-1] ^ 1]),
    "coordinates out of the field": b"\x04" + b"\xff" * 64,
    "infinity": b"\x00",
    "hybrid": b"\x06" + GENERATOR[1:],
}


@pytest.mark.parametrize("point", BAD_POINTS.values(), ids=BAD_POINTS)
def test_what_is_no_point_of_the_curve_is_refused(
    card: Card, inspection: Inspection, point: bytes
) -> None:
    started(inspection)
    fork = card.fork()
    assert step(fork, 0x81, point) == "6A80"
    assert step(fork, 0x81, GENERATOR) == "6985", "the run is over"
    assert step(card, 0x81, GENERATOR) == "9000"
    assert step(card, 0x83, point) == "6A80"


def test_the_terminal_may_not_send_the_chips_own_key_back(card: Card) -> None:
    """No terminal can foresee that key; one that knows the card's next random numbers can."""
    inspection = started(Inspection(card.transmit, bytes))
    assert step(card, 0x81, GENERATOR) == "9000"
    fork = card.fork()
    answer = fork.transmit(bytes.fromhex("1086000045") + template(0x83, GENERATOR) + b"\0")
    own = answer[4:-2]
    assert inspection.keys is None
    assert step(card, 0x83, own) == "6A80"


@pytest.mark.parametrize("tag", [0x80, 0x82, 0x83, 0x84, 0x85, 0x86])
def test_steps_out_of_order_are_refused(card: Card, inspection: Inspection, tag: int) -> None:
    started(inspection)
    assert step(card, tag, GENERATOR) == "6985"


def test_another_command_ends_the_chain(card: Card, inspection: Inspection) -> None:
    started(inspection)
    assert card.transmit(bytes.fromhex("0084000008")) == b"\x68\x83"
    assert step(card, 0x81, GENERATOR) == "6985"


def test_an_empty_step_inside_the_chain_is_out_of_order(card: Card, inspection: Inspection) -> None:
    started(inspection)
    assert card.transmit(START) == b"\x69\x85"
    assert card.transmit(START)[-2:] == b"\x90\x00"


def test_only_the_last_step_ends_the_chain(card: Card, inspection: Inspection) -> None:
    started(inspection)
    fork = card.fork()
    assert step(fork, 0x81, GENERATOR, cla=0x00) == "6985"
    assert step(card, 0x81, GENERATOR) == "9000"
    assert step(card, 0x83, GENERATOR) == "9000"
    assert step(card, 0x85, bytes(8)) == "6883"
    assert step(card, 0x85, bytes(8), cla=0x00) == "6985"


@pytest.mark.parametrize("token", [b"", bytes(7), bytes(8), bytes(9)])
def test_a_wrong_token_opens_nothing(card: Card, inspection: Inspection, token: bytes) -> None:
    started(inspection)
    assert step(card, 0x81, GENERATOR) == "9000"
    assert step(card, 0x83, GENERATOR) == "9000"
    assert step(card, 0x85, token, cla=0x00) == "6300"
    assert card._state is not None
    session = card._state.sessions[0]
    assert session.secure is None
    assert session.pace is None
    assert not session.satisfied


def test_the_environment_of_the_chain_is_the_one_it_began_with(
    card: Card, inspection: Inspection
) -> None:
    """MANAGE SECURITY ENVIRONMENT inside a chain breaks it."""
    started(inspection)
    raw = bytes.fromhex("0022C1A40F800A04007F00070202040202830101")
    assert card.transmit(raw) == b"\x68\x83"
    assert card.transmit(raw) == b"\x90\x00"


def test_a_password_that_blocks_is_refused_at_once(inspection: Inspection) -> None:
    for _ in range(3):
        run(inspection, b"000000", WITH_TRIES)
    inspection.set_pace(PROTOCOL, WITH_TRIES)
    assert inspection.transmit(START) == b"\x69\x83"


def test_pace_under_secure_messaging_puts_new_keys_in_place_of_the_old(
    card: Card, inspection: Inspection
) -> None:
    inspection.pace(PROTOCOL, PASSWORD, 2)
    first = inspection.keys
    under = Inspection(sealed(inspection), inspection.draw)
    under.pace(PROTOCOL, PASSWORD, 2)
    assert under.keys != first
    assert card._state is not None
    channel = card._state.sessions[0].secure
    assert isinstance(channel, DataObjectChannel)
    assert under.keys is not None
    assert channel.keys.enc == under.keys.enc
    under.transmit = card.transmit
    under.select_application()
    assert under.read(0x1E)[:1] == b"\x60"


def sealed(session: Inspection) -> Callable[[bytes], bytes]:
    """Sends plain commands under the secure messaging of *session*."""

    def transmit(raw: bytes) -> bytes:
        size = raw[4]
        le = 256 if len(raw) > 5 + size else None
        answer = session.transmit(session.protect(raw[:4], raw[5 : 5 + size], le))
        return session.open(answer) + b"\x90\x00"

    return transmit


@pytest.mark.parametrize("number", DOMAIN_PARAMETERS)
def test_every_standardised_curve_serves(number: int) -> None:
    """Also those whose points need a longer length field than the others."""
    base, identifier = profile(), bytes.fromhex("04007F00070202040204")
    info = b"\x06\x0a" + identifier + bytes([2, 1, 2, 2, 1, number])
    content = ContentTable(hex=bytes([0x31, 0x14, 0x30, 0x12]) + info)
    files = [
        file.model_copy(update={"content": content, "size": 22})
        if file.path == "3F00/011C"
        else file
        for file in base.tables.file
    ]
    card = build_card(Profile(base.tables.model_copy(update={"file": files}), base.source), 1)
    card.power_on()
    drawn = count()
    inspection = Inspection(
        card.transmit, lambda n: hashlib.shake_256(f"{next(drawn)}".encode()).digest(n)
    )
    assert inspection.protocols() == [Protocol(identifier, number)]
    inspection.pace(Protocol(identifier, number), PASSWORD, 2)
    inspection.select_application()
    assert inspection.read(0x1E)[:1] == b"\x60"


def test_what_is_no_card_access_offers_nothing() -> None:
    good = bytes.fromhex("31143012060A04007F0007020204020202010202010D")
    assert len(offers(good)) == 1
    for content in (b"", b"\x31", bytes(22), b"\x31\x03\x30\x01\x06", b"\x31\x02\x04\x00"):
        assert offers(content) == []
    for place, value in ((14, 0x04), (18, 0x01), (21, 0x00), (21, 0x13)):
        other = bytearray(good)
        other[place] = value
        assert offers(bytes(other)) == [], (place, value)


def test_two_sets_of_domain_parameters_must_be_told_apart() -> None:
    identifier = bytes.fromhex("04007F00070202040202")
    info = bytes.fromhex("3012060A") + identifier + bytes.fromhex("020102 0201")
    offered = offers(b"\x31\x28" + info + b"\x0d" + info + b"\x0c")
    assert choose(offered, identifier, None) is None
    for number in (12, 13):
        chosen = choose(offered, identifier, bytes([number]))
        assert chosen is not None
        assert chosen.curve is DOMAIN_PARAMETERS[number]
    assert choose(offered, identifier, b"\x0e") is None
    assert choose(offered, identifier[:-1] + b"\x01", None) is None


def test_the_suites_are_those_of_the_standard() -> None:
    assert [(suite.cipher.name, suite.key_length) for suite in SUITES.values()] == [
        ("TDES", 16),
        ("AES", 16),
        ("AES", 24),
        ("AES", 32),
    ]
    assert key_pair(bytes(16), "AES", 32).enc != key_pair(bytes(16), "AES", 16).enc
