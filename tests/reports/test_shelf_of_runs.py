from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from conformance.report import write_index
from conformance.reporting.seal import State
from conformance.reporting.shelf import shelf
from conformance.result import read_result, write_result
from conformance.trouble import UsageError


@pytest.fixture
def runs(sample: Path) -> Path:
    root = sample.parent
    shutil.copytree(sample, root / "b #2")
    result = read_result(sample)
    run = result.run.model_copy(update={"started": "2027-01-01T00:00:00Z"})
    write_result(result.model_copy(update={"run": run}), root / "b #2" / "result.json")
    (root / "broken").mkdir()
    (root / "broken" / "result.json").write_text("{")
    return root


def test_the_newest_comes_first_and_the_broken_one_is_told(runs: Path) -> None:
    volumes = shelf(runs)
    assert [volume.folder for volume in volumes] == ["b #2", "sample", "broken"]
    assert [volume.seal for volume in volumes[:2]] == [State.ALTERED, State.UNSIGNED]
    assert "Invalid JSON" in volumes[2].fault


def test_the_page_links_to_the_reports(runs: Path) -> None:
    page = write_index(runs).read_text("utf-8")
    links = re.findall(r'<a href="([^"#][^"]*)"', page)
    assert links == ["b%20%232/report.html", "sample/report.html"]
    assert "altered" in page


def test_an_empty_shelf_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no result\.json in it or under it"):
        write_index(tmp_path)
    with pytest.raises(UsageError, match="no such folder"):
        write_index(tmp_path / "absent")
