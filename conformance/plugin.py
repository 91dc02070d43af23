"""The pytest plugin `conformance`: `pytest --pyargs conformance.suite --card sim:iso7816`.

Loaded in every pytest run of an environment that has the package, so it imports nothing of it until
a card is asked for, and leaves all other tests alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "conformance-runner"
SUITE = "conformance.suite"
NAMELESS = f"{SUITE} judges a card: name one with --card, sim:iso7816 for example"
ASKED = "conformance_request"
"""What one of several processes is told by the one that hands out the cases."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of a run."""
    group = parser.getgroup("conformance", "judging smart cards")
    group.addoption("--card", metavar="CARD", help="sim:PROFILE, pcsc:READER, mutant:NAME")
    group.addoption("--ics", metavar="FILE", help="statement of the card (default: by its ATR)")
    group.addoption("--keys", metavar="FILE", help="values of the references in the statement")
    group.addoption("--card-risk", metavar="LEVEL", help="observe, restore, consume or destroy")
    group.addoption("--card-seed", type=int, default=0, help="seed of the generated histories")
    group.addoption("--card-examples", type=int, default=100, help="histories in a property")
    group.addoption("--card-out", metavar="DIR", help="folder for result.json and trace.jsonl")


def pytest_configure(config: pytest.Config) -> None:
    """Connect to the card, if one was named."""
    spec = config.getoption("--card", default=None)
    told = getattr(config, "workerinput", {})
    if ASKED in told:
        from conformance.spread import join

        runner, sender = join(told)
        config.pluginmanager.register(runner, NAME)
        config.pluginmanager.register(sender)
        return
    spread = bool(config.getoption("tx", default=None))
    if not spec and spread and any(SUITE in str(one) for one in config.invocation_params.args):
        raise pytest.UsageError(NAMELESS)
    if not spec or config.pluginmanager.has_plugin(NAME):
        return
    from conformance.engine import Request, prepare
    from conformance.runner import Runner
    from conformance.spread import Collector, check_spreadable
    from conformance.trouble import CardLost, UsageError

    request = Request(
        card=spec,
        ics=config.getoption("--ics"),
        keys=config.getoption("--keys"),
        risk=config.getoption("--card-risk"),
        seed=config.getoption("--card-seed"),
        examples=config.getoption("--card-examples"),
        out=config.getoption("--card-out"),
    )
    try:
        judge = prepare(request)
        if spread:
            check_spreadable(judge)
    except (UsageError, CardLost) as error:
        raise pytest.UsageError(str(error)) from error
    plugin = Collector(judge, request) if spread else Runner(judge)
    if spread and config.option.maxschedchunk is None:
        config.option.maxschedchunk = 1  # a few cases take as long as all others
    config.pluginmanager.register(plugin, NAME)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Refuse to collect the suite without a card."""
    ours = (item for item in items if getattr(item, "module", None) is not None)
    cases = any(item.module.__name__.startswith(SUITE) for item in ours)  # type: ignore[attr-defined]
    if cases and not config.pluginmanager.has_plugin(NAME):
        raise pytest.UsageError(NAMELESS)
