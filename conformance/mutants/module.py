"""Faults of a terminal's security module. The sound card is the profile psam."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import OK, Puppet, fault

PURCHASE, CHECK, MAKE_READY, COMPUTE, WRITE_KEY = 0x70, 0x72, 0x1A, 0xFA, 0xD4
NOT_NOW, WRONG_MAC, CLOSED, NO_KEY = b"\x69\x85", b"\x93\x02", b"\x69\x82", b"\x94\x03"
pboc = partial(fault, standard="pboc", profile="psam")


@pboc("module/counter-stands", PURCHASE, breaks="module/counter")
def counter_stands(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The terminal transaction counter does not move on."""
    return puppet.trial(raw)


def _turns_back(puppet: Puppet) -> bytes:
    puppet.card = puppet.notes.pop("early", puppet.card)
    return puppet.card.reset()


@pboc(
    "module/counter-turned-back",
    PURCHASE,
    breaks="module/counter-survives-reset",
    reset=_turns_back,
)
def counter_turned_back(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A reset turns the terminal transaction counter back."""
    puppet.notes.setdefault("early", puppet.card.fork())
    return puppet.send(raw)


@pboc("module/mac1-unmade", PURCHASE, breaks="module/mac1")
def mac1_unmade(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """MAC1 is not the right one."""
    answer = puppet.send(raw)
    return answer[:-3] + bytes((answer[-3] ^ 0x01,)) + OK if len(answer) == 10 else answer


@pboc("module/any-mac2", CHECK, breaks="module/mac2-wrong")
def any_mac2(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """Any MAC2 is accepted."""
    answer = puppet.send(raw)
    return OK if answer == WRONG_MAC else answer


@pboc("module/mac2-twice", CHECK, breaks="module/mac2-once")
def mac2_twice(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A MAC2 is accepted as often as it is brought."""
    return puppet.accepting_again(raw, NOT_NOW)


@pboc("module/mac2-refused", CHECK, breaks="module/mac2-right")
def mac2_refused(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The right MAC2 is refused."""
    answer = puppet.send(raw)
    return WRONG_MAC if answer == OK else answer


@pboc("module/any-version", PURCHASE, breaks="module/key-unknown")
def any_version(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A key version that is not there means the first one."""
    answer = puppet.send(raw)
    if answer != NO_KEY:
        return answer
    first = command.data[:18] + b"\x01" + command.data[19:]
    return puppet.send(replace(command, data=first).encode())


@pboc("module/purchase-key-computes", MAKE_READY, breaks="module/key-kinds")
def purchase_key_computes(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A purchase key is made ready for computations."""
    answer = puppet.send(raw)
    return OK if answer == NOT_NOW else answer


@pboc("module/mac-from-zero", COMPUTE, breaks="module/mac-from")
def mac_from_zero(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The first block of the data field does not start the MAC."""
    return puppet.send(replace(command, p1=0x01).encode() if command.p1 == 0x05 else raw)


@pboc("module/cipher-turned", COMPUTE, breaks="module/cipher")
def cipher_turned(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What was enciphered comes with its last byte first."""
    answer = puppet.send(raw)
    return answer if command.p1 or len(answer) < 10 else answer[:-2][::-1] + OK


@pboc("module/ready-for-good", MAKE_READY, COMPUTE, breaks="module/not-ready")
def ready_for_good(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A key stays ready, whatever comes between."""
    answer = puppet.send(raw)
    if command.ins == MAKE_READY and answer == OK:
        puppet.notes["ready"] = raw
    again = answer == NOT_NOW and "ready" in puppet.notes
    return puppet.trial(puppet.notes["ready"], raw) if again else answer


@pboc("module/plain-key", WRITE_KEY, breaks="module/key-plain")
def plain_key(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A key in plain is accepted."""
    answer = puppet.send(raw)
    return OK if answer == CLOSED and command.cla == 0x80 else answer


@pboc("module/key-from-anybody", WRITE_KEY, breaks="module/key-refused")
def key_from_anybody(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A key is accepted although the master key of the MF was not proven."""
    answer = puppet.send(raw)
    return OK if answer == CLOSED and command.cla == 0x84 else answer


@pboc("module/key-not-kept", WRITE_KEY, breaks="module/key-loaded")
def key_not_kept(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A key is accepted and not kept."""
    return puppet.trial(raw)
