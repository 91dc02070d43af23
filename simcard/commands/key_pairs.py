"""GENERATE ASYMMETRIC KEY PAIR, and the way to a public key (ISO/IEC 7816-8:2021, 5.2).

The new pair takes the place of the key that the control reference template in the data field, or
the current security environment, chooses; algorithm, curve, hash function and usage stay. A public
key template (7F49) behind the reference may ask for another length of an RSA modulus, in bits (02),
and another public exponent (82). The rules of a key that was created without a pair come into force
with its first one.
"""

from __future__ import annotations

from typing import Final

from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.commands.operations import chosen
from simcard.crypto import rsa
from simcard.files.descriptors import LifeCycle
from simcard.security.access import Right
from simcard.security.asymmetric import (
    TAG_EXPONENT,
    TAG_PUBLIC_KEY,
    encode_ec,
    encode_rsa,
    public_numbers,
    public_point,
)
from simcard.security.environment import Side, Template
from simcard.security.keys import Key, KeyAlgorithm
from simcard.status import SW, CardError
from simcard.tlv import Tlv, find

_GENERATE: Final = 0x80
_READ: Final = 0x81
_GENERATE_SILENTLY: Final = 0x84
_TAG_KEY: Final = 0x83
_TAG_PRIVATE_KEY: Final = 0x84
_TAG_BITS: Final = 0x02
_BITS: Final = range(512, 4097, 16)
_EXPONENT_BITS: Final = 64


def _generate_asymmetric_key_pair(call: Call) -> Reply:
    """Generate a pair (P1 80, 84) or read the public key (81); 80 and 81 answer it in 7F49.

    RSA: modulus (81) and exponent (82); EC and SM2: point (86). 6985 when no key is chosen, it is
    symmetric or has no pair to read yet, 6A88 when it is not there, 6982 without the right to
    update it, or to read it for P1 81; 6A80 for a data field without meaning, 6A84 for a pair that
    the key EF has no room for.
    """
    if call.command.p2 or call.command.p1 not in (_GENERATE, _READ, _GENERATE_SILENTLY):
        raise CardError(SW.INCORRECT_P1_P2)
    objects = chosen.objects(call.command.data)
    number = _number(call, objects)
    if call.command.p1 == _READ:
        if len(objects) > 1:
            raise CardError(SW.INCORRECT_DATA)
        return Reply(_public_key(call.key_for(number, Right.READ)))
    key = call.key_for(number, Right.UPDATE)
    wish = find(objects, TAG_PUBLIC_KEY)
    key.replace(_pair(call, key, [] if wish is None else chosen.objects(wish)))
    file = call.tree.files[key.cell]
    if file.life_cycle is not LifeCycle.ACTIVATED:
        call.transition(file, LifeCycle.ACTIVATED)
    return Reply(_public_key(key) if call.command.p1 == _GENERATE else b"")


def _number(call: Call, objects: list[Tlv]) -> int:
    """The key that the template in front names, or that the environment chooses for signing."""
    if not objects:
        return chosen.key_number(call, Template.SIGNATURE, Side.COMPUTES)
    template, *rest = objects
    inner = chosen.objects(template.value)
    if template.tag not in set(Template) or [tlv.tag for tlv in rest] not in ([], [TAG_PUBLIC_KEY]):
        raise CardError(SW.INCORRECT_DATA)
    references = [tlv.value for tlv in inner if tlv.tag in (_TAG_PRIVATE_KEY, _TAG_KEY)]
    if len(references) != 1 or len(references[0]) != 1:
        raise CardError(SW.INCORRECT_DATA)
    return references[0][0]


def _pair(call: Call, key: Key, wish: list[Tlv]) -> bytes:
    """The value of a new key of the same kind."""
    if key.algorithm is KeyAlgorithm.RSA:
        return _rsa_pair(call, key, wish)
    curve = key.curve
    if wish:
        raise CardError(SW.INCORRECT_DATA)
    private = curve.random_scalar(call.draw)
    while key.algorithm is KeyAlgorithm.SM2 and private == curve.n - 1:
        private = curve.random_scalar(call.draw)
    return encode_ec(curve.name, private.to_bytes(curve.scalar_length, "big"), key.digest)


def _rsa_pair(call: Call, key: Key, wish: list[Tlv]) -> bytes:
    """A new RSA key, when the EF has room for it; 6A80 for a wish that no card can fulfil."""
    found = {tlv.tag: int.from_bytes(tlv.value, "big") for tlv in wish}
    if len(found) != len(wish) or found.keys() - {_TAG_BITS, TAG_EXPONENT}:
        raise CardError(SW.INCORRECT_DATA)
    bits = found.get(_TAG_BITS, key.rsa_public.n.bit_length())
    exponent = found.get(TAG_EXPONENT, key.rsa_public.e)
    odd = exponent & 1 and 1 < exponent < 1 << _EXPONENT_BITS
    if bits not in _BITS or not odd:
        raise CardError(SW.INCORRECT_DATA)
    half = bits // 16
    filler = b"\xff" * half
    if len(encode_rsa(filler, filler, exponent, key.digest)) > key.room:
        raise CardError(SW.NOT_ENOUGH_MEMORY)
    pair = rsa.generate(bits, call.draw, exponent)
    p, q = (prime.to_bytes(half, "big") for prime in (pair.p, pair.q))
    return encode_rsa(p, q, exponent, key.digest)


def _public_key(key: Key) -> bytes:
    if key.algorithm is KeyAlgorithm.RSA:
        return public_numbers(key.rsa_public)
    return public_point(key.point)


generate_asymmetric_key_pair = command(
    "GENERATE ASYMMETRIC KEY PAIR", ins=0x46, cases="1234", clause="ISO/IEC 7816-8:2021, 5.2"
)(_generate_asymmetric_key_pair)

generate_asymmetric_key_pair_object = command(
    "GENERATE ASYMMETRIC KEY PAIR", ins=0x47, cases="1234", clause="ISO/IEC 7816-8:2021, 5.2"
)(_generate_asymmetric_key_pair)
