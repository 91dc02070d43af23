"""The catalogue: complete, covered, and refusing what is wrong with file, key and rule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import conformance
from conformance.catalogue import HARMS_FILE, build_catalogue, load_catalogue
from conformance.catalogue.condition import ConditionError, parse_condition
from conformance.catalogue.facts import VOCABULARY, facts_of
from conformance.engine import all_cases
from conformance.mutants import MUTANTS
from conformance.statement import Statement
from conformance.trouble import UsageError

HARM = 'schema = 1\n[harm]\ncosmetic = "Nobody is likely to notice this at all."\n'
AREA = """
schema = 1
area = "select"
standard = "ISO/IEC 7816-4:2020"
[[requirement]]
id = "7816-4/select/sample"
clause = "11.2.2"
level = "shall"
harm = "cosmetic"
when = "file.df"
text = "A sample requirement that is long enough."
"""
ROOM = Path(conformance.__file__).parent


def test_every_requirement_is_covered_by_a_case_and_every_case_covers_known_ones() -> None:
    catalogue = load_catalogue()
    covered = {one for case in all_cases() for one in case.covers}
    assert covered == set(catalogue.requirements)
    assert len(catalogue) >= 300


def test_every_harm_is_explained_and_used() -> None:
    catalogue = load_catalogue()
    used = {requirement.harm for requirement in catalogue}
    assert used == set(catalogue.harms)


def test_case_ids_are_unique_and_in_an_area() -> None:
    ids = [case.id for case in all_cases()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+/[a-z0-9-]+", one) for one in ids)


def test_the_model_and_the_suite_only_name_requirements_that_exist() -> None:
    catalogue = load_catalogue()
    named: set[str] = set()
    for path in (
        *ROOM.glob("model/*.py"),
        *ROOM.glob("model/operations/*.py"),
        *ROOM.glob("suite/*.py"),
        ROOM / "laws.py",
    ):
        text = path.read_text("utf-8")
        area = re.search(r'^_AREA = "(.+)"$', text, re.MULTILINE)
        named |= set(re.findall(r'"((?:7816-[3489]|9303|scp03)/[a-z0-9-]+/[a-z0-9-]+)"', text))
        if area:
            named |= {f"{area[1]}/{rule}" for rule in re.findall(r"\{_AREA\}/([a-z0-9-]+)", text)}
    assert len(named) > 250
    assert named <= set(catalogue.requirements)


def test_mutants_break_requirements_that_exist() -> None:
    catalogue = load_catalogue()
    assert {mutant.breaks for mutant in MUTANTS.values()} <= set(catalogue.requirements)
    assert all(mutant.text.endswith(".") for mutant in MUTANTS.values())


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('harm = "cosmetic"', 'harm = "tidy"', r"select.toml: requirement\[0\].harm: tidy"),
        ('level = "shall"', 'level = "must"', r"select.toml: requirement.0.level"),
        ('when = "file.df"', 'when = "file.xyz"', r"requirement\[0\].when: file.xyz: no such fact"),
        ('when = "file.df"', 'when = "file.df and"', r"requirement\[0\].when: .*expected"),
        ('clause = "11.2.2"\n', "", "requirement.0.clause: Field required"),
        ("select/sample", "select", "requirement.0.id"),
        ("schema = 1", "schema = 2", "schema"),
        ("[[requirement]]", "[[requirement]", "select.toml: not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_by_file_key_and_rule(old: str, new: str, told: str) -> None:
    assert old in AREA
    with pytest.raises(UsageError, match=told):
        build_catalogue({HARMS_FILE: HARM, "select.toml": AREA.replace(old, new, 1)})


def test_an_id_is_given_once() -> None:
    with pytest.raises(UsageError, match=r"b\.toml: requirement.0..id: .* is there already"):
        build_catalogue({HARMS_FILE: HARM, "a.toml": AREA, "b.toml": AREA})


@pytest.mark.parametrize(
    ("text", "facts", "holds"),
    [
        ("", "", True),
        ("a", "a", True),
        ("a and b", "a", False),
        ("a or b and c", "a", True),
        ("(a or b) and c", "a", False),
        ("not a", "", True),
        ("not (a and b) or c", "a b", False),
        ("a and not b.c-d", "a", True),
    ],
)
def test_a_condition_holds(text: str, facts: str, holds: bool) -> None:
    assert parse_condition(text).holds(frozenset(facts.split())) is holds


@pytest.mark.parametrize("text", ["and", "a b", "(a", "a)", "not", "a or", "A", "a & b"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ConditionError):
        parse_condition(text)


def test_the_facts_of_a_card_are_words_of_the_language(statement: Statement) -> None:
    facts = facts_of(statement)
    assert facts <= VOCABULARY
    assert {"select.path", "file.linear-fixed", "reference.known"} <= facts
