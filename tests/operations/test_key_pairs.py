"""Key pairs made on the card: of the right kind, usable at once, kept, and never half there."""

from __future__ import annotations

from collections import Counter

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from operating import (
    COMPUTES,
    CONFIDENTIALITY,
    OK,
    SIGNATURE,
    VERIFIES,
    answer,
    card_with,
    choose,
    crypto_card,
    decipher,
    encipher,
    send,
    sign,
    verify,
)

from simcard.card import Card
from simcard.memory import PowerCut, PowerLoss, Tear
from simcard.profiles import build_card, load_profile
from simcard.security.asymmetric import decode_rsa
from simcard.security.keys import Key
from simcard.tearing.point import failures
from simcard.tlv import find, parse

MESSAGE = b"signed by a key that was made on the card"
LONGER = "7F4904 02020800"
RSA_SLOT, EC_SLOT, SM2_SLOT = 0x91, 0x92, 0x93
HOLDERS_OWN = 0x8D
HOLDER = bytes.fromhex("0020000104 31323334")


def reference(key: int) -> bytes:
    return bytes([0xB6, 3, 0x84, 1, key])


def generate(card: Card, key: int, *, wish: str = "", p1: int = 0x80) -> bytes:
    le = None if p1 == 0x84 else 65536
    return answer(send(card, 0x46, p1, 0x00, reference(key) + bytes.fromhex(wish), le=le))


def public_key(card: Card, key: int) -> bytes:
    return answer(send(card, 0x47, 0x81, 0x00, reference(key)))


def public_numbers(template: bytes) -> tuple[int, int]:
    """Modulus and exponent in a public key template."""
    (tlv,) = parse(template)
    assert tlv.tag == 0x7F49
    n, e = (find(tlv.children(), tag) or b"" for tag in (0x81, 0x82))
    return int.from_bytes(n, "big"), int.from_bytes(e, "big")


def point(template: bytes) -> bytes:
    (tlv,) = parse(template)
    assert tlv.tag == 0x7F49
    return find(tlv.children(), 0x86) or b""


@pytest.fixture
def card() -> Card:
    """A card of the profile `crypto` whose holder has proved himself."""
    card = crypto_card()
    assert card.transmit(HOLDER) == OK
    return card


@pytest.mark.parametrize(
    ("wish", "bits", "exponent"),
    [
        ("", 1024, 65537),
        (LONGER, 2048, 65537),
        ("7F4907 02020300 820103", 768, 3),
    ],
)
def test_an_rsa_pair_has_the_length_and_the_exponent_asked_for(
    card: Card, wish: str, bits: int, exponent: int
) -> None:
    template = generate(card, RSA_SLOT, wish=wish)
    n, e = public_numbers(template)
    assert (n.bit_length(), e) == (bits, exponent)
    assert public_key(card, RSA_SLOT) == template
    choose(card, SIGNATURE, COMPUTES | VERIFIES, private=RSA_SLOT)
    signature = sign(card, MESSAGE)
    assert len(signature) == bits // 8
    key = rsa.RSAPublicNumbers(e, n).public_key()
    key.verify(signature, MESSAGE, padding.PKCS1v15(), hashes.SHA256())
    assert verify(card, MESSAGE, signature) == OK
    choose(card, CONFIDENTIALITY, COMPUTES, private=RSA_SLOT)
    assert decipher(card, key.encrypt(MESSAGE, padding.PKCS1v15())) == MESSAGE


@pytest.mark.parametrize(
    ("name", "curve"),
    [("P-256", ec.SECP256R1()), ("P-384", ec.SECP384R1()), ("brainpoolP512r1", None)],
)
def test_an_ec_pair_lies_on_the_curve_of_its_slot(
    name: str, curve: ec.EllipticCurve | None
) -> None:
    curve = curve or ec.BrainpoolP512R1()
    size = (curve.key_size + 7) // 8
    words = {"algorithm": "ec", "curve": name, "private": "11" * size, "digest": "SHA-256"}
    card = card_with(words)
    encoded = point(generate(card, 1))
    key = ec.EllipticCurvePublicKey.from_encoded_point(curve, encoded)
    choose(card, SIGNATURE, COMPUTES, private=1)
    signature = sign(card, MESSAGE)
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    key.verify(encode_dss_signature(r, s), MESSAGE, ec.ECDSA(hashes.SHA256()))


def test_an_sm2_pair_signs_and_deciphers(card: Card) -> None:
    before = point(public_key(card, SM2_SLOT))
    assert point(generate(card, SM2_SLOT)) != before
    choose(card, SIGNATURE, COMPUTES | VERIFIES, private=SM2_SLOT)
    assert verify(card, MESSAGE, sign(card, MESSAGE)) == OK
    choose(card, CONFIDENTIALITY, COMPUTES | VERIFIES, private=SM2_SLOT)
    assert decipher(card, encipher(card, MESSAGE)) == MESSAGE


def test_a_pair_is_kept_and_leaves_every_other_key_alone(card: Card) -> None:
    keys = {key: public_key(card, key) for key in range(0x8A, 0x94) if key != HOLDERS_OWN}
    keys[EC_SLOT] = generate(card, EC_SLOT)
    card.power_off()
    card.power_on()
    assert card.transmit(bytes.fromhex("00A4040C09F053494D4341524404")) == OK
    assert {key: public_key(card, key) for key in keys} == keys


def test_the_same_seed_makes_the_same_pair_and_another_one_another() -> None:
    made = []
    for seed in (7, 7, 8):
        card = build_card(load_profile("crypto"), seed)
        card.power_on()
        assert card.transmit(bytes.fromhex("00A4040C09F053494D4341524404")) == OK
        assert card.transmit(HOLDER) == OK
        made.append(generate(card, RSA_SLOT))
    assert made[0] == made[1] != made[2]


def test_both_instruction_codes_and_the_environment_reach_the_same_key(card: Card) -> None:
    choose(card, SIGNATURE, COMPUTES, private=EC_SLOT)
    asked = {answer(send(card, ins, 0x81, 0x00)) for ins in (0x46, 0x47)}
    assert asked == {public_key(card, EC_SLOT)}


def test_a_public_key_alone_becomes_a_pair(card: Card) -> None:
    """The slot had the public half only: what was refused before works behind it."""
    public = point(public_key(card, 0x8F))
    other = card_with({"algorithm": "sm2", "public": public.hex()})
    choose(other, SIGNATURE, COMPUTES, private=1)
    assert send(other, 0x2A, 0x9E, 0x9A, MESSAGE) == b"\x69\x85"
    assert point(generate(other, 1)) != public
    assert len(sign(other, MESSAGE)) == 64


def test_a_pair_is_the_old_one_or_the_new_one_wherever_the_power_fails(card: Card) -> None:
    old = public_key(card, RSA_SLOT)
    whole = card.fork()
    writes = whole.flash.writes
    new = generate(whole, RSA_SLOT, wish=LONGER)
    writes = whole.flash.writes - writes
    assert writes > 1
    seen: Counter[bytes] = Counter()
    for failure in failures(writes):
        victim = card.fork()
        tear = failure.tear or Tear.NOISE
        victim.flash.arm(PowerCut(failure.write, failure.moment, tear, seed=3))
        with pytest.raises(PowerLoss):
            generate(victim, RSA_SLOT, wish=LONGER, p1=0x84)
        victim.flash.restore()
        victim.power_on()
        assert victim.transmit(bytes.fromhex("00A4040C09F053494D4341524404")) == OK
        left = public_key(victim, RSA_SLOT)
        seen[left] += 1
        choose(victim, SIGNATURE, COMPUTES | VERIFIES, private=RSA_SLOT)
        assert verify(victim, MESSAGE, sign(victim, MESSAGE)) == OK
    assert set(seen) == {old, new}


def test_the_private_key_is_the_one_in_the_key_file_and_nowhere_else(card: Card) -> None:
    """What was there before is gone from what the card can read: no byte of it is left over."""
    generate(card, RSA_SLOT, wish="7F4904 02020300")
    state = card.state
    assert state is not None
    (file,) = (
        file
        for file in state.tree.keys(state.tree.files[state.sessions[0].df])
        if file.identifier == RSA_SLOT
    )
    key = Key(file, state.memory)
    private = decode_rsa(key.value).private
    assert private is not None
    assert private.n.bit_length() == 768
    body = file.region.read(state.memory, 0, file.region.size)
    assert body.endswith(bytes(key.room - len(key.value)))
