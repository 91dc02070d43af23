"""The SM2 pair of an issued ssc3: generated on the card, under its profile's rule, registered."""

from __future__ import annotations

import json
import shutil
import subprocess
from base64 import b64decode
from pathlib import Path

import pytest
from played import setting

from simcard.card import Card
from simcard.crypto import sm2
from simcard.files.descriptors import File, FileKind
from simcard.issuance.batch import IssuedCard, Row, Shelf, make_card
from simcard.issuance.personalisation import PersonalisationError, check_personalisable
from simcard.issuance.request import signed_request
from simcard.memory import Flash
from simcard.profiles import Profile, build_card, load_profile
from simcard.scenarios.setting import HOLDER, REPLACED
from simcard.security.access import ALWAYS, NEVER, Right
from simcard.security.keys import HEADER_SIZE, Key
from simcard.security.rules import condition
from simcard.tlv import parse

SSSE = "00A4040C0F7378312E73682EC9E7BBE1B1A3D5CF"
REFERENCE = 0x81
OPENSSL = shutil.which("openssl")


def powered(profile: Profile, image: bytes | None = None) -> Card:
    flash = None if image is None else Flash.open(bytearray(image))
    card = build_card(profile, 1, flash=flash)
    card.power_on()
    return card


def made(*, foreign: bool = False) -> IssuedCard:
    world = setting("ssc3")
    return make_card(world.profile, world.order(HOLDER, foreign=foreign))


def card_of(issued: IssuedCard) -> Card:
    card = powered(load_profile("ssc3"), issued.image)
    assert ask(card, SSSE) == b"\x90\x00"
    return card


def ask(card: Card, apdu: str) -> bytes:
    answer = card.transmit(bytes.fromhex(apdu))
    assert card.fault is None
    return answer


def key_file(card: Card) -> File:
    assert card.state is not None
    files = card.state.tree.files.values()
    (found,) = (f for f in files if (f.kind, f.identifier) == (FileKind.KEY, REFERENCE))
    return found


def test_the_issued_key_is_the_profile_s_but_for_its_value() -> None:
    issued, shipped = card_of(made()), powered(load_profile("ssc3"))
    keys = []
    for card in (issued, shipped):
        assert card.state is not None
        tree, memory, file = card.state.tree, card.state.memory, key_file(card)
        rules = [condition(tree, memory, file, right) for right in (Right.READ, Right.UPDATE)]
        assert rules == [ALWAYS, NEVER]
        key = Key(file, memory)
        assert key.tries_left is None
        body = file.region.read(memory, 0, HEADER_SIZE)
        keys.append((body, tree.parent(file).identifier, file.life_cycle, len(key.value)))
    assert keys[0] == keys[1]


def test_the_issued_card_signs_as_the_profile_does() -> None:
    issued = made()
    (request,) = issued.requests
    card = card_of(issued)
    challenge = bytes(range(16))
    proof = ask(card, f"0088008110{challenge.hex()}00")
    assert proof[-2:] == b"\x90\x00"
    digest = sm2.message_digest(request.public, challenge)
    assert sm2.verify(request.public, digest, proof[:-2])
    assert ask(card, "002241B603840181") == b"\x90\x00"
    signature = ask(card, f"002A9E9A10{challenge.hex()}00")
    assert sm2.verify(request.public, digest, signature[:-2])
    public = ask(card, "0046810005B60384018100")
    assert public == bytes.fromhex("7F49438641") + request.public + b"\x90\x00"


def test_the_pair_stays() -> None:
    issued = made()
    card = card_of(issued)
    for generate in ("80", "84"):
        assert ask(card, f"0046{generate}0005B60384018100") == b"\x69\x82"
    assert ask(card, "0020000003123456") == b"\x90\x00"
    assert ask(card, "0046800005B60384018100") == b"\x69\x82"
    assert issued.requests[0].public in ask(card, "0046810005B60384018100")


def test_an_order_decides_the_pair_and_nobody_without_its_keys_can_tell_it() -> None:
    world = setting("ssc3")
    assert made() == made()
    others = [
        made().requests[0],
        made(foreign=True).requests[0],
        make_card(world.profile, world.order(REPLACED)).requests[0],
    ]
    assert len({request.public for request in others}) == 3


@pytest.mark.skipif(OPENSSL is None, reason="the openssl command is not installed")
def test_openssl_finds_the_request_signed_by_its_key(tmp_path: Path) -> None:
    (request,) = made().requests
    file = tmp_path / "card.csr"
    file.write_text(request.pem)
    assert OPENSSL is not None
    command = [OPENSSL, "req", "-in", str(file), "-noout", "-verify", "-subject", "-pubkey"]
    options = ["-vfyopt", "distid:1234567812345678"]
    done = subprocess.run([*command, *options], check=True, capture_output=True, text=True)
    assert "verify OK" in done.stdout + done.stderr
    assert HOLDER.card_number in done.stdout
    assert setting("ssc3").order(HOLDER).serial.hex().upper() in done.stdout
    changed = request._replace(der=request.der.replace(b"S30000017", b"S30000018"))
    file.write_text(changed.pem)
    done = subprocess.run([*command, *options], check=False, capture_output=True, text=True)
    assert "verify OK" not in done.stdout + done.stderr


def test_the_text_of_a_request_has_lines_of_64_characters() -> None:
    (request,) = made().requests
    head, *lines, foot = request.pem.splitlines()
    assert head == "-----BEGIN CERTIFICATE REQUEST-----"
    assert foot == "-----END CERTIFICATE REQUEST-----"
    assert {len(line) for line in lines[:-1]} == {64}
    assert len(lines[-1]) <= 64
    assert b64decode("".join(lines)) == request.der


@pytest.mark.parametrize(
    ("number", "integer"),
    [
        ("01", "020101"),
        ("7F" + "00" * 31, "02207F" + "00" * 31),
        ("80" + "00" * 31, "02210080" + "00" * 31),
        ("0080" + "00" * 30, "02200080" + "00" * 30),
        ("007F" + "00" * 30, "021F7F" + "00" * 30),
    ],
)
def test_the_numbers_of_a_signature_are_the_shortest_positive_integers(
    number: str, integer: str
) -> None:
    part = bytes.fromhex(number).rjust(32, b"\0")
    request = signed_request(b"", part + part)
    assert request.endswith(bytes.fromhex(integer * 2))
    (template,) = parse(request)
    _, proof = template.children()
    (numbers,) = parse(proof.value.removeprefix(b"\0"))
    assert [bytes(each).hex().upper() for each in numbers.children()] == [integer] * 2


def test_the_ledger_and_a_file_beside_the_image_keep_the_public_key(tmp_path: Path) -> None:
    issued = made()
    with Shelf(tmp_path) as shelf:
        shelf.enter(Row(2, HOLDER), issued)
    (entry,) = map(json.loads, (tmp_path / "issued.jsonl").read_text().splitlines())
    assert entry["public_keys"] == {"DDF1/81": issued.requests[0].public.hex().upper()}
    assert (tmp_path / "S30000017.csr").read_text() == issued.requests[0].pem
    assert (tmp_path / "S30000017.img").read_bytes() == issued.image
    assert not list(tmp_path.glob("*.part"))


def test_a_card_without_pairs_has_no_file_of_requests(tmp_path: Path) -> None:
    world = setting("ssc2")
    issued = make_card(world.profile, world.order(HOLDER))
    assert issued.requests == ()
    issued.write(tmp_path / "card.img")
    assert [file.name for file in tmp_path.iterdir()] == ["card.img"]


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("iso7816", "only cards of the pboc dialect"),
        ("psam", "sam_key: no machine loads that"),
        ("more-usage", "key 81: a pair that a card generates is an sm2 key"),
        ("counted", "key 81: a pair that a card generates is an sm2 key"),
        ("another", "key 82: a pair that a card generates is an sm2 key"),
    ],
)
def test_a_profile_that_no_machine_can_make_is_refused(
    name: str, rule: str, tmp_path: Path
) -> None:
    pair = '[[key]]\ndf = "3F00/DDF1"\nreference = "{}"\nalgorithm = "{}"\nusage = {}\n{}'
    scalar = 'private = "' + "11" * 32 + '"\n'
    own = {
        "more-usage": pair.format("81", "sm2", '["internal", "sign", "agree"]', scalar),
        "counted": pair.format("81", "sm2", '["internal", "sign"]', scalar + "tries = 3"),
        "another": pair.format("82", "tdes", '["internal"]', 'hex = "' + "11" * 16 + '"'),
    }
    if name in own:
        file = tmp_path / "own.toml"
        file.write_text(f'extends = "ssc3"\nname = "{name}"\n{own[name]}\n')
        profile = load_profile(str(file))
    else:
        profile = load_profile(name)
    with pytest.raises(PersonalisationError, match=rule):
        check_personalisable(profile)
