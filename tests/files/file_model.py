"""What the file system of a card is to an outsider: dictionaries, lists and byte strings.

The model knows no pages, no cells and no journal. It says which bytes a command answers and what
it leaves behind. Of the card's layout it knows only what makes a file fit or not: files take whole
blocks of 64 bytes, with a head of twelve.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

OK = bytes.fromhex("9000")
END = bytes.fromhex("6282")
DEACTIVATED, TERMINATED = bytes.fromhex("6283"), bytes.fromhex("6285")
RECORD_DEACTIVATED = bytes.fromhex("6287")
WRONG_LENGTH = bytes.fromhex("6700")
WRONG_STRUCTURE, NOT_NOW, NO_EF = (bytes.fromhex(sw) for sw in ("6981", "6985", "6986"))
NO_FILE, NO_RECORD, NO_ROOM = (bytes.fromhex(sw) for sw in ("6A82", "6A83", "6A84"))
NO_DATA, EXISTS, OUTSIDE = (bytes.fromhex(sw) for sw in ("6A88", "6A89", "6B00"))

BLOCK, HEAD = 64, 12
DF, TRANSPARENT, FIXED, VARIABLE, CYCLIC, OBJECTS = 0x38, 0x01, 0x02, 0x04, 0x06, 0x39
RECORDS = (FIXED, VARIABLE, CYCLIC)


class Refusal(Exception):
    """The status word that ends a command."""


@dataclass
class Record:
    """What a record holds, and whether it may be read and changed."""

    data: bytes
    active: bool = True


def coded(tag: int, value: bytes) -> bytes:
    return tag.to_bytes(1 + (tag > 0xFF), "big") + bytes([len(value)]) + value


@dataclass
class Node:
    """A DF or an EF, with everything that can be said of it."""

    kind: int
    identifier: int
    parent: Node | None
    sfi: int = 0
    size: int = 0
    limit: int = 0
    state: int = 0x05
    children: dict[int, Node] = field(default_factory=dict)
    content: bytearray = field(default_factory=bytearray)
    records: list[Record] = field(default_factory=list)
    objects: list[tuple[int, bytes]] = field(default_factory=list)

    @property
    def descriptor(self) -> bytes:
        if self.kind not in RECORDS:
            return bytes([0x82, 1, self.kind])
        return (
            bytes([0x82, 5, self.kind, 0x41]) + self.size.to_bytes(2, "big") + bytes([self.limit])
        )

    @property
    def short_identifier(self) -> bytes:
        if self.kind == DF:
            return b""
        return bytes([0x88, 1, self.sfi << 3]) if self.sfi else bytes([0x88, 0])

    @property
    def capacity(self) -> int:
        return self.size * self.limit if self.kind in RECORDS else self.size

    @property
    def parameters(self) -> bytes:
        """The value of the FCP template that creates the file."""
        size = b"\x80\2" + self.size.to_bytes(2, "big")
        identifier = b"\x83\2" + self.identifier.to_bytes(2, "big")
        sized = size if self.kind in (TRANSPARENT, OBJECTS) else b""
        return self.descriptor + identifier + sized + self.short_identifier

    @property
    def told(self) -> bytes:
        """The FCP template that SELECT answers."""
        size = b"" if self.kind == DF else b"\x80\2" + self.capacity.to_bytes(2, "big")
        identifier = b"\x83\2" + self.identifier.to_bytes(2, "big")
        state = bytes([0x8A, 1, self.state])
        value = size + self.descriptor + identifier + self.short_identifier + state
        return bytes([0x62, len(value)]) + value

    @property
    def blocks(self) -> int:
        """Blocks of memory the file takes: head, descriptor, short identifier, books, content."""
        states = -(-self.limit // 8)
        lengths = 2 * self.limit if self.kind == VARIABLE else 0
        books = 0 if self.kind in (DF, TRANSPARENT) else 2 + states + lengths
        attributes = len(self.descriptor) + len(self.short_identifier)
        return -(-(HEAD + attributes + books + self.capacity) // BLOCK)

    def lineage(self) -> Iterator[Node]:
        yield self
        if self.parent is not None:
            yield from self.parent.lineage()

    def family(self) -> Iterator[Node]:
        yield self
        for child in self.children.values():
            yield from child.family()

    @property
    def path(self) -> bytes:
        """The path from the MF without the MF's own identifier."""
        return b"".join(node.identifier.to_bytes(2, "big") for node in [*self.lineage()][-2::-1])


class Model:
    """The tree, and where the basic channel stands in it. A refusal leaves both as they were."""

    def __init__(self, free_blocks: int) -> None:
        self.mf = Node(DF, 0x3F00, None)
        self.free = free_blocks
        self.restart()

    def restart(self) -> None:
        self.df, self.ef, self.record, self.place = self.mf, None, 0, None

    df: Node
    ef: Node | None
    record: int
    place: int | None

    def _stand(self, node: Node) -> None:
        self.df = node if node.kind == DF else node.parent or self.mf
        self.ef = None if node.kind == DF else node
        self.record, self.place = 0, None

    def _find(self, identifier: int | None) -> Node:
        """What P1 00 means: the MF, a child, the parent, a DF beside; None the current file."""
        if identifier is None:
            return self.ef or self.df
        above = self.df.parent or self.df
        beside = above.children.get(identifier)
        if identifier == 0x3F00:
            return self.mf
        if identifier in self.df.children:
            return self.df.children[identifier]
        if identifier == above.identifier:
            return above
        if beside is not None and beside.kind == DF:
            return beside
        raise Refusal(NO_FILE)

    def _open(self, *kinds: int) -> Node:
        """The current EF, which is of one of *kinds* and in use with all DFs above it."""
        if self.ef is None:
            raise Refusal(NO_EF)
        if self.ef.kind not in kinds:
            raise Refusal(WRONG_STRUCTURE)
        self._awake(self.ef)
        return self.ef

    @staticmethod
    def _awake(node: Node) -> None:
        if any(each.state != 0x05 for each in node.lineage()):
            raise Refusal(NOT_NOW)

    # Files

    def select(self, node: Node | int) -> bytes:
        node = self._find(node) if isinstance(node, int) else node
        self._stand(node)
        return {0x05: OK, 0x04: DEACTIVATED, 0x0C: TERMINATED}[node.state]

    def create(self, kind: int, identifier: int, sfi: int, size: int, limit: int) -> bytes:
        node = Node(kind, identifier, self.df, sfi, size, limit)
        if identifier in self.df.children or identifier == self.df.identifier:
            raise Refusal(EXISTS)
        if sfi and any(child.sfi == sfi for child in self.df.children.values()):
            raise Refusal(EXISTS)
        self._awake(self.df)
        if node.blocks > self.free:
            raise Refusal(NO_ROOM)
        if kind == TRANSPARENT:
            node.content = bytearray(size)
        self.free -= node.blocks
        self.df.children[identifier] = node
        self._stand(node)
        return OK

    def delete(self, identifier: int | None) -> bytes:
        node = self._find(identifier)
        if node.parent is None:
            raise Refusal(NOT_NOW)
        gone = list(node.family())
        self._stand(node.parent if any(self.df is each for each in gone) else self.df)
        self.free += sum(each.blocks for each in gone)
        del node.parent.children[node.identifier]
        return OK

    def transition(self, identifier: int | None, to: int, kind: str = "any") -> bytes:
        node = self._find(identifier)
        if kind == "df" and node.parent is None:
            raise Refusal(NOT_NOW)
        if kind != "any" and (node.kind == DF) != (kind == "df"):
            raise Refusal(WRONG_STRUCTURE)
        if node.state == 0x0C and to != 0x0C:
            raise Refusal(NOT_NOW)
        node.state = to
        return OK

    # Bytes

    def read(self, offset: int, length: int) -> bytes:
        content = self._bytes(offset)
        data = bytes(content[offset : offset + length])
        return data + (OK if len(data) == length or length == 256 else END)

    def _bytes(self, offset: int) -> bytearray:
        content = self._open(TRANSPARENT).content
        if offset >= len(content):
            raise Refusal(OUTSIDE)
        return content

    def write(self, offset: int, data: bytes, *, combine: bool) -> bytes:
        content = self._bytes(offset)
        end = offset + len(data)
        if end > len(content):
            raise Refusal(NO_ROOM)
        old = content[offset:end] if combine else bytes(len(data))
        content[offset:end] = bytes(a | b for a, b in zip(old, data, strict=True))
        return OK

    def erase(self, start: int, end: int | None) -> bytes:
        content = self._open(TRANSPARENT).content
        end = len(content) if end is None else end
        if not start < end <= len(content):
            raise Refusal(OUTSIDE)
        content[start:end] = bytes(end - start)
        return OK

    def search(self, offset: int, pattern: bytes) -> bytes:
        found = self._bytes(offset).find(pattern, offset)
        return END if found < 0 else found.to_bytes(2, "big") + OK

    # Records

    def _number(self, node: Node, number: int) -> int:
        number = number or self.record
        if not 1 <= number <= len(node.records):
            raise Refusal(NO_RECORD)
        return number

    @staticmethod
    def _told(record: Record) -> bytes:
        return record.data + OK if record.active else RECORD_DEACTIVATED

    def read_record(self, number: int) -> bytes:
        node = self._open(*RECORDS)
        return self._told(node.records[self._number(node, number) - 1])

    def read_beside(self, where: int) -> bytes:
        """First, last, next, previous: 0 to 3."""
        node = self._open(*RECORDS)
        last = len(node.records)
        after = self.record + 1 if self.record else 1
        before = self.record - 1 if self.record else last
        number = (1, last, after, before)[where]
        if not 1 <= number <= last:
            raise Refusal(NO_RECORD)
        self.record = number
        return self._told(node.records[number - 1])

    def read_all(self) -> bytes:
        node = self._open(*RECORDS)
        active = [record.data for record in node.records if record.active]
        return b"".join(active) + (OK if len(active) == len(node.records) else RECORD_DEACTIVATED)

    def append(self, data: bytes) -> bytes:
        node = self._open(*RECORDS)
        if node.kind != VARIABLE and len(data) != node.size:
            raise Refusal(WRONG_LENGTH)
        if node.kind == CYCLIC:
            node.records = [Record(data), *node.records][: node.limit]
            self.record = 1
            return OK
        if len(node.records) == node.limit:
            raise Refusal(NO_ROOM)
        self._fits(node, data)
        node.records.append(Record(data))
        self.record = len(node.records)
        return OK

    @staticmethod
    def _fits(node: Node, data: bytes) -> None:
        if len(data) > node.size or (node.kind != VARIABLE and len(data) != node.size):
            raise Refusal(WRONG_LENGTH)

    def write_record(self, number: int, data: bytes, *, combine: bool) -> bytes:
        node = self._open(*RECORDS)
        record = node.records[self._number(node, number) - 1]
        if combine and len(record.data) != len(data):
            raise Refusal(WRONG_LENGTH)
        if not record.active:
            raise Refusal(NOT_NOW)
        self._fits(node, data)
        old = record.data if combine else bytes(len(data))
        record.data = bytes(a | b for a, b in zip(old, data, strict=True))
        return OK

    def erase_record(self, number: int) -> bytes:
        node = self._open(*RECORDS)
        record = node.records[self._number(node, number) - 1]
        if not record.active:
            raise Refusal(NOT_NOW)
        record.data = bytes(len(record.data))
        return OK

    def set_active(self, number: int, *, active: bool) -> bytes:
        node = self._open(*RECORDS)
        node.records[self._number(node, number) - 1].active = active
        return OK

    def search_record(self, start: int, pattern: bytes, *, backward: bool) -> bytes:
        node = self._open(*RECORDS)
        start = self._number(node, start)
        numbers = range(start, 0, -1) if backward else range(start, len(node.records) + 1)
        records = [(number, node.records[number - 1]) for number in numbers]
        found = [number for number, each in records if each.active and pattern in each.data]
        if not found:
            return END
        self.record = found[0]
        return bytes(found) + OK

    # Data objects

    def _objects(self) -> Node:
        """The current EF if it holds data objects; the DFs of this card hold none."""
        if self.ef is None or self.ef.kind != OBJECTS:
            raise Refusal(NO_DATA)
        return self._open(OBJECTS)

    def _meant(self, node: Node, tag: int) -> int:
        """The current data object if it has the tag, else the first one that has."""
        places = [place for place, (found, _) in enumerate(node.objects) if found == tag]
        if not places:
            raise Refusal(NO_DATA)
        return self.place if self.place in places else places[0]

    @staticmethod
    def _store(node: Node, objects: list[tuple[int, bytes]]) -> None:
        if sum(len(coded(*each)) for each in objects) > node.size:
            raise Refusal(NO_ROOM)
        node.objects = objects

    def put(self, tag: int, value: bytes) -> bytes:
        """PUT DATA: in the place of its namesake, or behind the others; nothing takes it away."""
        node = self._objects()
        if tag not in dict(node.objects):
            self._store(node, [*node.objects, *[(tag, value)][: bool(value)]])
            return OK
        return self.update(tag, value) if value else self.take(tag)

    def put_next(self, tag: int, value: bytes) -> bytes:
        node = self._objects()
        self._store(node, [*node.objects, (tag, value)])
        self.place = len(node.objects) - 1
        return OK

    def update(self, tag: int, value: bytes) -> bytes:
        node = self._objects()
        place = self._meant(node, tag)
        self._store(node, [*node.objects[:place], (tag, value), *node.objects[place + 1 :]])
        return OK

    def take(self, tag: int) -> bytes:
        node = self._objects()
        del node.objects[self._meant(node, tag)]
        self.place = None
        return OK

    def get(self, tag: int) -> bytes:
        node = self._objects()
        self.place = self._meant(node, tag)
        return node.objects[self.place][1] + OK

    def get_next(self) -> bytes:
        node = self._objects()
        following = 0 if self.place is None else self.place + 1
        if following >= len(node.objects):
            raise Refusal(NO_DATA)
        self.place = following
        return coded(*node.objects[following]) + OK
