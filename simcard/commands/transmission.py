"""Commands about the transmission itself: GET RESPONSE and ENVELOPE (ISO/IEC 7816-4:2020, 11.8)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from simcard.apdu import CLASS_BYTES, Command
from simcard.commands.call import Call
from simcard.commands.declaration import Declaration, Reply, command
from simcard.status import SW, CardError
from simcard.tlv import TlvError, encode, parse

_TAG_COMMAND: Final = 0x52
_TAG_DATA: Final = 0x53
_ENVELOPES: Final = (0xC2, 0xC3)


@command("GET RESPONSE", ins=0xC0, cases="2", clause="ISO/IEC 7816-4:2020, 11.8.1")
def get_response(call: Call) -> Reply:
    """The response data that did not fit the command before.

    6985 when nothing waits on this channel. 6CXX when Ne is more than what waits and the Le field
    does not ask for all; the data goes on waiting, so that the terminal can ask again.
    """
    command = call.command
    if command.p1p2:
        raise CardError(SW.INCORRECT_P1_P2)
    waiting = call.waiting
    if waiting is None:
        raise CardError(SW.CONDITIONS_NOT_SATISFIED)
    if call.transaction is not None:  # fetching an answer belongs to the command it answers
        call.session = call.session._replace(transaction=call.transaction)
    available = len(waiting.data)
    if command.ne > available and not command.asks_for_all:
        return Reply(sw=SW.exact_length(available), waiting=waiting)
    return Reply(waiting.data, waiting.sw)


@command("ENVELOPE", ins=0xC2, cases="34", clause="ISO/IEC 7816-4:2020, 11.8.2")
def envelope(call: Call) -> Reply:
    """Carry out the command APDU in the data field and answer its response APDU.

    6700 when the data field is no command APDU. A command for another channel, a part of a chain,
    one under secure messaging or another envelope is refused in the response APDU inside.
    """
    if call.command.p1p2:
        raise CardError(SW.INCORRECT_P1_P2)
    return _carried_out(call, Command.parse(call.command.data))


@command("ENVELOPE", ins=0xC3, cases="34", clause="ISO/IEC 7816-4:2020, 11.8.2")
def envelope_object(call: Call) -> Reply:
    """ENVELOPE with a command-to-perform (52), answered in discretionary data (53); 6A80."""
    if call.command.p1p2:
        raise CardError(SW.INCORRECT_P1_P2)
    try:
        objects = parse(call.command.data)
    except TlvError:
        raise CardError(SW.INCORRECT_DATA) from None
    if [tlv.tag for tlv in objects] != [_TAG_COMMAND]:
        raise CardError(SW.INCORRECT_DATA)
    reply = _carried_out(call, Command.parse(objects[0].value))
    return replace(reply, data=encode(_TAG_DATA, reply.data))


def _carried_out(call: Call, inner: Command) -> Reply:
    """The response APDU to *inner*; what its Le field leaves waits for GET RESPONSE."""
    try:
        declaration = _declaration(call, inner)
    except CardError as refusal:
        return Reply(refusal.sw.encoded)
    reply = call.carry_out(inner, declaration)
    rest = reply.data[inner.ne :]
    if not rest:
        return Reply(reply.data + reply.sw.encoded, waiting=reply.waiting)
    sw = SW.more(len(rest))
    return Reply(reply.data[: inner.ne] + sw.encoded, waiting=Reply(rest, reply.sw))


def _declaration(call: Call, inner: Command) -> Declaration:
    """The command that *inner* is; the refusal when it cannot be carried out in an envelope."""
    class_byte = CLASS_BYTES[inner.cla]
    if class_byte is None:
        raise CardError(SW.CLASS_NOT_SUPPORTED)
    if class_byte.channel != call.channel:
        raise CardError(SW.CHANNEL_NOT_SUPPORTED)
    if class_byte.chained:
        raise CardError(SW.CHAINING_NOT_SUPPORTED)
    if class_byte.protected:
        raise CardError(SW.SECURE_MESSAGING_NOT_SUPPORTED)
    declaration = call.settings.commands.find(class_byte, inner.ins)
    if declaration.ins in _ENVELOPES:
        raise CardError(SW.COMMAND_NOT_ALLOWED)
    if inner.case not in declaration.cases:
        raise CardError(SW.WRONG_LENGTH)
    return declaration
