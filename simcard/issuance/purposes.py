"""What the keys of a card are for: one purpose for each key of its profile, but for PINs."""

from __future__ import annotations

from simcard.issuance.hierarchy import Purpose
from simcard.profiles import Profile
from simcard.profiles.pboc import PbocKeyTable
from simcard.security.pboc import KeyType


def purposes(profile: Profile) -> list[Purpose]:
    """The purposes of the keys of *profile*, each with its cipher."""
    rules = profile.tables.pboc.rules
    return [
        Purpose(purpose_name(key), rules.algorithm_of(key.header).cipher)
        for key in profile.tables.pboc_key
        if key.key_type is not KeyType.PIN
    ]


def purpose_name(key: PbocKeyTable) -> str:
    """The name of the purpose that *key* serves: `DF08/purchase/01`."""
    return f"{key.df.rpartition('/')[2]}/{key.type}/{key.id.hex().upper()}"
