"""COMPUTE and VERIFY DIGITAL SIGNATURE under the public keys that the statement declares."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from conformance.case import case, not_applicable
from conformance.crypto.digests import digest
from conformance.crypto.mechanisms import HASHES, hash_function
from conformance.model.desk import COMPUTES, VERIFIES
from conformance.operating import (
    MESSAGE,
    PROOF,
    algorithms,
    flipped,
    hashed,
    perform,
    set_template,
    sign,
    verify_signature,
)
from conformance.operations import SIGNATURE
from conformance.suite.finding import OK
from conformance.suite.keyring import MESSAGES, NOT_DONE, keys_for, ready, table_of
from conformance.tlv import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.layout import Key
    from conformance.terminal import Terminal

_AREA = "7816-8/signature"
PART, CODE, VALUES, TEMPLATE = 0x80, 0x90, 0xAC, 0xBC


def _input(mechanism: str, message: bytes) -> bytes:
    """What is given to sign *message*: itself, or its hash code where the card does not hash."""
    return message if hash_function(mechanism) else digest("SHA-256", message)


def _signing(terminal: Terminal) -> Iterator[tuple[Key, str]]:
    """Each key that signs in turn, with each of its algorithms, set."""
    table = table_of(terminal)
    for key in keys_for(terminal, "sign", secret=False):
        ready(terminal, key)
        for reference, mechanism in algorithms(table, key, SIGNATURE):
            terminal.send(set_template(SIGNATURE, COMPUTES, key, reference))
            yield key, mechanism


@case("operation/signature-right", covers=[f"{_AREA}/right"])
def test_right(terminal: Terminal) -> None:
    """Signatures with every key and algorithm verify under the declared public key."""
    because = f"{_AREA}/right"
    for key, mechanism in _signing(terminal):
        for message in MESSAGES[:2] if key.algorithm == "SM2" else MESSAGES:
            command = sign(_input(mechanism, message))
            terminal.send(command, expect=OK, because=because, wholly=True)


@case("operation/signature-fresh", covers=[f"{_AREA}/fresh"])
def test_fresh(terminal: Terminal) -> None:
    """No first half of a signature comes for two messages, not after a reset either."""
    keys = [key for key in keys_for(terminal, "sign", secret=False) if key.algorithm != "RSA"]
    for key in keys or not_applicable("no key of a curve signs"):
        for _ in range(2):
            ready(terminal, key)
            terminal.send(set_template(SIGNATURE, COMPUTES, key))
            for message in (b"this", b"that", b"else"):
                data = _input(key.implied[SIGNATURE], message)
                terminal.send(sign(data), expect=OK, because=f"{_AREA}/right")
            terminal.reset()


@case("operation/signature-forms", covers=[f"{_AREA}/forms"])
def test_forms(terminal: Terminal) -> None:
    """A message, its parts, its data objects and its hash code are signed as what they are."""
    because = f"{_AREA}/forms"
    for key, mechanism in _signing(terminal):
        name = hash_function(mechanism)
        if not name:
            continue
        parts = encode(PART, b"first") + encode(PART, b"second")
        forms = [(MESSAGE, b"whole"), (VALUES, parts), (TEMPLATE, parts)]
        if key.algorithm != "SM2":
            forms.append((VALUES, encode(CODE, digest(name, b"whole"))))
        for form, data in forms:
            terminal.send(sign(data, form), expect=OK, because=because, wholly=True)


@case("operation/signature-length", covers=[f"{_AREA}/wrong-length"])
def test_wrong_length(terminal: Terminal) -> None:
    """What has not the length of a hash code is not signed as one."""
    for _, mechanism in _signing(terminal):
        name = hash_function(mechanism)
        for change in (-1, 1) if name else ():
            data = encode(CODE, bytes(HASHES[name] + change))
            command = sign(data, VALUES)
            terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/wrong-length")


@case("operation/signature-of-nothing", covers=[f"{_AREA}/nothing-to-sign"])
def test_nothing(terminal: Terminal) -> None:
    """Without data nothing is signed, unless a hash code is on the card."""
    for _ in _signing(terminal):
        command = perform(PROOF, MESSAGE, b"")
        terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/nothing-to-sign")
    _not_after_a_reset(terminal)


def _not_after_a_reset(terminal: Terminal) -> None:
    """What HASH left on the card before a reset is not there to be signed after it."""
    if "hash" not in table_of(terminal).operations:
        return
    for key in keys_for(terminal, "sign", secret=False):
        if not hash_function(key.implied.get(SIGNATURE, "")):
            continue
        ready(terminal, key)
        terminal.send(set_template(SIGNATURE, COMPUTES, key))
        command = hashed(b"left behind", None)
        terminal.send(command, expect=OK, because="7816-8/hash/for-signature")
        terminal.reset()
        ready(terminal, key)
        terminal.send(set_template(SIGNATURE, COMPUTES, key))
        command = perform(PROOF, MESSAGE, b"")
        terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/nothing-to-sign")


def _verifying(terminal: Terminal) -> Iterator[tuple[Key, str, bytes, bytes]]:
    """Each key that verifies, set, what was signed with its private half, and the signature."""
    signers = keys_for(terminal, "sign", secret=False)
    verifiers = keys_for(terminal, "verify", secret=False)
    for signer, key in product(signers, verifiers):
        mechanism = key.implied.get(SIGNATURE, "")
        if signer.public != key.public or signer.implied.get(SIGNATURE, "") != mechanism:
            continue
        ready(terminal, signer)
        terminal.send(set_template(SIGNATURE, COMPUTES, signer))
        data = _input(mechanism, b"to be verified")
        signature = terminal.send(sign(data), expect=OK, because=f"{_AREA}/right").data
        ready(terminal, key)
        terminal.send(set_template(SIGNATURE, VERIFIES, key))
        yield key, mechanism, data, signature


def _form(mechanism: str) -> int:
    """The data object for what is given: a message, or a hash code."""
    return MESSAGE if hash_function(mechanism) else CODE


@case("operation/signature-verified", covers=[f"{_AREA}/verify-right"])
def test_verify_right(terminal: Terminal) -> None:
    """What the card signed its public keys verify."""
    for _, mechanism, data, signature in _verifying(terminal):
        command = verify_signature(data, signature, _form(mechanism))
        terminal.send(command, expect=OK, because=f"{_AREA}/verify-right")


@case(
    "operation/signature-wrong",
    covers=[f"{_AREA}/verify-wrong", f"{_AREA}/other-message"],
)
def test_verify_wrong(terminal: Terminal) -> None:
    """A signature with a changed bit, or over something else, is refused."""
    for key, mechanism, data, signature in _verifying(terminal):
        places = (0, len(signature) - 1) if key.algorithm == "SM2" else (0, 17, 40, -1)
        for place in places:
            command = verify_signature(data, flipped(signature, place), _form(mechanism))
            terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/verify-wrong")
        command = verify_signature(flipped(data, 0), signature, _form(mechanism))
        terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/other-message")
        command = verify_signature(data, b"", _form(mechanism))
        terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/verify-wrong")


@case("operation/signature-malformed", covers=[f"{_AREA}/malformed"])
def test_malformed(terminal: Terminal) -> None:
    """Without a signature, or with two, nothing is verified."""
    for _, mechanism, data, signature in _verifying(terminal):
        given, proof = encode(_form(mechanism), data), encode(PROOF, signature)
        for wrong in (given, given + proof + proof, given + given + proof, proof[:-1]):
            command = perform(0x00, 0xA8, wrong, None)
            terminal.send(command, expect=NOT_DONE, because=f"{_AREA}/malformed")
