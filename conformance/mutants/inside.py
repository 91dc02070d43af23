"""What a fault may do inside the card, where wrong bytes at the contacts cannot tell it.

Most faults change what goes in and out. Some of those a firmware really has are a variable that is
not cleared, or is written too late; they are planted here, in the state of the sound card.
"""

from __future__ import annotations

from collections.abc import Callable

from conformance.apdu import CommandAPDU
from conformance.mutants.hooks import Puppet
from simcard.apdu import CLASS_BYTES
from simcard.files.descriptors import File, FileKind
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


def keeping(
    puppet: Puppet,
    command: CommandAPDU,
    raw: bytes,
    when: Callable[[Session, bytes], bool],
    *fields: str,
) -> bytes:
    """The answer; *fields* of what the channel remembered stay as they were.

    *when* decides, by what it remembered before the command and by the answer.
    """
    before = session_of(puppet, command)
    answer = puppet.send(raw)
    after = session_of(puppet, command)
    if before is not None and after is not None and when(before, answer):
        kept = {name: getattr(before, name) for name in fields}
        remember(puppet, command, after._replace(**kept))
    return answer


def reference_data(puppet: Puppet, command: CommandAPDU) -> File | None:
    """The reference data that P2 of *command* means, if there is any."""
    session, tree = session_of(puppet, command), state_of(puppet).tree
    local = session is not None and command.p2 & 0x80
    homes = tree.lineage(tree.files[session.df]) if session and local else (tree.mf,)
    places = ((home.cell, FileKind.REFERENCE_DATA, command.p2) for home in homes)
    return next((tree.internal[place] for place in places if place in tree.internal), None)


def give_back(puppet: Puppet, file: File, tries: int) -> None:
    """Add *tries* to those that are left of the reference data *file*."""
    memory = state_of(puppet).memory
    left = file.region.read(memory, 0, 1)[0]
    file.region.write(memory, 0, bytes([left + tries]))
    memory.commit()


def is_refusal(answer: bytes) -> bool:
    """Whether SW1 is 64 to 6F: the card did not do it."""
    return not 0x90 <= answer[-2] <= 0x9F and not 0x61 <= answer[-2] <= 0x63
