"""PACE with the judge's own side of it, and active authentication inside the sessions it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.case import case, not_applicable, require
from conformance.commands import read_binary, select_fid, select_path
from conformance.crypto.pace import Offer
from conformance.layout import SESSION, ElementaryFile, Kind
from conformance.operating import internal
from conformance.operations import AUTHENTICATION
from conformance.suite.finding import OK, REFUSED
from conformance.suite.pacing import (
    MAPPING,
    choose,
    offered,
    pace,
    passwords,
    reach,
    step,
    tokens,
)
from conformance.suite.sealing import Sealed, bac
from conformance.verdict import Risk

if TYPE_CHECKING:
    from conformance.layout import Key
    from conformance.suite.pacing import Password
    from conformance.terminal import Terminal

_PACE, _ACTIVE = "9303/pace", "9303/active"
DG15 = 0x010F
CHALLENGES = (bytes(8), bytes(range(8)), b"\xff" * 8)


def _file(terminal: Terminal) -> ElementaryFile:
    """A transparent EF that a session opens."""
    for ef in terminal.layout.elementary(Kind.TRANSPARENT):
        if ef.read.met(frozenset({SESSION})) and not ef.read.always:
            return ef
    return not_applicable("no transparent EF is opened by a session")


def _first(terminal: Terminal) -> tuple[Offer, Password]:
    return offered(terminal)[0], passwords(terminal)[0]


@case(
    "messaging/pace",
    covers=[f"{_PACE}/opens", f"{_PACE}/token", f"{_PACE}/offers", f"{_PACE}/session"],
    risk=Risk.CONSUME,
)
def test_pace(terminal: Terminal) -> None:
    """Every password opens a session with every protocol that is offered, and what it guards."""
    ef = _file(terminal)
    for offer in offered(terminal):
        for password in passwords(terminal):
            terminal.reset()
            sealed, _ = pace(terminal, offer, password)
            sealed.send(select_path(ef), because=f"{_PACE}/session")
            sealed.send(read_binary(0, 4), because=f"{_PACE}/session")


@case("messaging/pace-wrong-token", covers=[f"{_PACE}/wrong-token"], risk=Risk.CONSUME)
def test_wrong_token(terminal: Terminal) -> None:
    """A wrong token of the terminal opens nothing and gives no token."""
    because = f"{_PACE}/wrong-token"
    ef = _file(terminal)
    offer, password = _first(terminal)
    reached = reach(terminal, offer, password)
    answer = tokens(terminal, reached, wrong=True)
    require(answer.sw != OK and not answer.data, because, f"{answer.sw:04X}")
    terminal.reset()
    terminal.send(select_path(ef))
    terminal.send(read_binary(0, 1), expect=REFUSED, because=because)
    pace(terminal, offer, password)


@case("messaging/pace-wrong-password", covers=[f"{_PACE}/wrong-password"], risk=Risk.CONSUME)
def test_wrong_password(terminal: Terminal) -> None:
    """Who does not know the password does not get in."""
    because = f"{_PACE}/wrong-password"
    offer, password = _first(terminal)
    guess = bytes((password.value[0] ^ 0x01,)) + password.value[1:]
    reached = reach(terminal, offer, password._replace(value=guess))
    answer = tokens(terminal, reached)
    require(answer.sw != OK and not answer.data, because, f"{answer.sw:04X}")
    pace(terminal, offer, password)


@case("messaging/pace-fresh", covers=[f"{_PACE}/fresh"], risk=Risk.CONSUME)
def test_fresh(terminal: Terminal) -> None:
    """Nonce, mapping data and public key of the chip are others in every run."""
    offer, password = _first(terminal)
    seen: set[bytes] = set()
    for count in (1, 2):
        if count > 1:
            terminal.reset()
        reached = reach(terminal, offer, password)
        seen |= {reached.nonce, reached.mapping, reached.chip}
        require(len(seen) == 3 * count, f"{_PACE}/fresh", "something came before")


@case("messaging/pace-points", covers=[f"{_PACE}/points-checked"], risk=Risk.CONSUME)
def test_points(terminal: Terminal) -> None:
    """Mapping data and public keys that are no points of the curve are refused."""
    because = f"{_PACE}/points-checked"
    for offer in offered(terminal):
        good = offer.curve.public_key(MAPPING)
        outside = good[:-1] + bytes((good[-1] ^ 0x01,))
        for point in (outside, good[:-1], b"\x00", bytes(len(good))):
            terminal.reset()
            choose(terminal, offer, passwords(terminal)[0].reference)
            step(terminal, None)
            answer = step(terminal, 0x81, point)
            require(answer.sw != OK and not answer.data, because, f"{answer.sw:04X}")


@case(
    "messaging/pace-order",
    covers=[f"{_PACE}/order", f"{_PACE}/needs-environment"],
    risk=Risk.CONSUME,
)
def test_order(terminal: Terminal) -> None:
    """Steps come in their order, behind a choice."""
    offer, password = _first(terminal)
    good = offer.curve.public_key(MAPPING)
    terminal.reset()
    answer = step(terminal, None)
    require(answer.sw != OK, f"{_PACE}/needs-environment", f"{answer.sw:04X} without a choice")
    for tag in (0x81, 0x83, 0x85):
        choose(terminal, offer, password.reference)
        answer = step(terminal, tag, good, last=tag == 0x85)
        require(answer.sw != OK, f"{_PACE}/order", f"{answer.sw:04X} for {tag:02X} first")
    reach(terminal, offer, password)
    answer = step(terminal, 0x83, good)
    require(answer.sw != OK, f"{_PACE}/order", f"{answer.sw:04X} for 83 twice")
    terminal.reset()
    pace(terminal, offer, password)


@case("messaging/pace-unknown", covers=[f"{_PACE}/protocol-unknown"], risk=Risk.CONSUME)
def test_unknown(terminal: Terminal) -> None:
    """A protocol that the chip does not offer does not begin."""
    offer, password = _first(terminal)
    unknown = Offer(offer.identifier[:-1] + b"\x7f", offer.number)
    answer = choose(terminal, unknown, password.reference)
    if answer.sw == OK:
        answer = step(terminal, None)
    require(answer.sw != OK, f"{_PACE}/protocol-unknown", f"{answer.sw:04X}")


def _active_keys(terminal: Terminal) -> tuple[Key, ...]:
    """The keys that prove the chip in a session."""
    found = tuple(
        key
        for key in terminal.layout.keys
        if key.implied.get(AUTHENTICATION, "").startswith("9796-2")
        and key.access.met(frozenset({SESSION}))
        and not key.access.always
    )
    return found or not_applicable("no key for active authentication is declared")


def _active(terminal: Terminal) -> tuple[Key, Sealed]:
    """The key that proves the chip, and a session in which it may."""
    key = _active_keys(terminal)[0]
    return key, bac(terminal, key.df)[0]


@case(
    "messaging/active",
    covers=[
        f"{_ACTIVE}/proves",
        f"{_ACTIVE}/other-each-time",
        "7816-4/authentication/internal",
    ],
    risk=Risk.CONSUME,
)
def test_active(terminal: Terminal) -> None:
    """The chip proves its key over every challenge, with another proof each time."""
    _, sealed = _active(terminal)
    proofs: set[bytes] = set()
    for count, challenge in enumerate((*CHALLENGES, *CHALLENGES), 1):
        answer = sealed.send(internal(0, challenge), because=f"{_ACTIVE}/proves")
        proofs.add(answer.data)
        require(len(proofs) == count, f"{_ACTIVE}/other-each-time", "a proof came twice")


@case("messaging/active-key", covers=[f"{_ACTIVE}/key-of-document"], risk=Risk.CONSUME)
def test_active_key(terminal: Terminal) -> None:
    """The key in DG15 is the one that the chip proves."""
    key, sealed = _active(terminal)
    found = [ef for ef in terminal.layout.elementary() if ef.fid == DG15 and ef.parent is key.df]
    for ef in found or not_applicable("DG15 is not declared"):
        sealed.send(select_fid(ef.fid, 0x02), because="9303/messaging/carries")
        held = b""
        for offset in range(0, ef.size, 0x80):
            ne = min(0x80, ef.size - offset)
            held += sealed.send(read_binary(offset, ne), because="9303/messaging/carries").data
        require(key.public in held, f"{_ACTIVE}/key-of-document", "DG15 holds another key")


@case(
    "messaging/active-refused",
    covers=[f"{_ACTIVE}/length", "7816-4/authentication/internal-length"],
    risk=Risk.CONSUME,
)
def test_active_refused(terminal: Terminal) -> None:
    """Over a challenge of another length than 8 nothing is proven."""
    _, sealed = _active(terminal)
    for length in (1, 7, 9, 16):
        because = f"{_ACTIVE}/length"
        sealed.send(internal(0, bytes(length)), expect=(0x6700, 0x6A80), because=because)


@case("messaging/active-without-session", covers=[f"{_ACTIVE}/needs-session"])
def test_active_without_session(terminal: Terminal) -> None:
    """Outside a session the chip proves nothing."""
    for key in _active_keys(terminal):
        terminal.send(select_path(key.df))
        command = internal(0, CHALLENGES[0])
        terminal.send(command, expect=REFUSED, because=f"{_ACTIVE}/needs-session")
