from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conformance.report_cli import app

Run = tuple[int, str]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True)
    return path


def run(*arguments: object) -> Run:
    """Exit code and output: a command returns its code, as `conformance.cli` expects."""
    result = CliRunner().invoke(app, [str(one) for one in arguments], standalone_mode=False)
    if result.exception:
        raise result.exception
    return int(result.return_value), result.output


def test_html_writes_three_files(sample: Path) -> None:
    for name in ("report.html", "junit.xml", "summary.md"):
        (sample / name).unlink()
    code, output = run("html", sample)
    assert code == 0
    assert output.split() == [
        str(sample / name) for name in ("report.html", "junit.xml", "summary.md")
    ]
    assert (sample / "report.html").exists()


def test_sign_then_verify(sample: Path, key: Path) -> None:
    assert run("verify", sample)[0] == 2
    assert run("sign", sample, "--key", key)[0] == 0
    code, output = run("verify", sample, "--key", key)
    assert (code, output.startswith("intact: ")) == (0, True)
    code, output = run("verify", sample)
    assert (code, "pass --key" in output) == (2, True)


def test_verify_names_what_was_altered(sample: Path, key: Path) -> None:
    run("sign", sample, "--key", key)
    path = sample / "result.json"
    path.write_bytes(path.read_bytes().replace(b'"seed": 7', b'"seed": 8', 1))
    code, output = run("verify", sample, "--key", key)
    assert code == 1
    assert "ALTERED result.json: altered in lines 1 to 64" in output


def test_compare_exits_1_on_a_regression(sample: Path, tmp_path: Path) -> None:
    worse = tmp_path / "worse"
    worse.mkdir()
    text = (
        (sample / "result.json")
        .read_text("utf-8")
        .replace('"verdict": "PASS"', '"verdict": "FAIL"', 1)
    )
    (worse / "result.json").write_text(text, "utf-8")
    page = tmp_path / "comparison.html"
    assert run("compare", sample, worse, "--out", page)[0] == 1
    assert run("compare", worse, sample, "--out", page)[0] == 0
    assert "Got fixed" in page.read_text("utf-8")


def test_index_lists_the_runs(sample: Path) -> None:
    code, output = run("index", sample.parent)
    assert (code, output.strip()) == (0, str(sample.parent / "index.html"))


def test_no_command_needs_a_card_or_the_simulator(sample: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from conformance.report import write_all;"
        f" write_all(Path({str(sample)!r}));"
        " assert not set(sys.modules) & {'simcard', 'smartcard'}"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
