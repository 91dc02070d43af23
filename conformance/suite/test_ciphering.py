"""ENCIPHER and DECIPHER, with keys of block ciphers and with pairs."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from conformance.case import case, require
from conformance.crypto.blocks import BLOCK_SIZE
from conformance.crypto.mechanisms import (
    SM2_OVERHEAD,
    Public,
    enciphered,
    enciphered_for,
)
from conformance.model.desk import COMPUTES, VERIFIES
from conformance.model.operations.ciphering import INDICATED
from conformance.operating import FORMS, algorithms, decipher, encipher, flipped, set_template
from conformance.operations import CONFIDENTIALITY
from conformance.suite.finding import OK, some
from conformance.suite.keyring import MESSAGES, NOT_DONE, keys_for, ready, table_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.layout import Key
    from conformance.terminal import Terminal

_AREA = "7816-8/cipher"
CHANCE = 0x1234567890ABCDEF1234567890ABCDEF1234567890ABCDEF


def _block_keys(terminal: Terminal, usage: str, side: int) -> Iterator[tuple[Key, str]]:
    """Each key of a block cipher with each of its modes, set."""
    table = table_of(terminal)
    for key in keys_for(terminal, usage, secret=True):
        ready(terminal, key)
        for reference, mechanism in algorithms(table, key, CONFIDENTIALITY):
            terminal.send(set_template(CONFIDENTIALITY, side, key, reference))
            yield key, mechanism


def _messages(key: Key, mechanism: str) -> tuple[bytes, ...]:
    """Messages that *mechanism* can encipher."""
    if mechanism.endswith("/2"):
        return MESSAGES[:4]
    size = BLOCK_SIZE[key.algorithm]
    return bytes(range(size)), bytes(3 * size)


def _made(terminal: Terminal, key: Key, mechanism: str, message: bytes) -> bytes:
    """The cryptogram as the judge makes it."""
    value = terminal.keys.secrets[key.name]
    return enciphered(mechanism, key.algorithm, value, message, b"")


@case("operation/encipher", covers=[f"{_AREA}/encipher"])
def test_encipher(terminal: Terminal) -> None:
    """Every mode and every form of the cryptogram is what the key and the message give."""
    because = f"{_AREA}/encipher"
    for key, mechanism in _block_keys(terminal, "encipher", VERIFIES):
        for form, message in product(FORMS, _messages(key, mechanism)):
            command = encipher(message, form)
            terminal.send(command, expect=OK, because=because, wholly=True)


@case("operation/decipher", covers=[f"{_AREA}/decipher"])
def test_decipher(terminal: Terminal) -> None:
    """What the terminal enciphered comes back, also where the indicator says how it was padded."""
    because = f"{_AREA}/decipher"
    for key, mechanism in _block_keys(terminal, "decipher", COMPUTES):
        indicator = b"\x01" if mechanism.endswith("/2") else b"\x02"
        for message in _messages(key, mechanism):
            block = _made(terminal, key, mechanism, message)
            for command in (decipher(block), decipher(indicator + block, INDICATED)):
                terminal.send(command, expect=OK, because=because, wholly=True)


@case("operation/initial-value", covers=[f"{_AREA}/initial-value"])
def test_initial_value(terminal: Terminal) -> None:
    """The chain begins where data object 87 says."""
    because = f"{_AREA}/initial-value"
    chains = (
        key
        for key in keys_for(terminal, "encipher", secret=True)
        if key.implied.get(CONFIDENTIALITY, "").startswith("cbc")
    )
    for key in some(chains, "no key enciphers in a chain of blocks by itself"):
        ready(terminal, key)
        size = BLOCK_SIZE[key.algorithm]
        for first in (0x00, 0x80, 0xFF):
            initial = bytes((first,)) * (size - 1) + b"\x01"
            command = set_template(CONFIDENTIALITY, key=key, initial=initial)
            terminal.send(command, expect=OK, because="7816-4/environment/set")
            command = encipher(bytes(range(2 * size)))
            for _ in range(2):  # the second command begins where the first did
                made = terminal.send(command, expect=OK, because=because, wholly=True).data
            for _ in range(2) if "decipher" in key.usage else ():
                terminal.send(decipher(made), expect=OK, because=because, wholly=True)


@case(
    "operation/cipher-refused",
    covers=[f"{_AREA}/length", f"{_AREA}/bad-padding", f"{_AREA}/indicator"],
)
def test_refused(terminal: Terminal) -> None:
    """Parts of blocks, cryptograms without padding, and unknown indicators give nothing."""
    for key, mechanism in _block_keys(terminal, "encipher", VERIFIES):
        if mechanism.endswith("/none"):
            command = encipher(bytes(BLOCK_SIZE[key.algorithm] + 1))
            terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/length")
    for key, mechanism in _block_keys(terminal, "decipher", COMPUTES):
        size = BLOCK_SIZE[key.algorithm]
        command = decipher(bytes(size + 1))
        terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/length")
        mode, _, way = mechanism.partition("/")
        block = _made(terminal, key, f"{mode}/none", bytes(size))
        if way == "2":
            terminal.send(decipher(block), expect=NOT_DONE, because=f"{_AREA}/bad-padding")
        command = decipher(b"\x7f" + block, INDICATED)
        terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/indicator")


def _pairs(terminal: Terminal, *usages: str) -> Iterator[Key]:
    """Each key of a pair for *usages*, set to encipher, and to decipher where it may."""
    for key in keys_for(terminal, *usages, secret=False):
        ready(terminal, key)
        terminal.send(set_template(CONFIDENTIALITY, VERIFIES, key))
        if "decipher" in key.usage:
            terminal.send(set_template(CONFIDENTIALITY, COMPUTES, key))
        yield key


@case(
    "operation/cipher-public",
    covers=[f"{_AREA}/asymmetric-length", f"{_AREA}/fresh"],
)
def test_public(terminal: Terminal) -> None:
    """Under a public key a message gives another cryptogram each time."""
    for _ in _pairs(terminal, "encipher"):
        for message in (b"same", b"same", b"x"):
            because = f"{_AREA}/asymmetric-length"
            terminal.send(encipher(message), expect=OK, because=because)


@case("operation/cipher-round-trip", covers=[f"{_AREA}/round-trip"])
def test_round_trip(terminal: Terminal) -> None:
    """What the card enciphers it deciphers again."""
    because = f"{_AREA}/round-trip"
    for key in _pairs(terminal, "encipher", "decipher"):
        for message in (b"x", b"\x00" * 5, bytes(range(40)))[: 2 if key.algorithm == "SM2" else 3]:
            made = terminal.send(encipher(message), expect=OK, because=because).data
            terminal.send(decipher(made), expect=OK, because=because, wholly=True)


@case("operation/cipher-for-card", covers=[f"{_AREA}/for-card", f"{_AREA}/damaged"])
def test_for_card(terminal: Terminal) -> None:
    """What the terminal enciphers the card deciphers, and what is damaged on the way it refuses."""
    for key in _pairs(terminal, "decipher"):
        public = Public(key.algorithm, key.public, key.exponent)
        for message in (b"\x00", b"for the card alone"):
            block = enciphered_for(public, message, CHANCE)
            because = f"{_AREA}/for-card"
            answer = terminal.send(decipher(block), expect=OK, because=because)
            require(answer.data == message, because, "another message came out")
        rsa = key.algorithm == "RSA"
        wrong = b"\xff" * len(block) if rsa else flipped(block, SM2_OVERHEAD - 1)
        terminal.send(decipher(wrong), expect=NOT_DONE, because=f"{_AREA}/damaged")
