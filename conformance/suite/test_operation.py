"""What every operation with a key has to keep: purpose, access rule, algorithm, counters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from conformance.apdu import CommandAPDU
from conformance.case import NotRun, case, not_applicable
from conformance.commands import select_path, verify
from conformance.crypto.mechanisms import fits
from conformance.model.desk import COMPUTES, VERIFIES
from conformance.operating import (
    PLAIN,
    compute_checksum,
    decipher,
    encipher,
    flipped,
    perform,
    right_checksum,
    set_template,
    sign,
    verify_checksum,
)
from conformance.operations import CHECKSUM, CONFIDENTIALITY, HASH, SIGNATURE
from conformance.suite.finding import OK, guessable, some
from conformance.suite.keyring import (
    NOT_CHOSEN,
    NOT_DONE,
    keys_for,
    ready,
    spendable,
    table_of,
    uncounted,
)
from conformance.tlv import encode
from conformance.undo import opening
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.layout import Key
    from conformance.terminal import Terminal

_AREA = "7816-8/operation"
TEXT = bytes(range(32))


class Work(NamedTuple):
    """One kind of operation: its template, side and usage, and how it is asked for."""

    template: int
    side: int
    usage: str
    command: Callable[[bytes], CommandAPDU]


WORKS = (
    Work(CHECKSUM, COMPUTES, "checksum", compute_checksum),
    Work(CONFIDENTIALITY, VERIFIES, "encipher", encipher),
    Work(CONFIDENTIALITY, COMPUTES, "decipher", decipher),
    Work(SIGNATURE, COMPUTES, "sign", sign),
)


@case("operation/no-key", covers=[f"{_AREA}/no-key"])
def test_no_key(terminal: Terminal) -> None:
    """Nothing is computed while no key is set."""
    key = uncounted(terminal, "checksum")[0]
    ready(terminal, key)
    for work in WORKS:
        command = work.command(TEXT)
        terminal.send(command, expect=NOT_CHOSEN, because=f"{_AREA}/no-key")


def _tried(terminal: Terminal, work: Work, key: Key, rule: str, algorithm: bytes = b"") -> None:
    """The operation with *key* is refused, when the key is set or when it is used."""
    ready(terminal, key)
    terminal.send(set_template(work.template, work.side, key, algorithm))
    terminal.send(work.command(TEXT), expect=NOT_DONE, because=f"{_AREA}/{rule}")


@case("operation/usage", covers=[f"{_AREA}/usage"])
def test_usage(terminal: Terminal) -> None:
    """No key serves a purpose that it is not declared for."""
    table_of(terminal)
    unfit = (
        (work, key)
        for key in terminal.layout.keys
        for work in WORKS
        if work.usage not in key.usage and key.private and not key.uses
    )
    for work, key in some(unfit, "every key serves every purpose"):
        _tried(terminal, work, key, "usage")


@case("operation/public-only", covers=[f"{_AREA}/public-only"])
def test_public_only(terminal: Terminal) -> None:
    """What takes a private key is not done with a public one."""
    keys = [key for key in terminal.layout.keys if not key.private]
    for key in keys or not_applicable("every key has its private half"):
        for work in WORKS[2:]:
            _tried(terminal, work, key, "public-only")


def _guarded(terminal: Terminal) -> tuple[Key, ...]:
    """Private keys that a PIN opens whose value is known."""
    found = [key for key in terminal.layout.keys if "sign" in key.usage and not key.access.always]
    if not found:
        not_applicable("no key that signs is guarded")
    usable = tuple(key for key in found if opening(key.access, terminal.bench))
    if not usable:
        raise NotRun("no value of a reference that guards a key is known")
    return usable


def _ask(terminal: Terminal, key: Key) -> CommandAPDU:
    """The key is set to sign; the command that lets it."""
    terminal.send(select_path(key.df))
    terminal.send(set_template(SIGNATURE, COMPUTES, key))
    return sign(TEXT)


@case(
    "operation/guarded",
    covers=[f"{_AREA}/access-refused", f"{_AREA}/access-granted", f"{_AREA}/access-ends"],
)
def test_guarded(terminal: Terminal) -> None:
    """A guarded key signs after its PIN was verified, and at no other time."""
    for key in _guarded(terminal):
        terminal.reset()
        command = _ask(terminal, key)
        terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/access-refused")
        ready(terminal, key)
        terminal.send(_ask(terminal, key), expect=OK, because=f"{_AREA}/access-granted")
        terminal.reset()
        command = _ask(terminal, key)
        terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/access-ends")


@case("operation/wrong-pin", covers=[f"{_AREA}/wrong-pin"], risk=Risk.CONSUME)
def test_wrong_pin(terminal: Terminal) -> None:
    """A wrong PIN opens no key."""
    usable = guessable(terminal)
    for key in _guarded(terminal):
        needed = opening(key.access, terminal.bench) or ()
        terminal.reset()
        terminal.send(select_path(key.df))
        for reference in needed:
            if reference in usable:
                terminal.send(verify(terminal.keys, "wrong", reference))
        command = _ask(terminal, key)
        terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/wrong-pin")
        ready(terminal, key)


@case("operation/algorithm-unknown", covers=[f"{_AREA}/algorithm-unknown"])
def test_algorithm_unknown(terminal: Terminal) -> None:
    """An algorithm that the card does not have computes nothing."""
    table = table_of(terminal)
    for work in WORKS[:2]:
        known = {one.reference for one in table.algorithm if one.tag == work.template}
        numbers = (bytes((number,)) for number in range(0xFE, 0, -1))
        free = next(one for one in numbers if one.hex().upper() not in known)
        for key in uncounted(terminal, work.usage):
            _tried(terminal, work, key, "algorithm-unknown", free)


@case("operation/algorithm-foreign", covers=[f"{_AREA}/algorithm-foreign"])
def test_algorithm_foreign(terminal: Terminal) -> None:
    """No key is used with an algorithm of other keys."""
    table = table_of(terminal)
    foreign = (
        (work, key, bytes.fromhex(one.reference))
        for work in WORKS
        for one in table.algorithm
        for key in terminal.layout.keys
        if one.tag == work.template
        and work.usage in key.usage
        and not (fits(one.mechanism, key.algorithm) or key.uses)
        and opening(key.access, terminal.bench) is not None
    )
    for work, key, reference in some(foreign, "no algorithm of other keys is declared"):
        _tried(terminal, work, key, "algorithm-foreign", reference)


@case("operation/reserved-parameters", covers=[f"{_AREA}/reserved-parameters"])
def test_reserved_parameters(terminal: Terminal) -> None:
    """P1 and P2 that name no operation are refused, whatever key is set."""
    key = uncounted(terminal, "checksum")[0]
    ready(terminal, key)
    terminal.send(set_template(CHECKSUM, key=key))
    for p1, p2 in ((0x8E, 0x81), (0x01, 0x80), (0x90, 0x9A), (0xFF, 0xFF), (0x80, 0x80)):
        terminal.send(perform(p1, p2, TEXT))


@case("operation/odd", covers=[f"{_AREA}/odd-instruction", f"{_AREA}/odd-malformed"])
def test_odd(terminal: Terminal) -> None:
    """With instruction 2B data come and go as data objects, and mean the same."""
    because = f"{_AREA}/odd-instruction"
    key = uncounted(terminal, "checksum")[0]
    ready(terminal, key)
    terminal.send(set_template(CHECKSUM, key=key))
    command = replace(compute_checksum(encode(PLAIN, TEXT)), ins=0x2B)
    terminal.send(command, expect=OK, because=because, wholly=True)
    function = next((one for one in table_of(terminal).algorithm if one.tag == HASH), None)
    if function is not None:
        terminal.send(set_template(HASH, algorithm=bytes.fromhex(function.reference)))
        command = replace(perform(0x90, PLAIN, encode(PLAIN, TEXT)), ins=0x2B)
        terminal.send(command, expect=OK, because=because, wholly=True)
    for data in (TEXT, encode(0x81, TEXT), encode(PLAIN, TEXT) * 2):
        terminal.send(replace(compute_checksum(data), ins=0x2B))


def _counted(terminal: Terminal, tries: int) -> tuple[Key, ...]:
    """Keys for checksums that count failures."""
    keys = keys_for(terminal, "checksum", secret=True)
    found = tuple(key for key in keys if key.tries and spendable(terminal, key, tries))
    return found or not_applicable("no key for checksums counts failures above its floor")


def _checks(terminal: Terminal, key: Key) -> tuple[CommandAPDU, CommandAPDU]:
    """The key is set to verify; a right and a wrong checksum."""
    ready(terminal, key)
    terminal.send(set_template(CHECKSUM, VERIFIES, key))
    code = right_checksum(terminal.keys, key, TEXT)
    return verify_checksum(TEXT, code), verify_checksum(TEXT, flipped(code, 1))


@case(
    "operation/counted",
    covers=[f"{_AREA}/counts", f"{_AREA}/counter-restored"],
    risk=Risk.CONSUME,
)
def test_counted(terminal: Terminal) -> None:
    """A wrong checksum costs a try, and the right one gives all of them back."""
    for key in _counted(terminal, 1):
        right, wrong = _checks(terminal, key)
        for spent in range(1, key.tries - key.proof.floor + 1):
            terminal.send(wrong, expect=0x63C0 | key.tries - spent, because=f"{_AREA}/counts")
        terminal.send(right, expect=OK, because="7816-8/checksum/verify-right")
        left = 0x63C0 | key.tries - 1
        terminal.send(wrong, expect=left, because=f"{_AREA}/counter-restored")
        terminal.send(right)


@case("operation/blocked", covers=[f"{_AREA}/blocked"], risk=Risk.DESTROY)
def test_blocked(terminal: Terminal) -> None:
    """A key whose tries are gone is not used any more, after a reset neither."""
    if not terminal.bench.copies:
        raise NotRun("a blocked key of a card that cannot be copied stays blocked")
    for key in _counted(terminal, 1):
        right, wrong = _checks(terminal, key)
        for _ in range(key.tries):
            terminal.send(wrong)
        because = f"{_AREA}/blocked"
        terminal.send(right, expect=(0x6983, 0x6984), because=because)
        terminal.reset()
        right, _ = _checks(terminal, key)
        terminal.send(right, expect=(0x6983, 0x6984), because=because)


@case("operation/used-up", covers=[f"{_AREA}/used-up"], risk=Risk.DESTROY)
def test_used_up(terminal: Terminal) -> None:
    """A key for a number of uses is used no more often."""
    if not terminal.bench.copies:
        raise NotRun("the uses of a key of a card that cannot be copied do not come back")
    keys = [one for one in terminal.layout.keys if one.uses and "encipher" in one.usage]
    for key in keys or not_applicable("no key that enciphers has a number of uses"):
        ready(terminal, key)
        command = set_template(CONFIDENTIALITY, VERIFIES, key)
        terminal.send(command)
        for _ in range(key.uses):
            terminal.send(encipher(TEXT), expect=OK, because="7816-8/cipher/encipher")
        terminal.send(encipher(TEXT), expect=NOT_DONE, because=f"{_AREA}/used-up")
        terminal.reset()
        ready(terminal, key)
        terminal.send(command)
        terminal.send(encipher(TEXT), expect=NOT_DONE, because=f"{_AREA}/used-up")
