"""The languages of a report: gettext catalogues (.po) read as they are, without a compile step.

English is the language of the sources. A translation is looked up by the English text, and for the
texts of the catalogue by their id (msgctxt) as well, so that a text which changed its meaning shows
in English rather than under a translation of the old one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources.abc import Traversable
from itertools import chain

from conformance.resources import resource_root
from conformance.trouble import UsageError

# What --lang takes, and what the `lang` attribute of the page says then.
LANGUAGES = {"en": "en", "zh": "zh-Hans"}
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Language:
    """One language: `text` is what gettext calls its catalogue, keyed by context and msgid."""

    code: str
    text: Mapping[Key, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @property
    def html(self) -> str:
        """The value of the `lang` attribute."""
        return LANGUAGES[self.code]

    def gettext(self, message: str) -> str:
        """*message* in this language; *message* itself where there is no translation."""
        return self.of("", message)

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """The form for *number*. Chinese has one form, English two."""
        forms = self.text.get(("", singular))
        if forms:
            return forms[0]
        return singular if number == 1 else plural

    def of(self, context: str, message: str) -> str:
        """The translation of *message* where it belongs to *context*, a requirement's id say."""
        forms = self.text.get((context, message))
        return forms[0] if forms and forms[0] else message


@cache
def language(code: str) -> Language:
    """The language called *code*; UsageError names those there are."""
    if code not in LANGUAGES:
        raise UsageError(f"--lang {code}: there is {' and '.join(LANGUAGES)}")
    room = resource_root("reports") / "locale" / code
    if not room.is_dir():
        return Language(code)
    catalogues = sorted(
        (entry for entry in room.iterdir() if entry.name.endswith(".po")), key=lambda e: e.name
    )
    return Language(code, dict(chain.from_iterable(map(read_po, catalogues))))


def read_po(file: Traversable) -> Iterator[tuple[Key, tuple[str, ...]]]:
    """The entries of a .po file, header and obsolete entries left out.

    UsageError names the line that is no .po.
    """
    entry: dict[str, str] = {}
    current = ""
    for number, line in enumerate([*file.read_text("utf-8").split("\n"), ""], start=1):
        keyword, _, rest = line.strip().partition(" ")
        if not keyword or keyword.startswith("#"):
            if entry and not keyword:
                yield from _entry(entry)
                entry = {}
            continue
        if keyword.startswith('"'):
            keyword, rest = current, line.strip()
        elif keyword not in {"msgctxt", "msgid", "msgid_plural"} and keyword[:6] != "msgstr":
            raise UsageError(f"{file}: line {number}: {keyword} is no keyword of a .po file")
        current = keyword
        entry[keyword] = entry.get(keyword, "") + _quoted(rest, f"{file}: line {number}")


def _entry(entry: Mapping[str, str]) -> Iterator[tuple[Key, tuple[str, ...]]]:
    if entry.get("msgid"):
        forms = tuple(value for key, value in entry.items() if key.startswith("msgstr"))
        yield (entry.get("msgctxt", ""), entry["msgid"]), forms


def _quoted(text: str, origin: str) -> str:
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"{origin}: {text} is no quoted string") from error
    if not isinstance(value, str):
        raise UsageError(f"{origin}: {text} is no quoted string")
    return value
