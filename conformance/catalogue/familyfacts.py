"""The facts of the PBOC family and the social security scheme that conditions may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.family import PbocTable
    from conformance.layout import Layout

FAMILY_FACTS = frozenset(
    f"pboc.{name}"
    for name in (
        *("environment", "items", "item-protected", "item-writable", "factors", "composite"),
        *("external", "internal", "line", "unblock", "load", "purchase", "unload", "overdraw"),
        *("purse", "ed", "ep", "use", "log", "module", "module-use", "computation", "spare"),
    )
)
"""Every one of them."""


def family_facts(pboc: PbocTable | None, layout: Layout) -> Iterator[str]:
    """The facts that are true of a card that declares *pboc*, without the prefix."""
    if pboc is None:
        return
    holds = {
        "environment": bool(pboc.environment),
        "factors": pboc.factors,
        "composite": bool(pboc.composite) and bool(pboc.purse),
        "purse": bool(pboc.purse),
        "use": any(purse.use for purse in pboc.purse),
        "log": any(purse.log for purse in pboc.purse),
    }
    yield from (f"pboc.{name}" for name, true in holds.items() if true)
    yield from (f"pboc.{purse.kind.lower()}" for purse in pboc.purse)
    kinds = {key.type for key in pboc.key}
    plain = ("external", "internal", "unblock", "load", "purchase", "unload", "overdraw")
    yield from (f"pboc.{kind}" for kind in plain if kind in kinds)
    files = [ef for ef in layout.elementary() if ef.items]
    if files:
        yield "pboc.items"
    if any(not ef.read.always and not ef.read.never for ef in files):
        yield "pboc.item-protected"
    if any(ef.writable for ef in files):
        yield "pboc.item-writable"
    if "line" in kinds and any(ef.line for ef in layout.elementary()):
        yield "pboc.line"
    yield from _module_facts(pboc)


def _module_facts(pboc: PbocTable) -> Iterator[str]:
    if pboc.module is None:
        return
    yield "pboc.module"
    if pboc.module.use:
        yield "pboc.module-use"
    if pboc.module.spare:
        yield "pboc.spare"
    if any(key.type == "sam-computation" for key in pboc.key):
        yield "pboc.computation"
