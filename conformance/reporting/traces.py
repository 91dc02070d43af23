"""The annex of traces: what fits stands in the page, folded; the rest stays in the trace file.

The exchanges of failed and doubtful cases come first and as plain text, so they can be read without
JavaScript. The others are compressed in blocks and opened by the page when somebody asks for them.
What would make the page too big is named by its lines in `trace.jsonl`.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from conformance.reporting import exchange as decoding
from conformance.reporting.language import Language
from conformance.reporting.wording import duration, phrase
from conformance.result import Case, Exchange, Result, read_trace
from conformance.verdict import Verdict

PLAIN_BUDGET = 400_000
PLAIN_CASE = 60_000
BLOCK = 300_000
PACKED_BUDGET = 7_000_000
FIRST = (Verdict.FAIL, Verdict.INCONCLUSIVE)


class State(StrEnum):
    """What became of the trace file."""

    PRESENT = "present"
    ABSENT = "absent"
    ALTERED = "altered"
    UNRECORDED = "unrecorded"


class Place(NamedTuple):
    """Where the exchanges of a case are: `length` lines of a block from `first` on."""

    block: int
    first: int
    length: int


@dataclass(slots=True)
class Annex:
    """Traces by case id; a case in neither map has its trace in the file only."""

    state: State
    plain: dict[str, str] = field(default_factory=dict)
    packed: dict[str, Place] = field(default_factory=dict)
    blocks: list[str] = field(default_factory=list)


def annex(result: Result, folder: Path | None, language: Language) -> Annex:
    """The annex of *result* from the trace in *folder*."""
    if result.trace is None:
        return Annex(State.UNRECORDED)
    file = (folder or Path()) / Path(result.trace.file).name
    if folder is None or not file.is_file():
        return Annex(State.ABSENT)
    with file.open("rb") as opened:
        if hashlib.file_digest(opened, "sha256").hexdigest() != result.trace.sha256:
            return Annex(State.ALTERED)
    return pack(result.cases, list(read_trace(file)), language)


def pack(cases: Sequence[Case], exchanges: Sequence[Exchange], language: Language) -> Annex:
    """The annex of *cases*, whose exchanges are positions in *exchanges*."""
    made = Annex(State.PRESENT)
    write = _Writer(language)
    budget, pending, size = PLAIN_BUDGET, _Block(), 0
    for case in sorted(cases, key=lambda one: one.verdict not in FIRST):
        if case.exchanges is None:
            continue
        first, last = case.exchanges
        lines = write.lines(exchanges[first : last + 1])
        length = sum(map(len, lines))
        if length <= min(budget, PLAIN_CASE):
            made.plain[case.id] = "\n".join(lines)
            budget -= length
        elif size < PACKED_BUDGET:
            made.packed[case.id] = Place(len(made.blocks), len(pending.lines), len(lines))
            pending.add(lines, length)
            if pending.size >= BLOCK:
                made.blocks.append(pending.packed())
                size += len(made.blocks[-1])
                pending = _Block()
    if pending.lines:
        made.blocks.append(pending.packed())
    return made


class _Block:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.size = 0

    def add(self, lines: Iterable[str], size: int) -> None:
        self.lines.extend(lines)
        self.size += size

    def packed(self) -> str:
        text = "\n".join(self.lines).encode("utf-8", "backslashreplace")
        return base64.b64encode(zlib.compress(text, 6)).decode("ascii")


class _Writer:
    """Writes exchanges in the script notation, with what they mean as comments."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._meanings: dict[str, str] = {}

    def lines(self, exchanges: Iterable[Exchange]) -> list[str]:
        lines = []
        for one in exchanges:
            if one.event is not None:
                lines.append(f"{one.event}  # {one.n}")
            else:
                lines.append(f"> {one.command}  {one.n} {self._name(one.command)}")
            if one.response or one.event is None:
                meaning = "" if one.event is not None else self._meaning(one.response[-4:])
                lines.append(f"< {one.response}  {duration(one.seconds)} {meaning}".rstrip())
        return lines

    def _name(self, command: str) -> str:
        key = command[:8]
        if key not in self._meanings:
            self._meanings[key] = decoding.name_of(key)
        return self._meanings[key]

    def _meaning(self, sw: str) -> str:
        key = f"< {sw}"
        if key not in self._meanings:
            self._meanings[key] = phrase(decoding.response(sw).meaning, self._language)
        return self._meanings[key]
