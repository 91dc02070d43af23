"""The list of all cases, found by looking through the modules of the suite."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import PurePath
from pkgutil import iter_modules

from conformance import suite
from conformance.case import Case


@cache
def _places() -> Mapping[tuple[str, str], Case]:
    """Every case by the names of its module and its function, in the order of both."""
    found: dict[tuple[str, str], Case] = {}
    for module in iter_modules(suite.__path__):
        if module.name.startswith("test_"):
            contents = vars(import_module(f"{suite.__name__}.{module.name}"))
            for name, value in contents.items():
                case = getattr(value, "case", None)
                if isinstance(case, Case):
                    found[module.name, name] = case
    return found


@cache
def cases() -> tuple[Case, ...]:
    """Every case, in the order of the modules and of their lines."""
    return tuple(_places().values())


def case_at(nodeid: str) -> Case | None:
    """The case behind pytest's *nodeid*, such as `test_select.py::test_by_name`, or None."""
    path, _, name = nodeid.rpartition("::")
    return _places().get((PurePath(path).stem, name))
