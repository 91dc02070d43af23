"""Strategies for files that histories create, for logical channels, chains and changed values."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from conformance.apdu import SHORT_NE, CommandAPDU
from conformance.commands import (
    FCP,
    get_response,
    read_binary,
    read_record,
    select_fid,
    select_path,
    update_binary,
    update_record,
)
from conformance.editing import (
    Plan,
    activate_file,
    append_record,
    create_file,
    data_object,
    deactivate_file,
    delete_file,
    erase_record,
    get_data,
    get_listed,
    get_next,
    odd,
    offset_object,
    put_data,
    read_part,
    search_record,
    update_part,
    write_record,
)
from conformance.layout import Behaviour, Kind, Reference
from conformance.model.reference import CHANGE, DISABLE, ENABLE

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from conformance.keys import Keys
    from conformance.layout import Layout
    from conformance.statement import ScratchTable, Statement

RECORD = 5
"""Bytes of the records of a created EF, at most."""
TAGS = st.sampled_from([0xC1, 0xC2, 0x5F2D, 0xC9])
MODES = st.sampled_from([0, 1, 2, 3, 4, 4, 5, 6])
NUMBERS = st.integers(0, 4)
Moves = CommandAPDU | tuple[CommandAPDU, ...]
"""A command, or some that belong together."""
Commands = dict[str, "SearchStrategy[Moves]"]


def _bytes(largest: int, smallest: int = 1) -> SearchStrategy[bytes]:
    """Bytes with few values, so that searches find something."""
    values = st.sampled_from(b"\x01\x02ABC\xf0")
    return st.lists(values, min_size=smallest, max_size=largest).map(bytes)


def _records() -> SearchStrategy[bytes]:
    """Record contents, most of them as long as the records of a created EF."""
    whole = _bytes(RECORD, RECORD)
    return st.one_of(whole, whole, _bytes(RECORD + 1))


def _plans(scratch: ScratchTable, kinds: tuple[Kind, ...]) -> SearchStrategy[Plan]:
    behaviours = [Behaviour[name.upper().replace("-", "_")] for name in scratch.write]
    return st.builds(
        lambda kind, fid, behaviour: Plan(
            kind, fid, size=RECORD if kind.has_records else 24, behaviour=behaviour
        ),
        st.sampled_from(kinds),
        st.sampled_from(scratch.identifiers),
        st.sampled_from(behaviours or [Behaviour.OR]),
    )


def _filling(kind: Kind, content: bytes) -> CommandAPDU:
    """A command that puts *content* into an EF of *kind*."""
    if kind is Kind.TRANSPARENT:
        return update_binary(content[0] & 0x0F, content)
    return append_record(content) if kind.has_records else put_data(0xC1, content)


def _anew(statement: Statement, plan: Plan, contents: list[bytes]) -> tuple[CommandAPDU, ...]:
    """The file *plan* is created where another may have been, and filled."""
    home = statement.layout.by_path(statement.scratch.df) if statement.scratch else None
    assert home is not None
    first = (select_path(home), delete_file(plan.fid), create_file(plan.template()))
    return (*first, *(_filling(plan.kind, content) for content in contents))


def files(statement: Statement) -> Commands:
    """Files are created, selected, closed, opened and deleted in the DF given for them."""
    scratch = statement.scratch
    home = statement.layout.by_path(scratch.df) if scratch is not None else None
    if scratch is None or home is None:
        return {}
    fids = st.sampled_from(scratch.identifiers)
    contents = st.lists(_bytes(RECORD, RECORD), min_size=1, max_size=4)
    everything = tuple(kind for kind in scratch.kinds if kind is not Kind.DF)
    rules: Commands = {
        "create": st.builds(partial(_anew, statement), _plans(scratch, everything), contents),
        "create_again": _plans(scratch, everything).map(lambda plan: create_file(plan.template())),
        "choose": fids.map(lambda fid: (select_path(home), select_fid(fid, 0x02))),
        "delete": st.one_of(st.none(), fids).map(delete_file),
    }
    if scratch.life_cycle:
        switches = st.sampled_from([activate_file, activate_file, deactivate_file])
        rules["switch"] = st.builds(
            lambda switch, fid: switch(fid), switches, st.one_of(st.none(), fids)
        )
    return rules


def work(statement: Statement, *kinds: Kind) -> Commands:
    """An EF of one of *kinds* is created, filled, and worked on for a while."""
    scratch = statement.scratch
    usable = tuple(kind for kind in kinds if scratch is not None and kind in scratch.kinds)
    if scratch is None or not usable:
        return {}
    several = {Kind.TRANSPARENT: parts, Kind.DATA_OBJECTS: objects}.get(usable[0], records)
    rules = several()
    steps = st.lists(st.one_of(list(rules.values())), min_size=3, max_size=12)
    contents = st.lists(_bytes(RECORD, RECORD), min_size=2, max_size=4)

    def moves(plan: Plan, filling: list[bytes], following: list[CommandAPDU]) -> Moves:
        return (*_anew(statement, plan, filling), *following)

    name = "work_on_" + usable[0].name.lower()
    found: Commands = {**rules}
    return found | {name: st.builds(moves, _plans(scratch, usable), contents, steps)}


def records() -> dict[str, SearchStrategy[CommandAPDU]]:
    """Records of every structure, by number, pointer and identifier."""
    return {
        "append": _records().map(append_record),
        "append_more": _records().map(append_record),
        "read_record": st.builds(
            lambda number, mode: read_record(number, SHORT_NE, mode=mode), NUMBERS, MODES
        ),
        "update_record": st.builds(
            lambda number, data, mode: update_record(number, data, mode=mode % 5),
            NUMBERS,
            _records(),
            MODES,
        ),
        "write_record": st.builds(
            lambda number, data, mode: write_record(number, data, mode % 5),
            NUMBERS,
            _records(),
            MODES,
        ),
        "search_record": st.builds(search_record, NUMBERS, _bytes(2), st.sampled_from([4, 5])),
        "erase_record": st.builds(erase_record, NUMBERS, st.sampled_from([4, 5])),
        "read_part": st.builds(read_part, st.integers(1, 4), st.integers(0, RECORD)),
        "update_part": st.builds(
            update_part,
            st.integers(1, 4),
            st.integers(0, RECORD),
            _bytes(3),
            st.sampled_from([4, 5, 6, 7]),
        ),
    }


def parts() -> dict[str, SearchStrategy[CommandAPDU]]:
    """Bytes of a transparent EF written, erased, searched and read."""
    places = st.integers(0, 24)
    plain = st.sampled_from([0xD0, 0xA0])
    return {
        "read_binary": places.map(lambda offset: read_binary(offset, SHORT_NE)),
        "update_binary": st.builds(update_binary, places, _bytes(4)),
        "write_or_search": st.builds(
            lambda ins, offset, data: CommandAPDU(
                0x00, ins, 0x00, offset, data, SHORT_NE if ins == 0xA0 else None
            ),
            plain,
            places,
            _bytes(3),
        ),
        "erase": st.builds(
            lambda start, end: CommandAPDU(0x00, 0x0E, 0x00, start, end.to_bytes(2, "big")),
            places,
            places,
        ),
        "read_odd": places.map(lambda offset: odd(0xB1, 0, offset_object(offset), SHORT_NE)),
        "update_odd": st.builds(
            lambda offset, data: odd(0xD7, 0, offset_object(offset) + data_object(data)),
            places,
            _bytes(3),
        ),
    }


def objects() -> dict[str, SearchStrategy[CommandAPDU]]:
    """Data objects put, got by tag and by list, and one after the other."""
    return {
        "put": st.builds(put_data, TAGS, _bytes(6, 0)),
        "get": TAGS.map(get_data),
        "get_listed": st.lists(TAGS, max_size=3).map(lambda tags: get_listed(*tags)),
        "get_next": st.one_of(st.just(0), TAGS).map(get_next),
    }


def on_channels(statement: Statement, commands: SearchStrategy[CommandAPDU]) -> Commands:
    """Channels are opened and closed, and *commands* come on any of them."""
    numbers = st.integers(0, statement.features.channels)
    return {
        "open": st.builds(
            lambda number: CommandAPDU(0x00, 0x70, 0x00, number, b"", None if number else 1),
            numbers,
        ),
        "close": numbers.map(lambda number: CommandAPDU(0x00, 0x70, 0x80, number)),
        "on_channel": st.builds(
            lambda command, channel: replace(command, cla=channel), commands, st.integers(0, 3)
        ),
        "read_on_channel": st.builds(
            lambda ef, channel: tuple(
                replace(command, cla=channel) for command in (select_path(ef), read_binary(0, 1))
            ),
            st.sampled_from([*statement.layout.elementary(Kind.TRANSPARENT)]),
            st.integers(0, 3),
        ),
        "read_again": st.integers(0, 3).map(
            lambda channel: replace(read_binary(0, 4), cla=channel)
        ),
    }


def chains(layout: Layout) -> Commands:
    """UPDATE BINARY in parts, and responses that are fetched in pieces."""
    open_files = [
        ef for ef in layout.elementary(Kind.TRANSPARENT) if ef.writable and ef.update.always
    ]
    rules: Commands = {
        "ask": st.builds(
            lambda file, ne, pieces: (
                select_path(file, FCP, ne),
                *(get_response(size) for size in pieces),
            ),
            st.sampled_from(layout.files),
            st.sampled_from([None, 1, 9]),
            st.lists(st.sampled_from([1, 3, 7, SHORT_NE]), max_size=4),
        ),
        "chained": st.builds(
            lambda offset, data, cla: replace(update_binary(offset, data), cla=cla),
            st.integers(0, 1),
            _bytes(4),
            st.sampled_from([0x10, 0x10, 0x00]),
        ),
        "fetch": st.sampled_from([1, 3, 20, SHORT_NE]).map(get_response),
    }
    if open_files:
        rules["begin_chain"] = st.builds(
            lambda ef, offset, data, rest: (
                select_path(ef),
                replace(update_binary(offset, data), cla=0x10),
                *((update_binary(offset, rest), read_binary(0, 12)) if rest else ()),
            ),
            st.sampled_from(open_files),
            st.integers(0, 1),
            _bytes(4),
            _bytes(4, 0),
        )
    return rules


def changes(keys: Keys, references: tuple[Reference, ...]) -> Commands:
    """Values are changed to and fro, and their requirement switched."""
    known = [one for one in references if keys.right(one) is not None]
    if not known:
        return {}

    def change(reference: Reference, old: str, new: str) -> Moves:
        data = (keys.guess(old, reference) or b"") + (keys.guess(new, reference) or b"")
        command = CommandAPDU(0x00, CHANGE, 0x00, reference.number, data)
        return select_path(reference.df), command

    def switch(reference: Reference, guess: str, ins: int) -> Moves:
        data = keys.guess(guess, reference) or b""
        return select_path(reference.df), CommandAPDU(0x00, ins, 0x00, reference.number, data)

    guesses = st.sampled_from(["pin", "other", "pin"])
    chosen = st.sampled_from(known)
    return {
        "change": st.builds(change, chosen, guesses, guesses),
        "require": st.builds(switch, chosen, guesses, st.sampled_from([DISABLE, ENABLE])),
    }
