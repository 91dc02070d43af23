"""Looking into the files that were found: may anybody read them, and how large are they.

What the file control parameters say is held against what READ shows; where they say nothing, sizes
and numbers of records are measured by reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.commands import ALL, read_binary, read_record
from conformance.interview.findings import Fact, Source
from conformance.layout import Kind

if TYPE_CHECKING:
    from conformance.apdu import ResponseAPDU
    from conformance.interview.findings import Findings, FoundFile
    from conformance.interview.searching import Progress
    from conformance.interview.selecting import Selector

LAST_OFFSET = 0x7FFF
RECORDS = 254
REFUSED = 0x6982
STRUCTURE, NO_RECORD, OUTSIDE = 0x6981, 0x6A83, 0x6B00


@dataclass
class Inspection:
    """Reads at the borders of each EF."""

    selector: Selector
    findings: Findings
    progress: Progress

    def run(self) -> None:
        """Look into every EF found so far."""
        files = [one for one in self.findings.files.values() if one.kind is not Kind.DF]
        for done, file in enumerate(files):
            self.progress(f"reading {file.path}", done, len(files))
            if not self.selector.open(file):
                file.doubts.append("it could not be selected again")
                continue
            self._look_into(file)

    def _look_into(self, file: FoundFile) -> None:
        first = self._binary(0) if file.kind in {None, Kind.TRANSPARENT} else None
        if file.kind is None and first is not None:
            file.kind = Kind.LINEAR_VARIABLE if first.sw == STRUCTURE else Kind.TRANSPARENT
        if file.kind is Kind.TRANSPARENT and first is not None:
            self._transparent(file, first)
        elif file.kind is not None and file.kind.has_records:
            self._records(file)
        self._check(file)

    def _binary(self, offset: int) -> ResponseAPDU:
        return self.selector.asker.ask(read_binary(offset, 1))

    def _reaches(self, offset: int) -> bool:
        response = self._binary(offset)
        return len(response.data) == 1 and (response.sw == 0x9000 or response.sw1 == 0x62)

    def _transparent(self, file: FoundFile, first: ResponseAPDU) -> None:
        file.read = _readable("READ BINARY", first, OUTSIDE)
        if file.read.value != "always":
            return
        if file.size is not None:
            self._confirm(file, file.size.number)
        elif first.data:
            size = self._measured()
            text = "READ BINARY reaches so far"
            if size > LAST_OFFSET:
                text = "READ BINARY goes no further than this; it may be longer"
            file.size = Fact(size, Source.OBSERVED, text)

    def _confirm(self, file: FoundFile, size: int) -> None:
        if not 0 < size <= LAST_OFFSET:
            return
        agrees = self._reaches(size - 1) and not self._reaches(size)
        text = "file control parameters, and READ BINARY ends there"
        if not agrees:
            text = "file control parameters, but READ BINARY does not end there: look into it"
        file.size = Fact(size, Source.OBSERVED if agrees else Source.DECLARED, text)

    def _measured(self) -> int:
        """The number of bytes that can be read, by doubling and then halving the step."""
        step = 1
        while step <= LAST_OFFSET and self._reaches(step):
            step *= 2
        low, high = step // 2, min(step, LAST_OFFSET + 1)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._reaches(middle) else (low, middle)
        return low + 1

    def _records(self, file: FoundFile) -> None:
        first = self.selector.asker.ask(read_record(1, ALL))
        file.read = _readable("READ RECORD", first, NO_RECORD)
        if file.read.value != "always" or (file.size and file.records):
            return
        lengths: list[int] = []
        response = first
        while response.sw == 0x9000 and len(lengths) < RECORDS:
            lengths.append(len(response.data))
            response = self.selector.asker.ask(read_record(len(lengths) + 1, ALL))
        if not lengths or not max(lengths):
            return
        if file.kind is Kind.LINEAR_VARIABLE and file.size is None and len(set(lengths)) == 1:
            file.kind = Kind.LINEAR_FIXED
        file.records = file.records or Fact(len(lengths), Source.OBSERVED, "READ RECORD, counted")
        file.size = file.size or Fact(max(lengths), Source.OBSERVED, "the longest record there is")

    @staticmethod
    def _check(file: FoundFile) -> None:
        """Leave to a person what a statement cannot do without."""
        if file.kind is Kind.DATA_OBJECTS:
            return
        if file.size is None or not 0 < file.size.number <= 0xFFFF:
            file.doubts.append("its size is not known")
        records = file.records.number if file.records else 0
        if file.kind is not None and file.kind.has_records and not 0 < records <= RECORDS:
            file.doubts.append("its number of records is not known")


def _readable(command: str, response: ResponseAPDU, beyond: int) -> Fact:
    """`always` when the card let it be read, or said only that there is nothing there."""
    shown = f"{command} answered {response.sw:04X}" if response.sw else f"{command} not answered"
    if response.sw in {0x9000, beyond} or response.sw1 == 0x62:
        return Fact("always", Source.OBSERVED, shown)
    if response.sw == REFUSED:
        shown += ': put "pin:NAME" or "session" here if you know what opens it'
    return Fact("never", Source.OBSERVED, shown)
