"""`conformance` and plain pytest: exit codes, files, replay, interruption, errors in a line."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from commanding import PROGRAM, Command, plain_pytest

USAGE = 3


def result_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text("utf-8"))
    return found


def test_a_sound_card_is_conformant(
    conformance: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = conformance(
        "run",
        "--card",
        "sim:iso7816",
        "--examples",
        "5",
        "--out",
        "r",
        "--lab",
        "ours",
    )
    assert run.returncode == 0, run.stdout + run.stderr
    result = result_in(tmp_path / "r")
    assert result["run"]["outcome"] == "conformant"
    assert result["run"]["lab"] == "ours"
    assert not [one for one in result["requirements"] if one["verdict"] == "FAIL"]
    assert {path.name for path in (tmp_path / "r").iterdir()} >= {
        "result.json",
        "trace.jsonl",
        "junit.xml",
        "report.html",
    }
    trace = (tmp_path / "r" / "trace.jsonl").read_text("utf-8")
    assert "0020000104{pin:01}" in trace
    assert "0431323334" not in trace
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


@pytest.mark.parametrize(
    ("mutant", "requirement"),
    [
        ("binary/off-by-one", "7816-4/binary/"),
        ("verify/counter-stands-still", "7816-4/verify/counter-decreases"),
        ("access/read-rule-ignored", "7816-4/access/read-refused"),
    ],
)
def test_a_faulty_card_is_found_and_its_script_replays(
    conformance: Command, mutant: str, requirement: str, tmp_path: Path
) -> None:
    area = mutant.partition("/")[0]
    run = conformance(
        *("run", "--card", f"mutant:{mutant}", "--examples", "5"),
        *("--area", area, "--out", str(tmp_path)),
    )
    assert run.returncode == 1, run.stdout + run.stderr
    assert requirement in run.stdout
    failed = [one for one in result_in(tmp_path)["cases"] if one["verdict"] == "FAIL"]
    chosen = [one for one in failed if one["failure"]["requirement"].startswith(requirement)]
    script = chosen[0]["failure"]["script"]
    assert 1 <= len(script) <= 5
    assert "expected" in script[-1]
    again = conformance("replay", str(tmp_path), chosen[0]["id"])
    assert again.returncode == 1, again.stdout + again.stderr
    assert "expected" in again.stdout
    sound = conformance("replay", str(tmp_path), chosen[0]["id"], "--card", "sim:iso7816")
    assert sound.returncode == 0, sound.stdout + sound.stderr


def test_the_same_seed_gives_the_same_verdicts_and_trace(
    conformance: Command, tmp_path: Path
) -> None:
    for name, seed in (("a", "4"), ("b", "4"), ("c", "5")):
        conformance(
            *("run", "--card", "sim:iso7816", "--examples", "5"),
            *("--seed", seed, "--out", str(tmp_path / name)),
        )
    a, b, c = (untimed(tmp_path / name) for name in "abc")
    assert a == b
    assert a[0] == c[0]
    assert a[1] != c[1]


def untimed(folder: Path) -> tuple[dict[str, str], list[dict[str, Any]]]:
    verdicts = {one["id"]: one["verdict"] for one in result_in(folder)["requirements"]}
    lines = (folder / "trace.jsonl").read_text("utf-8").splitlines()
    exchanges = [json.loads(line) for line in lines]
    for exchange in exchanges:
        del exchange["seconds"]
    return verdicts, exchanges


def test_control_c_leaves_a_result_and_a_report_can_be_made(
    conformance: Command, tmp_path: Path
) -> None:
    trace = tmp_path / "trace.jsonl"
    arguments = ["run", "--card", "sim:iso7816", "--examples", "100000", "--out", str(tmp_path)]
    with subprocess.Popen([str(PROGRAM), *arguments], stdout=subprocess.DEVNULL) as run:
        try:
            deadline = time.monotonic() + 60
            while not (trace.exists() and trace.stat().st_size > 500_000):
                assert time.monotonic() < deadline
                assert run.poll() is None
                time.sleep(0.05)
            kept = result_in(tmp_path)
            assert kept["run"]["interrupted"]
            run.send_signal(signal.SIGINT)
            assert run.wait(timeout=60) == 2
        finally:
            run.kill()  # or leaving the block would wait for it
    result = result_in(tmp_path)
    assert result["run"]["interrupted"]
    assert result["run"]["outcome"] == "interrupted"
    assert len(result["cases"]) > 50
    (tmp_path / "report.html").unlink(missing_ok=True)
    assert conformance("report", "html", str(tmp_path)).returncode == 0
    assert (tmp_path / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "--card", "sim:nothing"], "iso7816"),
        (["run", "--card", "iso7816"], "expected sim:PROFILE"),
        (["run", "--card", "radio:x"], "expected sim:PROFILE"),
        (["run"], "--card"),
        (["run", "--card", "sim:iso7816", "--risk", "reckless"], "observe, restore"),
        (["run", "--card", "sim:iso7816", "--area", "moon"], "select"),
        (["run", "--card", "sim:iso7816", "--ics", "no.toml"], "no.toml"),
        (["run", "--card", "sim:iso7816", "--keys", "no.toml"], "no.toml"),
        (["run", "--card", "recorded:nowhere"], "nowhere"),
        (["replay", "nowhere", "a/b"], "nowhere"),
        (["report", "html", "nowhere"], "nowhere"),
        (["mutants", "--name", "x"], "x"),
        (["mutants", "-n", "0"], "-n 0"),
        (["run", "--card", "sim:iso7816", "--budget", "soon"], "--budget soon"),
        (["compare", "nowhere", "nowhere"], "nowhere"),
        (["ics", "check", "no.toml"], "no.toml"),
        (["nonsense"], "nonsense"),
    ],
)
def test_our_own_errors_are_one_line(
    conformance: Command,
    arguments: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    run = conformance(*arguments)
    assert run.returncode == USAGE
    assert told in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
    assert "Traceback" not in run.stderr


def test_a_statement_for_another_card_is_refused(conformance: Command, tmp_path: Path) -> None:
    room = Path(__file__).parents[2] / "conformance" / "statements"
    text = (room / "iso7816.toml").read_text("utf-8")
    other = tmp_path / "other.toml"
    other.write_text(text.replace("F7C1FB7B", "F7C1FA7A"), "utf-8")
    keys = str(room / "iso7816.keys.toml")
    arguments = ["run", "--card", "sim:iso7816", "--ics", str(other), "--keys", keys]
    run = conformance(*arguments, "--out", str(tmp_path / "out"))
    assert run.returncode == USAGE
    assert "card.atr" in run.stderr
    forced = conformance(
        *arguments, "--any-atr", "--area", "atr", "--out", str(tmp_path / "forced")
    )
    assert forced.returncode == 1
    assert "7816-3/atr/same-after-reset" in forced.stdout


def test_a_statement_is_checked(conformance: Command, tmp_path: Path) -> None:
    room = Path(__file__).parents[2] / "conformance" / "statements"
    run = conformance("ics", "check", str(room / "iso7816.toml"))
    assert run.returncode == 0
    assert "requirements concern this card" in run.stdout
    bad = tmp_path / "bad.toml"
    bad.write_text("schema = 1\n", "utf-8")
    refused = conformance("ics", "check", str(bad))
    assert refused.returncode == USAGE
    assert "card: Field required" in refused.stderr


def test_cases_and_requirements_are_listed(conformance: Command) -> None:
    cases = conformance("list")
    assert cases.returncode == 0
    assert "select/by-name" in cases.stdout
    matrix = conformance("list", "--requirements")
    assert "7816-4/select/by-name" in matrix.stdout
    assert ", 0 uncovered," in matrix.stdout


def test_a_recorded_run_is_judged_again_without_the_card(
    conformance: Command, tmp_path: Path
) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    common = ["run", "--examples", "3", "--seed", "8"]
    conformance(*common, "--card", "mutant:verify/any-value", "--out", str(first))
    again = conformance(*common, "--card", f"recorded:{first}", "--out", str(second))
    assert again.returncode == 1, again.stderr
    assert untimed(second) == untimed(first)
    other = conformance(*common[:-1], "9", "--card", f"recorded:{first}", "--out", str(third))
    assert other.returncode == 4
    assert "the record" in other.stderr


def test_a_record_with_keys_in_it_is_judged_again_by_who_holds_them(
    conformance: Command, tmp_path: Path
) -> None:
    """The file that anybody may read holds all bytes there are, so the channel's test key, too."""
    common = ["run", "--examples", "3", "--area", "binary"]
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    conformance(*common, "--card", "sim:globalplatform", "--out", str(first))
    assert ":CHANNEL}" in (first / "trace.jsonl").read_text()
    again = conformance(*common, "--card", f"recorded:{first}", "--out", str(second))
    assert again.returncode == 0, again.stderr
    assert untimed(second) == untimed(first)
    keys = tmp_path / "keys.toml"
    keys.write_text(
        'schema = 1\n[pin]\n"01" = "31323334"\n"81" = "313233343536"\n"02" = "3132333435363738"\n'
    )
    keys.chmod(0o600)
    card = ("--card", f"recorded:{first}", "--keys", str(keys))
    without = conformance(*common, *card, "--out", str(third))
    assert without.returncode == 4
    assert "the record withholds" in without.stderr


def test_the_suite_is_plain_pytest(tmp_path: Path) -> None:
    options = ["--card-examples", "2", "-p", "no:cacheprovider", "-q"]
    run = plain_pytest("--card", "sim:iso7816", *options, cwd=tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"^\d{3} passed", run.stdout, re.MULTILINE), run.stdout
    faulty = plain_pytest(
        "--card", "mutant:verify/any-value", *options, "-k", "verify", cwd=tmp_path
    )
    assert faulty.returncode == 1
    assert "requirement 7816-4/verify/wrong-value" in faulty.stdout
    assert "{wrong:01}" in faulty.stdout


def test_the_suite_without_a_card_is_refused(tmp_path: Path) -> None:
    run = plain_pytest("-p", "no:cacheprovider", cwd=tmp_path)
    assert run.returncode == 4  # pytest's own word for a usage error
    assert "name one with --card" in run.stderr + run.stdout
    spread = plain_pytest("-p", "no:cacheprovider", "-n", "2", cwd=tmp_path)
    assert spread.returncode == 4
    assert "name one with --card" in spread.stderr
    wrong = plain_pytest("--card", "sim:nothing", cwd=tmp_path)
    assert wrong.returncode == 4
    assert "no such profile" in wrong.stderr + wrong.stdout
