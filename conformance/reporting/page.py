"""Renders one result as one self-contained HTML page, with nothing to fetch and nothing to build.

The page allows no network at all and no script but its own (Content-Security-Policy with the hash
of that script), every value is escaped, and characters that hide or reorder text are named instead
of written. So whatever a card answers can be read, and can do nothing.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from conformance.reporting import octets, view
from conformance.reporting.identity import identify
from conformance.reporting.language import Language, language
from conformance.reporting.sentences import sentence
from conformance.reporting.summary import summarise
from conformance.reporting.traces import annex
from conformance.reporting.wording import duration, gloss, moment, phrase, slug
from conformance.resources import resource_root
from conformance.result import Result
from conformance.verdict import Level, Outcome, Risk, Verdict

# So many findings are told in full; the others are listed, their scripts being in result.json.
TOLD_IN_FULL = 200
SHAPES = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "fail",
    Verdict.INCONCLUSIVE: "doubt",
    Verdict.NOT_RUN: "notrun",
    Verdict.NOT_APPLICABLE: "na",
}
OUTCOME_SHAPES = {
    Outcome.CONFORMANT: "pass",
    Outcome.NON_CONFORMANT: "fail",
    Outcome.INCONCLUSIVE: "doubt",
    Outcome.CARD_LOST: "notrun",
    Outcome.INTERRUPTED: "notrun",
}


def render(result: Result, folder: Path | None, tongue: Language, digest: str) -> str:
    """The report of *result*; its trace is looked for in *folder*. The seal is still empty.

    *digest* is the SHA-256 of `result.json`.
    """
    return page(
        "report.html.jinja",
        tongue,
        result=result,
        identity=identify(bytes.fromhex(result.card.atr)),
        summary=summarise(result),
        findings=view.findings(result),
        broken=view.by_requirement(view.findings(result)),
        told=TOLD_IN_FULL,
        gravity=view.gravity_of(result),
        unjudged=view.unjudged(result),
        plates=view.plates(result.statement.declared),
        requirements={one.id: one for one in result.requirements},
        annex=annex(result, folder, tongue),
        digest=digest,
    )


def page(template: str, tongue: Language, **values: Any) -> str:
    """The page that *template* makes of *values* in the language *tongue*."""
    parts = {
        "style": _read("styles/page.css"),
        "night": _read("styles/dark.css"),
        "script": _read("script/page.js"),
    }
    return (
        _environment(tongue.code)
        .get_template(template)
        .render(
            **{name: Markup(part) for name, part in parts.items()},  # noqa: S704  our own files
            hashes={name: _csp_hash(part) for name, part in parts.items()},
            **values,
        )
    )


@cache
def _environment(code: str) -> Environment:
    tongue = language(code)
    environment = Environment(
        loader=FunctionLoader(lambda name: _read(f"templates/{name}")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalize,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        tongue.gettext, tongue.ngettext, newstyle=True
    )
    environment.filters |= {
        "spaced": octets.spaced,
        "duration": duration,
        "moment": moment,
        "gloss": lambda answer: gloss(answer, tongue),
        "script": view.script_of,
        "slug": slug,
        "tell": lambda text: sentence(text, tongue),
        "phrase": lambda note: phrase(note, tongue),
        "say": tongue.gettext,
        "shape": lambda verdict: SHAPES.get(verdict) or OUTCOME_SHAPES[verdict],
    }
    environment.globals |= {
        "language": tongue,
        "of": tongue.of,
        "Verdict": Verdict,
        "Outcome": Outcome,
        "Level": Level,
        "Risk": Risk,
    }
    return environment


def _finalize(value: object) -> object:
    if isinstance(value, Markup):
        return Markup(octets.visible(value))  # noqa: S704  only names characters, adds no markup
    return octets.visible(value) if isinstance(value, str) else value


@cache
def _read(path: str) -> str:
    place = resource_root("reports")
    for part in path.split("/"):
        place = place / part
    return place.read_text("utf-8")


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
