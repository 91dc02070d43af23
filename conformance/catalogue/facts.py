"""The facts of a statement that conditions may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from conformance.catalogue.familyfacts import FAMILY_FACTS, family_facts
from conformance.catalogue.operationfacts import OPERATION_FACTS, operation_facts
from conformance.layout import Kind
from conformance.statement import FeatureTable, SelectForm, Statement

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS = tuple(
    name for name, field in FeatureTable.model_fields.items() if field.annotation is bool
)
_ANSWERS = ("fci", "fcp", "fmd", "none")
_OTHERS = (
    "feature.challenge",
    "reference.any",
    "reference.known",
    "file.writable-transparent",
    "file.writable-linear-fixed",
    "file.read-protected",
    "file.update-protected",
    "file.update-never",
    "feature.channels",
    "reference.unblockable",
    "scratch.any",
    "scratch.life-cycle",
    "messaging.bac",
    "messaging.scp03",
    "messaging.line",
    "messaging.pace",
)
_SECURITY = ("compact", "expanded", "referenced")
_WRITE = ("one-time", "replace", "or", "and")


def _dashed(name: str) -> str:
    return name.replace("_", "-")


VOCABULARY = frozenset(
    (
        *(f"feature.{_dashed(name)}" for name in _FLAGS),
        *(f"select.{form}" for form in get_args(SelectForm)),
        *(f"answer.{answer}" for answer in _ANSWERS),
        *(f"file.{kind.value}" for kind in Kind),
        *(f"scratch.{kind.value}" for kind in Kind),
        *(f"scratch.{form}" for form in _SECURITY),
        *(f"scratch.write-{behaviour}" for behaviour in _WRITE),
        *_OTHERS,
        *FAMILY_FACTS,
        *OPERATION_FACTS,
    )
)
"""Every fact there is; a condition that mentions another is refused at load."""


def facts_of(statement: Statement) -> frozenset[str]:
    """The facts that are true of the card behind *statement*."""
    return frozenset(_facts(statement))


def _facts(statement: Statement) -> Iterator[str]:
    features, layout = statement.features, statement.layout
    yield from (f"feature.{_dashed(name)}" for name in _FLAGS if getattr(features, name))
    yield from (f"select.{form}" for form in features.select)
    yield from (f"answer.{answer}" for answer in features.answers)
    if features.challenge_length:
        yield "feature.challenge"
    if layout.references:
        yield "reference.any"
    if any(reference.known for reference in layout.references):
        yield "reference.known"
    if features.channels > 1:
        yield "feature.channels"
    if any(reference.known and reference.unblocked_by for reference in layout.references):
        yield "reference.unblockable"
    yield from _further_facts(statement)
    yield from family_facts(statement.pboc, layout)
    yield from operation_facts(statement.operations, layout)
    yield "file.df"
    for ef in layout.elementary():
        yield f"file.{ef.kind.value}"
        if ef.writable and not ef.line:
            yield f"file.writable-{ef.kind.value}"
        if not ef.read.always:
            yield "file.read-protected"
        if not ef.update.always and not ef.update.never:
            yield "file.update-protected"
        if ef.update.never:
            yield "file.update-never"


def _further_facts(statement: Statement) -> Iterator[str]:
    """What may be created to try things on, and how a secure channel is opened."""
    scratch, messaging = statement.scratch, statement.messaging
    if scratch is not None:
        yield "scratch.any"
        yield from (f"scratch.{kind.value}" for kind in scratch.kinds)
        yield from (f"scratch.{form}" for form in scratch.security)
        yield from (f"scratch.write-{behaviour}" for behaviour in scratch.write)
        if scratch.life_cycle:
            yield "scratch.life-cycle"
    for name in ("bac", "scp03", "line", "pace"):
        if getattr(messaging, name):
            yield f"messaging.{name}"
