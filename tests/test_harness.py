"""The rules of tests/conftest.py hold: what must run may not be skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
SKIPS = """
import pytest

@pytest.mark.{mark}
def test_of_the_system():
    pytest.skip("no reader")
"""
SKIPS_AS_A_MODULE = """
import pytest

pytest.importorskip("a_module_that_nobody_has")
"""
FAILS_AS_EXPECTED = """
import pytest

@pytest.mark.pcsc
@pytest.mark.xfail(reason="known", strict=True)
def test_of_the_system():
    assert False
"""


def outcome(folder: Path, test: str, *, required: bool) -> tuple[int, str]:
    """Exit code and output of pytest on *test* under the project's conftest."""
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    (folder / "test_it.py").write_text(test)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  pcsc:\n  browser:\n  slow:\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "SIMCARD"))}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)  # what the conftest itself imports
    if required:
        environment["SIMCARD_REQUIRE_SYSTEM_TESTS"] = "1"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout


@pytest.mark.parametrize("mark", ["pcsc", "browser"])
def test_a_skipped_system_test_fails_where_the_system_is_there(tmp_path: Path, mark: str) -> None:
    code, output = outcome(tmp_path, SKIPS.format(mark=mark), required=True)
    assert code == 1
    assert "may not be skipped" in output
    assert "no reader" in output


def test_a_module_skipped_whole_fails_likewise(tmp_path: Path) -> None:
    code, output = outcome(tmp_path, SKIPS_AS_A_MODULE, required=True)
    assert code != 0
    assert "a_module_that_nobody_has" in output


@pytest.mark.parametrize("test", [SKIPS.format(mark="pcsc"), SKIPS_AS_A_MODULE])
def test_elsewhere_a_skip_is_a_skip(tmp_path: Path, test: str) -> None:
    code, output = outcome(tmp_path, test, required=False)
    assert code in (0, 5)
    assert "1 skipped" in output


def test_other_marks_and_expected_failures_are_left_alone(tmp_path: Path) -> None:
    assert outcome(tmp_path, SKIPS.format(mark="slow"), required=True)[0] == 0
    assert outcome(tmp_path, FAILS_AS_EXPECTED, required=True)[0] == 0
