"""Record EFs: linear fixed, linear variable and cyclic, addressed by number or by identifier.

A body starts with two bytes: the number of records there are, and, for a cyclic EF, the slot of
the youngest one; then a bit for each slot, set when its record is deactivated. Records of one
length lie in slots behind them; records of their own length are
packed, each behind two length bytes. Record numbers start at 1; in a cyclic EF number 1 is the
youngest record (ISO/IEC 7816-4:2020, 7.3.3).
"""

from __future__ import annotations

from simcard.files.descriptors import File, Structure, record_books
from simcard.files.transparent import WriteBehaviour
from simcard.memory.journal import Memory
from simcard.status import SW, CardError


class RecordContent:
    """The records of one EF, behind the door."""

    __slots__ = ("_file", "_first", "_inactive", "_memory", "_region", "_structure", "count")

    def __init__(self, file: File, memory: Memory) -> None:
        assert file.structure is not None
        self._file = file
        self._structure: Structure = file.structure
        self._region = file.region
        self._memory = memory
        self._first = record_books(file.record_limit)
        books = self._region.read(memory, 0, self._first)
        self.count = books[0]
        self._inactive = int.from_bytes(books[2:], "little")

    def read(self, number: int) -> bytes:
        """Record *number*; 6A83 when there is none."""
        self._must_exist(number)
        if self._structure.is_variable:
            return self._packed()[number - 1]
        return self._region.read(self._memory, self._slot_at(number), self._file.record_size)

    def all(self) -> list[bytes]:
        """Every record in the order of their numbers."""
        if self._structure.is_variable:
            return self._packed()
        return [self.read(number) for number in range(1, self.count + 1)]

    def is_active(self, number: int) -> bool:
        """Whether record *number* is activated; 6A83 when there is none."""
        self._must_exist(number)
        return not self._inactive or not self._inactive >> self._slot(number) & 1

    def set_active(self, number: int, *, active: bool) -> None:
        """Activate or deactivate record *number*; 6A83 when there is none."""
        self._must_exist(number)
        bit = 1 << self._slot(number)
        self._mark(self._inactive & ~bit if active else self._inactive | bit)

    def identifier(self, number: int) -> int | None:
        """The record identifier: the first byte of a SIMPLE-TLV record, None in other EFs."""
        if not self._structure.is_tlv:
            return None
        return RecordContent.read(self, number)[0]

    def update(self, number: int, data: bytes) -> None:
        """Replace record *number*: 6A83 if there is none, 6985 if deactivated, 6700, 6A84."""
        if not self.is_active(number):
            raise CardError(SW.CONDITIONS_NOT_SATISFIED)
        if self._structure.is_variable:
            records = self._packed()
            records[number - 1] = data
            self._pack(records)
            return
        if len(data) != self._file.record_size:
            raise CardError(SW.WRONG_LENGTH)
        self._region.write(self._memory, self._slot_at(number), data)

    def write(self, number: int, data: bytes) -> None:
        """Combine record *number* with *data* of the same length, as the write behaviour says."""
        old = self.read(number)
        if len(old) != len(data):
            raise CardError(SW.WRONG_LENGTH)
        self.update(number, WriteBehaviour.of(self._file).combine(old, data))

    def append(self, data: bytes) -> int:
        """Add a record and return its number; a full linear EF is 6A84.

        A cyclic EF takes it as the youngest, number 1, over the oldest when it is full.
        """
        if not self._structure.is_variable and len(data) != self._file.record_size:
            raise CardError(SW.WRONG_LENGTH)
        if self._structure.is_cyclic:
            self._turn(data)
            return 1
        if self.count == self._file.record_limit:
            raise CardError(SW.NOT_ENOUGH_MEMORY)
        if self._structure.is_variable:
            self._pack([*self._packed(), data])
        else:
            self.count += 1
            self._region.write(self._memory, 0, bytes([self.count]))
            self._region.write(self._memory, self._slot_at(self.count), data)
        return self.count

    def erase(self, number: int) -> None:
        """Set record *number* to the erased state: its bytes become 00, it still exists."""
        self.update(number, bytes(len(self.read(number))))

    def _turn(self, data: bytes) -> None:
        youngest = self._region.read(self._memory, 1, 1)[0]
        youngest = (youngest + 1) % self._file.record_limit if self.count else 0
        self.count = min(self.count + 1, self._file.record_limit)
        self._region.write(self._memory, 0, bytes([self.count, youngest]))
        self._region.write(self._memory, self._slot_at(1), data)
        self.set_active(1, active=True)

    def _must_exist(self, number: int) -> None:
        if not 1 <= number <= self.count:
            raise CardError(SW.RECORD_NOT_FOUND)

    def _slot(self, number: int) -> int:
        slot = number - 1
        if self._structure.is_cyclic:
            youngest = self._region.read(self._memory, 1, 1)[0]
            slot = (youngest - slot) % self._file.record_limit
        return slot

    def _slot_at(self, number: int) -> int:
        return self._first + self._slot(number) * self._file.record_size

    def _mark(self, inactive: int) -> None:
        self._inactive = inactive
        self._region.write(self._memory, 2, inactive.to_bytes(self._first - 2, "little"))

    def _packed(self) -> list[bytes]:
        body = self._region.read(self._memory, 0, self._region.size)
        records = []
        offset = self._first
        for _ in range(self.count):
            end = offset + 2 + int.from_bytes(body[offset : offset + 2], "big")
            records.append(body[offset + 2 : end])
            offset = end
        return records

    def _pack(self, records: list[bytes]) -> None:
        if any(not 1 <= len(record) <= self._file.record_size for record in records):
            raise CardError(SW.WRONG_LENGTH)
        if sum(map(len, records)) > self._file.size:
            raise CardError(SW.NOT_ENOUGH_MEMORY)
        self.count = len(records)
        self._region.write(self._memory, 0, bytes([self.count]))
        body = b"".join(len(record).to_bytes(2, "big") + record for record in records)
        self._region.write(self._memory, self._first, body)


class PartlyClosedRecords(RecordContent):
    """The records of one EF, some items of which the session may not read."""

    __slots__ = ("_closed",)

    def __init__(self, file: File, memory: Memory, closed: frozenset[int]) -> None:
        super().__init__(file, memory)
        self._closed = closed

    def read(self, number: int) -> bytes:
        """Record *number*; 6A83 when there is none, 6982 when its item is closed."""
        record = super().read(number)
        if record[0] in self._closed:
            raise CardError(SW.SECURITY_STATUS_NOT_SATISFIED)
        return record

    def all(self) -> list[bytes]:
        """Every record in the order of their numbers; 6982 when one is a closed item."""
        return [self.read(number) for number in range(1, self.count + 1)]
