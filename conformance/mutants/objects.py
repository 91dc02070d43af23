"""Faults of GET, GET NEXT and PUT DATA."""

from __future__ import annotations

from dataclasses import replace

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import OK, Puppet, fault

INS_GET, INS_GET_LIST, INS_NEXT, INS_PUT, INS_PUT_LIST = 0xCA, 0xCB, 0xCC, 0xDA, 0xDB
NOT_THERE = b"\x6a\x88"


@fault("object/value-with-tag", INS_GET, breaks="object/get-value")
def value_with_tag(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """GET DATA gives tag and length before the value."""
    answer = puppet.send(raw)
    if answer[-2:] == OK and not command.p1:
        return bytes((command.p2, len(answer) - 2)) + answer
    return answer


@fault("object/missing-is-empty", INS_GET, breaks="object/get-missing")
def missing_is_empty(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """GET DATA of what is not there answers 9000 without data."""
    answer = puppet.send(raw)
    return OK if answer == NOT_THERE else answer


@fault("object/short-le-cuts", INS_GET, breaks="object/get-short-le")
def short_le_cuts(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """GET DATA with too small an Ne gives a part with 9000, as if that were all."""
    answer = puppet.send(raw)
    if answer[:1] == b"\x6c":
        return puppet.send(replace(command, ne=256).encode())[: command.ne] + OK
    return answer


@fault("object/list-in-file-order", INS_GET_LIST, breaks="object/list-order")
def list_in_file_order(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A list of two tags is answered the other way round."""
    if command.data == b"\x5c\x03\xc2\x5f\x2d":
        return puppet.send(replace(command, data=b"\x5c\x03\x5f\x2d\xc2").encode())
    return puppet.send(raw)


@fault("object/list-leaves-out", INS_GET_LIST, breaks="object/list-missing")
def list_leaves_out(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """What is not there is left out of the answer to a tag list."""
    answer = puppet.send(raw)
    if answer == NOT_THERE:
        return puppet.send(replace(command, data=b"\x5c\x01" + command.data[2:3]).encode())
    return answer


@fault("object/list-empty-is-nothing", INS_GET_LIST, breaks="object/list-all")
def list_empty_is_nothing(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """An empty tag list is answered without data."""
    return OK if command.data == b"\x5c\x00" else puppet.send(raw)


@fault("object/next-repeats", INS_NEXT, breaks="object/next-order")
def next_repeats(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """GET NEXT DATA gives the same data object again."""
    return puppet.trial(raw)


@fault("object/next-begins-again", INS_NEXT, breaks="object/next-end")
def next_begins_again(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """Behind the last data object GET NEXT DATA answers 9000 without data."""
    answer = puppet.send(raw)
    return OK if answer == NOT_THERE else answer


@fault("object/next-ignores-tag", INS_NEXT, breaks="object/next-with-tag")
def next_ignores_tag(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """GET NEXT DATA does not look at the tag."""
    if puppet.trial(raw)[-2:] == OK:
        return puppet.send(replace(command, p1=0, p2=0).encode())
    return puppet.send(raw)


@fault("object/put-forgets", INS_PUT, breaks="object/put-replaces")
def put_forgets(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """PUT DATA of a tag that is there answers 9000 and leaves the old value."""
    there = puppet.trial(CommandAPDU(0x00, INS_GET, command.p1, command.p2, ne=256).encode())
    return OK if there[-2:] == OK and command.data else puppet.send(raw)


@fault("object/put-empty-stays", INS_PUT, breaks="object/put-empty")
def put_empty_stays(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """PUT DATA without a value answers 9000 and takes nothing away."""
    return puppet.send(raw) if command.data else OK


@fault("object/put-first-only", INS_PUT_LIST, breaks="object/put-several")
def put_first_only(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """PUT DATA of several data objects puts the first one only."""
    end = 2 + command.data[1]
    first = replace(command, data=command.data[:end]).encode()
    return puppet.send(first) if puppet.trial(raw) == OK else puppet.send(raw)


@fault("object/put-full-is-fine", INS_PUT, breaks="object/put-full")
def put_full_is_fine(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """What does not fit is answered 9000."""
    answer = puppet.send(raw)
    return OK if answer == b"\x6a\x84" else answer


@fault("object/get-keeps-pointer", INS_GET, breaks="object/next-after-get")
def get_keeps_pointer(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """GET DATA does not make the data object the current one."""
    return puppet.trial(raw)
