"""Data rules that blame the outcome's own requirement: exactly these bytes, or bytes that grow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.model.outcome import DataRule
    from conformance.model.state import Content


@dataclass(frozen=True, slots=True)
class Exactly:
    """The data field is what stands in *content*; its unknown bytes may be anything."""

    content: Content

    def fault(self, data: bytes) -> str | None:
        """The length must be exact and every known byte right; else who wrote it is to blame."""
        fits = len(data) == len(self.content.value) and self.content.matches(0, data)
        return None if fits else self.content.by

    def __str__(self) -> str:
        if self.content.known is not None:
            return f"{len(self.content.value)} bytes"
        return self.content.value.hex().upper() or "no data"


@dataclass(frozen=True, slots=True)
class Rest:
    """The data field completes what came before to something that *rule* allows."""

    come: bytes
    rule: DataRule
    length: int | None
    whole: bool = True

    def fault(self, data: bytes) -> str | None:
        """The length first; then everything that came, when this was the last of it."""
        if self.length is not None and len(data) != self.length:
            return ""
        return self.rule.fault(self.come + data) and "" if self.whole else None

    def __str__(self) -> str:
        return f"the rest of {self.rule}"
