"""The document `emrtd` before an inspection system, in one process."""

from __future__ import annotations

import hashlib
import re
import subprocess
from itertools import count
from pathlib import Path

import issuer
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from inspection import DG1, DG2, DG14, DG15, EF_COM, EF_SOD, Inspection, Refused

from conformance.crypto import icao
from conformance.crypto.signatures import active_authentication
from simcard.card import Card
from simcard.profiles import build_card, load_profile

SPECIMEN = ("L898902C", "690806", "940623")
MRZ_PASSWORD = icao.mrz_password(icao.mrz_information(*SPECIMEN))
CAN = b"123456"
COM = bytes.fromhex("60145F0104303130365F36063034303030305C026175")
FILES = {EF_COM: "011E", EF_SOD: "011D", DG1: "0101", DG2: "0102", DG14: "010E", DG15: "010F"}
SUITES = (1, 2, 3, 4)


def inspection_of(card: Card) -> Inspection:
    drawn = count()
    return Inspection(
        card.transmit,
        lambda length: hashlib.sha512(str(next(drawn)).encode()).digest()[:length],
    )


@pytest.fixture
def card() -> Card:
    card = build_card(load_profile("emrtd"), 1)
    card.power_on()
    return card


@pytest.fixture
def inspection(card: Card) -> Inspection:
    return inspection_of(card)


def test_every_file_is_what_the_issuer_makes_of_it() -> None:
    tables = load_profile("emrtd").tables
    held = {file.path: file.content.hex for file in tables.file if file.content}
    for path, content in issuer.CONTENTS.items():
        assert held[path] == content(), path
        assert next(file.size for file in tables.file if file.path == path) == len(content())
    key = next(key for key in tables.key if key.algorithm == "rsa")
    made = issuer.active_authentication_key()
    assert key.p == made.p.to_bytes(96, "big")
    assert key.q == made.q.to_bytes(96, "big")


def test_the_specimen_has_right_check_digits() -> None:
    second = issuer.MRZ[44:]
    fields = (second[:10], second[13:20], second[21:28], second[28:43])
    for field in fields:
        assert icao._check_digit(field[:-1]) == field[-1]
    assert icao._check_digit("".join(fields)) == second[43]
    assert icao.mrz_information(*SPECIMEN) == "".join(fields[:3])


def test_openssl_finds_the_document_security_object_genuine(tmp_path: Path) -> None:
    anchor, signed, found = (tmp_path / name for name in ("csca.pem", "sod.der", "lds.der"))
    csca = issuer.certificate("Utopia Test CSCA", authority=True)
    anchor.write_bytes(csca.public_bytes(Encoding.PEM))
    signed.write_bytes(issuer.signed_data(issuer.security_object()))
    command = ["openssl", "cms", "-verify", "-inform", "DER", "-purpose", "any", "-no_check_time"]
    command += ["-in", str(signed), "-CAfile", str(anchor), "-out", str(found)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Verification successful" in done.stderr, done.stderr
    assert found.read_bytes() == issuer.security_object()


def test_the_security_object_has_the_hash_of_each_data_group() -> None:
    for group in (issuer.dg1(), issuer.dg2(), issuer.dg14(), issuer.dg15()):
        assert hashlib.sha256(group).digest() in issuer.security_object()


def test_the_picture_is_a_jpeg_of_one_scan() -> None:
    picture = issuer.picture()
    markers = re.findall(rb"\xff([\xc0-\xfe])", picture)
    assert [marker[0] for marker in markers] == [0xD8, 0xDB, 0xC0, 0xC4, 0xC4, 0xDA, 0xD9]
    assert picture in issuer.dg2()


def read_all(inspection: Inspection) -> None:
    inspection.select_application()
    assert inspection.read(EF_COM) == COM
    assert inspection.read(DG1)[5:] == issuer.MRZ.encode()
    assert inspection.read(DG2) == issuer.dg2()
    assert inspection.read(DG14) == issuer.dg14()
    assert inspection.read(DG15) == issuer.dg15()
    assert inspection.read(EF_SOD) == issuer.ef_sod()


def test_basic_access_control_opens_all(inspection: Inspection) -> None:
    inspection.select_application()
    inspection.basic_access_control(*SPECIMEN)
    read_all(inspection)


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize(
    ("reference", "password"), [(1, MRZ_PASSWORD), (2, CAN)], ids=["mrz", "can"]
)
def test_pace_opens_all(
    inspection: Inspection, suite: int, reference: int, password: bytes
) -> None:
    protocol = next(each for each in inspection.protocols() if each.identifier[-1] == suite)
    inspection.pace(protocol, password, reference)
    read_all(inspection)


@pytest.mark.parametrize("suite", SUITES)
def test_an_answer_too_long_for_its_le_is_fetched_with_get_response(
    card: Card, inspection: Inspection, suite: int
) -> None:
    inspection.pace(inspection.protocols()[suite - 1], CAN, 2)
    inspection.select_application()
    answers: list[bytes] = []
    inspection.transmit = lambda raw: answers.append(card.transmit(raw)) or answers[-1]
    assert inspection.send(bytes.fromhex("00B08F00"), le=0) == issuer.dg15()
    cipher_block = 8 if suite == 1 else 16
    protected = -(-230 // cipher_block) * cipher_block + 4 + 4 + 10
    fetched = [] if protected <= 256 else [bytes([0x61, protected - 256])]
    assert [answer[-2:] for answer in answers] == [*fetched, b"\x90\x00"]


def test_the_card_announces_what_it_serves(inspection: Inspection) -> None:
    offered = {each.identifier[-1]: each.number for each in inspection.protocols()}
    assert offered == issuer.PACE_SUITES


@pytest.mark.parametrize("identifier", FILES.values())
def test_nothing_is_read_without_access_control(inspection: Inspection, identifier: str) -> None:
    inspection.select_application()
    inspection.send(bytes.fromhex("00A4020C"), bytes.fromhex(identifier))
    with pytest.raises(Refused, match="6982"):
        inspection.send(bytes.fromhex("00B00000"), le=4)


def test_a_plain_command_ends_the_session(inspection: Inspection) -> None:
    inspection.basic_access_control(*SPECIMEN)
    inspection.select_application()
    keys, inspection.keys = inspection.keys, None
    with pytest.raises(Refused, match="6982"):
        inspection.send(bytes.fromhex("00B09E00"), le=4)
    inspection.keys = keys
    with pytest.raises(Refused, match="6882"):
        inspection.send(bytes.fromhex("00B09E00"), le=4)


def test_wrong_access_keys_open_nothing(card: Card, inspection: Inspection) -> None:
    inspection.select_application()
    with pytest.raises(Refused, match="6300"):
        inspection.basic_access_control("L898902D", *SPECIMEN[1:])
    inspection_of(card).basic_access_control(*SPECIMEN)


def test_a_challenge_serves_one_authentication(card: Card, inspection: Inspection) -> None:
    said: list[bytes] = []
    inspection.transmit = lambda raw: said.append(raw) or card.transmit(raw)
    inspection.basic_access_control(*SPECIMEN)
    assert card.transmit(said[-1]) == b"\x69\x85"


@pytest.mark.parametrize("suite", SUITES)
def test_a_wrong_password_is_found_out_by_its_token(inspection: Inspection, suite: int) -> None:
    protocol = inspection.protocols()[suite - 1]
    with pytest.raises(Refused, match="6300"):
        inspection.pace(protocol, b"123457", 2)
    inspection.pace(protocol, CAN, 2)
    read_all(inspection)


def test_pace_instead_of_basic_access_control_takes_its_rights_over(card: Card) -> None:
    inspection = inspection_of(card)
    protocol = inspection.protocols()[1]
    inspection.basic_access_control(*SPECIMEN)
    inspection.pace(protocol, CAN, 2)
    read_all(inspection)
    inspection.keys = None
    with pytest.raises(Refused, match="6982"):
        inspection.send(bytes.fromhex("00B09E00"), le=4)


def test_active_authentication_answers_the_challenge(inspection: Inspection) -> None:
    inspection.basic_access_control(*SPECIMEN)
    inspection.select_application()
    key, challenge = issuer.active_authentication_key(), bytes(range(8))
    signature = inspection.active_authentication(challenge)
    assert len(signature) == 192
    assert active_authentication(key.n, key.e, challenge, signature)
    assert not active_authentication(key.n, key.e, challenge[::-1], signature)
    assert inspection.active_authentication(challenge) != signature


def test_active_authentication_needs_access_control_first(inspection: Inspection) -> None:
    inspection.select_application()
    with pytest.raises(Refused, match="6982"):
        inspection.active_authentication(bytes(8))


def test_active_authentication_wants_eight_bytes(inspection: Inspection) -> None:
    inspection.basic_access_control(*SPECIMEN)
    inspection.select_application()
    with pytest.raises(Refused, match="6700"):
        inspection.active_authentication(bytes(9))


def test_rights_end_with_the_reset(card: Card, inspection: Inspection) -> None:
    inspection.basic_access_control(*SPECIMEN)
    card.reset()
    with pytest.raises(Refused, match="6882"):
        inspection.select_application()
