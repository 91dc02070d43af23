"""What a fault may do inside the card, where wrong bytes at the contacts cannot tell it.

Most faults change what goes in and out. Some of those a firmware really has are a variable that is
not cleared, or is written too late; they are planted here, in the state of the sound card.
"""

from __future__ import annotations

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import Puppet
from simcard.apdu import CLASS_BYTES
from simcard.session import Session
from simcard.state import CardState


def state_of(puppet: Puppet) -> CardState:
    """What the powered card holds."""
    state = puppet.card._card.state  # noqa: SLF001 - the one place that looks inside
    assert state is not None, "a card answers only under power"
    return state


def channel_of(command: CommandAPDU) -> int:
    """The logical channel that the class byte names; the basic one for a class without meaning."""
    class_byte = CLASS_BYTES[command.cla]
    return 0 if class_byte is None else class_byte.channel


def session_of(puppet: Puppet, command: CommandAPDU) -> Session | None:
    """What the channel of *command* remembers; None when it is not open."""
    return state_of(puppet).sessions.get(channel_of(command))


def remember(puppet: Puppet, command: CommandAPDU, session: Session) -> None:
    """Let the channel of *command* remember *session* instead."""
    state_of(puppet).sessions[channel_of(command)] = session


def is_refusal(answer: bytes) -> bool:
    """Whether SW1 is 64 to 6F: the card did not do it."""
    return not 0x90 <= answer[-2] <= 0x9F and not 0x61 <= answer[-2] <= 0x63
