"""A card in a session under secure messaging, and the terminal that shares the session's keys.

The session is put into the card from outside, so that every suite can be tried; how sessions come
about is tested with the commands that open them. The terminal computes with the judge's functions.
"""

from __future__ import annotations

from pathlib import Path

from conformance.crypto import icao
from conformance.crypto.blocks import BLOCK_SIZE, pad
from simcard.card import Card
from simcard.crypto.blocks import BlockCipher
from simcard.crypto.icao import KeyPair
from simcard.files.descriptors import FileKind
from simcard.messaging.iso import DataObjectChannel
from simcard.profiles import build_card, load_profile
from simcard.state import CardState

PROFILE = load_profile(str(Path(__file__).with_name("sealed.toml")))
APPLICATION = bytes.fromhex("00A4040C09F053494D4341524401")
SUITES = {
    "TDES": (BlockCipher.TDES, 16),
    "AES-128": (BlockCipher.AES, 16),
    "AES-192": (BlockCipher.AES, 24),
    "AES-256": (BlockCipher.AES, 32),
    "SM4": (BlockCipher.SM4, 16),
}
OK = b"\x90\x00"
FIRST_COUNTER = 0x0102030405060708

Objects = list[tuple[int, bytes]]


def tlv(tag: int, value: bytes) -> bytes:
    """A data object with a tag of one byte and the shortest length."""
    return icao._tlv(bytes([tag]), value)


def state_of(card: Card) -> CardState:
    assert card._state is not None
    return card._state


def image(card: Card) -> bytes:
    """All the card remembers without power."""
    memory = state_of(card).memory
    return memory.read(0, memory.capacity)


class Sealed:
    """Card and terminal in one session; *counter* is the number last used by either."""

    def __init__(self, suite: str) -> None:
        cipher, length = SUITES[suite]
        pair = KeyPair(bytes(range(length)), bytes(range(0x40, 0x40 + length)))
        self.keys = icao.Keys(pair.enc, pair.mac, cipher.title)
        self.size = BLOCK_SIZE[cipher.title]
        self.counter = FIRST_COUNTER
        self.card = build_card(PROFILE, 1)
        self.card.power_on()
        assert self.card.transmit(APPLICATION) == OK
        state = state_of(self.card)
        key = state.tree.internal[state.tree.root, FileKind.KEY, 0x07]
        channel = DataObjectChannel(cipher, pair, FIRST_COUNTER, frozenset({key.cell}))
        state.sessions[0] = state.sessions[0].with_channel(channel)

    def mac(self, header: bytes, body: bytes) -> bytes:
        """The MAC of a command with the next counter; *header* as it goes into it."""
        return icao.message_mac(self.keys, self.counter + 1, header + body)

    def cryptogram(self, data: bytes) -> bytes:
        return icao.message_encrypt(self.keys, self.counter + 1, data)

    def build(self, header: str, objects: Objects, *, mac: bool = True, le: bytes = b"\0") -> bytes:
        """A protected command of exactly these objects, with a right MAC behind them if asked."""
        head = bytes.fromhex(header)
        body = b"".join(tlv(tag, value) for tag, value in objects)
        if mac:
            header_too = head[0] & 0x4C == 0x0C
            covered = pad(head, self.size) if header_too else b""
            body += tlv(0x8E, self.mac(covered, body))
        return self.framed(head, body, le)

    @staticmethod
    def framed(head: bytes, body: bytes, le: bytes = b"\0") -> bytes:
        """Header and body with a short Lc where it fits, else an extended one."""
        if len(body) < 0x100:
            return head + bytes([len(body)]) + body + le
        return head + b"\0" + len(body).to_bytes(2, "big") + body + (b"\0\0" if le else b"")

    def protect(self, header: str, data: bytes = b"", ne: bytes = b"") -> bytes:
        """The usual protected command; *ne* is the value of the Le object."""
        objects: Objects = []
        odd = int(header[2:4], 16) & 1
        if data:
            cryptogram = self.cryptogram(data)
            objects.append((0x85, cryptogram) if odd else (0x87, b"\x01" + cryptogram))
        if ne:
            objects.append((0x97, ne))
        return self.build(header, objects)

    def exchange(self, raw: bytes) -> tuple[bytes, bytes]:
        """Data and status of the protected answer, fetched whole; the counter goes on."""
        response = self.card.transmit(raw)
        while response[-2] == 0x61:
            more = self.card.transmit(bytes.fromhex("00C00000") + response[-1:])
            response = response[:-2] + more
        return self.opened(response)

    def opened(self, response: bytes) -> tuple[bytes, bytes]:
        assert len(response) > 2, f"the answer is not protected: {response.hex().upper()}"
        self.counter += 2
        return icao.open_response(self.keys, self.counter, response)

    def is_over(self) -> bool:
        """Whether the card has left the session, and the right that hung on it is gone."""
        session = state_of(self.card).sessions[0]
        return session.secure is None and not session.satisfied

    def fork(self) -> Sealed:
        twin = object.__new__(Sealed)
        twin.keys, twin.size, twin.counter = self.keys, self.size, self.counter
        twin.card = self.card.fork()
        return twin
