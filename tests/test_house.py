"""The style that a machine can keep, each rule with a fault planted to see that it bites.

A rule takes the root of a tree and yields a complaint a line. The arrows between the rooms are
contracts of import-linter in pyproject.toml; here they are run, and broken on purpose as well.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = ("simcard", "conformance")
DATA_ROOMS = ("vectors", "reports")
CORE = (
    "simcard/commands",
    "simcard/files",
    "simcard/memory",
    "simcard/messaging",
    "simcard/security",
)
LONGEST_MODULE = 400
LONGEST_FUNCTION = 50

TOP_LEVEL = {
    *PACKAGES,
    *DATA_ROOMS,
    *("tests", ".ci", ".github"),
    *("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "action.yml"),
    *("Makefile", "pyproject.toml", "requirements.lock", "requirements-pcsc.lock"),
    *(".gitignore", ".gitattributes", ".pre-commit-config.yaml"),
}

# Written in pieces, so that the rule does not complain about its own module.
HOLES = re.compile(
    "|".join(
        (
            "TO" + r"DO\b",
            "FIX" + r"ME\b",
            r"\bX" + r"XX\b",
            "NotImplemented" + "Error",
            r"pytest\.skip" + r"\(\)",
            "pragma: " + "no cover",
        )
    )
)
HEADING = re.compile(r"## \[(?:Unreleased|\d+\.\d+\.\d+)\](?: - \d{4}-\d{2}-\d{2})?$")
CHANGES = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def modules(root: Path, *rooms: str) -> Iterator[tuple[str, str]]:
    """Path from the root and text of every Python module in *rooms*."""
    for room in rooms:
        for path in sorted((root / room).rglob("*.py")):
            yield str(path.relative_to(root)), path.read_text("utf-8")


def modules_are_short(root: Path) -> Iterator[str]:
    for name, text in modules(root, *PACKAGES, "tests"):
        if (length := text.count("\n")) > LONGEST_MODULE:
            yield f"{name}: {length} lines; is it still one thing?"


def functions_are_short(root: Path) -> Iterator[str]:
    for name, text in modules(root, *PACKAGES, "tests"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                length = node.end_lineno - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    yield f"{name}:{node.lineno}: {node.name} has {length} lines"


def modules_open_with_a_sentence(root: Path) -> Iterator[str]:
    for name, text in modules(root, *PACKAGES):
        first = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
        if len(first.split()) < 3 or not first.endswith((".", "?")) or first[0].islower():
            yield f"{name}: opens with {first!r}, which is not a sentence"


def data_rooms_hold_no_python(root: Path) -> Iterator[str]:
    for name, _ in modules(root, *DATA_ROOMS):
        yield f"{name}: code in a room of data"


def the_card_does_not_know_which_card_it_is(root: Path) -> Iterator[str]:
    profiles = {path.stem for path in (root / "simcard" / "profiles").glob("*.toml")}
    for name, text in modules(root, *CORE):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and node.value in profiles:
                yield f"{name}:{node.lineno}: names the profile {node.value!r}"


def no_holes_are_left(root: Path) -> Iterator[str]:
    for name, text in modules(root, *PACKAGES, "tests"):
        for number, line in enumerate(text.splitlines(), 1):
            if hole := HOLES.search(line):
                yield f"{name}:{number}: {hole.group()}"


def the_changelog_is_kept(root: Path) -> Iterator[str]:
    lines = (root / "CHANGELOG.md").read_text("utf-8").splitlines()
    headings = [line for line in lines if line.startswith("## ")]
    if lines[:1] != ["# Changelog"] or headings[:1] != ["## [Unreleased]"]:
        yield "CHANGELOG.md: opens with '# Changelog', and its first release is '## [Unreleased]'"
    for line in lines:
        if line.startswith("## ") and not HEADING.match(line):
            yield f"CHANGELOG.md: {line!r} is not '## [1.2.3] - 2026-01-31'"
        if line.startswith("### ") and line[4:] not in CHANGES:
            yield f"CHANGELOG.md: {line!r} is none of {', '.join(sorted(CHANGES))}"


def the_top_is_tidy(root: Path) -> Iterator[str]:
    ignored = {line.strip("/") for line in (root / ".gitignore").read_text("utf-8").splitlines()}
    for path in sorted(root.iterdir()):
        if path.name not in TOP_LEVEL | ignored | {".git"}:
            yield f"{path.name}: what is it doing at the top?"


def the_lock_holds_what_is_asked_for(root: Path) -> Iterator[str]:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    extras = dict(project["optional-dependencies"])
    asked = {
        "requirements-pcsc.lock": extras.pop("pcsc"),
        "requirements.lock": project["dependencies"],
    }
    for extra in extras.values():
        asked["requirements.lock"] = asked["requirements.lock"] + extra
    for lock, requirements in asked.items():
        text = (root / lock).read_text("utf-8")
        locked = dict(re.findall(r"^([\w.-]+)==([\w.+!-]+)", text, re.MULTILINE))
        for requirement in map(Requirement, requirements):
            version = locked.get(canonicalize_name(requirement.name))
            if version is None or version not in requirement.specifier:
                yield f"{lock}: {requirement} is asked for, {version} is locked; run make lock"


Rule = Callable[[Path], Iterator[str]]
RULES: list[Rule] = [
    modules_are_short,
    functions_are_short,
    modules_open_with_a_sentence,
    data_rooms_hold_no_python,
    the_card_does_not_know_which_card_it_is,
    no_holes_are_left,
    the_changelog_is_kept,
    the_top_is_tidy,
    the_lock_holds_what_is_asked_for,
]

FAULTS: list[tuple[Rule, str, str]] = [
    (modules_are_short, "simcard/long.py", '"""A module of data."""\n' + "X = 1\n" * 400),
    (functions_are_short, "tests/test_long.py", "def f():\n" + "    g()\n" * 50),
    (functions_are_short, "conformance/a.py", "class A:\n  async def f():\n" + "    g()\n" * 50),
    (modules_open_with_a_sentence, "simcard/bare.py", "X = 1\n"),
    (modules_open_with_a_sentence, "simcard/label.py", '"""Utilities."""\n'),
    (modules_open_with_a_sentence, "conformance/half.py", '"""Things that are not"""\n'),
    (data_rooms_hold_no_python, "vectors/load.py", "X = 1\n"),
    (data_rooms_hold_no_python, "reports/html/page.py", "X = 1\n"),
    (the_card_does_not_know_which_card_it_is, "simcard/files/pick.py", "X = 'transit'\n"),
    (no_holes_are_left, "tests/test_hole.py", "# TO" + "DO: later\n"),
    (no_holes_are_left, "simcard/hole.py", "raise NotImplemented" + "Error\n"),
    (no_holes_are_left, "tests/test_skip.py", "pytest.skip" + "()\n"),
    (the_changelog_is_kept, "CHANGELOG.md", "# Changelog\n\n### Added\n"),
    (the_changelog_is_kept, "CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n## 0.1\n"),
    (the_changelog_is_kept, "CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n### Misc\n"),
    (the_top_is_tidy, "notes.txt", "remember\n"),
    (the_lock_holds_what_is_asked_for, "requirements.lock", "rich==1.0\ntypes-rich==1.0\n"),
    (the_lock_holds_what_is_asked_for, "requirements-pcsc.lock", "setuptools==80.0\n"),
]

ARROWS = [
    ("simcard/status.py", "import simcard.card", "The floors of the card"),
    ("simcard/memory/page.py", "import simcard.crypto.blocks", "The floors of the card"),
    ("simcard/new_floor.py", "", "The floors of the card"),
    ("simcard/card.py", "import time", "The core does no I/O"),
    ("simcard/commands/iso.py", "from pathlib import Path", "The core does no I/O"),
    ("conformance/tlv.py", "import simcard.tlv", "The judge meets the card at one door"),
    ("simcard/cli.py", "import conformance.result", "The card never hears of its judge"),
    ("conformance/reporting/page.py", "import conformance.cards", "A report needs no card"),
    ("conformance/reopening.py", "import conformance.suite.items", "A card is put back without"),
    ("conformance/model/state.py", "import conformance.cards", "The model is the law"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its_rules(rule: Rule) -> None:
    assert list(rule(ROOT)) == []


@pytest.fixture(scope="module")
def tidy_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest tree that keeps every rule."""
    root = tmp_path_factory.mktemp("tidy")
    for room in (*PACKAGES, *DATA_ROOMS, "tests", *CORE, "simcard/profiles", "reports/html"):
        (root / room).mkdir()
    (root / "simcard/profiles/transit.toml").write_text('title = "A ticket"\n')
    for package in PACKAGES:
        (root / package / "__init__.py").write_text('"""A package with a purpose."""\n')
    (root / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n### Added\n\n- This.\n")
    (root / ".gitignore").write_text("out/\n")
    (root / "pyproject.toml").write_text(
        '[project]\ndependencies = ["rich>=2"]\n'
        '[project.optional-dependencies]\ndev = ["Types_Rich"]\npcsc = ["pyscard>=2.2"]\n'
    )
    (root / "requirements.lock").write_text("rich==2.1 \\\n    --hash=x\ntypes-rich==1.0\n")
    (root / "requirements-pcsc.lock").write_text("pyscard==2.3\n")
    return root


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_tidy_tree_draws_no_complaint(tidy_tree: Path, rule: Rule) -> None:
    assert list(rule(tidy_tree)) == []


@pytest.mark.parametrize(("rule", "place", "text"), FAULTS)
def test_a_planted_fault_is_found(
    tidy_tree: Path, tmp_path: Path, rule: Rule, place: str, text: str
) -> None:
    root = shutil.copytree(tidy_tree, tmp_path / "tree")
    (root / place).write_text(text)
    complaints = list(rule(root))
    assert len(complaints) == 1
    assert place in complaints[0]


def test_every_rule_has_a_fault_that_it_finds() -> None:
    assert {rule for rule, _, _ in FAULTS} == set(RULES)


def lint_imports(root: Path) -> tuple[int, str]:
    """Exit code and output of import-linter on the tree at *root*."""
    run = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, " ".join(run.stdout.split())


def test_the_arrows_point_down() -> None:
    code, output = lint_imports(ROOT)
    assert code == 0, output


@pytest.mark.parametrize(("place", "line", "contract"), ARROWS)
def test_an_arrow_that_points_up_is_found(
    tmp_path: Path, place: str, line: str, contract: str
) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / place).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")
    code, output = lint_imports(tmp_path)
    assert code == 1
    assert contract in output.partition("Broken contracts")[2]
