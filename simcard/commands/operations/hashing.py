"""HASH: the hash code of a message, or of its end, for the terminal or for the next signature.

ISO/IEC 7816-8:2021, 5.3. The input template (A0) is what cards with qualified signatures take:

- 80 one or more times: the message in parts, hashed from its beginning; an empty 90 may stand in
  front of them to say so;
- 90 with an intermediate state and a counter of eight bytes, the bits hashed so far, then 80: the
  card hashes the end of the message;
- 90 with a hash code: the terminal has hashed.
"""

from __future__ import annotations

from typing import Final

from simcard.commands.call import Call
from simcard.commands.declaration import Reply
from simcard.commands.operations import chosen
from simcard.crypto.digests import Digest
from simcard.crypto.rounds import finish, state_size
from simcard.security import mechanisms
from simcard.security.environment import Side, Template
from simcard.security.keys import KeyUsage
from simcard.security.signing import Hashed
from simcard.status import SW, CardError

_TAG_PART: Final = 0x80
_TAG_STATE: Final = 0x90
_COUNTER_SIZE: Final = 8


def hash_value(call: Call, data: bytes) -> Reply:
    """Hash the data field."""
    digest = _digest(call)
    return _keep(call, Hashed(digest, digest.of(data)))


def hash_template(call: Call, data: bytes) -> Reply:
    """Hash what the input template says; 6A80 when it is malformed."""
    digest = _digest(call)
    objects = chosen.objects(data)
    state = b""
    if objects and objects[0].tag == _TAG_STATE:
        state = objects.pop(0).value
        if state and not objects:
            if len(state) != digest.size:
                raise CardError(SW.INCORRECT_DATA)
            return _keep(call, Hashed(digest, state))
    if not objects or any(tlv.tag != _TAG_PART for tlv in objects):
        raise CardError(SW.INCORRECT_DATA)
    message = b"".join(tlv.value for tlv in objects)
    return _keep(call, Hashed(digest, _finished(digest, state, message)))


def _finished(digest: Digest, start: bytes, message: bytes) -> bytes:
    """The hash code when *start* is empty, or a state and a counter of bits; else 6A80."""
    if not start:
        return digest.of(message)
    size = state_size(digest)
    if len(start) != size + _COUNTER_SIZE:
        raise CardError(SW.INCORRECT_DATA)
    try:
        return finish(digest, start[:size], int.from_bytes(start[size:], "big"), message)
    except ValueError:
        raise CardError(SW.INCORRECT_DATA) from None


def _digest(call: Call) -> Digest:
    """The hash function of the hash template, or the one the chosen signature key signs with.

    6985 when neither says one, 6A81 for one the card does not have.
    """
    for side in (Side.COMPUTES, Side.VERIFIES):
        reference = chosen.algorithm(call, Template.HASH, side)
        if reference is not None:
            return mechanisms.named(mechanisms.HASHES, reference)
    key = chosen.key(call, Template.SIGNATURE, Side.COMPUTES, KeyUsage.SIGN)
    reference = chosen.algorithm(call, Template.SIGNATURE, Side.COMPUTES)
    digest = mechanisms.signature(key, reference).digest
    if digest is None:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    return digest


def _keep(call: Call, hashed: Hashed) -> Reply:
    """Answer the hash code when the command asks for one, else keep it for the next signature."""
    if call.command.expected is not None:
        return Reply(hashed.code)
    call.session = call.session._replace(hashed=hashed)
    return Reply()
