"""What a statement says of a card of the PBOC family: keys, purses, items, security module.

`[pboc]` and its tables settle what public sources leave open. Values of keys are not here: they
stand in the keys file, under the names that the statement gives the keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Iterator

Byte = Annotated[str, Field(pattern=r"^[0-9A-F]{2}$")]
Path = Annotated[str, Field(pattern=r"^3F00(/[0-9A-F]{4})*$")]
Cipher = Literal["TDES", "SM4"]
KeyType = Literal[
    "internal",
    "external",
    "line",
    "unblock",
    "reload",
    "purchase",
    "load",
    "unload",
    "overdraw",
    "sam-purchase",
    "sam-computation",
]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _states(text: str) -> frozenset[int]:
    """The numbers in `state 1-f`; all of them for `always`."""
    if text == "always":
        return frozenset(range(16))
    first, last = text.removeprefix("state ").split("-")
    return frozenset(range(int(first, 16), int(last, 16) + 1))


class ItemTable(_Table):
    """An item of the scheme: the record that holds it is identifier, length, value."""

    identifier: Byte
    length: int = Field(ge=1, le=253)
    coding: Literal["hex", "ascii", "bcd", "gbk"] = "hex"


class CardKey(_Table):
    """`[[pboc.key]]`: a key of the card, and how the card counts and uses it."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    df: Path
    type: KeyType
    identifier: Byte
    """Of a purchase key in a security module the usage byte."""
    cipher: Cipher = "TDES"
    version: int = Field(default=0, ge=0, le=255)
    state: int = Field(default=0, ge=0, le=15)
    """The security state that its proof leads to."""
    use: str = Field(default="always", pattern=r"^(always|state [0-9a-f]-[0-9a-f])$")
    """When it may be used: `always`, or in which security states."""
    tries: int = Field(default=0, ge=0, le=15)
    floor: int = Field(default=5, ge=1, le=15)
    """Tries that are never spent below risk level `destroy`."""

    @property
    def states(self) -> frozenset[int]:
        """The security states in which it may be used."""
        return _states(self.use)

    @property
    def number(self) -> int:
        """The identifier as a number."""
        return int(self.identifier, 16)


class PurseTable(_Table):
    """`[[pboc.purse]]`: an electronic deposit (ED) or purse (EP), and whether it may be used."""

    df: Path
    kind: Literal["ED", "EP"]
    open: str = Field(default="always", pattern=r"^(always|state [0-9a-f]-[0-9a-f])$")
    """When it may be used: `always`, or security states as in `state 1-f`."""
    log: int = Field(default=0, ge=0, le=30)
    """Short identifier of the EF of its log, 0 without."""
    use: bool = False
    """Whether the judge may load it and pay from it: value is put back, counters are not."""

    @property
    def number(self) -> int:
        """The purse in P2: 1 or 2."""
        return 1 if self.kind == "ED" else 2

    @property
    def states(self) -> frozenset[int]:
        """The security states in which it may be used."""
        return _states(self.open)


class ModuleTable(_Table):
    """`[pboc.module]`: the security module of a terminal."""

    df: Path
    terminal: str = Field(pattern=r"^[0-9A-F]{12}$")
    use: bool = False
    """Whether the judge may spend terminal transaction counters."""
    spare: str = Field(default="", pattern=r"^([0-9A-F]{4})?$")
    """Usage and version of a purchase key that the judge may load, none without."""


class PbocTable(_Table):
    """`[pboc]`: the choices of one card of the family."""

    factors: bool = False
    """Whether a diversification factor may follow the block of an authentication."""
    proof_counter: Literal["before", "after"] = "after"
    """Which counter names a transaction to GET TRANSACTION PROOF."""
    line_failures_count: bool = True
    sm4_identifier: Byte = "04"
    tac_key: str = ""
    """The name of the key that makes TACs."""
    composite: Annotated[int, Field(ge=0, le=30)] = 0
    """Short identifier of an EF that composite purchases write, 0 without."""
    environment: str = Field(default="", pattern=r"^([0-9A-F]{2})*$")
    """The name of the social security environment, empty without."""
    key: tuple[CardKey, ...] = ()
    purse: tuple[PurseTable, ...] = ()
    module: ModuleTable | None = None

    def keys_of(self, kind: KeyType, df: str | None = None) -> Iterator[CardKey]:
        """The keys of a type, those under *df* only where one is named."""
        return (one for one in self.key if one.type == kind and df in {None, one.df})

    def key_of(self, kind: KeyType, df: str, number: int) -> CardKey | None:
        """The key of a type under *df* with the identifier *number*, or None."""
        return next((one for one in self.keys_of(kind, df) if one.number == number), None)

    def purse_of(self, df: str, number: int) -> PurseTable | None:
        """The purse under *df* that P2 means, or None."""
        found = (one for one in self.purse if one.df == df and one.number == number)
        return next(found, None)
