"""Basic access control and secure messaging: sound, spoiled, replayed and dropped commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.case import Unmet, case, not_applicable, require
from conformance.commands import get_challenge, read_binary, select_fid, select_path
from conformance.crypto import icao
from conformance.layout import SESSION, ElementaryFile, Kind
from conformance.operating import flipped
from conformance.suite.finding import OK, REFUSED
from conformance.suite.sealing import (
    MATERIAL,
    RANDOM,
    IcaoChannel,
    Sealed,
    bac,
    bac_keys,
    bac_proof,
    mutual,
)
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.terminal import Terminal

_BAC, _AREA = "9303/bac", "9303/messaging"


def _file(terminal: Terminal) -> ElementaryFile:
    """A transparent EF that a session opens."""
    for ef in terminal.layout.elementary(Kind.TRANSPARENT):
        if ef.read.met(frozenset({SESSION})) and not ef.read.always:
            return ef
    return not_applicable("no transparent EF is opened by a session")


def _session(terminal: Terminal) -> tuple[Sealed, IcaoChannel, ElementaryFile]:
    ef = _file(terminal)
    sealed, channel = bac(terminal, ef.parent)
    return sealed, channel, ef


def _open(sealed: Sealed, ef: ElementaryFile) -> None:
    """Select *ef* inside the session."""
    sealed.send(select_fid(ef.fid, 0x02), because=f"{_AREA}/carries")


@case("messaging/bac", covers=["9303/bac/opens", "9303/bac/answer-proves"], risk=Risk.CONSUME)
def test_bac(terminal: Terminal) -> None:
    """A terminal that knows the keys opens a session, and the chip proves that it knows them."""
    _session(terminal)


@case("messaging/bac-wrong", covers=["9303/bac/wrong-proof"], risk=Risk.CONSUME)
def test_bac_wrong(terminal: Terminal) -> None:
    """A proof with one bit changed, wherever it is, opens nothing."""
    because = f"{_BAC}/wrong-proof"
    ef = _file(terminal)
    keys = bac_keys(terminal)
    for place in (0, 9, 20, 39):
        terminal.send(select_path(ef.parent))
        _, proof = bac_proof(terminal, keys)
        spoiled = bytearray(proof)
        spoiled[place] ^= 0x01
        answer = terminal.carry(mutual(bytes(spoiled)))
        require(answer.sw != OK and not answer.data, because, f"{answer.sw:04X}")
    bac(terminal, ef.parent)


@case("messaging/bac-other-challenge", covers=["9303/bac/wrong-proof"], risk=Risk.CONSUME)
def test_bac_other_challenge(terminal: Terminal) -> None:
    """A proof with a right MAC over another random number of the chip opens nothing."""
    because = f"{_BAC}/wrong-proof"
    ef = _file(terminal)
    keys = bac_keys(terminal)
    for place in reversed(range(8)):
        terminal.send(select_path(ef.parent))
        challenge, _ = bac_proof(terminal, keys)
        proof = icao.bac_token(keys, RANDOM, flipped(challenge, place), MATERIAL)
        answer = terminal.carry(mutual(proof))
        require(answer.sw != OK and not answer.data, because, f"{answer.sw:04X}")
    bac(terminal, ef.parent)


@case("messaging/bac-stale", covers=["9303/bac/challenge-once"], risk=Risk.CONSUME)
def test_bac_stale(terminal: Terminal) -> None:
    """A challenge serves one authentication: a proof is not accepted twice, nor over an old one."""
    because = f"{_BAC}/challenge-once"
    ef = _file(terminal)
    keys = bac_keys(terminal)
    terminal.send(select_path(ef.parent))
    _, proof = bac_proof(terminal, keys)
    terminal.send(get_challenge(8))
    answer = terminal.carry(mutual(proof))
    require(answer.sw != OK, because, "a proof over the challenge before was accepted")
    terminal.reset()
    answer = terminal.carry(mutual(proof))
    require(answer.sw != OK, because, "a proof without a challenge was accepted")
    bac(terminal, ef.parent)


@case("messaging/needed", covers=["9303/messaging/needed"])
def test_needed(terminal: Terminal) -> None:
    """Without a session the EF is not read."""
    for ef in terminal.layout.elementary(Kind.TRANSPARENT):
        if not ef.read.always and ef.read.met(frozenset({SESSION})):
            terminal.send(select_path(ef))
            command = read_binary(0, 1)
            terminal.send(command, expect=REFUSED, because=f"{_AREA}/needed")


@case(
    "messaging/carries",
    covers=["9303/messaging/carries", "9303/messaging/answers-protected"],
    risk=Risk.CONSUME,
)
def test_carries(terminal: Terminal) -> None:
    """Inside a session files are selected and read, and every answer is sealed."""
    sealed, _, first = _session(terminal)
    for ef in terminal.layout.elementary(Kind.TRANSPARENT):
        if ef.parent is first.parent and ef.read.met(frozenset({SESSION})):
            _open(sealed, ef)
            for offset in (0, 1, ef.size - 4):
                sealed.send(read_binary(offset, 4), because=f"{_AREA}/carries")
            again = sealed.send(read_binary(0, 8)).data
            require(again == sealed.send(read_binary(0, 8)).data, f"{_AREA}/carries", "other data")


@case("messaging/error-protected", covers=["9303/messaging/errors-protected"], risk=Risk.CONSUME)
def test_error_protected(terminal: Terminal) -> None:
    """A refusal inside a session is sealed like any answer, and the session goes on."""
    sealed, _, ef = _session(terminal)
    because = f"{_AREA}/errors-protected"
    sealed.send(select_fid(0x7E57, 0x02), expect=0x6A82, because=because)
    sealed.send(select_fid(ef.fid, 0x02), because=because)
    sealed.send(read_binary(0x7F00, 4), expect=0x6B00, because=because)
    sealed.send(read_binary(0, 4), because=because)


def _tampered(terminal: Terminal, place: int, because: str) -> None:
    """A sealed SELECT with one bit changed at *place* is refused."""
    sealed, channel, ef = _session(terminal)
    raw = bytearray(channel.seal(select_fid(ef.fid, 0x02)))
    raw[place] ^= 0x01
    sealed.refused(bytes(raw), because)


@case("messaging/mac-tampered", covers=["9303/messaging/mac-checked"], risk=Risk.CONSUME)
def test_mac_tampered(terminal: Terminal) -> None:
    """A sealed command with one bit changed in its MAC, at either end, is refused."""
    for place in (-2, -9):
        _tampered(terminal, place, f"{_AREA}/mac-checked")
        terminal.reset()


@case("messaging/data-tampered", covers=["9303/messaging/data-checked"], risk=Risk.CONSUME)
def test_data_tampered(terminal: Terminal) -> None:
    """A sealed command with one bit changed in its data is refused."""
    _tampered(terminal, 9, f"{_AREA}/data-checked")


@case("messaging/header-tampered", covers=["9303/messaging/header-checked"], risk=Risk.CONSUME)
def test_header_tampered(terminal: Terminal) -> None:
    """A sealed command with one bit changed in its header is refused."""
    _tampered(terminal, 3, f"{_AREA}/header-checked")


@case("messaging/replayed", covers=["9303/messaging/replay-refused"], risk=Risk.CONSUME)
def test_replayed(terminal: Terminal) -> None:
    """A sealed command that was carried out once is refused the second time."""
    sealed, channel, ef = _session(terminal)
    _open(sealed, ef)
    raw = channel.seal(read_binary(0, 4))
    terminal.carry(raw)
    sealed.refused(raw, f"{_AREA}/replay-refused")


@case("messaging/dropped", covers=["9303/messaging/order-checked"], risk=Risk.CONSUME)
def test_dropped(terminal: Terminal) -> None:
    """A sealed command is refused when the one before it was dropped or comes after it."""
    because = f"{_AREA}/order-checked"
    sealed, channel, ef = _session(terminal)
    _open(sealed, ef)
    first = channel.seal(read_binary(0, 4))
    channel.counter += 1
    second = channel.seal(read_binary(4, 4))
    sealed.refused(second, because)
    sealed.refused(first, because)


@case("messaging/objects-missing", covers=["9303/messaging/objects-missing"], risk=Risk.CONSUME)
def test_objects_missing(terminal: Terminal) -> None:
    """A sealed command without its MAC, or without any data object, is refused."""
    because = f"{_AREA}/objects-missing"
    for cut in ("mac", "all"):
        terminal.reset()
        sealed, channel, ef = _session(terminal)
        raw = channel.seal(select_fid(ef.fid, 0x02))
        body = raw[5:-11] if cut == "mac" else b""
        shorter = raw[:4] + (bytes((len(body),)) + body if body else b"") + b"\x00"
        sealed.refused(shorter, because)


@case("messaging/failure-ends", covers=["9303/messaging/failure-ends-session"], risk=Risk.CONSUME)
def test_failure_ends(terminal: Terminal) -> None:
    """After a wrong MAC the session is over."""
    because = f"{_AREA}/failure-ends-session"
    sealed, channel, ef = _session(terminal)
    _open(sealed, ef)
    before = channel.counter
    raw = channel.seal(read_binary(0, 4))
    sealed.refused(raw[:-2] + bytes((raw[-2] ^ 1,)) + raw[-1:], because)
    channel.counter = before
    sealed.refused(channel.seal(read_binary(0, 4)), because)


@case("messaging/plain-ends", covers=["9303/messaging/plain-ends-session"], risk=Risk.CONSUME)
def test_plain_ends(terminal: Terminal) -> None:
    """After a plain command the session is over."""
    ef = _file(terminal)
    for plain in (get_challenge(8), read_binary(0, 4), select_fid(ef.fid, 0x02)):
        sealed, channel, _ = _session(terminal)
        _open(sealed, ef)
        terminal.carry(plain.encode())
        sealed.refused(channel.seal(read_binary(0, 4)), f"{_AREA}/plain-ends-session")


@case("messaging/reset-ends", covers=["9303/messaging/reset-ends-session"], risk=Risk.CONSUME)
def test_reset_ends(terminal: Terminal) -> None:
    """A reset ends the session and what it opened."""
    because = f"{_AREA}/reset-ends-session"
    sealed, channel, ef = _session(terminal)
    _open(sealed, ef)
    terminal.reset()
    sealed.refused(channel.seal(read_binary(0, 4)), because)
    terminal.send(select_path(ef))
    answer = terminal.carry(read_binary(0, 4).encode())
    if answer.sw not in REFUSED:
        raise Unmet(because, f"{answer.sw:04X} without a session")
