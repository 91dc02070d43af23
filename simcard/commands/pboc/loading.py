"""WRITE KEY of the PBOC family: add a key or PIN to the key file of the current DF, or change it.

`80 D4` is plain and `84 D4` line-protected under the master key (external key 00). The plain data
field is a header of five bytes and the key. A key whose type has its two high bits set can only be
written enciphered and with a MAC.
"""

from __future__ import annotations

from typing import Final

from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.commands.pboc.proof import check_application, rules_of
from simcard.files.descriptors import TAG_PROPRIETARY, TAG_SIZE, File, FileKind
from simcard.security.access import Right
from simcard.security.pboc import (
    CIPHER_LINE,
    HEADER_SIZE,
    MAC_LINE,
    SAM_ATTRIBUTES,
    KeyHeader,
    KeyType,
    sam_key_body,
)
from simcard.status import SW, CardError
from simcard.tlv import find

_ADD: Final = 0x01
_MODULE_KEY_SIZE: Final = 16


@command("WRITE KEY", ins=0xD4, cases="3", clause="FMCOS 2.0, WRITE KEY", proprietary=True)
def write_key(call: Call) -> Reply:
    """P1 01 adds the key or PIN P2; P1 a key type changes the one of that type and identifier P2.

    P1-P2 0000 loads a key of a security module. 6A82 without a key file, 6A80 for a header or key
    that is none, 6A89 for a key that is there, 6A88 for one that is not, 6982 without the right to
    add or to change it or without the protection it asks for, 6A84 when the key file is full.
    """
    check_application(call)
    key_file = call.tree.internal.get((call.df.cell, FileKind.KEY_FILE, 0))
    if key_file is None:
        raise CardError(SW.FILE_NOT_FOUND)
    if call.protected is not None and _line_of(key_file) != MAC_LINE:
        call.secured(authentic=True, confidential=True)  # the data field came enciphered
    if call.command.p1p2 == 0:
        return _load_module_key(call, key_file)
    try:
        header = KeyHeader.parse(call.command.data)
        body = header.body(call.command.data[HEADER_SIZE:], rules_of(call))
    except ValueError:
        raise CardError(SW.INCORRECT_DATA) from None
    kind, number = _place(header.type, call.command.p2)
    old = call.tree.internal.get((call.df.cell, kind, number))
    _demand_right(call, key_file, old, header)
    demand_room(call, key_file, old, len(body))
    call.install(kind, number, header.attributes, body)
    return Reply()


def _load_module_key(call: Call, key_file: File) -> Reply:
    """Usage, version, algorithm and 16 bytes: a key of a security module, new or replaced."""
    usage, version, algorithm = call.command.data[:3].ljust(3, b"\0")
    value = call.command.data[3:]
    if len(value) != _MODULE_KEY_SIZE:
        raise CardError(SW.INCORRECT_DATA)
    call.demand(key_file, Right.WRITE)
    if not call.secured(authentic=True, confidential=True):
        raise CardError(SW.SECURITY_STATUS_NOT_SATISFIED)
    body = sam_key_body(value, version, algorithm, rules_of(call))
    number = usage << 8 | version
    old = call.tree.internal.get((call.df.cell, FileKind.KEY, number))
    demand_room(call, key_file, old, len(body))
    call.install(FileKind.KEY, number, SAM_ATTRIBUTES, body)
    return Reply()


def _place(key_type: KeyType, identifier: int) -> tuple[FileKind, int]:
    if key_type is KeyType.PIN:
        return FileKind.REFERENCE_DATA, identifier
    return FileKind.KEY, key_type.numbered(identifier)


def _demand_right(call: Call, key_file: File, old: File | None, header: KeyHeader) -> None:
    if call.command.p1 == _ADD:
        if old is not None:
            raise CardError(SW.FILE_EXISTS)
        call.demand(key_file, Right.WRITE)
    else:
        if call.command.p1 & 0x3F != header.type:
            raise CardError(SW.INCORRECT_DATA)
        if old is None:
            raise CardError(SW.REFERENCED_DATA_NOT_FOUND)
        call.demand(old, Right.UPDATE)
    if header.line and not call.secured(authentic=True, confidential=header.line == CIPHER_LINE):
        raise CardError(SW.SECURITY_STATUS_NOT_SATISFIED)


def demand_room(call: Call, key_file: File, old: File | None, length: int) -> None:
    """6A84 when all keys and PINs of the DF together take more than the key file's space."""
    children = [call.tree.files[cell] for cell in call.tree.children.get(call.df.cell, ())]
    kinds = (FileKind.KEY, FileKind.REFERENCE_DATA)
    taken = sum(file.region.size for file in children if file.kind in kinds and file is not old)
    if taken + length > int.from_bytes(find(key_file.attributes, TAG_SIZE) or b"", "big"):
        raise CardError(SW.NOT_ENOUGH_MEMORY)


def _line_of(key_file: File) -> int:
    attribute = find(key_file.attributes, TAG_PROPRIETARY)
    return attribute[-1] if attribute else 0
