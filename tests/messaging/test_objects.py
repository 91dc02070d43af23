"""The data objects of secure messaging, one by one: what each may say, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sealed_card import OK, SUITES, Objects, Sealed, image, state_of, tlv

from conformance.crypto.blocks import cmac, encrypt_cbc, pad, retail_mac
from conformance.crypto.icao import message_iv
from simcard.apdu import CLASS_BYTES, Command
from simcard.card import Card
from simcard.crypto.blocks import BlockCipher
from simcard.crypto.icao import KeyPair
from simcard.messaging.iso import DataObjectChannel, DataObjectSeal
from simcard.profiles import build_card, load_profile
from simcard.status import SW

ROOM = Path(__file__).parents[2] / "vectors"
VECTORS = json.loads((ROOM / "icao_bac.json").read_text("utf-8"))
PACE_VECTORS = json.loads((ROOM / "icao_pace.json").read_text("utf-8"))
MISSING, WRONG = b"\x69\x87", b"\x69\x88"
AUTHENTIC, CONFIDENTIAL = "11", "12"
DATA = bytes(range(0x20))


@pytest.fixture(params=SUITES)
def sealed(request: pytest.FixtureRequest) -> Sealed:
    return Sealed(request.param)


@pytest.fixture
def aes() -> Sealed:
    return Sealed("AES-128")


def update(file: str) -> str:
    return f"0CD6{0x80 | int(file, 16):02X}00"


def test_data_may_come_in_plain_under_the_mac(sealed: Sealed) -> None:
    raw = sealed.build(update(AUTHENTIC), [(0x81, DATA)])
    assert DATA in raw
    assert sealed.exchange(raw) == (b"", OK)
    read = sealed.build(update(AUTHENTIC).replace("D6", "B0"), [(0x97, b"\x20")])
    assert sealed.exchange(read) == (DATA, OK)


def test_plain_data_is_not_enough_where_the_rule_asks_for_enciphered(sealed: Sealed) -> None:
    raw = sealed.build(update(CONFIDENTIAL), [(0x81, DATA)])
    assert sealed.exchange(raw) == (b"", b"\x69\x82")
    assert sealed.exchange(sealed.protect(update(CONFIDENTIAL), DATA)) == (b"", OK)


@pytest.mark.parametrize("file", [AUTHENTIC, CONFIDENTIAL])
def test_a_plain_command_is_not_enough_where_the_rule_asks_for_a_mac(
    sealed: Sealed, file: str
) -> None:
    raw = bytes.fromhex(f"00D6{0x80 | int(file, 16):02X}0001FF")
    assert sealed.card.transmit(raw) == b"\x69\x82"


def test_a_header_outside_the_mac_is_not_authentic(sealed: Sealed) -> None:
    header = update(AUTHENTIC).replace("0C", "08", 1)
    assert sealed.exchange(sealed.build(header, [(0x81, DATA)])) == (b"", b"\x69\x82")
    open_file = "08D68100"
    assert sealed.exchange(sealed.build(open_file, [(0x81, DATA)])) == (b"", OK)


@pytest.mark.parametrize("said", ["08", "00"])
def test_an_encapsulated_header_makes_it_authentic(sealed: Sealed, said: str) -> None:
    header = update(AUTHENTIC).replace("0C", "08", 1)
    inside = bytes.fromhex(said + header[2:])
    assert sealed.exchange(sealed.build(header, [(0x89, inside), (0x81, DATA)])) == (b"", OK)


@pytest.mark.parametrize("cla", ["08", "0C"])
def test_an_encapsulated_header_of_another_command_is_wrong(sealed: Sealed, cla: str) -> None:
    header = update(AUTHENTIC).replace("0C", cla, 1)
    inside = bytes.fromhex(header.replace("D6", "B0"))
    assert sealed.card.transmit(sealed.build(header, [(0x89, inside), (0x81, DATA)])) == WRONG


def test_an_odd_instruction_carries_85_both_ways(sealed: Sealed) -> None:
    file = f"{int(AUTHENTIC, 16):02X}"
    objects = bytes.fromhex("54020010") + tlv(0x53, DATA)
    assert sealed.exchange(sealed.protect(f"0CD700{file}", objects)) == (b"", OK)
    raw = sealed.protect(f"0CB100{file}", bytes.fromhex("54020010"), ne=b"\x22")
    assert sealed.fork().card.transmit(raw)[0] == 0x85
    assert sealed.exchange(raw) == (tlv(0x53, DATA), OK)


def test_85_is_not_for_an_even_instruction(aes: Sealed) -> None:
    raw = aes.build(update(AUTHENTIC), [(0x85, aes.cryptogram(DATA))])
    assert aes.card.transmit(raw) == WRONG


def test_87_is_for_an_odd_instruction_too(aes: Sealed) -> None:
    body = bytes.fromhex("54020010") + tlv(0x53, DATA)
    raw = aes.build(f"0CD700{AUTHENTIC}", [(0x87, b"\x01" + aes.cryptogram(body))])
    assert aes.exchange(raw) == (b"", OK)


def cryptograms(sealed: Sealed) -> dict[str, Objects]:
    """Data objects under a right MAC that hold no well-formed cryptogram."""
    good = sealed.cryptogram(DATA)
    iv = message_iv(sealed.keys, sealed.counter + 1)

    def enciphered(padded: bytes) -> Objects:
        cryptogram = encrypt_cbc(sealed.keys.cipher, sealed.keys.enc, padded, iv)
        return [(0x87, b"\x01" + cryptogram)]

    return {
        "no padding indicator": [(0x87, good)],
        "padding by the application": [(0x87, b"\x02" + good)],
        "an empty object": [(0x87, b"")],
        "only the indicator": [(0x87, b"\x01")],
        "no whole block": [(0x87, b"\x01" + good[:-1])],
        "no padding": enciphered(b"\x11" * 32),
        "padding of more than a block": enciphered(pad(b"\x11" * 15, 16) + bytes(sealed.size)),
        "nothing but zeros": enciphered(bytes(32)),
    }


@pytest.mark.parametrize("case", cryptograms(Sealed("SM4")))
def test_a_cryptogram_that_is_none_is_wrong(sealed: Sealed, case: str) -> None:
    before = image(sealed.card)
    raw = sealed.build(update(AUTHENTIC), cryptograms(sealed)[case])
    assert sealed.card.transmit(raw) == WRONG
    assert sealed.is_over()
    assert image(sealed.card) == before


@pytest.mark.parametrize(
    "objects",
    [
        [(0x81, b"a"), (0x81, b"a")],
        [(0x81, b"a"), (0x87, b"\x01" + bytes(16))],
        [(0x80, b"a")],
        [(0x86, b"\x01" + bytes(16))],
        [(0x96, b"\x01")],
        [(0x99, b"\x90\x00")],
        [(0x97, b"\x01"), (0x97, b"\x01")],
        [(0x97, b"")],
        [(0x97, b"\x00\x00\x01")],
        [(0x89, bytes.fromhex("0CD691"))],
        [(0x00, b"")],
    ],
    ids=lambda objects: b"".join(tlv(tag, value) for tag, value in objects).hex().upper(),
)
def test_objects_that_do_not_belong_there_are_wrong(aes: Sealed, objects: Objects) -> None:
    assert aes.card.transmit(aes.build(update(AUTHENTIC), objects)) == WRONG
    assert aes.is_over()


def test_without_a_mac_it_is_missing(aes: Sealed) -> None:
    assert (
        aes.fork().card.transmit(aes.build(update(AUTHENTIC), [(0x81, DATA)], mac=False)) == MISSING
    )
    victim = aes.fork()
    assert victim.card.transmit(bytes.fromhex("0CB0910000")) == MISSING
    assert victim.is_over()


def test_the_mac_is_the_last_object(aes: Sealed) -> None:
    head = bytes.fromhex(update(AUTHENTIC))
    body = tlv(0x81, DATA)
    mac = tlv(0x8E, aes.mac(pad(head, aes.size), body))
    assert aes.card.transmit(Sealed.framed(head, mac + body)) == WRONG


@pytest.mark.parametrize("size", [0, 4, 7, 9, 16])
def test_a_mac_has_eight_bytes(aes: Sealed, size: int) -> None:
    head = bytes.fromhex(update(AUTHENTIC))
    body = tlv(0x81, DATA)
    mac = (aes.mac(pad(head, aes.size), body) * 2)[:size]
    assert aes.card.transmit(Sealed.framed(head, body + tlv(0x8E, mac))) == WRONG


@pytest.mark.parametrize("body", ["81", "8105", "818201", "81FF", "8E0800", "9F7F00"])
def test_what_is_no_row_of_objects_is_wrong(aes: Sealed, body: str) -> None:
    assert aes.card.transmit(Sealed.framed(bytes.fromhex("0CD69100"), bytes.fromhex(body))) == WRONG


def test_a_length_in_a_longer_form_is_under_the_mac_as_it_came(aes: Sealed) -> None:
    head = bytes.fromhex(update(AUTHENTIC))
    body = b"\x81\x81\x20" + DATA
    mac = tlv(0x8E, aes.mac(pad(head, aes.size), body))
    assert aes.exchange(Sealed.framed(head, body + mac)) == (b"", OK)


def test_bytes_between_objects_are_not_overlooked(aes: Sealed) -> None:
    head = bytes.fromhex(update(AUTHENTIC))
    body = tlv(0x81, DATA)
    mac = tlv(0x8E, aes.mac(pad(head, aes.size), body))
    for forged in (b"\0" + body + mac, body + b"\0" + mac, body + mac + b"\0"):
        victim = aes.fork()
        assert victim.card.transmit(Sealed.framed(head, forged)) == WRONG


@pytest.mark.parametrize(
    ("ne", "length"), [(b"\x10", 16), (b"\x00", 256), (b"\x01\x2c", 300), (b"\0\0", 2048)]
)
def test_the_le_object_says_how_much(sealed: Sealed, ne: bytes, length: int) -> None:
    data, sw = sealed.exchange(sealed.protect("0CB08600", ne=ne))
    assert (len(data), sw) == (length, OK)


def test_without_a_le_object_no_data_comes(sealed: Sealed) -> None:
    """SELECT would have the control information to tell."""
    assert sealed.exchange(sealed.protect("0CA40200", b"\0\x11")) == (b"", OK)
    data, sw = sealed.exchange(sealed.protect("0CA40200", b"\0\x11", ne=b"\0"))
    assert (data[:1], sw) == (b"\x6f", OK)


def test_a_command_that_sends_and_expects_nothing(sealed: Sealed) -> None:
    assert sealed.exchange(sealed.build("0C0E8600", []))[1] == OK


def test_its_header_may_be_padded_once(sealed: Sealed) -> None:
    """As OpenSC does it: the padded header is the whole message."""
    head = bytes.fromhex("0C0E8600")
    message = (sealed.counter + 1).to_bytes(sealed.size, "big") + pad(head, sealed.size)
    if sealed.keys.cipher == "TDES":
        mac = retail_mac(sealed.keys.mac, message)
    else:
        mac = cmac(sealed.keys.cipher, sealed.keys.mac, message)[:8]
    assert sealed.exchange(Sealed.framed(head, tlv(0x8E, mac)))[1] == OK


def test_extended_length_both_ways(sealed: Sealed) -> None:
    content = bytes(n & 0xFF for n in range(1500))
    raw = sealed.protect("0CD68600", content)
    assert raw[4] == 0
    assert sealed.exchange(raw) == (b"", OK)
    raw = sealed.protect("0CB08600", ne=b"\x05\xdc")
    raw = raw[:4] + b"\0\0" + raw[4:-1] + b"\0\0"
    answer = sealed.card.transmit(raw)
    assert answer[-2:] == OK
    assert sealed.opened(answer) == (content, OK)


def channel_of(inputs: dict[str, Any], counter: str) -> DataObjectChannel:
    enc, mac = bytes.fromhex(inputs["ksenc"]), bytes.fromhex(inputs["ksmac"])
    return DataObjectChannel(BlockCipher[inputs["cipher"]], KeyPair(enc, mac), int(counter, 16))


def rows(op: str, vectors: dict[str, Any] = VECTORS) -> list[Any]:
    return [
        pytest.param(row["inputs"], row["expected"], id=row["id"])
        for row in vectors["entries"]
        if row["op"] == op
    ]


@pytest.mark.parametrize(("inputs", "expected"), rows("sm_command"))
def test_published_commands_are_understood(
    inputs: dict[str, Any], expected: dict[str, Any]
) -> None:
    command = Command.parse(bytes.fromhex(expected["apdu"]))
    class_byte = CLASS_BYTES[command.cla]
    assert class_byte is not None
    found = channel_of(inputs, inputs["ssc"]).unwrap(command, class_byte)
    data = bytes.fromhex(inputs.get("data", ""))
    assert found.command.header == bytes.fromhex(inputs["header"])
    assert found.command.data == data
    assert found.command.expected == inputs.get("le")
    assert found.authentic
    assert found.confidential
    assert isinstance(found.after, DataObjectChannel)
    assert found.after.counter == int(inputs["ssc"], 16) + 2


@pytest.mark.parametrize(("inputs", "expected"), rows("sm_encrypt", PACE_VECTORS))
def test_published_cryptograms_are_made(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    channel = DataObjectChannel(
        BlockCipher[inputs["cipher"]], KeyPair(bytes.fromhex(inputs["ksenc"]), b""), 0
    )
    made = channel.encipher(int(inputs["ssc"], 16), bytes.fromhex(inputs["data"]))
    assert made.hex().upper() == expected["cipher"]


@pytest.mark.parametrize(("inputs", "expected"), rows("sm_mac", PACE_VECTORS))
def test_published_macs_are_made(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    channel = DataObjectChannel(
        BlockCipher[inputs["cipher"]], KeyPair(b"", bytes.fromhex(inputs["ksmac"])), 0
    )
    made = channel.mac(int(inputs["ssc"], 16), bytes.fromhex(inputs["data"]))
    assert made.hex().upper() == expected["mac"]


@pytest.mark.parametrize(("inputs", "expected"), rows("sm_response"))
def test_published_answers_are_made(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    channel = channel_of(inputs, inputs["ssc"])._replace(counter=int(inputs["ssc"], 16) + 1)
    wrapped = DataObjectSeal(channel, odd=False).wrap(bytes.fromhex(inputs.get("data", "")), SW.OK)
    assert (wrapped + OK).hex().upper() == expected["rapdu"]


@pytest.mark.parametrize(("inputs", "expected"), rows("sm_open_response"))
def test_published_answers_are_what_the_card_would_send(
    inputs: dict[str, Any], expected: dict[str, Any]
) -> None:
    channel = channel_of(inputs, inputs["ssc"])._replace(counter=int(inputs["ssc"], 16) + 1)
    wrapped = DataObjectSeal(channel, odd=False).wrap(bytes.fromhex(expected["data"]), SW.OK)
    assert (wrapped + OK).hex().upper() == inputs["rapdu"]


@pytest.mark.parametrize("cla", [0x60, 0x70])
def test_on_further_channels_only_an_encapsulated_header_is_authentic(cla: int) -> None:
    """Class bytes 6X and 7X cannot say that the header is under the MAC."""
    sealed = Sealed("AES-128")
    channel = state_of(sealed.card).sessions[0].secure
    assert isinstance(channel, DataObjectChannel)
    header, class_byte = f"{cla:02X}D68600", CLASS_BYTES[cla]
    assert class_byte is not None
    for inside, authentic in (([], False), ([(0x89, bytes.fromhex(header))], True)):
        command = Command.parse(sealed.build(header, [*inside, (0x81, DATA)]))
        found = channel.unwrap(command, class_byte)
        assert found.authentic is authentic
        assert found.command.cla == cla - 0x20


def test_secure_messaging_without_a_session_is_not_understood() -> None:
    card: Card = build_card(load_profile("iso7816"))
    card.power_on()
    assert card.transmit(bytes.fromhex("0CB08100")) == b"\x68\x82"
