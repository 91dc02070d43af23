from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from conformance.report import render_comparison, render_html, write_index
from conformance.reporting.compare import compare
from conformance.result import Exchange, Result, read_result

SCRIPT = "<script>window.ran = true</script>"
HOSTILE = (
    f"{SCRIPT}]]></pre></script><svg onload=window.ran=1> {{{{ 7*7 }}}} {{% raw %}} ``` | &lt;"
    " \u202e\u2066evil\u2069 \x00\x1b[31m\x85\ufffe \udcff '\" `x` -->"
)
# Invalid as UTF-8, invalid as GBK, then what would be markup.
BYTES = b"\x81\x30\xff\xc3\x28" + SCRIPT.encode() + b"]]>{{ 7*7 }}\xe2\x80\xae\x00\x1b"
UNSEEN = re.compile("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\udc80-\udcff]")
Failing = Callable[..., Result]
Publish = Callable[..., Path]


@pytest.fixture
def hostile(failing: Failing, publish: Publish) -> Path:
    data = BYTES.hex().upper()
    result = failing(text=HOSTILE, command="00B0000000", response=data + "9000")
    atr = (b"\x3b\x1f" + BYTES).hex().upper()
    values = result.model_dump() | {"harms": {"data-lost": HOSTILE}}
    values["card"] = {"spec": HOSTILE, "name": HOSTILE, "atr": atr, "reader": HOSTILE}
    values["statement"] |= {"file": HOSTILE, "declared": {HOSTILE: {HOSTILE: [{HOSTILE: HOSTILE}]}}}
    values["run"] |= {"operator": HOSTILE, "lab": HOSTILE, "command_line": HOSTILE}
    result = Result.model_validate(values)
    exchange = Exchange(n=0, case="a/case", command="00B0000000", response=data + "9000")
    return publish(result, [exchange])


def _markup(page: str) -> tuple[int, int, int]:
    return page.count("<script"), page.count("<svg"), page.count("</pre>")


def test_nothing_of_it_becomes_markup(hostile: Path, failing: Failing, publish: Publish) -> None:
    harmless = publish(failing(), [Exchange(n=0, case="a/case", command="00B0", response="9000")])
    evil = (hostile / "report.html").read_text("utf-8")
    good = (harmless / "report.html").read_text("utf-8")
    assert _markup(evil)[0] == _markup(good)[0]
    assert SCRIPT not in evil
    assert "onload=window" not in re.sub(r">[^<]*<", "><", evil)


def test_nothing_hides_or_reorders_text(hostile: Path) -> None:
    for name in ("report.html", "summary.md", "junit.xml"):
        assert not UNSEEN.search((hostile / name).read_text("utf-8")), name
    assert "⟨U+202E⟩" in (hostile / "report.html").read_text("utf-8")


def test_templates_in_data_stay_text(hostile: Path) -> None:
    page = (hostile / "report.html").read_text("utf-8")
    assert "{{ 7*7 }}" in page
    assert "{% raw %}" in page


def test_every_byte_is_visible_as_hex(hostile: Path) -> None:
    page = (hostile / "report.html").read_text("utf-8")
    spaced = BYTES.hex(" ").upper()
    assert page.count(spaced) >= 3, "in the ATR, in the step and in its decoded data field"
    assert BYTES.hex().upper() in page, "and in the trace"


def test_junit_stays_xml(hostile: Path) -> None:
    root = ET.fromstring((hostile / "junit.xml").read_bytes())  # noqa: S314 - our own file
    failure = next(root.iter("failure"))
    assert failure.text
    assert "]]>" in failure.text
    assert SCRIPT in failure.text


def test_markdown_stays_in_its_frame(hostile: Path) -> None:
    text = (hostile / "summary.md").read_text("utf-8")
    fence = "`" * 4
    before, script, after = text.split(f"{fence}\n", 2)
    assert "```" in script
    outside = before + after
    assert SCRIPT not in re.sub(r"(`+).*?\1", "", outside)


def test_the_other_pages_are_safe_too(hostile: Path) -> None:
    result = read_result(hostile)
    pages = [
        render_comparison(compare([result, result], [HOSTILE, "two"])),
        write_index(hostile.parent).read_text("utf-8"),
    ]
    for page in pages:
        assert SCRIPT not in page
        assert not UNSEEN.search(page)


def test_the_result_itself_is_readable(hostile: Path) -> None:
    assert render_html(hostile, "zh").count("⟨U+202E⟩") > 3
