"""The two answers of a dual-interface card: the ATS decoded, and the ATR a reader makes of it."""

from __future__ import annotations

import sys

import pytest

from simcard import cli
from simcard.profiles import ProfileError, build_card, load_profile
from simcard.profiles.answers import AnswerToSelect, check_answer_to_reset

DESFIRE = bytes.fromhex("067577810280")
"""What MIFARE DESFire EV1 answers; readers make 3B 81 80 01 80 80 of it."""


def test_a_well_known_ats_is_decoded_and_gives_its_well_known_atr() -> None:
    answer = AnswerToSelect.parse(DESFIRE)
    assert answer == AnswerToSelect(
        frame_size=64,
        rates_out=(212, 424, 848),
        rates_in=(212, 424, 848),
        same_rate=False,
        waiting=8,
        guard=1,
        takes_nad=False,
        takes_cid=True,
        historical=b"\x80",
    )
    assert answer.waiting_ms == pytest.approx(77.3, abs=0.05)
    assert answer.atr == bytes.fromhex("3B8180018080")
    assert str(answer) == (
        "frames of 64 bytes; sends 106, 212, 424, 848 kbit/s; takes 106, 212, 424, 848 kbit/s;"
        " answers within 77.3 ms; start-up guard time 1; CID"
    )


@pytest.mark.parametrize(
    ("ats", "size", "waiting", "cid", "historical"),
    [
        ("01", 32, 4, True, ""),  # nothing but its length: all as the standard gives it
        ("0208", 256, 4, True, ""),
        ("0418AA55", 256, 4, True, "55"),
        ("0328A0", 256, 10, True, ""),
        ("04480131", 256, 4, False, "31"),
    ],
)
def test_what_an_ats_leaves_out_is_as_the_standard_gives_it(
    ats: str, size: int, waiting: int, cid: bool, historical: str
) -> None:
    answer = AnswerToSelect.parse(bytes.fromhex(ats))
    assert (answer.frame_size, answer.waiting, answer.takes_cid) == (size, waiting, cid)
    assert answer.historical == bytes.fromhex(historical)
    check_answer_to_reset(answer.atr)


@pytest.mark.parametrize(
    ("ats", "rule"),
    [
        ("0378", "TL says 3 bytes, there are 2"),
        ("0288", "T0 88 is reserved"),
        ("020D", "T0 0D is reserved"),
        ("0278", "T0 announces 3 interface bytes"),
        ("0328F0", "TB F0 has a reserved time"),
        ("03280F", "TB 0F has a reserved time"),
        ("1208" + "00" * 16, "16 historical bytes, more than 15"),
    ],
)
def test_an_ats_that_contradicts_itself_is_refused(ats: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        AnswerToSelect.parse(bytes.fromhex(ats))


def test_a_card_on_a_contactless_reader_is_the_same_card() -> None:
    contact, contactless = load_profile("ssc3"), load_profile("ssc3").contactless
    cards = [build_card(profile, 1) for profile in (contact, contactless)]
    answers = [card.power_on() for card in cards]
    assert answers[1] == bytes.fromhex("3B8D8001") + answers[0][-13:] + b"\x62"
    assert cards[1].reset() == answers[1]
    for command in ("00A404000F7378312E73682EC9E7BBE1B1A3D5CF", "00B2072C0B"):
        both = [card.transmit(bytes.fromhex(command)) for card in cards]
        assert both[0] == both[1]
    assert both[0][-2:] == b"\x90\x00"


def test_a_contact_card_is_not_put_on_a_contactless_reader(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ProfileError, match="ssc2: no ats: it has no contactless interface"):
        _ = load_profile("ssc2").contactless
    monkeypatch.setattr(
        sys, "argv", ["simcard", "serve", "-p", "ssc2", "-p", "psam", "--contactless"]
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 3
    assert capsys.readouterr().err == (
        "simcard: --contactless: ssc2, psam: without an ATS there is no such interface\n"
    )
