"""Makes the pictures in README.md: the report of the virtual card and of a card that is wrong.

    .venv/bin/python tests/reports/pictures.py

Judges both cards, opens their reports in Debian's chromium and writes reports/pictures/*.png.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "reports" / "pictures"
CHROMIUM = "/usr/bin/chromium"
CARDS = {
    "conformant": ("sim:iso7816", 0),
    "failing": ("mutant:verify/counter-stands-still", 1),
}


def judge(card: str, expected: int, folder: Path) -> Path:
    """The report of *card*, whose run ends with the exit code *expected*."""
    command = "from conformance.cli import main; main()"
    arguments = ("run", "--card", card, "--seed", "7", "--examples", "40", "--out", folder)
    done = subprocess.run([sys.executable, "-c", command, *arguments], check=False)
    assert done.returncode == expected, f"{card}: exit {done.returncode}"
    return folder / "report.html"


def picture(page: Page, report: Path, target: Path) -> None:
    """The top of *report*, or its first finding where it has one."""
    page.goto(report.as_uri())
    finding = page.locator(".finding")
    if finding.count():
        page.evaluate(f"location.hash = '#{finding.first.get_attribute('id')}'")
        page.wait_for_timeout(300)
    page.screenshot(path=target)


def main() -> None:
    """Judge, open, write."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--disable-quic"])
        page = browser.new_page(viewport={"width": 1200, "height": 860}, color_scheme="light")
        for name, (card, expected) in CARDS.items():
            report = judge(card, expected, Path(folder) / name)
            picture(page, report, PICTURES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
