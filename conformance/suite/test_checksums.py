"""COMPUTE and VERIFY CRYPTOGRAPHIC CHECKSUM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.case import case
from conformance.crypto.blocks import BLOCK_SIZE
from conformance.crypto.mechanisms import checksum
from conformance.model.desk import COMPUTES, VERIFIES
from conformance.operating import (
    CODE,
    PLAIN,
    algorithms,
    compute_checksum,
    flipped,
    perform,
    set_template,
    verify_checksum,
)
from conformance.operations import CHECKSUM
from conformance.suite.finding import OK, some
from conformance.suite.keyring import MESSAGES, NOT_DONE, ready, table_of, uncounted
from conformance.tlv import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.layout import Key
    from conformance.terminal import Terminal

_AREA = "7816-8/checksum"


def _keys(terminal: Terminal, side: int) -> Iterator[tuple[Key, str]]:
    """Each key that counts nothing with each of its algorithms, set."""
    table = table_of(terminal)
    for key in uncounted(terminal, "checksum"):
        ready(terminal, key)
        for reference, mechanism in algorithms(table, key, CHECKSUM):
            terminal.send(set_template(CHECKSUM, side, key, reference))
            yield key, mechanism


def _messages(key: Key, mechanism: str) -> tuple[bytes, ...]:
    """Messages that *mechanism* can be computed over."""
    if not mechanism.endswith("/none"):
        return MESSAGES
    size = BLOCK_SIZE[key.algorithm]
    return bytes(range(size)), bytes(4 * size)


def _right(terminal: Terminal, key: Key, mechanism: str, message: bytes) -> bytes:
    """The checksum as the judge computes it."""
    return checksum(mechanism, key.algorithm, terminal.keys.secrets[key.name], message, b"")


@case("operation/checksum-right", covers=[f"{_AREA}/right"])
def test_right(terminal: Terminal) -> None:
    """Checksums with every key, algorithm and padding are those of the judge's own computation."""
    for key, mechanism in _keys(terminal, COMPUTES):
        for message in _messages(key, mechanism):
            command = compute_checksum(message)
            terminal.send(command, expect=OK, because=f"{_AREA}/right", wholly=True)


@case("operation/checksum-initial-value", covers=[f"{_AREA}/initial-value"])
def test_initial_value(terminal: Terminal) -> None:
    """The computation begins where data object 87 says."""
    because = f"{_AREA}/initial-value"
    table = table_of(terminal)
    chains = (
        (key, reference, mechanism)
        for key in uncounted(terminal, "checksum")
        for reference, mechanism in algorithms(table, key, CHECKSUM)
        if mechanism != "cmac"
    )
    for key, reference, mechanism in some(chains, "no checksum begins at a value"):
        ready(terminal, key)
        initial = bytes(range(0xF0, 0xF0 + BLOCK_SIZE[key.algorithm]))
        terminal.send(set_template(CHECKSUM, COMPUTES, key, reference, initial))
        for message in _messages(key, mechanism)[:2]:
            command = compute_checksum(message)
            terminal.send(command, expect=OK, because=because, wholly=True)


@case("operation/checksum-length", covers=[f"{_AREA}/length"])
def test_length(terminal: Terminal) -> None:
    """Part of a block has no checksum where nothing is padded."""
    bare = (key for key, way in _keys(terminal, COMPUTES) if way.endswith("/none"))
    for key in some(bare, "every checksum pads its message"):
        command = compute_checksum(bytes(BLOCK_SIZE[key.algorithm] + 1))
        terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/length")


@case("operation/checksum-verified", covers=[f"{_AREA}/verify-right"])
def test_verify_right(terminal: Terminal) -> None:
    """The right checksum is verified."""
    for key, mechanism in _keys(terminal, VERIFIES):
        for message in _messages(key, mechanism):
            command = verify_checksum(message, _right(terminal, key, mechanism, message))
            terminal.send(command, expect=OK, because=f"{_AREA}/verify-right")


@case("operation/checksum-wrong", covers=[f"{_AREA}/verify-wrong", f"{_AREA}/too-short"])
def test_verify_wrong(terminal: Terminal) -> None:
    """A changed bit anywhere in message or checksum is found, and a stub of one proves nothing."""
    for key, mechanism in _keys(terminal, VERIFIES):
        message = _messages(key, mechanism)[1]
        code = _right(terminal, key, mechanism, message)
        wrong = [verify_checksum(message, flipped(code, place)) for place in range(len(code))]
        wrong += [verify_checksum(flipped(message, place), code) for place in (0, -1)]
        for command in wrong:
            terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/verify-wrong")
        for length in (0, 1, 3):
            command = verify_checksum(message, code[:length])
            terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/too-short")


@case("operation/checksum-malformed", covers=[f"{_AREA}/malformed"])
def test_malformed(terminal: Terminal) -> None:
    """Without a checksum, or with two, nothing is verified."""
    for key, mechanism in _keys(terminal, VERIFIES):
        message = _messages(key, mechanism)[0]
        plain = encode(PLAIN, message)
        code = encode(CODE, _right(terminal, key, mechanism, message))
        for data in (plain, plain + code + code, plain + plain + code, code[:-1]):
            command = perform(0x00, 0xA2, data, None)
            terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/malformed")
