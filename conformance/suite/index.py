"""The list of all cases, found by looking through the modules of the suite."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from conformance import suite
from conformance.case import Case


@cache
def cases() -> tuple[Case, ...]:
    """Every case, in the order of the modules and of their lines."""
    found: list[Case] = []
    for module in iter_modules(suite.__path__):
        if module.name.startswith("test_"):
            contents = vars(import_module(f"{suite.__name__}.{module.name}"))
            declared = (getattr(value, "case", None) for value in contents.values())
            found += [case for case in declared if isinstance(case, Case)]
    return tuple(found)
