"""Access rules: which condition each kind of access to a file demands.

A rule set is a table `Right -> Condition`. A condition is a small tree of facts that the security
status of the session can satisfy (ISO/IEC 7816-4:2020, 9.3). How rules are coded on the card is
told in `simcard.security.attributes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Protocol


class Right(StrEnum):
    """The kinds of access that a rule can be about (ISO/IEC 7816-4:2020, tables 16 to 22)."""

    READ = "read"
    UPDATE = "update"
    WRITE = "write"
    DEACTIVATE = "deactivate"
    ACTIVATE = "activate"
    TERMINATE = "terminate"
    DELETE = "delete"
    DELETE_CHILD = "delete-child"
    CREATE_EF = "create-ef"
    CREATE_DF = "create-df"


class Method(Enum):
    """How somebody outside proves who he is."""

    USER = "pin"
    EXTERNAL = "key"


class Grants(Protocol):
    """What a condition asks of the session that wants access."""

    def authenticated(self, method: Method, reference: int | None) -> bool:
        """Whether the reference data (None: any of this method) has been satisfied."""

    def secured(self, *, authentic: bool, confidential: bool) -> bool:
        """Whether the command came under secure messaging of at least this strength."""

    @property
    def state(self) -> int:
        """The security state of the current DF, 0 to 15 (PBOC family)."""

    @property
    def mf_state(self) -> int:
        """The security state of the MF, 0 to 15 (PBOC family)."""


@dataclass(frozen=True, slots=True)
class Always:
    """Granted to anybody."""

    def met_by(self, _grants: Grants) -> bool:
        """Yes."""
        return True

    def __str__(self) -> str:
        return "always"


@dataclass(frozen=True, slots=True)
class Never:
    """Granted to nobody."""

    def met_by(self, _grants: Grants) -> bool:
        """No."""
        return False

    def __str__(self) -> str:
        return "never"


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Granted after VERIFY (method USER) or EXTERNAL AUTHENTICATE (method EXTERNAL)."""

    method: Method
    reference: int | None = None

    def met_by(self, grants: Grants) -> bool:
        """Whether the session has satisfied this reference data."""
        return grants.authenticated(self.method, self.reference)

    def __str__(self) -> str:
        return self.method.value + ("" if self.reference is None else f" {self.reference:02X}")


@dataclass(frozen=True, slots=True)
class Secured:
    """Granted to commands under secure messaging: authentic, confidential or both."""

    authentic: bool = True
    confidential: bool = False

    def met_by(self, grants: Grants) -> bool:
        """Whether the command was protected at least so."""
        return grants.secured(authentic=self.authentic, confidential=self.confidential)

    def __str__(self) -> str:
        return " and ".join(["mac"] * self.authentic + ["enc"] * self.confidential)


@dataclass(frozen=True, slots=True)
class StateBetween:
    """Granted while the security state of the DF is from *low* to *high* (PBOC family: right XY).

    X is *high* and Y is *low*: F0 is always, EF never.
    """

    low: int
    high: int

    def met_by(self, grants: Grants) -> bool:
        """Whether the security state lies between the two."""
        return self.low <= grants.state <= self.high

    def __str__(self) -> str:
        return f"state {self.low:X}-{self.high:X}"


@dataclass(frozen=True, slots=True)
class MasterState:
    """Granted while the security state of the MF is at least *low* (PBOC family: right 0Y)."""

    low: int

    def met_by(self, grants: Grants) -> bool:
        """Whether the security state of the MF is high enough."""
        return grants.mf_state >= self.low

    def __str__(self) -> str:
        return f"mf-state {self.low:X}"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Granted when every part is."""

    parts: tuple[Condition, ...]

    def met_by(self, grants: Grants) -> bool:
        """Whether all parts are met."""
        return all(part.met_by(grants) for part in self.parts)

    def __str__(self) -> str:
        return " and ".join(_bracketed(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Granted when at least one part is."""

    parts: tuple[Condition, ...]

    def met_by(self, grants: Grants) -> bool:
        """Whether at least one part is met."""
        return any(part.met_by(grants) for part in self.parts)

    def __str__(self) -> str:
        return " or ".join(_bracketed(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """Granted when the part is not."""

    part: Condition

    def met_by(self, grants: Grants) -> bool:
        """Whether the part is not met."""
        return not self.part.met_by(grants)

    def __str__(self) -> str:
        return f"not {_bracketed(self.part)}"


Condition = (
    Always | Never | Authenticated | Secured | StateBetween | MasterState | AllOf | AnyOf | Not
)

ALWAYS = Always()
NEVER = Never()


def _bracketed(part: Condition) -> str:
    return f"({part})" if isinstance(part, AllOf | AnyOf) else str(part)


AccessRules = dict[Right, Condition]
"""A rule set; a right that a non-empty set does not name is granted to nobody."""


def parse_condition(text: str) -> Condition:
    """The condition written as in a profile.

    Facts are `always`, `never`, `pin 01`, `key 82`, `mac`, `enc`, `state 1-F`
    and `mf-state 1`.

    `and` binds tighter than `or`; brackets are not needed for the rules cards have and are not
    offered. Anything else raises ValueError naming the word that is not understood.
    """
    alternatives = tuple(
        _conjunction(part.split(" and ")) for part in " ".join(text.lower().split()).split(" or ")
    )
    return alternatives[0] if len(alternatives) == 1 else AnyOf(alternatives)


def _conjunction(words: list[str]) -> Condition:
    strengths = {word for word in words if word in {"mac", "enc"}}
    parts = [_fact(word) for word in words if word not in strengths]
    if strengths:
        parts.append(Secured(authentic="mac" in strengths, confidential="enc" in strengths))
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _fact(word: str) -> Condition:
    if word == "always":
        return ALWAYS
    if word == "never":
        return NEVER
    method, _, reference = word.partition(" ")
    if method == "state":
        return _state(word, reference)
    if method == "mf-state":
        return _mf_state(word, reference)
    if method not in {"pin", "key"}:
        raise ValueError(
            f"{word!r} is not always, never, pin NN, key NN, state L-H, mf-state L, mac or enc"
        )
    if not reference:
        return Authenticated(Method(method))
    if len(reference) != 2 or not set(reference) <= set(_DIGITS):
        raise ValueError(f"{word!r}: a reference is one byte, two hexadecimal digits")
    return Authenticated(Method(method), int(reference, 16))


_DIGITS = "0123456789abcdef"


def _mf_state(word: str, low: str) -> Condition:
    if len(low) != 1 or low not in _DIGITS[1:]:
        raise ValueError(
            f"{word!r}: the bound is one hexadecimal digit from 1 on, as in mf-state f"
        )
    return MasterState(int(low, 16))


def _state(word: str, bounds: str) -> Condition:
    low, _, high = bounds.partition("-")
    if len(low) != 1 or len(high) != 1 or low not in _DIGITS or high not in _DIGITS:
        raise ValueError(f"{word!r}: bounds are two hexadecimal digits, as in state 1-f")
    if low > high:
        raise ValueError(f"{word!r}: the lower bound comes first")
    return StateBetween(int(low, 16), int(high, 16))
