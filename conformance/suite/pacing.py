"""PACE as a case runs it, step by step or to the open session."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conformance.apdu import CommandAPDU, ResponseAPDU
from conformance.case import NotRun, Unmet, not_applicable
from conformance.commands import ALL, read_binary, select_path
from conformance.crypto.pace import Offer, Terminal, offers
from conformance.layout import ElementaryFile
from conformance.suite.finding import OK
from conformance.suite.sealing import IcaoChannel, Sealed
from conformance.tlv import MalformedTLV, encode, find, parse

if TYPE_CHECKING:
    from conformance.terminal import Terminal as Card

CARD_ACCESS = 0x011C
DYNAMIC = 0x7C
MUTUAL = 0xC1
MAPPING, EPHEMERAL = 0x1111222233334444555566667777, 0x8888999900001111222233334444
"""The terminal's ephemeral private keys; a judge has no secrets of its own."""
_AREA = "9303/pace"


class Password(NamedTuple):
    """A password: its reference in MANAGE SECURITY ENVIRONMENT, and its value."""

    reference: int
    value: bytes


def passwords(card: Card) -> tuple[Password, ...]:
    """The passwords that are declared and known; the case ends when there is none."""
    declared = card.statement.messaging.pace
    if not declared:
        not_applicable("no PACE is declared")
    found = tuple(
        Password(int(number, 16), card.keys.secrets[name])
        for number, name in declared.items()
        if name in card.keys.secrets
    )
    if not found:
        raise NotRun("no password of PACE is known")
    return found


def offered(card: Card) -> tuple[Offer, ...]:
    """What EF.CardAccess offers that the judge can take up."""
    for ef in card.layout.elementary():
        if ef.fid == CARD_ACCESS and ef.parent is card.layout.master:
            return _in_card_access(card, ef)
    return not_applicable("EF.CardAccess is not declared")


def _in_card_access(card: Card, ef: ElementaryFile) -> tuple[Offer, ...]:
    card.send(select_path(ef))
    held = card.send(read_binary(0, min(ef.size, 0xFF)), expect=OK, because=f"{_AREA}/offers").data
    try:
        found = offers(held)
    except ValueError as error:
        raise Unmet(f"{_AREA}/offers", str(error)) from error
    return found or not_applicable("no protocol of PACE is offered that the judge has")


def choose(card: Card, offer: Offer, reference: int) -> ResponseAPDU:
    """MANAGE SECURITY ENVIRONMENT: SET for mutual authentication, at the MF."""
    if card.model.states[0].df is not card.layout.master:
        card.send(select_path(card.layout.master))
    data = encode(0x80, offer.identifier) + encode(0x83, bytes((reference,)))
    data += encode(0x84, bytes((offer.number,)))
    return card.carry(CommandAPDU(0x00, 0x22, MUTUAL, 0xA4, data).encode())


def step(card: Card, tag: int | None, value: bytes = b"", *, last: bool = False) -> ResponseAPDU:
    """GENERAL AUTHENTICATE with one data object, or none."""
    inner = encode(tag, value) if tag is not None else b""
    cla = 0x00 if last else 0x10
    command = CommandAPDU(cla, 0x86, 0x00, 0x00, encode(DYNAMIC, inner), ALL)
    return card.carry(command.encode())


def answered(answer: ResponseAPDU, tag: int, because: str) -> bytes:
    """The value of the data object *tag* in the answer; Unmet without it."""
    if answer.sw != OK:
        raise Unmet(because, f"{answer.sw:04X}", ["9000"])
    try:
        dynamic = find(parse(answer.data), DYNAMIC)
        value = find(parse(dynamic or b""), tag)
    except MalformedTLV as error:
        raise Unmet(because, f"the answer is no data object: {error}") from error
    if value is None:
        raise Unmet(because, f"the data object {tag:02X} is missing")
    return value


class Reached(NamedTuple):
    """A run of PACE before the tokens: its keys and both public keys."""

    run: Terminal
    channel: IcaoChannel
    own: bytes
    chip: bytes
    nonce: bytes
    mapping: bytes


def reach(card: Card, offer: Offer, password: Password) -> Reached:
    """The first three steps; Unmet on the way when one of them is not answered as it must be."""
    because = f"{_AREA}/opens"
    run = Terminal(offer, password.value, MAPPING, EPHEMERAL)
    chosen = choose(card, offer, password.reference)
    if chosen.sw != OK:
        raise Unmet(because, f"{chosen.sw:04X}", ["9000"])
    cryptogram = answered(step(card, None), 0x80, because)
    own = offer.curve.public_key(run.mapping)
    mapping = answered(step(card, 0x81, own), 0x82, because)
    try:
        mapped = run.mapped(run.nonce(cryptogram), mapping)
        public = mapped.public_key(run.ephemeral)
        chip = answered(step(card, 0x83, public), 0x84, because)
        keys = run.keys(mapped, chip)
    except ValueError as error:
        raise Unmet(because, f"the chip sent something unusable: {error}") from error
    return Reached(run, IcaoChannel(keys, 0), public, chip, cryptogram, mapping)


def tokens(card: Card, reached: Reached, *, wrong: bool = False) -> ResponseAPDU:
    """The last step: the terminal's token, perhaps with a wrong bit."""
    token = reached.run.token(reached.channel.keys, reached.chip)
    sent = bytes((token[0] ^ wrong,)) + token[1:]
    return step(card, 0x85, sent, last=True)


def pace(card: Card, offer: Offer, password: Password) -> tuple[Sealed, IcaoChannel]:
    """An open session, the chip's token checked."""
    reached = reach(card, offer, password)
    token = answered(tokens(card, reached), 0x86, f"{_AREA}/opens")
    if token != reached.run.token(reached.channel.keys, reached.own):
        raise Unmet(f"{_AREA}/token", "the token of the chip is wrong")
    return Sealed(card, reached.channel), reached.channel
