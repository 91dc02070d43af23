"""Secure messaging of GlobalPlatform SCP03 (Card Specification, Amendment D v1.2).

INITIALIZE UPDATE leaves an `Scp03Opening` in the session; EXTERNAL AUTHENTICATE, the first command
with a MAC, turns it into an `Scp03Channel` at the security level the host asks for. Every command
MAC is chained to the one before, so a command that is lost, repeated or out of order is found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntFlag
from typing import Final

from simcard.apdu import ClassByte, Command, Protection
from simcard.crypto.macs import same_mac
from simcard.crypto.scp03 import (
    SessionKeys,
    command_mac,
    decrypt_command,
    encrypt_response,
    response_mac,
)
from simcard.messaging.channel import Unwrapped, without_protection
from simcard.status import SW, CardError, StatusWord

_ZERO_CHAIN: Final = bytes(16)


class Level(IntFlag):
    """The security level in P1 of EXTERNAL AUTHENTICATE (Amendment D, table 7-8)."""

    NONE = 0x00
    C_MAC = 0x01
    C_DECRYPTION = 0x02
    R_MAC = 0x10
    R_ENCRYPTION = 0x20

    @property
    def is_defined(self) -> bool:
        """Whether the combination is one of those the amendment lists."""
        return self in _DEFINED


_DEFINED: Final = frozenset(map(Level, (0x00, 0x01, 0x03, 0x11, 0x13, 0x33)))


@dataclass(frozen=True, slots=True)
class Scp03Channel:
    """An open session: keys, level, MAC chaining value and encryption counter.

    *mac_size* is 8 in S8 mode and 16 in S16 mode.
    """

    keys: SessionKeys
    level: Level
    mac_size: int
    chaining: bytes = _ZERO_CHAIN
    counter: int = 0
    grants: frozenset[int] = frozenset()
    ends_with_plain_command: bool = True

    def unwrap(self, command: Command, class_byte: ClassByte) -> Unwrapped:
        """The plain command; 6987 when the MAC is missing, 6988 when MAC or padding is wrong."""
        if class_byte.protection is not Protection.PROPRIETARY:
            raise CardError(SW.SECURE_MESSAGING_NOT_SUPPORTED)
        data, chaining = self._authenticated(command)
        after = replace(self, chaining=chaining, counter=self.counter + 1)
        enciphered = bool(self.level & Level.C_DECRYPTION)
        if enciphered and data:
            try:
                data = decrypt_command(self.keys, after.counter, data)
            except ValueError:
                raise CardError(SW.SM_OBJECTS_INCORRECT) from None
        plain = command._replace(cla=without_protection(command), data=data)
        return Unwrapped(
            plain,
            authentic=bool(self.level & Level.C_MAC),
            confidential=enciphered,
            seal=Scp03Seal(after),
            after=after,
            shares_le=bool(self.level & Level.R_MAC),
        )

    def _authenticated(self, command: Command) -> tuple[bytes, bytes]:
        """The data field without its MAC, and the new chaining value."""
        if not self.level & Level.C_MAC:
            return command.data, self.chaining
        data, received = command.data[: -self.mac_size], command.data[-self.mac_size :]
        if len(received) < self.mac_size:
            raise CardError(SW.SM_OBJECTS_MISSING)
        size = len(command.data)
        lc = b"\0" + size.to_bytes(2, "big") if command.extended else bytes([size])
        cla = command.cla & (0xFC if command.cla & 0x40 == 0 else 0xF0)
        header = bytes([cla]) + command.header[1:]
        chaining = command_mac(self.keys, self.chaining, header + lc + data)
        if not same_mac(chaining[: self.mac_size], received):
            raise CardError(SW.SM_OBJECTS_INCORRECT)
        return data, chaining


@dataclass(frozen=True, slots=True)
class Scp03Seal:
    """Protects the answer to the command that *channel* has just unwrapped."""

    channel: Scp03Channel

    def wrap(self, data: bytes, sw: StatusWord) -> bytes:
        """The data field, enciphered and with the R-MAC as the level says; errors go in plain."""
        channel = self.channel
        if sw.is_error or not channel.level & Level.R_MAC:
            return data
        if data and channel.level & Level.R_ENCRYPTION:
            data = encrypt_response(channel.keys, channel.counter, data)
        mac = response_mac(channel.keys, channel.chaining, data + sw.encoded)
        return data + mac[: channel.mac_size]


@dataclass(frozen=True, slots=True)
class Scp03Opening:
    """Between INITIALIZE UPDATE and EXTERNAL AUTHENTICATE: what the host has to prove."""

    channel: Scp03Channel
    host_cryptogram: bytes
    cell: int
    grants: frozenset[int] = frozenset()
    ends_with_plain_command: bool = True

    def unwrap(self, command: Command, class_byte: ClassByte) -> Unwrapped:
        """EXTERNAL AUTHENTICATE with its MAC checked; its answer is not protected."""
        opened = self.channel.unwrap(command, class_byte)
        assert isinstance(opened.after, Scp03Channel)
        after = replace(self, channel=opened.after)
        return opened._replace(seal=_PlainSeal(), after=after, confidential=False)

    def opened(self, level: Level) -> Scp03Channel:
        """The channel at *level*, its encryption counter at zero."""
        grants = frozenset({self.cell})
        return replace(self.channel, level=level, counter=0, grants=grants)


class _PlainSeal:
    """For the one answer that comes before the channel is open."""

    def wrap(self, data: bytes, _sw: StatusWord) -> bytes:
        """*data* as it is."""
        return data
