"""A file for an SM2 private key: created empty, filled by GENERATE, then under its own rules."""

from __future__ import annotations

import pytest
from pboc_issuer import blank_chip
from pboc_terminal import Card, ok, send

from simcard.crypto import sm2
from simcard.memory.power import Moment, PowerCut, PowerLoss

CREATE = "80E0008107" + "1BFFFFF0EFFFFF"
GENERATE = "0046800005B60384018100"
READ = "0046810005B60384018100"
PROVE = "00880081080102030405060708" + "00"
CHOOSE = "002241B603840181"
SIGN = "002A9E9A03616263" + "00"


@pytest.fixture
def chip() -> Card:
    return blank_chip()


def test_the_pair_comes_with_generate_and_its_rules_with_the_pair(chip: Card) -> None:
    ok(chip, CREATE)
    public = ok(chip, GENERATE)[5:]
    assert ok(chip, READ)[5:] == public
    digest = sm2.message_digest(public, bytes(range(1, 9)))
    assert sm2.verify(public, digest, ok(chip, PROVE))
    ok(chip, CHOOSE)
    assert sm2.verify(public, sm2.message_digest(public, b"abc"), ok(chip, SIGN))
    assert send(chip, GENERATE).sw == 0x6982
    chip.reset()
    assert ok(chip, READ)[5:] == public


def test_a_key_without_a_pair_does_nothing(chip: Card) -> None:
    ok(chip, CREATE)
    ok(chip, CHOOSE)
    for command in (READ, PROVE, SIGN):
        assert send(chip, command).sw == 0x6985
        assert chip.fault is None
    chip.reset()
    assert send(chip, READ).sw == 0x6985


def test_who_may_change_the_key_may_have_another_pair(chip: Card) -> None:
    ok(chip, CREATE.replace("F0EF", "F0F0"))
    assert ok(chip, GENERATE) != ok(chip, GENERATE)


def test_who_may_not_use_the_key_may_not_prove_it(chip: Card) -> None:
    ok(chip, CREATE.replace("F0EF", "EFEF"))
    ok(chip, GENERATE)
    ok(chip, CHOOSE)
    for command in (READ, PROVE, SIGN):
        assert send(chip, command).sw == 0x6982


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("80E0008107" + "1B0040F0EFFFFF", 0x6A80),  # a size of the terminal's
        ("80E0018107" + "1BFFFFF0EFFFFF", 0x6A80),  # no reference
        ("80E0000007" + "1BFFFFF0EFFFFF", 0x6A80),
        ("80E000E107" + "1BFFFFF0EFFFFF", 0x6A80),
        ("80E0008107" + "5BFFFFF0EFFFFF", 0x6A80),  # no such line protection
        ("80E0008108" + "1BFFFFF0EFFFFFFF", 0x6A80),
        (CREATE, 0x6A89),
    ],
)
def test_what_is_no_such_file_is_refused(chip: Card, command: str, sw: int) -> None:
    if command == CREATE:
        ok(chip, CREATE)
    assert send(chip, command).sw == sw


def test_nobody_creates_one_without_the_right(chip: Card) -> None:
    chip.reset()
    assert send(chip, CREATE).sw == 0x6982


@pytest.mark.parametrize("moment", list(Moment))
def test_power_lost_at_any_write_leaves_a_pair_under_its_rules_or_none(moment: Moment) -> None:
    chip = blank_chip()
    ok(chip, CREATE)
    writes = 0
    while True:
        torn = chip.fork()
        writes += 1
        torn.flash.arm(PowerCut(writes, moment))
        try:
            ok(torn, GENERATE)
        except PowerLoss:
            torn.flash.restore()
            torn.power_on()
        else:
            break
        if send(torn, READ).sw == 0x6985:
            ok(torn, GENERATE)
        assert send(torn, GENERATE).sw == 0x6982
    assert writes > 2
