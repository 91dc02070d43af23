"""The vpcd link over real sockets, against a reader made for the purpose."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from fake_reader import Echo, Reader, Running, Service, script

from simcard.links import EventKind, VpcdLink
from simcard.links import vpcd as vpcd_module

OFF, ON, RESET, ASK_ATR = b"\x00", b"\x01", b"\x02", b"\x04"
COMMAND = bytes.fromhex("00B0000001")
MUTE_COMMAND = bytes.fromhex("00EE0000")

Start = Callable[..., Running]


@pytest.fixture
def short_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vpcd_module, "ABSENCE_S", 0.05)


def test_a_session_as_the_driver_leads_it(reader: Reader, card: Echo) -> None:
    assert reader.ask(ASK_ATR) == card.atr
    reader.say(ON)
    assert reader.ask(COMMAND) == COMMAND + b"\x90\x00"
    reader.say(RESET)
    assert reader.ask(ASK_ATR) == card.atr
    reader.say(OFF)
    assert reader.ask(ASK_ATR) == card.atr
    assert card.diary == ["on", COMMAND.hex(), "reset", "off"]


def test_a_message_in_single_bytes_and_messages_in_one_segment(reader: Reader) -> None:
    frame = len(COMMAND).to_bytes(2, "big") + COMMAND
    reader.say(ON)
    for byte in frame:
        reader.socket.sendall(bytes([byte]))
    assert reader.hear() == COMMAND + b"\x90\x00"
    reader.socket.sendall(frame + frame)
    assert reader.hear() == reader.hear() == COMMAND + b"\x90\x00"


def test_a_long_message_passes_both_ways(reader: Reader) -> None:
    command = bytes.fromhex("00D60000") + bytes(60_000)
    reader.say(ON)
    assert reader.ask(command) == command + b"\x90\x00"


@pytest.mark.usefixtures("short_absence")
def test_the_card_loses_its_power_with_the_connection_and_comes_back(
    service: Service, start: Start, card: Echo
) -> None:
    running = start(service.address)
    first = service.accept()
    running.event(EventKind.CONNECTED)
    first.say(ON)
    first.ask(COMMAND)
    first.close()
    running.event(EventKind.DISCONNECTED)
    assert card.diary[-1] == "off"
    second = service.accept()
    running.event(EventKind.CONNECTED)
    assert second.ask(ASK_ATR) == card.atr
    second.close()


@pytest.mark.usefixtures("short_absence")
def test_a_service_that_restarts_finds_the_card_again(
    service: Service, start: Start, card: Echo
) -> None:
    running = start(service.address)
    first = service.accept()
    running.event(EventKind.CONNECTED)
    first.ask(ASK_ATR)
    service.go_away()
    first.close()
    running.event(EventKind.DISCONNECTED)
    running.event(EventKind.WAITING)
    service.come_back()
    second = service.accept()
    running.event(EventKind.CONNECTED)
    assert second.ask(ASK_ATR) == card.atr
    second.close()


def test_waiting_is_told_once_however_long_it_lasts(
    service: Service, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vpcd_module, "LONGEST_PAUSE_S", 0.01)
    service.go_away()
    running = start(service.address)
    running.event(EventKind.WAITING)
    assert running.is_quiet_for(0.5)


@pytest.mark.usefixtures("short_absence")
def test_a_reader_that_breaks_off_inside_a_message_is_gone(
    service: Service, start: Start, card: Echo
) -> None:
    running = start(service.address)
    reader = service.accept()
    running.event(EventKind.CONNECTED)
    reader.say(ON)
    reader.socket.sendall(b"\x00\x05\x00\xb0")
    reader.close()
    running.event(EventKind.DISCONNECTED)
    assert card.diary == ["on", "off"]


@pytest.mark.usefixtures("short_absence")
def test_a_mute_card_is_taken_out_and_put_back(service: Service, start: Start, card: Echo) -> None:
    running = start(service.address)
    reader = service.accept()
    running.event(EventKind.CONNECTED)
    reader.say(ON)
    reader.say(MUTE_COMMAND)
    assert reader.is_hung_up_on()
    running.event(EventKind.MUTE)
    running.event(EventKind.DISCONNECTED)
    assert card.diary == ["on", MUTE_COMMAND.hex(), "off"]
    again = service.accept()
    running.event(EventKind.CONNECTED)
    again.say(ON)
    assert again.ask(COMMAND) == COMMAND + b"\x90\x00"
    again.close()
    reader.close()


def test_a_slot_that_nobody_looks_at_is_noticed(
    service: Service, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vpcd_module, "UNNOTICED_AFTER_S", 0.05)
    running = start(service.address)
    running.event(EventKind.CONNECTED)
    running.event(EventKind.UNNOTICED)
    reader = service.accept()
    assert reader.ask(ASK_ATR)
    reader.close()


@pytest.mark.usefixtures("short_absence")
def test_in_listening_mode_the_reader_comes_to_the_card(start: Start, card: Echo) -> None:
    running = start(("127.0.0.1", 0), listen=True)
    address = running.event(EventKind.LISTENING).address
    for _ in range(2):
        with socket.create_connection(address, 5) as connection:
            connection.sendall(b"\x00\x01" + ASK_ATR)
            assert connection.recv(7, socket.MSG_WAITALL) == b"\x00\x05" + card.atr
        running.event(EventKind.CONNECTED)
        running.event(EventKind.DISCONNECTED)
        running.event(EventKind.LISTENING)


def test_while_a_card_is_out_a_listening_link_shows_an_empty_slot(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vpcd_module, "ABSENCE_S", 1.0)
    running = start(("127.0.0.1", 0), listen=True)
    address = running.event(EventKind.LISTENING).address
    with socket.create_connection(address, 5):
        running.event(EventKind.CONNECTED)
    running.event(EventKind.DISCONNECTED)
    with socket.create_connection(address, 5) as early:
        assert early.recv(1) == b""
    running.event(EventKind.LISTENING)


def test_a_listening_link_must_be_told_which_interface(card: Echo) -> None:
    with pytest.raises(ValueError, match="name the host"):
        VpcdLink(card, ("", 35963), listen=True)


def test_an_address_in_use_is_an_error_and_not_a_wait(service: Service, card: Echo) -> None:
    with pytest.raises(OSError, match="in use"):
        VpcdLink(card, service.address, listen=True).run()


def test_stop_ends_a_link_wherever_it_is(service: Service, start: Start, card: Echo) -> None:
    connected = start(service.address)
    reader = service.accept()
    reader.say(ON)
    assert reader.ask(COMMAND)
    connected.end()
    assert card.diary[-1] == "off"
    assert reader.is_hung_up_on()
    reader.close()
    service.go_away()
    waiting = start(service.address)
    waiting.event(EventKind.WAITING)
    waiting.end()
    listening = start(("127.0.0.1", 0), listen=True)
    listening.event(EventKind.LISTENING)
    listening.end()


def test_stop_before_run_and_after_it_is_heard_or_harmless(service: Service, card: Echo) -> None:
    link = VpcdLink(card, service.address)
    link.stop()
    link.run()
    link.stop()
    assert card.diary == []


def test_what_the_card_raises_ends_the_link_and_takes_the_power(
    service: Service, card: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(RuntimeError):
        pass

    def fail(_apdu: bytes) -> bytes:
        raise Broken

    monkeypatch.setattr(card, "transmit", fail)
    reader = script(service, [ON, COMMAND])
    with pytest.raises(Broken):
        VpcdLink(card, service.address).run()
    reader.join(5)
    assert card.diary == ["on", "off"]


def test_a_connection_that_met_itself_is_no_reader(
    service: Service, start: Start, card: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.create_connection
    attempts: list[socket.socket] = []

    def unlucky_once(address: tuple[str, int], timeout: float) -> socket.socket:
        if attempts:
            return real(address, timeout)
        mirror = socket.socket()
        mirror.bind(("127.0.0.1", 0))
        mirror.connect(mirror.getsockname())
        attempts.append(mirror)
        return mirror

    monkeypatch.setattr(socket, "create_connection", unlucky_once)
    running = start(service.address)
    running.event(EventKind.WAITING)
    assert attempts[0].fileno() == -1
    reader = service.accept()
    assert reader.ask(ASK_ATR) == card.atr
    reader.close()
