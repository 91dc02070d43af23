"""Faults of VERIFY and of its retry counter."""

from __future__ import annotations

from dataclasses import replace

from conformance.apdu import CommandAPDU
from conformance.cards.embedded import EmbeddedCard
from conformance.mutants.hooks import (
    INS_VERIFY,
    OK,
    Mutant,
    Puppet,
    declare,
    fault,
    sound_reset,
)

FAILED = 0x63
BLOCKED = b"\x69\x83"


def _failed(answer: bytes) -> bool:
    return answer[0] == FAILED


def _right(puppet: Puppet, command: CommandAPDU) -> bytes:
    return replace(command, data=puppet.values[command.p2], ne=None).encode()


@fault("verify/counter-stands-still", INS_VERIFY, breaks="verify/counter-decreases")
def counter_stands_still(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A failed comparison does not cost a try."""
    answer = puppet.trial(raw)
    return answer if command.data and _failed(answer) else puppet.send(raw)


@fault("verify/counter-counts-twice", INS_VERIFY, breaks="verify/counter-decreases")
def counter_counts_twice(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A failed comparison costs two tries."""
    answer = puppet.send(raw)
    if command.data and _failed(answer) and answer[1] > 0xC1:
        return puppet.send(raw)
    return answer


@fault("verify/any-value", INS_VERIFY, breaks="verify/wrong-value")
def any_value(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Any value of the right length is accepted."""
    if command.p2 in puppet.values and len(command.data) == len(puppet.values[command.p2]):
        return puppet.send(_right(puppet, command))
    return puppet.send(raw)


@fault("verify/last-byte-ignored", INS_VERIFY, breaks="verify/wrong-value")
def last_byte_ignored(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The last byte is not compared."""
    right = puppet.values.get(command.p2, b"")
    if command.data[:-1] == right[:-1] and len(command.data) == len(right):
        return puppet.send(_right(puppet, command))
    return puppet.send(raw)


@fault("verify/beginning-is-enough", INS_VERIFY, breaks="verify/wrong-length")
def beginning_is_enough(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A value that is too short is accepted when it begins right."""
    if command.data and puppet.values.get(command.p2, b"").startswith(command.data):
        return puppet.send(_right(puppet, command))
    return puppet.send(raw)


@fault("verify/more-is-fine", INS_VERIFY, breaks="verify/wrong-length")
def more_is_fine(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A value that is too long is accepted when it begins right."""
    if command.p2 in puppet.values and command.data.startswith(puppet.values[command.p2]):
        return puppet.send(_right(puppet, command))
    return puppet.send(raw)


@fault("verify/success-restores-nothing", INS_VERIFY, breaks="verify/counter-restored")
def success_restores_nothing(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The right value does not give the spent tries back."""
    spent: int = puppet.notes.get(f"spent {command.p2}", 0)
    answer = puppet.send(raw)
    if not _failed(answer):
        return answer
    if command.data:
        puppet.notes[f"spent {command.p2}"] = spent = spent + 1
        left = max(0, 3 - spent)
        return bytes((FAILED, 0xC0 | left)) if command.p2 != 0x02 else answer
    return bytes((FAILED, max(0xC0, 0xC3 - spent))) if command.p2 != 0x02 else answer


@fault("verify/question-costs-a-try", INS_VERIFY, breaks="verify/query-counter")
def question_costs_a_try(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """VERIFY without data costs a try."""
    answer = puppet.send(raw)
    if not command.data and _failed(answer) and command.p2 in puppet.values:
        wrong = b"0" * len(puppet.values[command.p2])
        puppet.send(replace(command, data=wrong).encode())
    return answer


@fault("verify/question-is-always-yes", INS_VERIFY, breaks="verify/query-not-verified")
def question_is_always_yes(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """VERIFY without data answers 9000 although nothing is verified."""
    answer = puppet.send(raw)
    return OK if not command.data and _failed(answer) else answer


@fault("verify/question-is-always-no", INS_VERIFY, breaks="verify/query-verified")
def question_is_always_no(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """VERIFY without data answers 63C3 although the reference is verified."""
    answer = puppet.send(raw)
    return b"\x63\xc3" if not command.data and answer == OK else answer


@fault("verify/blocked-opens", INS_VERIFY, breaks="verify/blocked-stays-blocked", risk="destroy")
def blocked_opens(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The right value is accepted although no tries are left."""
    answer = puppet.send(raw)
    if answer == BLOCKED and command.data == puppet.values.get(command.p2):
        return OK
    return answer


@fault("verify/blocked-says-zero-tries", INS_VERIFY, breaks="verify/blocked", risk="destroy")
def blocked_says_zero_tries(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A blocked reference goes on answering 63C0."""
    answer = puppet.send(raw)
    return b"\x63\xc0" if answer == BLOCKED and command.data else answer


@fault("verify/failure-counts-elsewhere", INS_VERIFY, breaks="verify/references-apart")
def failure_counts_elsewhere(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A failed comparison with the global reference costs the local one a try too."""
    answer = puppet.send(raw)
    if command.data and _failed(answer) and command.p2 == 0x01:
        puppet.send(CommandAPDU(0x00, INS_VERIFY, 0x00, 0x81, b"000000").encode())
    return answer


@fault("verify/verifies-another-too", INS_VERIFY, breaks="verify/references-apart")
def verifies_another_too(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A right value at one reference verifies the local one too."""
    answer = puppet.send(raw)
    if command.data and answer == OK and command.p2 == 0x01:
        puppet.send(puppet.verifying(0x81))
    return answer


@fault("verify/unknown-is-accepted", INS_VERIFY, breaks="verify/unknown-reference")
def unknown_is_accepted(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Reference data that does not exist is verified by anything."""
    answer = puppet.send(raw)
    return OK if command.data and answer == b"\x6a\x88" else answer


@fault("verify/p1-ignored", INS_VERIFY, breaks="verify/reserved-p1")
def p1_ignored(puppet: Puppet, command: CommandAPDU, _raw: bytes) -> bytes:
    """P1 is not looked at."""
    return puppet.send(replace(command, p1=0).encode())


def _fresh_counters(puppet: Puppet) -> bytes:
    """Every reset gives all tries back: the counters live in volatile memory."""
    atr = sound_reset(puppet)
    card: EmbeddedCard = puppet.card
    for number, path in ((0x01, b""), (0x02, b""), (0x81, b"\x7f\x10")):
        if path:
            card.transmit(CommandAPDU(0x00, 0xA4, 0x08, 0x0C, path).encode())
        card.transmit(puppet.verifying(number))
    sound_reset(puppet)
    return atr


declare(
    Mutant(
        "verify/reset-gives-tries-back",
        "7816-4/verify/counter-survives-reset",
        "A reset gives the spent tries back.",
        frozenset({INS_VERIFY}),
        reset=_fresh_counters,
    )
)
