"""Moves of generated histories: commands that make sense for a card, and some that do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from conformance.apdu import SHORT_NE, CommandAPDU
from conformance.commands import (
    path_of,
    query,
    read_binary,
    read_record,
    select_fid,
    select_name,
    select_parent,
    select_path,
    update_binary,
    update_record,
    verify,
)
from conformance.layout import DedicatedFile, Kind
from conformance.strategies.dice import Dice
from conformance.undo import JUDGED

if TYPE_CHECKING:
    from conformance.keys import Keys
    from conformance.layout import Layout

Moves = CommandAPDU | tuple[CommandAPDU, ...]
"""A command, or some that belong together."""
Maker = Callable[[Dice], Moves]
Single = Callable[[Dice], CommandAPDU]
Makers = dict[str, Maker]

ABSENT_FID = 0x7E57
ANSWERS: tuple[tuple[int, int | None], ...] = ((0x0C, None), (0x00, 256), (0x04, 256), (0x08, 256))
SMALL = range(16)


def selections(layout: Layout) -> Single:
    """SELECT in every form, of files that are there and of one that is not."""
    fids = [*dict.fromkeys(file.fid for file in layout.files), ABSENT_FID]
    forms: list[Single] = [
        lambda dice: select_path(dice.pick(layout.files), *dice.pick(ANSWERS)),
        lambda dice: select_fid(dice.pick(fids), dice.below(3), *dice.pick(ANSWERS)),
        lambda dice: select_parent(*dice.pick(ANSWERS)),
    ]
    named = [df for df in layout.dedicated() if df.name]
    if named:
        forms.append(lambda dice: _by_name(dice, named))
    below = _paths_below(layout)
    if below:
        forms.append(lambda dice: _from_the_df(dice, below))
    return lambda dice: dice.pick(forms)(dice)


def _by_name(dice: Dice, named: list[DedicatedFile]) -> CommandAPDU:
    """By a name, whole or cut short by a byte or two, its first, last, next or previous bearer."""
    name = dice.pick(named).name
    answer, ne = dice.pick(ANSWERS)
    return select_name(name[: max(1, len(name) - dice.below(3))], answer | dice.below(4), ne)


def _from_the_df(dice: Dice, paths: list[bytes]) -> CommandAPDU:
    answer, ne = dice.pick(ANSWERS)
    return CommandAPDU(0x00, 0xA4, 0x09, answer, dice.pick(paths), ne)


def _paths_below(layout: Layout) -> list[bytes]:
    """The paths from each DF to the files somewhere below it."""
    return [
        path_of(file)[len(path_of(df)) :]
        for df in layout.dedicated()
        for file in layout.files
        if file.path.startswith(df.path + "/")
    ]


def _sfis(layout: Layout) -> Callable[[Dice], int | None]:
    """A short identifier in use, one that is not, or as often none at all."""
    used = [*sorted({ef.sfi for ef in layout.elementary(*JUDGED) if ef.sfi}), 28]
    return lambda dice: None if dice.below(2) else dice.pick(used)


def _offsets(layout: Layout) -> Callable[[Dice, int | None], int]:
    """Small offsets, and those around the ends of the files."""
    sizes = {ef.size for ef in layout.elementary(Kind.TRANSPARENT)}
    edges = sorted({edge for size in sizes for edge in range(size - 2, size + 2) if edge >= 0})
    near = {limit: [e for e in edges if e <= limit] or [*SMALL] for limit in (0xFF, 0x7FFF)}

    def offset(dice: Dice, sfi: int | None) -> int:
        limit = 0xFF if sfi is not None else 0x7FFF
        return dice.pick(SMALL if dice.below(2) else near[limit])

    return offset


def binary_reads(layout: Layout) -> Single:
    """READ BINARY of the current EF or by short identifier."""
    sfis, offsets = _sfis(layout), _offsets(layout)

    def command(dice: Dice) -> CommandAPDU:
        sfi = sfis(dice)
        length = dice.between(1, 12) if dice.below(2) else SHORT_NE
        return read_binary(offsets(dice, sfi), length, sfi=sfi)

    return command


def binary_updates(layout: Layout) -> Single:
    """UPDATE BINARY of a few bytes."""
    sfis, offsets = _sfis(layout), _offsets(layout)

    def command(dice: Dice) -> CommandAPDU:
        sfi = sfis(dice)
        data = bytes(dice.some(lambda die: die.below(256), 1, 6))
        return update_binary(offsets(dice, sfi), data, sfi=sfi)

    return command


def _records(layout: Layout) -> range:
    """The numbers of records, and the one behind the last."""
    most = max((ef.records for ef in layout.elementary(Kind.LINEAR_FIXED)), default=1)
    return range(1, most + 2)


def record_reads(layout: Layout) -> Single:
    """READ RECORD by number."""
    sizes = sorted({ef.size for ef in layout.elementary(Kind.LINEAR_FIXED)}) or [1]
    numbers, sfis = _records(layout), _sfis(layout)
    lengths = [SHORT_NE, *sizes, sizes[0] + 1]

    def command(dice: Dice) -> CommandAPDU:
        mode = dice.pick((4, 4, 5))
        return read_record(dice.pick(numbers), dice.pick(lengths), sfi=sfis(dice) or 0, mode=mode)

    return command


def record_updates(layout: Layout) -> Single:
    """UPDATE RECORD with a data field as long as some record, or a byte longer."""
    sizes = sorted({ef.size for ef in layout.elementary(Kind.LINEAR_FIXED)}) or [1]
    numbers, sfis = _records(layout), _sfis(layout)
    lengths = [*sizes, sizes[-1] + 1]

    def command(dice: Dice) -> CommandAPDU:
        data = bytes((dice.below(256),)) * dice.pick(lengths)
        return update_record(dice.pick(numbers), data, sfi=sfis(dice) or 0)

    return command


def verifications(layout: Layout, keys: Keys) -> Makers:
    """VERIFY with right and wrong values, and without any; nothing when no value is known."""
    known = [reference for reference in layout.references if keys.right(reference)]
    if not known:
        return {}
    guesses = ("pin", "pin", "wrong", "other", "short", "long")
    numbers = sorted({reference.number for reference in layout.references})

    def command(dice: Dice) -> CommandAPDU:
        if dice.below(2):
            return query(dice.pick(numbers))
        return verify(keys, dice.pick(guesses), dice.pick(known))

    return {"verify": command}


__all__ = [
    "Maker",
    "Makers",
    "Moves",
    "Single",
    "binary_reads",
    "binary_updates",
    "record_reads",
    "record_updates",
    "selections",
    "verifications",
]
