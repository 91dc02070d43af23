"""A case's way to its verdict: repetition, the shortest script, and what is not to be judged."""

from __future__ import annotations

import pytest
from judging import Plastic, bench_with, declared, judge_with

from conformance.apdu import CommandAPDU, ResponseAPDU
from conformance.bench import Bench
from conformance.cards import open_card
from conformance.case import Case, NotRun, Unmet, case, not_applicable, require
from conformance.catalogue import load_catalogue
from conformance.catalogue.facts import facts_of
from conformance.commands import read_binary, select_path, update_binary, verify
from conformance.layout import ElementaryFile
from conformance.minimise import failure_of, minimise, script_text
from conformance.result import Case as CaseResult
from conformance.terminal import Terminal, Violation
from conformance.trial import try_case
from conformance.trouble import NotCarried
from conformance.verdict import Risk, Verdict

READ = "7816-4/binary/read-content"
SAMPLE = Case("binary/sample", "A sample.", (READ,), Risk.OBSERVE)


def judged(bench: Bench, body: object, sample: Case = SAMPLE) -> CaseResult:
    assert callable(body)
    return try_case(bench, sample, load_catalogue(), facts_of(bench.statement), body)


def ef(path: str) -> ElementaryFile:
    found = declared()[0].layout.by_path(path)
    assert isinstance(found, ElementaryFile)
    return found


def test_a_sound_card_passes(bench: Bench) -> None:
    def body() -> None:
        terminal = bench.begin()
        terminal.send(select_path(ef("3F00/7F10/0001")))
        assert terminal.send(read_binary(0, 2)) == ResponseAPDU(b"\x00\x01", 0x9000)
        assert READ in terminal.met

    result = judged(bench, body)
    assert result.verdict is Verdict.PASS
    assert result.exchanges == (1, 3)
    assert result.failure is None


@pytest.mark.parametrize(
    ("trouble", "verdict"),
    [
        (NotRun("no PIN"), Verdict.NOT_RUN),
        (NotCarried("reader"), Verdict.NOT_RUN),
        (Unmet(READ, "seen"), Verdict.FAIL),
    ],
)
def test_what_a_case_raises_is_its_verdict(
    bench: Bench, trouble: Exception, verdict: Verdict
) -> None:
    def body() -> None:
        raise trouble

    result = judged(bench, body)
    assert (result.verdict, result.reason) == (verdict, str(trouble))


def test_a_case_may_find_nothing_to_be_about(bench: Bench) -> None:
    result = judged(bench, lambda: not_applicable("no file"))
    assert (result.verdict, result.reason) == (Verdict.NOT_APPLICABLE, "no file")


def test_conditions_and_levels_are_looked_at_first(bench: Bench) -> None:
    def never() -> None:
        raise AssertionError("must not run")

    other = Case("challenge/x", "X.", ("7816-4/challenge/other-length",), Risk.OBSERVE)
    result = judged(bench, never, other)
    assert result.verdict is Verdict.NOT_APPLICABLE
    assert "challenge-any-length" in result.reason
    timid = bench_with(open_card("sim:iso7816"), Risk.OBSERVE)
    bold = Case("binary/x", "X.", (READ,), Risk.RESTORE)
    result = judged(timid, never, bold)
    assert result.verdict is Verdict.NOT_RUN
    assert "--risk restore" in result.reason


def test_the_guard_ends_a_case_that_goes_too_far() -> None:
    bench = bench_with(open_card("sim:iso7816"), Risk.RESTORE)

    def body() -> None:
        terminal = bench.begin()
        terminal.send(verify(bench.keys, "wrong", bench.statement.layout.references[0]))

    result = judged(bench, body)
    assert result.verdict is Verdict.NOT_RUN
    assert "--risk consume" in result.reason


def long_history(terminal: Terminal) -> None:
    """Much ado before a read that an off-by-one card answers wrongly."""
    for path in ("3F00/7F20/0001", "3F00/7F10/0002", "3F00/7F10/0001"):
        terminal.send(select_path(ef(path)))
    terminal.send(update_binary(4, b"\x11"))
    terminal.reset()
    terminal.send(select_path(ef("3F00/7F10/0001")))
    terminal.send(update_binary(3, b"\x22\x33"))
    terminal.send(read_binary(3, 1))


def test_a_failure_is_repeated_and_its_script_is_short() -> None:
    bench = bench_with(open_card("mutant:binary/off-by-one"))
    with pytest.raises(Violation) as caught:
        long_history(bench.begin())
    shortest = minimise(bench, caught.value)
    assert shortest is not None
    assert len(shortest.history) == 3
    failure = failure_of(bench, shortest)
    assert failure.requirement == "7816-4/binary/update-writes"
    assert script_text(failure).splitlines() == [
        "> 00A4080C047F200001  SELECT",
        "< 9000",
        "> 00D60003022233  UPDATE BINARY",
        "< 9000",
        "> 00B0000301  READ BINARY",
        "< 339000  expected 9000 with 22: 7816-4/binary/update-writes",
    ]


def test_a_short_script_keeps_the_steps_that_make_its_last_one_sound() -> None:
    def walk(terminal: Terminal) -> None:
        terminal.send(select_path(ef("3F00/7F10/0001")))
        terminal.send(CommandAPDU(0x00, 0xA4, 0x08, 0x0C, bytes.fromhex("7F207E57")))
        terminal.send(read_binary(0, 1), expect=0x9000, because=READ)

    bench = bench_with(open_card("mutant:select/blind-walks-the-path"))
    with pytest.raises(Violation) as caught:
        walk(bench.begin())
    shortest = minimise(bench, caught.value)
    assert shortest is not None
    assert len(shortest.history) == 3  # a READ BINARY alone would be refused by any card


def test_a_failure_that_does_not_come_again_is_inconclusive() -> None:
    class Moody(Plastic):
        def transmit(self, command: bytes) -> bytes:
            answer = super().transmit(command)
            return b"\x69\x85" if self.count == 2 else answer

    bench = bench_with(Moody())

    def body() -> None:
        terminal = bench.begin()
        terminal.send(select_path(ef("3F00/7F10/0001")))
        terminal.send(read_binary(0, 1))

    result = judged(bench, body)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.failure is not None
    assert "did not come up again" in result.reason


def test_what_a_case_sees_by_itself_is_seen_twice() -> None:
    bench = bench_with(open_card("sim:iso7816"))
    seen: list[int] = []

    def always() -> None:
        terminal = bench.begin()
        terminal.send(select_path(ef("3F00/7F10/0001")))
        seen.append(1)
        raise terminal.unmet(Unmet(READ, "untidy"))

    result = judged(bench, always)
    assert (result.verdict, len(seen)) == (Verdict.FAIL, 2)

    def once() -> None:
        if len(seen) < 3:
            always()

    assert judged(bench, once).verdict is Verdict.INCONCLUSIVE


def test_a_case_makes_a_promise() -> None:
    with pytest.raises(AssertionError, match="makes no promise"):

        @case("binary/silent", covers=[READ])
        def silent() -> None:
            pass

    require(condition=True, requirement=READ, message="fine")


def test_requirements_of_a_case_that_broke_off_are_not_passed() -> None:
    judge = judge_with(open_card("mutant:coding/class-ignored"))
    coding = Case(
        "coding/x",
        "X.",
        ("7816-4/coding/class-not-supported", "7816-4/coding/class-reserved"),
        Risk.OBSERVE,
    )

    def body() -> None:
        judge.bench.begin().send(bytes.fromhex("80A4000C023F00"))

    assert judge.run(coding, body).verdict is Verdict.FAIL
    verdicts = {one.id: one.verdict for one in judge.finish().requirements}
    assert verdicts["7816-4/coding/class-not-supported"] is Verdict.FAIL
    assert verdicts["7816-4/coding/class-reserved"] is Verdict.INCONCLUSIVE
    assert verdicts["7816-4/verify/right-value"] is Verdict.NOT_RUN
