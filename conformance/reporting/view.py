"""What a page shows of a result beyond its fields: failures told step by step, reasons gathered."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.reporting import exchange
from conformance.reporting.exchange import Command, Response
from conformance.result import Case, Failure, Requirement, Result, Step
from conformance.verdict import Verdict


@dataclass(frozen=True, slots=True)
class ShownStep:
    """One line of a script: an event, or a command with its answer."""

    step: Step
    command: Command
    response: Response | None
    """None for an event that answers nothing."""

    @property
    def event(self) -> bool:
        """Whether nothing was sent to the card as a command."""
        return self.step.command[:1].islower()


@dataclass(frozen=True, slots=True)
class Finding:
    """One failure, told so that an engineer can act."""

    case: Case
    failure: Failure
    requirement: Requirement | None
    """None when the result does not hold the requirement that the failure names."""
    steps: tuple[ShownStep, ...]
    script: str
    replay: str


@dataclass(frozen=True, slots=True)
class Unjudged:
    """The requirements that share a verdict other than PASS or FAIL, and its reason."""

    verdict: Verdict
    reason: str
    requirements: tuple[Requirement, ...]


def findings(result: Result) -> tuple[Finding, ...]:
    """The failures of *result*: the gravest harm first, then in the order of the cases."""
    known = {requirement.id: requirement for requirement in result.requirements}
    gravity = gravity_of(result)
    found = [
        Finding(
            case,
            case.failure,
            known.get(case.failure.requirement),
            tuple(_shown(step) for step in case.failure.script),
            script_of(case.failure),
            f"conformance replay . {shlex.quote(case.id)} --card {shlex.quote(result.card.spec)}",
        )
        for case in result.cases
        if case.failure is not None and case.verdict is Verdict.FAIL
    ]
    last = len(gravity)
    return tuple(
        sorted(
            found,
            key=lambda one: gravity.get(one.requirement.harm, last) if one.requirement else last,
        )
    )


def by_requirement(found: Iterable[Finding]) -> Mapping[str, list[Finding]]:
    """The findings about each requirement, by its id."""
    groups: dict[str, list[Finding]] = {}
    for finding in found:
        groups.setdefault(finding.failure.requirement, []).append(finding)
    return groups


def gravity_of(result: Result) -> Mapping[str, int]:
    """The rank of each harm: a result lists them with the gravest first."""
    return {harm: rank for rank, harm in enumerate(result.harms)}


def script_of(failure: Failure) -> str:
    """The script of *failure* in the notation that `conformance replay` and people read."""
    lines: list[str] = []
    for step in failure.script:
        note = f"  {step.note}" if step.note else ""
        if step.command[:1].islower():
            lines.append(step.command + (f"  # {step.note}" if step.note else ""))
        else:
            lines.append(f"> {step.command}{note}")
            expected = f"  expected {step.expected}" if step.expected else ""
            lines.append(f"< {step.response}{expected}")
    return "\n".join(line.replace("\n", " ") for line in lines)


def unjudged(result: Result) -> tuple[Unjudged, ...]:
    """What was not judged, by verdict and reason, in the order of the catalogue."""
    groups: dict[tuple[Verdict, str], list[Requirement]] = {}
    for requirement in result.requirements:
        if requirement.verdict not in {Verdict.PASS, Verdict.FAIL}:
            key = requirement.verdict, requirement.reason
            groups.setdefault(key, []).append(requirement)
    order = (Verdict.INCONCLUSIVE, Verdict.NOT_RUN, Verdict.NOT_APPLICABLE)
    return tuple(
        Unjudged(verdict, reason, tuple(group))
        for wanted in order
        for (verdict, reason), group in groups.items()
        if verdict is wanted
    )


@dataclass(frozen=True, slots=True)
class Plate:
    """One table of the statement: pairs, or rows under `columns`."""

    name: str
    pairs: tuple[tuple[str, str], ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def plates(declared: Mapping[str, Any]) -> tuple[Plate, ...]:
    """The tables of a statement, whatever they are called, in their order."""
    return tuple(_plates("", declared))


def _plates(name: str, table: Mapping[str, Any]) -> Iterator[Plate]:
    simple = {key: value for key, value in table.items() if not _nested(value)}
    if simple:
        yield Plate(name, tuple((key, written(value)) for key, value in simple.items()))
    for key, value in table.items():
        inner = f"{name}.{key}" if name else key
        if isinstance(value, Mapping):
            yield from _plates(inner, value)
        elif _nested(value):
            columns = tuple(dict.fromkeys(column for row in value for column in row))
            rows = tuple(tuple(written(row.get(column, "")) for column in columns) for row in value)
            yield Plate(inner, (), columns, rows)


def _nested(value: object) -> bool:
    if isinstance(value, Mapping):
        return True
    listed = isinstance(value, list | tuple) and bool(value)
    return listed and all(isinstance(item, Mapping) for item in _items(value))


def _items(value: object) -> Iterable[object]:
    return value if isinstance(value, list | tuple) else ()


def written(value: object) -> str:
    """A value of a statement as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(written(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {written(item)}" for key, item in value.items())
    return str(value)


def _shown(step: Step) -> ShownStep:
    if step.command[:1].islower():
        return ShownStep(step, Command(step.command, ""), None)
    return ShownStep(
        step, exchange.command(step.command), exchange.response(step.response, step.command)
    )
