"""Shows a failure again on the same card or another: its script, judged as in the run, or its case.

A script that depends on session keys or on a challenge says nothing on another day. Where only the
case knew what to expect, the whole case is tried again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from conformance.engine import execute
from conformance.guard import Refused
from conformance.minimise import script_text
from conformance.terminal import Step, Violation
from conformance.trouble import UsageError
from conformance.undo import take_stock
from conformance.verdict import Verdict

if TYPE_CHECKING:
    from conformance.bench import Bench
    from conformance.judge import Judge
    from conformance.result import Case as CaseResult
    from conformance.result import Failure, Result

Show = Callable[[str], None]
WORD = re.compile(r"[0-9A-F]{4}")
"""What an allowed answer is where a case expected a status word; a rule of the model says more."""


def failed_case(result: Result, identifier: str) -> CaseResult:
    """The case *identifier* of *result*; UsageError when it has no script."""
    for case in result.cases:
        if case.id == identifier:
            if case.failure is None:
                raise UsageError(f"{identifier}: the case has no failure, it is {case.verdict}")
            return case
    failed = ", ".join(case.id for case in result.cases if case.failure is not None)
    raise UsageError(f"{identifier}: no such case; those with a failure are: {failed or 'none'}")


def replay_case(judge: Judge, identifier: str, show: Show) -> tuple[Verdict, str]:
    """Try the case *identifier* again and put the card back; its verdict, and why."""
    again = next(one for one in execute(judge, only=identifier).cases if one.id == identifier)
    if again.failure is None:
        return again.verdict, again.reason
    show(script_text(again.failure))
    return again.verdict, f"{again.failure.requirement}: {again.failure.message}"


def replay_script(bench: Bench, failure: Failure, show: Show) -> Violation | None:
    """Play the script of *failure* on a fresh card; the violation that came up, if any.

    The last answer is judged by what the case expected there, too.

    What the card holds is read first: to know what it must answer, and to be able to put it back.
    """
    with suppress(Violation):
        take_stock(bench)
    terminal = bench.begin()
    words = tuple(int(word, 16) for word in failure.allowed if WORD.fullmatch(word))
    expected = (failure.requirement, words) if words else None
    for line in failure.script:
        try:
            if line.command == "reset":
                show("reset")
                terminal.reset()
                continue
            show(f"> {line.command}  {line.note}")
            raw = bench.keys.expanded(line.command)
            last_one = line is failure.script[-1]
            response = terminal.play(Step(raw, expect=expected if last_one else None))
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
