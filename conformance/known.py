"""Known failures: what may fail until a date, with its reason, so that everything else stands out.

A listed failure is shown as known and does not fail the run; one that passes does, and its entry is
to be deleted. Behind its date an entry counts as none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from conformance.result import Case, KnownFailure, KnownState, Requirement
from conformance.statement import checked, read_toml
from conformance.trouble import UsageError
from conformance.verdict import Verdict

Filled = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Entry(BaseModel):
    """What may fail: a requirement or a case by its id, why, and until the end of which day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Filled
    reason: Filled
    expires: Annotated[date, Field(strict=True)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = Field(alias="schema")
    failure: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownFailures:
    """The entries of a file as they count on the day *today*."""

    entries: tuple[Entry, ...] = ()
    today: date = date.min

    @property
    def in_force(self) -> Mapping[str, Entry]:
        """Those that have not expired, by their ids."""
        return {one.id: one for one in self.entries if self.today <= one.expires}

    def marked(self, case: Case) -> Case:
        """*case*, with the reason of the entry that lists its failure, if one does."""
        if case.verdict is not Verdict.FAIL:
            return case
        force = self.in_force
        listed = force.get(case.id) or force.get(case.failure.requirement if case.failure else "")
        return case.model_copy(update={"known": listed.reason}) if listed else case

    def told(
        self, requirements: Iterable[Requirement], cases: Iterable[Case]
    ) -> tuple[KnownFailure, ...]:
        """What became of each entry."""
        found = {one.id: one.verdict for one in requirements}
        found |= {one.id: one.verdict for one in cases}
        return tuple(
            KnownFailure(
                id=one.id,
                reason=one.reason,
                expires=one.expires.isoformat(),
                state=self._state(one, found.get(one.id)),
            )
            for one in self.entries
        )

    def _state(self, entry: Entry, verdict: Verdict | None) -> KnownState:
        if self.today > entry.expires:
            return KnownState.EXPIRED
        states = {Verdict.FAIL: KnownState.FAILED, Verdict.PASS: KnownState.PASSED}
        return states.get(verdict, KnownState.OPEN) if verdict else KnownState.OPEN


NONE_KNOWN = KnownFailures()


def reason_of(requirement: str, verdict: Verdict, concerned: Sequence[Case]) -> str:
    """Why *verdict* on *requirement* was expected: all that is bad about it is known; else "".

    *concerned* are its cases. One that broke off on a known failure leaves others in doubt.
    """
    if verdict is Verdict.FAIL:
        bad = [one for one in concerned if one.failure and one.failure.requirement == requirement]
        bad = [one for one in bad if one.verdict is Verdict.FAIL]
    elif verdict is Verdict.INCONCLUSIVE:
        bad = [one for one in concerned if one.verdict in {Verdict.FAIL, Verdict.INCONCLUSIVE}]
    else:
        return ""
    return bad[0].known if bad and all(one.known for one in bad) else ""


def load_known_failures(path: Path, known_ids: Iterable[str], today: date) -> KnownFailures:
    """The entries in the TOML file *path*; UsageError names the file, the entry and the rule.

    *known_ids* are the ids of the requirements and cases that there are.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
    held = checked(_File, read_toml(text, str(path)), str(path)).failure
    there = frozenset(known_ids)
    seen: set[str] = set()
    for number, entry in enumerate(held):
        if entry.id not in there:
            raise UsageError(
                f"{path}: failure.{number}.id: {entry.id} is neither a requirement nor a case;"
                " see conformance list --requirements"
            )
        if entry.id in seen:
            raise UsageError(f"{path}: failure.{number}.id: {entry.id} is listed twice")
        seen.add(entry.id)
    return KnownFailures(held, today)
