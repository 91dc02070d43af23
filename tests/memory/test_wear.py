"""Hot cells wander over the free pages, cold ones are moved now and then, and wear has an end."""

import pytest

from simcard.memory import Flash, Geometry, Memory, Moment, PowerCut, PowerLoss, Tear, WornOut

CELL = 200


def full(geometry: Geometry) -> Memory:
    """A memory every page of which has been written once."""
    memory = Memory.format(Flash.blank(geometry))
    for address in range(0, memory.capacity, memory.page_payload):
        memory.write(address, b"cold")
        memory.commit()
    return memory


def count_up(memory: Memory, commits: int) -> None:
    for number in range(1, commits + 1):
        memory.write(CELL, number.to_bytes(4, "big"))
        memory.commit()


def test_one_hot_cell_wears_all_free_pages_alike() -> None:
    memory = full(Geometry(size=64 * 1024))
    count_up(memory, 4000)  # too few for levelling to begin
    worn = sorted(memory.flash.wear)[-65:]
    assert sum(worn) == 4001  # 64 spare pages, and the one the cell lay on at first
    assert max(worn) - min(worn) <= 1
    assert memory.read(CELL, 4) == (4000).to_bytes(4, "big")


def test_ten_thousand_writes_of_one_cell_spread_over_the_chip() -> None:
    memory = full(Geometry(size=64 * 1024))
    before = memory.flash.writes
    count_up(memory, 10_000)
    writes = memory.flash.writes - before
    assert writes <= 10_000 * 65 / 64
    worn = sorted(memory.flash.wear)[-65:]
    assert max(worn) <= 1.1 * sum(worn) / len(worn)
    cold = memory.capacity - memory.page_payload
    assert memory.read(cold, 4) == Memory.mount(memory.flash).read(cold, 4) == b"cold"


def test_moving_cold_pages_brings_the_whole_chip_into_use() -> None:
    geometry = Geometry(size=32 * 64, page_size=64, endurance=2000, spare_pages=8)
    memory = full(geometry)
    with pytest.raises(WornOut):
        count_up(memory, 32 * 2000)
    assert min(memory.flash.wear) > 1500
    assert sum(memory.flash.wear) > 0.9 * 32 * 2000


def test_no_cold_page_is_added_to_a_transaction_that_has_no_room_for_it() -> None:
    memory = full(Geometry(size=16 * 64, page_size=64, spare_pages=2))
    before = memory.flash.writes
    for number in range(1, 1001):
        memory.write(40, number.to_bytes(4, "big") * 4)
        memory.commit()
    assert memory.flash.writes == before + 2 * 1000
    assert memory.read(40, 4) == (1000).to_bytes(4, "big")


def test_a_worn_out_memory_keeps_its_state_and_refuses_changes() -> None:
    geometry = Geometry(size=16 * 64, page_size=64, endurance=3, spare_pages=6)
    memory = Memory.format(Flash.blank(geometry))
    with pytest.raises(WornOut, match="no free page"):
        count_up(memory, 1000)
    number = int.from_bytes(memory.read(CELL, 4), "big")
    image = memory.flash.image()
    for _ in range(20):
        with pytest.raises(WornOut, match="no free page"):
            memory.commit()
    assert memory.dirty
    memory.rollback()
    assert memory.read(CELL, 4) == (number - 1).to_bytes(4, "big")
    assert Memory.mount(memory.flash).read(CELL, 4) == (number - 1).to_bytes(4, "big")
    assert memory.flash.image() == image
    assert number - 1 >= 15 * 3


def commits_until_worn_out(memory: Memory, length: int) -> int:
    """How often *length* bytes can still be changed; every state on the way mounts."""
    for number in range(1, 256):
        memory.write(CELL, bytes([number]) * length)
        try:
            memory.commit()
        except WornOut:
            memory.rollback()
            return number - 1
        state = memory.read(0, memory.capacity)
        assert Memory.mount(memory.flash.fork()).read(0, memory.capacity) == state
    raise AssertionError("this memory does not wear out")


def test_what_is_too_much_for_worn_pages_leaves_room_for_less() -> None:
    memory = full(Geometry(size=16 * 64, page_size=64, endurance=20, spare_pages=6))
    assert commits_until_worn_out(memory, 230) > 16 * 20 // 6 // 2
    assert commits_until_worn_out(memory, 4) > 1


def test_tearing_one_write_for_ever_ends_in_a_refusal_not_in_a_loss() -> None:
    geometry = Geometry(size=16 * 64, page_size=64, endurance=20, spare_pages=6)
    memory = Memory.format(Flash.blank(geometry))
    memory.write(0, b"kept")
    memory.commit()
    flash = memory.flash
    for _ in range(10):
        memory.write(0, b"torn")
        flash.arm(PowerCut(1, Moment.DURING, Tear.NOISE))
        with pytest.raises(PowerLoss):
            memory.commit()
        flash.restore()
        memory = Memory.mount(flash)
        assert memory.read(0, 4) == b"kept"
    memory.write(0, b"torn")
    with pytest.raises(WornOut):
        memory.commit()
    assert Memory.mount(flash).read(0, 4) == b"kept"
