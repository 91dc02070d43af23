"""Commands that make, end and bring back files (ISO/IEC 7816-9:2017, clause 7)."""

from __future__ import annotations

from typing import Final

from simcard.commands.call import Call
from simcard.commands.declaration import Declaration, Reply, command
from simcard.commands.selection import addressed_file, standing_at
from simcard.files.descriptors import (
    DESCRIPTOR_DF,
    TAG_DESCRIPTOR,
    TAG_FCP,
    TAG_IDENTIFIER,
    TAG_LIFE_CYCLE,
    TAG_NAME,
    TAG_SIZE,
    TAG_TOTAL_SIZE,
    File,
    FileKind,
    LifeCycle,
    describe,
    with_short_identifier,
)
from simcard.files.layout import body_size, initial_books
from simcard.security.access import Right
from simcard.security.attributes import Subject, check
from simcard.status import SW, CardError
from simcard.tlv import Tlv, TlvError, find, parse

_RESERVED_IDENTIFIERS: Final = frozenset({0x0000, 0x3F00, 0x3FFF, 0xFFFF})
_OWN_TAGS: Final = frozenset({TAG_IDENTIFIER, TAG_SIZE, TAG_TOTAL_SIZE, TAG_LIFE_CYCLE})


@command("CREATE FILE", ins=0xE0, cases="3", clause="ISO/IEC 7816-9:2017, 7.2")
def create_file(call: Call) -> Reply:
    """Create a DF or EF under the current DF from the FCP template (62), and select it.

    6A80 for a template that is malformed or contradicts itself, 6A89 and 6A8A for an identifier
    (or short one) and a name that exist, 6A84 when the memory is full. A file without a life cycle
    status byte (8A) is created activated.
    """
    if call.command.p1p2:
        raise CardError(SW.INCORRECT_P1_P2)
    parameters = _parameters(call.command.data)
    try:
        kind, identifier, attributes, size, state = _plan(parameters)
        fields = describe(attributes, is_df=kind is FileKind.DF)
        check(list(attributes), Subject.DF if kind is FileKind.DF else Subject.EF)
    except ValueError:
        raise CardError(SW.INCORRECT_DATA) from None
    must_be_new(call, identifier, attributes, fields.get("sfi"))
    file = call.create(kind, identifier, attributes, size, state)
    call.initialise(file, 0, initial_books(file, full=call.settings.records_at_creation))
    call.session = standing_at(call, file)
    return Reply()


def _parameters(data: bytes) -> list[Tlv]:
    """The data objects in the FCP template; 6A80 when the data field is not one."""
    try:
        template = parse(data)
        if len(template) != 1 or template[0].tag != TAG_FCP:
            raise CardError(SW.INCORRECT_DATA)
        return template[0].children()
    except TlvError:
        raise CardError(SW.INCORRECT_DATA) from None


def _plan(
    parameters: list[Tlv],
) -> tuple[FileKind, int, tuple[Tlv, ...], int, LifeCycle]:
    """Kind, identifier, attributes, body size and state the FCP asks for; ValueError if unsound."""
    descriptor = find(parameters, TAG_DESCRIPTOR) or b"\0"
    identifier_field = find(parameters, TAG_IDENTIFIER) or b""
    identifier = int.from_bytes(identifier_field, "big")
    if len(identifier_field) != 2 or identifier in _RESERVED_IDENTIFIERS:
        raise ValueError("a new file has an identifier (83) of two bytes that is not reserved")
    status = find(parameters, TAG_LIFE_CYCLE) or bytes([LifeCycle.ACTIVATED.value])
    attributes = tuple(tlv for tlv in parameters if tlv.tag not in _OWN_TAGS)
    if descriptor[0] & 0xBF == DESCRIPTOR_DF:
        return FileKind.DF, identifier, attributes, 0, LifeCycle.from_byte(status[0])
    attributes = with_short_identifier(attributes, identifier)
    size = body_size(attributes, find(parameters, TAG_SIZE))
    return FileKind.EF, identifier, attributes, size, LifeCycle.from_byte(status[0])


def must_be_new(call: Call, identifier: int, attributes: tuple[Tlv, ...], sfi: object) -> None:
    """6A89 for an identifier or a short one that the current DF has, 6A8A for a name in use."""
    here = call.df
    if call.tree.child(here, identifier) is not None or identifier == here.identifier:
        raise CardError(SW.FILE_EXISTS)
    if sfi and (here.cell, sfi) in call.tree.by_sfi:
        raise CardError(SW.FILE_EXISTS)
    names = {tlv.value for tlv in attributes if tlv.tag == TAG_NAME}
    if any(not 1 <= len(name) <= 16 for name in names):
        raise CardError(SW.INCORRECT_DATA)
    if any(names & set(df.names) for df in call.tree.named()):
        raise CardError(SW.NAME_EXISTS)


@command("DELETE FILE", ins=0xE4, cases="13", clause="ISO/IEC 7816-9:2017, 7.3")
def delete_file(call: Call) -> Reply:
    """Delete a file and all below it; no EF is current then.

    Where the current DF was one of them, the parent of the deleted file takes its place.
    The right to delete is the file's own or its parent's right to delete children. 6985 for the
    MF, and for a file on which another logical channel stands.
    """
    file = addressed_file(call)
    if file.cell == call.tree.root or _is_in_use(call, file):
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    parent = call.tree.parent(file)
    if not call.may(file, Right.DELETE):
        call.demand(parent, Right.DELETE_CHILD)
    call.delete(file)
    call.session = standing_at(call, call.tree.files.get(call.session.df, parent))
    return Reply()


def _is_in_use(call: Call, file: File) -> bool:
    doomed = {file.cell, *(below.cell for below in call.tree.below(file))}
    others = (session for number, session in call.channels.items() if number != call.channel)
    return any(session.df in doomed or session.ef in doomed for session in others)


_FROM: Final[dict[LifeCycle, frozenset[LifeCycle]]] = {
    LifeCycle.ACTIVATED: frozenset(
        {LifeCycle.CREATION, LifeCycle.INITIALISATION, LifeCycle.ACTIVATED, LifeCycle.DEACTIVATED}
    ),
    LifeCycle.DEACTIVATED: frozenset({LifeCycle.ACTIVATED, LifeCycle.DEACTIVATED}),
    LifeCycle.TERMINATED: frozenset(LifeCycle),
}
"""The states from which each state can be reached (ISO/IEC 7816-9:2017, figure 1)."""


def _transition(call: Call, to: LifeCycle, right: Right, *, df: bool | None = None) -> Reply:
    file = addressed_file(call)
    if df is not None and file.is_df is not df:
        raise CardError(SW.INCOMPATIBLE_FILE_STRUCTURE)
    return change_state(call, file, to, right)


def change_state(call: Call, file: File, to: LifeCycle, right: Right) -> Reply:
    """Bring *file* into a life cycle state: 6985 when that cannot be, 6982 without the right."""
    ends_all = to is LifeCycle.TERMINATED and file.cell == call.tree.root
    if ends_all or file.life_cycle not in _FROM[to]:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    call.demand(file, right)
    if file.life_cycle is not to:
        call.transition(file, to)
    return Reply()


@command("ACTIVATE FILE", ins=0x44, cases="13", clause="ISO/IEC 7816-9:2017, 7.5")
def activate_file(call: Call) -> Reply:
    """Put a file into the operational state (activated); 6985 when it is terminated."""
    return _transition(call, LifeCycle.ACTIVATED, Right.ACTIVATE)


@command("DEACTIVATE FILE", ins=0x04, cases="13", clause="ISO/IEC 7816-9:2017, 7.4")
def deactivate_file(call: Call) -> Reply:
    """Put an activated file into the operational state (deactivated); else 6985."""
    return _transition(call, LifeCycle.DEACTIVATED, Right.DEACTIVATE)


@command("TERMINATE EF", ins=0xE8, cases="13", clause="ISO/IEC 7816-9:2017, 7.7")
def terminate_ef(call: Call) -> Reply:
    """Put an EF into the termination state for good; 6981 for a DF."""
    return _transition(call, LifeCycle.TERMINATED, Right.TERMINATE, df=False)


@command("TERMINATE DF", ins=0xE6, cases="13", clause="ISO/IEC 7816-9:2017, 7.6")
def terminate_df(call: Call) -> Reply:
    """Put a DF into the termination state for good; 6981 for an EF, 6985 for the MF."""
    return _transition(call, LifeCycle.TERMINATED, Right.TERMINATE, df=True)


@command("TERMINATE CARD USAGE", ins=0xFE, cases="1", clause="ISO/IEC 7816-9:2017, 7.8")
def terminate_card_usage(call: Call) -> Reply:
    """Put the card into the termination state: every command from now on is 6985."""
    if call.command.p1p2:
        raise CardError(SW.INCORRECT_P1_P2)
    call.demand(call.tree.mf, Right.TERMINATE)
    call.terminate_card()
    return Reply()


MANAGEMENT: Final[tuple[Declaration, ...]] = (
    create_file,
    delete_file,
    activate_file,
    deactivate_file,
    terminate_ef,
    terminate_df,
    terminate_card_usage,
)
