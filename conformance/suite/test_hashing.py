"""HASH: of the whole message, of its parts, of its end, and for the signature that follows."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from conformance.case import case, not_applicable
from conformance.commands import select_path
from conformance.crypto.digests import digest
from conformance.crypto.mechanisms import HASHES, hash_function
from conformance.crypto.rounds import BLOCK, counted, intermediate
from conformance.model.desk import COMPUTES
from conformance.operating import MESSAGE, hashed, hashed_parts, perform, set_template
from conformance.operations import HASH, SIGNATURE
from conformance.suite.finding import OK, some
from conformance.suite.keyring import MESSAGES, NOT_DONE, keys_for, ready, table_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.layout import Key
    from conformance.terminal import Terminal

_AREA = "7816-8/hash"
PART, STATE = 0x80, 0x90
LONG = bytes(range(256))
FROM_THE_MIDDLE = ("SHA-256", "SM3")
"""The hash functions of which the judge can give an intermediate state."""


def _functions(terminal: Terminal) -> Iterator[str]:
    """Each hash function of the card in turn, set."""
    terminal.send(select_path(terminal.layout.master))
    functions = [one for one in table_of(terminal).algorithm if one.tag == HASH]
    for one in functions or not_applicable("no reference of a hash function is declared"):
        command = set_template(HASH, algorithm=bytes.fromhex(one.reference))
        terminal.send(command, expect=OK, because="7816-4/environment/set")
        yield one.mechanism


@case("operation/hash-whole", covers=[f"{_AREA}/whole"])
def test_whole(terminal: Terminal) -> None:
    """Messages of every length around the ends of blocks have their hash codes."""
    because = f"{_AREA}/whole"
    for _ in _functions(terminal):
        for length in (1, 3, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 200):
            terminal.send(hashed(LONG[:length]), expect=OK, because=because, wholly=True)


@case("operation/hash-parts", covers=[f"{_AREA}/parts"])
def test_parts(terminal: Terminal) -> None:
    """However a message is cut into data objects, its hash code is that of the whole."""
    because = f"{_AREA}/parts"
    for _ in _functions(terminal):
        for cuts in ((0, 200), (0, 1, 200), (0, 64, 128, 200), (0, 10, 10, 20, 130)):
            parts = [(PART, LONG[first:last]) for first, last in pairwise(cuts)]
            terminal.send(hashed_parts(*parts), expect=OK, because=because, wholly=True)
            command = hashed_parts((STATE, b""), *parts)
            terminal.send(command, expect=OK, because=because, wholly=True)


@case("operation/hash-chained", covers=[f"{_AREA}/chained"])
def test_chained(terminal: Terminal) -> None:
    """A message in a chain of commands has the hash code of the whole."""
    because = f"{_AREA}/chained"
    for _ in _functions(terminal):
        for cuts in ((0, 1, 60), (0, 64, 128, 200), (0, 120, 240)):
            *first, last = [LONG[start:end] for start, end in pairwise(cuts)]
            for part in first:
                command = replace(hashed(part, None), cla=0x10)
                terminal.send(command, expect=OK, because=because)
            terminal.send(hashed(last), expect=OK, because=because, wholly=True)


@case("operation/hash-last-round", covers=[f"{_AREA}/last-round", f"{_AREA}/bad-state"])
def test_last_round(terminal: Terminal) -> None:
    """The end of a message is hashed behind the state of its beginning, if that is one."""
    names = (name for name in _functions(terminal) if name in FROM_THE_MIDDLE)
    for name in some(names, f"none of {', '.join(FROM_THE_MIDDLE)} is declared"):
        for blocks, rest in ((1, 1), (2, 63), (3, 64), (1, 9)):
            begun = LONG[: blocks * BLOCK]
            state = counted(intermediate(name, begun), begun)
            objects = (STATE, state), (PART, LONG[-rest:])
            because = f"{_AREA}/last-round"
            terminal.send(hashed_parts(*objects), expect=OK, because=because, wholly=True)
            for wrong in (state[1:], state + b"\x00", state[:-1] + b"\x08"):
                command = hashed_parts((STATE, wrong), objects[1])
                terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/bad-state")


@case("operation/hash-malformed", covers=[f"{_AREA}/malformed"])
def test_malformed(terminal: Terminal) -> None:
    """Data objects that are no message, none at all, or cut short are not hashed."""
    for _ in _functions(terminal):
        part = bytes((PART, 3)) + b"abc"
        for data in (b"\x81\x03abc", part + b"\x90\x00", b"\x80\x05abc", part + b"\x83\x01\x81"):
            terminal.send(perform(0x90, 0xA0, data))


def _signing(terminal: Terminal, *, hashing: bool) -> tuple[Key, ...]:
    """Keys that sign what the card hashes, or what the terminal has hashed."""
    keys = keys_for(terminal, "sign", secret=False)
    found = tuple(
        key for key in keys if bool(hash_function(key.implied.get(SIGNATURE, ""))) is hashing
    )
    return found or not_applicable("no such key signs")


@case("operation/hash-no-function", covers=[f"{_AREA}/no-function"])
def test_no_function(terminal: Terminal) -> None:
    """Where nothing says a hash function, nothing is hashed."""
    for key in _signing(terminal, hashing=False):
        terminal.reset()
        ready(terminal, key)
        terminal.send(set_template(SIGNATURE, COMPUTES, key))
        terminal.send(hashed(b"abc"), expect=NOT_DONE, because=f"{_AREA}/no-function")


@case("operation/hash-for-signature", covers=[f"{_AREA}/for-signature", f"{_AREA}/of-terminal"])
def test_for_signature(terminal: Terminal) -> None:
    """What HASH leaves on the card is signed next: its own hash code or one of the terminal."""
    nothing = perform(0x9E, MESSAGE, b"")
    for key in _signing(terminal, hashing=True):
        ready(terminal, key)
        terminal.send(set_template(SIGNATURE, COMPUTES, key))
        for message in MESSAGES[:3]:
            because = f"{_AREA}/for-signature"
            terminal.send(hashed(message, None), expect=OK, because=because)
            terminal.send(nothing, expect=OK, because=because, wholly=True)
        name = hash_function(key.implied[SIGNATURE])
        if name in HASHES and key.algorithm != "SM2":
            because = f"{_AREA}/of-terminal"
            command = hashed_parts((STATE, digest(name, b"by the terminal")), ne=None)
            terminal.send(command, expect=OK, because=because)
            terminal.send(nothing, expect=OK, because=because, wholly=True)
