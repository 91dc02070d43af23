"""Giving back what operations took: tries of declared keys, and environments that were stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.commands import get_challenge
from conformance.custody import ACCEPTED, tries_told
from conformance.model.desk import VERIFIES
from conformance.model.operations.environment import INS
from conformance.operating import (
    ERASE,
    RESTORE,
    challenge_size,
    cryptogram,
    environment,
    external,
    right_checksum,
    set_template,
    verify_checksum,
)
from conformance.operations import CHECKSUM
from conformance.returning import afresh, ask

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.layout import Key
    from conformance.model import Model
    from conformance.returning import Report


def count_tries_of_keys(bench: Bench) -> None:
    """Ask how many tries of each key of the terminal are left, where the card can tell."""
    for key in bench.statement.layout.keys:
        if key.tries and "external" in key.usage:
            afresh(bench, key.df)
            left = tries_told(ask(bench, external(key, b"")).sw)
            if left is not None:
                bench.baseline = bench.baseline.with_tries(key.proof, min(left, key.tries))


def give_back_operations(bench: Bench, live: Model, report: Report) -> None:
    """Prove each declared key that was tried wrongly, and erase what was stored."""
    for key in bench.statement.layout.keys:
        spent = any(state.tries.get(key.proof, key.tries) < key.tries for state in live.states)
        if spent and key.name in bench.keys.secrets:
            report.told(f"the tries of {key.name}", succeeded=_proven(bench, key))
    if INS in live.sent:
        _erase(bench, report)


def _proven(bench: Bench, key: Key) -> bool:
    """Whether the right proof of *key* was accepted, which gives its tries back."""
    afresh(bench, key.df)
    if "external" in key.usage:
        challenge = ask(bench, get_challenge(challenge_size(key))).data
        if len(challenge) != challenge_size(key):
            return False
        return ask(bench, external(key, cryptogram(bench.keys, key, challenge))).sw == ACCEPTED
    ask(bench, set_template(CHECKSUM, VERIFIES, key))
    code = right_checksum(bench.keys, key, b"put back")
    return ask(bench, verify_checksum(b"put back", code)).sw == ACCEPTED


def _erase(bench: Bench, report: Report) -> None:
    """Erase the environments under the numbers that are the judge's, where there are any."""
    table, scratch = bench.statement.operations, bench.statement.scratch
    home = bench.statement.layout.by_path(scratch.df) if scratch is not None else None
    if table is None or home is None:
        return
    for digits in table.stored:
        number = int(digits, 16)
        afresh(bench, home)
        if ask(bench, environment(ERASE, number)).sw == ACCEPTED:
            gone = ask(bench, environment(RESTORE, number)).sw != ACCEPTED
            report.told(f"the environment {digits}", succeeded=gone)
