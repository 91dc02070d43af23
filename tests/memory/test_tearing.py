"""Power cut at every write of every commit and of every recovery: before or after, never between.

`check_every_cut` is the property. It takes the class of memory, so that wrong journals can be
held against the very same property as the right one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from simcard.memory import (
    Flash,
    Geometry,
    ImageError,
    Memory,
    Moment,
    PowerCut,
    PowerLoss,
    Tear,
    TransactionTooLarge,
)
from simcard.memory import journal as journal_module
from simcard.memory.ledger import Ledger
from simcard.memory.recovery import Survey, survey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Writes = list[tuple[int, bytes]]

SMALL = Geometry(size=16 * 64, page_size=64, spare_pages=6)
CAPACITY = 10 * 44

WRITES = st.lists(
    st.tuples(st.integers(0, CAPACITY - 1), st.binary(min_size=1, max_size=100)),
    min_size=1,
    max_size=3,
)
HISTORIES = st.lists(WRITES, min_size=1, max_size=5)


def cuts(write: int, seed: int) -> Iterator[PowerCut]:
    """Everything that can happen at one program operation."""
    yield PowerCut(write, Moment.BEFORE)
    for tear in Tear:
        yield PowerCut(write, Moment.DURING, tear, seed)
    yield PowerCut(write, Moment.AFTER)


def mounted(kind: type[Memory], flash: Flash) -> Memory:
    try:
        return kind.mount(flash)
    except ImageError as error:
        raise AssertionError(f"does not mount: {error}") from error


def apply(memory: Memory, model: bytearray, writes: Writes) -> None:
    for address, data in writes:
        fitting = data[: CAPACITY - address]
        try:
            memory.write(address, fitting)
        except TransactionTooLarge:
            continue
        model[address : address + len(fitting)] = fitting


def check_state(kind: type[Memory], flash: Flash, allowed: Iterable[bytes]) -> None:
    """The flash mounts to an allowed state, and takes and keeps further transactions."""
    memory = mounted(kind, flash)
    state = memory.read(0, CAPACITY)
    assert state in allowed
    for value in (b"\x5a", b"\xa5"):
        memory.write(100, value)
        memory.commit()
        expected = state[:100] + value + state[101:]
        memory = mounted(kind, flash)
        assert memory.read(0, CAPACITY) == expected


def check_recovery(kind: type[Memory], flash: Flash, allowed: Iterable[bytes], seed: int) -> None:
    """Recovery itself is cut at every write, and again and again at its first one."""
    plain = flash.fork()
    mounted(kind, plain)
    for write in range(1, plain.writes + 1):
        for cut in cuts(write, seed):
            torn = flash.fork()
            for again in (cut, *(replace(cut, write=1, seed=seed + n) for n in range(3))):
                torn.restore()
                torn.arm(again)
                try:
                    mounted(kind, torn)
                except PowerLoss:
                    continue
                break
            torn.restore()
            check_state(kind, torn, allowed)
    check_state(kind, flash, allowed)


def check_every_cut(kind: type[Memory], history: list[Writes], seed: int = 30, age: int = 0) -> int:
    """The states found behind every cut are those before or after; the number of cuts tried.

    The memory has seen *age* transactions before: from about 10 on, no free page is virgin.
    """
    memory = kind.format(Flash.blank(SMALL))
    model = bytearray(CAPACITY)
    for number in range(age):
        apply(memory, model, [(number * 73 % CAPACITY, bytes([number]) * (1 + number * 31 % 90))])
        memory.commit()
    tried = 0
    for writes in history:
        before = bytes(model)
        apply(memory, model, writes)
        allowed = (before, bytes(model))
        whole = memory.fork()
        whole.commit()
        for write in range(1, whole.flash.writes + 1):
            for cut in cuts(write, seed):
                torn = memory.fork()
                torn.flash.arm(cut)
                with pytest.raises(PowerLoss):
                    torn.commit()
                torn.flash.restore()
                check_recovery(kind, torn.flash, allowed, seed)
                tried += 1
        memory.commit()
        check_state(kind, memory.flash.fork(), [bytes(model)])
    return tried


TWO_PAGES: list[Writes] = [[(0, b"\x11" * 88)], [(0, b"\x22" * 88)], [(10, b"\x33")]]


@settings(max_examples=100, deadline=None)
@given(history=HISTORIES, seed=st.integers(0, 1000), age=st.integers(0, 40))
def test_a_commit_takes_effect_whole_or_not_at_all(
    history: list[Writes], seed: int, age: int
) -> None:
    check_every_cut(Memory, history, seed, age)


def test_every_write_is_cut_before_and_after_and_torn_in_every_shape() -> None:
    assert check_every_cut(Memory, TWO_PAGES) == 5 * (2 + len(Tear))


@settings(max_examples=300, deadline=None)
@given(
    history=st.lists(
        st.tuples(
            WRITES,
            st.lists(
                st.builds(
                    PowerCut,
                    st.integers(1, 5),
                    st.sampled_from(Moment),
                    st.sampled_from(Tear),
                    st.integers(0, 1000),
                ),
                max_size=4,
            ),
        ),
        max_size=25,
    )
)
def test_a_card_torn_again_and_again_keeps_what_was_committed(
    history: list[tuple[Writes, list[PowerCut]]],
) -> None:
    store = bytearray(SMALL.image_size)
    memory = Memory.format(Flash.blank(SMALL, store))
    model = bytearray(CAPACITY)
    for writes, weather in history:
        before = bytes(model)
        apply(memory, model, writes)
        pending = iter(weather)
        cut = next(pending, None)
        if cut:
            memory.flash.arm(cut)
        try:
            memory.commit()
        except PowerLoss:
            memory = remounted(store, pending)
            assert memory.read(0, CAPACITY) in (before, bytes(model))
            model[:] = memory.read(0, CAPACITY)
        memory.flash.restore()
        assert memory.read(0, CAPACITY) == model
        assert memory.flash.image() == store


def remounted(store: bytearray, weather: Iterator[PowerCut]) -> Memory:
    """The memory from its image, mounted as often as the weather demands."""
    while True:
        flash = Flash.open(store)
        cut = next(weather, None)
        if cut:
            flash.arm(cut)
        try:
            return mounted(Memory, flash)
        except PowerLoss:
            continue


class MarkFirst(Memory):
    """Writes the commit mark with the first page instead of the last."""

    @staticmethod
    def _remaining(position: int, count: int) -> int:  # noqa: ARG004 - the fault is to ignore them
        return 0


def is_caught(kind: type[Memory], history: list[Writes], age: int = 0) -> bool:
    try:
        check_every_cut(kind, history, age=age)
    except AssertionError:
        return True
    return False


def test_a_commit_mark_written_first_is_caught() -> None:
    assert is_caught(MarkFirst, TWO_PAGES)


def test_the_generated_histories_find_the_early_commit_mark_in_two_pages() -> None:
    history = find(
        HISTORIES,
        lambda history: is_caught(MarkFirst, history),
        settings=settings(max_examples=300, database=None, derandomize=True, deadline=None),
    )
    pages = {
        page
        for address, data in history[-1]
        for page in range(address // 44, (min(CAPACITY, address + len(data)) - 1) // 44 + 1)
    }
    assert len(history) == 1
    assert len(pages) == 2


def erase_nothing(flash: Flash, logical_pages: int) -> Survey:
    return replace(survey(flash, logical_pages), leftovers=[])


def erase_oldest_first(flash: Flash, logical_pages: int) -> Survey:
    found = survey(flash, logical_pages)
    return replace(found, leftovers=found.leftovers[::-1])


@pytest.mark.parametrize("wrong", [erase_nothing, erase_oldest_first])
def test_a_wrong_recovery_is_caught(
    wrong: Callable[[Flash, int], Survey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "survey", wrong)
    assert is_caught(Memory, TWO_PAGES)


def test_programming_in_place_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Ledger.route

    def in_place(
        self: Ledger, flash: Flash, count: int, superseded: list[int]
    ) -> tuple[list[int], list[int]]:
        """What this very transaction replaces counts as free already."""
        keys = [flash.wear[page] << 16 | page for page in superseded]
        return right(replace(self, free=sorted(self.free + keys)), flash, count, [])

    full: list[Writes] = [[(start, bytes([1 + start]) * 240)] for start in (0, 100, 30)]
    check_every_cut(Memory, full, age=30)
    monkeypatch.setattr(Ledger, "route", in_place)
    assert is_caught(Memory, full, age=30)
