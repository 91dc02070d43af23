"""The wheel holds the two packages and the two rooms of data, and judges a card from anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def test_only_the_two_packages_reach_a_users_site_packages(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"simcard", "conformance"}


@pytest.mark.parametrize(
    ("room", "pattern"),
    [
        ("vectors", "**/*.*"),
        ("reports", "**/*.jinja"),
        ("simcard", "**/*.toml"),
        ("conformance", "**/*.toml"),
    ],
)
def test_the_data_of_every_room_is_in_the_wheel(wheel: Path, room: str, pattern: str) -> None:
    shipped = set(zipfile.ZipFile(wheel).namelist())
    prefix = "conformance/_data/" if room in {"vectors", "reports"} else ""
    here = {prefix + path.relative_to(ROOT).as_posix() for path in (ROOT / room).glob(pattern)}
    assert here
    assert here <= shipped


def test_the_unpacked_wheel_judges_a_card(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    program = "import conformance.cli as c; print(c.__file__); c.main()"
    arguments = ["run", "--card", "sim:iso7816", "--examples", "1", "--out", str(tmp_path / "out")]
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.startswith(str(site))
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000
