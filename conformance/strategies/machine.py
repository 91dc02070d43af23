"""The state machine that walks card and model side by side through generated histories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from conformance import strategies
from conformance.guard import Refused
from conformance.layout import Kind
from conformance.strategies import further
from conformance.strategies.further import Commands, Moves
from conformance.terminal import Violation

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.apdu import CommandAPDU
    from conformance.bench import Bench
    from conformance.terminal import Terminal

RECORD_KINDS = (Kind.LINEAR_FIXED, Kind.LINEAR_VARIABLE, Kind.LINEAR_TLV, Kind.CYCLIC)
LONGEST = 30
"""Commands in one history, at most."""


def explore(bench: Bench, *kinds: str) -> None:
    """Run generated histories of the *kinds* of commands; the Violation of the first bad one.

    Kinds: select, binary, record, verify, reset, and read (the reading half of binary and record);
    files (that are created), records and parts (of those), channels, chains and changes of values.
    Hypothesis does not shrink here: a history is a list of commands that can be replayed, and
    `conformance.minimise` makes it short with a tenth of the replays.
    """
    found: list[Violation] = []
    machine = _machine(bench, kinds, found)
    chosen = settings(
        max_examples=bench.plan.examples,
        stateful_step_count=LONGEST,
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=False,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )
    hypothesis.seed(bench.plan.seed)(machine)
    try:
        run_state_machine_as_test(machine, settings=chosen)
    except Flaky:
        raise found[0] from None  # whether it comes again is for the trial to say


def _machine(
    bench: Bench, kinds: tuple[str, ...], found: list[Violation]
) -> type[RuleBasedStateMachine]:
    """A state machine class whose rules send the commands of *kinds*; *found* gets violations."""

    class History(RuleBasedStateMachine):
        """One history on one card."""

        terminal: Terminal
        over = False

        @initialize()
        def begin(self) -> None:
            """A card as it was found."""
            self.terminal = bench.begin()

        def send(self, command: CommandAPDU) -> None:
            """Send what the guard lets pass; after the first violation keep to its requirement."""
            if self.over:
                return
            try:
                self.terminal.send(command)
            except Refused:
                return
            except Violation as violation:
                self.over = True
                found.append(violation)
                if violation.requirement == found[0].requirement:
                    raise

    for name, commands in _rules(bench, kinds).items():
        setattr(History, name, _sending(name, commands))
    if "reset" in kinds:
        History.reset = rule()(_reset)
    return History


def _reset(self: Any) -> None:
    """Reset the card."""
    if not self.over:
        self.terminal.reset()


def _sending(name: str, commands: st.SearchStrategy[Moves]) -> Callable[..., None]:
    """A rule called *name* that sends one of *commands*, or some that belong together."""

    def send(self: Any, moves: Moves) -> None:
        for command in moves if isinstance(moves, tuple) else (moves,):
            self.send(command)

    send.__name__ = name
    decorated: Callable[..., None] = rule(moves=commands)(send)
    return decorated


def _rules(bench: Bench, kinds: tuple[str, ...]) -> Commands:
    layout = bench.statement.layout
    rules: Commands = {}
    if "select" in kinds:
        rules["select"] = strategies.selections(layout)
    if {"binary", "read"} & set(kinds):
        rules["read_binary"] = strategies.binary_reads(layout)
    if {"record", "read"} & set(kinds):
        rules["read_record"] = strategies.record_reads(layout)
    if "binary" in kinds:
        rules["update_binary"] = strategies.binary_updates(layout)
    if "record" in kinds:
        rules["update_record"] = strategies.record_updates(layout)
    if "verify" in kinds:
        verifications = strategies.verifications(layout, bench.keys)
        if verifications is not None:
            rules["verify"] = verifications
    return rules | _further_rules(bench, kinds)


def _further_rules(bench: Bench, kinds: tuple[str, ...]) -> Commands:
    """The rules about created files, channels, chains and changed values, by other names."""
    statement = bench.statement
    rules: Commands = {}
    if "files" in kinds:
        rules |= further.files(statement)
    if "records" in kinds:
        rules |= further.work(statement, *RECORD_KINDS)
    if "parts" in kinds:
        rules |= further.work(statement, Kind.TRANSPARENT)
        rules |= further.work(statement, Kind.DATA_OBJECTS)
    if "channels" in kinds:
        rules |= further.on_channels(statement, strategies.selections(statement.layout))
    if "chains" in kinds:
        rules |= further.chains(statement.layout)
    if "changes" in kinds:
        rules |= further.changes(bench.keys, statement.layout.references)
    return rules
