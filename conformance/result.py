"""The record of one run, `result.json`, and of every exchange in it, `trace.jsonl`.

A report is made from these two files and nothing else. `reports/result.schema.json` publishes the
shape; `schema_text` makes it from the values below. Bytes are hexadecimal in upper case, and a
secret among them is a placeholder such as `{pin:01}`; durations are seconds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from math import ceil
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from conformance.trouble import UsageError
from conformance.verdict import Level, Outcome, Risk, Verdict

RESULT_FILE = "result.json"
TRACE_FILE = "trace.jsonl"
# Upper bounds of the response-time buckets: three a decade from 1 us to 10 s, then all the rest.
BOUNDS = (*(float(f"{digit}e{power}") for power in range(-6, 1) for digit in (1, 2, 5)), 10.0)


class ResultError(UsageError):
    """A result or trace that cannot be read; the text names the file, the field and the rule."""


def _writable(value: object) -> object:
    """A lone surrogate (a file name that is no UTF-8) as its escape: JSON must be UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_writable(key): _writable(item) for key, item in value.items()}
    return [_writable(item) for item in value] if isinstance(value, list | tuple) else value


Text = Annotated[str, BeforeValidator(_writable)]
Hex = Annotated[str, Field(pattern=r"^([0-9A-F]{2})*$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Masked = Annotated[
    str, Field(pattern=r"^([0-9A-F]{2}|\{[a-z]+:[A-Za-z0-9._-]+\})*$", description="hex, masked")
]
Line = Annotated[
    str,
    Field(
        pattern=r"^(([0-9A-F]{2}|\{[a-z]+:[A-Za-z0-9._-]+\})*|[a-z][a-z-]*( [0-9]+)?)$",
        description="a command in hex, masked, or an event such as reset",
    ),
]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Suite(_Value):
    """The suite that judged."""

    name: Text
    version: Text
    catalogue_sha256: Digest


class Environment(_Value):
    """What the suite ran on."""

    python: Text
    platform: Text
    reader: Text = ""
    packages: dict[Text, Text] = {}


class Run(_Value):
    """When, how and by whom the card was judged."""

    started: Text
    finished: Text
    seed: int
    examples: Count
    risk: Risk
    interrupted: bool = False
    outcome: Outcome
    besides_known: Annotated[
        Outcome | None, Field(description="the outcome when known failures are left out")
    ] = None
    budget: Annotated[Seconds | None, Field(description="the time given for judging")] = None
    operator: Text = ""
    lab: Text = ""
    command_line: Text = ""
    environment: Environment


class Card(_Value):
    """The card under test."""

    spec: Text
    name: Text
    atr: Hex
    reader: Text = ""


class Declaration(_Value):
    """The statement (ICS) as it was read: its file, its digest and its tables."""

    file: Text
    sha256: Digest
    declared: Annotated[dict[str, Any], BeforeValidator(_writable)] = {}


class Requirement(_Value):
    """One requirement of the catalogue and what became of it; `harm` is a key of `harms`."""

    id: Text
    area: Text
    clause: Text
    level: Level
    harm: Text = ""
    condition: Text = ""
    text: Text
    verdict: Verdict
    reason: Text = ""
    known: Annotated[Text, Field(description="why it was expected to fail")] = ""
    cases: tuple[Text, ...] = ()


class Step(_Value):
    """One line of a script: what was sent, what came back, what was expected instead."""

    command: Line
    response: Masked = ""
    expected: Text | None = None
    note: Text = ""


class Failure(_Value):
    """Why a case failed: the requirement broken, the model's allowed answers, the script."""

    requirement: Text
    message: Text
    allowed: tuple[Text, ...] = ()
    script: tuple[Step, ...] = ()
    again: Annotated[
        Literal["script", "case"],
        Field(description="what shows the failure again: the script, or only the whole case"),
    ] = "script"


class Case(_Value):
    """One case; `exchanges` is the first and the last of its exchanges in the trace."""

    id: Text
    title: Text
    area: Text
    requirements: tuple[Text, ...] = ()
    risk: Risk
    verdict: Verdict
    reason: Text = ""
    known: Annotated[Text, Field(description="why it was expected to fail")] = ""
    seconds: Seconds = 0.0
    exchanges: tuple[Count, Count] | None = None
    failure: Failure | None = None


class KnownState(StrEnum):
    """What became of an entry in the list of known failures."""

    FAILED = "failed"
    PASSED = "passed"
    OPEN = "open"
    EXPIRED = "expired"


class KnownFailure(_Value):
    """An entry in the list of known failures: the id of a requirement or a case, why, how long.

    `passed` fails the run, `open` was not judged, and `expired` counted as no entry.
    """

    id: Text
    reason: Text
    expires: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    state: KnownState


class Bucket(_Value):
    """How many answers took up to `up_to` seconds; None means longer than all bounds."""

    up_to: Seconds | None
    count: Count


class Timing(_Value):
    """The response times of one command, in seconds."""

    count: Annotated[int, Field(ge=1)]
    min: Seconds
    median: Seconds
    p95: Seconds
    max: Seconds
    buckets: tuple[Bucket, ...]

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Timing:
        """The timing of one or more answers; the quantiles are answers that occurred."""
        ordered = sorted(seconds)
        size = len(ordered)
        counts = [0] * (len(BOUNDS) + 1)
        place = 0
        for value in ordered:
            while place < len(BOUNDS) and value > BOUNDS[place]:
                place += 1
            counts[place] += 1
        bounds: tuple[float | None, ...] = (*BOUNDS, None)
        return cls(
            count=size,
            min=ordered[0],
            median=ordered[ceil(0.5 * size) - 1],
            p95=ordered[ceil(0.95 * size) - 1],
            max=ordered[-1],
            buckets=tuple(
                Bucket(up_to=bound, count=number)
                for bound, number in zip(bounds, counts, strict=True)
                if number
            ),
        )


class Trace(_Value):
    """The trace beside the result: file name, SHA-256 and number of lines."""

    file: Text = TRACE_FILE
    sha256: Digest
    exchanges: Count


class Exchange(_Value):
    """One line of the trace; `event` names what is no exchange: reset, power-off, ..."""

    n: Count
    case: Text = ""
    command: Masked = ""
    response: Masked = ""
    seconds: Seconds = 0.0
    event: Text | None = None

    def line(self) -> str:
        """The line of `trace.jsonl`, without its newline."""
        return self.model_dump_json(exclude_none=True)


class Result(_Value):
    """The whole of `result.json`. `harms` are in their order, the gravest first."""

    schema_version: Literal[1] = 1
    suite: Suite
    run: Run
    card: Card
    statement: Declaration
    requirements: tuple[Requirement, ...]
    harms: dict[Text, Text] = {}
    cases: tuple[Case, ...]
    known_failures: tuple[KnownFailure, ...] = ()
    timings: dict[str, Timing] = {}
    trace: Trace | None = None


def write_result(result: Result, path: Path) -> None:
    """Writes *result* so that *path* holds the old or the new file, whole, whatever happens."""
    write_atomically(path, encode(result))


def encode(result: Result) -> bytes:
    """The bytes of `result.json`."""
    return result.model_dump_json(indent=1).encode() + b"\n"


def write_atomically(path: Path, data: bytes) -> None:
    """Writes *data* beside *path* and renames it into place."""
    passing = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with passing.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        passing.replace(path)
    finally:
        passing.unlink(missing_ok=True)


def read_result(path: Path) -> Result:
    """The result in the file or folder *path*; ResultError if there is none."""
    file = path / RESULT_FILE if path.is_dir() else path
    return parse_result(_read(file), str(file))


def parse_result(data: bytes, origin: str) -> Result:
    """The result in *data*; *origin* is the file name that messages begin with."""
    try:
        return Result.model_validate_json(data)
    except ValidationError as error:
        raise ResultError(f"{origin}: {_faults(error)}") from error


def read_trace(path: Path) -> Iterator[Exchange]:
    """The exchanges in the file *path*, one after the other; ResultError names the line."""
    for number, line in enumerate(_read(path).split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            yield Exchange.model_validate_json(line)
        except ValidationError as error:
            raise ResultError(f"{path}: line {number}: {_faults(error)}") from error


def write_trace(exchanges: Iterable[Exchange], path: Path) -> None:
    """Writes *exchanges*, a line each, whole or not at all."""
    write_atomically(path, "".join(f"{exchange.line()}\n" for exchange in exchanges).encode())


def schema_text() -> str:
    """The JSON Schema of a result, as `reports/result.schema.json` holds it."""
    schema = Result.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ResultError(f"{path}: cannot be read: {error.strerror}") from error


def _faults(error: ValidationError) -> str:
    first, *others = error.errors()
    place = ".".join(str(part) for part in first["loc"]) or "file"
    more = f" (and {len(others)} more)" if others else ""
    return f"{place}: {first['msg']}{more}"
