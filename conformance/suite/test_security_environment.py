"""MANAGE SECURITY ENVIRONMENT: what is set, replaced, kept apart, stored, and gone again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import case, not_applicable
from conformance.commands import select_path
from conformance.model.desk import COMPUTES
from conformance.operating import (
    BOTH,
    ERASE,
    RESTORE,
    STORE,
    algorithms,
    compute_checksum,
    encipher,
    environment,
    hashed,
    right_checksum,
    set_template,
    verify_checksum,
)
from conformance.operations import CHECKSUM, CONFIDENTIALITY, HASH, SIGNATURE
from conformance.suite.finding import OK, some
from conformance.suite.keyring import NOT_CHOSEN, NOT_DONE, keys_for, ready, table_of, uncounted
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.layout import Key
    from conformance.terminal import Terminal

_AREA = "7816-4/environment"
TEXT = b"what is it worth"
ABSENT = 0xFD
"""The number of a key that hardly any card has."""


def _two(terminal: Terminal) -> tuple[Key, Key]:
    """Two keys for checksums in one DF."""
    found = uncounted(terminal, "checksum")
    for first in found:
        for second in found:
            if first is not second and first.df is second.df:
                return first, second
    return not_applicable("there are no two keys for checksums in one DF")


def _one(terminal: Terminal) -> Key:
    """A key for checksums, its DF current and the template set."""
    key = uncounted(terminal, "checksum")[0]
    ready(terminal, key)
    terminal.send(set_template(CHECKSUM, key=key), expect=OK, because=f"{_AREA}/set")
    return key


def _computes(terminal: Terminal, rule: str) -> None:
    """The checksum comes from the key that the model says."""
    because = f"{_AREA}/{rule}"
    terminal.send(compute_checksum(TEXT), expect=OK, because=because, wholly=True)


@case("mse/set", covers=[f"{_AREA}/set"])
def test_set(terminal: Terminal) -> None:
    """Every key is set with every algorithm that is its own."""
    table = table_of(terminal)
    own = (
        (key, template, algorithm)
        for key in terminal.layout.keys
        for template in (CHECKSUM, SIGNATURE, CONFIDENTIALITY)
        for algorithm, _ in algorithms(table, key, template)
    )
    for key, template, algorithm in some(own, "no key has an algorithm of these templates"):
        terminal.send(select_path(key.df))
        command = set_template(template, key=key, algorithm=algorithm)
        terminal.send(command, expect=OK, because=f"{_AREA}/set")


@case("mse/replaces", covers=[f"{_AREA}/replaces"])
def test_replaces(terminal: Terminal) -> None:
    """The key that was set last is used, and none from before."""
    first, second = _two(terminal)
    ready(terminal, first)
    for key in (first, second, first):
        terminal.send(set_template(CHECKSUM, key=key), expect=OK, because=f"{_AREA}/replaces")
        _computes(terminal, "replaces")


@case("mse/templates-apart", covers=[f"{_AREA}/templates-apart"])
def test_templates_apart(terminal: Terminal) -> None:
    """A template for confidentiality leaves that for checksums alone."""
    because = f"{_AREA}/templates-apart"
    first = _one(terminal)
    ciphers = uncounted(terminal, "encipher")
    others = [key for key in ciphers if key.df is first.df and key is not first]
    for other in others or not_applicable("there is no other key in the same DF"):
        terminal.send(set_template(CONFIDENTIALITY, key=other), expect=OK, because=because)
        _computes(terminal, "templates-apart")
        terminal.send(encipher(TEXT), expect=OK, because=because, wholly=True)


@case("mse/sides-apart", covers=[f"{_AREA}/sides-apart"])
def test_sides_apart(terminal: Terminal) -> None:
    """What is set for computation alone does not verify."""
    key = uncounted(terminal, "checksum")[0]
    ready(terminal, key)
    terminal.send(set_template(CHECKSUM, COMPUTES, key))
    command = verify_checksum(TEXT, right_checksum(terminal.keys, key, TEXT))
    terminal.send(command, expect=NOT_CHOSEN, because=f"{_AREA}/sides-apart")
    _computes(terminal, "sides-apart")


@case("mse/unknown-key", covers=[f"{_AREA}/unknown-key"])
def test_unknown_key(terminal: Terminal) -> None:
    """No operation is carried out with a key that is not there."""
    key = uncounted(terminal, "checksum")[0]
    ready(terminal, key)
    for tag in (0x83, 0x84):
        data = bytes((tag, 0x01, ABSENT))
        terminal.send(CommandAPDU(0x00, 0x22, BOTH | 1, CHECKSUM, data))
        command = compute_checksum(TEXT)
        terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/unknown-key")


@case(
    "mse/malformed",
    covers=[f"{_AREA}/malformed", f"{_AREA}/reserved-parameters", f"{_AREA}/without-data"],
)
def test_malformed(terminal: Terminal) -> None:
    """Templates that are cut short, empty, or for no purpose are refused."""
    key = uncounted(terminal, "checksum")[0]
    ready(terminal, key)
    good = bytes((0x83, 0x01, key.number))
    for data in (good[:1], good[:2], bytes((0x83, 0x05, key.number)), good + b"\x80\x01"):
        terminal.send(CommandAPDU(0x00, 0x22, BOTH | 1, CHECKSUM, data))
    for p1, p2 in ((0x00, CHECKSUM), (0x4A, CHECKSUM), (0xC1, 0x55), (0xC1, 0x00), (0x01, HASH)):
        terminal.send(CommandAPDU(0x00, 0x22, p1, p2, good))
    for template in (CHECKSUM, SIGNATURE):
        terminal.send(CommandAPDU(0x00, 0x22, BOTH | 1, template))


@case("mse/refused-keeps", covers=[f"{_AREA}/refused-keeps"])
def test_refused_keeps(terminal: Terminal) -> None:
    """After every kind of refusal the key that was set is still the one that is used."""
    key = _one(terminal)
    broken = [
        CommandAPDU(0x00, 0x22, BOTH | 1, CHECKSUM, bytes((0x83, 0x05, key.number))),
        CommandAPDU(0x00, 0x22, BOTH | 1, CHECKSUM),
        CommandAPDU(0x00, 0x22, BOTH | 1, 0x55, bytes((0x83, 0x01, key.number))),
    ]
    if table_of(terminal).missing_key == "set":
        broken.append(set_template(CHECKSUM, key=ABSENT))
    for command in broken:
        terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/malformed")
        _computes(terminal, "refused-keeps")


@case("mse/reset-clears", covers=[f"{_AREA}/reset-clears"])
def test_reset_clears(terminal: Terminal) -> None:
    """After a reset no key is set."""
    key = _one(terminal)
    _computes(terminal, "set")
    terminal.reset()
    terminal.send(select_path(key.df))
    command = compute_checksum(TEXT)
    terminal.send(command, expect=NOT_CHOSEN, because=f"{_AREA}/reset-clears")


@case("mse/df-clears", covers=[f"{_AREA}/df-clears"])
def test_df_clears(terminal: Terminal) -> None:
    """The environment does not come back with the DF that it was set in."""
    key = _one(terminal)
    terminal.send(select_path(terminal.layout.master))
    terminal.send(select_path(key.df))
    command = compute_checksum(TEXT)
    terminal.send(command, expect=NOT_CHOSEN, because=f"{_AREA}/df-clears")


@case("mse/channels-apart", covers=[f"{_AREA}/channels-apart"])
def test_channels_apart(terminal: Terminal) -> None:
    """What is set on the basic channel is not set on another, and stays set on its own."""
    because = f"{_AREA}/channels-apart"
    key = _one(terminal)
    terminal.send(CommandAPDU(0x00, 0x70, 0x00, 0x01), expect=OK, because=because)
    terminal.send(replace(select_path(key.df), cla=0x01))
    command = replace(compute_checksum(TEXT), cla=0x01)
    terminal.send(command, expect=NOT_CHOSEN, because=because)
    _computes(terminal, "channels-apart")


def _home(terminal: Terminal) -> tuple[tuple[int, ...], tuple[bytes, ...]]:
    """The DF for files of the judge is current; free numbers, and references of hash functions."""
    table, scratch = table_of(terminal), terminal.statement.scratch
    home = terminal.layout.by_path(scratch.df) if scratch is not None else None
    numbers = tuple(int(digits, 16) for digits in table.stored)
    functions = [bytes.fromhex(one.reference) for one in table.algorithm if one.tag == HASH]
    if home is None or not numbers or len(functions) < 2:
        not_applicable("no number of a stored environment is given free, or no hash functions")
    terminal.send(select_path(home))
    return numbers, tuple(functions)


def _hashes(terminal: Terminal, rule: str) -> None:
    terminal.send(hashed(TEXT), expect=OK, because=f"{_AREA}/{rule}", wholly=True)


@case("mse/store", covers=[f"{_AREA}/store", f"{_AREA}/restore"], risk=Risk.RESTORE)
def test_store(terminal: Terminal) -> None:
    """A stored environment comes back whole, after a reset, and instead of another one."""
    (number, *_), functions = _home(terminal)
    store, restore = environment(STORE, number), environment(RESTORE, number)
    for function in functions[:2]:
        terminal.send(set_template(HASH, algorithm=function))
        terminal.send(store, expect=OK, because=f"{_AREA}/store")
        terminal.reset()
        _home(terminal)
        terminal.send(restore, expect=OK, because=f"{_AREA}/store")
        _hashes(terminal, "store")
        other = next(one for one in functions if one != function)
        terminal.send(set_template(HASH, algorithm=other))
        terminal.send(restore, expect=OK, because=f"{_AREA}/restore")
        _hashes(terminal, "restore")
    terminal.send(environment(ERASE, number))


@case(
    "mse/restore-unknown",
    covers=[f"{_AREA}/restore-unknown", f"{_AREA}/erase", f"{_AREA}/erase-unknown"],
    risk=Risk.RESTORE,
)
def test_restore_unknown(terminal: Terminal) -> None:
    """What was never stored, or erased, is neither restored nor erased."""
    (number, *_), functions = _home(terminal)
    restore, erase = environment(RESTORE, number), environment(ERASE, number)
    terminal.send(set_template(HASH, algorithm=functions[1]))
    terminal.send(restore, expect=NOT_DONE, because=f"{_AREA}/restore-unknown")
    _hashes(terminal, "restore-unknown")
    terminal.send(erase, expect=NOT_DONE, because=f"{_AREA}/erase-unknown")
    terminal.send(environment(STORE, number), expect=OK, because=f"{_AREA}/store")
    terminal.send(erase, expect=OK, because=f"{_AREA}/erase")
    terminal.send(restore, expect=NOT_DONE, because=f"{_AREA}/erase")
    terminal.reset()
    _home(terminal)
    terminal.send(restore, expect=NOT_DONE, because=f"{_AREA}/erase")


@case("mse/every-key", covers=[f"{_AREA}/replaces", f"{_AREA}/set"])
def test_every_key(terminal: Terminal) -> None:
    """Keys are set in turn, and each computes as itself."""
    for key in keys_for(terminal, "checksum", secret=True):
        ready(terminal, key)
        terminal.send(set_template(CHECKSUM, COMPUTES, key))
        _computes(terminal, "replaces")
