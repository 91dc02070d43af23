"""`conformance compare A B`: what broke, what got fixed, how fast, and what CI makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from commanding import Command

from conformance.result import Result, Timing, read_result, write_result


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def runs(conformance: Command, rooms: Path) -> tuple[Path, Path]:
    """A run of a sound card and one of a faulty card."""
    for name, card in (("sound", "sim:iso7816"), ("faulty", "mutant:verify/any-value")):
        if not (rooms / name / "result.json").exists():
            conformance(
                *("run", "--card", card, "--area", "verify", "--risk", "consume"),
                *("--out", str(rooms / name)),
            )
    return rooms / "sound", rooms / "faulty"


def changed(folder: Path, target: Path, **changes: object) -> Path:
    result = read_result(folder)
    target.mkdir()
    write_result(Result.model_validate(result.model_dump() | changes), target / "result.json")
    return target


def test_a_regression_ends_with_exit_code_1(
    conformance: Command, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    compared = conformance("compare", *map(str, runs), "--html", str(page))
    assert compared.returncode == 1
    assert "7816-4/verify/wrong-value" in compared.stdout
    lines = [one.split()[:4] for one in compared.stdout.splitlines()]
    assert ["broke", "7816-4/verify/wrong-value", "PASS", "FAIL"] in lines
    html = page.read_text("utf-8")
    assert "Something got worse" in html
    files = [str(folder / "result.json") for folder in runs]
    assert conformance("compare", *files).returncode == 1


def test_a_fix_does_not(conformance: Command, runs: tuple[Path, Path], tmp_path: Path) -> None:
    sound, faulty = runs
    page = tmp_path / "page.html"
    compared = conformance("compare", str(faulty), str(sound), "--html", str(page), "--lang", "zh")
    assert compared.returncode == 0
    assert "fixed" in compared.stdout
    assert "broke" not in compared.stdout
    assert "没有退步" in page.read_text("utf-8")


def test_what_is_judged_for_the_first_time_is_told(
    conformance: Command, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    requirements = read_result(runs[0]).model_dump()["requirements"]
    earlier = [
        one | {"verdict": "NOT RUN"} if one["id"].endswith("/right-value") else one
        for one in requirements
    ]
    before = changed(runs[0], tmp_path / "before", requirements=earlier)
    compared = conformance("compare", str(before), str(runs[0]))
    assert compared.returncode == 0
    assert "newly covered" in compared.stdout
    assert "7816-4/verify/right-value" in compared.stdout
    back = conformance("compare", str(runs[0]), str(before))
    assert back.returncode == 0
    assert "not judged any more" in back.stdout


def test_a_slower_command_is_told_and_is_no_regression(
    conformance: Command, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    quick, slow = {"VERIFY": Timing.of([0.010] * 9)}, {"VERIFY": Timing.of([0.025] * 9)}
    before = changed(runs[0], tmp_path / "before", timings=quick)
    after = changed(runs[0], tmp_path / "after", timings=slow)
    compared = conformance("compare", str(before), str(after))
    assert compared.returncode == 0
    (line,) = [one for one in compared.stdout.splitlines() if one.startswith("VERIFY")]
    assert line.split() == ["VERIFY", "10", "ms", "25", "ms", "slower", "x", "2.50"]
    assert "no requirement changed its verdict" in compared.stdout


def test_what_cannot_be_compared_ends_with_exit_code_3(
    conformance: Command, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "result.json").write_text("{}", "utf-8")
    broken = conformance("compare", str(runs[0]), str(tmp_path))
    assert broken.returncode == 3
    assert "result.json: suite: Field required" in broken.stderr
    nowhere = conformance("compare", *map(str, runs), "--html", str(tmp_path / "no" / "page.html"))
    assert nowhere.returncode == 3
    assert "--html" in nowhere.stderr
    alone = conformance("compare", str(runs[0]))
    assert alone.returncode == 3
