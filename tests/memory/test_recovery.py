"""Images that no journal can have left behind are refused; nothing is ever guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcard.memory import Flash, Geometry, ImageError, Memory, Moment, PowerCut, PowerLoss, Tear
from simcard.memory.page import PageHeader, seal

SMALL = Geometry(size=16 * 64, page_size=64, spare_pages=6)
PAYLOAD = bytes(44)
FIRST = PageHeader(sequence=1, others=0, logical=0, position=0, remaining=0, successor=1)


def chip(*pages: tuple[int, PageHeader]) -> Flash:
    flash = Flash.blank(SMALL)
    for physical, header in pages:
        flash.program(physical, seal(header, PAYLOAD))
    return flash


@pytest.mark.parametrize(
    ("flash", "message"),
    [
        (chip((0, FIRST._replace(logical=10))), "page 0: .* outside the memory"),
        (chip((0, FIRST._replace(successor=16))), "page 0: .* outside the memory"),
        (chip((0, FIRST._replace(sequence=0))), "page 0: transactions are counted from 1"),
        (
            chip((0, FIRST._replace(position=1))),
            "page 0: page 1 of transaction 1 where its page 0 is expected",
        ),
        (
            chip((0, FIRST._replace(remaining=1)), (2, FIRST._replace(logical=1, position=1))),
            "page 2: transaction 1 goes on here, but page 0 says on page 1",
        ),
        (
            chip((0, FIRST._replace(remaining=1)), (1, FIRST._replace(logical=1))),
            "page 1: page 0 of transaction 1 where its page 1 is expected",
        ),
        (
            chip((0, FIRST), (1, FIRST._replace(sequence=3, remaining=1))),
            "transaction 2: no page of it left",
        ),
        (
            chip((0, FIRST._replace(remaining=1)), (1, FIRST._replace(sequence=2, remaining=1))),
            "transaction 1: unfinished, but followed by another",
        ),
        (
            chip((0, FIRST), (2, FIRST._replace(sequence=2, remaining=1))),
            "page 2: transaction 2 begins here, but page 1 was to be programmed next",
        ),
        (
            chip((5, FIRST._replace(remaining=1))),
            "page 5: transaction 1 begins here, but page 0 was to be programmed next",
        ),
        (
            chip((0, FIRST._replace(remaining=1)), (1, FIRST._replace(position=1, successor=2))),
            "page 1: logical page 0 is on page 0 too",
        ),
        (chip((0, FIRST._replace(others=1))), "transaction 1: a page that was live"),
        (chip((0, FIRST._replace(successor=0))), "page 0: to be programmed next"),
    ],
)
def test_pages_that_contradict_each_other_are_refused_and_left_alone(
    flash: Flash, message: str
) -> None:
    before = flash.image()
    with pytest.raises(ImageError, match=message):
        Memory.mount(flash)
    assert flash.image() == before


def test_a_torn_page_is_accepted_only_where_the_next_one_was_due() -> None:
    for physical in range(16):
        flash = chip((0, FIRST))
        flash.program(physical, b"\x00" * 64)
        if physical == 0:  # as if the very first write of all had been torn
            assert Memory.mount(flash).read(0, 440) == bytes(440)
        elif physical == 1:
            assert Memory.mount(flash).read(0, 440) == bytes(440)
            assert flash.read(1) == flash.erased
        else:
            with pytest.raises(ImageError, match=f"page {physical}: bad checksum; only page 1"):
                Memory.mount(flash)


def test_recovery_erases_the_unfinished_transaction_newest_page_first() -> None:
    memory = Memory.format(Flash.blank(SMALL))
    memory.write(0, b"x" * 150)
    memory.flash.arm(PowerCut(4, Moment.DURING, Tear.NOISE))
    with pytest.raises(PowerLoss):
        memory.commit()
    memory.flash.restore()
    wear = list(memory.flash.wear)
    erased = []
    for _ in range(4):
        memory.flash.arm(PowerCut(2))
        try:
            Memory.mount(memory.flash)
        except PowerLoss:
            memory.flash.restore()
        now = list(memory.flash.wear)
        erased += [page for page in range(16) if now[page] != wear[page]]
        wear = now
    assert erased == [3, 2, 1, 0]


def test_a_mount_without_an_interruption_writes_nothing() -> None:
    memory = Memory.format(Flash.blank(SMALL))
    memory.write(0, b"x" * 150)
    memory.commit()
    writes = memory.flash.writes
    Memory.mount(memory.flash)
    assert memory.flash.writes == writes


@st.composite
def histories(draw: st.DrawFn) -> tuple[Memory, bytes]:
    """A memory after some transactions, and its state before the last one."""
    memory = Memory.format(Flash.blank(SMALL))
    before = bytes(440)
    number = draw(st.integers(1, 12))
    for value in range(1, number + 1):
        before = memory.read(0, 440)
        memory.write(draw(st.integers(0, 340)), bytes([value]) * draw(st.integers(1, 100)))
        memory.commit()
    return memory, before


@given(history=histories(), page=st.integers(0, 15), bit=st.integers(0, 511))
def test_a_flipped_bit_is_refused_or_is_a_torn_write(
    history: tuple[Memory, bytes], page: int, bit: int
) -> None:
    memory, before = history
    state = memory.read(0, 440)
    flash = memory.flash.fork()
    damaged = int.from_bytes(flash.read(page), "big") ^ 1 << bit
    flash.program(page, damaged.to_bytes(64, "big"))
    frontier = memory._ledger.frontier
    if page == frontier:
        assert Memory.mount(flash).read(0, 440) == state
        return
    try:
        mounted = Memory.mount(flash)
    except ImageError:
        return
    # The page programmed last: its damage cannot be told from a cut while it was programmed.
    assert mounted.read(0, 440) == before


@given(
    history=histories(),
    page=st.integers(0, 15),
    source=st.one_of(st.integers(0, 15), st.just(None), st.binary(min_size=64, max_size=64)),
)
def test_a_replaced_page_never_yields_a_mixture(
    history: tuple[Memory, bytes], page: int, source: int | bytes | None
) -> None:
    memory, before = history
    flash = memory.flash.fork()
    if source is None:
        flash.program(page, flash.erased)
    elif isinstance(source, bytes):
        flash.program(page, source)
    else:
        flash.program(page, flash.read(source))
    try:
        mounted = Memory.mount(flash)
    except ImageError:
        return
    assert mounted.read(0, 440) in (memory.read(0, 440), before)


def test_an_older_copy_in_the_place_of_a_live_page_is_refused() -> None:
    memory = Memory.format(Flash.blank(SMALL))
    for value in range(1, 30):
        memory.write(value * 17 % 400, bytes([value]) * 40)
        memory.commit()
    *older, newest = sorted(
        (int.from_bytes(memory.flash.read(place)[4:8], "little"), place)
        for place in memory._ledger.locations
    )
    stale = set(range(16)) - set(memory._ledger.locations) - {memory._ledger.frontier}
    tried = 0
    for sequence, live in older:
        if sequence == newest[0]:
            continue
        for place in stale:
            flash = memory.flash.fork()
            flash.program(live, flash.read(place))
            with pytest.raises(ImageError):
                Memory.mount(flash)
            tried += 1
    assert tried >= 8 * 5
