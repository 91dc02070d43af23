"""The card in a file: its memory is mapped into the process, so killing that is pulling the card.

A page that the card has programmed is the operating system's at once; only a crash of the whole
machine can lose it. A new image appears under its name complete or not at all. While a process
serves an image it holds a lock on it, where the operating system has locks.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from simcard.files.store import PROFILE_NAME_SIZE, CellStore, LayoutError
from simcard.memory import Flash, Geometry, ImageError, Memory
from simcard.profiles import Profile, initial_flash

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def opened_image(path: Path, profile: Profile) -> Iterator[Flash]:
    """The flash that lives in the image at *path*, which is made when there is no such file.

    `ImageError`, naming the file, when it is not a whole image, or of a card of another profile,
    or cannot be read and written, or is in use by another process.
    """
    with ExitStack() as stack:
        try:
            if not path.exists():
                _create(path, initial_flash(profile).image())
            file = stack.enter_context(path.open("r+b"))
            _lock(file)
            mapped = stack.enter_context(_mapped(file))
            flash = Flash.open(mapped)
            _check(flash, profile)
        except (ImageError, LayoutError) as error:
            raise ImageError(f"{path}: {error}") from None
        except OSError as error:
            raise ImageError(f"{path}: {error.strerror or error}") from None
        yield flash
        mapped.flush()


def _create(path: Path, image: bytes) -> None:
    """Put *image* there under a name of its own first: nobody may find half of one."""
    with NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", delete=False) as draft:
        draft.write(image)
    try:
        with suppress(FileExistsError):  # somebody else was quicker: theirs is as new as ours
            os.link(draft.name, path)
    finally:
        os.unlink(draft.name)  # noqa: PTH108 - the counterpart of link


def _lock(file: BinaryIO) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ImageError("another process has this card in use") from None


def _mapped(file: BinaryIO) -> mmap.mmap:
    try:
        return mmap.mmap(file.fileno(), 0)
    except ValueError:
        raise ImageError("the file is empty") from None


def _check(flash: Flash, profile: Profile) -> None:
    """Compare chip and profile; an unfinished transaction is left for power-on to discard."""
    chip, wanted = flash.geometry, profile.tables.memory.geometry()
    if chip != wanted:
        raise ImageError(f"its chip has {_shape(chip)}, one of {profile.name} has {_shape(wanted)}")
    made_from = CellStore.mount(Memory.mount(flash.fork())).profile
    if made_from != profile.name[:PROFILE_NAME_SIZE]:
        raise ImageError(f"a card of profile {made_from}, not {profile.name}")


def _shape(geometry: Geometry) -> str:
    return (
        f"{geometry.page_count} pages of {geometry.page_size} bytes, {geometry.spare_pages} of them"
        f" spare, for {geometry.endurance} writes each"
    )
