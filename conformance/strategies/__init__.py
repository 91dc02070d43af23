"""Hypothesis strategies: commands that make sense for a card, and some that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

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
from conformance.undo import JUDGED

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from conformance.keys import Keys
    from conformance.layout import Layout

Answer = tuple[int, int | None]
ABSENT_FID = 0x7E57
ANSWERS = st.sampled_from([(0x0C, None), (0x00, 256), (0x04, 256), (0x08, 256)])
SMALL = st.integers(0, 15)


def selections(layout: Layout) -> SearchStrategy[CommandAPDU]:
    """SELECT in every form, of files that are there and of one that is not."""
    fids = st.sampled_from([*dict.fromkeys(file.fid for file in layout.files), ABSENT_FID])
    by_fid = st.builds(
        lambda fid, p1, answer: select_fid(fid, p1, *answer),
        fids,
        st.sampled_from([0x00, 0x01, 0x02]),
        ANSWERS,
    )
    by_path = st.builds(
        lambda file, answer: select_path(file, *answer), st.sampled_from(layout.files), ANSWERS
    )
    forms = [by_path, by_fid, st.builds(lambda answer: select_parent(*answer), ANSWERS)]
    named = [df for df in layout.dedicated() if df.name]
    if named:
        forms.append(_by_name(named))
    below = _paths_below(layout)
    if below:
        forms.append(
            st.builds(
                lambda path, answer: CommandAPDU(0x00, 0xA4, 0x09, answer[0], path, answer[1]),
                st.sampled_from(below),
                ANSWERS,
            )
        )
    return st.one_of(forms)


def _by_name(named: list[DedicatedFile]) -> SearchStrategy[CommandAPDU]:
    def build(df: DedicatedFile, cut: int, occurrence: int, answer: Answer) -> CommandAPDU:
        name = df.name[: max(1, len(df.name) - cut)]
        return select_name(name, answer[0] | occurrence, answer[1])

    return st.builds(build, st.sampled_from(named), st.integers(0, 2), st.integers(0, 3), ANSWERS)


def _paths_below(layout: Layout) -> list[bytes]:
    """The paths from each DF to the files somewhere below it."""
    return [
        path_of(file)[len(path_of(df)) :]
        for df in layout.dedicated()
        for file in layout.files
        if file.path.startswith(df.path + "/")
    ]


def _sfis(layout: Layout) -> SearchStrategy[int | None]:
    """A short identifier in use, one that is not, or none at all."""
    used = sorted({ef.sfi for ef in layout.elementary(*JUDGED) if ef.sfi})
    return st.one_of(st.none(), st.sampled_from([*used, 28]))


def _offsets(layout: Layout, sfi: int | None) -> SearchStrategy[int]:
    """Small offsets, and those around the ends of the files."""
    sizes = {ef.size for ef in layout.elementary(Kind.TRANSPARENT)}
    limit = 0xFF if sfi is not None else 0x7FFF
    edges = {edge for size in sizes for edge in (size - 2, size - 1, size, size + 1)}
    near = sorted({edge for edge in edges if 0 <= edge <= limit})
    return st.one_of(SMALL, st.sampled_from(near) if near else SMALL)


def binary_reads(layout: Layout) -> SearchStrategy[CommandAPDU]:
    """READ BINARY of the current EF or by short identifier."""
    lengths = st.one_of(st.integers(1, 12), st.just(SHORT_NE))

    @st.composite
    def command(draw: st.DrawFn) -> CommandAPDU:
        sfi = draw(_sfis(layout))
        return read_binary(draw(_offsets(layout, sfi)), draw(lengths), sfi=sfi)

    return command()


def binary_updates(layout: Layout) -> SearchStrategy[CommandAPDU]:
    """UPDATE BINARY of a few bytes."""

    @st.composite
    def command(draw: st.DrawFn) -> CommandAPDU:
        sfi = draw(_sfis(layout))
        data = draw(_few_bytes())
        return update_binary(draw(_offsets(layout, sfi)), data, sfi=sfi)

    return command()


def _few_bytes() -> SearchStrategy[bytes]:
    return st.lists(st.integers(0, 255), min_size=1, max_size=6).map(bytes)


def _records(layout: Layout) -> SearchStrategy[int]:
    most = max((ef.records for ef in layout.elementary(Kind.LINEAR_FIXED)), default=1)
    return st.integers(1, most + 1)


def record_reads(layout: Layout) -> SearchStrategy[CommandAPDU]:
    """READ RECORD by number."""
    sizes = sorted({ef.size for ef in layout.elementary(Kind.LINEAR_FIXED)}) or [1]
    lengths = st.sampled_from([SHORT_NE, *sizes, sizes[0] + 1])
    modes = st.sampled_from([4, 4, 5])
    return st.builds(
        lambda number, ne, sfi, mode: read_record(number, ne, sfi=sfi or 0, mode=mode),
        _records(layout),
        lengths,
        _sfis(layout),
        modes,
    )


def record_updates(layout: Layout) -> SearchStrategy[CommandAPDU]:
    """UPDATE RECORD with a data field as long as some record, or a byte longer."""
    sizes = sorted({ef.size for ef in layout.elementary(Kind.LINEAR_FIXED)}) or [1]
    return st.builds(
        lambda number, size, byte, sfi: update_record(number, bytes([byte]) * size, sfi=sfi or 0),
        _records(layout),
        st.sampled_from([*sizes, sizes[-1] + 1]),
        st.integers(0, 255),
        _sfis(layout),
    )


def verifications(layout: Layout, keys: Keys) -> SearchStrategy[CommandAPDU] | None:
    """VERIFY with right and wrong values, and without any; None when no value is known."""
    known = [reference for reference in layout.references if keys.right(reference)]
    if not known:
        return None
    guesses = st.sampled_from(["pin", "pin", "wrong", "other", "short", "long"])
    comparisons = st.builds(
        lambda guess, reference: verify(keys, guess, reference), guesses, st.sampled_from(known)
    )
    numbers = sorted({reference.number for reference in layout.references})
    return st.one_of(comparisons, st.sampled_from(numbers).map(query))


__all__ = [
    "binary_reads",
    "binary_updates",
    "record_reads",
    "record_updates",
    "selections",
    "verifications",
]
