"""Reading, writing, committing, rolling back, forking."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcard.memory import (
    Flash,
    Geometry,
    Memory,
    Moment,
    PowerCut,
    PoweredOff,
    PowerLoss,
    TransactionTooLarge,
)

SMALL = Geometry(size=16 * 64, page_size=64, spare_pages=6)
PAYLOAD = 44


def fresh() -> Memory:
    return Memory.format(Flash.blank(SMALL))


def test_capacity_is_what_spare_pages_and_headers_leave() -> None:
    memory = fresh()
    assert memory.page_payload == PAYLOAD
    assert memory.capacity == 10 * PAYLOAD
    assert memory.transaction_capacity == 6


def test_bytes_never_written_are_zero() -> None:
    memory = fresh()
    assert memory.read(0, memory.capacity) == bytes(memory.capacity)


def test_a_transaction_sees_its_own_writes_and_the_flash_does_not() -> None:
    memory = fresh()
    memory.write(40, b"across two pages")
    assert memory.dirty
    assert memory.read(40, 16) == b"across two pages"
    assert memory.flash.writes == 0
    assert Memory.mount(memory.flash).read(40, 16) == bytes(16)


def test_a_commit_is_there_after_a_mount() -> None:
    memory = fresh()
    memory.write(40, b"across two pages")
    memory.commit()
    assert not memory.dirty
    assert memory.flash.writes == 2
    assert Memory.mount(memory.flash).read(40, 16) == b"across two pages"


def test_a_rollback_forgets_the_transaction_and_only_that() -> None:
    memory = fresh()
    memory.write(0, b"kept")
    memory.commit()
    memory.write(0, b"once")
    memory.write(0, b"more")
    memory.write(100, b"elsewhere")
    memory.rollback()
    assert not memory.dirty
    assert memory.read(0, memory.capacity) == b"kept" + bytes(memory.capacity - 4)
    memory.commit()
    assert memory.flash.writes == 1


def test_only_pages_that_changed_are_programmed() -> None:
    memory = fresh()
    memory.write(0, b"a" * 200)
    memory.commit()
    before = memory.flash.image()
    memory.write(0, b"a" * 200)
    assert not memory.dirty
    memory.write(0, b"b")
    memory.write(0, b"a")
    memory.commit()
    assert memory.flash.image() == before
    memory.write(0, b"a" * 199 + b"b")
    memory.commit()
    assert memory.flash.writes == 6


def test_an_empty_write_and_an_empty_read_are_nothing() -> None:
    memory = fresh()
    memory.write(memory.capacity, b"")
    assert not memory.dirty
    assert memory.read(0, 0) == memory.read(memory.capacity, 0) == b""


@pytest.mark.parametrize(("address", "length"), [(-1, 1), (0, 441), (440, 1), (0, -1)])
def test_reading_outside_the_memory_is_refused(address: int, length: int) -> None:
    with pytest.raises(IndexError, match="outside the 440 bytes"):
        fresh().read(address, length)


@pytest.mark.parametrize(("address", "length"), [(-1, 1), (0, 441), (440, 1)])
def test_writing_outside_the_memory_is_refused_and_nothing_happens(
    address: int, length: int
) -> None:
    memory = fresh()
    with pytest.raises(IndexError, match="outside the 440 bytes"):
        memory.write(address, b"x" * length)
    assert not memory.dirty


def test_a_transaction_too_large_is_refused_and_nothing_happens() -> None:
    memory = fresh()
    memory.write(0, b"x" * (5 * PAYLOAD))
    with pytest.raises(TransactionTooLarge, match="more than 6 pages"):
        memory.write(5 * PAYLOAD, b"y" * (PAYLOAD + 1))
    assert memory.read(5 * PAYLOAD, PAYLOAD + 1) == bytes(PAYLOAD + 1)
    memory.write(5 * PAYLOAD, b"y" * PAYLOAD)
    memory.commit()
    assert memory.flash.writes == 6


def test_the_largest_transaction_fits_into_a_full_memory_again_and_again() -> None:
    memory = fresh()
    for start in (0, 6 * PAYLOAD):
        memory.write(start, b"f" * min(6 * PAYLOAD, memory.capacity - start))
        memory.commit()
    for value in (b"g", b"h", b"i"):
        memory.write(2 * PAYLOAD, value * (6 * PAYLOAD))
        memory.commit()
        assert Memory.mount(memory.flash).read(2 * PAYLOAD, 6 * PAYLOAD) == value * 6 * PAYLOAD


def test_only_an_erased_chip_is_formatted() -> None:
    memory = fresh()
    memory.write(0, b"precious")
    memory.commit()
    with pytest.raises(ValueError, match="only an erased chip"):
        Memory.format(memory.flash)
    assert Memory.mount(memory.flash).read(0, 8) == b"precious"


def test_after_power_loss_the_memory_is_dead_and_the_flash_is_not() -> None:
    memory = fresh()
    memory.write(0, b"lost")
    memory.flash.arm(PowerCut(1))
    with pytest.raises(PowerLoss):
        memory.commit()
    memory.flash.restore()
    for use in (
        lambda: memory.read(0, 1),
        lambda: memory.write(0, b"x"),
        memory.commit,
        memory.rollback,
        memory.fork,
    ):
        with pytest.raises(PoweredOff):
            use()
    assert Memory.mount(memory.flash).read(0, 4) == bytes(4)


def test_the_last_write_of_a_commit_makes_it_permanent_though_nobody_hears_of_it() -> None:
    memory = fresh()
    memory.write(0, b"done" * 20)
    memory.flash.arm(PowerCut(2, Moment.AFTER))
    with pytest.raises(PowerLoss):
        memory.commit()
    memory.flash.restore()
    assert Memory.mount(memory.flash).read(0, 80) == b"done" * 20


WRITES = st.lists(
    st.tuples(st.integers(0, 439), st.binary(min_size=1, max_size=60)), min_size=1, max_size=3
)


def apply(memory: Memory, writes: list[tuple[int, bytes]]) -> None:
    for address, data in writes:
        try:
            memory.write(address, data[: memory.capacity - address])
        except TransactionTooLarge:
            continue


@given(shared=WRITES, open_in_both=WRITES, mine=WRITES, yours=WRITES)
def test_forks_share_the_past_and_not_the_future(
    shared: list[tuple[int, bytes]],
    open_in_both: list[tuple[int, bytes]],
    mine: list[tuple[int, bytes]],
    yours: list[tuple[int, bytes]],
) -> None:
    memory = fresh()
    apply(memory, shared)
    memory.commit()
    apply(memory, open_in_both)
    opened = memory.read(0, 440)
    fork = memory.fork()
    apply(fork, yours)
    fork.commit()
    assert memory.read(0, 440) == opened
    theirs = fork.read(0, 440)
    apply(memory, mine)
    memory.commit()
    assert fork.read(0, 440) == theirs == Memory.mount(fork.flash).read(0, 440)
    third = memory.fork()
    apply(third, yours)
    third.rollback()
    assert third.read(0, 440) == memory.read(0, 440) == Memory.mount(memory.flash).read(0, 440)


@given(transactions=st.lists(WRITES, max_size=6), mounts=st.lists(st.booleans(), max_size=6))
def test_the_same_operations_give_the_same_image(
    transactions: list[list[tuple[int, bytes]]], mounts: list[bool]
) -> None:
    once, again = fresh(), fresh()
    for number, writes in enumerate(transactions):
        for memory in (once, again):
            apply(memory, writes)
            memory.commit()
        if number < len(mounts) and mounts[number]:
            again = Memory.mount(again.flash)
    assert once.flash.image() == again.flash.image()


def test_a_thousand_forks_of_a_64_kib_card_fit_in_64_mib() -> None:
    memory = Memory.format(Flash.blank(Geometry(size=64 * 1024)))
    for address in range(0, memory.capacity, memory.page_payload):
        memory.write(address, address.to_bytes(4, "big") * 50)
        memory.commit()
    tracemalloc.start()
    try:
        forks = [memory.fork() for _ in range(1000)]
        for number, fork in enumerate(forks):
            fork.write(1000, number.to_bytes(4, "big"))
            fork.commit()
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 64 * 2**20
    assert [int.from_bytes(fork.read(1000, 4), "big") for fork in forks] == list(range(1000))
