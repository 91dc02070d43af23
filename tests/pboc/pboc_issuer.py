"""Personalising a chip by the commands of the PBOC family, for cards that no profile describes."""

from __future__ import annotations

from dataclasses import replace

from pboc_terminal import challenge, ok

from conformance.crypto.blocks import encrypt_ecb
from simcard.card import Card
from simcard.entropy import ScriptedEntropy, SeededEntropy
from simcard.profiles import Profile, build_card, load_profile

TEST_KEY = "00112233445566778899AABBCCDDEEFF"


def blank_chip(transport: str = "FF" * 16, profile: str = "ssc2") -> Card:
    """A powered chip with nothing on it but its MF and transport key, which has been proven."""
    loaded = load_profile(profile)
    choices = loaded.tables.pboc.model_copy(update={"transport_key": bytes.fromhex(transport)})
    tables = loaded.tables.model_copy(update={"pboc": choices})
    chip = build_card(replace(Profile(tables, loaded.source)).unpersonalised)
    chip.power_on()
    key = bytes.fromhex(transport)
    cipher = "DES" if len(key) == 8 else "TDES"
    ok(chip, "0082000008" + encrypt_ecb(cipher, key, challenge(chip, 8)).hex())
    return chip


def will_draw(card: Card, numbers: str) -> None:
    """Let the card draw these random numbers next."""
    assert card.state is not None
    card.state.entropy = ScriptedEntropy(bytes.fromhex(numbers), SeededEntropy(0))


def application(chip: Card, *, key_line: str = "3F") -> None:
    """An application 3F01 that is open to everybody, with a key file, and now the current DF."""
    ok(chip, "80E03F010D" + "38" + "0520" + "F0F0" + "95" + "FFFF" + "57414C4C45")
    ok(chip, "80E0000007" + key_line + "0400" + "00" + "F0" + "FFFF")


def wallet(chip: Card) -> None:
    """The application of the published records: purse, deposit, log, and their keys."""
    application(chip)
    ok(chip, "80E00018072E0A17F0EFFFFF")
    ok(chip, "80E00002072F0208F000FF18")
    ok(chip, "80E00001072F0208F000FF18")
    for header in ("01 3F F0F0 0100", "02 3F F0F0 0000", "00 3E F0F0 0000", "00 34 F0F0 0000"):
        identifier, key_type, rights, rest = header.split()
        ok(chip, f"80D401{identifier}15" + key_type + rights + rest + TEST_KEY)


def with_purse(**changes: int) -> Card:
    """A powered ssc2 whose EP holds something else."""
    loaded = load_profile("ssc2")
    purses = [
        purse.model_copy(update=changes) if purse.kind == "EP" else purse
        for purse in loaded.tables.purse
    ]
    tables = loaded.tables.model_copy(update={"purse": purses})
    card = build_card(Profile(tables, loaded.source))
    card.power_on()
    return card
