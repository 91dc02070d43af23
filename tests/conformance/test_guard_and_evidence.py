"""The guard lets nothing past its level, and the trace holds everything but the secrets."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judging import declared

from conformance.apdu import ResponseAPDU
from conformance.evidence import Evidence, command_name
from conformance.guard import Guard, Refused
from conformance.keys import Keys
from conformance.laws import broken_law
from conformance.model import Model
from conformance.statement import Statement
from conformance.verdict import Risk

SELECT_EF = "00A4080C047F10"
LEVELS = list(Risk)


def needed(model: Model, raw: bytes) -> Risk:
    """The lowest level that lets *raw* pass."""
    statement, keys = declared()
    for risk in LEVELS:
        try:
            Guard(risk, statement.layout, keys).admit(raw, model)
        except Refused:
            continue
        return risk
    raise AssertionError("even destroy refuses")


@pytest.fixture
def model(statement: Statement, keys: Keys) -> Model:
    return Model(statement, keys)


def standing_in(model: Model, ef: str) -> Model:
    model.observe(bytes.fromhex(SELECT_EF + ef), ResponseAPDU(b"", 0x9000))
    return model


@pytest.mark.parametrize(
    ("command", "risk"),
    [
        ("00A4000C023F00", Risk.OBSERVE),
        ("00B0000000", Risk.OBSERVE),
        ("0084000008", Risk.OBSERVE),
        ("00200001", Risk.OBSERVE),
        ("002000010431323334", Risk.OBSERVE),
        ("002000010431323335", Risk.CONSUME),
        ("0060000000", Risk.OBSERVE),
        ("009F0000", Risk.OBSERVE),
        ("00D6000001AA", Risk.RESTORE),
        ("0082000008" + "00" * 8, Risk.CONSUME),
        ("00240001083132333435363738", Risk.DESTROY),
        ("000E0000", Risk.RESTORE),
        ("0024000108" + "3132333430323334", Risk.CONSUME),
        ("00E40000", Risk.DESTROY),
        ("00E400000200FF", Risk.RESTORE),
        ("00E600000201FF", Risk.DESTROY),
        ("00FE0000", Risk.DESTROY),
        ("00E40000023F00", Risk.DESTROY),
        ("80500000", Risk.DESTROY),
        ("80A4000C023F00", Risk.OBSERVE),
        ("00D6000004AA", Risk.RESTORE),
        ("00E000000401", Risk.DESTROY),
        ("00", Risk.OBSERVE),
    ],
)
def test_every_command_has_its_level(model: Model, command: str, risk: Risk) -> None:
    assert needed(model, bytes.fromhex(command)) is risk


def test_only_files_given_free_are_written(model: Model) -> None:
    writable = standing_in(model, "0001")
    assert needed(writable, bytes.fromhex("00D6000001AA")) is Risk.RESTORE
    locked = standing_in(model, "0005")
    assert needed(locked, bytes.fromhex("00D6000001AA")) is Risk.DESTROY
    by_sfi = standing_in(model, "0001")
    assert needed(by_sfi, bytes.fromhex("00D6850001AA")) is Risk.DESTROY


def test_writing_what_is_there_is_harmless(model: Model) -> None:
    standing_in(model, "0005")
    model.observe(bytes.fromhex("00B0000020"), ResponseAPDU(b"\x55" * 32, 0x9000))
    assert needed(model, bytes.fromhex("00D60000025555")) is Risk.RESTORE
    assert needed(model, bytes.fromhex("00D60000025556")) is Risk.DESTROY


@pytest.mark.parametrize(
    ("ef", "command", "risk"),
    [
        ("0001", "00D70000075402000053016A", Risk.RESTORE),
        ("0005", "00D7000007540200005301AA", Risk.DESTROY),
        ("0005", "00D700000754020000530155", Risk.RESTORE),
        ("0005", "00D700010754020000530155", Risk.RESTORE),
        ("0001", "00D700050754020000530156", Risk.DESTROY),
        ("0001", "00D700000753015554020000", Risk.DESTROY),
        ("0001", "00D70000045402000053", Risk.DESTROY),
    ],
)
def test_the_odd_code_writes_what_the_even_one_may(
    model: Model, ef: str, command: str, risk: Risk
) -> None:
    standing_in(model, "0005")
    model.observe(bytes.fromhex("00B0000020"), ResponseAPDU(b"\x55" * 32, 0x9000))
    assert needed(standing_in(model, ef), bytes.fromhex(command)) is risk


def test_no_try_is_spent_below_the_floor(model: Model) -> None:
    wrong = bytes.fromhex("002000010431323335")
    model.observe(wrong, ResponseAPDU(b"", 0x63C2))
    assert needed(model, wrong) is Risk.CONSUME
    model.observe(wrong, ResponseAPDU(b"", 0x63C1))
    assert needed(model, wrong) is Risk.DESTROY


@pytest.mark.parametrize("command", ["00200001", "0020001E", "0020000000"])
def test_without_a_declared_query_verify_without_data_is_a_guess(
    statement: Statement, keys: Keys, command: str
) -> None:
    features = statement.features.model_copy(update={"verify_query": False})
    assert needed(Model(replace(statement, features=features), keys), bytes.fromhex(command)) is (
        Risk.DESTROY
    )


def test_in_doubt_the_lower_counter_counts(model: Model) -> None:
    state = model.states[0]
    reference = model.card.layout.references[0]
    model.states = (state, state.with_tries(reference, 1))
    assert needed(model, bytes.fromhex("002000010431323335")) is Risk.DESTROY


@given(st.binary(min_size=1, max_size=12), st.sampled_from(LEVELS))
def test_a_level_lets_pass_what_a_lower_one_does(raw: bytes, risk: Risk) -> None:
    statement, keys = declared()
    model = Model(statement, keys)
    assert (needed(model, raw).rank <= risk.rank) is admitted(statement, keys, risk, raw)


def admitted(statement: Statement, keys: Keys, risk: Risk, raw: bytes) -> bool:
    try:
        Guard(risk, statement.layout, keys).admit(raw, Model(statement, keys))
    except Refused as refused:
        return "--risk" not in str(refused)
    return True


def test_the_trace_is_written_as_it_happens_and_holds_no_secret(keys: Keys) -> None:
    stream = io.StringIO()
    evidence = Evidence(keys, stream)
    evidence.case = "verify/right-value"
    evidence.event("reset", b"\x3b\x00", 0.25)
    evidence.exchange(bytes.fromhex("002000010431323334"), b"\x90\x00", 0.5)
    evidence.exchange(bytes.fromhex("00B0000001"), b"\xaa\x90\x00", 0.125)
    text = stream.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["n"] for line in lines] == [0, 1, 2]
    assert lines[0]["event"] == "reset"
    assert lines[1]["command"] == "0020000104{pin:01}"
    assert lines[2]["response"] == "AA9000"
    assert "31323334" not in text
    assert evidence.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert evidence.timings()["VERIFY"].max == 0.5


def test_a_command_has_its_name() -> None:
    assert command_name(bytes.fromhex("00B20104")) == "READ RECORD"
    assert command_name(bytes.fromhex("00F20104")) == "INS F2"
    assert command_name(bytes.fromhex("00240001")) == "CHANGE REFERENCE DATA"
    assert command_name(bytes.fromhex("80240001")) == "PIN UNBLOCK"
    assert command_name(bytes.fromhex("80CA0001")) == "GET DATA"
    assert command_name(b"") == "incomplete command"


@pytest.mark.parametrize(
    ("command", "answer", "law"),
    [
        ("00B0000001", "AA9000", None),
        ("00B0000001", "6282", None),
        ("00B0000002", "AA6282", None),
        ("00B0000001", "", "answers"),
        ("00B0000001", "90", "answers"),
        ("00B0000001", "5000", "status-range"),
        ("00B0000001", "A000", "status-range"),
        ("00B0000001", "6000", "status-range"),
        ("00B0000001", "AA6982", "no-data-with-error"),
        ("00B0000001", "AA6700", "no-data-with-error"),
        ("00B0000001", "AABB9000", "at-most-ne"),
        ("00A4000C", "AA9000", "at-most-ne"),
        ("00A400", "AA9000", "at-most-ne"),
    ],
)
def test_the_laws_of_any_card(command: str, answer: str, law: str | None) -> None:
    broken = broken_law(bytes.fromhex(command), bytes.fromhex(answer))
    assert (broken and broken[0]) == (law and f"7816-4/laws/{law}")


def test_a_statement_may_keep_a_pin_to_itself(statement: Statement, keys: Keys) -> None:
    fewer = replace(keys, values={"81": keys.values["81"]})
    model = Model(statement, fewer)
    guard = Guard(Risk.RESTORE, statement.layout, fewer)
    with pytest.raises(Refused, match="costs a try"):
        guard.admit(bytes.fromhex("002000010431323334"), model)
