"""The result as JUnit XML, for the machines that run a suite: one test case a case."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from conformance.reporting.octets import visible
from conformance.reporting.view import script_of
from conformance.result import Case, KnownState, Requirement, Result
from conformance.verdict import Level, Verdict

# What XML 1.0 cannot hold in any form, escaped or not (production 2, Char).
UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(result: Result) -> bytes:
    """JUnit XML: FAIL is a failure, INCONCLUSIVE an error, what was not judged is skipped.

    A failed recommendation (level should) passes with what was seen in `system-out`, and a known
    failure is skipped, so that red means what the exit code means. An entry in the list of known
    failures that passes is a failure of its own.
    """
    levels = {one.id: one for one in result.requirements}
    root = Element("testsuites", name=_text(result.card.name))
    areas: dict[str, list[Case]] = {}
    for case in result.cases:
        areas.setdefault(case.area, []).append(case)
    for area, cases in areas.items():
        suite = SubElement(root, "testsuite", name=_text(area), timestamp=_text(result.run.started))
        for case in cases:
            suite.append(_case(case, levels.get(case.failure.requirement if case.failure else "")))
        _count(suite, cases)
    if result.known_failures:
        root.append(_listed(result))
    _count(root, result.cases)
    root.set("tests", str(sum(1 for _ in root.iter("testcase"))))
    indent(root)
    written: bytes = tostring(root, "utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + written + b"\n"


def _case(case: Case, requirement: Requirement | None) -> Element:
    element = Element(
        "testcase", classname=_text(case.area), name=_text(case.id), time=f"{case.seconds:.6f}"
    )
    if case.verdict is Verdict.FAIL:
        told = _told(case, requirement)
        message = case.failure.message if case.failure else case.reason
        if case.known:
            SubElement(element, "skipped", message=_text(f"known failure: {case.known}"))
            SubElement(element, "system-out").text = _text(told)
        elif requirement and requirement.level is Level.SHOULD:
            SubElement(element, "system-out").text = _text(f"should: {told}")
        else:
            kind = case.failure.requirement if case.failure else "FAIL"
            failure = SubElement(element, "failure", type=_text(kind), message=_text(message))
            failure.text = _text(told)
    elif case.verdict is Verdict.INCONCLUSIVE:
        SubElement(element, "error", type="INCONCLUSIVE", message=_text(case.reason))
    elif case.verdict is not Verdict.PASS:
        SubElement(element, "skipped", message=_text(f"{case.verdict}: {case.reason}"))
    return element


def _listed(result: Result) -> Element:
    """The list of known failures as a suite: red is what passes, skipped what does not count."""
    suite = Element("testsuite", name="known-failures", timestamp=_text(result.run.started))
    for one in result.known_failures:
        element = SubElement(suite, "testcase", classname="known-failures", name=_text(one.id))
        reason = f"{one.reason} (until {one.expires})"
        match one.state:
            case KnownState.PASSED:
                message = "passes although it is listed as a known failure"
                failure = SubElement(element, "failure", type="unexpected pass", message=message)
                failure.text = _text(reason)
            case KnownState.EXPIRED | KnownState.OPEN:
                expired = one.state is KnownState.EXPIRED
                why = "expired, counts as no entry" if expired else "neither passed nor failed"
                SubElement(element, "skipped", message=_text(f"{why}: {reason}"))
            case KnownState.FAILED:
                SubElement(element, "system-out").text = _text(reason)
    _count(suite, ())
    suite.set("tests", str(len(suite)))
    return suite


def _told(case: Case, requirement: Requirement | None) -> str:
    if case.failure is None:
        return case.reason
    lines = [case.failure.message]
    if requirement:
        lines.append(f"{requirement.id} ({requirement.clause}, {requirement.level})")
        lines.append(requirement.text)
    lines += ["", script_of(case.failure)]
    lines += [f"allowed: {answer}" for answer in case.failure.allowed]
    return "\n".join(lines)


def _count(element: Element, cases: Iterable[Case]) -> None:
    found = list(cases)
    element.set("tests", str(len(found)))
    element.set("time", f"{sum(case.seconds for case in found):.6f}")
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(sum(1 for _ in element.iter(tag))))


def _text(text: str) -> str:
    return UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", "\n".join(map(visible, text.split("\n"))))
