"""Finds every text of a report that needs a translation, and prints what has none yet.

    .venv/bin/python tests/reports/untranslated.py [zh]

Texts of the interface stand in templates, tables and notes; those of requirements in the catalogue;
titles of cases in the docstrings of the suite. What the judge says of a verdict is made from string
literals in its code: an f-string becomes a template with `{1}`, `{2}` for what is filled in. The
output is ready to be pasted into reports/locale/zh/*.po.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from jinja2 import Environment
from jinja2.ext import extract_from_ast

from conformance.catalogue import load_catalogue
from conformance.engine import all_cases
from conformance.judge import RESTORED
from conformance.layout import Kind
from conformance.reporting import tables
from conformance.reporting.language import language
from conformance.reporting.sentences import CONTEXT, OPERATORS

ROOT = Path(__file__).parents[2]
JUDGE = ROOT / "conformance"
TEMPLATES = sorted((ROOT / "reports" / "templates").rglob("*.jinja"))
SPEAKERS = frozenset(
    {
        *("NotRun", "NotApplicable", "not_applicable", "some", "NotPutBack", "NotCarried"),
        *("CardLost", "Refused", "require", "Unmet", "Violation", "_violation"),
        *("MalformedAPDU", "MalformedATR", "MalformedTLV"),
    }
)
"""What a sentence about a verdict is handed to."""
TALKING = (
    *("atr", "budget", "custody", "familyguard", "guard", "laws", "record", "spread"),
    *("terminal", "trial"),
    *("model/exact", "model/outcome", "model/pboc/proofs", "model/pboc/module"),
    *("operationsguard", "model/operations/ciphering", "model/operations/keypairs"),
    *("model/operations/proofs", "model/operations/signatures"),
)
"""Modules that say what happened in other ways: every sentence in them counts."""
FILLED_IN = (
    *("budget", "read", "update", "compact", "expanded", "referenced", "{1} + {2}", "{1}; {2}"),
    *OPERATORS,
)
"""What is put into the places of a template without being a literal: words, fields in a row."""
ASIDE = frozenset({"UsageError", "ValueError", "TypeVar", "run", "arguments"})
Key = tuple[str, str]


def in_templates() -> Iterator[str]:
    """The texts of the templates; of two forms the singular, as in a catalogue."""
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
    """The texts of the notes in the code; of two forms the singular."""
    for path in sorted((JUDGE / "reporting").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Note"):
                continue
            singular = [word.value for word in node.keywords if word.arg == "one"]
            text = (singular or node.args)[0]
            if isinstance(text, ast.Constant):
                yield text.value


def template(node: ast.expr) -> str:
    """The string that *node* makes, with `{1}`, `{2}` for what is filled in; "" for no string."""
    parts: list[str | None] = []
    _collect(node, parts)
    if not any(parts):
        return ""
    text, number = "", 0
    for part in parts:
        number += part is None
        text += f"{{{number}}}" if part is None else part
    return text


def _collect(node: ast.expr, parts: list[str | None]) -> None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        parts.append(node.value)
    elif isinstance(node, ast.JoinedStr):
        for value in node.values:
            _collect(value, parts)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        _collect(node.left, parts)
        _collect(node.right, parts)
    else:
        parts.append(None)


def is_sentence(text: str) -> bool:
    """Whether *text* is for people: words, not an id, a pattern or a number."""
    words = text.split()
    plain = [word for word in words if word.strip(",.;:()'").isalpha() and word.islower()]
    return len(words) > 1 and len(plain) >= 1 and "\n" not in text


def _outer(node: ast.AST, *, inside: bool) -> Iterator[ast.expr]:
    """The outermost strings below *node* that count: all of them when *inside*."""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in ASIDE:
            return
        inside = inside or name in SPEAKERS
    if isinstance(node, ast.Assert) or _is_docstring(node) or _is_enum(node):
        return
    if inside and isinstance(node, ast.JoinedStr | ast.Constant | ast.BinOp):
        if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Add):
            return
        yield node
        return
    for child in ast.iter_child_nodes(node):
        yield from _outer(child, inside=inside)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_enum(node: ast.AST) -> bool:
    bases = node.bases if isinstance(node, ast.ClassDef) else []
    return any(getattr(base, "id", "").endswith("Enum") for base in bases)


def sentences() -> set[str]:
    """The templates of everything the judge says of a verdict."""
    found = {*(kind.value for kind in Kind), *FILLED_IN} - {"df"}
    talking = {JUDGE / f"{name}.py" for name in TALKING}
    for path in sorted(JUDGE.rglob("*.py")):
        room = path.relative_to(JUDGE).parts[0]
        if room in {"reporting", "mutants", "crypto", "catalogue", "interview"}:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        for node in _outer(tree, inside=path in talking):
            text = template(node)
            if is_sentence(text):
                found.add(text)
    return found


def interface() -> set[str]:
    """The texts that have no context."""
    return {*in_templates(), *in_notes(), *tables.messages()}


def titles() -> Iterator[Key]:
    """The titles of the cases, by their ids."""
    return ((one.id, one.title) for one in (*all_cases(), RESTORED))


def requirements() -> Iterator[Key]:
    """The texts of the requirements, by their ids."""
    return ((one.id, one.text) for one in load_catalogue())


def untranslated(code: str, wanted: Iterable[Key]) -> list[Key]:
    """Those of *wanted*, contexts and texts, that the catalogue of *code* does not have."""
    known = language(code).text
    return [key for key in wanted if not known.get(key, ("",))[0]]


def main() -> None:
    """Print entries to fill in."""
    code = sys.argv[1] if len(sys.argv) > 1 else "zh"
    groups = {
        "interface.po": sorted(("", text) for text in interface()),
        "requirements.po": list(requirements()),
        "cases.po": list(titles()),
        "sentences.po": sorted((CONTEXT, text) for text in sentences()),
    }
    for file, wanted in groups.items():
        missing = untranslated(code, wanted)
        sys.stdout.write(f"# {len(missing)} missing in reports/locale/{code}/{file}\n\n")
        for context, text in missing:
            quoted = text.replace("\\", "\\\\").replace('"', '\\"')
            head = f'msgctxt "{context}"\n' if context else ""
            sys.stdout.write(f'{head}msgid "{quoted}"\nmsgstr ""\n\n')


if __name__ == "__main__":
    main()
