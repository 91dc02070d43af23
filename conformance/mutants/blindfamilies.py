"""Faults thought up without knowledge of the suite, part two: secure channels, purses, modules."""

from __future__ import annotations

from dataclasses import replace

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import (
    INS_READ_RECORD,
    INS_SELECT,
    OK,
    Mutant,
    Puppet,
    declare,
    fault,
    forgetful_reset,
)
from conformance.mutants.inside import is_refusal, keeping, remember, session_of, state_of
from simcard.commands.pboc.purse.kinds import CachedRecord, Pending
from simcard.crypto.padding import pad
from simcard.crypto.pboc import Transaction, line_mac, purchase_tac, tac_key
from simcard.files.descriptors import File, FileKind
from simcard.messaging.iso import DataObjectChannel
from simcard.messaging.scp03 import Scp03Channel
from simcard.session import Session

INS_UPDATE_BINARY_ODD, INS_INITIALIZE, INS_CACHE, INS_DEBIT = 0xD7, 0x50, 0xDC, 0x54
INS_PROOF, INS_GET_RESPONSE, INS_INITIALIZE_SAM, INS_CREDIT_SAM = 0x5A, 0xC0, 0x70, 0x72
NOT_SATISFIED = b"\x69\x82"
LINE_KEY = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
TAC_KEY = bytes.fromhex("444630385F44544B5F30303030303030")
MAC_OBJECT = b"\x8e\x08"
PURCHASES = {(0x01, 0x01): 0x05, (0x01, 0x02): 0x06, (0x03, 0x02): 0x09}
"""The kinds of purchase by P1 and P2 of INITIALIZE."""
COMPOSITE = (0x03, 0x02)
BY_NUMBER = 4


# Secure channels


@fault(
    "messaging/blind-refusal-keeps-the-chain",
    breaks="messaging/carries",
    standard="scp03",
    profile="globalplatform",
)
def refusal_keeps_the_chain(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The MAC chaining value is stored behind the command, and not at all when it is refused."""
    before = session_of(puppet, command)
    answer = puppet.send(raw)
    after = session_of(puppet, command)
    if before is None or after is None or not is_refusal(answer):
        return answer
    if isinstance(before.secure, Scp03Channel) and isinstance(after.secure, Scp03Channel):
        remember(puppet, command, after._replace(secure=before.secure))
    return answer


@fault(
    "messaging/blind-odd-update-needs-no-mac",
    INS_UPDATE_BINARY_ODD,
    breaks="line/needed",
    standard="pboc",
    profile="globalplatform",
)
def odd_update_needs_no_mac(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """UPDATE BINARY with the odd instruction code does not ask for the MAC of the access rule."""
    answer = puppet.send(raw)
    session = session_of(puppet, command)
    if answer != NOT_SATISFIED or session is None or command.extended or len(command.data) > 251:
        return answer
    challenge = bytes(range(8))
    sealed = replace(command, cla=command.cla | 0x04, data=command.data + bytes(4)).encode()
    mac = line_mac(LINE_KEY, challenge, sealed[: 5 + len(command.data)])
    remember(puppet, command, session._replace(challenge=challenge))
    answer = puppet.send(sealed[: 5 + len(command.data)] + mac)
    remember(puppet, command, session)
    return NOT_SATISFIED if is_refusal(answer) else answer


@fault(
    "messaging/blind-seven-bytes-of-the-mac",
    breaks="messaging/mac-checked",
    standard="9303",
    profile="emrtd",
)
def seven_bytes_of_the_mac(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Of the eight bytes of a MAC the last one is not compared."""
    session = session_of(puppet, command)
    data = command.data
    if session is None or not isinstance(session.secure, DataObjectChannel):
        return puppet.send(raw)
    if command.cla & 0x0C != 0x0C or data[-10:-8] != MAC_OBJECT:
        return puppet.send(raw)
    covered = pad(raw[:4], 8) + data[:-10]
    mac = session.secure.mac(session.secure.counter + 1, covered)
    if data[-8:-1] == mac[:7]:
        return puppet.send(replace(command, data=data[:-8] + mac).encode())
    return puppet.send(raw)


@fault(
    "messaging/blind-refused-in-plain",
    breaks="messaging/plain-ends-session",
    standard="9303",
    profile="emrtd",
)
def refused_in_plain(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """A plain command ends the session at its end, which one that is refused does not reach."""

    def when(before: Session, answer: bytes) -> bool:
        return before.secure is not None and not command.cla & 0x0C and is_refusal(answer)

    return keeping(puppet, command, raw, when, "secure", "satisfied")


# Purses


@fault(
    "environment/blind-state-waits-at-home",
    INS_SELECT,
    breaks="environment/closed-after-leaving",
    standard="ssc",
    profile="ssc2",
    reset=forgetful_reset,
)
def state_waits_at_home(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """SELECT of the MF by its identifier leaves the security state of the DF for the way back."""
    before = session_of(puppet, command)
    answer = puppet.send(raw)
    after = session_of(puppet, command)
    if before is None or after is None or before.df == after.df:
        return answer
    to_mf = command.p1 == 0x00 and after.df == state_of(puppet).tree.root
    left: Session | None = puppet.notes.pop("left", None)
    if to_mf and before.state:
        puppet.notes["left"] = before
    elif left is not None and left.df == after.df:
        back = after._replace(state=left.state, satisfied=after.satisfied | left.satisfied)
        remember(puppet, command, back)
    return answer


@fault(
    "purse/blind-half-a-terminal-counter",
    INS_INITIALIZE,
    INS_DEBIT,
    INS_PROOF,
    INS_GET_RESPONSE,
    breaks="purse/purchase-tac",
    standard="pboc",
    profile="ssc2",
)
def half_a_terminal_counter(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The TAC of a purchase covers the low two bytes of the terminal counter, and 0000 before."""
    answer = puppet.send(raw)
    kind = PURCHASES.get((command.p1, command.p2))
    if command.ins == INS_INITIALIZE and kind is not None and not is_refusal(answer):
        puppet.notes["begun"] = (bytes([kind]), command.data[1:5], command.data[5:11])
    elif command.ins == INS_DEBIT and len(command.data) == 15 and "begun" in puppet.notes:
        kind_byte, amount, terminal = puppet.notes["begun"]
        counter, moment = command.data[:4], command.data[4:11]
        done = Transaction(amount, kind_byte, terminal, moment)
        key = tac_key(TAC_KEY)
        wrong = purchase_tac(key, bytes(2) + counter[2:], done)
        puppet.notes["tac"] = (purchase_tac(key, counter, done), wrong)
    if "tac" in puppet.notes:
        answer = answer[:-2].replace(*puppet.notes["tac"]) + answer[-2:]
    return answer


@fault(
    "purse/blind-cache-survives-its-purchase",
    INS_INITIALIZE,
    INS_CACHE,
    INS_DEBIT,
    breaks="purse/composite-only-with-debit",
    standard="pboc",
    profile="ssc2",
    reset=forgetful_reset,
)
def cache_survives_its_purchase(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Records put aside for a composite purchase that was broken off are written by the next."""
    answer = puppet.send(raw)
    if command.ins == INS_DEBIT and command.p1 == 0x01 and not is_refusal(answer):
        puppet.notes.pop("cache", None)
    session = session_of(puppet, command)
    pending = None if session is None else session.transaction
    if session is None or not isinstance(pending, Pending) or is_refusal(answer):
        return answer
    if command.ins == INS_CACHE:
        puppet.notes["cache"] = pending.records
    elif (command.p1, command.p2) == COMPOSITE:
        cached: tuple[CachedRecord, ...] = puppet.notes.get("cache", ())
        remember(puppet, command, session._replace(transaction=replace(pending, records=cached)))
    return answer


@fault(
    "purse/blind-log-turns-over",
    INS_READ_RECORD,
    breaks="purse/log-order",
    standard="pboc",
    profile="ssc3",
)
def log_turns_over(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """Behind the place where a full log turned over, every record is the one before it in time."""
    session, state = session_of(puppet, command), state_of(puppet)
    if session is None or command.p2 & 0x07 != BY_NUMBER:
        return puppet.send(raw)
    sfi = command.p2 >> 3
    file = state.tree.by_sfi.get((session.df, sfi)) if sfi else _current_ef(puppet, session)
    if file is None or file.structure is None or not file.structure.is_cyclic:
        return puppet.send(raw)
    count, youngest = file.region.read(state.memory, 0, 2)
    if count < file.record_limit or not youngest + 1 < command.p1 <= count:
        return puppet.send(raw)
    return puppet.send(replace(command, p1=command.p1 % count + 1).encode())


def _current_ef(puppet: Puppet, session: Session) -> File | None:
    return None if session.ef is None else state_of(puppet).tree.files[session.ef]


# Security module, resets


def _back_to_what_was_written(puppet: Puppet) -> bytes:
    if "written" in puppet.notes:
        place, counter = puppet.notes.pop("written")
        state = state_of(puppet)
        state.tree.internal[place].region.write(state.memory, 0, counter)
        state.memory.commit()
    return puppet.card.reset()


@fault(
    "module/blind-counter-written-with-credit",
    INS_INITIALIZE_SAM,
    INS_CREDIT_SAM,
    breaks="module/counter-survives-reset",
    standard="pboc",
    profile="psam",
    reset=_back_to_what_was_written,
)
def counter_written_with_credit(puppet: Puppet, command: CommandAPDU, raw: bytes) -> bytes:
    """The terminal counter is in RAM until CREDIT SAM FOR PURCHASE accepts MAC2."""
    session, state = session_of(puppet, command), state_of(puppet)
    place = (0 if session is None else session.df, FileKind.KEY_FILE, 0)
    file = state.tree.internal.get(place)
    before = b"" if file is None else file.region.read(state.memory, 0, 4)
    answer = puppet.send(raw)
    if file is None or is_refusal(answer):
        return answer
    if command.ins == INS_INITIALIZE_SAM:
        puppet.notes.setdefault("written", (place, before))
    elif answer == OK:
        puppet.notes.pop("written", None)
    return answer


def _other_guard_time(puppet: Puppet) -> bytes:
    """A warm reset answers with extra guard time FF (TC1), which a cold one does not."""
    atr = puppet.card.reset()
    if puppet.notes.get("on"):
        return atr[:3] + b"\xff" + atr[4:]
    puppet.notes["on"] = True
    return atr


declare(
    Mutant(
        "atr/blind-other-guard-time",
        "7816-3/atr/same-after-reset",
        _other_guard_time.__doc__ or "",
        reset=_other_guard_time,
        profile="psam",
    )
)
