"""A small card, the reader's side of the wire, and a link at work, for the tests of the links."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from simcard.links import Event, EventKind, VpcdLink

ATR = bytes.fromhex("3B80800101")
MUTE_COMMAND = bytes.fromhex("00EE0000")
WAIT_S = 5.0


class Echo:
    """A card that answers a command with itself and 9000, and keeps a diary."""

    atr = ATR

    def __init__(self) -> None:
        self.diary: list[str] = []

    def power_on(self) -> bytes:
        self.diary.append("on")
        return ATR

    def reset(self) -> bytes:
        self.diary.append("reset")
        return ATR

    def power_off(self) -> None:
        self.diary.append("off")

    def transmit(self, apdu: bytes) -> bytes:
        self.diary.append(apdu.hex())
        return b"" if apdu == MUTE_COMMAND else apdu + b"\x90\x00"


class Reader:
    """The reader's end of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.socket.settimeout(WAIT_S)

    def say(self, message: bytes) -> None:
        self.socket.sendall(len(message).to_bytes(2, "big"))
        self.socket.sendall(message)

    def hear(self) -> bytes:
        return self._exactly(int.from_bytes(self._exactly(2), "big"))

    def ask(self, message: bytes) -> bytes:
        self.say(message)
        return self.hear()

    def is_hung_up_on(self) -> bool:
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        with suppress(OSError):
            self.socket.close()

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError(f"the card hung up after {len(data)} of {size} bytes")
            data += more
        return data


class Service:
    """A driver that listens, as the PC/SC service loads it; can go away and come back."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(WAIT_S)
        self.address: tuple[str, int] = self._server.getsockname()[:2]

    def accept(self, timeout_s: float = WAIT_S) -> Reader:
        self._server.settimeout(timeout_s)
        return Reader(self._server.accept()[0])

    def go_away(self) -> None:
        self._server.close()

    def come_back(self) -> None:
        self._server = socket.create_server(self.address)
        self._server.settimeout(WAIT_S)


def script(service: Service, messages: list[bytes]) -> threading.Thread:
    """A reader in a thread of its own that says *messages* and then waits for the card to go."""

    def lead() -> None:
        reader = service.accept()
        for message in messages:
            reader.say(message)
        reader.is_hung_up_on()
        reader.close()

    thread = threading.Thread(target=lead)
    thread.start()
    return thread


class Running:
    """A link at work in a thread of its own."""

    def __init__(self, make: Callable[[Callable[[Event], None]], VpcdLink]) -> None:
        self._events: queue.Queue[Event] = queue.Queue()
        self.link = make(self._events.put)
        self._thread = threading.Thread(target=self.link.run)
        self._thread.start()

    def is_quiet_for(self, seconds: float) -> bool:
        """Whether no event comes that long."""
        try:
            self._events.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def event(self, kind: EventKind) -> Event:
        """The next event, which must be *kind*."""
        event = self._events.get(timeout=WAIT_S)
        assert event.kind is kind
        return event

    def end(self) -> None:
        self.link.stop()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
