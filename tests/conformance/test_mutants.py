"""The judge is judged: it finds every card with a fault, on the requirement the fault breaks."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import conformance.mutants
from conformance.cards import open_card
from conformance.engine import Request, all_cases, prepare
from conformance.mutants import MUTANTS
from conformance.mutants.matrix import Row, judge_all, judge_mutant, markdown_of
from conformance.replaying import replay_case, replay_script
from conformance.reporting.markdown import escape
from conformance.trouble import UsageError
from conformance.verdict import Verdict

SHORT = {
    "binary/off-by-one": 5,
    "verify/counter-stands-still": 5,
    "access/read-rule-ignored": 5,
    "line/failures-not-counted": 35,  # fifteen challenges and wrong MACs until the key is blocked
    "purse/blind-cache-survives-its-purchase": 14,  # a purchase broken off, and a whole one
    "purse/blind-log-turns-over": 25,  # eleven transactions, two commands each
}


@pytest.mark.parametrize("name", MUTANTS)
def test_killed_on_its_requirement(name: str) -> None:
    row = judge_mutant(name, examples=5)
    assert row.killed, row
    assert row.script <= SHORT.get(name, 12)
    assert shown_again(row, f"mutant:{name}"), "the failure can be replayed"
    assert not shown_again(row, f"sim:{MUTANTS[name].profile}"), "a sound card does not fail so"


def shown_again(row: Row, card: str) -> bool:
    """Whether `conformance replay` of the failure finds one on *card*."""
    assert row.failure is not None
    judge = prepare(Request(card=card, risk=MUTANTS[row.name].risk, examples=5))
    if row.failure.again == "case":
        verdict, why = replay_case(judge, row.case, lambda _line: None)
        assert verdict in {Verdict.PASS, Verdict.FAIL}, why
        return verdict is Verdict.FAIL
    return replay_script(judge.bench, row.failure, lambda _line: None) is not None


def test_there_are_enough_of_them() -> None:
    assert len(MUTANTS) >= 340
    assert set(SHORT) <= set(MUTANTS)


MATRIX = Path(conformance.mutants.__file__).with_name("MATRIX.md")
CELL = re.compile(r"`([^`]+)`")


def committed() -> dict[str, list[str]]:
    """The committed matrix: by mutant its fault, the requirement, the case and the lines."""
    rows = {}
    for line in MATRIX.read_text("utf-8").splitlines():
        if line.startswith("| `"):
            name, text, requirement, case, lines = (part.strip() for part in line.split(" | "))
            found = CELL.findall(case)
            killer = found[0] if found else ""
            (broken,) = CELL.findall(requirement)
            rows[CELL.findall(name)[0]] = [text, broken, killer, lines.strip(" |")]
    return rows


def test_the_committed_matrix_names_every_mutant_its_fault_and_its_requirement() -> None:
    found = {name: (text, requirement) for name, (text, requirement, *_) in committed().items()}
    wanted = {name: (escape(mutant.text), mutant.breaks) for name, mutant in MUTANTS.items()}
    assert found == wanted, "write it anew: see the head of conformance/mutants/MATRIX.md"


def test_the_committed_matrix_names_cases_and_short_scripts() -> None:
    ids = {case.id for case in all_cases()}
    killed = {name: row[2:] for name, row in committed().items() if row[2]}
    assert len(killed) > 0.9 * len(MUTANTS)
    for name, (case, lines) in killed.items():
        assert case in ids, name
        assert int(lines) <= SHORT.get(name, 12), name


def test_a_mutant_that_survives_is_said_in_the_matrix() -> None:
    name = "binary/off-by-one"
    page = markdown_of([Row(name, MUTANTS[name].breaks, killed=False)])
    assert "0 of 1 cards" in page
    assert "| **survived** | - |" in page


def test_a_failure_on_another_requirement_is_no_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "challenge/short"
    found = judge_mutant(name, examples=1)
    sound = "7816-4/select/by-name"
    monkeypatch.setitem(MUTANTS, name, replace(MUTANTS[name], breaks=sound))
    row = judge_mutant(name, examples=1)
    assert (found.killed, row.killed) == (True, False)
    assert row.requirement == sound
    assert found.requirement in row.others


def test_rows_come_from_several_processes() -> None:
    names = ["challenge/short", "response/stale"]
    rows = list(judge_all(names, 2, examples=2))
    assert [row.name for row in rows] == names
    assert all(row.killed for row in rows)


def test_a_mutant_card_is_copied_with_its_memories() -> None:
    card = open_card("mutant:verify/success-restores-nothing")
    card.connect()
    wrong = bytes.fromhex("002000010431323335")
    assert card.transmit(wrong) == b"\x63\xc2"
    twin = card.fork()
    assert twin.transmit(wrong) == card.transmit(wrong) == b"\x63\xc1"


def test_an_unknown_mutant_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="binary/off-by-one"):
        open_card("mutant:binary/perfect")
