"""The other side of a PBOC card: host, terminal and issuer, with the judge's own cryptography."""

from __future__ import annotations

from typing import NamedTuple

from conformance.crypto import pboc as oracle
from conformance.crypto.blocks import encrypt_ecb
from simcard.apdu import Command
from simcard.card import Card
from simcard.profiles import build_card, load_profile

SSSE = bytes.fromhex("7378312E73682EC9E7BBE1B1A3D5CF")
PUBLIC = bytes.fromhex("D15600000508")
MODULE = bytes.fromhex("D156000005A0")
TERMINAL = bytes.fromhex("330300000001")
MOMENT = bytes.fromhex("20261124083000")
CITY = bytes.fromhex("9156000002330300")
CARD_FACTOR = bytes.fromhex("3303000000000017")
PIN = "0020000003123456"


def key_of(profile: str, df: str, key_type: str, identifier: int) -> bytes:
    """The value of a key, as the profile says it."""
    for key in load_profile(profile).tables.pboc_key:
        if (key.df[-4:], key.type, key.id[0]) == (df, key_type, identifier):
            return key.hex
    raise KeyError((profile, df, key_type, identifier))


def powered(profile: str, seed: int = 7) -> Card:
    card = build_card(load_profile(profile), seed)
    card.power_on()
    return card


class Answer(NamedTuple):
    data: bytes
    sw: int


def send(card: Card, apdu: str | bytes) -> Answer:
    raw = bytes.fromhex(apdu) if isinstance(apdu, str) else apdu
    response = card.transmit(raw)
    assert card.fault is None, card.fault
    return Answer(response[:-2], int.from_bytes(response[-2:], "big"))


def ok(card: Card, apdu: str | bytes) -> bytes:
    data, sw = send(card, apdu)
    assert sw == 0x9000, f"{apdu!r}: {sw:04X}"
    return data


def select(card: Card, name: bytes) -> None:
    ok(card, bytes(Command(0x00, 0xA4, 0x04, 0x0C, name)))


def challenge(card: Card, size: int = 4) -> bytes:
    return ok(card, f"00840000{size:02X}")


def sealed(card: Card, header: str, key: bytes, plain: bytes = b"", *, cipher: bool = False) -> str:
    """A line-protected command under a 3DES *key*, after a challenge of 4 bytes."""
    data = oracle.line_encipher(key, plain) if cipher else plain
    covered = bytes.fromhex(header) + bytes([len(data) + 4]) + data
    return (covered + oracle.line_mac(key, challenge(card), covered)).hex()


def prove(card: Card, identifier: int, key: bytes) -> Answer:
    """EXTERNAL AUTHENTICATE in the plain form, with 3DES."""
    proof = encrypt_ecb("TDES", key, challenge(card, 8))
    return send(card, f"008200{identifier:02X}08" + proof.hex())


def initialize(card: Card, parameters: str, amount: int, key: int = 1) -> Answer:
    data = bytes([key]) + amount.to_bytes(4, "big") + TERMINAL
    return send(card, bytes.fromhex(f"8050{parameters}0B") + data + b"\x00")


def load_command(key: bytes, begun: bytes, amount: int, kind: int) -> str:
    """CREDIT FOR LOAD after the answer *begun*; MAC1 is checked on the way."""
    balance, counter, random, mac1 = begun[:4], begun[4:6], begun[8:12], begun[12:]
    process = oracle.load_key(key, random, counter)
    value = amount.to_bytes(4, "big")
    assert mac1 == oracle.mac(process, balance, value, bytes([kind]), TERMINAL)
    mac2 = oracle.mac(process, value, bytes([kind]), TERMINAL, MOMENT)
    return "805200000B" + MOMENT.hex() + mac2.hex() + "04"


def purchase_command(
    key: bytes, begun: bytes, amount: int, kind: int, counter: bytes = bytes(4)
) -> str:
    """DEBIT FOR PURCHASE after the answer *begun*, as a terminal whose module we are."""
    process = oracle.purchase_key(key, begun[11:15], begun[4:6], counter[2:])
    mac1 = oracle.mac(process, amount.to_bytes(4, "big"), bytes([kind]), TERMINAL, MOMENT)
    return "805401000F" + (counter + MOMENT + mac1).hex() + "08"


def balance(card: Card, purse: int = 2) -> int:
    return int.from_bytes(ok(card, f"805C00{purse:02X}04"), "big")


def module_mac1(module: Card, begun: bytes, amount: int, kind: int) -> bytes:
    """What the PSAM says to the answer *begun* of a card: terminal counter and MAC1."""
    data = begun[11:15] + begun[4:6] + amount.to_bytes(4, "big") + bytes([kind]) + MOMENT
    data += begun[9:11] + CITY + CARD_FACTOR
    return ok(module, bytes(Command(0x80, 0x70, 0, 0, data, 8)))
