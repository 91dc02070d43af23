"""Histories for tearing: seeded rows of commands drawn from what the profile of a card offers.

A history enters a DF, proves most of the PINs it finds there, and then mostly writes: bytes,
records, data objects, reference data, files made and taken away, life cycles. It knows the card
only as its profile shows it. What the card refuses is no loss: it must change nothing either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Final, NamedTuple

from simcard.apdu import Command
from simcard.files.descriptors import Structure
from simcard.profiles.profile import Profile
from simcard.profiles.schema import STRUCTURES, FileTable, ProfileTables
from simcard.script import Action, Step
from simcard.security.pboc import KeyType
from simcard.tlv import encode

_ACTS_SHORTEST, _ACTS_LONGEST = 5, 9
"""How many acts follow the opening; an act is one to four commands."""
_FIRST_IDENTIFIER: Final = 0x1000
_TAGS: Final = (0xC1, 0xC2, 0x5F2D, 0xC9, 0x5F50)


def history(profile: Profile, seed: int, number: int) -> list[Step]:
    """History *number* of *seed*: the same steps for ever."""
    narrator = _Narrator(profile, Random(f"{seed}/{number}"))
    return [
        Step(line, Action.RESET) if command is None else Step(line, Action.COMMAND, bytes(command))
        for line, command in enumerate(narrator.tell(), 1)
    ]


Told = Iterator[Command | None]
"""What an act does: commands, and None for a reset."""


class _Secret(NamedTuple):
    """A PIN or a key: the DF it belongs to, how P2 names it, its value, and what unblocks it."""

    df: str
    number: int
    value: bytes = b""
    unblocked_by: int | None = None


def _pins(tables: ProfileTables) -> list[_Secret]:
    pins = [
        _Secret(
            each.df,
            each.reference[0],
            each.value,
            each.unblocked_by[0] if each.unblocked_by else None,
        )
        for each in tables.reference_data
    ]
    family = (each for each in tables.pboc_key if each.key_type is KeyType.PIN)
    return pins + [_Secret(each.df, each.id[0], each.hex) for each in family]


def _keys(tables: ProfileTables) -> list[_Secret]:
    family = (each for each in tables.pboc_key if each.key_type is not KeyType.PIN)
    return [_Secret(each.df, each.reference[0]) for each in tables.key] + [
        _Secret(each.df, each.id[0]) for each in family
    ]


class _Narrator:
    """Draws one history; remembers where it stands, what it made and which PINs it set."""

    def __init__(self, profile: Profile, chance: Random) -> None:
        self._tables = profile.tables
        self._chance = chance
        self._here = profile.tables.file[0]
        self._made: list[int] = []
        self._next_identifier = _FIRST_IDENTIFIER
        self._pins, self._keys = _pins(profile.tables), _keys(profile.tables)
        self._values = {pin: pin.value for pin in self._pins}

    def tell(self) -> Told:
        """The whole history."""
        yield from self.enter()
        for pin in self._visible(self._pins):
            if self._chance.random() < 0.8:
                yield self._verify(pin, self._values[pin])
        for _ in range(self._chance.randint(_ACTS_SHORTEST, _ACTS_LONGEST)):
            (act,) = self._chance.choices(list(_ACTS), list(_ACTS.values()))
            yield from act(self)

    # Where it stands and what is there

    def enter(self) -> Told:
        self._here = self._chance.choice([file for file in self._tables.file if file.type == "df"])
        self._made = []
        if self._here.name and self._chance.random() < 0.5:
            yield Command(0, 0xA4, 0x04, 0x0C, self._here.name)
        elif not self._here.parent:
            yield Command(0, 0xA4, 0x00, 0x0C)
        else:
            path = "".join(self._here.path.split("/")[1:])
            yield Command(0, 0xA4, 0x08, 0x0C, bytes.fromhex(path))

    def _files(self, *structures: Structure) -> list[FileTable]:
        return [
            file
            for file in self._tables.file
            if file.parent == self._here.path and STRUCTURES.get(file.type) in structures
        ]

    def _visible(self, secrets: list[_Secret]) -> list[_Secret]:
        """Those of the MF, and of this DF and the ones above it."""
        return [each for each in secrets if f"{self._here.path}/".startswith(f"{each.df}/")]

    def _choose(self, file: FileTable) -> tuple[list[Command], int]:
        """How to address an EF: select it and say 0, or say its short identifier."""
        if file.sfi and self._chance.random() < 0.5:
            return [], file.sfi
        return [Command(0, 0xA4, 0x02, 0x0C, file.identifier.to_bytes(2, "big"))], 0

    def _bytes(self, most: int) -> bytes:
        """Usually few bytes, sometimes enough for several pages."""
        few = self._chance.random() < 0.5
        length = self._chance.randint(1, max(1, min(most, 16 if few else most)))
        return self._chance.randbytes(length)

    # Content

    def write_bytes(self) -> Told:
        files = self._files(Structure.TRANSPARENT)
        if not files:
            return
        file = self._chance.choice(files)
        before, sfi = self._choose(file)
        yield from before
        for _ in range(self._chance.randint(1, 2)):
            offset = self._chance.randrange(min(file.size, 256) if sfi else file.size)
            p1, p2 = (0x80 | sfi, offset) if sfi else (offset >> 8, offset & 0xFF)
            ins = self._chance.choice((0xD6, 0xD6, 0xD6, 0xD0, 0x0E))
            room = min(file.size - offset, self._tables.limits.command_data_max)
            yield Command(0, ins, p1, p2, b"" if ins == 0x0E else self._bytes(room))

    def write_records(self) -> Told:
        files = self._files(*(each for each in Structure if each.has_records))
        if not files:
            return
        file = self._chance.choice(files)
        before, sfi = self._choose(file)
        yield from before
        for _ in range(self._chance.randint(1, 2)):
            number = self._chance.randint(1, file.records)
            ins = self._chance.choice((0xDC, 0xDC, 0xE2, 0xE2, 0xD2, 0x0C))
            data = b"" if ins == 0x0C else self._record(file)
            appends = ins == 0xE2
            yield Command(0, ins, 0 if appends else number, sfi << 3 | (0 if appends else 4), data)

    def _record(self, file: FileTable) -> bytes:
        structure = STRUCTURES[file.type]
        length = file.record_size
        if structure.is_variable:
            length = self._chance.randint(min(3, length), length)
        data = self._chance.randbytes(length)
        if structure.is_tlv and length < 0xFF:
            data = bytes([self._chance.randint(1, 9), max(0, length - 2)]) + data[2:]
        return data

    def put_object(self) -> Told:
        files = self._files(Structure.DATA_OBJECTS)
        if files and self._chance.random() < 0.7:
            identifier = self._chance.choice(files).identifier
            yield Command(0, 0xA4, 0x02, 0x0C, identifier.to_bytes(2, "big"))
        tag = self._chance.choice(_TAGS)
        data = b"" if self._chance.random() < 0.2 else self._bytes(80)
        yield Command(0, 0xDA, tag >> 8, tag & 0xFF, data)

    def read(self) -> Told:
        yield Command(0, 0xB0, 0, 0, b"", 256)

    def reset(self) -> Told:
        yield None
        yield from self.enter()

    # Reference data and keys

    def _verify(self, pin: _Secret, value: bytes) -> Command:
        return Command(0, 0x20, 0, pin.number, value)

    def guess(self) -> Told:
        pins = self._visible(self._pins)
        if not pins:
            return
        pin = self._chance.choice(pins)
        right = self._values[pin]
        yield self._verify(pin, self._chance.choice((right, _wrong(right))))

    def manage_pin(self) -> Told:
        pins = self._visible(self._pins)
        if not pins:
            return
        pin = self._chance.choice(pins)
        right = self._values[pin]
        kind = self._chance.choice((0x24, 0x2C, 0x26, 0x28))
        if kind == 0x24:
            new = _wrong(right)
            if self._chance.random() < 0.7:
                self._values[pin] = new
                yield Command(0, 0x24, 0, pin.number, right + new)
            else:
                yield Command(0, 0x24, 0, pin.number, new + right)
        elif kind == 0x2C:
            code = next((each for each in pins if each.number == pin.unblocked_by), None)
            if code is not None:
                yield Command(0, 0x2C, 1, pin.number, self._values[code])
        else:
            yield Command(0, kind, 0, pin.number, right)

    def use_key(self) -> Told:
        keys = self._visible(self._keys)
        if not keys:
            return
        number = self._chance.choice(keys).number
        block = self._chance.choice((8, 16))
        if self._chance.random() < 0.5:
            yield Command(0, 0x88, 0, number, self._chance.randbytes(block), 256)
        else:
            yield Command(0, 0x84, 0, 0, b"", block)
            yield Command(0, 0x82, 0, number, self._chance.randbytes(block))

    # Files

    def make(self) -> Told:
        identifier = self._next_identifier
        self._next_identifier += 1
        self._made.append(identifier)
        name = encode(0x83, identifier.to_bytes(2, "big"))
        kind = self._chance.choice(("bytes", "bytes", "records", "df"))
        if kind == "df":
            yield _create(encode(0x82, b"\x38") + name)
            yield _create(encode(0x82, b"\x01") + encode(0x83, b"\x00\x01") + encode(0x80, b"\x20"))
            yield Command(0, 0xA4, 0x03, 0x0C)
        elif kind == "bytes":
            size = self._chance.choice((10, 60, 300, 1500))
            yield _create(encode(0x82, b"\x01") + name + encode(0x80, size.to_bytes(2, "big")))
            yield Command(0, 0xD6, 0, 0, self._bytes(min(size, 200)))
        else:
            yield _create(encode(0x82, b"\x02\x41\x00\x08\x05") + name)
            yield Command(0, 0xE2, 0, 0, self._chance.randbytes(8))

    def take_away(self) -> Told:
        if self._made:
            identifier = self._made.pop(self._chance.randrange(len(self._made)))
            yield Command(0, 0xE4, 0, 0, identifier.to_bytes(2, "big"))

    def change_life(self) -> Told:
        known = [file.identifier for file in self._tables.file if file.parent == self._here.path]
        if not known:
            return
        own = self._made if self._made and self._chance.random() < 0.5 else known
        identifier = self._chance.choice(own).to_bytes(2, "big")
        yield Command(0, 0x04, 0, 0, identifier)
        yield Command(0, 0xE8 if self._chance.random() < 0.2 else 0x44, 0, 0, identifier)


_ACTS: Final[dict[Callable[[_Narrator], Told], int]] = {
    _Narrator.write_bytes: 26,
    _Narrator.write_records: 26,
    _Narrator.put_object: 12,
    _Narrator.guess: 12,
    _Narrator.manage_pin: 8,
    _Narrator.use_key: 5,
    _Narrator.make: 10,
    _Narrator.take_away: 7,
    _Narrator.change_life: 8,
    _Narrator.enter: 5,
    _Narrator.read: 3,
    _Narrator.reset: 2,
}
"""What a history does, and how often in about 120 acts."""


def _wrong(value: bytes) -> bytes:
    """Another value of the same length and, for digits, of the same encoding."""
    return value[:-1] + bytes([value[-1] ^ 1])


def _create(parameters: bytes) -> Command:
    return Command(0, 0xE0, 0, 0, encode(0x62, parameters))
