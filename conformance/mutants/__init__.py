"""Cards with one known fault each: the proof that the judge can see."""

from __future__ import annotations

from conformance.mutants import (  # noqa: F401 - each module declares its mutants
    access,
    answering,
    binary,
    blind,
    blind_again,
    blind_again_families,
    blindfamilies,
    channels,
    document,
    environment,
    files,
    messaging,
    module,
    mse,
    objects,
    operations,
    parts,
    proofs,
    purses,
    record,
    references,
    selection,
    signing,
    structures,
    verification,
)
from conformance.mutants.hooks import MUTANTS, Mutant, MutantCard
from conformance.trouble import UsageError


def open_mutant(name: str) -> MutantCard:
    """The card with the fault *name*."""
    if name not in MUTANTS:
        raise UsageError(f"--card mutant:{name}: no such mutant; there are {', '.join(MUTANTS)}")
    return MutantCard.of(MUTANTS[name])


__all__ = ["MUTANTS", "Mutant", "MutantCard", "open_mutant"]
