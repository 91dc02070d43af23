"""The image file: written through, bit-exact, readable for ever; every other file is refused."""

import mmap
import zlib
from pathlib import Path

import pytest

from simcard.memory import Flash, Geometry, ImageError, Memory, Moment, PowerCut, PowerLoss, Tear

IMAGES = Path(__file__).parents[2] / "vectors" / "images"
SMALL = Geometry(size=16 * 64, page_size=64, endurance=1000, spare_pages=6)
EXPECTED = b"\x02" * 50 + b"\x01" * 30 + b"\x03" * 120


def released(store: bytearray | None = None) -> Memory:
    """The memory in vectors/images/memory-v1.img."""
    memory = Memory.format(Flash.blank(SMALL, store))
    memory.write(0, b"\x01" * 80)
    memory.commit()
    memory.write(0, b"\x02" * 50)
    memory.commit()
    memory.write(80, b"\x03" * 120)
    memory.commit()
    return memory


def interrupted() -> bytes:
    """The image in vectors/images/memory-v1-torn.img: its fourth commit was cut in page two."""
    memory = released()
    memory.write(0, b"\x04" * 200)
    memory.flash.arm(PowerCut(2, Moment.DURING, Tear.NEW_OVER_OLD, seed=30))
    with pytest.raises(PowerLoss):
        memory.commit()
    return memory.flash.image()


class Killed(Exception):
    pass


class DyingStore(bytearray):
    """The image of a process that is killed in the middle of its n-th copy of bytes."""

    copies_left = 0

    def __setitem__(self, key: object, value: object, /) -> None:
        assert isinstance(key, slice)
        assert isinstance(value, bytes)
        self.copies_left -= 1
        start, stop, _ = key.indices(len(self))
        if self.copies_left == 0:
            # Eight aligned bytes are one store of the processor; everything longer can be halved.
            middle = start + (len(value) // 2 if len(value) > 8 else 0)
            super().__setitem__(slice(start, middle), value[: middle - start])
            raise Killed
        super().__setitem__(slice(start, stop), value)


def resealed(image: bytes, offset: int, value: bytes) -> bytearray:
    """The image with header bytes replaced and the header's checksum made right again."""
    changed = bytearray(image)
    changed[offset : offset + len(value)] = value
    changed[28:32] = zlib.crc32(changed[:28]).to_bytes(4, "little")
    return changed


def test_the_released_image_is_what_we_write_today() -> None:
    assert released().flash.image() == (IMAGES / "memory-v1.img").read_bytes()
    assert interrupted() == (IMAGES / "memory-v1-torn.img").read_bytes()


@pytest.mark.parametrize("name", ["memory-v1.img", "memory-v1-torn.img"])
def test_a_released_image_loads_for_ever(name: str) -> None:
    memory = Memory.mount(Flash.open(bytearray((IMAGES / name).read_bytes())))
    assert memory.read(0, memory.capacity) == EXPECTED + bytes(memory.capacity - 200)
    memory.write(0, b"still alive")
    memory.commit()
    assert Memory.mount(memory.flash).read(0, 11) == b"still alive"


def test_every_write_reaches_the_image_at_once() -> None:
    store = bytearray(SMALL.image_size)
    memory = released(store)
    assert bytes(store) == memory.flash.image()
    again = Flash.open(bytearray(store))
    assert list(again.wear) == list(memory.flash.wear)
    assert again.image() == store


def test_a_torn_page_is_torn_in_the_image_too() -> None:
    store = bytearray(SMALL.image_size)
    memory = released(store)
    memory.flash.arm(PowerCut(1, Moment.DURING, Tear.NOISE))
    memory.write(0, b"lost")
    with pytest.raises(PowerLoss):
        memory.commit()
    assert bytes(store) == memory.flash.image()
    assert Memory.mount(Flash.open(store)).read(0, 200) == EXPECTED


def test_memory_lives_in_a_mapped_file(tmp_path: Path) -> None:
    path = tmp_path / "card.img"
    path.write_bytes(bytes(SMALL.image_size))
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        memory = Memory.format(Flash.blank(SMALL, mapped))
        memory.write(7, b"in the file")
        memory.commit()
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        assert Memory.mount(Flash.open(mapped)).read(7, 11) == b"in the file"


def test_a_fork_leaves_the_image_alone() -> None:
    store = bytearray(SMALL.image_size)
    memory = released(store)
    before = bytes(store)
    fork = memory.fork()
    fork.write(0, b"elsewhere")
    fork.commit()
    assert store == before


def test_a_new_chip_replaces_what_the_store_held() -> None:
    store = bytearray(SMALL.image_size)
    released(store)
    Flash.blank(SMALL, store)
    assert store == Flash.blank(SMALL).image()


def test_a_store_of_another_size_is_not_made_a_chip() -> None:
    store = bytearray(SMALL.image_size - 1)
    with pytest.raises(ValueError, match="1184 needed"):
        Flash.blank(SMALL, store)
    assert store == bytes(len(store))


def test_an_image_whose_making_was_interrupted_is_no_image() -> None:
    old = released().flash.image()
    for copies in (2, 3):
        store = DyingStore(old)
        store.copies_left = copies
        with pytest.raises(Killed):
            Flash.blank(SMALL, store)
        with pytest.raises(ImageError):
            Flash.open(store)


@pytest.mark.parametrize("copies", range(1, 7))
def test_a_process_killed_inside_any_copy_leaves_a_whole_transaction(copies: int) -> None:
    store = DyingStore(SMALL.image_size)
    memory = released(store)
    memory.write(0, b"\x04" * 120)
    store.copies_left = copies
    with pytest.raises(Killed):
        memory.commit()
    expected = EXPECTED if copies < 6 else b"\x04" * 120 + EXPECTED[120:]
    assert Memory.mount(Flash.open(store)).read(0, 200) == expected


@pytest.mark.parametrize(
    ("offset", "message"),
    [
        (0, "offset 0: no card image"),
        (7, "offset 0: no card image"),
        (8, "offset 8: format version 0"),
        *[(offset, "offset 28: the checksum") for offset in range(9, 32)],
    ],
)
def test_a_flipped_header_byte_is_refused(offset: int, message: str) -> None:
    image = bytearray(released().flash.image())
    image[offset] ^= 1
    with pytest.raises(ImageError, match=message):
        Flash.open(image)


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (8, b"\x02", "format version 2; this program reads 1"),
        (9, b"\x01", "offset 9: unused bytes"),
        (12, (1000).to_bytes(4, "little"), "size 1000: not a multiple"),
        (12, (2048).to_bytes(4, "little"), "announces 2336 bytes"),
        (12, bytes(4), "size 0: not a multiple"),
        (16, (63).to_bytes(4, "little"), "page_size 63"),
        (16, (8192).to_bytes(4, "little"), "page_size 8192"),
        (20, bytes(4), "endurance 0"),
        (20, b"\xff\xff\xff\xff", "endurance 4294967295"),
        (24, bytes(4), "offset 24: no spare pages"),
        (24, (1).to_bytes(4, "little"), "with 1 spare_pages"),
        (24, (16).to_bytes(4, "little"), "with 16 spare_pages"),
    ],
)
def test_a_header_that_says_the_impossible_is_refused(
    offset: int, value: bytes, message: str
) -> None:
    with pytest.raises(ImageError, match=message):
        Flash.open(resealed(released().flash.image(), offset, value))


@pytest.mark.parametrize("length", [0, 31, 32, 1183])
def test_a_shortened_image_is_refused(length: int) -> None:
    with pytest.raises(ImageError, match=f"image: {length} bytes"):
        Flash.open(bytearray(released().flash.image()[:length]))


def test_a_lengthened_image_is_refused() -> None:
    with pytest.raises(ImageError, match="image: 1185 bytes"):
        Flash.open(bytearray(released().flash.image() + b"\0"))


@pytest.mark.parametrize("offset", range(8))
def test_a_flipped_wear_entry_is_refused(offset: int) -> None:
    image = bytearray(released().flash.image())
    image[32 + 5 * 8 + offset] ^= 0x10
    with pytest.raises(ImageError, match="wear table, offset 72: the entry of page 5"):
        Flash.open(image)


@pytest.mark.parametrize(
    ("pages", "spare_pages"), [(16, 8), (32, 8), (40, 10), (256, 64), (1024, 256)]
)
def test_a_quarter_of_the_pages_is_spare_and_never_less_than_eight(
    pages: int, spare_pages: int
) -> None:
    assert Geometry(size=pages * 256).spare_pages == spare_pages
