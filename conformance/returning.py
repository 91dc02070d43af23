"""Giving back what a history changed beyond contents: values, tries, requirements, created files.

Nothing here trusts the model about what the card did: the custody of the bench knows what was sent
and what the card told, and what is asked of the card counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU, MalformedAPDU, ResponseAPDU
from conformance.commands import query, select_fid, select_path
from conformance.custody import ACCEPTED, CHANGE, DISABLE, ENABLE, RESET, VERIFY, tries_told
from conformance.editing import activate_file, delete_file

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.custody import Holding
    from conformance.layout import File, Reference

FOUND = frozenset({0x9000, 0x6283, 0x6285})
DEACTIVATED = 0x6283


@dataclass
class Report:
    """What was put back, and what could not be, each in a few words."""

    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def told(self, what: str, *, succeeded: bool) -> None:
        """*what* was put back or could not be."""
        (self.done if succeeded else self.failed).append(what)


def ask(bench: Bench, command: CommandAPDU) -> ResponseAPDU:
    """The answer; status word 0 where there is none: a card may have gone mute."""
    try:
        return ResponseAPDU.decode(bench.exchange(bench.card, command.encode()))
    except MalformedAPDU:
        return ResponseAPDU(b"", 0)


def afresh(bench: Bench, df: File) -> None:
    """Reset the card and select *df*."""
    bench.reset(bench.card)
    ask(bench, select_path(df))


def question(bench: Bench, reference: Reference) -> int:
    """The status word of VERIFY without data at *reference*, after a reset."""
    afresh(bench, reference.df)
    return ask(bench, query(reference.number)).sw


def give_back_values(bench: Bench, report: Report) -> None:
    """Bring back value, tries and requirement of each reference that was touched."""
    for holding in bench.custody.holdings.values():
        if holding.touched:
            _give_back(bench, holding, report)
            left = holding.left
            bench.baseline = bench.baseline.with_tries(holding.reference, left)


def _give_back(bench: Bench, holding: Holding, report: Report) -> None:
    reference = holding.reference
    afresh(bench, reference.df)
    recount(bench, holding)
    holding.unseen = 0  # a reference that is not required now cannot be asked
    right = bench.keys.right(reference)
    as_found = holding.left == bench.baseline.tries[reference] and not holding.switched
    if right is None or (as_found and holding.is_surely(right)):
        holding.touched = False
        return
    several = len(holding.likely) > 1 or holding.likely != [right]
    succeeded = _opened(bench, holding, right) or _unblocked(bench, holding, right)
    if succeeded:
        holding.put_back(right)
        if several:
            bench.custody.noted(holding)
        succeeded = not holding.switched or _required(bench, holding, right)
        recount(bench, holding)
    holding.touched = not succeeded
    holding.switched = holding.switched and not succeeded
    report.told(f"the value of {reference.name}", succeeded=succeeded)


def resync(bench: Bench) -> None:
    """Take down tries that came back because a right value was given to open something."""
    for holding in bench.custody.holdings.values():
        reference = holding.reference
        if not holding.touched and holding.left < reference.tries and bench.counts_freely:
            holding.left = min(reference.tries, holding.most)
            recount(bench, holding)
            bench.baseline = bench.baseline.with_tries(reference, holding.left)


def recount(bench: Bench, holding: Holding) -> None:
    """Ask the card how many tries are left, where that is free; it is believed about fewer."""
    if not bench.counts_freely:
        return
    left = tries_told(question(bench, holding.reference))
    if left is not None:
        holding.left, holding.unseen = min(holding.left, left), 0
        holding.most = max(holding.most, left)


def count_again(bench: Bench) -> None:
    """Ask for the tries of references that guesses elsewhere may have cost; a reset follows."""
    for holding in bench.custody.holdings.values():
        if holding.unseen:
            believed = holding.left
            recount(bench, holding)
            holding.touched |= holding.left < believed


def give_value(bench: Bench, reference: Reference) -> None:
    """Verify *reference* with its own value, unless that might block it."""
    right = bench.keys.right(reference)
    if right is not None:
        _given(bench, VERIFY, bench.custody.holdings[reference], right)


def _given(bench: Bench, ins: int, holding: Holding, right: bytes) -> bool:
    """Whether *right* was accepted; not even tried where that might block the reference."""
    if not holding.may_try(right):
        return False
    sw = _at(bench, ins, holding, right)
    left = tries_told(sw)
    if left is not None:
        holding.told(left)
        holding.refused(right)
        holding.touched = True
    return sw == ACCEPTED


def _at(bench: Bench, ins: int, holding: Holding, data: bytes) -> int:
    command = CommandAPDU(0x00, ins, 0x00, holding.reference.number, data)
    return ask(bench, command).sw


def _opened(bench: Bench, holding: Holding, right: bytes) -> bool:
    """Whether one of the values it may have was accepted, and is now the right one.

    At the floor only a value that is certain is tried.
    """
    for value in tuple(holding.likely):
        if not holding.may_try(value) or not holding.left:
            return False
        sw = _at(bench, VERIFY, holding, value)
        if sw == ACCEPTED:
            holding.accepted()
            recount(bench, holding)
            return value == right or _changed(bench, holding, value, right)
        holding.left = max(0, holding.left - 1)
        if sw & 0xFFF0 == 0x63C0:
            holding.told(sw & 0x0F)
        holding.refused(value)
    return False


def _changed(bench: Bench, holding: Holding, value: bytes, right: bytes) -> bool:
    """Whether *value*, which was accepted, was changed for the right one."""
    afresh(bench, holding.reference.df)
    if holding.doubtful or holding.left - 1 < holding.reference.floor:
        return False
    if _at(bench, CHANGE, holding, value + right) == ACCEPTED:
        return _is_there(bench, holding, right)
    holding.left, holding.doubtful = holding.left - 1, True
    return False


def _is_there(bench: Bench, holding: Holding, right: bytes) -> bool:
    """Whether *right*, which a command was to set, is verified.

    A card that counts for itself alone is believed, unless it was seen to be wrong. At the floor it
    is not tried: a card that gave no tries back may not have set the value either.
    """
    if not bench.counts_freely:
        return not holding.doubtful and not holding.contradicted
    told = tries_told(question(bench, holding.reference))
    holding.left = holding.left if told is None else told
    if holding.left - 1 < holding.reference.floor:
        return False
    if _at(bench, VERIFY, holding, right) == ACCEPTED:
        holding.accepted()
        return True
    holding.left, holding.doubtful = holding.left - 1, True
    return False


def _unblocked(bench: Bench, holding: Holding, right: bytes) -> bool:
    """Whether the resetting code, if the judge holds it, gave back tries and value."""
    code = bench.custody.code_of(holding.reference)
    value = bench.keys.right(code) if code is not None else None
    if code is None or value is None:
        return False
    kept = bench.custody.holdings[code]
    certain = kept.likely == [value] and kept.left - 1 >= code.floor
    if not certain or not bench.statement.features.reset_retry_counter:
        return False
    sw = _at(bench, RESET, holding, value + right)
    if sw != ACCEPTED:
        kept.touched, kept.left = True, kept.left - 1
        return False
    return _is_there(bench, holding, right)


def _required(bench: Bench, holding: Holding, right: bytes) -> bool:
    """Whether its verification is required again, or not, as it was found."""
    return _given(bench, ENABLE if holding.required else DISABLE, holding, right)


def delete_created(bench: Bench, report: Report) -> None:
    """Delete every file at the identifiers of the judge under which none was found."""
    scratch = bench.statement.scratch
    df = bench.statement.layout.by_path(scratch.df) if scratch is not None else None
    if scratch is None or df is None:
        return
    bench.reset(bench.card)
    for fid in scratch.identifiers:
        if fid in bench.inventory.present or not exists(bench, scratch.df, fid):
            continue
        ask(bench, select_path(df))
        ask(bench, delete_file(fid))
        gone = not exists(bench, scratch.df, fid)
        report.told(f"{scratch.df}/{fid:04X}, which was created,", succeeded=gone)


def exists(bench: Bench, path: str, fid: int) -> bool:
    """Whether the DF at *path* has a file with the identifier *fid*."""
    df = bench.statement.layout.by_path(path)
    assert df is not None
    ask(bench, select_path(df))
    return ask(bench, select_fid(fid)).sw in FOUND


def reactivate(bench: Bench, report: Report) -> None:
    """Activate what was found active and is not any more."""
    for file, found in bench.inventory.answers.items():
        if found == ACCEPTED and ask(bench, select_path(file)).sw == DEACTIVATED:
            sw = ask(bench, activate_file()).sw
            report.told(f"the life cycle of {file.path}", succeeded=sw == ACCEPTED)
