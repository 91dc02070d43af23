"""Commands on reference data: VERIFY and its kin (ISO/IEC 7816-4:2020, 11.6).

P2 names the reference data: bit 8 clear means global (the MF's), set means specific to the current
DF. Every comparison spends a try before it is made. With an even instruction code the values stand
in the data field one behind the other, a first one as long as it is at present; with an odd one
each is the value field of a data object 53.
"""

from __future__ import annotations

from simcard.commands.addressing import TAG_DATA, data_objects
from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.security.access import Right
from simcard.security.reference import ReferenceData
from simcard.status import SW, CardError


def _checked(call: Call, reference: ReferenceData, value: bytes) -> Reply | None:
    """None when *value* is right; else what to answer, and the session has lost the right.

    6700 for a length the reference data cannot have, 6A80 for an encoding, 6983 when blocked.
    """
    if not reference.accepts_length(value):
        raise CardError(SW.WRONG_LENGTH)
    if not reference.accepts(value):
        raise CardError(SW.INCORRECT_DATA)
    if reference.check(value):
        return None
    satisfied = call.session.satisfied - {reference.cell}
    call.session = call.session._replace(satisfied=satisfied)
    return Reply(sw=SW.tries_left(reference.tries_left))


def _grant(call: Call, reference: ReferenceData) -> None:
    satisfied = call.session.satisfied | {reference.cell}
    call.session = call.session._replace(satisfied=satisfied)


def _check_p1(call: Call, *allowed: int) -> int:
    if call.command.p1 not in allowed:
        raise CardError(SW.INCORRECT_P1_P2)
    return call.command.p1


def _values(call: Call) -> list[bytes]:
    """The values in the data objects of the data field; 6A80 when it is malformed."""
    return [tlv.value for tlv in data_objects(call, (TAG_DATA,))]


def _only(values: list[bytes]) -> bytes:
    if len(values) != 1:
        raise CardError(SW.INCORRECT_DATA)
    return values[0]


@command("VERIFY", ins=0x20, cases="13", clause="ISO/IEC 7816-4:2020, 11.6.6")
def verify(call: Call) -> Reply:
    """Compare the data field with the reference data P2.

    63CX when they differ, X further tries; 6983 when blocked, 6984 when used up. Without a data
    field: 9000 when verification is not required any more, else 63CX, 6983 or 6984, and nothing is
    spent.
    """
    _check_p1(call, 0x00)
    reference = call.reference(call.command.p2)
    if not call.command.data:
        return _query(call, reference)
    return _verify(call, reference, call.command.data)


@command("VERIFY", ins=0x21, cases="3", clause="ISO/IEC 7816-4:2020, 11.6.6")
def verify_object(call: Call) -> Reply:
    """VERIFY with the value in a data object; an empty one asks as no data field does."""
    _check_p1(call, 0x00)
    reference = call.reference(call.command.p2)
    value = _only(_values(call))
    return _verify(call, reference, value) if value else _query(call, reference)


def _verify(call: Call, reference: ReferenceData, value: bytes) -> Reply:
    refusal = _checked(call, reference, value)
    if refusal is not None:
        return refusal
    _grant(call, reference)
    return Reply()


def _query(call: Call, reference: ReferenceData) -> Reply:
    if reference.cell in call.session.satisfied or not reference.required:
        return Reply()
    if not reference.tries_left:
        raise CardError(SW.AUTHENTICATION_BLOCKED)
    if not reference.uses_left:
        raise CardError(SW.REFERENCE_DATA_NOT_USABLE)
    return Reply(sw=SW.tries_left(reference.tries_left))


@command("CHANGE REFERENCE DATA", ins=0x24, cases="3", clause="ISO/IEC 7816-4:2020, 11.6.7")
def change_reference_data(call: Call) -> Reply:
    """Replace the reference data P2: P1 00 old value and new one, P1 01 new one under its rules.

    63CX or 6983 as VERIFY; 6700 or 6A80 for a new value it cannot have, before a try is spent.
    """
    p1 = _check_p1(call, 0x00, 0x01)
    reference = call.reference(call.command.p2)
    data = call.command.data
    size = 0 if p1 else reference.length
    return _change(call, reference, None if p1 else data[:size], data[size:])


@command("CHANGE REFERENCE DATA", ins=0x25, cases="3", clause="ISO/IEC 7816-4:2020, 11.6.7")
def change_reference_data_objects(call: Call) -> Reply:
    """CHANGE REFERENCE DATA with each value in a data object; 6A80 for another number of them."""
    p1 = _check_p1(call, 0x00, 0x01)
    reference = call.reference(call.command.p2)
    values = _values(call)
    if len(values) != (1 if p1 else 2):
        raise CardError(SW.INCORRECT_DATA)
    return _change(call, reference, None if p1 else values[0], values[-1])


def _change(call: Call, reference: ReferenceData, old: bytes | None, new: bytes) -> Reply:
    """Replace *old* by *new*; under the rules of the reference data when there is no *old*."""
    _must_accept(reference, new)
    if old is None:
        call.demand_on_reference(call.command.p2, Right.UPDATE)
    else:
        refusal = _checked(call, reference, old)
        if refusal is not None:
            return refusal
        _grant(call, reference)
    reference.change(new)
    return Reply()


def _must_accept(reference: ReferenceData, value: bytes) -> None:
    if not reference.accepts_length(value):
        raise CardError(SW.WRONG_LENGTH)
    if not reference.accepts(value):
        raise CardError(SW.INCORRECT_DATA)


@command("RESET RETRY COUNTER", ins=0x2C, cases="13", clause="ISO/IEC 7816-4:2020, 11.6.10")
def reset_retry_counter(call: Call) -> Reply:
    """Give the reference data P2 all its tries back, with a new value where P1 says so.

    P1 00: resetting code and new value, 01: resetting code, 02: new value, 03: nothing. Without a
    code the rules of the reference data decide (6982). A wrong code costs a try of its own: 63CX,
    6983. 6985 when the reference data has no resetting code.
    """
    p1 = _check_p1(call, 0x00, 0x01, 0x02, 0x03)
    if (p1 == 0x03) == bool(call.command.data):
        raise CardError(SW.NC_INCONSISTENT_WITH_P1_P2)
    reference = call.reference(call.command.p2)
    data = call.command.data
    size = _resetting_code(call, reference).length if p1 in (0x00, 0x01) else 0
    new = data[size:] if p1 in (0x00, 0x02) else None
    if p1 == 0x01 and data[size:]:
        raise CardError(SW.WRONG_LENGTH)
    return _reset(call, reference, data[:size] if size else None, new)


@command("RESET RETRY COUNTER", ins=0x2D, cases="13", clause="ISO/IEC 7816-4:2020, 11.6.10")
def reset_retry_counter_objects(call: Call) -> Reply:
    """RESET RETRY COUNTER with each value in a data object; 6A80 for another number of them."""
    p1 = _check_p1(call, 0x00, 0x01, 0x02, 0x03)
    reference = call.reference(call.command.p2)
    values = _values(call)
    if len(values) != (2, 1, 1, 0)[p1]:
        raise CardError(SW.INCORRECT_DATA)
    code = values[0] if p1 in (0x00, 0x01) else None
    return _reset(call, reference, code, values[-1] if p1 in (0x00, 0x02) else None)


def _reset(call: Call, reference: ReferenceData, code: bytes | None, new: bytes | None) -> Reply:
    """All tries again, by a resetting code or, without one, under the rules; and a *new* value."""
    unblocker = None if code is None else _resetting_code(call, reference)
    if new is not None:
        _must_accept(reference, new)
    if unblocker is None or code is None:
        call.demand_on_reference(call.command.p2, Right.WRITE)
    else:
        refusal = _checked(call, unblocker, code)
        if refusal is not None:
            return refusal
    if new is not None:
        reference.change(new)
    reference.reset()
    return Reply()


def _resetting_code(call: Call, reference: ReferenceData) -> ReferenceData:
    number = reference.unblocked_by
    if number is None:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    return call.reference(number)


def _switch(call: Call, *, required: bool, right: Right) -> Reply:
    """Verification required from now on or not: P1 00 with the value, 01 under the rules."""
    p1 = _check_p1(call, 0x00, 0x01)
    if (p1 == 0x00) != bool(call.command.data):
        raise CardError(SW.NC_INCONSISTENT_WITH_P1_P2)
    reference = call.reference(call.command.p2)
    if p1:
        call.demand_on_reference(call.command.p2, right)
    else:
        refusal = _checked(call, reference, call.command.data)
        if refusal is not None:
            return refusal
        _grant(call, reference)
    reference.required = required
    return Reply()


@command(
    "DISABLE VERIFICATION REQUIREMENT", ins=0x26, cases="13", clause="ISO/IEC 7816-4:2020, 11.6.9"
)
def disable_verification_requirement(call: Call) -> Reply:
    """Let what the reference data P2 guards be open without VERIFY; 63CX, 6983, 6982."""
    return _switch(call, required=False, right=Right.DEACTIVATE)


@command(
    "ENABLE VERIFICATION REQUIREMENT", ins=0x28, cases="13", clause="ISO/IEC 7816-4:2020, 11.6.8"
)
def enable_verification_requirement(call: Call) -> Reply:
    """Require VERIFY of the reference data P2 again; 63CX, 6983, 6982."""
    return _switch(call, required=True, right=Right.ACTIVATE)
