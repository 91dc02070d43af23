"""The frames of the vpcd virtual reader: bytes in, messages out, no socket in sight.

Both directions carry a length of 2 bytes, big endian, and that many bytes. From the reader a frame
of one byte is a control message (see `Control`) and anything else is a command APDU. To the reader
a frame is the ATR or the response APDU it waits for; nothing is sent unasked.

A command APDU of one byte that equals a control code cannot be told from it. That is a limit of the
protocol; no reader sends such a command, and every other byte alone arrives as the malformed
command it is.
"""

from __future__ import annotations

from enum import IntEnum

LENGTH_SIZE = 2
"""Bytes of the length in front of every frame."""

LONGEST = 0xFFFF
"""The most bytes a frame carries, so an answer of 65,536 bytes and its status word does not fit."""


class Control(IntEnum):
    """What the reader says in a frame of one byte. Only `ATR` is answered."""

    POWER_OFF = 0
    POWER_ON = 1
    RESET = 2
    ATR = 4


_CONTROLS = {bytes([control]): control for control in Control}


def control_of(message: bytes) -> Control | None:
    """The control code that *message* is, or None when it is a command for the card."""
    return _CONTROLS.get(message)


def encode(message: bytes) -> bytes:
    """*message* as one frame, so that it leaves in one segment.

    Raises ValueError for more than 65,535 bytes.
    """
    if len(message) > LONGEST:
        raise ValueError(
            f"a frame carries at most {LONGEST} bytes, this message has {len(message)}"
        )
    return len(message).to_bytes(LENGTH_SIZE, "big") + message


class FrameDecoder:
    """Joins what the wire delivers, in whatever pieces, into whole messages."""

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that *data* completes, oldest first; an incomplete rest is kept."""
        pending = self._pending
        pending += data
        messages = []
        start = 0
        while len(pending) - start >= LENGTH_SIZE:
            body = start + LENGTH_SIZE
            end = body + int.from_bytes(pending[start:body], "big")
            if end > len(pending):
                break
            messages.append(bytes(pending[body:end]))
            start = end
        del pending[:start]
        return messages

    @property
    def is_between_frames(self) -> bool:
        """Whether nothing is pending, so that an end of the stream here loses no bytes."""
        return not self._pending
