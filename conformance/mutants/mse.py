"""Faults of MANAGE SECURITY ENVIRONMENT."""

from __future__ import annotations

from dataclasses import replace

from conformance.apdu import CommandAPDU
from conformance.mutants.cryptic import (
    MSE,
    PERFORM,
    SW,
    forgiven,
    mse,
    remembering,
    sets,
)
from conformance.mutants.hooks import INS_SELECT, OK, Puppet

STORE, RESTORE, ERASE = 0xF2, 0xF3, 0xF4
EMPTY = bytes((0x00, MSE, RESTORE, 0x00))


@mse("algorithm-refused", breaks="set")
def algorithm_refused(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A template with an algorithm reference is refused."""
    return SW.WRONG_DATA if sets(command) and b"\x80\x01" in command.data else puppet.send(raw)


@mse("first-stays", INS_SELECT, breaks="replaces")
def first_stays(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A template that is set again is answered 9000 and stays as it was."""
    if command.ins == INS_SELECT:
        puppet.notes.clear()
        return puppet.send(raw)
    if sets(command) and puppet.notes.get(str(command.p2)):
        return puppet.trial(raw)
    puppet.notes[str(command.p2)] = sets(command)
    return puppet.send(raw)


@mse("one-template", breaks="templates-apart")
def one_template(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Setting a template takes all others away."""
    if sets(command) and puppet.trial(raw) == OK:
        puppet.send(EMPTY)
    return puppet.send(raw)


@mse("sides-joined", breaks="sides-apart")
def sides_joined(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What is set for computation is set for verification as well."""
    return puppet.send(replace(command, p1=0xC1).encode() if command.p1 == 0x41 else raw)


@mse("any-key", breaks="unknown-key")
def any_key(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """For a key that is not there another one is set."""
    answer = puppet.send(raw)
    if not sets(command) or answer != SW.NOT_FOUND:
        return answer
    return puppet.send(replace(command, data=b"\x83\x01\x83").encode())


mse("malformed-accepted", breaks="malformed")(
    forgiven("A template that is cut short is answered 9000.", SW.WRONG_DATA)
)
mse("reserved-accepted", breaks="reserved-parameters")(
    forgiven("Reserved values of P1 and P2 are answered 9000.", SW.NO_PARAMETERS)
)


@mse("refused-clears", breaks="refused-keeps")
def refused_clears(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A template that is refused takes away what was set before."""
    answer = puppet.send(raw)
    if sets(command) and answer != OK:
        puppet.send(EMPTY)
    return answer


def _comes_back(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """An operation that finds nothing set uses what was set before."""
    before = puppet.notes.get("before")
    if command.ins != PERFORM or before is None or puppet.trial(raw) != SW.NOT_NOW:
        return remembering(puppet, command, raw)
    return puppet.trial(before.encode(), raw)


def _kept_over_reset(puppet: Puppet) -> bytes:
    puppet.notes["before"] = puppet.notes.pop("set", None)
    return puppet.card.reset()


@mse("survives-reset", PERFORM, breaks="reset-clears", reset=_kept_over_reset)
def survives_reset(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The environment is still there after a reset."""
    return _comes_back(puppet, command, raw)


@mse("survives-df", PERFORM, INS_SELECT, breaks="df-clears")
def survives_df(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The environment comes back with the DF it was set in."""
    if command.ins == INS_SELECT and "set" in puppet.notes:
        puppet.notes["before"] = puppet.notes["set"]
    return _comes_back(puppet, command, raw)


@mse("channels-share", PERFORM, breaks="channels-apart")
def channels_share(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """An operation on another channel uses the environment of the basic one."""
    answer = puppet.send(raw)
    if command.ins == PERFORM and command.cla & 0x03 and answer == SW.NOT_NOW:
        return puppet.trial(replace(command, cla=0x00).encode())
    return answer


@mse("store-forgets", breaks="store")
def store_forgets(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """STORE answers 9000 and stores nothing."""
    return puppet.trial(raw) if command.p1 == STORE else puppet.send(raw)


@mse("restore-shy", INS_SELECT, breaks="restore")
def restore_shy(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """RESTORE answers 9000 and does nothing where something is set already."""
    if command.p1 == RESTORE and "set" in puppet.notes:
        return puppet.trial(raw)
    return remembering(puppet, command, raw)


mse("restore-anything", breaks="restore-unknown")(
    forgiven(
        "RESTORE of an environment that is not there is answered 9000.",
        SW.NOT_FOUND,
        when=lambda command: command.p1 == RESTORE,
    )
)


@mse("erase-forgets", breaks="erase")
def erase_forgets(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """ERASE answers 9000 and erases nothing."""
    return puppet.trial(raw) if command.p1 == ERASE else puppet.send(raw)


mse("erase-anything", breaks="erase-unknown")(
    forgiven(
        "ERASE of an environment that is not there is answered 9000.",
        SW.NOT_FOUND,
        when=lambda command: command.p1 == ERASE,
    )
)
