"""The terminals' keys and MACs, made again by the judge's cryptography from what was written."""

from __future__ import annotations

from functools import reduce

import pytest
from played import conversation, play, setting

from conformance.crypto.blocks import cbc_mac, encrypt_ecb, pad, xor
from simcard.scenarios.setting import HOLDER

CASES = [("ssc2", "TDES", 1), ("ssc3", "SM4", 2)]
PROVINCE = bytes.fromhex("9156000002330000")
CITY = bytes.fromhex("9156000002330302")


def card_factor() -> bytes:
    return bytes.fromhex("3303") + int(HOLDER.card_number, 36).to_bytes(6, "big")


def step(cipher: str, key: bytes, factor: bytes) -> bytes:
    both = factor + xor(factor, b"\xff" * 8)
    return encrypt_ecb(cipher, key, both)


def card_key(profile: str, name: str) -> bytes:
    """A key of the card, derived by province, city and card from the nation's."""
    found = {each.name: (each, key) for each, key in setting(profile).office().keys.keys.items()}
    purpose, national = found[name]
    cipher = purpose.cipher.name
    factors = (PROVINCE, CITY, card_factor())
    return reduce(lambda key, factor: step(cipher, key, factor), factors, national)


def process(cipher: str, key: bytes, data: bytes) -> bytes:
    return encrypt_ecb(cipher, key, pad(data, 16 if cipher == "SM4" else 8)[:16])


def process_of_purchase(cipher: str, key: bytes, data: bytes) -> bytes:
    return encrypt_ecb(cipher, key, data if cipher == "TDES" else pad(data, 16))


def mac(cipher: str, key: bytes, data: bytes) -> bytes:
    size = 16 if cipher == "SM4" else 8
    return cbc_mac("SM4" if cipher == "SM4" else "DES", key, pad(data, size))[:4]


def tac_key(cipher: str, key: bytes) -> bytes:
    return key if cipher == "SM4" else xor(key[:8], key[8:])


def only(found: list[tuple[bytes, bytes]], header: str) -> tuple[bytes, bytes]:
    (pair,) = (each for each in found if each[0].startswith(bytes.fromhex(header)))
    return pair


@pytest.mark.parametrize(("profile", "cipher", "index"), CASES)
@pytest.mark.parametrize("name", ["pharmacy", "pharmacy-in-another-region"])
def test_a_purchase(name: str, profile: str, cipher: str, index: int) -> None:
    said = conversation(play(name, profile))
    begin, begun = only(said, "805001010B")
    debit, paid = only(said, "805401000F")
    _, module = only(said, "80700000")
    amount, terminal = begin[6:10], begin[10:16]
    counter, moment, mac1 = debit[5:9], debit[9:16], debit[16:20]
    assert module == counter + mac1
    key = card_key(profile, f"DF08/purchase/{index:02X}")
    session = process_of_purchase(cipher, key, begun[11:15] + begun[4:6] + counter[2:])
    assert mac1 == mac(cipher, session, amount + b"\x05" + terminal + moment)
    assert paid[4:] == mac(cipher, session, amount)
    dtk = tac_key(cipher, card_key(profile, "DF08/internal/00"))
    assert paid[:4] == mac(cipher, dtk, amount + b"\x05" + terminal + counter + moment)


@pytest.mark.parametrize(("profile", "cipher", "index"), CASES)
def test_a_load(profile: str, cipher: str, index: int) -> None:
    said = conversation(play("bank-load", profile))
    at = next(n for n, each in enumerate(said) if each[0][:4] == bytes.fromhex("80500001"))
    (begin, begun), (credit, tac) = said[at : at + 2]
    amount, terminal, moment = begin[6:10], begin[10:16], credit[5:12]
    key = card_key(profile, f"DF08/load/{index:02X}")
    session = process(cipher, key, begun[8:12] + begun[4:6])
    assert begun[12:] == mac(cipher, session, begun[:4] + amount + b"\x01" + terminal)
    assert credit[12:16] == mac(cipher, session, amount + b"\x01" + terminal + moment)
    after = int.from_bytes(begun[:4], "big") + int.from_bytes(amount, "big")
    covered = after.to_bytes(4, "big") + begun[4:6] + amount + b"\x01" + terminal + moment
    assert tac == mac(cipher, tac_key(cipher, card_key(profile, "DF08/internal/00")), covered)


@pytest.mark.parametrize("profile", ["ssc2", "ssc3"])
def test_the_card_proves_the_environment_with_a_process_key(profile: str) -> None:
    said = conversation(play("hospital-in-another-region", profile))
    asked, answered = only(said, "00880001")
    information, factor = asked[5:13], asked[13:21]
    key = step("TDES", card_key(profile, "DDF1/internal/01"), factor)
    assert answered == encrypt_ecb("TDES", key, information)


@pytest.mark.parametrize(("profile", "cipher", "size"), [("ssc2", "TDES", 8), ("ssc3", "SM4", 16)])
def test_the_office_proves_an_update_key_with_a_process_key(
    profile: str, cipher: str, size: int
) -> None:
    said = conversation(play("unemployment", profile))
    at = next(n for n, each in enumerate(said) if each[0][:4] == bytes.fromhex("00820001"))
    factor, information = said[at - 2][1], said[at - 1][1]
    assert len(information) == size
    key = step(cipher, card_key(profile, "DF02/external/01"), factor)
    assert said[at][0][5:] == encrypt_ecb(cipher, key, information) + factor
