"""The undo log: what is in it, which logs are refused, and `conformance restore` by its command."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from commanding import Command
from plastic import Incident, Killed, Plastic, contents, judged

from conformance import engine
from conformance.cards import CardUnderTest
from conformance.trouble import CardLost, UsageError
from conformance.undolog import (
    UNDO_FILE,
    CardEntry,
    PutBackEntry,
    UndoLog,
    ValueEntry,
    read_log,
    refuse_unfinished,
)
from conformance.verdict import Risk

IN_THE_BINARY_AREA = 480
CARD = (
    '{"entry":"card","schema":1,"spec":"sim:iso7816","atr":"3B878131FE458031F873F7C1FB7B",'
    '"statement":"iso7816.toml","ics":null,"keys":null,"risk":"restore"}\n'
)


@pytest.fixture
def broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plastic:
    """A card that was changed when the process died, in the reader for the next command."""
    card = Plastic("iso7816", Incident(Killed, IN_THE_BINARY_AREA, answered=True))
    judged(card, "iso7816", Risk.RESTORE, tmp_path, ("binary",))
    card.incident = None
    card.reset()
    for command in ("00A4080C047F100001", "00D6000002BEEF"):
        assert card.transmit(bytes.fromhex(command)) == b"\x90\x00"
    put_in(card, monkeypatch)
    return card


def put_in(card: CardUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "open_card", lambda _spec: card)


def as_new() -> Plastic:
    card = Plastic("iso7816")
    card.connect()
    return card


def test_the_command_puts_the_card_back_and_a_second_time_sends_nothing(
    conformance: Command, broken_off: Plastic, tmp_path: Path
) -> None:
    assert contents(broken_off.card) != contents(as_new().card)
    ran = conformance("restore", str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    assert "put back: 3F00/7F10/0001" in ran.stdout
    assert contents(broken_off.card) == contents(as_new().card)
    sent = broken_off.count
    assert conformance("restore", str(tmp_path)).returncode == 0
    assert broken_off.count == sent


def test_what_cannot_be_put_back_is_named(
    conformance: Command,
    broken_off: Plastic,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stubborn(Plastic):
        def transmit(self, command: bytes) -> bytes:
            return b"\x69\x82" if command[1] == 0xD6 else broken_off.transmit(command)

    put_in(Stubborn("iso7816"), monkeypatch)
    ran = conformance("restore", str(tmp_path))
    assert ran.returncode == 2
    assert "could not be put back: 3F00/7F10/0001" in ran.stdout
    assert not read_log(tmp_path).put_back


def test_another_card_is_refused_unless_it_is_asked_for(
    conformance: Command,
    broken_off: Plastic,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = Plastic("crypto")
    put_in(other, monkeypatch)
    ran = conformance("restore", str(tmp_path))
    assert ran.returncode == 3
    assert "line 1: atr" in ran.stderr
    log = tmp_path / UNDO_FILE
    twin = log.read_text("utf-8")
    digest = next(one for one in read_log(tmp_path).entries if one[1].entry == "identity")[1]
    log.write_text(twin.replace(digest.model_dump()["sha256"], "0" * 64), "utf-8")
    put_in(broken_off, monkeypatch)
    ran = conformance("restore", str(tmp_path))
    assert ran.returncode == 3
    assert "it is another card" in ran.stderr
    assert conformance("restore", str(tmp_path), "--any-atr").returncode == 0
    assert contents(broken_off.card) == contents(as_new().card)


def test_a_run_whose_card_is_lost_says_what_to_do(
    conformance: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in(Plastic("iso7816", Incident(CardLost, IN_THE_BINARY_AREA, answered=False)), monkeypatch)
    out = str(tmp_path / "run")
    arguments = ("run", "--card", "sim:iso7816", "--area", "binary", "--examples", "1")
    ran = conformance(*arguments, "--out", out)
    assert ran.returncode == 4
    assert f"run `conformance restore {out}`" in ran.stderr
    put_in(Plastic("iso7816"), monkeypatch)
    again = conformance(*arguments, "--out", out)
    assert again.returncode == 3
    assert "was not put back" in again.stderr


def test_only_the_owner_reads_it_and_no_secret_is_in_it(tmp_path: Path) -> None:
    judged(Plastic("iso7816"), "iso7816", Risk.CONSUME, tmp_path, ("reference",))
    log = tmp_path / UNDO_FILE
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    text = log.read_text("utf-8")
    assert '"may_be":["pin","other"]' in text
    beside_files = [line for line in text.splitlines() if '"entry":"file"' not in line]
    for value in ("31323334", "30323334", "33323334"):
        assert not [line for line in beside_files if value in line]


def test_an_entry_is_on_the_disk_when_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_the_disk = list[int]()
    monkeypatch.setattr(os, "fsync", lambda one: on_the_disk.append(os.fstat(one).st_size))
    card = CardEntry(spec="sim:iso7816", atr="3B00", statement="test", risk=Risk.RESTORE)
    log, written = UndoLog.begun(tmp_path / UNDO_FILE, card), list[int]()
    for entry in (ValueEntry(reference="01", may_be=("pin", "other")), PutBackEntry(by="run")):
        written.append(log.path.stat().st_size)
        log.write(entry)
    assert on_the_disk == [*written, log.path.stat().st_size]


def test_a_line_that_was_being_written_counts_as_not_there(tmp_path: Path) -> None:
    log = tmp_path / UNDO_FILE
    log.write_text(CARD + '{"entry":"reference","na', "utf-8")
    assert read_log(tmp_path).entries == ()
    with pytest.raises(UsageError, match="not put back"):
        refuse_unfinished(log)


FILE = '{"entry":"file","path":"3F00/7F10/0005","contents":["00"]}\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: the first entry"),
        (FILE, "line 1: the first entry"),
        ("not json\n", "line 1: entry: Invalid JSON"),
        (CARD + CARD, "line 2: there is one card"),
        (CARD + '{"entry":"purses"}\n', "line 2: entry: Input tag 'purses'"),
        (CARD + FILE.replace("00", "0g", 1), "line 2: file.path"),
        (CARD + FILE.replace('"00"', '"0"'), "line 2: file.contents.0"),
        (CARD + FILE + FILE, "line 3: the same was found before"),
        (CARD.replace('"schema":1', '"schema":2'), "line 1: card.schema"),
        (
            CARD + '{"entry":"put-back","by":"run"}\n' + FILE,
            "line 3: nothing follows",
        ),
        (CARD + FILE, "line 2: path: 3F00/7F10/0005 is no EF that may be written"),
        (CARD + FILE.replace("0005", "0001"), "line 2: contents: 3F00/7F10/0001 has 1 times 256"),
        (
            CARD + '{"entry":"reference","name":"77","tries":1,"required":true}\n',
            "line 2: name: there is no reference 77",
        ),
        (
            CARD + '{"entry":"scratch","df":"3F00/7F20","absent":["0001"]}\n',
            "line 2: absent",
        ),
        (
            CARD + '{"entry":"purse","df":"3F00","kind":"ED","balance":1}\n',
            "line 2: df: there is no ED",
        ),
    ],
)
def test_a_bad_log_is_refused_by_file_line_and_rule(
    text: str, told: str, conformance: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in(Plastic("iso7816"), monkeypatch)
    (tmp_path / UNDO_FILE).write_text(text, "utf-8")
    ran = conformance("restore", str(tmp_path))
    assert ran.returncode == 3
    assert f"{tmp_path / UNDO_FILE}: {told}" in ran.stderr
    assert "Traceback" not in ran.stderr
