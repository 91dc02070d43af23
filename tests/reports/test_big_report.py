from __future__ import annotations

import hashlib
import random
import time
from pathlib import Path

import pytest

from conformance.report import write_report
from conformance.result import Case, Exchange, Result, Trace, write_result, write_trace
from conformance.verdict import Risk, Verdict

CASES, EXCHANGES = 5_000, 200_000
SECONDS, MEGABYTES = 10, 15


def _exchange(number: int, case: str, chance: random.Random) -> Exchange:
    size = chance.choice((0, 2, 16, 16, 64))
    return Exchange(
        n=number,
        case=case,
        command=f"00B0{chance.randrange(0x8000):04X}{size:02X}",
        response=chance.randbytes(size).hex().upper() + chance.choice(("9000", "9000", "6B00")),
        seconds=chance.lognormvariate(-7, 0.5),
    )


@pytest.mark.slow
def test_a_big_run_makes_a_page_that_opens(sample_result: Result, tmp_path: Path) -> None:
    chance = random.Random(7)
    failure = next(case.failure for case in sample_result.cases if case.failure)
    step = EXCHANGES // CASES
    exchanges: list[Exchange] = []
    cases = []
    for number in range(CASES):
        name = f"area-{number % 20}/case-{number:04}"
        start = len(exchanges)
        exchanges += (_exchange(start + at, name, chance) for at in range(step))
        failed = number % 50 == 0
        cases.append(
            Case(
                id=name,
                title="A promise of one sentence about what the card does.",
                area=f"area-{number % 20}",
                requirements=(sample_result.requirements[number % 29].id,),
                risk=Risk.OBSERVE,
                verdict=Verdict.FAIL if failed else Verdict.PASS,
                exchanges=(start, start + step - 1),
                failure=failure if failed else None,
            )
        )
    write_trace(exchanges, tmp_path / "trace.jsonl")
    digest = hashlib.sha256((tmp_path / "trace.jsonl").read_bytes()).hexdigest()
    changes = {"cases": tuple(cases), "trace": Trace(sha256=digest, exchanges=len(exchanges))}
    write_result(sample_result.model_copy(update=changes), tmp_path / "result.json")
    started = time.process_time()
    page = write_report(tmp_path)
    assert time.process_time() - started < SECONDS
    assert page.stat().st_size < MEGABYTES * 1_000_000
    text = page.read_text("utf-8")
    packed, named = text.count('data-place="'), text.count("of the trace file.</p>")
    plain = text.count('<pre class="trace" tabindex="0">')
    assert packed > CASES * 0.7, "traces are folded and packed while there is room"
    assert plain > 50, "those of failed cases can be read as they are while there is room"
    assert plain + packed + named == CASES
    assert exchanges[0].command in text, "those of a failure stand in the page"
