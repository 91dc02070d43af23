"""Secure channels as a case uses them: plain commands in, plain answers out, sealed on the wire."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from conformance.apdu import CommandAPDU, ResponseAPDU
from conformance.case import NotRun, Unmet, not_applicable
from conformance.commands import get_challenge, select_path
from conformance.crypto import icao, scp03
from conformance.crypto.blocks import decrypt_cbc, pad, retail_mac
from conformance.layout import SESSION, DedicatedFile
from conformance.model import Departure

if TYPE_CHECKING:
    from collections.abc import Collection

    from conformance.terminal import Terminal

OK = 0x9000
RANDOM, MATERIAL = bytes(range(0x11, 0x19)), bytes(range(0x21, 0x31))
S8, S16 = 8, 16
REFUSED_SEAL = (0x6987, 0x6988, 0x6982, 0x6985, 0x6882, 0x6E00, 0x6A80)
"""How a command is refused whose protection is missing, incomplete or wrong."""


class Channel(Protocol):
    """One side of a secure channel: the terminal's."""

    requirement: str

    @property
    def veils(self) -> bool:
        """Whether answers travel enciphered, so that nothing in plain is told of them."""

    def seal(self, command: CommandAPDU) -> bytes:
        """The bytes for the wire."""

    def open(self, response: bytes) -> ResponseAPDU:
        """The plain answer; ValueError when its protection is missing or wrong."""


class IcaoChannel:
    """Data objects of ISO/IEC 7816-4 with the keys that BAC agreed on."""

    requirement = "9303/messaging/answers-protected"
    veils = True

    def __init__(self, keys: icao.Keys, counter: int) -> None:
        self.keys = keys
        self.counter = counter

    def seal(self, command: CommandAPDU) -> bytes:
        """Data objects 87, 97 and 8E; the counter goes up."""
        self.counter += 1
        header = bytes((command.cla, command.ins, command.p1, command.p2))
        return icao.protect(self.keys, self.counter, header, command.data, command.ne)

    def open(self, response: bytes) -> ResponseAPDU:
        """The plain answer; the counter goes up."""
        self.counter += 1
        data, status = icao.open_response(self.keys, self.counter, response)
        return ResponseAPDU(data, int.from_bytes(status, "big"))


class HostChannel:
    """An SCP03 session."""

    requirement = "scp03/messaging/answers-protected"

    def __init__(self, session: scp03.Session) -> None:
        self.session = session

    @property
    def veils(self) -> bool:
        """Where the level says so."""
        return bool(self.session.level & scp03.R_ENCRYPTION)

    def seal(self, command: CommandAPDU) -> bytes:
        """The command with its C-MAC, enciphered where the level says so."""
        header = bytes((0x84 if command.cla & 0x80 else command.cla, *_rest(command)))
        le = b"" if command.ne is None else bytes((command.ne % 256,))
        return self.session.protect(header, command.data, le)

    def open(self, response: bytes) -> ResponseAPDU:
        """The plain answer."""
        sw = int.from_bytes(response[-2:], "big")
        if len(response) == 2 and sw != OK and sw >> 8 not in {0x62, 0x63}:
            return ResponseAPDU(b"", sw)
        return ResponseAPDU(self.session.open(response), sw)


def _rest(command: CommandAPDU) -> tuple[int, int, int]:
    return command.ins, command.p1, command.p2


class Sealed:
    """A history inside a secure channel: the model judges what was meant and what came out."""

    def __init__(self, terminal: Terminal, channel: Channel) -> None:
        self.terminal = terminal
        self.channel = channel
        states = terminal.model.states
        terminal.model.states = tuple(
            replace(state, verified=state.verified | {SESSION}) for state in states
        )

    def send(
        self, command: CommandAPDU, *, expect: int | Collection[int] = OK, because: str = ""
    ) -> ResponseAPDU:
        """Send *command* sealed; Unmet for an answer that is not sealed, expected or allowed."""
        raw = self.channel.seal(command)
        answer = self.terminal.carry(raw)
        try:
            plain = self.channel.open(answer.encode())
        except ValueError as error:
            message = f"{answer.sw:04X}: {error}"
            told = self.channel.requirement if answer.data else because or self.channel.requirement
            raise Unmet(told, message) from error
        expected = (expect,) if isinstance(expect, int) else tuple(expect)
        if plain.sw not in expected:
            told = because or self.channel.requirement
            raise Unmet(told, f"{plain.sw:04X}", [f"{word:04X}" for word in expected])
        try:
            self.terminal.met |= self.terminal.model.observe(command.encode(), plain)
        except Departure as departure:
            requirement = because or departure.requirement
            allowed = departure.veiled if self.channel.veils else departure.allowed
            raise Unmet(requirement, f"{plain.sw:04X}", allowed) from departure
        return plain

    def refused(self, raw: bytes, because: str) -> ResponseAPDU:
        """Send *raw* as it is; Unmet unless it is refused."""
        answer = self.terminal.carry(raw)
        if answer.sw not in REFUSED_SEAL or answer.data:
            raise Unmet(because, f"{answer.sw:04X}", [f"{word:04X}" for word in REFUSED_SEAL])
        return answer


def bac_keys(terminal: Terminal) -> icao.Keys:
    """The access keys of basic access control, from the seed in the keys file."""
    name = terminal.statement.messaging.bac
    if not name:
        not_applicable("no basic access control is declared")
    if name not in terminal.keys.secrets:
        raise NotRun(f"the value of the key {name} is not known")
    return icao.key_pair(terminal.keys.secrets[name])


def bac_proof(terminal: Terminal, keys: icao.Keys) -> tuple[bytes, bytes]:
    """A fresh challenge of the chip, and the terminal's proof over it."""
    challenge = terminal.send(get_challenge(8), expect=OK).data
    return challenge, icao.bac_token(keys, RANDOM, challenge, MATERIAL)


def mutual(proof: bytes) -> bytes:
    """EXTERNAL AUTHENTICATE with an Le field: mutual authentication."""
    return CommandAPDU(0x00, 0x82, 0x00, 0x00, proof, len(proof)).encode()


def bac(terminal: Terminal, df: DedicatedFile) -> tuple[Sealed, IcaoChannel]:
    """A session opened by basic access control while *df* is current."""
    because = "9303/bac/opens"
    keys = bac_keys(terminal)
    terminal.send(select_path(df))
    challenge, proof = bac_proof(terminal, keys)
    answer = terminal.carry(mutual(proof))
    if answer.sw != OK or len(answer.data) != 40:
        raise Unmet(because, f"{answer.sw:04X} with {len(answer.data)} bytes", ["9000"])
    enciphered, mac = answer.data[:32], answer.data[32:]
    if retail_mac(keys.mac, pad(enciphered, 8)) != mac:
        raise Unmet("9303/bac/answer-proves", "the MAC of the answer is wrong")
    opened = decrypt_cbc("TDES", keys.enc, enciphered)
    if opened[:8] != challenge or opened[8:16] != RANDOM:
        raise Unmet("9303/bac/answer-proves", "the random numbers in the answer are others")
    session = icao.bac_session(MATERIAL, opened[16:])
    channel = IcaoChannel(session, int.from_bytes(challenge[4:] + RANDOM[4:], "big"))
    return Sealed(terminal, channel), channel


def initialize(terminal: Terminal, level: int, size: int = S8) -> scp03.Session:
    """INITIALIZE UPDATE, and the session that follows; *size* is that of its proofs and MACs."""
    name = terminal.statement.messaging.scp03
    if not name:
        not_applicable("no SCP03 is declared")
    if name not in terminal.keys.secrets:
        raise NotRun(f"the value of the key {name} is not known")
    keys, host = terminal.keys.secrets[name], (RANDOM * 2)[:size]
    half = len(keys) // 3
    answer = terminal.carry(_initialize_update(host))
    if answer.sw != OK or len(answer.data) - 2 * size not in {13, 16}:
        raise Unmet("scp03/session/initialize", f"{answer.sw:04X}", ["9000"])
    challenge, cryptogram = answer.data[13 : 13 + size], answer.data[13 + size : 13 + 2 * size]
    session = scp03.Session(keys[:half], keys[half : 2 * half], host, challenge, level, size)
    if session.card_cryptogram != cryptogram:
        raise Unmet("scp03/session/card-cryptogram", "the card cryptogram is wrong")
    return session


def _initialize_update(host_challenge: bytes) -> bytes:
    return CommandAPDU(0x80, 0x50, 0x00, 0x00, host_challenge, 256).encode()


def sizes(terminal: Terminal, df: DedicatedFile) -> tuple[int, ...]:
    """Bytes of challenges, proofs and MACs that the card works with: 8 (S8), and perhaps 16."""
    terminal.send(select_path(df))
    longer = terminal.carry(_initialize_update(RANDOM * 2))
    return (S8, S16) if longer.sw == OK else (S8,)


def scp03_channel(
    terminal: Terminal, df: DedicatedFile, level: int, size: int = S8
) -> tuple[Sealed, HostChannel]:
    """An SCP03 session at *level* while *df* is current."""
    terminal.send(select_path(df))
    session = initialize(terminal, level, size)
    answer = terminal.carry(session.external_authenticate())
    if answer.sw != OK:
        raise Unmet("scp03/session/opens", f"{answer.sw:04X}", ["9000"])
    channel = HostChannel(session)
    return Sealed(terminal, channel), channel
