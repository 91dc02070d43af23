"""COMPUTE DIGITAL SIGNATURE and VERIFY DIGITAL SIGNATURE (ISO/IEC 7816-8:2021, 5.3).

What is signed comes as a message (9A), as the value fields of data objects (AC), as data objects
(BC) or as a hash code (90); without any of them it is the hash code that HASH has left.
"""

from __future__ import annotations

from typing import Final

from simcard.commands.call import Call
from simcard.commands.declaration import Reply
from simcard.commands.operations import chosen
from simcard.security import mechanisms, signing
from simcard.security.environment import Side, Template
from simcard.security.keys import Key, KeyUsage
from simcard.security.mechanisms import Signature
from simcard.status import SW, CardError
from simcard.tlv import Tlv

_TAG_HASH: Final = 0x90
TAG_MESSAGE: Final = 0x9A
TAG_VALUES: Final = 0xAC
TAG_TEMPLATE: Final = 0xBC
_TAG_SIGNATURE: Final = 0x9E


def compute(call: Call, data: bytes) -> Reply:
    """The signature of the chosen private key over what the data field says."""
    key, algorithm = _meant(call, Side.COMPUTES, KeyUsage.SIGN)
    key.demand_private()
    tag = call.command.p2
    hashed = _hashed(call, key, algorithm, Tlv(tag, data) if data else None)
    key.use()
    return Reply(signing.sign(key, algorithm, hashed, call.draw))


def verify(call: Call, data: bytes) -> Reply:
    """Whether the signature (9E) is that of the chosen key; 6300, or 63CX, when it is not."""
    key, algorithm = _meant(call, Side.VERIFIES, KeyUsage.VERIFY)
    inputs = (_TAG_HASH, TAG_MESSAGE, TAG_VALUES, TAG_TEMPLATE)
    given, signature = chosen.with_proof(data, inputs, _TAG_SIGNATURE)
    hashed = _hashed(call, key, algorithm, given)
    key.spend()
    if not signing.verify(key, algorithm, hashed, signature):
        return Reply(sw=key.failure)
    key.restore()
    return Reply()


def _meant(call: Call, side: Side, usage: KeyUsage) -> tuple[Key, Signature]:
    key = chosen.key(call, Template.SIGNATURE, side, usage)
    reference = chosen.algorithm(call, Template.SIGNATURE, side)
    return key, mechanisms.signature(key, reference)


def _hashed(call: Call, key: Key, algorithm: Signature, given: Tlv | None) -> bytes:
    """The hash code that is signed; 6985 when there is none, 6A80, 6700 for another length."""
    if given is None:
        hashed = _left_by_hash(call, algorithm)
    elif given.tag == _TAG_HASH:
        hashed = given.value
    else:
        hashed = _of_input(key, algorithm, given)
    signing.check_hash(key, algorithm, hashed)
    return hashed


def _of_input(key: Key, algorithm: Signature, given: Tlv) -> bytes:
    if given.tag == TAG_MESSAGE:
        return signing.hash_of(key, algorithm, given.value)
    objects = chosen.objects(given.value)
    if given.tag == TAG_TEMPLATE:
        return signing.hash_of(key, algorithm, given.value)
    if [tlv.tag for tlv in objects] == [_TAG_HASH]:
        return objects[0].value
    return signing.hash_of(key, algorithm, b"".join(tlv.value for tlv in objects))


def _left_by_hash(call: Call, algorithm: Signature) -> bytes:
    hashed = call.session.hashed
    if hashed is None or algorithm.digest not in (None, hashed.digest):
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    call.session = call.session._replace(hashed=None)
    return hashed.code
