"""Commands about the transmission itself: GET RESPONSE (ISO/IEC 7816-4:2020, 11.9)."""

from __future__ import annotations

from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.status import SW, CardError


@command("GET RESPONSE", ins=0xC0, cases="2", clause="ISO/IEC 7816-4:2020, 11.9.1")
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
    available = len(waiting.data)
    if command.ne > available and not command.asks_for_all:
        return Reply(sw=SW.exact_length(available), waiting=waiting)
    return Reply(waiting.data, waiting.sw)
