"""Plays a script again on a card, judged as in the run, to see whether a failure reproduces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from conformance.guard import Refused
from conformance.terminal import Step, Violation
from conformance.trouble import UsageError
from conformance.undo import take_stock

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.result import Case as CaseResult
    from conformance.result import Result
    from conformance.result import Step as Line


def failed_case(result: Result, identifier: str) -> CaseResult:
    """The case *identifier* of *result*; UsageError when it has no script."""
    for case in result.cases:
        if case.id == identifier:
            if case.failure is None or not case.failure.script:
                raise UsageError(
                    f"{identifier}: the case has no script, its verdict is {case.verdict}"
                )
            return case
    failed = ", ".join(case.id for case in result.cases if case.failure is not None)
    raise UsageError(f"{identifier}: no such case; those with a script are: {failed or 'none'}")


def replay_script(
    bench: Bench, script: Sequence[Line], show: Callable[[str], None]
) -> Violation | None:
    """Play *script* on a fresh card, showing each exchange; the violation that came up, if any.

    What a card holds that cannot be copied is read first: without that nothing could be put back.
    """
    if not bench.copies:
        with suppress(Violation):
            take_stock(bench)
    terminal = bench.begin()
    for line in script:
        try:
            if line.command == "reset":
                show("reset")
                terminal.reset()
                continue
            show(f"> {line.command}  {line.note}")
            raw = bench.keys.expanded(line.command)
            response = terminal.play(Step(raw))
            show(f"< {bench.keys.redacted_answer(raw, response.encode())}")
        except Violation as violation:
            last = violation.history[-1]
            answer = bench.keys.redacted_answer(last.command or b"", last.response)
            allowed = violation.allowed[0] if violation.allowed else violation.requirement
            show(f"< {answer}  expected {bench.keys.told(allowed)}")
            return violation
        except Refused as refused:
            raise UsageError(f"{line.command}: not sent: {refused}") from refused
    return None
