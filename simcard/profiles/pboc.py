"""`[pboc]`, `[[pboc_key]]` and `[[purse]]` of a profile: a card of the family."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from simcard.crypto.blocks import BlockCipher
from simcard.files.purse import BALANCE_MAX, COUNTER_MAX, ED, EP, Holding, purse_body
from simcard.profiles.tables import Access, Hex, Path, Table
from simcard.security.pboc import (
    KeyHeader,
    KeyType,
    PbocRules,
    key_file_attributes,
    sam_key_body,
    sam_usage,
)
from simcard.tlv import Tlv

_TYPES = {each.name.lower(): each for each in KeyType}
_LINES = {"plain": 0x00, "mac": 0x80, "cipher": 0xC0}
_KINDS = {"purchase": 0x02, "mac": 0x06, "cipher": 0x07, "mac-and-cipher": 0x08}
_PURSES = {"ED": ED, "EP": EP}


class PbocTable(Table):
    """`[pboc]`: what the public sources leave open; the defaults are told at `PbocRules`."""

    cipher: Literal["tdes", "sm4"] = "tdes"
    sm4_identifier: Hex = Field(default=b"\x04", min_length=1, max_length=1)
    line_failures_count: bool = True
    proof_counter: Literal["before", "after"] = "after"
    unblock_sets_pin: bool = True
    factors: bool = True
    tac_key: Hex = Field(default=b"\x00", min_length=1, max_length=1)
    terminal_file: Hex = Field(default=b"\x00\x16", min_length=2, max_length=2)
    composite_files: list[Annotated[int, Field(ge=1, le=30)]] = Field(default=[0x1A])
    transport_key: Hex = Field(default=b"\xff" * 16, min_length=8, max_length=16)

    @model_validator(mode="after")
    def _has_a_transport_key(self) -> Self:
        if len(self.transport_key) not in ((16,) if self.cipher == "sm4" else (8, 16)):
            raise ValueError("a transport key has 16 bytes, a DES key 8")
        return self

    @property
    def rules(self) -> PbocRules:
        """The choices as the engine wants them."""
        return PbocRules(
            cipher=BlockCipher[self.cipher.upper()],
            sm4_identifier=self.sm4_identifier[0],
            line_failures_count=self.line_failures_count,
            proof_counter_after=self.proof_counter == "after",
            unblock_sets_pin=self.unblock_sets_pin,
            factors=self.factors,
            tac_key=self.tac_key[0],
            terminal_file=int.from_bytes(self.terminal_file, "big"),
            composite_files=frozenset(self.composite_files),
        )


class KeyFileTable(Table):
    """`keys` of a DF: its key file, with room for keys in bytes, and the right byte to add some."""

    space: int = Field(ge=1, le=0xFFFF)
    add: Hex = Field(default=b"\xef", min_length=1, max_length=1)
    line: Literal["plain", "mac", "cipher"] = "plain"

    @property
    def attributes(self) -> tuple[Tlv, ...]:
        """The attributes of the key file."""
        return key_file_attributes(self.space, self.add[0], _LINES[self.line])


class PbocKeyTable(Table):
    """`[[pboc_key]]`: a key or PIN in the DF at `df`, as WRITE KEY would load it.

    `use` and `change` are right bytes. A key that proves something has `tries` and `next_state`,
    any other `version` and `algorithm`, the byte.
    """

    df: Path
    type: str
    id: Hex = Field(min_length=1, max_length=1)
    title: str = ""
    hex: Hex = Field(min_length=1, max_length=16)
    line: Literal["plain", "mac", "cipher"] = "plain"
    use: Hex = Field(default=b"\xf0", min_length=1, max_length=1)
    change: Hex = Field(default=b"\xef", min_length=1, max_length=1)
    tries: int = Field(default=0, ge=0, le=15)
    next_state: int = Field(default=0, ge=0, le=15)
    version: int = Field(default=0, ge=0, le=255)
    algorithm: Hex = Field(default=b"\x00", min_length=1, max_length=1)

    @field_validator("type")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in _TYPES:
            raise ValueError(f"a type is one of {', '.join(_TYPES)}")
        return value

    @model_validator(mode="after")
    def _is_a_key(self) -> Self:
        counted = {"tries", "next_state"} & self.model_fields_set
        named = {"version", "algorithm"} & self.model_fields_set
        if (named if self.key_type.counts_errors else counted) or (
            self.key_type.counts_errors and not self.tries
        ):
            raise ValueError(
                f"{self.type} has "
                + ("tries and next_state" if self.key_type.counts_errors else "version, algorithm")
            )
        return self

    @property
    def key_type(self) -> KeyType:
        """The type."""
        return _TYPES[self.type]

    @property
    def number(self) -> int:
        """The identifier of the internal EF."""
        is_pin = self.key_type is KeyType.PIN
        return self.id[0] if is_pin else self.key_type.numbered(self.id[0])

    @property
    def header(self) -> KeyHeader:
        """The header as WRITE KEY would bring it."""
        counted = self.key_type.counts_errors
        return KeyHeader(
            self.key_type,
            _LINES[self.line],
            self.use[0],
            self.change[0],
            self.next_state if counted else self.version,
            self.tries << 4 | self.tries if counted else self.algorithm[0],
        )


class SamKeyTable(Table):
    """`[[sam_key]]`: a key of a security module: `kind` below so many `levels` of factors."""

    df: Path
    title: str = ""
    kind: Literal["purchase", "mac", "cipher", "mac-and-cipher"]
    levels: int = Field(ge=0, le=7)
    version: int = Field(ge=0, le=255)
    algorithm: Literal["tdes", "sm4"] = "tdes"
    hex: Hex = Field(min_length=16, max_length=16)

    @property
    def number(self) -> int:
        """The identifier of the internal EF: usage and version."""
        return sam_usage(_KINDS[self.kind], self.levels) << 8 | self.version

    def body(self, rules: PbocRules) -> bytes:
        """The body of the internal EF."""
        algorithm = rules.sm4_identifier if self.algorithm == "sm4" else 0
        return sam_key_body(self.hex, self.version, algorithm, rules)


class PurseTable(Table):
    """`[[purse]]`: an electronic deposit (ED) or purse (EP); `access.read` says who may use it."""

    df: Path
    kind: Literal["ED", "EP"]
    title: str = ""
    balance: int = Field(default=0, ge=0, le=BALANCE_MAX)
    online_counter: int = Field(default=0, ge=0, le=COUNTER_MAX)
    offline_counter: int = Field(default=0, ge=0, le=COUNTER_MAX)
    overdraw: int = Field(default=0, ge=0, le=0xFFFFFF)
    log: int = Field(default=0, ge=0, le=30)
    access: Access

    @property
    def number(self) -> int:
        """1 for the ED, 2 for the EP."""
        return _PURSES[self.kind]

    @property
    def body(self) -> bytes:
        """The body of the purse EF."""
        holding = Holding(self.balance, self.online_counter, self.offline_counter, self.overdraw)
        return purse_body(holding, self.log)
