"""A profile that has been read and found sound: the card as data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from simcard.commands.globalplatform import GLOBALPLATFORM
from simcard.commands.iso import ISO
from simcard.commands.pboc import PBOC_DIALECT
from simcard.profiles.answers import AnswerToSelect
from simcard.profiles.schema import ProfileTables, unpersonalised
from simcard.state import Settings

_DIALECTS: Final = {"iso": ISO, "pboc": PBOC_DIALECT}
_EXTENSIONS: Final = {"globalplatform": GLOBALPLATFORM}


class ProfileError(ValueError):
    """A profile that cannot be used, and why."""


@dataclass(frozen=True, eq=False)
class Profile:
    """One card as data: the checked tables and where they were read."""

    tables: ProfileTables
    source: str

    @property
    def name(self) -> str:
        """The profile's own name."""
        return self.tables.name

    @property
    def unpersonalised(self) -> Profile:
        """The chip before its issuer: an MF with room for keys, open to who has the transport key.

        The transport key is the external key 00 of the MF: its proof leads to state F.
        """
        return Profile(unpersonalised(self.tables), self.source)

    @property
    def answer_to_select(self) -> AnswerToSelect | None:
        """What the ATS says; None for a card without a contactless interface."""
        return None if self.tables.ats is None else AnswerToSelect.parse(self.tables.ats)

    @property
    def contactless(self) -> Profile:
        """The same card on a contactless reader: it answers the ATR that is formed from its ATS.

        `ProfileError` without a contactless interface.
        """
        answer = self.answer_to_select
        if answer is None:
            raise ProfileError(f"{self.name}: no ats: it has no contactless interface")
        return Profile(self.tables.model_copy(update={"atr": answer.atr}), self.source)

    @cached_property
    def settings(self) -> Settings:
        """What the engine needs to know besides the memory."""
        limits = self.tables.limits
        is_pboc = self.tables.dialect == "pboc"
        extensions = [each for name in self.tables.extensions for each in _EXTENSIONS[name]]
        return Settings(
            name=self.name,
            atr=self.tables.atr,
            commands=_DIALECTS[self.tables.dialect].extended(*extensions),
            channels=limits.channels,
            command_data_max=limits.command_data_max,
            response_data_max=limits.response_data_max,
            challenge_size=limits.challenge_size,
            records_at_creation=limits.records_at_creation == "all",
            references_by_bit_8=not is_pboc,
            pboc=self.tables.pboc.rules if is_pboc else None,
        )
