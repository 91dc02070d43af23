"""CREATE FILE of the PBOC family: `80 E0`, the file identifier in P1-P2, and a short header.

The header is a type, with two bits that say how the line is protected, sizes, two rights, and what
else the type needs. All of it becomes file control parameters and a proprietary security attribute,
so that every other command sees a file like any other.

Type 1B, a file for an SM2 private key, is not in the manuals of the family: one published script of
a card with SM4 and SM2 creates `1B FF FF use change FF FF`, and has the card generate the pair by a
command of its own. Here the identifier is the reference of the key, and the pair comes by GENERATE
ASYMMETRIC KEY PAIR of ISO/IEC 7816-8: this program's choice, where no public source says more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.commands.management import must_be_new
from simcard.commands.pboc.proof import check_application
from simcard.commands.selection import standing_at
from simcard.crypto.curves import SM2P256V1
from simcard.files.descriptors import (
    DESCRIPTOR_DF,
    TAG_DESCRIPTOR,
    TAG_NAME,
    TAG_PROPRIETARY,
    FileKind,
    LifeCycle,
    Structure,
    describe,
    with_short_identifier,
)
from simcard.files.layout import body_size, initial_books
from simcard.files.purse import COUNTER_SIZE, ED, EP, Holding, purse_body
from simcard.security.access import Right
from simcard.security.asymmetric import encode_ec, encode_ec_waiting
from simcard.security.keys import KeyAlgorithm, KeyUsage, key_body
from simcard.security.pboc import key_file_attributes
from simcard.status import SW, CardError
from simcard.tlv import Tlv

_HEADER_SIZE: Final = 7
_DF_HEADER_SIZE: Final = 8
_NAME_LENGTHS: Final = range(5, 17)
_NEVER: Final = 0xEF
_RECORD_MAX: Final = 0xFF
_RECORDS_MAX: Final = 0xFE
_SHORTEST_TLV: Final = 3
_RESERVED: Final = frozenset({0x0000, 0x3F00, 0x3FFF, 0xFFFF})
_OWN_SIZE: Final = b"\xff\xff"
_REFERENCE_BITS: Final = 0x9F
_SM2_ROOM: Final = len(encode_ec(SM2P256V1.name, bytes(SM2P256V1.scalar_length)))


class Header(NamedTuple):
    """A header of seven bytes: type, line bits, two bytes of size, two rights, the last byte."""

    type: int
    line: int
    size: bytes
    first: int
    second: int
    last: int

    @property
    def rights(self) -> Tlv:
        """The security attribute."""
        return Tlv(TAG_PROPRIETARY, bytes([self.first, self.second, self.line]))


@command("CREATE FILE", ins=0xE0, cases="3", clause="FMCOS 2.0, CREATE FILE", proprietary=True)
def create_file(call: Call) -> Reply:
    """Create a DF, an EF, the key file, a file for a private key or a purse in the current DF.

    6A80 for a header that is no such thing, 6A89 and 6A8A for an identifier and a name that exist,
    6982 without the right to create, 6A84 when the memory is full.
    """
    check_application(call)
    data = call.command.data
    if data[0] == _DF:
        return _create_df(call, data)
    if len(data) != _HEADER_SIZE:
        raise CardError(SW.INCORRECT_DATA)
    header = Header(data[0] & 0x3F, data[0] & 0xC0, data[1:3], data[3], data[4], data[6])
    create = _CREATORS.get(header.type)
    if create is None or data[0] & 0xC0 == 0x40:
        raise CardError(SW.INCORRECT_DATA)
    return create(call, header)


def _create_df(call: Call, data: bytes) -> Reply:
    """`38` space(2) create-right erase-right application-file FF FF name(5 to 16, or none)."""
    name = data[_DF_HEADER_SIZE:]
    if len(data) < _DF_HEADER_SIZE or (name and len(name) not in _NAME_LENGTHS):
        raise CardError(SW.INCORRECT_DATA)
    attributes = [Tlv(TAG_DESCRIPTOR, bytes([DESCRIPTOR_DF]))]
    if name:
        attributes.append(Tlv(TAG_NAME, name))
    attributes.append(Tlv(TAG_PROPRIETARY, bytes([data[3], data[4], 0])))
    _create(call, FileKind.DF, tuple(attributes), 0)
    return Reply()


def _create_ef(structure: Structure) -> Callable[[Call, Header], Reply]:
    def create(call: Call, header: Header) -> Reply:
        """Type, size or number and length of records, right to read, right to change, FF FF."""
        space = int.from_bytes(header.size, "big")
        if not space:
            raise CardError(SW.INCORRECT_DATA)
        descriptor, size_field = bytes([structure.value]), b""
        if structure.is_variable:
            records = max(1, min(space // _SHORTEST_TLV, _RECORDS_MAX))
            descriptor += bytes([0x41, 0, min(space, _RECORD_MAX), records])
            size_field = header.size
        elif structure.has_records:
            descriptor += bytes([0x41, 0, header.size[1], header.size[0]])
        else:
            size_field = header.size
        attributes = with_short_identifier(
            (Tlv(TAG_DESCRIPTOR, descriptor), header.rights), call.command.p1p2
        )
        try:
            size = body_size(attributes, size_field or None)
        except ValueError:
            raise CardError(SW.INCORRECT_DATA) from None
        _create(call, FileKind.EF, attributes, size)
        return Reply()

    return create


def _create(call: Call, kind: FileKind, attributes: tuple[Tlv, ...], size: int) -> None:
    identifier = call.command.p1p2
    if identifier in _RESERVED:
        raise CardError(SW.FILE_EXISTS if identifier == 0x3F00 else SW.INCORRECT_DATA)
    fields = describe(attributes, is_df=kind is FileKind.DF)
    must_be_new(call, identifier, attributes, fields.get("sfi"))
    file = call.create(kind, identifier, attributes, size, LifeCycle.ACTIVATED)
    call.initialise(file, 0, initial_books(file, full=call.settings.records_at_creation))
    call.session = standing_at(call, file)


def _create_key_file(call: Call, header: Header) -> Reply:
    """`3F` space(2) DF-lock add-right FF FF, with identifier 0000: where keys can be added.

    Its body is the terminal transaction counter of a security module.
    """
    if call.command.p1p2:
        raise CardError(SW.INCORRECT_DATA)
    space = int.from_bytes(header.size, "big")
    attributes = key_file_attributes(space, header.second, header.line)
    _install(call, FileKind.KEY_FILE, 0, attributes, bytes(COUNTER_SIZE))
    return Reply()


def _create_purse(call: Call, header: Header) -> Reply:
    """`2F` count length use-right FF-or-00 FF log: an identifier that ends in 01 is the ED."""
    number = ED if call.command.p2 == ED else EP
    rights = Tlv(TAG_PROPRIETARY, bytes([header.first, _NEVER, 0]))
    log = header.last & 0x1F
    _install(call, FileKind.PURSE, number, (rights,), purse_body(Holding(), log))
    return Reply()


def _create_private_key(call: Call, header: Header) -> Reply:
    """`1B` FF FF use-right change-right FF FF: an SM2 key that signs, and waits for its pair."""
    reference = call.command.p1p2
    if reference & ~_REFERENCE_BITS or not reference or header.size != _OWN_SIZE:
        raise CardError(SW.INCORRECT_DATA)
    body = key_body(
        encode_ec_waiting(SM2P256V1.name),
        usage=KeyUsage.INTERNAL | KeyUsage.SIGN,
        algorithm=KeyAlgorithm.SM2,
        room=_SM2_ROOM,
    )
    _install(call, FileKind.KEY, reference, (header.rights,), body)
    file = call.tree.internal[call.df.cell, FileKind.KEY, reference]
    call.transition(file, LifeCycle.INITIALISATION)
    return Reply()


def _install(
    call: Call, kind: FileKind, number: int, attributes: tuple[Tlv, ...], body: bytes
) -> None:
    call.demand(call.df, Right.CREATE_EF)
    if (call.df.cell, kind, number) in call.tree.internal:
        raise CardError(SW.FILE_EXISTS)
    call.install(kind, number, attributes, body)


_DF: Final = 0x38
_CREATORS: Final[dict[int, Callable[[Call, Header], Reply]]] = {
    0x1B: _create_private_key,
    0x28: _create_ef(Structure.TRANSPARENT),
    0x2A: _create_ef(Structure.LINEAR_FIXED),
    0x2C: _create_ef(Structure.LINEAR_VARIABLE_TLV),
    0x2E: _create_ef(Structure.CYCLIC),
    0x2F: _create_purse,
    0x3F: _create_key_file,
}
"""What each type of header creates; a DF has a header of its own."""
