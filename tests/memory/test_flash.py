"""Pages: programmed whole, counted, worn out, torn."""

import pytest

from simcard.memory import Flash, Geometry, Moment, PowerCut, PoweredOff, PowerLoss, Tear, WornOut

SMALL = Geometry(size=16 * 64, page_size=64, endurance=5)
OLD = bytes(range(64))
NEW = bytes(range(100, 164))


def torn(cut: PowerCut) -> bytes:
    """What page 3 reads after NEW was programmed over OLD and cut."""
    flash = Flash.blank(SMALL)
    flash.program(3, OLD)
    flash.arm(cut)
    with pytest.raises(PowerLoss):
        flash.program(3, NEW)
    flash.restore()
    return flash.read(3)


def test_a_blank_chip_is_erased_and_unworn() -> None:
    flash = Flash.blank(SMALL)
    assert [flash.read(page) for page in range(16)] == [b"\xff" * 64] * 16
    assert list(flash.wear) == [0] * 16


def test_programming_counts_the_page_and_touches_no_other() -> None:
    flash = Flash.blank(SMALL)
    flash.program(3, OLD)
    flash.program(3, NEW)
    assert flash.read(3) == NEW
    assert [flash.wear[page] for page in (2, 3, 4)] == [0, 2, 0]
    assert flash.read(2) == flash.read(4) == flash.erased
    assert flash.writes == 2


@pytest.mark.parametrize("length", [0, 63, 65])
def test_only_whole_pages_are_programmed(length: int) -> None:
    flash = Flash.blank(SMALL)
    with pytest.raises(ValueError, match="a page has 64"):
        flash.program(0, bytes(length))
    assert flash.image() == Flash.blank(SMALL).image()


def test_a_worn_page_refuses_data_and_keeps_what_it_has_but_can_be_erased() -> None:
    flash = Flash.blank(SMALL)
    for _ in range(5):
        flash.program(0, OLD)
    with pytest.raises(WornOut, match="page 0"):
        flash.program(0, NEW)
    assert flash.read(0) == OLD
    flash.program(0, flash.erased)
    assert flash.read(0) == flash.erased


@pytest.mark.parametrize(
    ("moment", "expected", "wear"),
    [(Moment.BEFORE, OLD, 1), (Moment.AFTER, NEW, 2)],
)
def test_a_cut_beside_the_write_leaves_a_whole_page(
    moment: Moment, expected: bytes, wear: int
) -> None:
    flash = Flash.blank(SMALL)
    flash.program(3, OLD)
    flash.arm(PowerCut(1, moment))
    with pytest.raises(PowerLoss, match="page 3"):
        flash.program(3, NEW)
    flash.restore()
    assert flash.read(3) == expected
    assert flash.wear[3] == wear


def test_the_first_bytes_of_a_torn_page_can_be_new_over_old_ones() -> None:
    assert torn(PowerCut(1, Moment.DURING, Tear.NEW_OVER_OLD, seed=9)) == NEW[:10] + OLD[10:]


def test_the_first_bytes_of_a_torn_page_can_be_new_over_erased_ones() -> None:
    expected = NEW[:10] + b"\xff" * 54
    assert torn(PowerCut(1, Moment.DURING, Tear.NEW_OVER_ERASED, seed=9)) == expected


def test_every_bit_of_a_torn_page_can_be_old_or_new() -> None:
    page = torn(PowerCut(1, Moment.DURING, Tear.MIXED_BITS, seed=9))
    assert page not in (OLD, NEW)
    assert all((got ^ old) & (got ^ new) == 0 for got, old, new in zip(page, OLD, NEW, strict=True))


@pytest.mark.parametrize("tear", Tear)
def test_a_tear_is_the_same_for_the_same_seed_and_differs_for_another(tear: Tear) -> None:
    first, again, other = (
        torn(PowerCut(1, Moment.DURING, tear, seed=seed)) for seed in (9, 9, -77)
    )
    assert first == again
    assert first != other


def test_the_cut_comes_at_the_write_it_names() -> None:
    flash = Flash.blank(SMALL)
    flash.arm(PowerCut(3))
    flash.program(0, OLD)
    flash.program(1, OLD)
    with pytest.raises(PowerLoss):
        flash.program(2, OLD)


def test_writes_are_counted_from_one() -> None:
    with pytest.raises(ValueError, match="counted from 1"):
        PowerCut(0)


def test_without_power_the_chip_does_nothing_until_it_is_restored() -> None:
    flash = Flash.blank(SMALL)
    flash.arm(PowerCut(1))
    with pytest.raises(PowerLoss):
        flash.program(0, OLD)
    with pytest.raises(PoweredOff):
        flash.read(0)
    with pytest.raises(PoweredOff):
        flash.program(0, OLD)
    flash.restore()
    flash.program(0, OLD)
    assert flash.read(0) == OLD


def test_power_loss_passes_every_handler_of_exceptions() -> None:
    assert not issubclass(PowerLoss, Exception)


def test_a_fork_shares_the_past_and_not_the_future() -> None:
    flash = Flash.blank(SMALL)
    flash.program(0, OLD)
    flash.arm(PowerCut(1))
    twin = flash.fork()
    twin.program(0, NEW)
    twin.program(1, NEW)
    assert (flash.read(0), flash.read(1)) == (OLD, flash.erased)
    assert (flash.wear[0], twin.wear[0]) == (1, 2)
    assert twin.writes == 2
