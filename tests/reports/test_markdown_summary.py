from __future__ import annotations

from conformance.reporting.language import language
from conformance.reporting.markdown import code, escape, fenced, markdown
from conformance.result import Result


def test_the_sample_says_what_fails_and_how(sample_result: Result) -> None:
    text = markdown(sample_result, language("en"))
    assert text.startswith("# Sample card, firmware 1.2: Non-conformant\n")
    assert "| Transparent EFs | 4 | 1 | 0 | 0 | 2 |" in text
    assert "> 00B0000702\n< 08099000  expected 0708 and 9000" in text
    assert "`conformance replay . verify/wrong --card 'pcsc:Sample Reader 00 00'`" in text
    assert "needs risk level destroy" in text


def test_it_speaks_chinese(sample_result: Result) -> None:
    assert "不符合" in markdown(sample_result, language("zh"))


def test_text_is_shown_as_it_is() -> None:
    assert escape("a|b *c* <d>\n# e") == r"a\|b \*c\* \<d\> \# e"
    assert code("a`b``c") == "```a`b``c```"
    assert code("`a") == "`` `a ``"
    assert fenced("```\nx") == "````\n```\nx\n````"
