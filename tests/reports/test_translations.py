# ruff: noqa: RUF001 - Chinese has its own punctuation

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.pofile import read_po as babel_read_po
from untranslated import CONTEXT, interface, requirements, sentences, titles, untranslated

from conformance.catalogue import load_catalogue
from conformance.reporting.language import LANGUAGES, Language, language, read_po
from conformance.reporting.sentences import sentence
from conformance.trouble import UsageError

ROOT = Path(__file__).parents[2]
CATALOGUES = sorted((ROOT / "reports" / "locale").rglob("*.po"))
FOREIGN = [code for code in LANGUAGES if code != "en"]
PLACES = ("{1}", "{2}", "{3}", "{4}")
ADVICE = "tests/reports/untranslated.py prints the entries to fill in"


def test_there_is_something_to_translate() -> None:
    assert {"Findings", "%(n)s byte", "{n} byte", "offset {n}", "file identifier"} <= interface()


@pytest.mark.parametrize("code", FOREIGN)
def test_the_interface_is_translated(code: str) -> None:
    assert untranslated(code, (("", text) for text in interface())) == [], ADVICE


@pytest.mark.parametrize("code", FOREIGN)
def test_every_requirement_is_translated(code: str) -> None:
    assert untranslated(code, requirements()) == [], ADVICE


@pytest.mark.parametrize("code", FOREIGN)
def test_every_title_of_a_case_is_translated(code: str) -> None:
    assert untranslated(code, titles()) == [], ADVICE


@pytest.mark.parametrize("code", FOREIGN)
def test_whatever_the_judge_says_of_a_verdict_is_translated(code: str) -> None:
    assert untranslated(code, ((CONTEXT, text) for text in sentences())) == [], ADVICE


@pytest.mark.parametrize("code", FOREIGN)
def test_nothing_is_left_of_titles_and_sentences_that_are_gone(code: str) -> None:
    wanted = {*titles(), *((CONTEXT, text) for text in sentences())}
    for name in ("cases.po", "sentences.po"):
        held = {key for key, _ in read_po(ROOT / "reports" / "locale" / code / name)}
        assert held - wanted == set()


@pytest.mark.parametrize("code", FOREIGN)
def test_no_translation_is_left_over(code: str) -> None:
    known = {text for context, text in language(code).text if not context}
    assert known - interface() == {"and %(n)s more"}, "the last is of the Markdown summary"


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
            for place in (*("%(n)s", "{n}", "{h}", "%%", "<strong>", "<kbd>"), *PLACES):
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


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("no DF has a name", "没有 DF 有名称"),
        ("no linear-fixed EF is declared writable", "没有定长线性 EF 声明为可写"),
        ("READ BINARY answered 6A82", "READ BINARY 应答 6A82"),
        ("READ BINARY answered 00... (20 bytes) 9000", "READ BINARY 应答 00…（共 20 字节）9000"),
        ("9000, 61XX with 5 to 6 bytes: 7816-4/a", "9000, 61XX，5 至 6 字节：7816-4/a"),
        (
            "a wrong guess would bring 01 below its floor of 2 tries; that needs --risk destroy",
            "错误的猜测会使 01 低于 2 次的下限；需要 --risk destroy",
        ),
        (
            "9000 with 4 bytes + 2 bytes + 0100, MAC1 right: pboc/a",
            "9000，4 字节 + 2 字节 + 0100，MAC1 正确：pboc/a",
        ),
        (
            "the statement does not declare (a.b or c.d-e) and not f.g",
            "实现声明未声明 (a.b 或 c.d-e) 且 非 f.g",
        ),
        ("what nobody ever said", "what nobody ever said"),
        ("", ""),
    ],
)
def test_a_sentence_is_found_again_by_its_template(english: str, chinese: str) -> None:
    assert sentence(english, language("zh")) == chinese
    assert sentence(english, language("en")) == english
