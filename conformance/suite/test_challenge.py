"""GET CHALLENGE and GET RESPONSE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apdu import CommandAPDU
from conformance.case import case
from conformance.commands import ALL, get_challenge, get_response
from conformance.suite.finding import OK

if TYPE_CHECKING:
    from conformance.terminal import Terminal


@case("challenge/length", covers=["7816-4/challenge/length", "7816-4/challenge/other-length"])
def test_length(terminal: Terminal) -> None:
    """As many bytes come as were asked for."""
    length = terminal.statement.features.challenge_length
    for ne in (length, ALL):
        terminal.send(get_challenge(ne), expect=OK, because="7816-4/challenge/length")
    for ne in (1, 4, 16, 255):
        terminal.send(get_challenge(ne))


@case("challenge/fresh", covers=["7816-4/challenge/fresh"])
def test_fresh(terminal: Terminal) -> None:
    """No challenge comes twice, not even after a reset."""
    length = terminal.statement.features.challenge_length
    for _ in range(8):
        terminal.send(get_challenge(length))
    terminal.reset()
    terminal.send(get_challenge(length))


@case(
    "challenge/odd-forms",
    covers=[
        "7816-4/challenge/without-le",
        "7816-4/challenge/with-data",
        "7816-4/challenge/reserved-p1-p2",
    ],
)
def test_odd_forms(terminal: Terminal) -> None:
    """GET CHALLENGE without Le, with data, or with unknown parameters gives no challenge."""
    length = terminal.statement.features.challenge_length
    terminal.send(get_challenge(None))
    terminal.send(CommandAPDU(0x00, 0x84, 0x00, 0x00, b"\x00", length))
    for p1, p2 in ((0x00, 0x01), (0x7F, 0x00), (0x00, 0xFF)):
        terminal.send(CommandAPDU(0x00, 0x84, p1, p2, b"", length))


@case("response/nothing-waits", covers=["7816-4/response/nothing-waits"])
def test_nothing_waits(terminal: Terminal) -> None:
    """GET RESPONSE gives nothing when nothing waits."""
    for ne in (1, ALL):
        terminal.send(get_response(ne))
