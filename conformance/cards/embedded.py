"""The simulated card in this process: the one door through which the judge meets `simcard`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from conformance.cards import Ability
from conformance.trouble import UsageError
from simcard.profiles import build_card, load_profile, profile_names

if TYPE_CHECKING:
    from simcard.card import Card

SEED = 7


class EmbeddedCard:
    """A card built from a profile; `fork` lets every generated history start afresh."""

    reader = ""
    known_as: bytes | None = None
    abilities = frozenset({Ability.FORK, Ability.TWIN})

    def __init__(self, spec: str, card: Card) -> None:
        self.spec = spec
        self._card = card

    @classmethod
    def open(cls, profile: str) -> EmbeddedCard:
        """The card of *profile*, a name or a path to a TOML file."""
        if profile not in profile_names() and not Path(profile).is_file():
            known = ", ".join(profile_names())
            raise UsageError(f"--card sim:{profile}: no such profile or file; there are {known}")
        try:
            return cls(f"sim:{profile}", build_card(load_profile(profile), seed=SEED))
        except ValueError as error:
            raise UsageError(str(error)) from error

    def connect(self) -> bytes:
        """Power on."""
        return self._card.power_on()

    def reset(self) -> bytes:
        """A warm reset."""
        return self._card.reset()

    def transmit(self, command: bytes) -> bytes:
        """The card's answer; nothing when it has gone mute."""
        return self._card.transmit(command)

    def fork(self) -> EmbeddedCard:
        """A copy that goes its own way."""
        return EmbeddedCard(self.spec, self._card.fork())

    def close(self) -> None:
        """Power off."""
        self._card.power_off()
