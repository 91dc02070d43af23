"""The link to the PC/SC service: puts a card into the virtual reader of vsmartcard's vpcd driver.

The driver stands on either side of the connection. As Debian ships it, it listens (on every
interface) and the card connects to it; configured with a host name it connects to the card, which
then listens, on loopback unless told otherwise. Whichever way, the driver leads: it sends a
message and waits for the answer. When the service goes away the link waits for it to come back,
and the card has lost its power in between, as a card pulled from a reader has.

Installed drivers send length and payload as two small segments, and Linux delays the
acknowledgement that the second one waits for by about 40 ms. `TCP_QUICKACK` asks for it at once,
but the kernel forgets the wish, so it is repeated around every receive.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import Enum
from time import monotonic

from simcard.links.frames import FrameDecoder
from simcard.links.slot import ServedCard, Slot

DEFAULT_ADDRESS = ("127.0.0.1", 35963)
"""Where the first slot of the driver listens; the second slot is one port up."""

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
"""Between attempts to reach the reader: the first pause doubles up to the longest."""

ABSENCE_S = 1.0
"""The card stays out this long before it is put back. The service looks at its readers every 0.4 s;
a card that is back before it looked is neither in the reader nor out of it to pcscd 1.9."""

CONNECT_TIMEOUT_S = 2.0
"""A reader is near; one that has not accepted by then is as good as absent."""

UNNOTICED_AFTER_S = 3.0
"""A reader looks at its slot several times a second; silence this long means nobody looks."""

_RECEIVE_SIZE = 65536
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)

Address = tuple[str, int]


class EventKind(Enum):
    """What a link has to tell; the value is the sentence for people."""

    WAITING = "no reader yet; trying again until there is one"
    LISTENING = "waiting for the reader to connect"
    CONNECTED = "the card is in the reader"
    UNNOTICED = "connected, but no reader looks at the card; does another card hold the slot?"
    MUTE = "the card gave no answer and was taken out of the reader"
    DISCONNECTED = "the reader is gone"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened on the link at *address*. It never carries card data."""

    kind: EventKind
    address: Address

    def __str__(self) -> str:
        host, port = self.address
        return f"{host}:{port}: {self.kind.value}"


OnEvent = Callable[[Event], None]


class _Stopped(Exception):
    """Somebody called `VpcdLink.stop`."""


class VpcdLink:
    """One card in one slot of the virtual reader, from `run` to `stop`.

    *address* is the reader's, or with *listen* the one to wait at. Waiting at another interface
    than loopback gives everybody there the card, so the host must be named: an empty one is a
    ValueError.
    """

    def __init__(
        self,
        card: ServedCard,
        address: Address = DEFAULT_ADDRESS,
        *,
        listen: bool = False,
        on_event: OnEvent | None = None,
    ) -> None:
        if not address[0]:
            raise ValueError("name the host: an empty one would mean every interface")
        self._slot = Slot(card)
        self._address = address
        self._listen = listen
        self._on_event = on_event
        self._wake, self._waker = socket.socketpair()
        self._waker.settimeout(0)

    def run(self) -> None:
        """Serves the card until `stop`. Call it once.

        OSError when the address cannot be listened at. What the card raises passes through; the
        card is without power when this returns.
        """
        with closing(self._wake), closing(self._waker):
            try:
                if self._listen:
                    self._run_listening()
                else:
                    self._run_connecting()
            except _Stopped:
                self._tell(EventKind.STOPPED)

    def stop(self) -> None:
        """Ends `run` soon. Safe from another thread, from a signal handler, and twice."""
        with suppress(OSError):  # the pipe is full of earlier wishes, or `run` has ended
            self._waker.send(b"s")

    def _run_connecting(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            connection = self._connect()
            if connection is None:
                if pause == FIRST_PAUSE_S:
                    self._tell(EventKind.WAITING)
                self._await(None, pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
            else:
                self._serve(connection)
                self._await(None, ABSENCE_S)
                pause = FIRST_PAUSE_S

    def _connect(self) -> socket.socket | None:
        """A connection to the reader, or None when there is no reader."""
        try:
            connection = socket.create_connection(self._address, CONNECT_TIMEOUT_S)
        except OSError:
            return None
        if connection.getsockname() == connection.getpeername():
            # The reader's port is one that the system also hands out: with nobody listening, an
            # attempt that is given that very port meets itself, and would keep the reader out.
            connection.close()
            return None
        return connection

    def _run_listening(self) -> None:
        # The door stays open while a reader holds the card and while the card is out: vpcd 3.3
        # takes the whole PC/SC service down with it when nobody listens.
        with socket.create_server(self._address) as server:
            self._address = server.getsockname()[:2]
            while True:
                self._tell(EventKind.LISTENING)
                self._await(server)
                connection, _ = server.accept()
                self._serve(connection)
                self._turn_away(server, monotonic() + ABSENCE_S)

    def _turn_away(self, server: socket.socket, until: float) -> None:
        """Shows an empty slot to every reader that asks before the clock says *until*."""
        while (left := until - monotonic()) > 0:
            if self._await(server, left):
                connection, _ = server.accept()
                connection.close()

    def _serve(self, connection: socket.socket) -> None:
        """Serves one connection to its end; the card is without power afterwards."""
        self._tell(EventKind.CONNECTED)
        decoder = FrameDecoder()
        try:
            with closing(connection):
                connection.settimeout(None)
                if not self._await(connection, UNNOTICED_AFTER_S):
                    self._tell(EventKind.UNNOTICED)
                while data := self._receive(connection):
                    if not all(self._answer(connection, each) for each in decoder.feed(data)):
                        break
        finally:
            self._slot.withdraw()
        self._tell(EventKind.DISCONNECTED)

    def _answer(self, connection: socket.socket, message: bytes) -> bool:
        """Answers *message*; whether to go on with this connection."""
        frame = self._slot.receive(message)
        if frame is None:
            self._tell(EventKind.MUTE)
            return False
        try:
            connection.sendall(frame)
        except OSError:
            return False
        return True

    def _receive(self, connection: socket.socket) -> bytes:
        """The next bytes from the reader; none at all once it has closed or lost the connection."""
        self._await(connection)
        try:
            if _QUICKACK is None:
                return connection.recv(_RECEIVE_SIZE)
            connection.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
            data = connection.recv(_RECEIVE_SIZE)
            connection.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        except OSError:
            return b""
        return data

    def _await(self, wanted: socket.socket | None, timeout_s: float | None = None) -> bool:
        """Whether *wanted* became readable in time. Raises `_Stopped` when `stop` was called."""
        watched = [self._wake] if wanted is None else [self._wake, wanted]
        ready, _, _ = select.select(watched, [], [], timeout_s)
        if self._wake in ready:
            raise _Stopped
        return bool(ready)

    def _tell(self, kind: EventKind) -> None:
        if self._on_event is not None:
            self._on_event(Event(kind, self._address))
