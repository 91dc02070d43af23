from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from simcard import cli
from simcard.memory import Memory

SCRIPT = """
# three records at once take two pages
> 00 A4 04 0C 08 F0 53 49 4D 43 41 52 44  SELECT
> 00 B0 82 00 00
reset
00A4040C08F053494D43415244
> 00 D6 86 00 00 01 2C {data}
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "updates.apdu"
    path.write_text(SCRIPT.format(data="5A" * 300))
    return path


@pytest.fixture
def broken_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Memory, "_remaining", staticmethod(lambda _position, _count: 0))


class Run:
    """The exit code and the lines of `simcard` with some arguments."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        sys.argv = ["simcard", *arguments]
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        out, err = self._capsys.readouterr()
        return int(exit_.value.code or 0), out, err


@pytest.fixture
def simcard(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setattr(sys, "argv", [])
    return Run(capsys)


def test_a_campaign_says_what_it_tried_and_found(simcard: Run) -> None:
    code, out, _ = simcard("tear", "--profile", "iso7816", "--seed", "1", "--histories", "10")
    assert code == 0
    found = re.fullmatch(
        r"iso7816: 10 histories, \d+ commands\n"
        r"tear points tried: ([\d,]+) \(([\d,]+) in commands, ([\d,]+) in recoveries\)\n"
        r"violations: 0\n",
        out,
    )
    assert found
    total, *parts = (int(number.replace(",", "")) for number in found.groups())
    assert total == sum(parts) > 400
    assert simcard("tear", "--histories", "10")[1] == out


def test_a_script_is_torn_on_a_worn_and_on_a_fresh_chip(simcard: Run, script: Path) -> None:
    code, out, _ = simcard("tear", "--script", str(script))
    assert code == 0
    assert out.startswith("iso7816: 2 histories, 10 commands\ntear points tried: ")
    assert "(22 in commands, " in out


@pytest.mark.usefixtures("broken_journal")
def test_a_violation_comes_with_its_name_and_its_script(
    simcard: Run, script: Path, tmp_path: Path
) -> None:
    code, out, _ = simcard("tear", "--script", str(script))
    assert code == 1
    assert re.search(r"^violations: [1-9]", out, re.MULTILINE)
    shown = out.partition("the shortest script that shows it:\n")[2]
    assert [line[:8] for line in shown.splitlines()] == [
        "> 00 A4 ",
        "# the po",
        "> 00 D6 ",
    ]
    assert shown.splitlines()[0].endswith("  SELECT")

    pasted = tmp_path / "pasted.apdu"
    pasted.write_text(shown)
    assert simcard("tear", "--script", str(pasted))[0] == 1

    again = re.search(r"^again with: simcard (.*)$", out, re.MULTILINE)
    assert again
    assert f"--script {script} --replay 1/" in again[1]
    code, replayed, _ = simcard(*again[1].split())
    assert code == 1
    assert "broken: " in replayed


def test_a_tear_point_of_a_sound_card_is_replayed_and_nothing_found(simcard: Run) -> None:
    code, out, _ = simcard("tear", "--replay", "1/1/3/1/during/mixed-bits+1/during/noise")
    assert code == 0
    assert "# the power fails during the next command: 1/during/mixed-bits\n" in out
    assert "# and again during the recovery: 1/during/noise\n> " in out
    assert out.endswith("no law is broken\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--replay", "1/2"], "'1/2': a tear point is SEED/HISTORY/STEP"),
        (["--replay", "1/1/99"], "1/1/99: the history has "),
        (["--replay", "1/1/1/7/after"], "1/1/1/7/after: step 1 takes 0 page writes"),
        (["--profile", "no-such-card"], "no-such-card: no such profile"),
        (["--script", "missing.apdu"], "missing.apdu"),
        (["--profile", "emrtd", "--histories", "2"], "emrtd: none of "),
    ],
)
def test_bad_input_is_one_line_and_exit_code_3(
    simcard: Run, arguments: list[str], message: str
) -> None:
    code, _, err = simcard("tear", *arguments)
    assert code == 3
    assert err.startswith(f"simcard: {message}")
    assert "Traceback" not in err
    assert err.count("\n") == 1
