"""Attributes of files: GET ATTRIBUTE, and MANAGE DATA for the life cycle.

ISO/IEC 7816-4:2020, 11.7.2 and ISO/IEC 7816-9:2017, 7.10. The attributes are the control parameters
that SELECT answers in an FCP template. P1-P2 of an odd instruction code names the EF, 0000 the
current file, 3FFF the current DF.
"""

from __future__ import annotations

from typing import Final

from simcard.commands.addressing import by_reference, data_objects
from simcard.commands.call import Call
from simcard.commands.data import CURRENT_DF, tag_list
from simcard.commands.declaration import Reply, command
from simcard.commands.management import change_state
from simcard.files.descriptors import (
    TAG_FCP,
    TAG_LIFE_CYCLE,
    File,
    LifeCycle,
    file_control_parameters,
)
from simcard.security.access import Right
from simcard.status import SW, CardError
from simcard.tlv import Tlv, TlvError, find, parse

_RIGHTS: Final[dict[LifeCycle, Right]] = {
    LifeCycle.ACTIVATED: Right.ACTIVATE,
    LifeCycle.DEACTIVATED: Right.DEACTIVATE,
    LifeCycle.TERMINATED: Right.TERMINATE,
}


def _current(call: Call) -> File:
    return call.df if call.session.ef is None else call.ef


def _referenced(call: Call) -> File:
    if call.command.p1p2 == CURRENT_DF:
        return call.df
    return by_reference(call) if call.command.p1p2 else _current(call)


def _attribute(file: File, tag: int) -> Tlv:
    """The control parameter *tag*; 6A88 when the file has none."""
    value = find(parse(file_control_parameters(file)), tag)
    if value is None:
        raise CardError(SW.REFERENCED_DATA_NOT_FOUND)
    return Tlv(tag, value)


@command("GET ATTRIBUTE", ins=0x34, cases="2", clause="ISO/IEC 7816-4:2020, 11.7.2")
def get_attribute(call: Call) -> Reply:
    """The value of the current file's control parameter with the tag P1-P2; 6A88, 6CXX."""
    value = _attribute(_current(call), call.command.p1p2).value
    if call.command.ne < len(value) and not call.command.asks_for_all:
        raise CardError(SW.exact_length(len(value)))
    return Reply(value)


@command("GET ATTRIBUTE", ins=0x35, cases="4", clause="ISO/IEC 7816-4:2020, 11.7.2")
def get_attribute_objects(call: Call) -> Reply:
    """The control parameters of a tag list (5C), in its order; all for an empty list; 6A88."""
    tags = tag_list(call.command.data)
    file = _referenced(call)
    if not tags:
        return Reply(file_control_parameters(file))
    return Reply(b"".join(bytes(_attribute(file, tag)) for tag in tags))


@command("MANAGE DATA", ins=0xCF, cases="3", clause="ISO/IEC 7816-9:2017, 7.10")
def manage_data(call: Call) -> Reply:
    """Bring the file into the life cycle state (8A) that the FCP template (62) gives.

    6985 for a state that cannot be reached, 6982 without the right to it; 6A80 for another data
    field: no other control parameter can be changed.
    """
    templates = data_objects(call, (TAG_FCP,))
    try:
        parameters = [parameter for each in templates for parameter in each.children()]
        status = find(parameters, TAG_LIFE_CYCLE)
        state = LifeCycle.from_byte(status[0]) if status and len(status) == 1 else None
    except (TlvError, ValueError):
        raise CardError(SW.INCORRECT_DATA) from None
    right = None if state is None else _RIGHTS.get(state)
    if state is None or right is None or len(parameters) != 1:
        raise CardError(SW.INCORRECT_DATA)
    return change_state(call, _referenced(call), state, right)
