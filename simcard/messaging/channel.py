"""What every scheme of secure messaging has in common: a channel unwraps, a seal wraps.

A `SecureChannel` is a value that a logical channel keeps. Unwrapping a command yields the plain
command, how it was protected, the channel as it stands after the exchange, and the `Seal` that
alone can protect the answer: an answer cannot be sealed by anybody who has not unprotected its
command.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from simcard.apdu import ClassByte, Command
from simcard.status import StatusWord


class Seal(Protocol):
    """The protection of one answer."""

    def wrap(self, data: bytes, sw: StatusWord) -> bytes:
        """The protected response data field for *data* and *sw*."""


class Unwrapped(NamedTuple):
    """A command as the handler shall see it, and what its protection was worth.

    `after` is the channel as the session keeps it, None when the protection was for this command
    alone. `decipher` is there when not the command but the access rule says whether its data is
    enciphered: it yields the same command deciphered. `shares_le` says that the one Le field is
    about the plain data, and that what the seal adds to the answer comes on top.
    """

    command: Command
    authentic: bool
    confidential: bool
    seal: Seal
    after: SecureChannel | None
    decipher: Callable[[Unwrapped], Unwrapped] | None = None
    shares_le: bool = False


class SecureChannel(Protocol):
    """The keys and counters of a session under secure messaging."""

    @property
    def grants(self) -> frozenset[int]:
        """The cells of the keys whose authentication stands and falls with this channel."""

    @property
    def ends_with_plain_command(self) -> bool:
        """Whether an unprotected command ends the channel, as ICAO 9303-11, 9.8.3 demands."""

    def unwrap(self, command: Command, class_byte: ClassByte) -> Unwrapped:
        """Check and remove the protection; `CardError` 6987 or 6988, which ends the channel."""


def without_protection(command: Command) -> int:
    """The class byte of *command* as if it came in plain: no secure messaging."""
    return command.cla & (~0x20 if command.cla & 0x40 else ~0x0C)
