"""The result as a page of Markdown, for the summary of a CI job or a merge request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from conformance.reporting.language import Language
from conformance.reporting.octets import visible
from conformance.reporting.sentences import sentence
from conformance.reporting.summary import ORDER, summarise
from conformance.reporting.view import Finding, findings, unjudged
from conformance.result import KnownState, Result
from conformance.verdict import Outcome, Verdict

SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~&@:-])")
SIGNS = {
    Verdict.PASS: "✅",
    Verdict.FAIL: "❌",
    Verdict.INCONCLUSIVE: "⚠️",
    Verdict.NOT_RUN: "⚪",
    Verdict.NOT_APPLICABLE: "⬜",
}
OUTCOMES = {
    Outcome.CONFORMANT: "Conformant",
    Outcome.NON_CONFORMANT: "Non-conformant",
    Outcome.INCONCLUSIVE: "Inconclusive",
    Outcome.CARD_LOST: "Card lost",
    Outcome.INTERRUPTED: "Interrupted",
}
KNOWN_STATES = {
    KnownState.FAILED: "fails as listed",
    KnownState.PASSED: "passes although it is listed",
    KnownState.OPEN: "neither passed nor failed",
    KnownState.EXPIRED: "expired, counts as no entry",
}
KNOWN_SIGNS = {
    KnownState.FAILED: "☑️",
    KnownState.PASSED: SIGNS[Verdict.FAIL],
    KnownState.OPEN: SIGNS[Verdict.NOT_RUN],
    KnownState.EXPIRED: SIGNS[Verdict.INCONCLUSIVE],
}
MOST_FINDINGS = 20


def markdown(result: Result, language: Language) -> str:
    """The summary of *result*: numbers, the findings with their scripts, what was not judged."""
    return "\n".join(_lines(result, language)) + "\n"


def _lines(result: Result, language: Language) -> Iterator[str]:
    say = language.gettext
    found, summary = findings(result), summarise(result)
    yield f"# {escape(result.card.name)}: {say(OUTCOMES[result.run.outcome])}"
    yield ""
    card = f"{code(result.card.spec)} · ATR {code(result.card.atr or '-')}"
    yield f"{card} · {say('Seed')} {result.run.seed}"
    yield ""
    yield f"| {say('Area')} | {' | '.join(f'{SIGNS[one]} {say(one.value)}' for one in ORDER)} |"
    yield "| --- |" + " ---: |" * len(ORDER)
    for area in summary.areas:
        counts = " | ".join(str(area.tally[verdict]) for verdict in ORDER)
        yield f"| {escape(language.of('area', area.name))} | {counts} |"
    counts = " | ".join(f"**{summary.requirements[verdict]}**" for verdict in ORDER)
    yield f"| **{say('Requirements')}** | {counts} |"
    if found:
        yield from ("", f"## {say('Findings')}")
    for finding in found[:MOST_FINDINGS]:
        yield from _finding(finding, language)
    if len(found) > MOST_FINDINGS:
        more = len(found) - MOST_FINDINGS
        yield from ("", language.ngettext("and %(n)s more", "and %(n)s more", more) % {"n": more})
    yield from _known(result, language)
    yield from _unjudged(result, language)


def _finding(finding: Finding, language: Language) -> Iterator[str]:
    requirement, failure = finding.requirement, finding.failure
    yield from ("", f"### {SIGNS[Verdict.FAIL]} {escape(sentence(failure.message, language))}", "")
    if requirement:
        place = f"{code(requirement.id)}, {escape(requirement.clause)}"
        yield f"{place} ({language.gettext(requirement.level.value)}): "
        yield escape(language.of(requirement.id, requirement.text))
    else:
        yield code(failure.requirement)
    if finding.case.known:
        yield from ("", f"**{language.gettext('Known failure')}:** {escape(finding.case.known)}")
    yield from ("", fenced(finding.script))
    for answer in failure.allowed:
        told = escape(sentence(answer, language))
        yield f"- {language.gettext('A conformant card answers')}: {told}"
    yield from ("", code(finding.replay))


def _known(result: Result, language: Language) -> Iterator[str]:
    if not result.known_failures:
        return
    say = language.gettext
    yield from ("", f"## {say('Known failures')}", "")
    for one in result.known_failures:
        state = f"{say(KNOWN_STATES[one.state])}, {say('until')} {one.expires}"
        yield f"- {KNOWN_SIGNS[one.state]} {code(one.id)}: {state}. {escape(one.reason)}"


def _unjudged(result: Result, language: Language) -> Iterable[str]:
    groups = unjudged(result)
    if not groups:
        return
    yield from ("", f"## {language.gettext('What was not judged')}", "")
    for group in groups:
        told = sentence(group.reason, language)
        reason = escape(told or language.gettext("no reason given"))
        verdict = language.gettext(group.verdict.value)
        yield f"- {SIGNS[group.verdict]} {verdict}: {reason} ({len(group.requirements)})"


def escape(text: str) -> str:
    """*text* as Markdown that shows it as it is, on one line."""
    return SPECIAL.sub(r"\\\1", " ".join(visible(text).split()))


def code(text: str) -> str:
    """*text* as a code span, whatever backticks it has."""
    text = " ".join(visible(text).split())
    ticks = "`" * (_longest_ticks(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def fenced(text: str) -> str:
    """*text* as a code block that nothing in it can close."""
    ticks = "`" * max(3, _longest_ticks(text) + 1)
    shown = "\n".join(visible(line) for line in text.split("\n"))
    return f"{ticks}\n{shown}\n{ticks}"


def _longest_ticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
