"""The trace: every exchange, timed, secrets replaced, on disk as soon as it has happened."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import Protocol, TextIO

from conformance.result import Exchange, Timing

COMMANDS = {
    0x04: "DEACTIVATE FILE",
    0x0C: "ERASE RECORD",
    0x0E: "ERASE BINARY",
    0x0F: "ERASE BINARY",
    0x20: "VERIFY",
    0x22: "MANAGE SECURITY ENVIRONMENT",
    0x24: "CHANGE REFERENCE DATA",
    0x26: "DISABLE VERIFICATION REQUIREMENT",
    0x28: "ENABLE VERIFICATION REQUIREMENT",
    0x2A: "PERFORM SECURITY OPERATION",
    0x2B: "PERFORM SECURITY OPERATION",
    0x2C: "RESET RETRY COUNTER",
    0x44: "ACTIVATE FILE",
    0x46: "GENERATE ASYMMETRIC KEY PAIR",
    0x47: "GENERATE ASYMMETRIC KEY PAIR",
    0x70: "MANAGE CHANNEL",
    0x82: "EXTERNAL AUTHENTICATE",
    0x84: "GET CHALLENGE",
    0x86: "GENERAL AUTHENTICATE",
    0x88: "INTERNAL AUTHENTICATE",
    0xA0: "SEARCH BINARY",
    0xA1: "SEARCH BINARY",
    0xA2: "SEARCH RECORD",
    0xA4: "SELECT",
    0xB0: "READ BINARY",
    0xB1: "READ BINARY",
    0xB2: "READ RECORD",
    0xB3: "READ RECORD",
    0xC0: "GET RESPONSE",
    0xCA: "GET DATA",
    0xCB: "GET DATA",
    0xCC: "GET NEXT DATA",
    0xD0: "WRITE BINARY",
    0xD2: "WRITE RECORD",
    0xD6: "UPDATE BINARY",
    0xD7: "UPDATE BINARY",
    0xDA: "PUT DATA",
    0xDB: "PUT DATA",
    0xDC: "UPDATE RECORD",
    0xDD: "UPDATE RECORD",
    0xE0: "CREATE FILE",
    0xE2: "APPEND RECORD",
    0xE4: "DELETE FILE",
    0xE6: "TERMINATE DF",
    0xE8: "TERMINATE EF",
}
PROPRIETARY = {
    0x16: "CARD BLOCK",
    0x18: "APPLICATION UNBLOCK",
    0x1A: "INITIALIZE FOR COMPUTATION",
    0x1E: "APPLICATION BLOCK",
    0x24: "PIN UNBLOCK",
    0x50: "INITIALIZE",  # FOR LOAD and so on, or UPDATE of a secure channel
    0x52: "CREDIT FOR LOAD",
    0x54: "DEBIT",
    0x58: "UPDATE OVERDRAW LIMIT",
    0x5A: "GET TRANSACTION PROOF",
    0x5C: "GET BALANCE",
    0x70: "INITIALIZE SAM FOR PURCHASE",
    0x72: "CREDIT SAM FOR PURCHASE",
    0xD4: "WRITE KEY",
    0xDC: "UPDATE CAPP DATA CACHE",
    0xFA: "COMPUTE",
}
"""The names behind a proprietary class byte, where they differ."""
_BEHIND_PROPRIETARY = COMMANDS | PROPRIETARY


def command_name(raw: bytes) -> str:
    """The name of the command by its instruction byte, for scripts and timings."""
    if len(raw) < 2:
        return "incomplete command"
    known = _BEHIND_PROPRIETARY if raw[0] & 0x80 else COMMANDS
    return known.get(raw[1], f"INS {raw[1]:02X}")


class Redaction(Protocol):
    """Turns bytes into text without secrets; `Keys` is one."""

    def redacted(self, raw: bytes) -> str:
        """A command."""

    def redacted_answer(self, asked: bytes, answer: bytes) -> str:
        """The answer to the command *asked*."""


class Evidence:
    """Writes the trace of one run to *stream* (None: nowhere) and keeps the timings."""

    def __init__(self, redaction: Redaction, stream: TextIO | None = None) -> None:
        self.case = ""
        self.count = 0
        self._redaction = redaction
        self._stream = stream
        self._digest = hashlib.sha256()
        self._seconds: dict[str, list[float]] = defaultdict(list)

    def exchange(self, command: bytes, response: bytes, seconds: float) -> None:
        """One command and its answer."""
        self._seconds[command_name(command)].append(seconds)
        self._write(
            Exchange(
                n=self.count,
                case=self.case,
                command=self._redaction.redacted(command),
                response=self._redaction.redacted_answer(command, response),
                seconds=seconds,
            )
        )

    def adopt(self, exchange: Exchange) -> None:
        """A line of the trace of another process, under the number that comes next."""
        if exchange.event is None:
            name = command_name(bytes.fromhex(exchange.command[:4]))
            self._seconds[name].append(exchange.seconds)
        self._write(exchange.model_copy(update={"n": self.count}))

    def event(self, name: str, answer: bytes = b"", seconds: float = 0.0) -> None:
        """What is no exchange: a reset with the ATR it answers, for example."""
        self._write(
            Exchange(
                n=self.count,
                case=self.case,
                event=name,
                response=answer.hex().upper(),
                seconds=seconds,
            )
        )

    def _write(self, exchange: Exchange) -> None:
        self.count += 1
        if self._stream is None:
            return
        line = exchange.line() + "\n"
        self._digest.update(line.encode())
        self._stream.write(line)

    def flush(self) -> None:
        """Everything so far is on disk."""
        if self._stream is not None:
            self._stream.flush()

    def close(self) -> None:
        """The trace ends here."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    @property
    def sha256(self) -> str:
        """The digest of the trace so far."""
        return self._digest.hexdigest()

    def timings(self) -> dict[str, Timing]:
        """The response times of each command, in the order of the names."""
        return {name: Timing.of(self._seconds[name]) for name in sorted(self._seconds)}
