"""The file system against plain dictionaries: random histories, a model beside the card.

`SIMCARD_HISTORIES` says how many histories are run in all (2,000 when it says nothing), and
`SIMCARD_SEED` with which seed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from file_model import (
    CYCLIC,
    DF,
    FIXED,
    OBJECTS,
    OK,
    RECORDS,
    TRANSPARENT,
    VARIABLE,
    Model,
    Node,
    Refusal,
    coded,
)
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from simcard.apdu import Command
from simcard.commands.call import Call
from simcard.files.data_objects import DataObjectContent
from simcard.files.records import RecordContent
from simcard.files.store import CellStore, LayoutError
from simcard.files.transparent import WriteBehaviour
from simcard.files.tree import Tree
from simcard.profiles import Profile, build_card, load_profile
from simcard.tlv import Tlv

HISTORIES = int(os.environ.get("SIMCARD_HISTORIES", "2000"))
SEED = int(os.environ.get("SIMCARD_SEED", "0"))
SHARDS = 4
STEPS = 25


@lru_cache
def small_card() -> Profile:
    """A card with an MF and little memory, so that it is full soon."""
    return load_profile(str(Path(__file__).parent / "small.toml"))


EF_IDENTIFIERS = st.sampled_from([0x0001, 0x0002, 0x0003, 0x0004, 0x0005, 0x0006, 0x0007])
DF_IDENTIFIERS = st.sampled_from([0x6001, 0x6002])
IDENTIFIERS = EF_IDENTIFIERS | DF_IDENTIFIERS
SOME = st.none() | IDENTIFIERS
PICK = st.sampled_from([None, 0, 0, 0, 1, 2, 3])
OFFSETS = st.sampled_from([0, 1, 2, 7, 30, 31, 32, 199, 200])
DATA = st.binary(min_size=1, max_size=4) | st.sampled_from([bytes(8), b"\xa5" * 8, b"\1" * 31])
NUMBERS = st.integers(0, 4)
TAGS = st.sampled_from([0xC1, 0xC2, 0x5F2D])
SIZES = st.sampled_from([0, 1, 32, 200, 900, 900])
RECORD_SIZES = {0: 3, 1: 8, 32: 3, 200: 40, 900: 300}
RECORD_DATA = st.binary(min_size=3, max_size=3) | DATA
KINDS = st.sampled_from([TRANSPARENT, FIXED, VARIABLE, CYCLIC, OBJECTS])
LIMITS = st.integers(1, 4)


class FileSystem(RuleBasedStateMachine):
    """Each rule sends one command to the card and holds its answer against the model's."""

    def __init__(self) -> None:
        super().__init__()
        self.card = build_card(small_card())
        self.card.power_on()
        self.model = Model(self.free_blocks())

    def free_blocks(self) -> int:
        state = self.card._state
        assert state is not None
        return state.store.free_bytes() // state.store.cell_size

    def agree(self, expected: Callable[[], bytes], *command: Any) -> None:
        sent = bytes(Command(0x00, *command))
        try:
            answer = expected()
        except Refusal as refusal:
            answer = refusal.args[0]
        response = self.card.transmit(sent)
        assert response == answer, f"> {sent.hex()} < {response.hex()} expected {answer.hex()}"

    def go_to(self, pick: int | None, *kinds: int) -> None:
        """Select one of the EFs there are, most often of the right structure; None stays."""
        files = [node for node in self.model.mf.family() if node.kind in kinds]
        if pick is not None and files:
            self._select(files[pick % len(files)])

    def _select(self, node: Node) -> None:
        self.agree(lambda: self.model.select(node), 0xA4, 0x08, 0x0C, node.path)

    # Files

    @initialize(
        kinds=st.lists(KINDS, min_size=1, max_size=5, unique=True),
        limit=LIMITS,
        fillers=st.integers(0, 3),
    )
    def begin(self, kinds: list[int], limit: int, fillers: int) -> None:
        """Some files to begin with; with three fillers there is little room for more."""
        self.create_df(0x6001)
        self.create_ef(TRANSPARENT, 0x0001, sfi=1, size=1, limit=0)
        self.select(0x3F00)
        for identifier in range(1, fillers + 1):
            self.create_ef(TRANSPARENT, identifier, sfi=0, size=900, limit=0)
        for identifier, kind in enumerate(kinds, 4):
            self.create_ef(kind, identifier, sfi=0, size=32, limit=limit)
            if kind in RECORDS:
                for data in (b"\1\2\3", b"\0\0\1", b"\2\0\2"):
                    self.append(None, data)
            elif kind == OBJECTS:
                self.put(None, 0xC1, b"\1")
            else:
                self.write(None, 0, b"\xa5" * 8, combine=False)

    @rule(kind=KINDS, identifier=EF_IDENTIFIERS, sfi=st.integers(0, 3), size=SIZES, limit=LIMITS)
    def create_ef(self, kind: int, identifier: int, sfi: int, size: int, limit: int) -> None:
        if kind in RECORDS:
            node = Node(kind, identifier, None, sfi, RECORD_SIZES[size], limit)
        else:
            node = Node(kind, identifier, None, sfi, size)
        self._create(node)

    @rule(identifier=DF_IDENTIFIERS)
    def create_df(self, identifier: int) -> None:
        self._create(Node(DF, identifier, None))

    def _create(self, node: Node) -> None:
        parameters = node.parameters
        template = bytes([0x62, len(parameters)]) + parameters
        arguments = (node.kind, node.identifier, node.sfi, node.size, node.limit)
        self.agree(lambda: self.model.create(*arguments), 0xE0, 0, 0, template)

    @rule(identifier=IDENTIFIERS | st.just(0x3F00))
    def select(self, identifier: int) -> None:
        data = identifier.to_bytes(2, "big")
        self.agree(lambda: self.model.select(identifier), 0xA4, 0x00, 0x0C, data)

    @rule(pick=st.integers(0, 9))
    def describe(self, pick: int) -> None:
        files = list(self.model.mf.family())[1:]
        if files:
            node = files[pick % len(files)]
            told = node.told + self.model.select(node)
            self.agree(lambda: told, 0xA4, 0x08, 0x04, node.path, 256)

    @rule(identifier=SOME)
    def delete(self, identifier: int | None) -> None:
        self.agree(lambda: self.model.delete(identifier), 0xE4, 0, 0, _named(identifier))

    @rule(identifier=SOME, to=st.sampled_from([(0x04, 0x04), (0x44, 0x05), (0x44, 0x05)]))
    def deactivate_or_activate(self, identifier: int | None, to: tuple[int, int]) -> None:
        ins, state = to
        self.agree(lambda: self.model.transition(identifier, state), ins, 0, 0, _named(identifier))

    @rule(identifier=SOME, kind=st.sampled_from(["ef", "ef", "df"]))
    def terminate(self, identifier: int | None, kind: str) -> None:
        ins = 0xE6 if kind == "df" else 0xE8
        data = _named(identifier)
        self.agree(lambda: self.model.transition(identifier, 0x0C, kind), ins, 0, 0, data)

    @rule(cold=st.booleans())
    def reset(self, cold: bool) -> None:
        if cold:
            self.card.power_off()
        self.card.reset()
        self.model.restart()

    # Bytes

    @rule(pick=PICK, offset=OFFSETS, length=st.sampled_from([1, 4, 33, 256]))
    def read(self, pick: int | None, offset: int, length: int) -> None:
        self.go_to(pick, TRANSPARENT)
        self.agree(lambda: self.model.read(offset, length), 0xB0, 0, offset, b"", length)

    @rule(pick=PICK, offset=OFFSETS, data=DATA, combine=st.booleans())
    def write(self, pick: int | None, offset: int, data: bytes, combine: bool) -> None:
        self.go_to(pick, TRANSPARENT)
        ins = 0xD0 if combine else 0xD6
        self.agree(lambda: self.model.write(offset, data, combine=combine), ins, 0, offset, data)

    @rule(pick=PICK, start=OFFSETS, end=st.none() | OFFSETS)
    def erase(self, pick: int | None, start: int, end: int | None) -> None:
        self.go_to(pick, TRANSPARENT)
        data = b"" if end is None else end.to_bytes(2, "big")
        self.agree(lambda: self.model.erase(start, end), 0x0E, 0, start, data)

    @rule(pick=PICK, offset=OFFSETS, pattern=st.sampled_from([b"\0", b"\0\1", b"\xa5\xa5"]))
    def search(self, pick: int | None, offset: int, pattern: bytes) -> None:
        self.go_to(pick, TRANSPARENT)
        self.agree(lambda: self.model.search(offset, pattern), 0xA0, 0, offset, pattern, 256)

    # Records

    @rule(pick=PICK, number=NUMBERS)
    def read_record(self, pick: int | None, number: int) -> None:
        self.go_to(pick, *RECORDS)
        self.agree(lambda: self.model.read_record(number), 0xB2, number, 0x04, b"", 256)

    @rule(pick=st.sampled_from([None, None, None, 0]), where=st.integers(0, 3))
    def read_beside(self, pick: int | None, where: int) -> None:
        self.go_to(pick, *RECORDS)
        self.agree(lambda: self.model.read_beside(where), 0xB2, 0, where, b"", 256)

    @rule(pick=PICK, data=RECORD_DATA)
    def append(self, pick: int | None, data: bytes) -> None:
        self.go_to(pick, *RECORDS)
        self.agree(lambda: self.model.append(data), 0xE2, 0, 0, data)

    @rule(pick=PICK, number=NUMBERS, data=RECORD_DATA, combine=st.booleans())
    def write_record(self, pick: int | None, number: int, data: bytes, combine: bool) -> None:
        self.go_to(pick, *RECORDS)
        ins = 0xD2 if combine else 0xDC
        expected = lambda: self.model.write_record(number, data, combine=combine)  # noqa: E731
        self.agree(expected, ins, number, 0x04, data)

    @rule(pick=PICK, number=NUMBERS)
    def erase_record(self, pick: int | None, number: int) -> None:
        self.go_to(pick, *RECORDS)
        self.agree(lambda: self.model.erase_record(number), 0x0C, number, 0x04)

    @rule(pick=PICK, number=NUMBERS, active=st.booleans())
    def activate_record(self, pick: int | None, number: int, active: bool) -> None:
        self.go_to(pick, *RECORDS)
        ins = 0x08 if active else 0x06
        self.agree(lambda: self.model.set_active(number, active=active), ins, number, 0x04)

    @rule(pick=PICK, start=NUMBERS, pattern=st.sampled_from([b"\0", b"\1"]), backward=st.booleans())
    def search_record(self, pick: int | None, start: int, pattern: bytes, backward: bool) -> None:
        self.go_to(pick, *RECORDS)
        expected = lambda: self.model.search_record(start, pattern, backward=backward)  # noqa: E731
        self.agree(expected, 0xA2, start, 0x05 if backward else 0x04, pattern, 256)

    # Data objects

    @rule(pick=PICK, tag=TAGS, value=st.just(b"") | DATA)
    def put(self, pick: int | None, tag: int, value: bytes) -> None:
        self.go_to(pick, OBJECTS)
        self.agree(lambda: self.model.put(tag, value), 0xDA, tag >> 8, tag & 0xFF, value)

    @rule(pick=PICK, tag=TAGS, value=DATA, more=st.booleans())
    def put_next_or_update(self, pick: int | None, tag: int, value: bytes, more: bool) -> None:
        self.go_to(pick, OBJECTS)
        change, ins = (self.model.put_next, 0xD8) if more else (self.model.update, 0xDE)
        self.agree(lambda: change(tag, value), ins, tag >> 8, tag & 0xFF, value)

    @rule(pick=PICK, tag=TAGS)
    def delete_data(self, pick: int | None, tag: int) -> None:
        self.go_to(pick, OBJECTS)
        self.agree(lambda: self.model.take(tag), 0xEE, tag >> 8, tag & 0xFF)

    @rule(pick=PICK, tag=TAGS)
    def get(self, pick: int | None, tag: int) -> None:
        self.go_to(pick, OBJECTS)
        self.agree(lambda: self.model.get(tag), 0xCA, tag >> 8, tag & 0xFF, b"", 256)

    @rule(pick=st.sampled_from([None, None, None, 0]))
    def get_next(self, pick: int | None) -> None:
        self.go_to(pick, OBJECTS)
        self.agree(self.model.get_next, 0xCC, 0, 0, b"", 256)

    def teardown(self) -> None:
        """After a power cycle each byte of each file is the model's, and no cell is lost."""
        self.reset(cold=True)
        assert self.free_blocks() == self.model.free
        for node in self.model.mf.family():
            if all(each.state == 0x05 for each in node.lineage()) and node.kind != DF:
                self._select(node)
                self._compare(node)

    def _compare(self, node: Node) -> None:
        if node.kind == TRANSPARENT and node.size:
            self.agree(lambda: bytes(node.content) + OK, 0xB0, 0, 0, b"", 65536)
        elif node.kind in RECORDS and node.records:
            self.agree(self.model.read_all, 0xB2, 1, 0x05, b"", 65536)
        elif node.kind == OBJECTS:
            said = b"".join(coded(*each) for each in node.objects)
            self.agree(lambda: said + OK, 0xCB, 0, 0, b"\x5c\0", 65536)


def _named(identifier: int | None) -> bytes:
    return b"" if identifier is None else identifier.to_bytes(2, "big")


def run(name: str, number: int, histories: int, **options: Any) -> None:
    machine = type(name, (FileSystem,), {})
    run_state_machine_as_test(
        seed(number)(machine),
        settings=settings(
            max_examples=histories,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            **options,
        ),
    )


@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_card_is_the_model(shard: int) -> None:
    run(f"FileSystem{shard}", SEED * SHARDS + shard, -(-HISTORIES // SHARDS))


def forget_the_others(self: DataObjectContent, objects: list[Tlv]) -> None:
    self._store(objects)


def free_the_first_cell(self: CellStore, head: int) -> None:
    self._link(head, 0)


def turn_without_forgetting(self: RecordContent, data: bytes) -> None:
    self.count = min(self.count + 1, self._file.record_limit)
    self._region.write(self._memory, 0, bytes([self.count, self.count - 1]))
    self._region.write(self._memory, self._slot_at(1), data)


FAULTS: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "WRITE replaces": (WriteBehaviour, "combine", lambda _self, _old, new: new),
    "PUT DATA forgets the others": (DataObjectContent, "append", forget_the_others),
    "a cyclic EF does not turn": (RecordContent, "_turn", turn_without_forgetting),
    "DELETE FILE loses cells": (CellStore, "release", free_the_first_cell),
    "DELETE FILE leaves the children": (Tree, "below", lambda _self, _df: iter(())),
    "a deactivated file can be read": (Call, "_must_be_awake", lambda _self, _file: None),
    "a record can have any length": (RecordContent, "_pack", lambda _self, _records: None),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_card_with_a_fault_is_not_the_model(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*FAULTS[fault])
    with pytest.raises((AssertionError, LayoutError)):
        run("Faulty", 0, 1500, phases=[Phase.generate], print_blob=False)
