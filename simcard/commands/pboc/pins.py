"""PINs of the PBOC family: VERIFY, change and reload, unblock.

P2 is the identifier of the PIN, which is looked for in the current DF and then upwards.
"""

from __future__ import annotations

from typing import Final

from simcard.commands import verification
from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.commands.pboc.proof import check_application, disproven, proven, rules_of
from simcard.crypto.macs import same_mac
from simcard.crypto.pboc import MAC_LENGTH, tac_key, transaction_mac
from simcard.security.access import Right
from simcard.security.keys import Key
from simcard.security.pboc import KeyType, keys_of_type
from simcard.security.reference import ReferenceData
from simcard.status import SW, CardError

_SEPARATOR: Final = b"\xff"


@command("VERIFY", ins=0x20, cases="13", clause="PBOC 2.0 part 1; ISO/IEC 7816-4:2020, 11.6.6")
def verify(call: Call) -> Reply:
    """Compare the data field with the PIN P2, and enter its next state when it is right.

    63CX and state 0 when it is wrong, 6983 when it is blocked, 6982 without the right to use it.
    """
    check_application(call)
    number = call.command.p2
    reference = call.reference(number)
    call.demand_on_reference(number, Right.READ)
    reply = verification.verify.run(call)
    if call.command.data:
        if reply.sw == SW.OK:
            proven(call, call.tree.files[reference.cell])
        else:
            disproven(call, reference.cell)
    return reply


@command("CHANGE OR RELOAD PIN", ins=0x5E, cases="3", clause="PBOC 2.0 part 1", proprietary=True)
def change_or_reload_pin(call: Call) -> Reply:
    """P1 01: old PIN, FF, new PIN. P1 00: new PIN and its MAC under the reload key.

    A reloaded PIN has all its tries. 63CX for a wrong old PIN, 6983 when it is blocked; 6988 for a
    wrong MAC, which costs the reload key a try where line MACs do; 6A88 without a reload key.
    """
    check_application(call)
    reference = call.reference(call.command.p2)
    match call.command.p1:
        case 0x01:
            return _change(call, reference)
        case 0x00:
            return _reload(call, reference)
    raise CardError(SW.INCORRECT_P1_P2)


def _change(call: Call, reference: ReferenceData) -> Reply:
    old, separator, new = call.command.data.partition(_SEPARATOR)
    if not (separator and reference.accepts_length(old) and reference.accepts_length(new)):
        raise CardError(SW.WRONG_LENGTH)
    if not reference.check(old):
        disproven(call, reference.cell)
        return Reply(sw=SW.tries_left(reference.tries_left))
    reference.change(new)
    return Reply()


def _reload(call: Call, reference: ReferenceData) -> Reply:
    pin, received = call.command.data[:-MAC_LENGTH], call.command.data[-MAC_LENGTH:]
    if not reference.accepts_length(pin):
        raise CardError(SW.WRONG_LENGTH)
    key = _reload_key(call)
    mac_key = key.value if len(key.value) == 8 else tac_key(key.value, key.algorithm.cipher)
    counts = rules_of(call).line_failures_count
    if counts:
        key.spend()
    if not same_mac(transaction_mac(mac_key, pin), received):
        raise CardError(SW.SM_OBJECTS_INCORRECT)
    if counts:
        key.restore()
    reference.change(pin)
    reference.reset()
    return Reply()


def _reload_key(call: Call) -> Key:
    """The reload key of the PIN's own identifier, or the nearest one; 6A88, 6982."""
    number = KeyType.RELOAD.numbered(call.command.p2)
    if not call.has_key(number):
        file = next(keys_of_type(call.tree, call.df, KeyType.RELOAD), None)
        if file is None:
            raise CardError(SW.REFERENCED_DATA_NOT_FOUND)
        number = file.identifier
    return call.key_for(number, Right.READ)


@command("PIN UNBLOCK", ins=0x24, cases="3", clause="PBOC 2.0 part 1", proprietary=True)
def unblock_pin(call: Call) -> Reply:
    """Allow all tries of the PIN P2 again, and give it the value in the data field.

    The command is line-protected with cipher and MAC (class 84) under the unblocking key: 6982
    otherwise. 6700 for a value that is no PIN.
    """
    check_application(call)
    if call.command.p1:
        raise CardError(SW.INCORRECT_P1_P2)
    reference = call.reference(call.command.p2)
    if not call.secured(authentic=True, confidential=True):
        raise CardError(SW.SECURITY_STATUS_NOT_SATISFIED)
    if not reference.accepts_length(call.command.data):
        raise CardError(SW.WRONG_LENGTH)
    if rules_of(call).unblock_sets_pin:
        reference.change(call.command.data)
    reference.reset()
    return Reply()
