"""The campaign finds nothing in the card as it is, and everything in cards with one fault each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from simcard.card import Card
from simcard.commands import binary, verification
from simcard.commands.call import Call
from simcard.commands.declaration import Declaration, Reply, command
from simcard.entropy import SeededEntropy
from simcard.memory import Memory
from simcard.profiles import load_profile
from simcard.profiles.build import initial_flash
from simcard.script import Step, parse_script
from simcard.security.access import Right
from simcard.status import SW, CardError
from simcard.tearing.campaign import (
    Tally,
    Violation,
    card_to_tear,
    replay,
    shorten,
    tear_history,
)
from simcard.tearing.histories import history
from simcard.tearing.invariants import Invariant
from simcard.tearing.observation import Image
from simcard.tearing.point import TearIdError, TearPoint

KEYED = str(Path(__file__).parents[1] / "card" / "keyed.toml")
EXCHANGES = Path(__file__).parents[2] / "vectors" / "exchanges"
FOLDERS = sorted(each for each in EXCHANGES.iterdir() if each.is_dir())
ISO = load_profile("iso7816")

SELECT = "00A4040C08F053494D43415244"
WRITE = "00D6810004AABBCCDD"
GUESS = "002000010431313131"
SPEND = "00240001083131313132323232"


def steps(*lines: str) -> list[Step]:
    return parse_script(lines)


def campaign(profile_name: str, numbers: range, seed: int = 1) -> tuple[Tally, list[Violation]]:
    profile = load_profile(profile_name)
    tally = Tally()
    found = [
        violation
        for number in numbers
        for violation in tear_history(
            card_to_tear(profile, number), seed, number, history(profile, seed, number), tally
        )
    ]
    return tally, found


@pytest.mark.parametrize(("name", "seed"), [("iso7816", 1), ("iso7816", 2), (KEYED, 3)])
def test_no_law_is_broken_at_any_tear_point(name: str, seed: int) -> None:
    tally, found = campaign(name, range(1, 41), seed)
    assert found == []
    assert tally.histories == 40
    assert tally.cuts > 1_600
    assert tally.recovery_cuts > 1_600


def test_pages_that_take_several_writes_are_cut_at_each_of_them() -> None:
    tally = Tally()
    script = steps(SELECT, "00D6860000" + "0200" + "5A" * 512)
    assert list(tear_history(card_to_tear(ISO, 1), 1, 1, script, tally)) == []
    pages = 3
    assert tally.cuts == 5 * pages + 1
    assert tally.recovery_cuts > tally.cuts


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_law_is_broken_in_any_written_exchange(folder: Path) -> None:
    profile = load_profile(folder.name)
    tally = Tally()
    for script in sorted(folder.glob("*.apdu")):
        written = parse_script(script.read_text("utf-8").splitlines(), script.name)
        found = list(tear_history(card_to_tear(profile, 1), 1, 1, written, tally))
        assert found == [], script.name
    assert tally.histories


# Cards with one fault each


def commit_mark_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Memory, "_remaining", staticmethod(lambda _position, _count: 0))


def test_a_journal_that_writes_its_commit_mark_first_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commit_mark_first(monkeypatch)
    _, found = campaign("iso7816", range(1, 6))
    assert {breach.invariant for each in found for breach in each.breaches} == {Invariant.MOUNTS}


def test_the_name_of_a_violation_is_its_reproduction(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        commit_mark_first(broken)
        _, found = campaign("iso7816", range(1, 3))
        for violation in found[:10]:
            point = TearPoint.parse(str(violation.point))
            told = history(ISO, point.seed, point.history)
            again = replay(card_to_tear(ISO, point.history), told, point)
            assert again == violation.breaches
            assert tuple(told[: point.step]) == violation.steps
    point = found[0].point
    told = history(ISO, point.seed, point.history)
    assert replay(card_to_tear(ISO, point.history), told, point) == ()


def test_a_violation_is_shown_by_the_fewest_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    commit_mark_first(monkeypatch)
    _, found = campaign("iso7816", range(1, 6))
    violation = next(each for each in found if len(each.steps) > 5)
    short = shorten(ISO, violation)
    assert len(short.steps) <= 3
    assert {breach.invariant for breach in short.breaches} & {
        breach.invariant for breach in violation.breaches
    }
    assert replay(card_to_tear(ISO, 1), short.steps, short.point._replace(history=1)) != ()


def declared(name: str, ins: int, right: Right | None = None) -> Callable[..., Declaration]:
    return command(name, ins=ins, cases="13", clause="none", right=right)


def memory_of(call: Call) -> Memory:
    return call._state.memory


@declared("UPDATE BINARY", 0xD6, Right.UPDATE)
def writes_two_files(call: Call) -> Reply:
    other = call.tree.child(call.df, 0x0002)
    assert other is not None
    call.records(other).update(1, call.command.data * 4)
    return binary.update_binary.run(call)


@declared("UPDATE BINARY", 0xD6, Right.UPDATE)
def commits_by_halves(call: Call) -> Reply:
    content = call.transparent(call.tree.by_sfi[call.session.df, 1])
    call.session = call.session._replace(ef=call.tree.by_sfi[call.session.df, 1].cell)
    content.update(0, call.command.data[:2])
    memory_of(call).commit()
    content.update(2, call.command.data[2:])
    return Reply()


@declared("UPDATE BINARY", 0xD6, Right.UPDATE)
def refuses_too_late(call: Call) -> Reply:
    binary.update_binary.run(call)
    memory_of(call).commit()
    raise CardError(SW.CONDITIONS_NOT_SATISFIED)


@declared("UPDATE BINARY", 0xD6, Right.UPDATE)
def stumbles(call: Call) -> Reply:
    raise ZeroDivisionError(call.command.ins)


@declared("VERIFY", 0x20)
def forgives_first(call: Call) -> Reply:
    reference = call.reference(call.command.p2)
    reference.reset()
    memory_of(call).commit()
    return verification.verify.run(call)


@declared("VERIFY", 0x20)
def takes_two_tries(call: Call) -> Reply:
    reference = call.reference(call.command.p2)
    for _ in range(2):
        reference._put(0, bytes([reference.tries_left - 1]))
        memory_of(call).commit()
    reference.reset()
    return Reply()


@declared("VERIFY", 0x20)
def forgives_and_refuses(call: Call) -> Reply:
    call.reference(call.command.p2).reset()
    memory_of(call).commit()
    raise CardError(SW.CONDITIONS_NOT_SATISFIED)


FAULTY = [
    (writes_two_files, WRITE, Invariant.ONLY_THE_ADDRESSED),
    (commits_by_halves, WRITE, Invariant.WHOLE_OR_NOTHING),
    (refuses_too_late, WRITE, Invariant.REFUSED_UNCHANGED),
    (stumbles, WRITE, Invariant.NO_FAULT),
    (forgives_first, GUESS, Invariant.COUNTERS),
    (takes_two_tries, GUESS, Invariant.COUNTERS),
    (forgives_and_refuses, GUESS, Invariant.COUNTERS),
]


@pytest.mark.parametrize(
    ("fault", "step", "invariant"), FAULTY, ids=[fault.run.__name__ for fault, _, _ in FAULTY]
)
def test_a_card_with_a_fault_breaks_the_law_against_it(
    fault: Declaration, step: str, invariant: Invariant
) -> None:
    commands = ISO.settings.commands.overriding(fault)
    entropy = SeededEntropy(0)
    card = Card(replace(ISO.settings, commands=commands), initial_flash(ISO), entropy)
    card.power_on()
    script = steps(SELECT, SPEND, step)
    sound = list(tear_history(card_to_tear(ISO, 2), 1, 2, script, Tally()))
    found = list(tear_history(card, 1, 2, script, Tally()))
    assert sound == []
    assert {breach.invariant for each in found for breach in each.breaches} == {invariant}
    assert found[-1].point.step == 3


def test_a_point_that_the_history_does_not_reach_is_refused() -> None:
    script = steps(SELECT, WRITE)
    card = card_to_tear(ISO, 1)
    with pytest.raises(TearIdError, match="the history has 2 steps"):
        replay(card.fork(), script, TearPoint.parse("1/1/3"))
    with pytest.raises(TearIdError, match="step 2 takes 1 page writes"):
        replay(card.fork(), script, TearPoint.parse("1/1/2/2/before"))
    with pytest.raises(TearIdError, match="step 1 takes 0 page writes"):
        replay(card.fork(), script, TearPoint.parse("1/1/1/1/before"))
    assert replay(card.fork(), script, TearPoint.parse("1/1/1")) == ()
    assert replay(card, script, TearPoint.parse("1/1/2/1/during/noise+1/after")) == ()


def test_odd_histories_tear_a_chip_without_a_virgin_page() -> None:
    def virgin_pages(history: int) -> int:
        flash = card_to_tear(ISO, history).flash
        return sum(flash.read(page) == flash.erased for page in range(flash.geometry.page_count))

    assert virgin_pages(1) == 0
    assert virgin_pages(2) > 50
    assert Image.of(ISO.settings, card_to_tear(ISO, 1).flash) == Image.of(
        ISO.settings, card_to_tear(ISO, 2).flash
    )
