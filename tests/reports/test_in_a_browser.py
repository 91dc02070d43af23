"""The pages in a real browser: what they do, that they fetch nothing, and how they print."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from conformance.report import comparison, render_comparison, write_index, write_report
from conformance.result import Exchange, Result

pytestmark = pytest.mark.browser

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
FLAGS = (
    *("--disable-quic", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
GRAVE = {"serious", "critical"}


class Visit:
    """One page with a record of its console, its errors and whatever it asks for."""

    def __init__(self, page: playwright.Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.opened = 0
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def open(self, file: Path, fragment: str = "") -> playwright.Page:
        self.opened += 1
        self.page.goto(file.as_uri() + fragment)
        return self.page


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: playwright.Browser) -> Iterator[Visit]:
    """A visit that must end without a complaint and without a request beyond the page itself."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    made = Visit(context.new_page())
    yield made
    assert made.complaints == []
    assert len(made.requests) == made.opened, made.requests
    assert all(url.startswith("file:") for url in made.requests)
    context.close()


@pytest.fixture
def report(sample: Path) -> Path:
    return sample / "report.html"


def shown(page: playwright.Page, kind: str) -> list[str]:
    entries = page.locator(f"[data-entry={kind}]:not([hidden])")
    return [entry.get_attribute("id") or "" for entry in entries.all()]


def counts(page: playwright.Page, text: str) -> None:
    """Waits until the filters say *text*; the policy of the page forbids to poll by script."""
    playwright.expect(page.locator("[data-shown]")).to_have_text(re.compile(f"^{text} "))


def test_filters_narrow_requirements_findings_and_cases(visit: Visit, report: Path) -> None:
    page = visit.open(report)
    assert len(shown(page, "requirement")) == 29
    page.get_by_role("checkbox", name="FAIL", exact=True).check(force=True)
    counts(page, "3 of")
    assert shown(page, "requirement") == [
        *("req-binary_2Fread-offset", "req-record_2Flength", "req-verify_2Fcounts")
    ]
    assert len(shown(page, "finding")) == len(shown(page, "case")) == 3
    assert page.locator("[data-shown]").inner_text() == "3 of 29 requirements shown"
    page.get_by_label("Level").select_option("should")
    counts(page, "1 of")
    assert shown(page, "requirement") == ["req-record_2Flength"]
    page.get_by_label("Area").select_option("verify")
    counts(page, "0 of")
    assert shown(page, "requirement") == []
    assert page.get_by_text("Nothing fits these filters.").is_visible()
    page.get_by_role("button", name="Show all").click()
    counts(page, "29 of")
    assert len(shown(page, "requirement")) == 29


def test_search_finds_words_and_bytes(visit: Visit, report: Path) -> None:
    page = visit.open(report)
    page.keyboard.press("/")
    page.keyboard.type("cyclic overwritten")
    counts(page, "1 of")
    assert shown(page, "requirement") == ["req-record_2Fcyclic"]
    page.get_by_role("searchbox").fill("00b0000702")
    counts(page, "0 of")
    assert shown(page, "finding") == ["finding-binary_2Fread-anywhere"]


def test_order_by_harm_puts_the_gravest_first_and_back(visit: Visit, report: Path) -> None:
    page = visit.open(report)
    before = shown(page, "requirement")
    page.get_by_label("Order").select_option("harm")
    assert shown(page, "requirement")[0] == "req-verify_2Fcounts"
    assert page.locator("tr.group:visible").count() == 0
    page.get_by_label("Order").select_option("place")
    assert shown(page, "requirement") == before
    assert page.locator("tr.group:visible").count() == 6


def test_a_deep_link_shows_what_it_names(visit: Visit, report: Path) -> None:
    page = visit.open(report, "#case-binary_2Fhistory")
    case = page.locator("#case-binary_2Fhistory")
    playwright.expect(case).to_have_attribute("open", "")
    playwright.expect(case.locator("summary")).to_be_in_viewport()
    page.get_by_role("checkbox", name="FAIL", exact=True).check(force=True)
    page.evaluate("location.hash = '#req-select_2Fpath'")
    playwright.expect(page.locator("#req-select_2Fpath")).to_be_in_viewport()


def test_the_findings_are_walked_with_keys(visit: Visit, report: Path) -> None:
    page = visit.open(report)
    for anchor in ("verify_2Fwrong", "binary_2Fread-anywhere"):
        page.keyboard.press("n")
        playwright.expect(page.locator(f"#finding-{anchor}")).to_be_focused()
    page.keyboard.press("p")
    playwright.expect(page.locator("#finding-verify_2Fwrong")).to_be_focused()


def test_a_packed_trace_is_unpacked_on_demand(
    visit: Visit, monkeypatch: pytest.MonkeyPatch, sample: Path
) -> None:
    monkeypatch.setattr("conformance.reporting.traces.PLAIN_BUDGET", 0)
    page = visit.open(write_report(sample))
    case = page.locator("#case-binary_2Fhistory")
    assert "of the trace file" in (case.locator("pre").text_content() or "")
    case.locator("summary").click()
    trace = case.locator("pre")
    playwright.expect(trace).to_contain_text("> 00B0")
    lines = (trace.text_content() or "").splitlines()
    exchanges = [line for line in lines if line.startswith(("> ", "reset"))]
    assert len(exchanges) == 43
    assert lines[0].startswith("reset")


def test_dark_and_light(visit: Visit, report: Path) -> None:
    page = visit.open(report)

    def lightness() -> int:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", colour)[:3]))

    assert lightness() > 600
    page.emulate_media(color_scheme="dark")
    assert lightness() < 150
    page.emulate_media(color_scheme="light")
    button = page.locator("[data-theme-button]")
    button.click()
    assert button.inner_text() == "Colours: dark"
    assert lightness() < 150
    page.emulate_media(media="print")
    assert lightness() > 600, "paper stays white"
    page.emulate_media(media="screen", color_scheme="dark")
    button.click()
    assert lightness() > 600


def test_the_replay_command_is_copied(visit: Visit, report: Path) -> None:
    page = visit.open(report)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    finding = page.locator("#finding-verify_2Fwrong")
    finding.get_by_role("button", name="Copy").first.click()
    playwright.expect(finding.get_by_role("button", name="Copied")).to_be_visible()


def test_it_prints_on_pages_that_cut_nothing(visit: Visit, report: Path, tmp_path: Path) -> None:
    page = visit.open(report)
    page.locator("[data-theme-button]").click()
    path = tmp_path / "report.pdf"
    page.pdf(path=path, prefer_css_page_size=True, print_background=True)
    pages = len(re.findall(rb"/Type\s*/Page\b", path.read_bytes()))
    assert 10 < pages < 40
    # An A4 page less its margins is 176 mm wide; nothing may be wider than that.
    page.set_viewport_size({"width": 665, "height": 1000})
    page.emulate_media(media="print")
    too_wide = page.evaluate(
        """[...document.querySelectorAll("table, pre, section, .finding")]
           .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
           .map((one) => one.className || one.id)"""
    )
    assert too_wide == []
    breaks = page.evaluate(
        """[...document.querySelectorAll(".requirements tbody tr, .step, .times tr")]
           .map((one) => getComputedStyle(one).breakInside)"""
    )
    assert set(breaks) == {"avoid"}
    decoded = page.locator(".finding .decoded table").first
    assert decoded.bounding_box(), "what is folded on the screen is open on paper"


def test_it_reads_without_javascript(browser: playwright.Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False, color_scheme="dark")
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("[data-filters]").is_hidden()
    page.locator("#case-verify_2Fwrong > summary").click()
    assert "> 0020000104{pin:wrong}" in page.locator("#case-verify_2Fwrong pre").inner_text()
    colour = page.locator("body").evaluate("one => getComputedStyle(one).backgroundColor")
    assert colour == "rgb(20, 23, 26)"
    context.close()


def test_nothing_of_a_hostile_card_runs(
    visit: Visit, failing: Callable[..., Result], publish: Callable[..., Path]
) -> None:
    evil = "</script><script>window.ran=1</script><img src=x onerror=window.ran=1>\"' onload=x"
    result = failing(text=evil, command="00B0000000", response=evil.encode().hex().upper() + "9000")
    folder = publish(result, [Exchange(n=0, case="a/case", command="00B0", response="9000")])
    page = visit.open(folder / "report.html")
    assert page.evaluate("window.ran") is None
    assert page.locator("img").count() == 0


def test_a_shelf_and_a_comparison_work_too(visit: Visit, sample: Path) -> None:
    page = visit.open(write_index(sample.parent))
    page.get_by_role("searchbox").fill("no such card")
    counts(page, "0 of")
    path = sample.parent / "comparison.html"
    path.write_text(render_comparison(comparison([sample, sample])), "utf-8")
    page = visit.open(path)
    page.get_by_role("searchbox").fill("cyclic")
    counts(page, "1 of 29")


def _pages(sample: Path) -> dict[str, Path]:
    path = sample.parent / "comparison.html"
    path.write_text(render_comparison(comparison([sample, sample])), "utf-8")
    return {
        "report": sample / "report.html",
        "chinese": write_report(sample, "zh"),
        "index": write_index(sample.parent),
        "comparison": path,
    }


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        ("report", 1280, "light"),
        ("report", 400, "dark"),
        ("chinese", 1280, "dark"),
        ("index", 1280, "light"),
        ("index", 400, "dark"),
        ("comparison", 1280, "dark"),
        ("comparison", 400, "light"),
    ],
)
def test_everybody_can_use_it(
    browser: playwright.Browser, sample: Path, name: str, width: int, scheme: str
) -> None:
    axe = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
    # The page allows no script but its own; axe is let in past that policy for this test.
    context = browser.new_context(
        bypass_csp=True, viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page = context.new_page()
    page.goto(_pages(sample)[name].as_uri())
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    grave = [
        f"{one['id']}: {one['nodes'][0]['target']} {one['nodes'][0]['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in GRAVE
    ]
    context.close()
    assert grave == []
    assert found["passes"]
