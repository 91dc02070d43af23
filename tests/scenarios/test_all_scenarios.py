"""Every scenario in this process, with each card that can play it, and as a document."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from played import CASES, PROFILES, conversation, play, setting, written

import simcard.scenarios
from simcard.issuance.hierarchy import Level
from simcard.scenarios import SCENARIOS, cast, new_module, run
from simcard.security.pboc import KeyType


@pytest.mark.parametrize(("name", "profile"), CASES)
def test_a_scenario_passes(name: str, profile: str) -> None:
    outcome = play(name, profile)
    assert outcome.passed, outcome.failure
    assert len(outcome.steps) >= 3
    assert written(outcome)


@pytest.mark.parametrize(("name", "profile"), CASES)
def test_a_scenario_is_a_document(name: str, profile: str) -> None:
    scenario = SCENARIOS[name]
    assert scenario.title.endswith(".")
    assert len(scenario.story.split()) > 20
    steps = play(name, profile).steps
    for step in steps:
        assert step.does.endswith(".")
        assert step.expects.endswith(".")
    assert len({step.does for step in steps}) == len(steps)


def test_the_uses_that_life_has_are_there() -> None:
    assert len(SCENARIOS) == 22
    assert [each.name for each in SCENARIOS.values()] == list(SCENARIOS)
    newer = {"newer-card-at-older-terminal", "proof-of-card"}
    assert set(CASES) >= {(name, PROFILES[2]) for name in SCENARIOS if name not in newer}


@pytest.mark.parametrize("profile", PROFILES.values())
def test_one_module_serves_all_scenarios_one_after_another(profile: str) -> None:
    world = setting(profile)
    module = new_module(world)
    for name, played_by in CASES:
        if played_by == profile:
            outcome = run(SCENARIOS[name], cast(SCENARIOS[name], world), module, world)
            assert outcome.passed, f"{name}: {outcome.failure}"


@pytest.mark.parametrize(("name", "profile"), CASES)
def test_the_same_scenario_goes_the_same_way_twice(name: str, profile: str) -> None:
    assert play(name, profile) == play.__wrapped__(name, profile)


@pytest.mark.parametrize(("name", "profile"), CASES)
def test_no_secret_is_written_down(name: str, profile: str) -> None:
    world = setting(profile)
    wire = "".join(each.command + each.response for each in written(play(name, profile)))
    wire = wire.replace(" ", "")
    nation = world.office()
    assert nation.keys.level is Level.NATIONAL
    keys = [*nation.keys.keys.values(), world.profile.tables.pboc.transport_key]
    for role in SCENARIOS[name].roles.values():
        order = world.order(role.holder, foreign=role.foreign)
        keys.extend(order.keys.values())
    keys.extend(table.hex for table in world.psam.tables.pboc_key)
    for key in keys:
        assert key.hex().upper() not in wire
    for each in written(play(name, profile)):
        if each.command[3:5] in ("20", "5E"):
            assert set(each.command[15:]) == {"*", " "}, each.command


def test_a_pin_that_is_loaded_is_not_written_down_either() -> None:
    loads = [
        each.command
        for each in written(play("first-issue", "ssc2"))
        if each.command.startswith("80 D4") and int(each.command[15:17], 16) & 0x3F == KeyType.PIN
    ]
    assert len(loads) == 1
    assert loads[0].endswith(" ** ** **")


def test_terminals_speak_as_those_of_the_field_do() -> None:
    commands = {command for command, _ in conversation(play("hospital", "ssc2"))}
    assert bytes.fromhex("00A404000F7378312E73682EC9E7BBE1B1A3D5CF") in commands
    assert bytes.fromhex("00B2072800") in commands


def test_nothing_in_the_room_has_a_clock_a_socket_or_chance() -> None:
    forbidden = {"socket", "time", "random", "secrets", "os", "threading", "asyncio", "uuid"}
    modules = sorted(Path(simcard.scenarios.__file__).parent.glob("*.py"))
    assert len(modules) > 10
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                assert not forbidden & {alias.name for alias in node.names}, module
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").partition(".")[0] not in forbidden, module
            elif isinstance(node, ast.Attribute):
                assert node.attr not in {"today", "utcnow"}, module
                reads_clock = isinstance(node.value, ast.Name) and node.value.id == "datetime"
                assert not (node.attr == "now" and reads_clock), module
