"""Judges a card whose secrets nobody can overlook, and looks for them in everything written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conformance.report import write_all
from conformance.result import read_result
from conformance.verdict import Verdict

ROOT = Path(__file__).parents[2]
PROFILE = ROOT / "simcard" / "profiles" / "iso7816.toml"
STATEMENT = ROOT / "conformance" / "statements" / "iso7816.toml"
# As long as those they stand in for, and improbable in hexadecimal, text or a digest.
SECRETS = {"01": ("1234", "7Kq#"), "02": ("12345678", "Zx9!Lm3&"), "81": ("123456", "pW5@rT")}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run against that card; its statement is wrong about the tries, so that cases fail."""
    folder = tmp_path_factory.mktemp("secrets")
    profile = PROFILE.read_text("utf-8").replace('encoding = "ascii"', 'encoding = "raw"')
    keys = ["schema = 1", "[pin]"]
    for name, (published, secret) in SECRETS.items():
        assert profile.count(f'text = "{published}"') == 1
        profile = profile.replace(f'text = "{published}"', f'text = "{secret}"')
        keys.append(f'"{name}" = "{secret.encode().hex().upper()}"')
    statement = STATEMENT.read_text("utf-8")
    assert "tries = 3" in statement
    (folder / "card.toml").write_text(profile, "utf-8")
    (folder / "ics.toml").write_text(statement.replace("tries = 3", "tries = 2"), "utf-8")
    (folder / "ics.keys.toml").write_text("\n".join(keys), "utf-8")
    (folder / "ics.keys.toml").chmod(0o600)
    run = subprocess.run(
        [
            *(sys.executable, "-c", "from conformance.cli import main; main()", "run"),
            *("--card", f"sim:{folder / 'card.toml'}", "--ics", folder / "ics.toml"),
            *("--examples", "10", "--area", "verify", "--area", "access", "--out", folder / "out"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 1, run.stderr
    (folder / "out" / "printed.txt").write_text(run.stdout + run.stderr, "utf-8")
    for lang in ("en", "zh"):
        write_all(folder / "out", lang)
    return folder / "out"


def forms(secret: str) -> set[bytes]:
    """A secret and its like (the guesses made from it) as bytes, as text, and as hexadecimal."""
    value = secret.encode()
    found = set()
    for raw in (value, value[:-1] + bytes((value[-1] ^ 1,)), bytes((value[0] ^ 1,)) + value[1:]):
        hexadecimal = raw.hex()
        for text in (hexadecimal, raw.hex(" "), repr(raw)[2:-1]):
            found |= {text.encode(), text.upper().encode(), text.lower().encode()}
        found.add(raw)
    return found


def test_the_run_used_the_secrets_and_failed_with_them(judged: Path) -> None:
    result = read_result(judged)
    passed = {case.id for case in result.cases if case.verdict is Verdict.PASS}
    assert any(name.startswith("verify/") for name in passed), "the right values were known"
    failures = [case.failure for case in result.cases if case.failure]
    scripts = [step.command for one in failures for step in one.script]
    assert any("{wrong:" in command or "{pin:" in command for command in scripts)
    assert "{pin:" in (judged / "trace.jsonl").read_text("utf-8")


@pytest.mark.parametrize("name", SECRETS)
def test_no_artefact_holds_a_secret(judged: Path, name: str) -> None:
    artefacts = sorted(path for path in judged.iterdir() if path.is_file())
    assert {path.name for path in artefacts} >= {
        *("result.json", "trace.jsonl", "report.html", "report.zh.html", "junit.xml"),
        *("summary.md", "printed.txt"),
    }
    for path in artefacts:
        content = path.read_bytes()
        for form in forms(SECRETS[name][1]):
            assert form not in content, f"{path.name} holds {form!r}"
