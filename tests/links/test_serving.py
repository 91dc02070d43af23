"""Serving cards from the main thread: slots, signals and failures."""

from __future__ import annotations

import os
import signal
import socket
import threading

import pytest
from fake_reader import Echo

from simcard.links import Event, EventKind, serve

ASK_ATR = b"\x04"


def free_pair() -> int:
    """A port that is free, and so is the one above."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_two_cards_lie_in_two_slots_until_a_signal(number: signal.Signals) -> None:
    cards = [Echo(), Echo()]
    port = free_pair()
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    ready = threading.Barrier(3)
    events: list[EventKind] = []

    def note(event: Event) -> None:
        events.append(event.kind)
        if event.kind is EventKind.LISTENING:
            ready.wait(5)

    def look_and_end() -> None:
        ready.wait(5)
        with (
            socket.create_connection(("127.0.0.1", port), 5) as first,
            socket.create_connection(("127.0.0.1", port + 1), 5) as second,
        ):
            for slot in (first, second):
                slot.sendall(b"\x00\x01\x01" + b"\x00\x01" + ASK_ATR)
                assert slot.recv(7, socket.MSG_WAITALL) == b"\x00\x05" + Echo.atr
            os.kill(os.getpid(), number)

    terminal = threading.Thread(target=look_and_end)
    terminal.start()
    serve(cards, ("127.0.0.1", port), listen=True, on_event=note)
    terminal.join(5)
    assert [card.diary for card in cards] == [["on", "off"], ["on", "off"]]
    assert events.count(EventKind.STOPPED) == 2
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_a_slot_that_cannot_be_served_ends_the_others_with_its_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            serve([Echo(), Echo()], ("127.0.0.1", port - 1), listen=True)


def test_no_cards_are_served_at_once() -> None:
    serve([])
