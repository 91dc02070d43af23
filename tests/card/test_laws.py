"""Laws that any card obeys, held against it over random histories."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import Any

import pytest
from histories import (
    COMMANDS,
    HISTORIES,
    POWER,
    RESET,
    new_card,
    perform,
    perform_all,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simcard.apdu import CLASS_BYTES, Command
from simcard.card import Card
from simcard.files.descriptors import File
from simcard.files.store import CellStore
from simcard.files.tree import Tree
from simcard.memory.journal import Memory
from simcard.state import CardState
from simcard.status import CardError, meaning_of

UNREADABLE = b"\0"
SELECT_MF = bytes.fromhex("00A4000C")
LAWS = settings(
    max_examples=int(os.environ.get("SIMCARD_EXAMPLES", "200")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
CONTINUED = st.lists(COMMANDS, max_size=8)


def sw1(response: bytes) -> int:
    return response[-2]


def is_refusal(response: bytes) -> bool:
    return sw1(response) in {0x64, *range(0x66, 0x70)}


def expected_length(raw: bytes) -> int:
    """Ne of the command, 0 when it has none or is none."""
    try:
        return Command.parse(raw).ne
    except CardError:
        return 0


def described(file: File) -> tuple[Any, ...]:
    return tuple(getattr(file, field.name) for field in fields(File))


def as_values(tree: Tree) -> dict[str, object]:
    """A tree as values that are equal when it is the same tree, whatever led to it."""
    return {
        "files": {cell: described(file) for cell, file in tree.files.items()},
        "children": {cell: set(below) for cell, below in tree.children.items() if below},
        "by_identifier": {key: file.cell for key, file in tree.by_identifier.items()},
        "by_sfi": {key: file.cell for key, file in tree.by_sfi.items()},
        "internal": {key: file.cell for key, file in tree.internal.items()},
        "dormant": tree.dormant,
        "root": tree.root,
    }


def state_of(card: Card) -> CardState:
    state = card._state
    assert state is not None
    return state


def tree_of(card: Card) -> Tree:
    return state_of(card).tree


@given(history=HISTORIES)
@LAWS
def test_an_answer_is_data_and_a_known_status_word(history: list[bytes]) -> None:
    card = new_card()
    for event in history:
        response = perform(card, event)
        if event in (RESET, POWER):
            continue
        assert card.fault is None, event.hex()
        assert 2 <= len(response) <= 2 + expected_length(event), (event.hex(), response.hex())
        assert meaning_of(response) != "status word of no known meaning", response.hex()
        if is_refusal(response):
            assert len(response) == 2, (event.hex(), response.hex())


@given(history=HISTORIES)
@LAWS
def test_only_90_61_63_and_65_change_memory(history: list[bytes]) -> None:
    card = new_card()
    for event in history:
        before = card.flash.image()
        response = perform(card, event)
        if event in (RESET, POWER) or sw1(response) not in {0x90, 0x61, 0x63, 0x65}:
            assert card.flash.image() == before, (event.hex(), response.hex())


@given(history=HISTORIES, following=CONTINUED)
@LAWS
def test_a_refused_command_is_as_good_as_one_that_cannot_be_read(
    history: list[bytes], following: list[bytes]
) -> None:
    card = new_card()
    for event in history:
        twin = card.fork()
        response = perform(card, event)
        if event in (RESET, POWER) or not is_refusal(response):
            continue
        twin.transmit(UNREADABLE)
        assert state_of(card).sessions == state_of(twin).sessions, event.hex()
        assert state_of(card).tree is state_of(twin).tree
        assert perform_all(card.fork(), following) == perform_all(twin, following), event.hex()


@given(history=HISTORIES, seed=st.integers(0, 3))
@LAWS
def test_seed_and_history_decide_every_byte(history: list[bytes], seed: int) -> None:
    one, other = new_card(seed), new_card(seed)
    assert perform_all(one, history) == perform_all(other, history)
    assert one.flash.image() == other.flash.image()


@given(history=HISTORIES, here=CONTINUED, there=CONTINUED)
@LAWS
def test_a_fork_is_the_same_card_and_another_one(
    history: list[bytes], here: list[bytes], there: list[bytes]
) -> None:
    card, alone = new_card(), new_card()
    perform_all(card, history)
    perform_all(alone, history)
    twin = card.fork()
    image = card.flash.image()
    answers = perform_all(twin, there)
    assert card.flash.image() == image
    perform_all(card, here)
    assert answers == perform_all(alone, there)
    assert twin.flash.image() == alone.flash.image()


@given(history=HISTORIES, following=CONTINUED)
@LAWS
def test_a_warm_reset_forgets_as_much_as_a_cold_one(
    history: list[bytes], following: list[bytes]
) -> None:
    warm = new_card()
    perform_all(warm, history)
    cold = warm.fork()
    assert perform(warm, RESET) == perform(cold, POWER)
    assert as_values(tree_of(warm)) == as_values(tree_of(cold))
    assert perform_all(warm, following) == perform_all(cold, following)
    assert warm.flash.image() == cold.flash.image()


@given(history=HISTORIES)
@LAWS
def test_the_tree_in_memory_is_the_tree_in_use(history: list[bytes]) -> None:
    card = new_card()
    for event in history:
        perform(card, event)
        mounted = Tree.mount(CellStore.mount(Memory.mount(card.flash.fork())))
        assert as_values(mounted) == as_values(tree_of(card)), event.hex()


@given(history=HISTORIES)
@LAWS
def test_every_cell_is_free_or_belongs_to_a_file_under_the_mf(history: list[bytes]) -> None:
    card = new_card()
    perform_all(card, history)
    state = state_of(card)
    table, tree = state.store.table(), state.tree
    held = [cell for head in tree.files for cell in state.store.chain(head, table)]
    assert len(held) == len(set(held))
    assert state.store.free_bytes() == (len(table) - len(held)) * state.store.cell_size
    assert {tree.root, *(file.cell for file in tree.below(tree.mf))} == set(tree.files)


@given(history=HISTORIES)
@LAWS
def test_inside_a_chain_there_are_no_warnings(history: list[bytes]) -> None:
    card = new_card()
    for event in history:
        response = perform(card, event)
        class_byte = CLASS_BYTES[event[0]] if event not in (RESET, POWER) and event else None
        if class_byte is not None and class_byte.chained:
            assert sw1(response) not in {0x62, 0x63}, (event.hex(), response.hex())


def test_a_mute_card_says_nothing_until_reset() -> None:
    card = new_card()
    card.fault = RuntimeError("a fault of ours")
    assert card.transmit(SELECT_MF) == b""
    card.reset()
    assert card.transmit(SELECT_MF) == b"\x90\0"


def test_a_card_without_power_takes_no_command() -> None:
    card = new_card()
    card.power_off()
    with pytest.raises(RuntimeError, match="no power"):
        card.transmit(SELECT_MF)
    assert card.reset() == card.atr
    assert card.transmit(SELECT_MF) == b"\x90\0"
