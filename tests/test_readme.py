"""What README.md tells people to type works, and what it points at is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "ARCHITECTURE.md"]


def section(page: str, heading: str) -> str:
    text = (ROOT / page).read_text("utf-8")
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_the_exchange_script_holds() -> None:
    script = re.search(
        r"^```\n(.*?)^```", section("README.md", "Exchange scripts"), re.MULTILINE | re.DOTALL
    )
    assert script is not None
    run = subprocess.run(
        [str(Path(sys.executable).with_name("simcard")), "exchange", "--profile", "iso7816"],
        input=script.group(1),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("> ") == script.group(1).count("\n> ")


@pytest.mark.parametrize("page", PAGES)
def test_every_target_of_make_that_is_named_is_there(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)`|\$ make ([a-z]+)", (ROOT / page).read_text("utf-8")))
    assert {one or other for one, other in named} <= targets


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_is_there(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    named = re.findall(r"`((?:simcard|conformance|vectors|reports|tests|\.ci)/[\w./-]*)`", text)
    named += [each for each in re.findall(r"\]\(([^)]+)\)", text) if "://" not in each]
    assert len(named) > 2
    examples = ("AREA", "_data")
    missing = [each for each in named if not (ROOT / each).exists()]
    assert [each for each in missing if not any(part in each for part in examples)] == []
