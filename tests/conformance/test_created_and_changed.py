"""What a run creates is deleted and what it changes is changed back, however the run ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from judging import Plastic, bench_with, declared, judge_with

from conformance.apdu import CommandAPDU, ResponseAPDU
from conformance.commands import read_record, select_path
from conformance.editing import Plan, append_record, create_file, deactivate_file
from conformance.engine import execute
from conformance.keys import Keys
from conformance.layout import Kind
from conformance.model import Departure, Model
from conformance.statement import Statement
from conformance.terminal import Violation
from conformance.verdict import Outcome, Risk

HOME = "00A4080C027F20"
FIDS = ("7E01", "7E02", "7E03", "7E04")
PINS = ("00200001 04 31323334", "00200002 08 3132333435363738", "00200081 06 313233343536")


def answered(card: Plastic, command: str) -> str:
    return card.inner.transmit(bytes.fromhex(command)).hex().upper()


def assert_as_found(card: Plastic) -> None:
    """No file of the judge is there, every value is the old one, and has to be verified."""
    card.inner.reset()
    for fid in FIDS:
        assert answered(card, HOME) == "9000"
        assert answered(card, f"00A4020C02{fid}") == "6A82"
    assert answered(card, "00A4080C047F100003") == "9000"
    assert answered(card, "00B0000001") == "6982"
    for command in PINS:
        assert answered(card, command) == "9000"


def interrupted_at(moment: int) -> Callable[[int], None]:
    def interrupt(count: int) -> None:
        if count == moment:
            raise KeyboardInterrupt

    return interrupt


@pytest.mark.parametrize("area", ["file", "object", "record", "reference"])
def test_a_whole_run_of_an_area(area: str) -> None:
    card = Plastic()
    result = execute(judge_with(card, Risk.CONSUME), (area,))
    assert result.run.outcome is Outcome.CONFORMANT
    assert_as_found(card)


@pytest.mark.parametrize("area", ["file", "reference"])
@pytest.mark.parametrize("after", [3, 17, 40, 59, 101, 150])
def test_an_interrupted_run_of_an_area(area: str, after: int) -> None:
    quiet = Plastic()
    execute(judge_with(quiet, Risk.CONSUME), ("challenge",))
    card = Plastic(interrupted_at(quiet.count - 8 + after))
    result = execute(judge_with(card, Risk.CONSUME), (area,))
    assert result.run.interrupted
    assert_as_found(card)


def test_a_value_whose_change_was_not_answered_is_found_out() -> None:
    class Silent(Plastic):
        """Takes the change and answers nothing."""

        def transmit(self, command: bytes) -> bytes:
            answer = super().transmit(command)
            return b"" if command[1] == 0x24 else answer

    card = Silent()
    terminal = bench_with(card, Risk.CONSUME).begin()
    with pytest.raises(Violation):
        terminal.send(bytes.fromhex("00240001 08 31323334 30323334"))
    assert answered(card, "00200001 04 30323334") == "9000"
    terminal.bench.card = card.inner
    terminal.bench.card.abilities = Plastic.abilities
    terminal.bench.put_back()
    assert_as_found(card)


def follow(model: Model, command: CommandAPDU, answer: str) -> None:
    model.observe(command.encode(), ResponseAPDU.decode(bytes.fromhex(answer)))


@pytest.fixture
def model(statement: Statement, keys: Keys) -> Model:
    """The model of a card on which a file of three records was created."""
    model = Model(statement, keys)
    home = statement.layout.by_path("3F00/7F20")
    assert home is not None
    follow(model, select_path(home), "9000")
    plan = Plan(Kind.LINEAR_VARIABLE, 0x7E01, size=4)
    follow(model, create_file(plan.template()), "9000")
    for record in (b"one", b"two", b"3"):
        follow(model, append_record(record), "9000")
    return model


def test_the_model_knows_the_current_record(model: Model) -> None:
    previous, following = (read_record(0, 256, mode=mode) for mode in (3, 2))
    follow(model, previous, "74776F 9000")
    follow(model, previous, "6F6E65 9000")
    with pytest.raises(Departure, match="record/next"):
        follow(model, following, "33 9000")
    follow(model, following, "74776F 9000")


def test_the_model_closes_a_deactivated_file(model: Model) -> None:
    follow(model, deactivate_file(), "9000")
    follow(model, read_record(1, 256), "6985")
    with pytest.raises(Departure, match="life-cycle/deactivated-closed"):
        follow(model, read_record(1, 256), "6F6E65 9000")


def test_a_channel_has_its_own_place(model: Model) -> None:
    follow(model, CommandAPDU(0x00, 0x70, 0x00, 0x00, ne=1), "02 9000")
    follow(model, CommandAPDU(0x02, 0xB2, 0x01, 0x04, ne=256), "6986")
    follow(model, read_record(1, 256), "6F6E65 9000")
    with pytest.raises(Departure, match="channel/open-assigns"):
        follow(model, CommandAPDU(0x00, 0x70, 0x00, 0x00, ne=1), "02 9000")


def test_two_values_in_one_field_are_two_slots() -> None:
    keys = declared()[1]
    raw = bytes.fromhex("0024000108 31323334 30323334")
    text = keys.redacted(raw)
    assert text == "0024000108{pin:01}{other:01}"
    assert keys.expanded(text) == raw


def test_a_card_without_secure_channel_has_no_case_about_one() -> None:
    result = execute(judge_with(Plastic(), Risk.CONSUME), ("messaging",))
    verdicts = {case.verdict for case in result.cases if case.area == "messaging"}
    assert verdicts == {"NOT APPLICABLE"}
