"""What is refused changes nothing: the chip is as it was, byte for byte, and the card goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from operating import (
    CHECKSUM,
    COMPUTES,
    CONFIDENTIALITY,
    HASH,
    OK,
    SIGNATURE,
    VERIFIES,
    card_with,
    choose,
    crypto_card,
    encipher,
    send,
)

from simcard.card import Card
from simcard.crypto.curves import SM2P256V1
from simcard.profiles import ProfileError, build_card, load_profile
from simcard.script import Action, parse_script

EXCHANGES = Path(__file__).parents[2] / "vectors" / "exchanges" / "crypto"
REFUSALS = sorted(EXCHANGES.glob("*-refuses.apdu"))
PAIRS = [
    *((0x9E, tag) for tag in (0x9A, 0xAC, 0xBC)),
    *((0x00, tag) for tag in (0xA2, 0xA8)),
    *((tag, 0x80) for tag in (0x82, 0x84, 0x86, 0x8E, 0x90)),
    *((0x80, tag) for tag in (0x82, 0x84, 0x86)),
    (0x90, 0xA0),
]
KEYS = range(0x81, 0x94)
POINT = 65


def is_refusal(response: bytes) -> bool:
    return len(response) == 2 and 0x64 <= response[0] <= 0x6F


@pytest.mark.parametrize("script", REFUSALS, ids=lambda path: path.stem)
def test_a_refused_command_leaves_the_chip_as_it_was(script: Path) -> None:
    card = build_card(load_profile("crypto"))
    card.power_on()
    refused = 0
    for step in parse_script(script.read_text("utf-8").splitlines()):
        assert step.action is Action.COMMAND
        before = card.flash.image()
        if is_refusal(card.transmit(step.apdu)):
            refused += 1
            assert card.flash.image() == before, step
    assert refused > 1


@pytest.fixture
def card() -> Card:
    return crypto_card()


def refused(card: Card, p1: int, p2: int, data: bytes) -> str:
    """The status word of an operation that is refused and changes nothing."""
    before = card.flash.image()
    response = send(card, 0x2A, p1, p2, data)
    assert len(response) == 2
    assert card.flash.image() == before
    assert card.fault is None
    return response.hex()


def test_a_point_off_the_curve_is_incorrect_data(card: Card) -> None:
    choose(card, CONFIDENTIALITY, COMPUTES | VERIFIES, key=0x8F)
    out = encipher(card, b"message")
    for at in (0, 1, POINT - 1):
        spoilt = out[:at] + bytes([out[at] ^ 1]) + out[at + 1 :]
        assert refused(card, 0x80, 0x82, spoilt) == "6a80"
    prime = SM2P256V1.p.to_bytes(32, "big")
    assert refused(card, 0x80, 0x82, b"\x04" + prime * 2 + out[POINT:]) == "6a80"
    assert refused(card, 0x80, 0x82, bytes(POINT) + out[POINT:]) == "6a80"


def test_a_check_value_that_is_wrong_is_incorrect_data(card: Card) -> None:
    choose(card, CONFIDENTIALITY, COMPUTES | VERIFIES, key=0x8F)
    out = encipher(card, b"message")
    for at in range(POINT, len(out)):
        assert refused(card, 0x80, 0x82, out[:at] + bytes([out[at] ^ 1]) + out[at + 1 :]) == "6a80"


@pytest.mark.parametrize(("key", "longest"), [(0x8A, 117), (0x8B, 117)])
def test_an_rsa_message_longer_than_the_modulus_less_11_bytes_is_a_wrong_length(
    card: Card, key: int, longest: int
) -> None:
    choose(card, CONFIDENTIALITY, VERIFIES, key=key)
    assert len(encipher(card, bytes(longest))) == 128
    assert refused(card, 0x82, 0x80, bytes(longest + 1)) == "6700"


@pytest.mark.parametrize("length", [0, 127, 129])
def test_an_rsa_cryptogram_of_another_length_is_a_wrong_length(card: Card, length: int) -> None:
    choose(card, CONFIDENTIALITY, COMPUTES, private=0x8A)
    assert refused(card, 0x80, 0x82, bytes(length)) == "6700"


def test_an_rsa_cryptogram_not_below_the_modulus_is_incorrect_data(card: Card) -> None:
    choose(card, CONFIDENTIALITY, COMPUTES, private=0x8A)
    assert refused(card, 0x80, 0x82, b"\xff" * 128) == "6a80"
    assert refused(card, 0x80, 0x82, bytes(128)) == "6a80"


@pytest.mark.parametrize("length", [0, 63, 65, 200])
def test_a_signature_of_another_length_does_not_verify(card: Card, length: int) -> None:
    choose(card, SIGNATURE, VERIFIES, key=0x90)
    data = bytes.fromhex("9A0161") + bytes([0x9E, *([0x81] * (length > 127)), length])
    assert send(card, 0x2A, 0x00, 0xA8, data + bytes(length), le=None) == b"\x63\x00"


def test_a_hash_function_too_long_for_the_modulus_is_no_condition_of_use() -> None:
    p = 2**256 - 189
    q = 2**255 + 95
    card = card_with({"algorithm": "rsa", "n": f"{p * q:0128X}", "e": 65537})
    choose(card, SIGNATURE, VERIFIES, key=1, algorithm=0x62)
    data = bytes.fromhex("9A01619E0100")
    assert send(card, 0x2A, 0x00, 0xA8, data, le=None) == b"\x69\x85"


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ('algorithm = "tdes"\nhex = "0123456789ABCDEF"', "TDES keys have 16, 24 bytes, not 8"),
        ('algorithm = "aes"\nhex = "00"', "AES keys have 16, 24, 32 bytes, not 1"),
        ('algorithm = "sm4"\nhex = "' + "00" * 24 + '"', "SM4 keys have 16 bytes, not 24"),
        (
            'algorithm = "sm2"\npublic = "04' + "11" * 64 + '"',
            "the point is not on sm2p256v1",
        ),
        (
            'algorithm = "ec"\ncurve = "P-256"\npublic = "04' + "11" * 63 + '"',
            "a point of P-256 is 04 and two coordinates of 32 bytes",
        ),
        ('algorithm = "sm2"\nprivate = "00"', "a private key of sm2p256v1 has 32 bytes"),
        (
            'algorithm = "ec"\ncurve = "P-256"\nprivate = "' + "FF" * 32 + '"',
            "a private key of P-256 is in 1..n-1",
        ),
        ('algorithm = "rsa"\np = "0F"\nq = "0D"', "p and q are primes"),
        ('algorithm = "rsa"\nn = "23"', "the modulus has 512 bits or more"),
        (
            f'algorithm = "rsa"\ndigest = "SM3"\nn = "{2**512 - 1:X}"',
            "an RSA key hashes with SHA",
        ),
        (
            f'algorithm = "sm2"\nprivate = "{SM2P256V1.n - 1:X}"',
            "the SM2 private key n-1 cannot sign",
        ),
        (
            'algorithm = "sm2"\nhex = "06082A8648CE3D0301078120' + "11" * 32 + '"',
            "an SM2 key lies on sm2p256v1",
        ),
        ('algorithm = "ec"\nhex = "06012A810111"', "06 is not the object identifier of a curve"),
        (
            'algorithm = "ec"\nhex = "06082A8648CE3D03010780012A8120' + "11" * 32 + '"',
            "80 is not the object identifier of a hash function",
        ),
        ('algorithm = "rsa"\nhex = "8101FF"', "the data objects of this key are 81 82 83, or 7F49"),
        ('algorithm = "rsa"\nhex = "81FF"', "the length field at offset 1 is malformed"),
    ],
)
def test_a_key_that_is_none_is_refused_with_the_profile(
    tmp_path: Path, words: str, rule: str
) -> None:
    path = tmp_path / "keys.toml"
    head = 'extends = "iso7816"\nname = "keys"\n\n'
    key = f'[[key]]\ndf = "3F00"\nreference = "11"\nusage = ["verify"]\n{words}\n'
    path.write_text(head + key, "utf-8")
    with pytest.raises(ProfileError) as error:
        load_profile(str(path))
    assert str(error.value).startswith(f"{path}:4: key[0]: ")
    assert rule in str(error.value)


TEMPLATES = st.sampled_from([HASH, CHECKSUM, SIGNATURE, CONFIDENTIALITY])
OBJECT = st.one_of(
    st.sampled_from(KEYS).map(lambda key: bytes([0x83, 1, key])),
    st.sampled_from(KEYS).map(lambda key: bytes([0x84, 1, key])),
    st.integers(0, 255).map(lambda reference: bytes([0x80, 1, reference])),
    st.binary(max_size=16).map(lambda value: bytes([0x87, len(value), *value])),
)
DATA = st.one_of(
    st.binary(max_size=140),
    st.lists(
        st.tuples(
            st.sampled_from([0x80, 0x8E, 0x90, 0x9A, 0x9E, 0xAC, 0xBC]), st.binary(max_size=64)
        ),
        max_size=3,
    ).map(lambda objects: b"".join(bytes([tag, len(v)]) + v for tag, v in objects)),
)


@pytest.fixture(scope="module")
def fresh() -> Card:
    return crypto_card()


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    template=TEMPLATES,
    objects=st.lists(OBJECT, max_size=3),
    pair=st.sampled_from(PAIRS),
    data=DATA,
    ins=st.sampled_from([0x2A, 0x2B]),
)
def test_no_operation_ever_faults(
    fresh: Card, template: int, objects: list[bytes], pair: tuple[int, int], data: bytes, ins: int
) -> None:
    card = fresh.fork()
    send(card, 0x22, 0xC1, template, b"".join(objects), le=None)
    before = card.flash.image()
    response = send(card, ins, *pair, data)
    assert card.fault is None
    if is_refusal(response):
        assert card.flash.image() == before
    assert response[-2:] in {OK, b"\x63\x00"} or len(response) == 2
