"""How a command finds its file and whether it may: shared by the binary and the record rules.

ISO/IEC 7816-4:2020, 7.3.2 (short EF identifiers), 9.3 (access rules), 11.3.2 and 11.4.2. Where
several conditions refuse a command at once, the standard does not say which one the card names;
the rules collect every refusal that applies and allow each of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.model.outcome import Length, Outcome, Ruling, Suspect, Then, Words, words

if TYPE_CHECKING:
    from conformance.layout import ElementaryFile, Right
    from conformance.model.state import State
    from conformance.statement import Statement

UNJUDGED = frozenset(range(0x6100, 0x7000)) | frozenset(range(0x9000, 0xA000))
"""Every word a command may be answered with that no rule knows."""
NO_CURRENT_EF = words(0x6986)
FILE_NOT_FOUND = words(0x6A82)
WRONG_P1_P2 = words(0x6A86, 0x6A81)
WRONG_LENGTH = words(0x6700)
CLOSED = words(0x6985, 0x6986, 0x6982, 0x6A82, 0x6A81, 0x6283, 0x6285)


@dataclass(frozen=True, slots=True)
class Target:
    """The EF a command addresses, and the state in which it has become the current one."""

    ef: ElementaryFile | None
    selected: State
    refusals: tuple[Outcome, ...] = ()


def staying(state: State) -> Then:
    """The card stays as it was, whatever it answers."""
    return lambda _response: state


def anything(state: State) -> Ruling:
    """What the standard does not say enough about to judge: the card stays as it was."""
    return Ruling((Outcome("", UNJUDGED, staying(state), Length(0, 0x10000)),))


def refusal(requirement: str, allowed: Words, state: State) -> Outcome:
    """The card refuses with one of *allowed*, without data, and nothing changes."""
    return Outcome(requirement, allowed, staying(state))


def refused(requirement: str, allowed: Words, state: State) -> Ruling:
    """The ruling of a command that only has one refusal."""
    return Ruling((refusal(requirement, allowed, state),))


def locate(card: Statement, state: State, sfi: int | None, area: str) -> Target:
    """The EF under the current DF with *sfi*, or the current EF when *sfi* is None."""
    if sfi is None:
        if state.ef is None:
            nothing = refusal(f"7816-4/{area}/no-current-ef", NO_CURRENT_EF, state)
            return Target(None, state, (nothing,))
        return Target(state.ef, state, _closed(state, state.ef))
    if not card.features.short_ef_identifier:
        allowed = WRONG_P1_P2 | FILE_NOT_FOUND
        return Target(None, state, (refusal(f"7816-4/{area}/sfi-unknown", allowed, state),))
    ef = card.layout.by_sfi(state.df, sfi)
    if ef is None:
        unknown = refusal(f"7816-4/{area}/sfi-unknown", FILE_NOT_FOUND, state)
        return Target(None, state, (unknown,))
    pointer = None if ef is state.ef else 0
    selected = replace(state, ef=ef, record=pointer, pointer=None)
    return Target(ef, selected, _closed(state, ef))


def _closed(state: State, ef: ElementaryFile) -> tuple[Outcome, ...]:
    """The refusal of an EF whose life cycle state lets no command reach its content."""
    around = {ef, *ef.parent.lineage()}
    if around & state.ended:
        return (refusal("7816-9/life-cycle/terminated-closed", CLOSED, state),)
    if around & state.inactive:
        return (refusal("7816-9/life-cycle/deactivated-closed", CLOSED, state),)
    return ()


def barred(state: State, right: Right, requirement: str) -> tuple[Outcome, ...]:
    """The refusal of an EF whose access rule is not met: 6982, or another word that says so."""
    if right.met(state.verified | state.disabled):
        return ()
    allowed = words(0x6982, 0x6985)
    blocked = any(
        not state.tries.get(reference, 1) for group in right.alternatives for reference in group
    )
    if blocked:
        allowed |= words(0x6983)
    return (refusal(requirement, allowed, state),)


def granted(action: str) -> tuple[Suspect, ...]:
    """What it means when an EF whose access rule is met is refused on account of it."""
    return (Suspect(f"7816-4/access/{action}-granted", words(0x6982, 0x6983, 0x6985)),)
