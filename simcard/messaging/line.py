"""PBOC line protection: a MAC, or cipher and MAC, on a single command (class bytes 04 and 84).

There is no session. The MAC of four bytes at the end of the data field starts from the last
challenge and covers header, Lc (which counts the MAC) and data. Whether the data is enciphered is
not said by the command but by the file it addresses: the data is deciphered when the access rule
asks for confidentiality. The answer to such a command is enciphered in the same way and has no
MAC: what the public sources say of answers is too little for more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from simcard.apdu import ClassByte, Command, Protection
from simcard.crypto.blocks import BlockCipher
from simcard.crypto.macs import same_mac
from simcard.crypto.pboc import MAC_LENGTH, line_decipher, line_encipher, line_mac
from simcard.messaging.channel import Unwrapped, without_protection
from simcard.status import SW, CardError, StatusWord


class Guard(Protocol):
    """The error counter of a line protection key."""

    def spend(self) -> None:
        """Take a try before the MAC is checked; 6983 when none is left."""

    def confirm(self) -> None:
        """Give all tries back at once: the MAC was right."""


@dataclass(frozen=True, slots=True)
class LineProtection:
    """The line protection key of the current DF and the challenge that starts the MAC.

    *challenge* is up to a block, filled up with 00; it is empty when none was asked for. A *guard*
    counts the wrong MACs.
    """

    cipher: BlockCipher
    key: bytes
    challenge: bytes
    guard: Guard | None = None
    grants: frozenset[int] = frozenset()
    ends_with_plain_command: bool = False

    def unwrap(self, command: Command, class_byte: ClassByte) -> Unwrapped:
        """The command without its MAC.

        6882 for another kind of protection, 6985 without a challenge or with one longer than a
        block, 6987 when the data field is shorter than a MAC, 6988 when the MAC is wrong, 6983 when
        the key is blocked.
        """
        if class_byte.protection is not Protection.PROPRIETARY:
            raise CardError(SW.SECURE_MESSAGING_NOT_SUPPORTED)
        if not 0 < len(self.challenge) <= self.cipher.block_size:
            raise CardError(SW.CONDITIONS_NOT_SATISFIED)
        data, received = command.data[:-MAC_LENGTH], command.data[-MAC_LENGTH:]
        if len(received) < MAC_LENGTH:
            raise CardError(SW.SM_OBJECTS_MISSING)
        size = len(command.data)
        lc = b"\0" + size.to_bytes(2, "big") if command.extended else bytes([size])
        covered = command.header + lc + data
        if self.guard is not None:
            self.guard.spend()
        if not same_mac(line_mac(self.key, self.challenge, covered, self.cipher), received):
            raise CardError(SW.SM_OBJECTS_INCORRECT)
        if self.guard is not None:
            self.guard.confirm()
        return Unwrapped(
            command._replace(cla=without_protection(command), data=data),
            authentic=True,
            confidential=False,
            seal=LineSeal(self, enciphers=False),
            after=None,
            decipher=self.decipher,
            shares_le=True,
        )

    def decipher(self, unwrapped: Unwrapped) -> Unwrapped:
        """*unwrapped* with its data deciphered and its answer to be enciphered; else 6988."""
        command = unwrapped.command
        if command.data:
            try:
                data = line_decipher(self.key, command.data, self.cipher)
            except ValueError:
                raise CardError(SW.SM_OBJECTS_INCORRECT) from None
            command = command._replace(data=data)
        seal = LineSeal(self, enciphers=True)
        return unwrapped._replace(command=command, confidential=True, seal=seal, decipher=None)


@dataclass(frozen=True, slots=True)
class LineSeal:
    """Enciphers the answer where the command was enciphered."""

    line: LineProtection
    enciphers: bool

    def wrap(self, data: bytes, _sw: StatusWord) -> bytes:
        """The response data field: enciphered it carries 255 bytes of *data* at most."""
        if not (data and self.enciphers):
            return data
        return line_encipher(self.line.key, data[:0xFF], self.line.cipher)
