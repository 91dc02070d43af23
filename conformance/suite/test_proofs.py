"""INTERNAL and EXTERNAL AUTHENTICATE: what is proven, what that opens, what a failure costs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import NotRun, case, not_applicable
from conformance.commands import get_challenge, read_binary, read_record, select_path
from conformance.layout import ElementaryFile, Kind
from conformance.model.desk import COMPUTES, VERIFIES
from conformance.operating import (
    challenge_size,
    cryptogram,
    external,
    flipped,
    internal,
    set_template,
)
from conformance.operations import AUTHENTICATION
from conformance.suite.finding import OK, REFUSED, some
from conformance.suite.keyring import (
    NOT_DONE,
    challenge,
    keys_for,
    proof,
    ready,
    spendable,
    table_of,
)
from conformance.suite.test_security_environment import ABSENT
from conformance.verdict import Risk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.layout import Key
    from conformance.terminal import Terminal

_AREA = "7816-4/authentication"
NOT_NOW = (0x6985, 0x6A88)
CHALLENGES = (bytes(16), bytes(range(16)), b"\xff" * 16, bytes(range(100, 132)))


def _external(terminal: Terminal, tries: int = 0) -> tuple[Key, ...]:
    """Keys of the terminal whose value is known, with *tries* to spend."""
    keys = keys_for(terminal, "external", secret=True)
    usable = tuple(key for key in keys if spendable(terminal, key, tries))
    if not usable:
        raise NotRun(f"no key has {tries} tries above its floor")
    return usable


def _counted(terminal: Terminal, tries: int) -> tuple[Key, ...]:
    found = tuple(key for key in _external(terminal, tries) if key.tries)
    return found or not_applicable("no key of the terminal counts failures")


@case("proof/internal", covers=[f"{_AREA}/internal", f"{_AREA}/internal-length"])
def test_internal(terminal: Terminal) -> None:
    """Every key of the card proves itself over every challenge of a fitting length."""
    keys = [key for key in keys_for(terminal, "internal") if key.access.always]
    for key in keys or not_applicable("the keys of the card ask for a secure channel"):
        ready(terminal, key)
        for block in CHALLENGES:
            command = internal(key, block)
            terminal.send(command, expect=OK, because=f"{_AREA}/internal", wholly=True)
        if key.symmetric:
            command = internal(key, CHALLENGES[0][1:])
            terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/internal-length")


@case("proof/unknown-key", covers=[f"{_AREA}/unknown-key"], risk=Risk.CONSUME)
def test_unknown_key(terminal: Terminal) -> None:
    """Nothing is proven with a key that is not there."""
    table_of(terminal)
    terminal.send(select_path(terminal.layout.keys[0].df))
    terminal.send(internal(ABSENT, bytes(16)), expect=NOT_DONE, because=f"{_AREA}/unknown-key")
    terminal.send(get_challenge(16))
    terminal.send(external(ABSENT, bytes(16)), expect=NOT_DONE, because=f"{_AREA}/unknown-key")


@case("proof/usage", covers=[f"{_AREA}/usage"], risk=Risk.CONSUME)
def test_usage(terminal: Terminal) -> None:
    """A key serves the direction of authentication it is meant for, and no other command's key."""
    table_of(terminal)
    keys = [key for key in terminal.layout.keys if key.access.always and not key.uses]
    for key in keys or not_applicable("the keys of the card ask for a secure channel"):
        terminal.send(select_path(key.df))
        if "internal" not in key.usage:
            command = internal(key, bytes(16))
            terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/usage")
        if "external" not in key.usage and key.symmetric and not key.tries:
            command = external(key, cryptogram(terminal.keys, key, challenge(terminal, key)))
            terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/usage")


@case("proof/by-environment", covers=[f"{_AREA}/by-environment"], risk=Risk.CONSUME)
def test_by_environment(terminal: Terminal) -> None:
    """With P2 00 the template for authentication says which key is proven."""
    because = f"{_AREA}/by-environment"
    if "set" not in table_of(terminal).environment:
        not_applicable("the card has no template for authentication")
    keys = (
        key
        for key in terminal.layout.keys
        if {"internal", "external"} & key.usage and key.access.always
        if key.name in terminal.keys.secrets or not key.symmetric
    )
    for key in some(keys, "no key that is proven may be used with what the judge knows"):
        ready(terminal, key)
        side = COMPUTES if "internal" in key.usage else VERIFIES
        terminal.send(set_template(AUTHENTICATION, side, key), expect=OK, because=because)
        if side == COMPUTES:
            command = replace(internal(key, CHALLENGES[1]), p2=0x00)
        else:
            command = replace(proof(terminal, key), p2=0x00)
        terminal.send(command, expect=OK, because=because, wholly=True)


@case("proof/external", covers=[f"{_AREA}/external-right"], risk=Risk.CONSUME)
def test_external(terminal: Terminal) -> None:
    """The right cryptogram over a fresh challenge is accepted, again and again."""
    for key in _external(terminal):
        ready(terminal, key)
        for _ in range(3):
            terminal.send(proof(terminal, key), expect=OK, because=f"{_AREA}/external-right")


@case(
    "proof/external-wrong",
    covers=[f"{_AREA}/external-wrong", f"{_AREA}/external-length"],
    risk=Risk.CONSUME,
)
def test_external_wrong(terminal: Terminal) -> None:
    """A cryptogram with a bit changed anywhere is refused, and one of another length as well."""
    for key in _external(terminal, 1):
        ready(terminal, key)
        size = challenge_size(key)
        for place in (size - 1, *range(size - 1)):
            command = proof(terminal, key, wrong=place)
            terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/external-wrong")
            terminal.send(proof(terminal, key), expect=OK, because=f"{_AREA}/external-right")
        for change in (1, size):
            block = cryptogram(terminal.keys, key, challenge(terminal, key))
            for data in (block[: size - change], block + block[:change]):
                if data:
                    because = f"{_AREA}/external-length"
                    terminal.send(external(key, data), expect=NOT_DONE, because=because)
        terminal.send(proof(terminal, key))


@case("proof/external-blocks", covers=[f"{_AREA}/external-wrong"], risk=Risk.CONSUME)
def test_external_blocks(terminal: Terminal) -> None:
    """Where a card takes a proof over several blocks, a changed bit in any of them is refused."""
    for key in some(_with_blocks(terminal), "the card takes no challenge of several blocks"):
        size = challenge_size(key)
        for place in (2 * size - 1, size, size - 1, 0):
            block = cryptogram(terminal.keys, key, terminal.send(get_challenge(2 * size)).data)
            command = external(key, flipped(block, place))
            terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/external-wrong")
            terminal.send(proof(terminal, key), expect=OK, because=f"{_AREA}/external-right")


def _with_blocks(terminal: Terminal) -> Iterator[Key]:
    """Each key, made ready, that is proven over a challenge of two blocks."""
    for key in _external(terminal, 1):
        ready(terminal, key)
        if _taken(terminal, key, 2 * challenge_size(key)):
            yield key


def _taken(terminal: Terminal, key: Key, size: int) -> bool:
    """Whether the right proof over a challenge of *size* bytes is accepted."""
    asked = terminal.send(get_challenge(size))
    if asked.sw != OK:
        return False
    return terminal.send(external(key, cryptogram(terminal.keys, key, asked.data))).sw == OK


@case(
    "proof/external-counts",
    covers=[f"{_AREA}/external-counts", f"{_AREA}/external-restores", f"{_AREA}/query"],
    risk=Risk.CONSUME,
)
def test_external_counts(terminal: Terminal) -> None:
    """Each wrong cryptogram costs a try, and the right one gives all of them back."""
    for key in _counted(terminal, 1):
        ready(terminal, key)
        left = 0x63C0 | key.tries - 1
        terminal.send(external(key, b""))
        for spent in range(1, key.tries - key.proof.floor + 1):
            command, told = proof(terminal, key, wrong=0), 0x63C0 | key.tries - spent
            terminal.send(command, expect=told, because=f"{_AREA}/external-counts")
        terminal.send(external(key, b""))
        terminal.send(proof(terminal, key), expect=OK, because=f"{_AREA}/external-right")
        command = proof(terminal, key, wrong=0)
        terminal.send(command, expect=left, because=f"{_AREA}/external-restores")
        terminal.send(proof(terminal, key))
        terminal.send(external(key, b""))


@case("proof/blocked", covers=[f"{_AREA}/blocked"], risk=Risk.DESTROY)
def test_blocked(terminal: Terminal) -> None:
    """A key whose tries are gone is refused, whatever is brought, after a reset as well."""
    if not terminal.bench.copies:
        raise NotRun("a blocked key of a card that cannot be copied stays blocked")
    because = f"{_AREA}/blocked"
    for key in _counted(terminal, 1):
        ready(terminal, key)
        for _ in range(key.tries):
            terminal.send(proof(terminal, key, wrong=0))
        terminal.send(proof(terminal, key), expect=(0x6983, 0x6984), because=because)
        terminal.reset()
        ready(terminal, key)
        terminal.send(proof(terminal, key), expect=(0x6983, 0x6984), because=because)


@case(
    "proof/challenge",
    covers=[
        f"{_AREA}/no-challenge",
        f"{_AREA}/challenge-once",
        f"{_AREA}/latest-challenge",
    ],
    risk=Risk.CONSUME,
)
def test_challenge(terminal: Terminal) -> None:
    """A proof needs the latest challenge, which serves once, and none survives a reset."""
    for key in _external(terminal, 1):
        terminal.reset()
        ready(terminal, key)
        because = f"{_AREA}/no-challenge"
        block = bytes(challenge_size(key))
        terminal.send(external(key, block), expect=NOT_NOW, because=because)
        right, once = proof(terminal, key), f"{_AREA}/challenge-once"
        terminal.send(right, expect=OK, because=f"{_AREA}/external-right")
        terminal.send(right, expect=NOT_NOW, because=once)
        asked = challenge(terminal, key)
        right = external(key, cryptogram(terminal.keys, key, asked))
        terminal.send(external(key, block))
        terminal.send(right, expect=NOT_NOW, because=once)
        terminal.send(proof(terminal, key))
        stale = proof(terminal, key)
        challenge(terminal, key)
        terminal.send(stale, expect=NOT_DONE, because=f"{_AREA}/latest-challenge")
        right = proof(terminal, key)
        terminal.reset()
        ready(terminal, key)
        terminal.send(right, expect=NOT_NOW, because=because)
        terminal.send(proof(terminal, key))


@case("proof/other-key", covers=[f"{_AREA}/other-key"], risk=Risk.CONSUME)
def test_other_key(terminal: Terminal) -> None:
    """What one key enciphers does not prove another."""
    keys = _external(terminal, 1)
    pairs = [(one, two) for one in keys for two in keys if one is not two and one.df is two.df]
    for key, other in pairs or not_applicable("the terminal has one key only"):
        ready(terminal, key)
        size = max(challenge_size(key), challenge_size(other))
        asked = terminal.send(get_challenge(size)).data
        command = external(key, cryptogram(terminal.keys, other, asked))
        terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/other-key")
        terminal.send(proof(terminal, key))


def _behind(terminal: Terminal) -> tuple[tuple[ElementaryFile, Key], ...]:
    """EFs that a key alone opens to reading, with the key."""
    found = tuple(
        (ef, key)
        for ef in terminal.layout.elementary()
        for key in _external(terminal, 1)
        if not ef.read.always and ef.read.met(frozenset({key.proof}))
    )
    return found or not_applicable("no EF is opened by a key alone")


def _read(terminal: Terminal, ef: ElementaryFile) -> CommandAPDU:
    """A read of *ef*, which becomes current."""
    terminal.send(select_path(ef))
    return read_binary(0, 1) if ef.kind is Kind.TRANSPARENT else read_record(1, ef.size)


@case(
    "proof/opens",
    covers=[f"{_AREA}/opens", f"{_AREA}/closed-before", f"{_AREA}/reset-closes"],
    risk=Risk.CONSUME,
)
def test_opens(terminal: Terminal) -> None:
    """What hangs on a key is open from its proof to the reset, and at no other time."""
    for ef, key in _behind(terminal):
        terminal.reset()
        command = _read(terminal, ef)
        terminal.send(command, expect=REFUSED, because=f"{_AREA}/closed-before")
        terminal.send(proof(terminal, key, wrong=0))
        terminal.send(command, expect=REFUSED, because=f"{_AREA}/closed-before")
        terminal.send(proof(terminal, key), expect=OK, because=f"{_AREA}/external-right")
        terminal.send(command, expect=OK, because=f"{_AREA}/opens")
        terminal.reset()
        command = _read(terminal, ef)
        terminal.send(command, expect=REFUSED, because=f"{_AREA}/reset-closes")


@case("proof/opens-nothing-else", covers=[f"{_AREA}/other-opens-nothing"], risk=Risk.CONSUME)
def test_opens_nothing_else(terminal: Terminal) -> None:
    """The proof of one key does not open what hangs on another."""
    pairs = (
        (ef, other)
        for ef, _ in _behind(terminal)
        for other in _external(terminal)
        if not ef.read.met(frozenset({other.proof}))
    )
    for ef, other in some(pairs, "every key of the terminal opens the same EFs"):
        terminal.reset()
        ready(terminal, other)
        terminal.send(proof(terminal, other), expect=OK, because=f"{_AREA}/external-right")
        command = _read(terminal, ef)
        terminal.send(command, expect=REFUSED, because=f"{_AREA}/other-opens-nothing")


@case("proof/channels", covers=[f"{_AREA}/channel-closed"], risk=Risk.CONSUME)
def test_channels(terminal: Terminal) -> None:
    """What is proven on the basic channel opens nothing on another."""
    because = f"{_AREA}/channel-closed"
    for ef, key in _behind(terminal):
        terminal.reset()
        ready(terminal, key)
        terminal.send(CommandAPDU(0x00, 0x70, 0x00, 0x01), expect=OK, because=because)
        terminal.send(proof(terminal, key), expect=OK, because=f"{_AREA}/external-right")
        terminal.send(replace(select_path(ef), cla=0x01))
        command = read_binary(0, 1) if ef.kind is Kind.TRANSPARENT else read_record(1, ef.size)
        terminal.send(replace(command, cla=0x01), expect=REFUSED, because=because)
        terminal.send(_read(terminal, ef), expect=OK, because=f"{_AREA}/opens")
