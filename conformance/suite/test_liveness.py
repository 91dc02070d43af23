"""First and last: a card that does not answer is never conformant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.case import case
from conformance.commands import select_path
from conformance.layout import Kind
from conformance.undo import pieces

if TYPE_CHECKING:
    from conformance.terminal import Terminal

ALIVE = "7816-4/laws/alive"


@case(
    "laws/alive-first",
    covers=[
        ALIVE,
        "7816-4/laws/answers",
        "7816-4/laws/status-range",
        "7816-4/laws/no-data-with-error",
        "7816-4/laws/at-most-ne",
    ],
)
def test_alive_first(terminal: Terminal) -> None:
    """The card answers before anything has been tried on it."""
    _walk(terminal)


@case("laws/alive-last", covers=[ALIVE])
def test_alive_last(terminal: Terminal) -> None:
    """The card still answers, and with the same contents, after everything has been tried on it."""
    _walk(terminal)


def _walk(terminal: Terminal) -> None:
    terminal.send(select_path(terminal.layout.master), expect=0x9000, because=ALIVE)
    files = [ef for ef in terminal.layout.elementary(Kind.TRANSPARENT) if ef.read.always]
    for ef in files[:3]:
        terminal.send(select_path(ef), expect=0x9000, because=ALIVE)
        for _, _, command in pieces(ef):
            terminal.send(command, expect=0x9000, because=ALIVE)
