"""The secret values of a run: kept apart from the statement, and never written out.

A guess at reference data is written in scripts and traces as `{pin:NAME}` (the right value),
`{wrong:NAME}`, `{other:NAME}`, `{short:NAME}` or `{long:NAME}`. The last four are derived from the
right one, so a script can be replayed by whoever holds the keys file, and by nobody else. Any other
secret data field is `{withheld:LENGTH}`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from conformance.apdu import CommandAPDU, MalformedAPDU
from conformance.layout import Layout, Reference
from conformance.statement import checked, read_toml
from conformance.trouble import UsageError

ENVIRONMENT_PREFIX = "CONFORMANCE_PIN_"
KEY_PREFIX = "CONFORMANCE_KEY_"
GROUP_AND_OTHERS = 0o077
WITHHELD = "withheld"
# VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER, in both codings.
SECRET_INSTRUCTIONS = frozenset({0x20, 0x21, 0x24, 0x25, 0x26, 0x28, 0x2C, 0x2D})
_SLOT = re.compile(r"\{(\w+):([A-Za-z0-9._-]+)\}")

GUESSES: Mapping[str, Callable[[bytes], bytes]] = {
    "pin": lambda value: value,
    "wrong": lambda value: value[:-1] + bytes((value[-1] ^ 0x01,)),
    "other": lambda value: bytes((value[0] ^ 0x01,)) + value[1:],
    "short": lambda value: value[:-1],
    "long": lambda value: value + b"0",
}
"""How each kind of guess follows from the right value."""


class _KeysFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = Field(alias="schema")
    pin: dict[str, Annotated[str, Field(pattern=r"^([0-9A-F]{2})+$")]] = Field(default={})
    key: dict[str, Annotated[str, Field(pattern=r"^([0-9A-F]{2})+$")]] = Field(default={})


@dataclass(frozen=True, slots=True)
class Keys:
    """The values that are known, by the name of the reference."""

    values: Mapping[str, bytes]
    references: Mapping[str, Reference]
    secrets: Mapping[str, bytes] = field(default_factory=dict)
    """The values of cryptographic keys, by the names that the statement gives them."""

    def __repr__(self) -> str:
        return f"Keys({', '.join(self.values)})"

    def right(self, reference: Reference) -> bytes | None:
        """The right value of *reference*, or None when it is withheld."""
        return self.values.get(reference.name)

    def guess(self, kind: str, reference: Reference) -> bytes | None:
        """The guess of *kind* (a key of `GUESSES`), or None when the value is withheld."""
        value = self.right(reference)
        return None if value is None else GUESSES[kind](value)

    def redacted(self, raw: bytes) -> str:
        """The command *raw* in hexadecimal, secret data fields replaced by their slot."""
        text = raw.hex().upper()
        if len(raw) < 2 or raw[1] not in SECRET_INSTRUCTIONS or len(raw) <= 5:
            return text
        try:
            data = CommandAPDU.decode(raw).data
        except MalformedAPDU:
            return text[:10] + _withheld(raw[5:])
        if not data:
            return text
        start = 2 * raw.index(data, 5)
        return text[:start] + self._slot(raw[3], data) + text[start + 2 * len(data) :]

    def _slot(self, number: int, data: bytes) -> str:
        for name, value in self.values.items():
            if self.references[name].number == number:
                for kind, derive in GUESSES.items():
                    if derive(value) == data:
                        return f"{{{kind}:{name}}}"
        return self._pair(data) or _withheld(data)

    def _pair(self, data: bytes) -> str:
        """The slots of two values, one behind the other; nothing when they are not guesses."""
        guesses = {
            derive(value): f"{{{kind}:{name}}}"
            for name, value in self.values.items()
            for kind, derive in GUESSES.items()
        }
        for size in range(1, len(data)):
            if data[:size] in guesses and data[size:] in guesses:
                return guesses[data[:size]] + guesses[data[size:]]
        return ""

    def expanded(self, text: str) -> bytes:
        """The command behind the redacted *text*; UsageError when a value is withheld."""

        def value(slot: re.Match[str]) -> str:
            kind, name = slot[1], slot[2]
            if kind == WITHHELD:
                raise UsageError(f"{text}: the data field was withheld and cannot be replayed")
            if kind not in GUESSES or name not in self.values:
                raise UsageError(f"{slot[0]}: no such value in the keys file or the environment")
            return GUESSES[kind](self.values[name]).hex()

        try:
            return bytes.fromhex(_SLOT.sub(value, text))
        except ValueError as error:
            raise UsageError(f"{text}: not hexadecimal: {error}") from error


def _withheld(data: bytes) -> str:
    """The slot of a data field that is no guess of ours: only its length is told."""
    return f"{{{WITHHELD}:{len(data)}}}"


def read_keys(path: Path) -> str:
    """The text of the keys file *path*; UsageError when others than its owner may read it.

    The published test values that come with the judge are no secrets.
    """
    package = Path(__file__).resolve().parent
    try:
        mode = path.stat().st_mode
        secret = os.name == "posix" and not path.resolve().is_relative_to(package)
        if secret and mode & GROUP_AND_OTHERS:
            raise UsageError(
                f"{path}: others may read these keys (mode {mode & 0o777:04o}): chmod 600 {path}"
            )
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error


def load_keys(
    layout: Layout, text: str | None, origin: str, declared: Mapping[str, Any] | None = None
) -> Keys:
    """The values in the TOML *text* and in the environment.

    There they are called `CONFORMANCE_PIN_<NAME>`, and `CONFORMANCE_KEY_<NAME>` for the keys that
    the tables of the statement, *declared*, name. UsageError when a value has no reference or the
    wrong length, and when the statement counts on a value that is nowhere.
    """
    named = {reference.name: reference for reference in layout.references}
    held = checked(_KeysFile, read_toml(text or "schema = 1", origin), origin)
    table = held.pin
    for name in named:
        variable = _variable(ENVIRONMENT_PREFIX, name)
        if variable in os.environ:
            table = {**table, name: os.environ[variable]}
    values: dict[str, bytes] = {}
    for name, digits in table.items():
        if name not in named:
            raise UsageError(f"{origin}: pin.{name}: the statement declares no such reference")
        try:
            values[name] = bytes.fromhex(digits)
        except ValueError:
            raise UsageError(f"{origin}: pin.{name}: the value is not hexadecimal") from None
        if len(values[name]) != named[name].length:
            raise UsageError(
                f"{origin}: pin.{name}: the statement declares {named[name].length} bytes,"
                f" the value has {len(values[name])}"
            )
    for name, reference in named.items():
        if reference.known and name not in values:
            raise UsageError(
                f"{origin}: pin.{name}: the value is missing; give it here, in the environment as"
                f" {ENVIRONMENT_PREFIX}{name.upper()}, or state known = false"
            )
    secrets = {name: bytes.fromhex(digits) for name, digits in held.key.items()}
    return Keys(values, named, secrets | _keys_around(declared or {}))


def _variable(prefix: str, name: str) -> str:
    return prefix + re.sub(r"[.-]", "_", name).upper()


def _keys_around(declared: Mapping[str, Any]) -> dict[str, bytes]:
    """The keys in the environment, by the names that any table of the statement gives them."""
    found = {}
    for name in _texts(declared):
        variable = _variable(KEY_PREFIX, name)
        if variable in os.environ:
            try:
                found[name] = bytes.fromhex(os.environ[variable])
            except ValueError:
                raise UsageError(f"{variable}: the value is not hexadecimal") from None
    return found


def _texts(tables: object) -> Iterator[str]:
    """Every text in *tables*, however deep: which of them name a key is for the tables to say."""
    if isinstance(tables, str):
        yield tables
    elif isinstance(tables, Mapping):
        for value in tables.values():
            yield from _texts(value)
    elif isinstance(tables, list):
        for value in tables:
            yield from _texts(value)


def keys_beside(statement: Path) -> Path:
    """Where the keys of the statement file *statement* are looked for: NAME.keys.toml."""
    return statement.with_name(statement.name.removesuffix(".toml") + ".keys.toml")
