"""GENERAL AUTHENTICATE: PACE, in a chain of four commands (ICAO 9303-11, 4.4.4).

MANAGE SECURITY ENVIRONMENT: SET says before which protocol and which password are meant. The chain
lives as long as nothing else happens: another command, or a refusal, and the terminal starts anew.
"""

from __future__ import annotations

from typing import Final

from simcard.apdu import CLASS_BYTES
from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.messaging.iso import DataObjectChannel
from simcard.security.access import Right
from simcard.security.environment import MUTUAL, Template
from simcard.security.keys import Key, KeyUsage
from simcard.security.pace import (
    Agreed,
    Mapped,
    NonceSent,
    Offer,
    PaceError,
    Run,
    begin,
    choose,
    offers,
)
from simcard.status import SW, CardError, StatusWord
from simcard.tlv import TlvError, encode, parse

EF_CARD_ACCESS: Final = 0x011C
TAG_PROTOCOL: Final = 0x80
TAG_PASSWORD: Final = 0x83
TAG_PARAMETERS: Final = 0x84
PACE_IDENTIFIER: Final = bytes.fromhex("04007F0007020204")
_DYNAMIC_DATA: Final = 0x7C


def offer_of(call: Call, identifier: bytes, number: bytes | None) -> Offer:
    """What EF.CardAccess offers under the protocol *identifier* and domain parameters *number*.

    6A80 for a protocol that is not offered, or for one that is offered with several domain
    parameters when the terminal does not say which.
    """
    file = call.tree.child(call.tree.mf, EF_CARD_ACCESS)
    content = b"" if file is None else call.transparent(file).read(0, file.size)
    offer = choose(offers(content), identifier, number)
    if offer is None:
        raise CardError(SW.INCORRECT_DATA)
    return offer


@command(
    "GENERAL AUTHENTICATE",
    ins=0x86,
    cases="34",
    clause="ISO/IEC 7816-4:2020, 11.6.5; ICAO 9303-11, 4.4.4.2",
    right=Right.READ,
    stepwise=True,
)
def general_authenticate(call: Call) -> Reply:
    """One step of PACE: dynamic authentication data (7C) in, and out.

    6A80 for data that is malformed or no point of the curve; 6985 without a security environment
    for PACE, for a step out of order, or for a chain that ends too early; 6883 for one that does
    not end with the tokens. A wrong token answers 6300, or 63CX when the password has a retry
    counter, and 6983 is the answer when that is at zero.
    """
    if call.command.p1p2:
        raise CardError(SW.INCORRECT_P1_P2)
    tag, value = _dynamic_data(call.command.data)
    run = call.session.pace if call.continued else None
    expected, answered = _TAGS[type(run)]
    if tag != expected:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    if isinstance(run, Agreed):
        if _chained(call):
            raise CardError(SW.LAST_OF_CHAIN_EXPECTED)
        answer = _compare_tokens(call, run, value)
        if isinstance(answer, StatusWord):
            return Reply(sw=answer)
    else:
        if not _chained(call):
            raise CardError(SW.CONDITIONS_NOT_SATISFIED)
        answer = _step(call, run, value)
    return Reply(encode(_DYNAMIC_DATA, encode(answered, answer)))


_TAGS: Final[dict[type[Run | None], tuple[int, int]]] = {
    type(None): (0, 0x80),  # nothing: the enciphered nonce
    NonceSent: (0x81, 0x82),  # mapping data of both sides
    Mapped: (0x83, 0x84),  # ephemeral public keys
    Agreed: (0x85, 0x86),  # tokens
}
"""What the terminal sends in each state of the run, and what the chip answers."""


def _dynamic_data(data: bytes) -> tuple[int, bytes]:
    """Tag and value of the one object in the template 7C, tag 0 when it is empty; else 6A80."""
    try:
        outer = parse(data)
        inner = outer[0].children() if [tlv.tag for tlv in outer] == [_DYNAMIC_DATA] else None
    except TlvError:
        inner = None
    if inner is None or len(inner) > 1:
        raise CardError(SW.INCORRECT_DATA)
    return (inner[0].tag, inner[0].value) if inner else (0, b"")


def _chained(call: Call) -> bool:
    class_byte = CLASS_BYTES[call.command.cla]
    return class_byte is not None and class_byte.chained


def _step(call: Call, run: NonceSent | Mapped | None, value: bytes) -> bytes:
    """What the chip sends in one of the first three steps, which leads to the next state."""
    following: Run
    try:
        match run:
            case NonceSent():
                following, answer = run.map(value, call.draw)
            case Mapped():
                following, answer = run.agree(value, call.draw)
            case None:
                offer, password = _meant(call)
                following, answer = begin(password.cell, password.value, offer, call.draw)
    except PaceError:
        raise CardError(SW.INCORRECT_DATA) from None
    call.session = call.session._replace(pace=following)
    return answer


def _meant(call: Call) -> tuple[Offer, Key]:
    """Protocol and password of the current security environment; 6983 when it is blocked."""
    environment = call.session.environment
    identifier = environment.get(Template.AUTHENTICATION, MUTUAL, TAG_PROTOCOL)
    password = environment.get(Template.AUTHENTICATION, MUTUAL, TAG_PASSWORD)
    if identifier is None or not password:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    number = environment.get(Template.AUTHENTICATION, MUTUAL, TAG_PARAMETERS)
    key = call.key(password[0], KeyUsage.PACE)
    if key.tries_left == 0:
        raise CardError(SW.AUTHENTICATION_BLOCKED)
    return offer_of(call, identifier, number), key


def _compare_tokens(call: Call, run: Agreed, token: bytes) -> bytes | StatusWord:
    """Step 4: the chip's token, and secure messaging, for the right one; else what to answer."""
    key = call.key_at(run.password, KeyUsage.PACE)
    call.session = call.session._replace(pace=None)
    key.spend()
    if not run.accepts(token):
        satisfied = call.session.satisfied - {key.cell}
        call.session = call.session._replace(satisfied=satisfied)
        return key.failure
    key.restore()
    channel = DataObjectChannel(run.suite.cipher, run.keys, 0, grants=frozenset({key.cell}))
    call.session = call.session.with_channel(channel)
    return run.token


@command(
    "GENERAL AUTHENTICATE",
    ins=0x87,
    cases="34",
    clause="ISO/IEC 7816-4:2020, 11.6.5",
    right=Right.READ,
    stepwise=True,
)
def general_authenticate_object(call: Call) -> Reply:
    """GENERAL AUTHENTICATE with the odd instruction, whose data field is always data objects."""
    return general_authenticate.run(call)
