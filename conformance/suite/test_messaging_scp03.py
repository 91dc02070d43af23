"""SCP03 sessions, and the line protection of single commands: sound, spoiled, replayed, dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.case import NotRun, case, not_applicable, require
from conformance.commands import get_challenge, read_binary, select_fid, select_path
from conformance.crypto import pboc
from conformance.crypto.scp03 import C_DECRYPTION, C_MAC, R_ENCRYPTION, R_MAC
from conformance.layout import SESSION, DedicatedFile, ElementaryFile, Kind
from conformance.operating import flipped
from conformance.suite.finding import OK, REFUSED
from conformance.suite.sealing import (
    REFUSED_SEAL,
    HostChannel,
    Sealed,
    initialize,
    scp03_channel,
    sizes,
)
from conformance.suite.ways import updates
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.terminal import Terminal

LEVELS = (C_MAC | C_DECRYPTION, C_MAC | C_DECRYPTION | R_MAC | R_ENCRYPTION)
TEXT = b"line protected"
_SESSION, _AREA, _LINE = "scp03/session", "scp03/messaging", "pboc/line"


def _file(terminal: Terminal) -> ElementaryFile:
    """A transparent EF that a session opens."""
    for ef in terminal.layout.elementary(Kind.TRANSPARENT):
        if ef.read.met(frozenset({SESSION})) and not ef.read.always:
            return ef
    return not_applicable("no transparent EF is opened by a session")


def _opened(terminal: Terminal, level: int) -> tuple[Sealed, HostChannel, ElementaryFile]:
    ef = _file(terminal)
    sealed, channel = scp03_channel(terminal, ef.parent, level)
    sealed.send(select_fid(ef.fid, 0x02), because=f"{_AREA}/carries")
    return sealed, channel, ef


@case(
    "messaging/scp03-opens",
    covers=["scp03/session/initialize", "scp03/session/card-cryptogram", "scp03/session/opens"],
    risk=Risk.CONSUME,
)
def test_opens(terminal: Terminal) -> None:
    """Card and host prove the keys to each other, at every level."""
    for level in LEVELS:
        terminal.reset()
        _opened(terminal, level)


@case("messaging/scp03-wrong", covers=["scp03/session/host-cryptogram"], risk=Risk.CONSUME)
def test_wrong(terminal: Terminal) -> None:
    """A host cryptogram or its MAC with one bit changed opens nothing."""
    because = f"{_SESSION}/host-cryptogram"
    ef = _file(terminal)
    for place in (5, 14):
        terminal.send(select_path(ef.parent))
        raw = bytearray(initialize(terminal, C_MAC).external_authenticate())
        raw[place] ^= 0x01
        answer = terminal.carry(bytes(raw))
        require(answer.sw != OK, because, "a wrong cryptogram was accepted")
    scp03_channel(terminal, ef.parent, C_MAC)


@case("messaging/scp03-cryptogram", covers=["scp03/session/host-cryptogram"], risk=Risk.CONSUME)
def test_cryptogram(terminal: Terminal) -> None:
    """A wrong host cryptogram under a right MAC opens nothing, whichever byte of it is wrong."""
    because = f"{_SESSION}/host-cryptogram"
    ef = _file(terminal)
    for size in reversed(sizes(terminal, ef.parent)):
        for place in reversed(range(size)):
            session = initialize(terminal, C_MAC, size)
            wrong = flipped(session.host_cryptogram, place)
            answer = terminal.carry(session.external_authenticate(wrong))
            require(answer.sw != OK, because, "a wrong cryptogram was accepted")
            scp03_channel(terminal, ef.parent, C_MAC, size)


@case("messaging/scp03-challenge", covers=["scp03/session/fresh-challenge"], risk=Risk.CONSUME)
def test_challenge(terminal: Terminal) -> None:
    """No two sessions have the same card challenge, and an old cryptogram opens none."""
    because = f"{_SESSION}/fresh-challenge"
    ef = _file(terminal)
    terminal.send(select_path(ef.parent))
    first = initialize(terminal, C_MAC)
    second = initialize(terminal, C_MAC)
    require(first.card_challenge != second.card_challenge, because, "the same challenge again")
    answer = terminal.carry(first.external_authenticate())
    require(answer.sw != OK, because, "the cryptogram of another session was accepted")
    scp03_channel(terminal, ef.parent, C_MAC)


@case("messaging/scp03-needed", covers=["scp03/messaging/needed"])
def test_scp03_needed(terminal: Terminal) -> None:
    """Without a session the EF is not read."""
    for ef in terminal.layout.elementary(Kind.TRANSPARENT):
        if not ef.read.always and ef.read.met(frozenset({SESSION})):
            terminal.send(select_path(ef))
            terminal.send(read_binary(0, 1), expect=REFUSED, because=f"{_AREA}/needed")


@case(
    "messaging/scp03-carries",
    covers=["scp03/messaging/carries", "scp03/messaging/answers-protected"],
    risk=Risk.CONSUME,
)
def test_scp03_carries(terminal: Terminal) -> None:
    """Inside a session files are read, and the answers are sealed where the level says so."""
    for level in reversed(LEVELS):
        terminal.reset()
        sealed, _, ef = _opened(terminal, level)
        for offset in (0, 1, ef.size - 4):
            sealed.send(read_binary(offset, 4), because=f"{_AREA}/carries")


@case("messaging/scp03-refusal", covers=["scp03/messaging/carries"], risk=Risk.CONSUME)
def test_scp03_refusal(terminal: Terminal) -> None:
    """A refusal of the command itself inside a session leaves the session as sound as before."""
    because = f"{_AREA}/carries"
    for level in LEVELS:
        terminal.reset()
        sealed, _, ef = _opened(terminal, level)
        for _ in range(2):
            sealed.send(select_fid(0x7E57, 0x02), expect=0x6A82, because=because)
            sealed.send(select_fid(ef.fid, 0x02), because=because)
            sealed.send(read_binary(0x7F00, 4), expect=0x6B00, because=because)
            sealed.send(read_binary(0, 4), because=because)


@case(
    "messaging/scp03-tampered",
    covers=["scp03/messaging/mac-checked", "scp03/messaging/failure-ends-session"],
    risk=Risk.CONSUME,
)
def test_scp03_tampered(terminal: Terminal) -> None:
    """A command with one bit of its MAC or header changed is refused, and the session is over."""
    for place in (3, 6, -2):
        terminal.reset()
        sealed, channel, _ = _opened(terminal, LEVELS[0])
        raw = bytearray(channel.seal(read_binary(0, 4)))
        raw[place] ^= 0x01
        sealed.refused(bytes(raw), f"{_AREA}/mac-checked")
        answer = terminal.carry(channel.seal(read_binary(0, 4)))
        because = f"{_AREA}/failure-ends-session"
        require(answer.sw in REFUSED_SEAL, because, f"{answer.sw:04X} after the session ended")


@case("messaging/scp03-replayed", covers=["scp03/messaging/replay-refused"], risk=Risk.CONSUME)
def test_scp03_replayed(terminal: Terminal) -> None:
    """A command is refused a second time."""
    sealed, channel, _ = _opened(terminal, LEVELS[0])
    raw = channel.seal(read_binary(0, 4))
    terminal.carry(raw)
    sealed.refused(raw, f"{_AREA}/replay-refused")


@case("messaging/scp03-dropped", covers=["scp03/messaging/order-checked"], risk=Risk.CONSUME)
def test_scp03_dropped(terminal: Terminal) -> None:
    """A command is refused when the one before it was dropped."""
    sealed, channel, _ = _opened(terminal, LEVELS[0])
    channel.seal(read_binary(0, 4))
    sealed.refused(channel.seal(read_binary(4, 4)), f"{_AREA}/order-checked")


@case("messaging/scp03-reset", covers=["scp03/messaging/reset-ends-session"], risk=Risk.CONSUME)
def test_scp03_reset(terminal: Terminal) -> None:
    """A reset ends the session and what it opened."""
    because = f"{_AREA}/reset-ends-session"
    sealed, channel, ef = _opened(terminal, LEVELS[0])
    terminal.reset()
    sealed.refused(channel.seal(read_binary(0, 4)), because)
    terminal.send(select_path(ef))
    answer = terminal.carry(read_binary(0, 4).encode())
    require(answer.sw in REFUSED, because, f"{answer.sw:04X} without a session")


def _line(terminal: Terminal) -> tuple[ElementaryFile, bytes]:
    """An EF that is read always and updated with a MAC, and the key of its DF."""
    messaging = terminal.statement.messaging
    df = terminal.layout.by_path(messaging.line_df)
    if not messaging.line or not isinstance(df, DedicatedFile):
        not_applicable("no line protection is declared")
    if messaging.line not in terminal.keys.secrets:
        raise NotRun(f"the value of the key {messaging.line} is not known")
    for ef in terminal.layout.elementary(Kind.TRANSPARENT):
        if ef.parent is df and ef.read.always:
            terminal.send(select_path(ef))
            return ef, terminal.keys.secrets[messaging.line]
    return not_applicable("no EF of the DF may always be read")


def _protected(terminal: Terminal, key: bytes, data: bytes) -> bytes:
    """UPDATE BINARY at offset 0 with the MAC that starts from a fresh challenge."""
    challenge = terminal.send(get_challenge(4), expect=OK).data
    command = bytes((0x04, 0xD6, 0x00, 0x00, len(data) + 4)) + data
    return command + pboc.line_mac(key, challenge, command)


def _held(terminal: Terminal, size: int) -> bytes:
    return terminal.send(read_binary(0, size)).data


@case("messaging/line", covers=["pboc/line/accepted"], risk=Risk.RESTORE)
def test_line(terminal: Terminal) -> None:
    """An UPDATE BINARY with the right MAC is carried out."""
    _, key = _line(terminal)
    before = _held(terminal, len(TEXT))
    try:
        answer = terminal.carry(_protected(terminal, key, TEXT))
        require(answer.sw == OK, f"{_LINE}/accepted", f"{answer.sw:04X} to the right MAC")
        held = terminal.carry(read_binary(0, len(TEXT)).encode()).data
        require(held == TEXT, f"{_LINE}/accepted", "other bytes are there")
    finally:
        terminal.carry(_protected(terminal, key, before))


@case(
    "messaging/line-refused",
    covers=["pboc/line/mac-checked", "pboc/line/needed", "pboc/line/challenge-once"],
    risk=Risk.RESTORE,
)
def test_line_refused(terminal: Terminal) -> None:
    """Without a MAC, with a wrong one, or with one over an old challenge nothing is written."""
    ef, key = _line(terminal)
    before = _held(terminal, len(TEXT))
    raw = _protected(terminal, key, before)
    wrong = raw[:-1] + bytes((raw[-1] ^ 1,))
    plain = [(command.encode(), "needed") for command in updates(terminal, ef, before)]
    for command, rule in ((wrong, "mac-checked"), (raw, "challenge-once"), *plain):
        answer = terminal.carry(command)
        require(answer.sw in REFUSED_SEAL, f"{_LINE}/{rule}", f"{answer.sw:04X}")
    _held(terminal, len(TEXT))
