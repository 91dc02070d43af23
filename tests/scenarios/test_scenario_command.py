"""`simcard scenario`: the list, the document, the trace, exit codes and messages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from simcard.scenarios import SCENARIOS


def scenario(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simcard", "scenario", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_list_has_every_scenario() -> None:
    done = scenario("list")
    assert done.returncode == 0
    for each in SCENARIOS.values():
        assert f"\n{each.name} " in done.stdout
        assert each.title in done.stdout


def test_a_run_tells_the_story_and_each_step() -> None:
    done = scenario("run", "bus-gate", "--profile", "ssc2")
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert SCENARIOS["bus-gate"].story in text
    assert " 5. " in text
    assert text.endswith("bus-gate: passed")
    assert "card >" not in done.stdout


def test_the_trace_is_shown_on_demand_and_hides_the_pin() -> None:
    done = scenario("run", "hospital", "--trace")
    assert done.returncode == 0
    assert "card > 00 20 00 00 03 ** ** **" in done.stdout
    assert "PSAM < " in done.stdout


def own_profile(directory: Path, changes: str) -> str:
    file = directory / "own.toml"
    file.write_text('extends = "ssc2"\nname = "own"\ntitle = "A card of our own"\n' + changes)
    return str(file)


def test_a_card_that_does_otherwise_fails_the_run(tmp_path: Path) -> None:
    open_holder = '[access.holder-data]\nread = "always"\nupdate = "state 3-f"\nwrite = "state f-f"'
    done = scenario("run", "first-issue", "-p", own_profile(tmp_path, open_holder))
    assert done.returncode == 1, done.stderr
    assert "FAILED: card: 00 B2 09 30: 6982 expected, answered was 9000" in done.stdout
    assert done.stdout.rstrip().endswith("first-issue: FAILED")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "tea-party"), "tea-party: no such scenario"),
        (("run", "hospital", "-p", "psam"), "psam: scenarios need every key of ssc2"),
        (("run", "hospital", "-p", "no-such"), "no-such"),
        (("run", "newer-card-at-older-terminal", "-p", "ssc2"), "not with a card of generation 2"),
    ],
)
def test_what_cannot_be_played_is_said_in_one_line(arguments: tuple[str, ...], said: str) -> None:
    done = scenario(*arguments)
    assert done.returncode == 3
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_card_that_cannot_be_prepared_is_said_in_one_line(tmp_path: Path) -> None:
    pin = '[[pboc_key]]\ndf = "3F00/DDF1"\ntype = "pin"\nid = "00"\ntries = 3\nnext_state = 1\n'
    own = own_profile(tmp_path, pin + 'hex = "654321"\n')
    done = scenario("run", "pharmacy", "-p", own)
    assert done.returncode == 3
    assert "own: no card to play pharmacy with" in done.stderr
    assert len(done.stderr.splitlines()) == 1
