from __future__ import annotations

from xml.etree import ElementTree as ET

from conformance.reporting.junit import junit
from conformance.result import Case, Result
from conformance.verdict import Risk, Verdict


def test_the_sample_by_numbers(sample_result: Result) -> None:
    root = ET.fromstring(junit(sample_result))  # noqa: S314 - our own file
    assert root.tag == "testsuites"
    assert root.attrib["tests"] == "34"
    assert (root.attrib["failures"], root.attrib["errors"]) == ("2", "1")
    assert sum(int(suite.attrib["tests"]) for suite in root) == 34
    assert sum(int(suite.attrib["skipped"]) for suite in root) == int(root.attrib["skipped"])
    names = [case.attrib["name"] for case in root.iter("testcase")]
    assert len(set(names)) == 34


def test_a_failure_tells_requirement_and_script(sample_result: Result) -> None:
    root = ET.fromstring(junit(sample_result))  # noqa: S314 - our own file
    case = root.find(".//testcase[@name='verify/wrong']")
    assert case is not None
    failure = case.find("failure")
    assert failure is not None
    assert failure.attrib["type"] == "verify/counts"
    assert failure.text
    assert "> 0020000104{pin:wrong}  second wrong value" in failure.text
    assert "< 63C2  expected 63C1, or 6983" in failure.text


def test_a_recommendation_that_failed_is_not_red(sample_result: Result) -> None:
    root = ET.fromstring(junit(sample_result))  # noqa: S314 - our own file
    case = root.find(".//testcase[@name='record/whole']")
    assert case is not None
    assert case.find("failure") is None
    output = case.find("system-out")
    assert output is not None
    assert output.text is not None
    assert output.text.startswith("should: READ RECORD with Le = 00 was refused")


def test_what_xml_cannot_hold_is_replaced(sample_result: Result) -> None:
    case = Case(
        id="a\x00b",
        title="t",
        area="\x1f",
        risk=Risk.OBSERVE,
        verdict=Verdict.NOT_RUN,
        reason="\ufffe\ud7ff]]>\x0b",
    )
    root = ET.fromstring(junit(sample_result.model_copy(update={"cases": (case,)})))  # noqa: S314
    found = root.find(".//skipped")
    assert found is not None
    assert "]]>" in found.attrib["message"]
    assert "U+FFFE" in found.attrib["message"]
