"""Generated histories: what they are made of, that a seed repeats them, and where they aim."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
from judging import bench_with

from conformance.bench import Bench, Plan
from conformance.cards import open_card
from conformance.commands import select_fid
from conformance.guard import Refused
from conformance.strategies import machine, walk
from conformance.strategies.dice import FACES, Dice
from conformance.terminal import Terminal, Violation
from conformance.trouble import TimeIsUp

DRAWING = """
import hypothesis
from hypothesis import Phase, given, settings, strategies as st
from conformance.strategies.dice import NUMBERS

@hypothesis.seed(5)
@settings(max_examples=40, database=None, phases=(Phase.generate,))
@given(st.lists(NUMBERS, min_size=30, max_size=30))
def draw(numbers):
    print(numbers)

draw()
"""


def bench_for(seed: int, examples: int = 10) -> Bench:
    bench = bench_with(open_card("sim:iso7816"))
    bench.plan = Plan(seed, examples)
    return bench


def choices(dice: Dice) -> list[int]:
    return [dice.below(1000) for _ in range(20)]


def test_a_number_makes_the_same_choices_and_another_number_others() -> None:
    assert choices(Dice(7)) == choices(Dice(7))
    numbers = (0, 7, 8, 7 + FACES // 2, FACES - 1)
    assert len({tuple(choices(Dice(number))) for number in numbers}) == len(numbers)


def test_every_choice_comes_up_about_as_often_as_the_others() -> None:
    for first in (lambda dice: dice.below(6), lambda dice: choices(dice)[5] % 6):
        counts = Counter(first(Dice(number)) for number in range(6000))
        assert set(counts) == set(range(6))
        assert min(counts.values()) > 800


def test_a_number_makes_other_choices_with_another_salt() -> None:
    assert len({tuple(choices(Dice(0, salt))) for salt in range(100)}) == 100
    for count in (2, 6, 13):
        counts = Counter(Dice(0, salt).below(count) for salt in range(6000))
        assert set(counts) == set(range(count))
        assert min(counts.values()) > 0.8 * 6000 / count


def test_bounds_belong_to_the_choice() -> None:
    assert {Dice(number).between(3, 5) for number in range(100)} == {3, 4, 5}
    assert {Dice(number).pick("ab") for number in range(100)} == {"a", "b"}
    lengths = {len(Dice(number).some(lambda dice: dice.below(9), 0, 2)) for number in range(100)}
    assert lengths == {0, 1, 2}


def test_what_is_drawn_does_not_depend_on_the_modules_that_are_loaded(tmp_path: Path) -> None:
    """Hypothesis mixes in constants from the source of modules that are no installed packages."""
    numbers = [*range(0, 5000, 7), *((1 << bits) - 3 for bits in range(8, 64))]
    (tmp_path / "full_of_numbers.py").write_text(f"NUMBERS = {numbers}\n", encoding="utf-8")

    def drawn(before: str) -> str:
        run = subprocess.run(
            [sys.executable, "-c", before + DRAWING],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            timeout=60,
        )
        return run.stdout

    plain = drawn("")
    assert plain.count("[") == 40
    assert drawn("import full_of_numbers") == plain


Step = Callable[["Walker", int], None]


@dataclass
class Walker:
    """One history that only notes which way it went."""

    terminal: Terminal
    way: list[int]


def ways(bench: Bench, step: Step = lambda _walker, _to: None) -> list[list[int]]:
    """The ways of the walks, to one of fifty places at each step, at which *step* is called."""
    gone: list[list[int]] = []

    def begin() -> Walker:
        gone.append([])
        return Walker(bench.begin(), gone[-1])

    def move(walker: Walker, dice: Dice) -> None:
        to = dice.below(50)
        walker.way.append(to)
        step(walker, to)

    walk.wander(bench, begin, [move], 8)
    return gone


def test_the_simplest_number_again_and_again_is_a_walk_like_any_other() -> None:
    """Hypothesis begins with it and comes back to it."""
    first = [tuple(ways(bench_for(seed, 1))[0]) for seed in range(8)]
    assert len(set(first)) == 8
    assert all(len(set(way)) > 4 for way in first)


def test_a_seed_repeats_its_walks() -> None:
    found = ways(bench_for(3))
    assert len(found) == 10
    assert {len(way) for way in found} == {8}
    assert ways(bench_for(3)) == found
    assert ways(bench_for(4)) != found


def violation(walker: Walker, requirement: str) -> Violation:
    return Violation(requirement, "told", (), walker.terminal.history)


def test_the_first_bad_walk_is_told_and_only_its_requirement_counts() -> None:
    told: list[str] = []

    def step(walker: Walker, to: int) -> None:
        if to < 10:
            told.append("a/b/second" if told else "a/b/first")
            raise violation(walker, told[-1])

    with pytest.raises(Violation) as raised:
        ways(bench_for(0, 50), step)
    assert raised.value.requirement == "a/b/first"
    assert told == ["a/b/first", "a/b/second"], "it was met twice, and the second time was another"


def test_a_violation_that_does_not_come_again_is_told_all_the_same() -> None:
    once = iter([True])

    def step(walker: Walker, to: int) -> None:
        if to < 10 and next(once, False):
            raise violation(walker, "a/b/once")

    with pytest.raises(Violation, match="a/b/once"):
        ways(bench_for(0, 50), step)


@pytest.mark.parametrize("walks", [0, 3])
def test_time_that_is_up_ends_the_walks_and_is_said_when_none_was_ended(walks: int) -> None:
    taken = 0

    def step(_walker: Walker, _to: int) -> None:
        nonlocal taken
        taken += 1
        if taken > 8 * walks:
            raise TimeIsUp

    if walks:
        assert len(ways(bench_for(0, 50), step)) >= walks
    else:
        with pytest.raises(TimeIsUp):
            ways(bench_for(0, 50), step)


def test_a_violation_counts_more_than_time_that_is_up() -> None:
    steps = iter(range(100))

    def step(walker: Walker, _to: int) -> None:
        taken = next(steps)
        if taken == 3:
            raise violation(walker, "a/b/found")
        if taken > 3:
            raise TimeIsUp

    with pytest.raises(Violation, match="a/b/found"):
        ways(bench_for(0, 50), step)


def test_what_the_guard_refuses_is_left_out_of_a_history() -> None:
    sent: list[int] = []

    class Careful:
        def send(self, command: object) -> None:
            sent.append(getattr(command, "p1", -1))
            if sent[-1] == 1:
                raise Refused("not that one")

    stroll = machine.Stroll(Careful())  # type: ignore[arg-type]
    moves = tuple(select_fid(0x0001, p1) for p1 in (0, 1, 2))
    stroll.take(lambda _dice: moves, Dice(0))
    assert sent == [0, 1, 2]


def test_histories_aim_at_many_requirements(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured on four seeds and three kinds: a fifth more of them in a history than unaimed."""

    def borne_out(*, aiming: bool) -> float:
        met: list[float] = []
        aim = hypothesis.target

        def target(observation: float, *, label: str) -> None:
            met.append(observation)
            if aiming:
                aim(observation, label=label)

        with monkeypatch.context() as patch:
            patch.setattr(walk.hypothesis, "target", target)
            machine.explore(bench_for(0, 60), "files", "records", "reset")
        return sum(met) / len(met)

    assert borne_out(aiming=True) > 1.1 * borne_out(aiming=False)
