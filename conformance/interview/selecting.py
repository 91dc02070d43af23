"""How a card may be asked to select, and moving about its tree with what it allows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.commands import (
    ALL,
    FCI,
    FCP,
    FMD,
    NO_ANSWER,
    select_fid,
    select_name,
    select_parent,
)
from conformance.interview.control import Control, parse_control
from conformance.interview.findings import MASTER, Fact, Source
from conformance.layout import MASTER_FILE

if TYPE_CHECKING:
    from conformance.apdu import ResponseAPDU
    from conformance.interview.asking import Asker
    from conformance.interview.findings import Findings, FoundFile

FORMS = (("fcp", FCP, 0x62), ("fci", FCI, 0x6F), ("fmd", FMD, 0x64))
"""The answers to SELECT: name, P2, tag of the template."""
CHILD_DF, EF_UNDER_DF = 0x01, 0x02
UNLIKELY = (0x2FE7, 0x6C93, 0x91D5)
"""Identifiers that no card has all of."""


def found(response: ResponseAPDU) -> bool:
    """Whether SELECT found the file: 9000, or a warning that it is not activated."""
    return response.sw == 0x9000 or response.sw1 == 0x62


@dataclass
class Selector:
    """Selects files on the card of *asker* and remembers where it is."""

    asker: Asker
    findings: Findings
    p2: int = NO_ANSWER
    """The answer to ask for: the one that tells most and that the card gives."""
    strict: bool = False
    """Whether P1 = 01 and 02 find the children of the current DF, and nothing else."""
    has_master: bool = True
    _at: str = field(default="")
    _resets: int = field(default=-1)

    def probe(self) -> None:
        """Ask for the MF with each kind of answer, and take note of those that come."""
        given = []
        for name, p2, tag in FORMS:
            response = self.asker.ask(select_fid(MASTER_FILE, p2=p2, ne=ALL))
            if found(response) and response.data[:1] == bytes((tag,)):
                given.append(name)
                if parse_control(response.data).said and self.p2 == NO_ANSWER:
                    self.p2 = p2
        plain = self.asker.ask(select_fid(MASTER_FILE))
        if found(plain) and not plain.data:
            given.append("none")
        elif self.p2 == NO_ANSWER:
            self.p2 = FCI
        self.has_master = bool(given)
        order = [name for name in ("fci", "fcp", "fmd", "none") if name in given]
        text = "SELECT of the MF with P2 = 00, 04, 08 and 0C"
        self.findings.features["answers"] = Fact(tuple(order), Source.OBSERVED, text)

    def says_yes_to_everything(self) -> bool:
        """Whether the card finds files that cannot all be there."""
        return all(self.select(fid) is not None for fid in UNLIKELY)

    def select(self, fid: int, p1: int = 0x00) -> Control | None:
        """What the file says when it is found, None when it is not."""
        return self._selected(self.asker.ask(select_fid(fid, p1, self.p2, self._ne)))

    def select_name(self, name: bytes, occurrence: int = 0) -> Control | None:
        """The same by name; *occurrence* 0 is the first, 2 the next."""
        self._at = ""
        command = select_name(name, self.p2 | occurrence, self._ne)
        return self._selected(self.asker.ask(command))

    def select_parent(self) -> Control | None:
        """The same for the parent of the current DF, with P1 = 03."""
        self._at = ""
        return self._selected(self.asker.ask(select_parent(self.p2, self._ne)))

    @property
    def _ne(self) -> int | None:
        return None if self.p2 == NO_ANSWER else ALL

    @staticmethod
    def _selected(response: ResponseAPDU) -> Control | None:
        return parse_control(response.data) if found(response) else None

    def at(self, path: str) -> bool:
        """Whether *path* is current as far as is known."""
        return self._at == path and self._resets == self.asker.resets

    def left(self) -> None:
        """Something else may be current now."""
        self._at = ""

    def go(self, path: str) -> bool:
        """Make the DF at *path* current, from the MF down; whether that worked."""
        if self.at(path):
            return True
        self._at = ""
        if self._from_the_top(path):
            self._at, self._resets = path, self.asker.resets
            return True
        return False

    def _from_the_top(self, path: str) -> bool:
        file = self.findings.files.get(path)
        if file is not None and file.name:
            return self.select_name(file.name) is not None
        if not self.has_master:
            self.asker.reset()
        resets = self.asker.resets
        if self.has_master and self.select(MASTER_FILE) is None:
            return False
        for digits in path.split("/")[1:]:
            if self.select(int(digits, 16), CHILD_DF if self.strict else 0) is None:
                return False
        return resets == self.asker.resets

    def open(self, file: FoundFile) -> bool:
        """Make the EF *file* current; whether that worked."""
        if not self.go(file.parent or MASTER):
            return False
        self._at = ""
        return self.select(file.fid, EF_UNDER_DF if self.strict else 0) is not None
