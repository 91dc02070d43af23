"""Moves with files that histories create, on logical channels, in chains, with changed values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

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
    from conformance.keys import Keys
    from conformance.layout import Layout
    from conformance.statement import ScratchTable, Statement
    from conformance.strategies import Makers, Moves, Single
    from conformance.strategies.dice import Dice

RECORD = 5
"""Bytes of the records of a created EF, at most."""
PLACES = 24
"""Bytes of a transparent EF that is created."""
TAGS = (0xC1, 0xC2, 0x5F2D, 0xC9)
MODES = (0, 1, 2, 3, 4, 4, 5, 6)
SWITCHES = (activate_file, activate_file, deactivate_file)


def _bytes(dice: Dice, largest: int, smallest: int = 1) -> bytes:
    """Bytes with few values, so that searches find something."""
    return bytes(dice.some(lambda die: die.pick(b"\x01\x02ABC\xf0"), smallest, largest))


def _record(dice: Dice) -> bytes:
    """Content of a record, most often as long as the records of a created EF."""
    return _bytes(dice, RECORD, RECORD) if dice.below(3) else _bytes(dice, RECORD + 1)


def _plans(scratch: ScratchTable, kinds: Sequence[Kind]) -> Callable[[Dice], Plan]:
    named = [Behaviour[name.upper().replace("-", "_")] for name in scratch.write]
    behaviours = named or [Behaviour.OR]

    def plan(dice: Dice) -> Plan:
        kind, fid = dice.pick(kinds), dice.pick(scratch.identifiers)
        size = RECORD if kind.has_records else PLACES
        return Plan(kind, fid, size=size, behaviour=dice.pick(behaviours))

    return plan


def _filling(kind: Kind, content: bytes) -> CommandAPDU:
    """A command that puts *content* into an EF of *kind*."""
    if kind is Kind.TRANSPARENT:
        return update_binary(content[0] & 0x0F, content)
    return append_record(content) if kind.has_records else put_data(0xC1, content)


def _anew(statement: Statement, plan: Plan, dice: Dice, least: int) -> tuple[CommandAPDU, ...]:
    """The file *plan* is created where another may have been, and filled *least* to 4 times."""
    home = statement.layout.by_path(statement.scratch.df) if statement.scratch else None
    assert home is not None
    first = (select_path(home), delete_file(plan.fid), create_file(plan.template()))
    contents = dice.some(lambda die: _bytes(die, RECORD, RECORD), least, 4)
    return (*first, *(_filling(plan.kind, content) for content in contents))


def files(statement: Statement) -> Makers:
    """Files are created, selected, closed, opened and deleted in the DF given for them."""
    scratch = statement.scratch
    home = statement.layout.by_path(scratch.df) if scratch is not None else None
    if scratch is None or home is None:
        return {}
    plans = _plans(scratch, [kind for kind in scratch.kinds if kind is not Kind.DF])

    def fid(dice: Dice) -> int | None:
        return dice.pick(scratch.identifiers) if dice.below(2) else None

    makers: Makers = {
        "create": lambda dice: _anew(statement, plans(dice), dice, 1),
        "create_again": lambda dice: create_file(plans(dice).template()),
        "choose": lambda dice: (
            select_path(home),
            select_fid(dice.pick(scratch.identifiers), 0x02),
        ),
        "delete": lambda dice: delete_file(fid(dice)),
    }
    if scratch.life_cycle:
        makers["switch"] = lambda dice: dice.pick(SWITCHES)(fid(dice))
    return makers


def _declared(statement: Statement, move: str) -> bool:
    """Whether the card has the commands of *move*: it may answer others as it likes."""
    return all(getattr(statement.features, feature) for feature in NEEDS.get(move, (move,)))


def work(statement: Statement, *kinds: Kind) -> Makers:
    """An EF of one of *kinds* is created, filled, and worked on for a while."""
    scratch = statement.scratch
    usable = tuple(kind for kind in kinds if scratch is not None and kind in scratch.kinds)
    if scratch is None or not usable:
        return {}
    every = {Kind.TRANSPARENT: PARTS, Kind.DATA_OBJECTS: OBJECTS}.get(usable[0], RECORDS)
    singles = {name: make for name, make in every.items() if _declared(statement, name)}
    if not singles:
        return {}
    steps, plans = tuple(singles.values()), _plans(scratch, usable)

    def moves(dice: Dice) -> Moves:
        following = dice.some(lambda die: die.pick(steps)(die), 3, 12)
        return (*_anew(statement, plans(dice), dice, 2), *following)

    return {**singles, "work_on_" + usable[0].name.lower(): moves}


RECORDS: dict[str, Single] = {
    "append": lambda dice: append_record(_record(dice)),
    "append_more": lambda dice: append_record(_record(dice)),
    "read_record": lambda dice: read_record(dice.below(5), SHORT_NE, mode=dice.pick(MODES)),
    "update_record": lambda dice: update_record(
        dice.below(5), _record(dice), mode=dice.pick(MODES) % 5
    ),
    "write_record": lambda dice: write_record(dice.below(5), _record(dice), dice.pick(MODES) % 5),
    "search_record": lambda dice: search_record(dice.below(5), _bytes(dice, 2), dice.between(4, 5)),
    "erase_record": lambda dice: erase_record(dice.below(5), dice.between(4, 5)),
    "read_part": lambda dice: read_part(dice.between(1, 4), dice.between(0, RECORD)),
    "update_part": lambda dice: update_part(
        dice.between(1, 4), dice.between(0, RECORD), _bytes(dice, 3), dice.between(4, 7)
    ),
}
"""Records of every structure, by number, pointer and identifier."""


def _place(dice: Dice) -> int:
    return dice.between(0, PLACES)


def _write_or_search(dice: Dice) -> CommandAPDU:
    ins, ne = dice.pick(((0xD0, None), (0xA0, SHORT_NE)))
    return CommandAPDU(0x00, ins, 0x00, _place(dice), _bytes(dice, 3), ne)


PARTS: dict[str, Single] = {
    "read_binary": lambda dice: read_binary(_place(dice), SHORT_NE),
    "update_binary": lambda dice: update_binary(_place(dice), _bytes(dice, 4)),
    "write_or_search": _write_or_search,
    "erase": lambda dice: CommandAPDU(
        0x00, 0x0E, 0x00, _place(dice), _place(dice).to_bytes(2, "big")
    ),
    "read_odd": lambda dice: odd(0xB1, 0, offset_object(_place(dice)), SHORT_NE),
    "update_odd": lambda dice: odd(
        0xD7, 0, offset_object(_place(dice)) + data_object(_bytes(dice, 3))
    ),
}
"""Bytes of a transparent EF written, erased, searched and read."""

OBJECTS: dict[str, Single] = {
    "put": lambda dice: put_data(dice.pick(TAGS), _bytes(dice, 6, 0)),
    "get": lambda dice: get_data(dice.pick(TAGS)),
    "get_listed": lambda dice: get_listed(*dice.some(lambda die: die.pick(TAGS), 0, 3)),
    "get_next": lambda dice: get_next(dice.pick(TAGS) if dice.below(2) else 0),
}
"""Data objects put, got by tag and by list, and one after the other."""
NEEDS = {
    "append": ("append_record",),
    "append_more": ("append_record",),
    "read_part": ("record_parts",),
    "update_part": ("record_parts",),
    "write_or_search": ("write_binary", "search_binary"),
    "erase": ("erase_binary",),
    "read_odd": ("odd_binary",),
    "update_odd": ("odd_binary",),
    "put": ("put_data",),
    "get": ("get_data",),
    "get_listed": ("get_data_list",),
    "get_next": ("get_next_data",),
}
"""The features of the statement behind each move, where they are not called like it."""


def on_channels(statement: Statement, commands: Single) -> Makers:
    """Channels are opened and closed, and *commands* come on any of them."""
    most = statement.features.channels
    transparent = [*statement.layout.elementary(Kind.TRANSPARENT)]

    def opened(dice: Dice) -> CommandAPDU:
        number = dice.between(0, most)
        return CommandAPDU(0x00, 0x70, 0x00, number, b"", None if number else 1)

    def read(dice: Dice) -> Moves:
        channel = dice.below(4)
        first, then = select_path(dice.pick(transparent)), read_binary(0, 1)
        return replace(first, cla=channel), replace(then, cla=channel)

    makers: Makers = {
        "open": opened,
        "close": lambda dice: CommandAPDU(0x00, 0x70, 0x80, dice.between(0, most)),
        "on_channel": lambda dice: replace(commands(dice), cla=dice.below(4)),
        "read_again": lambda dice: replace(read_binary(0, 4), cla=dice.below(4)),
    }
    return {**makers, "read_on_channel": read} if transparent else makers


def chains(layout: Layout) -> Makers:
    """UPDATE BINARY in parts, and responses that are fetched in pieces."""
    open_files = [
        ef for ef in layout.elementary(Kind.TRANSPARENT) if ef.writable and ef.update.always
    ]

    def ask(dice: Dice) -> Moves:
        sizes = dice.some(lambda die: die.pick((1, 3, 7, SHORT_NE)), 0, 4)
        first = select_path(dice.pick(layout.files), FCP, dice.pick((None, 1, 9)))
        return (first, *(get_response(size) for size in sizes))

    def begun(dice: Dice) -> Moves:
        offset, rest = dice.below(2), _bytes(dice, 4, 0)
        part = replace(update_binary(offset, _bytes(dice, 4)), cla=0x10)
        ended = (update_binary(offset, rest), read_binary(0, 12)) if rest else ()
        return (select_path(dice.pick(open_files)), part, *ended)

    makers: Makers = {
        "ask": ask,
        "chained": lambda dice: replace(
            update_binary(dice.below(2), _bytes(dice, 4)), cla=dice.pick((0x10, 0x10, 0x00))
        ),
        "fetch": lambda dice: get_response(dice.pick((1, 3, 20, SHORT_NE))),
    }
    return {**makers, "begin_chain": begun} if open_files else makers


def changes(keys: Keys, references: tuple[Reference, ...]) -> Makers:
    """Values are changed to and fro, and their requirement switched."""
    known = [one for one in references if keys.right(one) is not None]
    if not known:
        return {}
    guesses = ("pin", "other", "pin")

    def value(dice: Dice, reference: Reference) -> bytes:
        return keys.guess(dice.pick(guesses), reference) or b""

    def sent(reference: Reference, ins: int, data: bytes) -> Moves:
        command = CommandAPDU(0x00, ins, 0x00, reference.number, data)
        return select_path(reference.df), command

    def change(dice: Dice) -> Moves:
        reference = dice.pick(known)
        return sent(reference, CHANGE, value(dice, reference) + value(dice, reference))

    def require(dice: Dice) -> Moves:
        reference = dice.pick(known)
        return sent(reference, dice.pick((DISABLE, ENABLE)), value(dice, reference))

    return {"change": change, "require": require}
