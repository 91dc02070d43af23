"""What the judge says of a verdict, in another language: found again by its template.

A result holds sentences in English, with what was seen put in. The catalogue has the templates they
were made from, `{1}` and `{2}` standing for what is put in; a part that is a sentence itself is
translated as well. `tests/reports/untranslated.py` finds the templates in the judge's code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from conformance.reporting.language import Language, language

CONTEXT = "sentence"
OPERATORS = ("and", "or", "not")
"""What joins the facts of a condition, such as `file.cyclic and not feature.channels`."""
PLACE = re.compile(r"\{(\d+)\}")


class Template(NamedTuple):
    """One template: what a sentence made from it looks like, and its translation."""

    pattern: re.Pattern[str]
    text: str


def sentence(text: str, tongue: Language) -> str:
    """*text* in the language *tongue*; as it is where no template fits."""
    return _translated(text, tongue.code) if tongue.text else text


@lru_cache(maxsize=4096)
def _translated(text: str, code: str) -> str:
    whole = language(code).of(CONTEXT, text)
    if whole != text:
        return whole
    words = [word.strip("()") for word in text.split(" ")]
    if len(words) > 1 and all(word in OPERATORS or "." in word[1:-1] for word in words):
        joined = (language(code).of(CONTEXT, word) for word in re.split("([ ()])", text))
        return "".join(joined)
    for template in _templates(code):
        found = template.pattern.fullmatch(text)
        if found:
            return _filled(template.text, [_translated(part, code) for part in found.groups()])
    return text


def _filled(text: str, parts: Sequence[str]) -> str:
    return PLACE.sub(lambda place: parts[int(place[1]) - 1], text)


@cache
def _templates(code: str) -> tuple[Template, ...]:
    """The templates with places to fill, those with the most words of their own first."""
    found = [
        (message, forms[0])
        for (context, message), forms in language(code).text.items()
        if context == CONTEXT and forms[0] and PLACE.search(message)
    ]
    found.sort(key=lambda pair: len(PLACE.sub("", pair[0])), reverse=True)
    return tuple(Template(_pattern(message), text) for message, text in found)


def _pattern(message: str) -> re.Pattern[str]:
    """The pattern of *message*: a count of bytes is one word, whatever else is filled in is not."""
    first, *others = PLACE.split(message)[::2]
    pattern = re.escape(first)
    for part in others:
        place = r"(\S+)" if part.startswith(" bytes") else "(.+?)"
        pattern += place + re.escape(part)
    return re.compile(pattern, re.DOTALL)
