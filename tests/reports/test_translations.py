from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po as babel_read_po
from jinja2 import Environment
from jinja2.ext import extract_from_ast

from conformance.catalogue import load_catalogue
from conformance.reporting import tables
from conformance.reporting.language import LANGUAGES, Language, language, read_po
from conformance.trouble import UsageError

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "reports" / "templates").rglob("*.jinja"))
CATALOGUES = sorted((ROOT / "reports" / "locale").rglob("*.po"))
FOREIGN = [code for code in LANGUAGES if code != "en"]


def in_templates() -> Iterator[str]:
    environment = Environment(
        extensions=["jinja2.ext.i18n"], trim_blocks=True, lstrip_blocks=True, autoescape=True
    )
    environment.newstyle_gettext = True  # type: ignore[attr-defined]
    for template in TEMPLATES:
        tree = environment.parse(template.read_text("utf-8"))
        for _, _, message in extract_from_ast(tree):
            text = message[0] if isinstance(message, tuple) else message
            if text:
                yield text


def in_notes() -> Iterator[str]:
    """The texts of the notes in the code; of two forms the singular, as in a catalogue."""
    for path in sorted((ROOT / "conformance" / "reporting").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Note"):
                continue
            singular = [word.value for word in node.keywords if word.arg == "one"]
            text = (singular or node.args)[0]
            if isinstance(text, ast.Constant):
                yield text.value


def interface() -> set[str]:
    return {*in_templates(), *in_notes(), *tables.messages()}


def test_there_is_something_to_translate() -> None:
    assert {"Findings", "%(n)s byte", "{n} byte", "offset {n}", "file identifier"} <= interface()


@pytest.mark.parametrize("code", FOREIGN)
def test_the_interface_is_translated(code: str) -> None:
    known = {
        text for (context, text), forms in language(code).text.items() if not context and forms[0]
    }
    assert interface() - known == set()


@pytest.mark.parametrize("code", FOREIGN)
def test_no_translation_is_left_over(code: str) -> None:
    known = {text for context, text in language(code).text if not context}
    assert known - interface() == {"and %(n)s more"}, "the last is of the Markdown summary"


@pytest.mark.parametrize("code", FOREIGN)
def test_every_requirement_is_translated(code: str) -> None:
    tongue = language(code)
    missing = [
        one.id for one in load_catalogue() if not tongue.text.get((one.id, one.text), ("",))[0]
    ]
    assert missing == [], "add them to reports/locale/zh/requirements.po under their ids"


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_area_and_harm_has_a_name(code: str) -> None:
    catalogue = load_catalogue()
    areas = {("area", one.area) for one in catalogue}
    harms = {("harm", name) for name in catalogue.harms}
    wanted = areas | harms
    if code in FOREIGN:
        wanted |= {("harm", text) for text in catalogue.harms.values()}
    assert {key for key in wanted if not language(code).text.get(key, ("",))[0]} == set()


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_translation_keeps_its_places(path: Path) -> None:
    for (_, text), forms in read_po(path):
        for form in forms:
            for place in ("%(n)s", "{n}", "{h}", "{1}", "{2}", "%%", "<strong>", "<kbd>"):
                assert (place in text) == (place in form), text
            assert form.count("%(") == text.count("%("), text


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_our_reader_agrees_with_that_of_babel(path: Path) -> None:
    with path.open("rb") as file:
        theirs = babel_read_po(file)
    found = {
        (one.context or "", one.id[0] if isinstance(one.id, tuple) else one.id): (
            tuple(one.string) if isinstance(one.string, list | tuple) else (one.string,)
        )
        for one in theirs
        if one.id
    }
    assert dict(read_po(path)) == found


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('msgid "a"\nmsgstr b\n', "line 2: b is no quoted string"),
        ('msgid "a"\nmsgstr 7\n', "line 2: 7 is no quoted string"),
        ('msgid "a"\nnonsense "b"\n', "line 2: nonsense is no keyword"),
    ],
)
def test_a_broken_catalogue_names_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "x.po"
    path.write_text(text)
    with pytest.raises(UsageError, match=complaint):
        dict(read_po(path))


def test_forms_follow_the_number() -> None:
    english, chinese = Language("en"), language("zh")
    assert english.ngettext("%(n)s byte", "%(n)s bytes", 1) == "%(n)s byte"
    assert english.ngettext("%(n)s byte", "%(n)s bytes", 2) == "%(n)s bytes"
    assert chinese.ngettext("%(n)s byte", "%(n)s bytes", 1) == "%(n)s 字节"


def test_a_text_that_changed_its_meaning_is_not_translated() -> None:
    tongue = Language("zh", {("a/one", "It answers."): ("它响应。",)})
    assert tongue.of("a/one", "It answers.") == "它响应。"
    assert tongue.of("a/one", "It refuses.") == "It refuses."
