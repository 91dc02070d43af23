"""What a card of the PBOC family has besides files, in words: keys, PINs and purses, no values."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from simcard.profiles.pboc import PbocKeyTable, PurseTable, SamKeyTable
from simcard.profiles.profile import Profile
from simcard.profiles.tables import Access
from simcard.security.attributes import state_right
from simcard.security.keys import KeyAlgorithm
from simcard.security.pboc import PbocRules

_ALGORITHMS = {KeyAlgorithm.TDES: "3DES", KeyAlgorithm.SM4: "SM4"}


def describe_family(
    profile: Profile, path: str, rules_in_words: Callable[[Profile, Access], str]
) -> Iterator[str]:
    """Each key, PIN and purse in the DF at *path*, a text of two lines."""
    tables = profile.tables
    for key in tables.pboc_key:
        if key.df == path:
            yield _key(key, tables.pboc.rules)
    for module_key in tables.sam_key:
        if module_key.df == path:
            yield _module_key(module_key)
    for purse in tables.purse:
        if purse.df == path:
            yield f"{_purse(purse)}\n  {rules_in_words(profile, purse.access)}"


def describe_choices(rules: PbocRules) -> str:
    """What the profile has chosen where the sources are silent."""
    said = [
        f"{rules.cipher.title} for keys that name no algorithm",
        f"SM4 named {rules.sm4_identifier:02X}",
        "wrong line MACs cost a try" if rules.line_failures_count else "wrong line MACs are free",
        "proofs by the counter " + ("after" if rules.proof_counter_after else "before"),
        "PIN UNBLOCK brings a PIN" if rules.unblock_sets_pin else "PIN UNBLOCK keeps the PIN",
        "authentication with factors" if rules.factors else "authentication without factors",
    ]
    return "; ".join(said)


def _key(key: PbocKeyTable, rules: PbocRules) -> str:
    header = key.header
    if key.key_type.counts_errors:
        facts = [f"{key.tries} tries"]
        if key.next_state:
            facts.append(f"leads to state {key.next_state:X}")
    else:
        facts = [f"version {key.version:02X}", f"algorithm {header.last:02X}"]
    kind = "" if key.type == "pin" else f"{_ALGORITHMS[rules.algorithm_of(header)]}  "
    rights = f"use: {state_right(header.use)}; change: {state_right(header.change)}"
    return (
        f"{key.type} {key.id.hex().upper()}  {kind}{key.title}\n"
        f"  {', '.join(facts)}; {rights}" + ("" if key.line == "plain" else f"; line: {key.line}")
    )


def _module_key(key: SamKeyTable) -> str:
    algorithm = {"tdes": "3DES", "sm4": "SM4"}[key.algorithm]
    usage = key.number >> 8
    return (
        f"module key {usage:02X}  {algorithm}  {key.title}\n"
        f"  {key.kind}, {key.levels} levels of factors, version {key.version:02X}"
    )


def _purse(purse: PurseTable) -> str:
    parts = [f"purse {purse.kind}", f"balance {purse.balance}", f"overdraw {purse.overdraw}"]
    if purse.log:
        parts.append(f"log SFI {purse.log:02X}")
    return "  ".join([*parts, purse.title])
