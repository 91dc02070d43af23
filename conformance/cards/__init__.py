"""The card under test behind one small protocol, and how a `--card` argument finds one."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from conformance.trouble import UsageError

FORMS = "sim:PROFILE, mutant:NAME, pcsc:READER or recorded:FOLDER"


class Ability(Enum):
    """What some cards under test can do and others cannot."""

    FORK = "fork"
    TWIN = "twin"
    """Opened a second time, in another process too, it is a card of its own in the same state."""
    RETURN = "return"
    """It may be lost and come back: there is a reader to wait at."""


class CardUnderTest(Protocol):
    """A pipe for APDUs: CardLost when the card is gone, NotCarried when only the reader refuses."""

    @property
    def spec(self) -> str:
        """The `--card` argument."""

    @property
    def reader(self) -> str:
        """The name of the reader, "" without one."""

    @property
    def known_as(self) -> bytes | None:
        """The ATR under which statements know the card, when it is not the one it answers."""

    @property
    def abilities(self) -> frozenset[Ability]:
        """What this card can do beyond answering."""

    def connect(self) -> bytes:
        """Power the card up and give its ATR."""

    def reset(self) -> bytes:
        """Reset the card and give its ATR."""

    def transmit(self, command: bytes) -> bytes:
        """Send a command APDU, give the response APDU; nothing when the card stays silent."""

    def fork(self) -> CardUnderTest:
        """An independent copy in the same state, for a card with the ability FORK."""

    def close(self) -> None:
        """Power the card down."""


def open_card(spec: str) -> CardUnderTest:
    """The card that *spec* names, not connected yet; UsageError when there is none."""
    kind, colon, name = spec.partition(":")
    if not colon or not name:
        raise UsageError(f"--card {spec}: expected {FORMS}")
    if kind == "sim":
        from conformance.cards.embedded import EmbeddedCard

        return EmbeddedCard.open(name)
    if kind == "pcsc":
        from conformance.cards.pcsc import ReaderCard

        return ReaderCard.open(name)
    if kind == "recorded":
        from conformance.cards.recorded import RecordedCard

        return RecordedCard.open(name)
    if kind == "mutant":
        from conformance.mutants import open_mutant

        return open_mutant(name)
    raise UsageError(f"--card {spec}: expected {FORMS}")
