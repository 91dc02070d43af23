"""Commands that prove keys: GET CHALLENGE (ISO/IEC 7816-4:2020, 11.6)."""

from __future__ import annotations

from simcard.commands.call import Call
from simcard.commands.declaration import Reply, command
from simcard.status import SW, CardError


@command("GET CHALLENGE", ins=0x84, cases="2", clause="ISO/IEC 7816-4:2020, 11.6.3")
def get_challenge(call: Call) -> Reply:
    """Ne random bytes, valid for the next authentication; the card's usual length for Le 00."""
    command = call.command
    if command.p1p2:
        raise CardError(SW.INCORRECT_P1_P2)
    challenge = call.draw(call.settings.challenge_size if command.asks_for_all else command.ne)
    call.session = call.session._replace(challenge=challenge)
    return Reply(challenge)
