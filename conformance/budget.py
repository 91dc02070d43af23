"""How long a run may take, and what it spends that time on: what nobody has covered yet, first."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from conformance.case import Case
from conformance.trouble import UsageError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)([smh])")
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?[smh])+")


def seconds_of(text: str) -> float:
    """The seconds of *text*: numbers with the units s, m and h, such as 90s, 10m or 1h30m."""
    found = _WHOLE.fullmatch(text.strip().lower())
    total = sum(float(number) * UNITS[unit] for number, unit in _PART.findall(text.lower()))
    if not found or total <= 0:
        raise UsageError(f"--budget {text}: expected a time above 0 such as 90s, 10m or 1h30m")
    return total


def by_coverage(cases: Sequence[Case], concerned: Callable[[str], bool]) -> list[Case]:
    """*cases* in rounds: each next one covers most of what its round has not covered yet.

    Only requirements for which *concerned* is true count. Among equals the order stays as it is.
    """
    left, ordered = list(cases), list[Case]()
    while left:
        missing = {one for case in left for one in case.covers if concerned(one)}
        if not missing:
            return ordered + left
        while missing:
            best = max(left, key=lambda case: len(missing.intersection(case.covers)))
            if not missing.intersection(best.covers):
                break
            missing.difference_update(best.covers)
            ordered.append(best)
            left.remove(best)
    return ordered
