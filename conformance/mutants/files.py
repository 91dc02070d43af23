"""Faults of CREATE and DELETE FILE, of access rules given to new files, and of the life cycle."""

from __future__ import annotations

from dataclasses import replace

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import (
    INS_READ_BINARY,
    INS_SELECT,
    INS_UPDATE_BINARY,
    OK,
    Puppet,
    fault,
    sound_reset,
)

INS_CREATE, INS_DELETE, INS_ACTIVATE, INS_DEACTIVATE = 0xE0, 0xE4, 0x44, 0x04
INS_TERMINATE_EF, INS_TERMINATE_DF = 0xE8, 0xE6
REFUSED, CLOSED, NOT_FOUND = b"\x69\x82", b"\x69\x85", b"\x6a\x82"
HOME = b"\x7f\x20"
COMPACT, EXPANDED, REFERENCED = 0x8C, 0xAB, 0x8B
OPEN_TO_ALL = b"\x8c\x08\x7f" + bytes(7)


def _select(path: bytes, p2: int = 0x0C) -> bytes:
    return CommandAPDU(0x00, INS_SELECT, 0x08, p2, path).encode()


def _opened(template: bytes, tag: int) -> bytes:
    """*template* with a rule that grants everything in the place of the attribute *tag*."""
    body = template[2:]
    position = body.find(bytes((tag,)))
    while position >= 0 and position + 2 + body[position + 1] != len(body):
        position = body.find(bytes((tag,)), position + 1)
    if position < 0:
        return template
    changed = body[:position] + OPEN_TO_ALL
    return bytes((0x62, len(changed))) + changed


@fault("file/create-forgets", INS_CREATE, breaks="create/transparent", standard="7816-9")
def create_refused(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """CREATE FILE of a transparent EF answers 6A81."""
    return b"\x6a\x81" if b"\x82\x02\x01" in command.data else puppet.send(raw)


@fault("file/create-stays-away", INS_CREATE, breaks="create/becomes-current", standard="7816-9")
def create_stays_away(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """The new file does not become the current one."""
    answer = puppet.send(raw)
    if answer == OK:
        puppet.send(_select(HOME))
    return answer


@fault("file/create-loses-sfi", INS_CREATE, breaks="create/short-identifier", standard="7816-9")
def create_loses_sfi(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The short identifier in the template is not kept."""
    data = command.data.replace(b"\x88\x01\xb0", b"\x88\x01\xb8")
    return (
        puppet.send(replace(command, data=data).encode())
        if data != command.data
        else (puppet.send(raw))
    )


@fault("file/create-overwrites", INS_CREATE, breaks="create/identifier-taken", standard="7816-9")
def create_overwrites(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """CREATE FILE with an identifier that is taken answers 9000."""
    answer = puppet.send(raw)
    return OK if answer == b"\x6a\x89" else answer


@fault("file/create-same-name", INS_CREATE, breaks="create/name-taken", standard="7816-9")
def create_same_name(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A DF with the name of another one is created."""
    answer = puppet.send(raw)
    return OK if answer == b"\x6a\x8a" else answer


@fault("file/create-anything", INS_CREATE, breaks="create/malformed", standard="7816-9")
def create_anything(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A template without a descriptor is answered 9000."""
    answer = puppet.send(raw)
    return OK if answer == b"\x6a\x80" and command.data[2:3] == b"\x83" else answer


def _reset_losing(puppet: Puppet) -> bytes:
    atr = sound_reset(puppet)
    if puppet.notes.pop("new", False):
        puppet.send(_select(HOME + b"\x7e\x01"))
        puppet.send(CommandAPDU(0x00, INS_DELETE, 0x00, 0x00).encode())
        sound_reset(puppet)
    return atr


@fault(
    "file/create-volatile",
    INS_CREATE,
    breaks="create/survives-reset",
    standard="7816-9",
    reset=_reset_losing,
)
def create_volatile(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A new file is gone after a reset."""
    answer = puppet.send(raw)
    if answer == OK:
        puppet.notes["new"] = True
    return answer


@fault("file/delete-forgets", INS_DELETE, breaks="delete/ef", standard="7816-9")
def delete_forgets(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """DELETE FILE answers 9000; the file is not current any more, but still there."""
    answer = puppet.trial(raw)
    if answer == OK and not command.data:
        puppet.send(_select(HOME))
    return answer


@fault(
    "file/delete-leaves-current", INS_DELETE, breaks="delete/leaves-no-current", standard="7816-9"
)
def delete_leaves_current(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """After DELETE FILE another EF is current."""
    answer = puppet.send(raw)
    if answer == OK:
        puppet.send(_select(HOME + b"\x00\x01"))
    return answer


@fault("file/delete-missing-is-fine", INS_DELETE, breaks="delete/missing", standard="7816-9")
def delete_missing_is_fine(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """DELETE FILE of what is not there answers 9000."""
    answer = puppet.send(raw)
    return OK if answer == NOT_FOUND else answer


@fault("file/delete-clears-neighbour", INS_DELETE, breaks="delete/others-stay", standard="7816-9")
def delete_clears_neighbour(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """DELETE FILE clears the first byte of the file that was created after it."""
    answer = puppet.send(raw)
    if answer == OK and command.data == b"\x7e\x01":
        puppet.send(_select(HOME + b"\x7e\x02"))
        puppet.send(CommandAPDU(0x00, INS_UPDATE_BINARY, 0x00, 0x00, b"\x00").encode())
        puppet.send(_select(HOME))
    return answer


@fault("file/delete-in-use", INS_DELETE, breaks="delete/in-use", standard="7816-9")
def delete_in_use(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A file that another channel works with is deleted."""
    answer = puppet.send(raw)
    return OK if answer == CLOSED else answer


@fault("file/compact-ignored", INS_CREATE, breaks="rules/compact-refuses", standard="7816-9")
def compact_ignored(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A compact security attribute is not kept."""
    if b"\x10" in command.data[-8:]:
        data = _opened(command.data, COMPACT)
        return puppet.send(replace(command, data=data).encode())
    return puppet.send(raw)


@fault("file/compact-never-ignored", INS_CREATE, breaks="rules/compact-never", standard="7816-9")
def compact_never_ignored(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The condition byte FF is taken for a verification."""
    data = command.data
    if data[-10:-8] == b"\x8c\x08" and data[-2] == 0xFF:
        data = data[:-2] + b"\x10" + data[-1:]
        return puppet.send(replace(command, data=data).encode())
    return puppet.send(raw)


@fault("file/expanded-ignored", INS_CREATE, breaks="rules/expanded-refuses", standard="7816-9")
def expanded_ignored(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """An expanded security attribute is not kept."""
    data = _opened(command.data, EXPANDED)
    changed = replace(command, data=data).encode()
    return puppet.send(changed if data != command.data else raw)


@fault(
    "file/expanded-any-pin", INS_CREATE, breaks="rules/expanded-right-reference", standard="7816-9"
)
def expanded_any_pin(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The reference that an expanded rule names is not looked at."""
    data = _opened(command.data, EXPANDED)
    if data != command.data:
        data = data[:-2] + b"\x10\x00"
        return puppet.send(replace(command, data=data).encode())
    return puppet.send(raw)


@fault("file/referenced-ignored", INS_CREATE, breaks="rules/referenced-refuses", standard="7816-9")
def referenced_ignored(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A reference to a record of an EF.ARR is not followed."""
    data = _opened(command.data, REFERENCED)
    changed = replace(command, data=data).encode()
    return puppet.send(changed if data != command.data else raw)


@fault(
    "file/deactivated-is-read",
    INS_READ_BINARY,
    breaks="life-cycle/deactivated-closed",
    standard="7816-9",
)
def deactivated_is_read(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A deactivated EF is read."""
    answer = puppet.send(raw)
    if answer == CLOSED:
        return puppet.trial(CommandAPDU(0x00, INS_ACTIVATE, 0x00, 0x00).encode(), raw)
    return answer


@fault(
    "file/deactivated-unsaid", INS_SELECT, breaks="life-cycle/deactivated-warns", standard="7816-9"
)
def deactivated_unsaid(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """SELECT does not say that the file is deactivated."""
    answer = puppet.send(raw)
    return answer[:-2] + OK if answer[-2:] == b"\x62\x83" else answer


@fault(
    "file/activate-forgets",
    INS_ACTIVATE,
    breaks="life-cycle/activated-as-before",
    standard="7816-9",
)
def activate_forgets(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """An EF that was activated again has lost its first byte."""
    answer = puppet.send(raw)
    if answer == OK:
        puppet.send(CommandAPDU(0x00, INS_UPDATE_BINARY, 0x00, 0x00, b"\x00").encode())
    return answer


@fault("file/deactivate-refused", INS_DEACTIVATE, breaks="life-cycle/deactivate", standard="7816-9")
def deactivate_refused(_puppet: Puppet, _command: CommandAPDU, _raw: bytes) -> bytes:
    """DEACTIVATE FILE is never carried out."""
    return CLOSED


@fault(
    "file/deactivate-by-anybody",
    INS_DEACTIVATE,
    breaks="life-cycle/deactivate-refused",
    standard="7816-9",
)
def deactivate_by_anybody(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """What may never be deactivated is."""
    answer = puppet.send(raw)
    return OK if answer == REFUSED else answer


@fault(
    "file/deactivate-spreads", INS_DEACTIVATE, breaks="life-cycle/others-stay", standard="7816-9"
)
def deactivate_spreads(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """DEACTIVATE FILE of one file deactivates the next one, too."""
    answer = puppet.send(raw)
    if command.data == b"\x7e\x01" and answer == OK:
        puppet.send(replace(command, data=b"\x7e\x02").encode())
    return answer


def _reset_waking(puppet: Puppet) -> bytes:
    atr = sound_reset(puppet)
    if puppet.notes.pop("asleep", False):
        puppet.send(_select(HOME + b"\x7e\x01"))
        puppet.send(CommandAPDU(0x00, INS_ACTIVATE, 0x00, 0x00).encode())
        sound_reset(puppet)
    return atr


@fault(
    "file/reset-activates",
    INS_DEACTIVATE,
    breaks="life-cycle/survives-reset",
    standard="7816-9",
    reset=_reset_waking,
)
def reset_activates(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A reset activates a deactivated file."""
    puppet.notes["asleep"] = True
    return puppet.send(raw)


@fault(
    "file/terminated-wakes",
    INS_ACTIVATE,
    breaks="life-cycle/terminated-stays",
    standard="7816-9",
    risk="destroy",
)
def terminated_wakes(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """ACTIVATE FILE of a terminated file answers 9000."""
    answer = puppet.send(raw)
    return OK if answer == CLOSED else answer


@fault(
    "file/terminate-any-kind",
    INS_TERMINATE_EF,
    INS_TERMINATE_DF,
    breaks="life-cycle/terminate-kind",
    standard="7816-9",
    risk="destroy",
)
def terminate_any_kind(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """TERMINATE EF and TERMINATE DF end whatever is current."""
    answer = puppet.send(raw)
    if answer == b"\x69\x81":
        other = {INS_TERMINATE_EF: INS_TERMINATE_DF, INS_TERMINATE_DF: INS_TERMINATE_EF}
        return puppet.send(replace(command, ins=other[command.ins]).encode())
    return answer


@fault(
    "file/terminated-is-read",
    INS_READ_BINARY,
    INS_TERMINATE_EF,
    breaks="life-cycle/terminated-closed",
    standard="7816-9",
    risk="destroy",
)
def terminated_is_read(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A terminated EF gives a byte."""
    if command.ins == INS_TERMINATE_EF:
        puppet.notes["ended"] = True
        return puppet.send(raw)
    answer = puppet.send(raw)
    return b"\x00" + OK if answer == CLOSED and puppet.notes.get("ended") else answer
