"""Searching a card for files: the candidates below each DF, EF.DIR, and names of applications."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance import tlv
from conformance.commands import ALL, read_binary, read_record
from conformance.interview.findings import MASTER, Fact, FoundFile, Source
from conformance.interview.selecting import CHILD_DF, EF_UNDER_DF
from conformance.layout import MASTER_FILE, Kind

if TYPE_CHECKING:
    from conformance.interview.candidates import Candidates
    from conformance.interview.control import Control
    from conformance.interview.findings import Findings
    from conformance.interview.selecting import Selector

FILES, DEPTH, TEMPLATES_READ = 250, 5, 32
DIRECTORY = f"{MASTER}/2F00"
TEMPLATE, IDENTIFIER, LABEL = 0x61, 0x4F, 0x50
FIRST, NEXT = 0, 2
NO_CURRENT_EF = 0x6986
Progress = Callable[[str, int, int], None]
"""Told what is being asked, how many questions of it are done, and how many there are."""


@dataclass
class Search:
    """Fills the files of *findings* with what *selector* finds."""

    selector: Selector
    findings: Findings
    candidates: Candidates
    progress: Progress
    _queue: deque[str] = field(default_factory=lambda: deque([MASTER]))

    def run(self) -> None:
        """Walk below the MF, look for names, and walk below every DF that was found."""
        if self.selector.says_yes_to_everything():
            self.findings.remarks.append(
                "The card claims to have every file it is asked for: files were not searched."
            )
            return
        self._walk_all()
        self._names()
        self._walk_all()

    def _walk_all(self) -> None:
        while self._queue and not self.selector.asker.spent:
            self._walk(self._queue.popleft())

    def _walk(self, path: str) -> None:
        """Ask for each candidate below the DF at *path*; a miss leaves the selection as it is."""
        fids = self.candidates.identifiers(master=path == MASTER)
        for done, fid in enumerate(fids):
            self.progress(f"files below {path}", done, len(fids))
            if self.selector.asker.spent:
                where = f"below {path}, before {fid:04X}"
                self.findings.remarks.append(
                    f"The search for files ended {where}: --effort allows more."
                )
                return
            if fid == int(path[-4:], 16) or f"{path}/{fid:04X}" in self.findings.files:
                continue
            if not self.selector.go(path):
                self.findings.remarks.append(f"{path} could not be selected again.")
                return
            control = self.selector.select(fid)
            if control is None:
                continue
            self.selector.left()
            if len(self.findings.files) >= FILES:
                self.findings.remarks.append(f"More than {FILES} files: the search ended there.")
                self._queue.clear()
                return
            self._hit(path, fid, control)

    def _hit(self, path: str, fid: int, control: Control) -> None:
        """Keep a file that was found while *path* was current, if it is a child of that DF."""
        if control.fid not in {None, fid}:
            return
        kind = control.kind or self._kind_of_current()
        if self._is_child(path, fid, kind):
            self._keep(FoundFile(f"{path}/{fid:04X}", kind, "found by its identifier"), control)

    def _kind_of_current(self) -> Kind | None:
        """DF where there is no EF to read; None for an EF, whose structure is found out later."""
        response = self.selector.asker.ask(read_binary(0, 1))
        return Kind.DF if response.sw == NO_CURRENT_EF else None

    def _is_child(self, path: str, fid: int, kind: Kind | None) -> bool:
        """P1 = 00 finds the neighbours of the current DF, too: P1 = 01 and 02 tell them apart."""
        p1 = CHILD_DF if kind is Kind.DF else EF_UNDER_DF
        gone_there = self.selector.go(path)
        self.selector.left()
        if gone_there and self.selector.select(fid, p1) is not None:
            self.selector.strict = True
            return True
        if self.selector.strict:
            return False
        parent = path.rpartition("/")[0]
        near = [self.findings.files.get(parent), *self.findings.children(parent)]
        return not any(one is not None and one.fid == fid for one in near) or not parent

    def _keep(self, file: FoundFile, control: Control) -> None:
        said = Source.DECLARED
        file.name = control.name
        if file.name and self.findings.named(file.name) is not None:
            file.name = b""
        file.sfi = control.sfi
        if any(one.sfi == file.sfi for one in self.findings.children(file.parent)):
            file.sfi = None
        if control.size:
            file.size = Fact(control.size, said, "file control parameters")
        if control.records:
            file.records = Fact(control.records, said, "file control parameters")
        if not self.findings.add(file):
            self.findings.files[file.path].name = file.name or self.findings.files[file.path].name
        elif file.kind is Kind.DF and not file.doubts and file.path.count("/") < DEPTH:
            self._queue.append(file.path)

    def _names(self) -> None:
        """Applications by name: those in EF.DIR, then the candidates, then their neighbours."""
        listed = self._directory()
        asked = [(name, f"EF.DIR: {label}" if label else "EF.DIR") for name, label in listed]
        asked += [(bytes.fromhex(one.name), one.why) for one in self.candidates.name]
        for done, (name, why) in enumerate(asked):
            if self.selector.asker.spent:
                return
            self.progress("applications by name", done, len(asked))
            if self.findings.named(name) is None:
                self._named(name, why, FIRST)
        self._neighbours()

    def _named(self, name: bytes, why: str, occurrence: int) -> Control | None:
        control = self.selector.select_name(name, occurrence)
        if control is None:
            return None
        path, doubts = self._path_of(control)
        known = self.findings.files.get(path)
        if known is not None:
            known.name = known.name or control.name
            return control
        file = FoundFile(path, Kind.DF, f"selected by name ({why})", doubts=doubts)
        self._keep(file, control)
        file.name = file.name or name
        return control

    def _path_of(self, control: Control) -> tuple[str, list[str]]:
        """The path of the DF just selected, by climbing to the MF; doubts where that fails."""
        if control.fid is None:
            unknown = 1 + sum(1 for file in self.findings.files.values() if file.doubts)
            path = f"{MASTER}/FF{unknown:02X}"
            return path, ["the card does not say its file identifier: put the right path"]
        digits = [f"{control.fid:04X}"]
        for _ in range(DEPTH):
            above = self.selector.select_parent()
            if above is None or above.fid is None:
                return f"{MASTER}/{digits[-1]}", []
            if above.fid == MASTER_FILE:
                break
            digits.append(f"{above.fid:04X}")
        path = "/".join([MASTER, *reversed(digits)])
        return path, [] if path.rpartition("/")[0] in self.findings.files else ["its DF is unknown"]

    def _directory(self) -> list[tuple[bytes, str]]:
        """(name, label) of each application template in EF.DIR (ISO/IEC 7816-4:2020, 12.2.1)."""
        file = self.findings.files.get(DIRECTORY)
        if file is None or not self.selector.open(file):
            return []
        found: list[tuple[bytes, str]] = []
        for number in range(1, TEMPLATES_READ):
            response = self.selector.asker.ask(read_record(number, ALL))
            if response.sw != 0x9000:
                break
            found += _applications(response.data)
        return found

    def _neighbours(self) -> None:
        """DFs whose names begin alike: by partial name, and its next occurrences."""
        for df in [one for one in self.findings.files.values() if len(one.name) > 5]:
            prefix = df.name[:-1]
            control = self.selector.select_name(prefix)
            if control is None or not control.name.startswith(prefix):
                continue
            self.findings.see("select:partial-name")
            following = self._named(prefix, "the next of its kind", NEXT)
            if following is not None and following.name not in {b"", control.name}:
                self.findings.see("occurrences", "P2 = 02 found another DF whose name begins alike")


def _applications(record: bytes) -> list[tuple[bytes, str]]:
    try:
        templates = [one for one in tlv.parse(record, b"\x00\xff") if one.tag == TEMPLATE]
        found = [(one.find(IDENTIFIER), one.find(LABEL) or b"") for one in templates]
    except tlv.MalformedTLV:
        return []
    return [
        (name, label.decode("utf-8", "replace"))
        for name, label in found
        if name and len(name) <= 16
    ]
