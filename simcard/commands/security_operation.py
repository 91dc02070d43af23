"""PERFORM SECURITY OPERATION: P1-P2 say which operation, the security environment with which key.

ISO/IEC 7816-8:2021, 5.3. P1 is the tag of what is answered, P2 the tag of what is given (00:
nothing). With an odd instruction code the data fields carry those data objects, with an even one
their value fields.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.commands.operations import checksums, chosen, ciphering, hashing, signatures
from simcard.status import SW, CardError
from simcard.tlv import encode

Operation = Callable[[Call, bytes], Reply]

_OPERATIONS: Final[dict[tuple[int, int], Operation]] = {
    (0x00, 0xA2): checksums.verify,
    (0x00, 0xA8): signatures.verify,
    **{(0x80, tag): ciphering.decipher for tag in (0x82, 0x84, 0x86)},
    **{(tag, 0x80): ciphering.encipher for tag in (0x82, 0x84, 0x86)},
    (0x8E, 0x80): checksums.compute,
    (0x90, 0x80): hashing.hash_value,
    (0x90, 0xA0): hashing.hash_template,
    (0x9E, 0x9A): signatures.compute,
    (0x9E, 0xAC): signatures.compute,
    (0x9E, 0xBC): signatures.compute,
}
"""The operations by P1 and P2."""

_CERTIFICATES: Final = frozenset({(0x00, 0x92), (0x00, 0xAE), (0x00, 0xBE)})
"""VERIFY CERTIFICATE, which the card does not have."""


def _operation(call: Call) -> Operation:
    """6A81 for an operation that the card does not have, 6A86 for what is none."""
    pair = (call.command.p1, call.command.p2)
    if pair in _CERTIFICATES:
        raise CardError(SW.FUNCTION_NOT_SUPPORTED)
    operation = _OPERATIONS.get(pair)
    if operation is None:
        raise CardError(SW.INCORRECT_P1_P2)
    return operation


@command("PERFORM SECURITY OPERATION", ins=0x2A, cases="1234", clause="ISO/IEC 7816-8:2021, 5.3")
def perform_security_operation(call: Call) -> Reply:
    """Hash, sign, verify, encipher, decipher, compute or verify a checksum.

    6985 when no key is chosen, or one for another purpose or algorithm; 6A88 when it is not there,
    6982 as its rules say; 6A81 for an algorithm the card does not have. 6700 and 6A80 for data of a
    wrong length or form, 6300 or 63CX when something does not verify, 6983 and 6984 when a counter
    of the key is at zero.
    """
    return _operation(call)(call, call.command.data)


@command("PERFORM SECURITY OPERATION", ins=0x2B, cases="34", clause="ISO/IEC 7816-8:2021, 5.3")
def perform_security_operation_object(call: Call) -> Reply:
    """PERFORM SECURITY OPERATION with the data object P2, answered as the data object P1."""
    operation = _operation(call)
    objects = chosen.objects(call.command.data)
    if [tlv.tag for tlv in objects] != [call.command.p2]:
        raise CardError(SW.INCORRECT_DATA)
    reply = operation(call, objects[0].value)
    return replace(reply, data=encode(call.command.p1, reply.data)) if reply.data else reply
