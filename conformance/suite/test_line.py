"""Line protection: a MAC over header, data and the last challenge, counted where it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import NotRun, case, not_applicable
from conformance.commands import read_binary, select_path, verify
from conformance.crypto import purses as crypto
from conformance.layout import DedicatedFile, Kind
from conformance.model.pboc.proofs import key_near
from conformance.proving import opening_key, prove, sealed
from conformance.suite.finding import OK
from conformance.suite.ways import updates
from conformance.trading import pboc_of
from conformance.verdict import Risk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.family import CardKey, KeyType
    from conformance.layout import ElementaryFile
    from conformance.terminal import Terminal

_AREA = "pboc/line-mac"
WRONG = (0x6988, 0x9302)
NOT_NOW = (0x6985, 0x6984, 0x6988)
UPDATE = 0xD6


def _key(terminal: Terminal, df: DedicatedFile, kind: KeyType) -> CardKey:
    key = key_near(pboc_of(terminal), df, kind, 0)
    if key is None:
        not_applicable(f"there is no {kind} key")
    if key.name not in terminal.keys.secrets:
        raise NotRun(f"the value of {key.name} is not known")
    return key


def _files(terminal: Terminal) -> Iterator[tuple[ElementaryFile, CardKey, bytes]]:
    """The EFs that ask for a MAC, opened; the key of the line; a byte that is not there."""
    found = [ef for ef in terminal.layout.elementary(Kind.TRANSPARENT) if ef.line == "mac"]
    for ef in found or not_applicable("no EF asks for a MAC"):
        key, opener = _key(terminal, ef.parent, "line"), opening_key(terminal, ef)
        if opener is None or not ef.writable:
            raise NotRun(f"{ef.path} is not writable, or no key that opens it is known")
        terminal.reset()
        terminal.send(select_path(ef.parent))
        terminal.send(prove(terminal, opener))
        held = terminal.bench.baseline.contents[ef][0].value[:1]
        yield ef, key, bytes((held[0] ^ 0x01,))


def _header(ef: ElementaryFile, offset: int = 0) -> tuple[int, int, int, int]:
    return 0x04, UPDATE, 0x80 | (ef.sfi or 0), offset


@case(
    "line/mac",
    covers=[f"{_AREA}/needed", f"{_AREA}/right-mac", f"{_AREA}/wrong-mac"],
    risk=Risk.CONSUME,
)
def test_mac(terminal: Terminal) -> None:
    """An update without a MAC or with a wrong one is refused, with the right one carried out."""
    for ef, key, data in _files(terminal):
        terminal.send(select_path(ef))
        for plain in updates(terminal, ef, data):
            terminal.send(plain, expect=(0x6982, 0x6987, 0x6985), because=f"{_AREA}/needed")
        for spoilt in (0x01, 0x80):
            command = sealed(terminal, key, _header(ef), data, spoilt)
            terminal.send(command, expect=WRONG, because=f"{_AREA}/wrong-mac")
            terminal.send(read_binary(0, 1, sfi=ef.sfi))
        command = sealed(terminal, key, _header(ef), data)
        terminal.send(command, expect=OK, because=f"{_AREA}/right-mac")
        terminal.send(read_binary(0, 1, sfi=ef.sfi))
        held = bytes((data[0] ^ 0x01,))
        terminal.send(sealed(terminal, key, _header(ef), held))


@case("line/header", covers=[f"{_AREA}/covers-header"], risk=Risk.CONSUME)
def test_header(terminal: Terminal) -> None:
    """The MAC of a command for one offset does not serve another."""
    for ef, key, data in _files(terminal):
        command = sealed(terminal, key, _header(ef), data)
        moved = CommandAPDU(*_header(ef, 1), command.data)
        terminal.send(moved, expect=WRONG, because=f"{_AREA}/covers-header")
        held = bytes((data[0] ^ 0x01,))
        terminal.send(sealed(terminal, key, _header(ef), held))


@case(
    "line/challenge",
    covers=[f"{_AREA}/no-challenge", f"{_AREA}/challenge-once"],
    risk=Risk.CONSUME,
)
def test_challenge(terminal: Terminal) -> None:
    """Without a challenge, or with one that has served, even the right MAC is refused."""
    for ef, key, data in _files(terminal):
        held = bytes((data[0] ^ 0x01,))
        bare = CommandAPDU(*_header(ef), held + bytes(4))
        terminal.send(bare, expect=NOT_NOW, because=f"{_AREA}/no-challenge")
        command = sealed(terminal, key, _header(ef), held)
        terminal.send(command, expect=OK, because=f"{_AREA}/right-mac")
        terminal.send(command, expect=NOT_NOW, because=f"{_AREA}/challenge-once")


@case("line/blocked", covers=[f"{_AREA}/blocked"], risk=Risk.DESTROY)
def test_blocked(terminal: Terminal) -> None:
    """A key that wrong MACs have blocked refuses the right one, too."""
    if not terminal.bench.copies or not pboc_of(terminal).line_failures_count:
        raise NotRun("wrong MACs are not counted, or the card cannot be copied")
    for ef, key, data in _files(terminal):
        for _ in range(key.tries):
            terminal.send(sealed(terminal, key, _header(ef), data, 0x01))
        command = sealed(terminal, key, _header(ef), data)
        terminal.send(command, expect=0x6983, because=f"{_AREA}/blocked")


@case("line/unblock", covers=[f"{_AREA}/unblock"], risk=Risk.CONSUME)
def test_unblock(terminal: Terminal) -> None:
    """PIN UNBLOCK with the PIN enciphered gives its tries back."""
    references = [one for one in terminal.layout.references if terminal.keys.right(one)]
    if not references:
        raise NotRun("the value of no PIN is known")
    for reference in references:
        terminal.reset()
        terminal.send(select_path(reference.df))
        key = _key(terminal, reference.df, "unblock")
        terminal.send(verify(terminal.keys, "wrong", reference))
        value = terminal.keys.right(reference) or b""
        secret = crypto.line_encipher(key.cipher, terminal.keys.secrets[key.name], value)
        command = sealed(terminal, key, (0x84, 0x24, 0x00, reference.number), secret)
        terminal.send(command, expect=OK, because=f"{_AREA}/unblock")
        left = (0x63C0 | reference.tries - 1,)
        wrong = verify(terminal.keys, "wrong", reference)
        terminal.send(wrong, expect=left, because=f"{_AREA}/unblock")
        terminal.send(verify(terminal.keys, "pin", reference))
