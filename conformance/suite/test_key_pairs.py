"""GENERATE ASYMMETRIC KEY PAIR: public keys that are read, and pairs that are made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import NotRun, case, not_applicable
from conformance.commands import ALL, select_path, verify
from conformance.crypto.digests import digest
from conformance.crypto.mechanisms import hash_function
from conformance.model.desk import COMPUTES
from conformance.operating import public_key, set_template, sign
from conformance.operations import SIGNATURE
from conformance.suite.finding import OK
from conformance.suite.keyring import NOT_DONE, keys_for, ready, table_of, uncounted
from conformance.suite.test_security_environment import ABSENT
from conformance.undo import opening
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.layout import Key
    from conformance.terminal import Terminal

_AREA = "7816-8/keypair"


def _pairs(terminal: Terminal) -> tuple[Key, ...]:
    return keys_for(terminal, secret=False)


@case("operation/public-key", covers=[f"{_AREA}/public-key"])
def test_public_key(terminal: Terminal) -> None:
    """The card gives the public keys that are declared, also of the key that is set to sign."""
    because = f"{_AREA}/public-key"
    for key in _pairs(terminal):
        ready(terminal, key)
        terminal.send(public_key(key), expect=OK, because=because, wholly=True)
        if "sign" in key.usage:
            terminal.send(set_template(SIGNATURE, COMPUTES, key))
            command = CommandAPDU(0x00, 0x46, 0x81, 0x00, b"", ALL)
            terminal.send(command, expect=OK, because=because, wholly=True)


@case(
    "operation/public-key-refused",
    covers=[
        f"{_AREA}/unknown-key",
        f"{_AREA}/symmetric",
        f"{_AREA}/malformed",
        f"{_AREA}/reserved-parameters",
    ],
)
def test_refused(terminal: Terminal) -> None:
    """No key is read that is not there, is secret, or is not named."""
    key = _pairs(terminal)[0]
    ready(terminal, key)
    unknown, good = public_key(ABSENT), public_key(key).data
    terminal.send(unknown, expect=NOT_DONE, because=f"{_AREA}/unknown-key")
    for data in (good[:-1], good + good, bytes((SIGNATURE, 0)), bytes((SIGNATURE, 2, 0x84, 0))):
        terminal.send(CommandAPDU(0x00, 0x46, 0x81, 0x00, data, ALL))
    for p2 in (0x01, 0xFF):
        terminal.send(CommandAPDU(0x00, 0x46, 0x81, p2, good, ALL))
    for secret in uncounted(terminal, "checksum"):
        ready(terminal, secret)
        command = public_key(secret)
        terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/symmetric")


def _spare(terminal: Terminal) -> tuple[Key, ...]:
    """The keys in whose place the judge may put another, and can."""
    if "generate" not in table_of(terminal).operations:
        not_applicable("the card does not generate pairs")
    found = keys_for(terminal, "sign", secret=False, spare=True)
    usable = tuple(key for key in found if opening(key.generate, terminal.bench) is not None)
    if not usable:
        raise NotRun("the judge cannot meet the rule to generate a pair")
    return usable


def _may_generate(terminal: Terminal, key: Key) -> None:
    terminal.send(select_path(key.df))
    for reference in opening(key.generate, terminal.bench) or ():
        terminal.send(verify(terminal.keys, "pin", reference))


@case("operation/generate-protected", covers=[f"{_AREA}/generate-protected"], risk=Risk.RESTORE)
def test_generate_protected(terminal: Terminal) -> None:
    """Without its rule met no pair is generated."""
    guarded = [key for key in _spare(terminal) if not key.generate.always]
    for key in guarded or not_applicable("anybody may generate the spare pairs"):
        terminal.reset()
        terminal.send(select_path(key.df))
        for p1 in (0x80, 0x84):
            command = public_key(key, p1)
            terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/generate-protected")


def _signs(terminal: Terminal, key: Key) -> None:
    """A signature verifies under the public key that the card gave last."""
    terminal.send(set_template(SIGNATURE, COMPUTES, key))
    hashing = hash_function(key.implied.get(SIGNATURE, ""))
    data = b"anew" if hashing else digest("SHA-256", b"anew")
    terminal.send(sign(data), expect=OK, because=f"{_AREA}/generates", wholly=True)


@case(
    "operation/generate",
    covers=[f"{_AREA}/generates", f"{_AREA}/generated", f"{_AREA}/fresh"],
    risk=Risk.RESTORE,
)
def test_generate(terminal: Terminal) -> None:
    """Each new pair is another one, signs as itself, and stays after a reset."""
    for key in _spare(terminal):
        _may_generate(terminal, key)
        terminal.send(public_key(key), expect=OK, because=f"{_AREA}/public-key")
        for _ in range(2):
            terminal.send(public_key(key, 0x80), expect=OK, because=f"{_AREA}/generates")
            _signs(terminal, key)
        terminal.reset()
        terminal.send(select_path(key.df))
        because = f"{_AREA}/generated"
        terminal.send(public_key(key), expect=OK, because=because, wholly=True)
        ready(terminal, key)
        _signs(terminal, key)
