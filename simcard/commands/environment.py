"""MANAGE SECURITY ENVIRONMENT: say which keys and algorithms are meant.

ISO/IEC 7816-4:2020, 11.6.11. The low half of P1 says what happens to the current security
environment: SET puts a control reference template into it, STORE keeps it in the current DF under
the number P2, RESTORE brings it back, ERASE takes it from the card. Another DF becoming the current
one empties the environment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.commands.general_authentication import (
    PACE_IDENTIFIER,
    TAG_PARAMETERS,
    TAG_PASSWORD,
    TAG_PROTOCOL,
    offer_of,
)
from simcard.files.descriptors import FileKind, LifeCycle
from simcard.security.access import Right
from simcard.security.environment import (
    STORED_SIZE,
    TAG_USAGE,
    Component,
    Environment,
    Side,
    Template,
    stored_body,
)
from simcard.security.keys import Key, KeyUsage
from simcard.status import SW, CardError
from simcard.tlv import Tlv, TlvError, find, parse

TAG_KEY: Final = 0x83
TAG_PRIVATE_KEY: Final = 0x84
_SET: Final = 0x01
_KEY_TAGS: Final = (TAG_KEY, TAG_PRIVATE_KEY)
_RESERVED_NUMBERS: Final = frozenset({0x00, 0xEF, 0xFF})


@command(
    "MANAGE SECURITY ENVIRONMENT",
    ins=0x22,
    cases="13",
    clause="ISO/IEC 7816-4:2020, 11.6.11",
    right=Right.READ,
)
def manage_security_environment(call: Call) -> Reply:
    """SET (P1 X1), STORE (F2), RESTORE (F3) or ERASE (F4) the current security environment.

    6A86 for a P1 or P2 without meaning, 6A87 when the data field does not fit them, 6A80 for a
    template that is malformed or asks for a protocol the card does not offer, 6A88 for a key or a
    stored environment that is not there; STORE and ERASE need the rights to create an EF in the
    current DF and to delete one (6982).
    """
    function = _FUNCTIONS.get(call.command.p1)
    if function is not None:
        if call.command.data:
            raise CardError(SW.NC_INCONSISTENT_WITH_P1_P2)
        return function(call, call.command.p2)
    side = call.command.p1 & 0xF0
    if call.command.p1 & 0x0F != _SET or not side or call.command.p2 not in _TEMPLATES:
        raise CardError(SW.INCORRECT_P1_P2)
    component = Component(Template(call.command.p2), Side(side), _objects(call))
    _check_references(call, component)
    environment = call.session.environment.with_component(component)
    call.session = call.session._replace(environment=environment)
    return Reply()


_TEMPLATES: Final = frozenset(Template)


def _objects(call: Call) -> tuple[Tlv, ...]:
    """The data objects to set, each tag once; the usage qualifier is P1's affair."""
    if not call.command.data:
        raise CardError(SW.NC_INCONSISTENT_WITH_P1_P2)
    try:
        objects = parse(call.command.data)
    except TlvError:
        raise CardError(SW.INCORRECT_DATA) from None
    tags = {tlv.tag for tlv in objects}
    if len(tags) != len(objects) or TAG_USAGE in tags:
        raise CardError(SW.INCORRECT_DATA)
    return tuple(objects)


def _check_references(call: Call, component: Component) -> None:
    """6A88 for a key that is not there, 6A80 for a protocol of PACE that is not offered."""
    protocol = find(component.objects, TAG_PROTOCOL) or b""
    references = [tlv.value for tlv in component.objects if tlv.tag in _KEY_TAGS]
    if component.template is Template.AUTHENTICATION and protocol.startswith(PACE_IDENTIFIER):
        offer_of(call, protocol, find(component.objects, TAG_PARAMETERS))
        references = [find(component.objects, TAG_PASSWORD) or b""]
    for reference in references:
        if len(reference) != 1:
            raise CardError(SW.INCORRECT_DATA)
        if not call.has_key(reference[0]):
            raise CardError(SW.REFERENCED_DATA_NOT_FOUND)


def _store(call: Call, number: int) -> Reply:
    _check_number(number)
    environment = call.session.environment
    stored = call.stored_environment(number)
    if stored is not None:
        call.demand(call.df, Right.CREATE_EF)
        stored.store(environment)
        return Reply()
    body = stored_body(environment)
    kind = FileKind.SECURITY_ENVIRONMENT
    file = call.create(kind, number, (), STORED_SIZE, LifeCycle.ACTIVATED)
    call.initialise(file, 0, body)
    return Reply()


def _restore(call: Call, number: int) -> Reply:
    """The environment *number* becomes the current one; number 00 is the empty one."""
    if number == 0:
        call.session = call.session._replace(environment=Environment())
        return Reply()
    _check_number(number)
    stored = call.stored_environment(number)
    if stored is None:
        raise CardError(SW.REFERENCED_DATA_NOT_FOUND)
    call.session = call.session._replace(environment=stored.load())
    return Reply()


def _erase(call: Call, number: int) -> Reply:
    _check_number(number)
    file = call.tree.internal.get((call.df.cell, FileKind.SECURITY_ENVIRONMENT, number))
    if file is None:
        raise CardError(SW.REFERENCED_DATA_NOT_FOUND)
    call.demand(call.df, Right.DELETE_CHILD)
    call.delete(file)
    return Reply()


def _check_number(number: int) -> None:
    if number in _RESERVED_NUMBERS:
        raise CardError(SW.INCORRECT_P1_P2)


_FUNCTIONS: Final[dict[int, Callable[[Call, int], Reply]]] = {
    0xF2: _store,
    0xF3: _restore,
    0xF4: _erase,
}
"""What P1 says besides SET (ISO/IEC 7816-4:2020, table 110)."""


def key_meant(call: Call, usage: KeyUsage, side: Side) -> Key:
    """The key of an authentication command: P2 names it, or (00) leaves it to the environment.

    Without a template for *side* in the environment it is the nearest key for the purpose. 6A88,
    6982 and 6985 as for a key that is named.
    """
    if call.command.p2:
        return call.key(call.command.p2, usage)
    template = Template.AUTHENTICATION
    environment = call.session.environment
    protocol = environment.get(template, side, TAG_PROTOCOL) or b""
    for tag in () if protocol.startswith(PACE_IDENTIFIER) else (TAG_PRIVATE_KEY, TAG_KEY):
        reference = environment.get(template, side, tag)
        if reference is not None:
            return call.key(reference[0], usage)
    return call.implied_key(usage)
