"""`simcard scenario`: list what the card is used for, and play it in this process."""

from __future__ import annotations

import sys
from textwrap import fill
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from simcard.issuance.purposes import purposes
from simcard.profiles import load_profile
from simcard.scenarios.cast import cast, new_module
from simcard.scenarios.catalogue import SCENARIOS
from simcard.scenarios.contact import Exchange, Unexpected
from simcard.scenarios.scene import Outcome, Refused, Scenario, Told, run
from simcard.scenarios.setting import Setting

app = typer.Typer(no_args_is_help=True, help="What a social security card is used for.")
_console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)
_WIDTH: Final = 100
_PROFILES: Final = {2: "ssc2", 3: "ssc3"}


class ScenarioError(ValueError):
    """There is no such scenario, or not with this card; the message names it and the rule."""


@app.command("list")
def list_scenarios() -> None:
    """List the scenarios, with the cards that can play them."""
    table = Table("name", "cards", "title", box=None, pad_edge=False)
    for each in SCENARIOS.values():
        cards = ", ".join(_PROFILES[generation] for generation in each.generations)
        table.add_row(each.name, cards, each.title)
    _console.print(table)


@app.command("run")
def run_scenario(
    name: Annotated[str, typer.Argument(help="One of `simcard scenario list`.")],
    profile: Annotated[
        str | None, typer.Option("--profile", "-p", help="ssc2, ssc3, or a TOML file.")
    ] = None,
    *,
    trace: Annotated[bool, typer.Option(help="Show every command and response.")] = False,
) -> None:
    """Play a scenario with a virtual card and module. The exit code is 1 when a step fails."""
    played = _found(name)
    setting = Setting(load_profile(profile or _PROFILES[played.generations[-1]]))
    if setting.generation not in played.generations:
        raise ScenarioError(f"{name}: not with a card of generation {setting.generation}")
    _check_keys(setting)
    try:
        cards = cast(played, setting)
    except (Unexpected, Refused) as error:
        raise ScenarioError(
            f"{setting.profile.name}: no card to play {name} with: {error}"
        ) from None
    outcome = run(played, cards, new_module(setting), setting)
    _tell(outcome, setting, trace=trace)
    raise typer.Exit(0 if outcome.passed else 1)


def _found(name: str) -> Scenario:
    if name not in SCENARIOS:
        raise ScenarioError(f"{name}: no such scenario; `simcard scenario list` has their names")
    return SCENARIOS[name]


def _check_keys(setting: Setting) -> None:
    """A profile of one's own needs the keys that scenarios use: those of its generation's card."""
    shipped = load_profile(_PROFILES[setting.generation])
    needed, there = (
        {purpose.name for purpose in purposes(profile)} for profile in (shipped, setting.profile)
    )
    if missing := sorted(needed - there):
        rule = f"scenarios need every key of {shipped.name}, {len(missing)} are missing"
        raise ScenarioError(f"{setting.profile.name}: {rule}, the first is {missing[0]}")


def _tell(outcome: Outcome, setting: Setting, *, trace: bool) -> None:
    told = outcome.scenario
    _say(f"{told.name}, {setting.profile.name}: {told.title}")
    _say("")
    _say(fill(told.story, _WIDTH))
    for number, step in enumerate(outcome.steps, 1):
        _say("")
        for line in _document(number, step):
            _say(line)
        if trace:
            for exchange in step.exchanges:
                for line in _wire(exchange):
                    _say(line)
    _say("")
    _say(f"{told.name}: {'passed' if outcome.passed else 'FAILED'}")


def _document(number: int, step: Told) -> list[str]:
    lines = [
        fill(step.does, _WIDTH, initial_indent=f"{number:2}. ", subsequent_indent="    "),
        fill(step.expects, _WIDTH, initial_indent="    -> ", subsequent_indent="       "),
    ]
    if step.failure is not None:
        lines.append(f"    FAILED: {step.failure}")
    return lines


def _wire(exchange: Exchange) -> list[str]:
    return [
        f"      {exchange.slot} > {exchange.command}",
        f"      {exchange.slot} < {exchange.response}  {exchange.meaning}",
    ]


def _say(text: str) -> None:
    _console.print(text, markup=False)
