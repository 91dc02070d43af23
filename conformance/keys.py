"""The secret values of a run: kept apart from the statement, and never written out.

A guess at reference data is written in scripts and traces as `{pin:NAME}` (the right value),
`{wrong:NAME}`, `{other:NAME}`, `{short:NAME}` or `{long:NAME}`, a key wherever it turns up as
`{key:NAME}` or in a form of `redaction.FORMS`. All follow from the right value, so a script can be
replayed by whoever holds the keys file, and by nobody else. A value that was made up, for a
reference that is not there, is `{zeros:LENGTH}`; any other secret data field `{withheld:LENGTH}`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from conformance import redaction
from conformance.apdu import CommandAPDU, MalformedAPDU
from conformance.layout import Layout, Reference
from conformance.operations import check_secrets
from conformance.redaction import FORMS, GUESSES, MADE_UP, SHORTEST, Hidden
from conformance.statement import checked, read_toml
from conformance.trouble import UsageError

ENVIRONMENT_PREFIX = "CONFORMANCE_PIN_"
KEY_PREFIX = "CONFORMANCE_KEY_"
GROUP_AND_OTHERS = 0o077
WITHHELD, ZEROS = "withheld", "zeros"
# VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER in both codings; CHANGE OR RELOAD PIN of PBOC.
SECRET_INSTRUCTIONS = frozenset({0x20, 0x21, 0x24, 0x25, 0x26, 0x28, 0x2C, 0x2D, 0x5E})
WRITE_KEY = (0x80, 0xD4)
"""WRITE KEY in plain: usage, version, algorithm, then the key."""
KEY_HEADER = 3
_SLOT = re.compile(r"\{(\w+):([A-Za-z0-9._-]+)\}")


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
    _guesses: tuple[Hidden, ...] = field(init=False, repr=False, compare=False)
    _keys: tuple[Hidden, ...] = field(init=False, repr=False, compare=False)
    _any_key: re.Pattern[bytes] | None = field(init=False, repr=False, compare=False)
    """Finds out whether bytes hold a key at all, which hardly any do."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_guesses", redaction.hidden_guesses(self.values))
        object.__setattr__(self, "_keys", redaction.hidden_keys(self.secrets))
        spelled = b"|".join(re.escape(one.value) for one in self._keys)
        object.__setattr__(self, "_any_key", re.compile(spelled) if spelled else None)

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
        """The command *raw* in hexadecimal: secret data fields and keys replaced by slots."""
        if len(raw) > 5 and raw[1] in SECRET_INSTRUCTIONS:
            return self._secret(raw)
        if len(raw) > 5 and (raw[0], raw[1]) == WRITE_KEY:
            return self._loaded(raw)
        return self._without_keys(raw)

    def redacted_answer(self, asked: bytes, answer: bytes) -> str:
        """The *answer* to the command *asked* in hexadecimal, keys and guesses replaced by slots.

        A few bytes of reference data occur in files by chance, and a slot there would tell them; so
        guesses are looked for only where a command carried one.
        """
        data, sw = answer[:-2], answer[-2:].hex().upper()
        if asked[1:2] and asked[1] in SECRET_INSTRUCTIONS:
            return redaction.masked(data, (*self._keys, *self._guesses)) + sw
        return self._without_keys(data) + sw

    def _without_keys(self, raw: bytes) -> str:
        if self._any_key is None or len(raw) < SHORTEST or not self._any_key.search(raw):
            return raw.hex().upper()
        return redaction.masked(raw, self._keys)

    def told(self, text: str) -> str:
        """A sentence about the card, with every key that it spells replaced by its slot."""
        return redaction.told(text, self._keys)

    def _secret(self, raw: bytes) -> str:
        """A command that carries reference data."""
        if _sealed(raw[0]):
            return redaction.masked(raw, (*self._keys, *self._guesses))
        try:
            data = CommandAPDU.decode(raw).data
        except MalformedAPDU:
            return raw[:5].hex().upper() + _withheld(raw[5:])
        if not data:
            return raw.hex().upper()
        start = raw.index(data, 5)
        known = redaction.split(data, self._in_order(raw[3])) or _unknown(data)
        return raw[:start].hex().upper() + known + raw[start + len(data) :].hex().upper()

    def _loaded(self, raw: bytes) -> str:
        """A command that carries a key in plain behind its usage, version and algorithm."""
        shown = redaction.masked(raw, self._keys)
        if "{" in shown:
            return shown
        start = 5 + KEY_HEADER
        return raw[:start].hex().upper() + (_withheld(raw[start:]) if raw[start:] else "")

    def _in_order(self, number: int) -> tuple[Hidden, ...]:
        """The guesses, those at the reference *number* first."""
        meant = {name for name, one in self.references.items() if one.number == number}
        own = redaction.hidden_guesses({n: v for n, v in self.values.items() if n in meant})
        return (*own, *self._guesses)

    def expanded(self, text: str) -> bytes:
        """The command behind the redacted *text*; UsageError when a value is withheld."""

        def value(slot: re.Match[str]) -> str:
            kind, name = slot[1], slot[2]
            if kind == WITHHELD:
                raise UsageError(f"{text}: the data field was withheld and cannot be replayed")
            if kind == ZEROS and name.isdecimal():
                return (MADE_UP * int(name)).hex()
            if kind in GUESSES and name in self.values:
                return GUESSES[kind](self.values[name]).hex()
            if kind in FORMS and name in self.secrets:
                return FORMS[kind](self.secrets[name]).hex()
            raise UsageError(f"{slot[0]}: no such value in the keys file or the environment")

        try:
            return bytes.fromhex(_SLOT.sub(value, text))
        except ValueError as error:
            raise UsageError(f"{text}: not hexadecimal: {error}") from error


def _sealed(cla: int) -> bool:
    """Whether the class byte says secure messaging: what is secret comes enciphered then."""
    return bool(cla & (0x20 if cla & 0x40 else 0x0C))


def _withheld(data: bytes) -> str:
    """The slot of a data field that is no guess of ours: only its length is told."""
    return f"{{{WITHHELD}:{len(data)}}}"


def _unknown(data: bytes) -> str:
    """The slot of a value that is no guess: made up for no reference at all, or withheld."""
    return f"{{{ZEROS}:{len(data)}}}" if data == MADE_UP * len(data) else _withheld(data)


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
    secrets |= _keys_around(declared or {})
    check_secrets(layout.keys, secrets, origin)
    return Keys(values, named, secrets)


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
