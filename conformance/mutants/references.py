"""Faults of the commands that change reference data, unblock it, or switch its requirement."""

from __future__ import annotations

from dataclasses import replace

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import INS_VERIFY, OK, PINS, Puppet, fault

INS_CHANGE, INS_DISABLE, INS_ENABLE, INS_RESET = 0x24, 0x26, 0x28, 0x2C
FAILED = 0x63


@fault("reference/change-forgets", INS_CHANGE, breaks="reference/change")
def change_forgets(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """CHANGE REFERENCE DATA answers 9000 and keeps the old value."""
    return puppet.trial(raw)


@fault("reference/old-value-lives", INS_VERIFY, breaks="reference/old-value-dead")
def old_value_lives(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The value the reference was delivered with is right for ever."""
    answer = puppet.send(raw)
    known = command.data and command.data == PINS.get(command.p2)
    return OK if known and answer[0] == FAILED else answer


@fault("reference/change-without-old", INS_CHANGE, breaks="reference/change-wrong")
def change_without_old(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """CHANGE REFERENCE DATA with a wrong old value answers 9000."""
    answer = puppet.send(raw)
    return OK if answer[0] == FAILED else answer


@fault("reference/change-is-free", INS_CHANGE, breaks="reference/change-counts")
def change_is_free(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A wrong old value costs no try."""
    answer = puppet.trial(raw)
    return answer if answer[0] == FAILED else puppet.send(raw)


@fault("reference/change-to-nothing", INS_CHANGE, breaks="reference/change-length")
def change_to_nothing(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """CHANGE REFERENCE DATA without a new value answers 9000."""
    answer = puppet.send(raw)
    return OK if answer == b"\x67\x00" else answer


@fault("reference/change-anyhow", INS_CHANGE, breaks="reference/change-refused-keeps")
def change_anyhow(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A wrong old value is refused, and the new one stored all the same."""
    answer = puppet.send(raw)
    right = puppet.values.get(command.p2, b"")
    if answer[0] == FAILED and len(command.data) > len(right):
        puppet.send(replace(command, data=right + command.data[len(right) :]).encode())
        new = command.data[len(right) :]
        wrong = new[:-1] + bytes((new[-1] ^ 1,))
        puppet.send(CommandAPDU(0x00, INS_VERIFY, 0x00, command.p2, wrong).encode())
    return answer


@fault("reference/unknown-is-fine", INS_CHANGE, breaks="reference/unknown")
def unknown_is_fine(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """Changing reference data that is not there answers 9000."""
    answer = puppet.send(raw)
    return OK if answer == b"\x6a\x88" else answer


@fault("reference/p1-ignored", INS_CHANGE, INS_RESET, breaks="reference/reserved-p1")
def p1_ignored(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """Reserved values of P1 answer 9000."""
    answer = puppet.send(raw)
    return OK if answer == b"\x6a\x86" else answer


@fault("reference/reset-forgets", INS_RESET, breaks="reference/reset")
def reset_forgets(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """RESET RETRY COUNTER answers 9000 and gives no tries back."""
    return puppet.trial(raw) if command.p1 == 0x01 else puppet.send(raw)


@fault("reference/reset-keeps-value", INS_RESET, breaks="reference/reset-new-value")
def reset_keeps_value(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The new value behind the resetting code is not stored."""
    return puppet.trial(raw) if command.p1 == 0x00 else puppet.send(raw)


@fault("reference/reset-by-anybody", INS_RESET, breaks="reference/reset-wrong")
def reset_by_anybody(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A wrong resetting code answers 9000."""
    answer = puppet.send(raw)
    return OK if answer[0] == FAILED else answer


@fault("reference/reset-is-free", INS_RESET, breaks="reference/reset-counts")
def reset_is_free(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A wrong resetting code costs no try."""
    answer = puppet.trial(raw)
    return answer if answer[0] == FAILED else puppet.send(raw)


@fault("reference/reset-without-code", INS_RESET, breaks="reference/no-resetting-code")
def reset_without_code(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """What has no resetting code is reset by any."""
    answer = puppet.send(raw)
    return OK if answer == b"\x69\x85" else answer


@fault("reference/disable-forgets", INS_DISABLE, breaks="reference/disable")
def disable_forgets(_puppet: Puppet, _command: CommandAPDU, _raw: bytes) -> bytes:
    """DISABLE VERIFICATION REQUIREMENT is never carried out."""
    return b"\x69\x85"


@fault("reference/enable-refused", INS_ENABLE, breaks="reference/enable")
def enable_refused(_puppet: Puppet, _command: CommandAPDU, _raw: bytes) -> bytes:
    """ENABLE VERIFICATION REQUIREMENT is never carried out."""
    return b"\x69\x85"


@fault("reference/disable-by-anybody", INS_DISABLE, breaks="reference/disable-wrong")
def disable_by_anybody(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A wrong value in DISABLE VERIFICATION REQUIREMENT answers 9000."""
    answer = puppet.send(raw)
    return OK if answer[0] == FAILED else answer


@fault("reference/enable-by-anybody", INS_ENABLE, breaks="reference/enable-wrong")
def enable_by_anybody(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A wrong value in ENABLE VERIFICATION REQUIREMENT answers 9000."""
    answer = puppet.send(raw)
    return OK if answer[0] == FAILED else answer


@fault("reference/switch-is-free", INS_DISABLE, INS_ENABLE, breaks="reference/switch-counts")
def switch_is_free(puppet: Puppet, _command: CommandAPDU, raw: bytes) -> bytes:
    """A wrong value that would switch the requirement costs no try."""
    answer = puppet.trial(raw)
    return answer if answer[0] == FAILED else puppet.send(raw)


@fault(
    "reference/blocked-for-ever",
    INS_RESET,
    breaks="reference/reset-unblocks",
    risk="destroy",
)
def blocked_for_ever(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The resetting code does not unblock what is blocked."""
    asked = puppet.trial(CommandAPDU(0x00, INS_VERIFY, 0x00, command.p2).encode())
    return asked if asked == b"\x69\x83" else puppet.send(raw)
