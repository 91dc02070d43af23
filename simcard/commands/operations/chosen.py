"""The key and the algorithm that the current security environment chooses for an operation."""

from __future__ import annotations

from typing import Final

from simcard.commands.call import Call
from simcard.security.environment import Side, Template
from simcard.security.keys import Key, KeyUsage
from simcard.status import SW, CardError
from simcard.tlv import Tlv, TlvError, find, parse

_TAG_ALGORITHM: Final = 0x80
_TAG_KEY: Final = 0x83
_TAG_PRIVATE_KEY: Final = 0x84
_TAG_INITIAL_VALUE: Final = 0x87
_KEY_TAGS: Final = {
    Side.COMPUTES: (_TAG_PRIVATE_KEY, _TAG_KEY),
    Side.VERIFIES: (_TAG_KEY, _TAG_PRIVATE_KEY),
}


def key_number(call: Call, template: Template, side: Side) -> int:
    """The key that *template* chooses for *side*; 6985 when it chooses none."""
    for tag in _KEY_TAGS[side]:
        reference = call.session.environment.get(template, side, tag)
        if reference is not None:
            return reference[0]
    raise CardError(SW.CONDITIONS_NOT_SATISFIED)


def key(call: Call, template: Template, side: Side, usage: KeyUsage) -> Key:
    """The key chosen, for one purpose; 6985 when none is, and as `Call.key` says."""
    return call.key(key_number(call, template, side), usage)


def algorithm(call: Call, template: Template, side: Side) -> bytes | None:
    """The algorithm reference (80) in *template*, None when the key is to decide."""
    return call.session.environment.get(template, side, _TAG_ALGORITHM)


def initial_value(call: Call, template: Template, side: Side, block_size: int) -> bytes:
    """The initial value (87) in *template*, empty for a block of zeros; 6985 for another length."""
    value = call.session.environment.get(template, side, _TAG_INITIAL_VALUE) or b""
    if len(value) not in (0, block_size):
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    return value


def objects(data: bytes) -> list[Tlv]:
    """The data objects of an input template; 6A80 when it is malformed."""
    try:
        return parse(data)
    except TlvError:
        raise CardError(SW.INCORRECT_DATA) from None


def with_proof(data: bytes, inputs: tuple[int, ...], proof: int) -> tuple[Tlv | None, bytes]:
    """The one data object that is to be verified, None when there is none, and its proof.

    6A80 unless the data field is a proof and at most one of *inputs*.
    """
    found = objects(data)
    value = find(found, proof)
    rest = [tlv for tlv in found if tlv.tag != proof]
    if value is None or len(found) - len(rest) != 1 or len(rest) > 1:
        raise CardError(SW.INCORRECT_DATA)
    if any(tlv.tag not in inputs for tlv in rest):
        raise CardError(SW.INCORRECT_DATA)
    return (rest[0] if rest else None), value
