"""`conformance replay`: a failure of a run once more."""

from __future__ import annotations

from pathlib import Path

from conformance.console import say
from conformance.engine import Request, prepare
from conformance.replaying import failed_case, replay_case, replay_script
from conformance.result import Failure, read_result
from conformance.verdict import Verdict

CODES = {Verdict.PASS: 0, Verdict.FAIL: 1}
UNDECIDED = 2


def command(
    folder: Path, case: str, card: str | None, ics: str | None, keys: str | None, risk: str | None
) -> int:
    """Replay *case* of the run in *folder*; 1 when the failure comes up, 0 when not, else 2."""
    result = read_result(folder)
    failure = failed_case(result, case).failure
    assert failure is not None
    request = Request(
        card=card or result.card.spec,
        ics=ics,
        keys=keys,
        risk=risk or result.run.risk,
        seed=result.run.seed,
        examples=result.run.examples,
    )
    if failure.again == "case":
        return _by_case(request, case)
    return _by_script(request, failure)


def _by_case(request: Request, case: str) -> int:
    say("# the script depends on what only the case knows: the case is tried again")
    verdict, why = replay_case(prepare(request), case, say)
    if verdict is Verdict.PASS:
        say(f"# the failure did not come up: {case}")
    else:
        say(f"# {verdict}: {why}")
    return CODES.get(verdict, UNDECIDED)


def _by_script(request: Request, failure: Failure) -> int:
    judge = prepare(request)
    try:
        violation = replay_script(judge.bench, failure, say)
        judge.bench.put_back()
    finally:
        judge.bench.card.close()
    if violation is None:
        say(f"# the failure did not come up: {failure.requirement}")
        return 0
    say(f"# {violation.requirement}: {violation.message}")
    return 1
