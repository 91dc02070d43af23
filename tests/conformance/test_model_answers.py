"""The model, by example: which answers it allows, which it forbids, and whom it blames."""

from __future__ import annotations

import pytest

from conformance.apdu import ResponseAPDU
from conformance.keys import Keys
from conformance.model import Departure, Model
from conformance.model.outcome import spell, words
from conformance.model.state import Content
from conformance.statement import Statement


@pytest.fixture
def model(statement: Statement, keys: Keys) -> Model:
    return Model(statement, keys)


def play(model: Model, script: str) -> str:
    """Feed `command = answer` lines; the requirement the last one breaks, or ""."""
    for line in script.strip().splitlines():
        command, _, answer = line.partition("=")
        raw = bytes.fromhex(answer)
        try:
            response = ResponseAPDU(raw[:-2], int.from_bytes(raw[-2:], "big"))
            model.observe(bytes.fromhex(command), response)
        except Departure as departure:
            return departure.requirement.removeprefix("7816-4/") if departure.allowed else "?"
    return ""


IN_DF = "00A40800027F10 = 9000\n"
VERIFIED = IN_DF + "0020000104 31323334 = 9000\n"

ALLOWED = {
    "an unknown byte may be anything": "00A40800047F100001 = 9000\n00B0000001 = 55 9000",
    "a read past the end warns": "00A40800047F100005 = 9000\n00B0001F02 = AA 6282",
    "a read past the end names the length": "00A40800047F100005 = 9000\n00B0001F02 = 6C01",
    "a short record length is named": "00A40800047F100002 = 9000\n00B2010401 = 6C10",
    "a wrong PIN counts": "0020000104 31323335 = 63C2\n00200001 = 63C2",
    "the right PIN restores": "0020000104 31323335 = 63C2\n0020000104 31323334 = 9000\n"
    "00200001 = 9000",
    "a local status may be lost": IN_DF + "0020008106 313233343536 = 9000\n00A4000C023F00 = 9000\n"
    "00A40800027F10 = 9000\n00200081 = 63C3",
    "a local status may be kept": IN_DF + "0020008106 313233343536 = 9000\n00A4000C023F00 = 9000\n"
    "00A40800027F10 = 9000\n00200081 = 9000",
    "two refusals, either word (1)": IN_DF + "00B0830001 = 6982",
    "two refusals, either word (2)": "00A40800047F100003 = 9000\n00B0004101 = 6B00",
    "FCI may come bare": "00A40000023F0000 = 83023F00 9000",
    "FCP and FMD inside FCI": "00A40000023F0000 = 6F08 6204 83023F00 6400 9000",
    "a blocked reference, the length looked at first": "0020000104 31323335 = 63C2\n"
    "0020000104 31323335 = 63C1\n0020000104 31323335 = 63C0\n0020000103 313233 = 6700",
    "a malformed command": "00D6000004AABB = 6700",
    "a command no rule knows": "0044000000 = 6A81",
}
FORBIDDEN = {
    "binary/read-content": "00A40800047F100001 = 9000\n00B0000002 = 0102 9000\n"
    "00B0000001 = 02 9000",
    "binary/update-writes": "00A40800047F100001 = 9000\n00D6000001AA = 9000\n00B0000001 = 00 9000",
    "binary/update-only-there": "00A40800047F100001 = 9000\n00B0000002 = 0102 9000\n"
    "00D6000001AA = 9000\n00B0000101 = AA 9000",
    "binary/offset-outside": "00A40800047F100005 = 9000\n00B0004001 = 9000",
    "binary/no-current-ef": "00B0000001 = 6982",
    "binary/wrong-structure": "00A40800047F100002 = 9000\n00B0000001 = 00 9000",
    "access/read-refused": IN_DF + "00B0830001 = 33 9000",
    "access/read-granted": VERIFIED + "00B0830001 = 6982",
    "access/update-refused": IN_DF + "00DC012408 0000000000000000 = 9000",
    "record/not-found": "00A40800047F100002 = 9000\n00B2090400 = 6A82",
    "record/update-only-there": "00A40800047F100002 = 9000\n00B2020400 = "
    + "02" * 16
    + " 9000\n00DC010410 "
    + "77" * 16
    + " = 9000\n00B2020400 = "
    + "77" * 16
    + "9000",
    "verify/counter-decreases": "0020000104 31323335 = 63C3",
    "verify/wrong-value": "0020000104 31323335 = 9000",
    "verify/wrong-length": "0020000103 313233 = 9000",
    "verify/query-not-verified": "00200001 = 9000",
    "verify/query-verified": "0020000104 31323334 = 9000\n00200001 = 63C3",
    "verify/blocked": "0020000104 31323335 = 63C2\n0020000104 31323335 = 63C1\n"
    "0020000104 31323335 = 63C0\n0020000104 31323335 = 63C0",
    "verify/blocked-stays-blocked": "0020000104 31323335 = 63C2\n0020000104 31323335 = 63C1\n"
    "0020000104 31323335 = 63C0\n0020000104 31323334 = 9000",
    "select/not-found": "00A4000C027E57 = 9000",
    "select/by-name": "00A4040009F053494D434152440100 = 6F0483027F20 9000",
    "select/template": "00A4000402 3F00 00 = 6F0483023F00 9000",
    "select/fcp-file-identifier": "00A4000402 3F00 00 = 620483020000 9000",
    "select/fcp-descriptor": "00A4000402 3F00 00 = 6207820101 83023F00 9000",
    "challenge/fresh": "0084000008 = 0102030405060708 9000\n0084000008 = 0102030405060708 9000",
    "coding/wrong-length": "00D6000004AABB = 9000",
    "coding/class-not-supported": "80A4000C023F00 = 9000",
    "coding/instruction-invalid": "00600000 = 9000",
    "laws/refused-changes-nothing": "00A40800047F100005 = 9000\n00B0000001 = 55 9000\n"
    "00D600000166 = 6982\n00B0000001 = 66 9000",
}


@pytest.mark.parametrize("script", ALLOWED.values(), ids=ALLOWED)
def test_allowed(model: Model, script: str) -> None:
    assert play(model, script) == ""


@pytest.mark.parametrize(("requirement", "script"), FORBIDDEN.items(), ids=FORBIDDEN)
def test_forbidden(model: Model, requirement: str, script: str) -> None:
    assert play(model, script) == requirement


def test_an_answer_settles_what_the_standard_leaves_open(model: Model) -> None:
    play(model, IN_DF + "0020008106 313233343536 = 9000\n00A4000C023F00 = 9000")
    assert len(model.states) == 2
    play(model, IN_DF + "00200081 = 63C3")
    assert len(model.states) == 1
    assert play(model, "00200081 = 9000") == "verify/query-not-verified"


def test_a_reset_clears_what_is_volatile_and_nothing_else(model: Model) -> None:
    play(model, VERIFIED + "0020008106 313233343537 = 63C2")
    model.reset()
    (state,) = model.states
    assert not state.verified
    assert state.df is model.card.layout.master
    assert [state.tries[one] for one in model.card.layout.references] == [3, 10, 2]


def test_what_is_lost_at_a_reset_is_told_apart(model: Model) -> None:
    play(model, "00A40800047F100001 = 9000\n00D6000001AA = 9000")
    model.reset()
    script = "00A40800047F100001 = 9000\n00B0000001 = 00 9000"
    assert play(model, script) == "binary/update-survives-reset"


def test_a_copy_goes_its_own_way(model: Model) -> None:
    twin = model.copy()
    play(twin, IN_DF)
    assert model.states[0].df is model.card.layout.master


def test_content_knows_what_it_knows() -> None:
    content = Content.unknown(4)
    assert content.matches(0, b"any!")
    learned = content.learned(1, b"AB")
    assert learned.matches(0, b"?AB?")
    assert not learned.matches(1, b"AX")
    whole = learned.updated(0, b"1").updated(3, b"4")
    assert whole.known is None
    assert whole.value == b"1AB4"


def test_status_words_are_spelt_as_people_write_them() -> None:
    assert spell(words(0x6282, 0x9000)) == "9000, 6282"
    assert spell(words(0x6700, *range(0x6C00, 0x6D00))) == "6700, 6CXX"
