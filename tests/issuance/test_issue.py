"""Issuing end to end: what a made card holds, a list that is killed and goes on, rows that fail."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from people import FIELDS, person, write_list

from simcard.card import Card
from simcard.crypto.blocks import block_suite
from simcard.files.descriptors import FileKind, file_control_information
from simcard.issuance.batch import (
    BatchError,
    IssuedCard,
    Rejection,
    Row,
    Shelf,
    make_card,
    read_rows,
)
from simcard.issuance.hierarchy import KeySet, issuer_identifier, national
from simcard.issuance.holder import Holder
from simcard.issuance.order import Order, card_factor, serial_number
from simcard.issuance.purposes import purposes
from simcard.memory import Flash
from simcard.profiles import build_card, load_profile

CARDS = int(os.environ.get("SIMCARD_ISSUE_CARDS", "60"))
"""How many holders the list has that is killed and resumed; the full number is 10000."""

KILLS = 5 if CARDS < 1000 else 20
LEDGER_LINE = 150  # bytes, about

OK = b"\x90\x00"
SSSE = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF"


def city_keys(profile: str) -> KeySet:
    keys = national(bytes(32), purposes(load_profile(profile)))
    keys = keys.derive(issuer_identifier("330000"), "330000")
    return keys.derive(issuer_identifier("330302"), "330302")


def issued(profile: str, **changes: str) -> tuple[Card, Order]:
    holder = Holder.model_validate(person(17, **changes))
    keys = city_keys(profile).derive(card_factor(holder), holder.card_number)
    order = Order(holder, keys.keys)
    image = bytearray(make_card(load_profile(profile), order).image)
    card = build_card(load_profile(profile), 1, flash=Flash.open(image))
    card.power_on()
    return card, order


def ask(card: Card, apdu: str) -> bytes:
    answer = card.transmit(bytes.fromhex(apdu))
    assert card.fault is None
    return answer


@pytest.mark.parametrize("profile", ["ssc2", "ssc3"])
def test_an_issued_card_has_the_files_of_its_profile(profile: str) -> None:
    card, _ = issued(profile)
    described = build_card(load_profile(profile))
    described.power_on()
    trees = []
    for each in (card, described):
        assert each.state is not None
        tree = each.state.tree
        trees.append(
            {
                (path(tree, file), file_control_information(file))
                for file in tree.files.values()
                if file.kind in (FileKind.DF, FileKind.EF)
            }
        )
    mf = {entry for entry in trees[0] ^ trees[1] if entry[0] == "3F00"}
    assert trees[0] ^ trees[1] == mf  # the rules of the MF are the chip maker's


def path(tree, file) -> str:  # noqa: ANN001 - a tree and one of its files
    steps = [file, *tree.lineage(tree.parent(file))] if file.parent else [file]
    return "/".join(f"{step.identifier:04X}" for step in reversed(steps))


@pytest.mark.parametrize("profile", ["ssc2", "ssc3"])
def test_an_issued_card_tells_its_holder(profile: str) -> None:
    card, order = issued(profile, name="张" * 15 + "三")
    assert ask(card, SSSE)[:1] == b"\x61"
    assert ask(card, "00B2072C0B")[2:-2] == order.holder.card_number.encode()
    assert ask(card, "00A4020002EF06")[:1] == b"\x61"
    assert ask(card, "00B2080014") == b"\x69\x82"
    assert ask(card, "0020000003123456") == OK
    assert ask(card, "00B2080014")[2:-2] == order.holder.number.encode()
    assert ask(card, "00B2090020")[2:-2] == ("张" * 15).encode("gbk")
    assert ask(card, "00B24E0016")[2:-2] == "三".encode("gbk").ljust(20, b"\0")


def test_keys_on_the_card_are_those_of_the_hierarchy() -> None:
    card, order = issued("ssc2")
    ask(card, SSSE)
    update = next(key for purpose, key in order.keys.items() if purpose.name == "DDF1/external/04")
    purpose = next(each for each in order.keys if each.name == "DDF1/external/04")
    challenge = ask(card, "0084000008")[:-2]
    proof = block_suite(purpose.cipher, update).encrypt_ecb(challenge)
    assert ask(card, "0082000408" + proof.hex()) == OK
    assert ask(card, "00A4020002EF05")[:1] == b"\x61"
    assert ask(card, "00DC06040606" + "0420391231") == OK


def test_the_transport_key_is_gone() -> None:
    card, _ = issued("ssc2")
    transport = load_profile("ssc2").tables.pboc.transport_key
    suite = block_suite(load_profile("ssc2").tables.pboc.rules.cipher, transport)
    challenge = ask(card, "0084000008")[:-2]
    assert ask(card, "0082000008" + suite.encrypt_ecb(challenge).hex())[:1] == b"\x63"


def test_two_cards_share_no_key_and_one_order_makes_one_card() -> None:
    profile = load_profile("ssc2")
    images = []
    for index in (1, 2, 1):
        holder = Holder.model_validate(person(index))
        keys = city_keys("ssc2").derive(card_factor(holder), holder.card_number)
        images.append(make_card(profile, Order(holder, keys.keys)))
    assert images[0] == images[2] != images[1]
    holders = [Holder.model_validate(person(index)) for index in (1, 2)]
    first, second = (city_keys("ssc2").derive(card_factor(h), "x").keys for h in holders)
    assert not set(first.values()) & set(second.values())


# Lists


def simcard(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "simcard", *map(str, arguments)]


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIMCARD_KEYS_PASSPHRASE", "only for this test")
    directory = tmp_path / "keys"
    subprocess.run(simcard("keys", "new", directory, "-p", "ssc2"), check=True)
    subprocess.run(simcard("keys", "derive", directory, "330000", "330302"), check=True)
    return directory


def test_a_list_that_is_killed_goes_on_and_makes_each_card_once(tmp_path: Path, keys: Path) -> None:
    people = [person(index) for index in range(CARDS)]
    write_list(tmp_path / "people.csv", people)
    shelf = tmp_path / "cards"
    command = simcard(
        *("issue", "-p", "ssc2", "--holders", tmp_path / "people.csv"),
        *("--keys", keys, "-o", shelf),
    )
    ledger = shelf / "issued.jsonl"
    chance = random.Random(11)
    started = time.perf_counter()
    for _ in range(KILLS):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        goal = size_of(ledger) + chance.randint(1, LEDGER_LINE * CARDS // (KILLS + 3))
        while process.poll() is None and size_of(ledger) < goal:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.03))  # anywhere in the making of the next card
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert len(lines) == len({line["card_number"] for line in lines}) == CARDS
    assert len({line["serial"] for line in lines}) == CARDS
    assert len({line["sha256"] for line in lines}) == CARDS
    assert {file.stem for file in shelf.glob("*.img")} == {each["card_number"] for each in people}
    assert not list(shelf.glob("*.part"))
    print(f"{len(lines)} cards, {KILLS} kills, {seconds:.1f} s")  # noqa: T201 - for pytest -s


def size_of(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def test_rows_that_are_no_cards_are_told_and_the_rest_is_made(tmp_path: Path, keys: Path) -> None:
    people = [
        person(1),
        person(2, born="1952-03-08"),
        person(3, number="330302195303070018"),
        person(4, name="张" * 26),
        person(5, region="999999"),
        person(6, card_number="S00000001"),
        person(7),
    ]
    write_list(tmp_path / "people.csv", people)
    shelf = tmp_path / "cards"
    done = subprocess.run(
        simcard(
            *("issue", "-p", "ssc2", "--holders", tmp_path / "people.csv"),
            *("--keys", keys, "-o", shelf),
        ),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    assert "2 cards issued, 5 rows refused" in done.stdout
    with (shelf / "errors.csv").open(encoding="utf-8") as stream:
        told = {int(row["line"]): row["rule"] for row in csv.DictReader(stream)}
    assert sorted(told) == [3, 4, 5, 6, 7]
    assert "another date" in told[3]
    assert "check character" in told[4]
    assert "50 bytes" in told[5]
    assert "no province 99" in told[6]
    assert "line 2 has it already" in told[7]
    assert sorted(file.stem for file in shelf.glob("*.img")) == ["S00000001", "S00000007"]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("", "the heading lacks"),
        ("number,name\n", "the heading lacks"),
        (",".join([*FIELDS, "shoe_size"]) + "\n", "shoe_size"),
    ],
)
def test_a_list_that_is_none_is_refused_in_one_line(
    tmp_path: Path, keys: Path, content: str, rule: str
) -> None:
    (tmp_path / "people.csv").write_text(content)
    done = subprocess.run(
        simcard(
            "issue", "--holders", tmp_path / "people.csv", "--keys", keys, "-o", tmp_path / "c"
        ),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    assert rule in done.stderr
    assert "Traceback" not in done.stderr


def test_a_ledger_cut_off_in_its_last_line_is_taken_up(tmp_path: Path) -> None:
    row = Row(2, Holder.model_validate(person(1)))
    with Shelf(tmp_path) as shelf:
        shelf.enter(row, IssuedCard(b"image", ()))
    with (tmp_path / "issued.jsonl").open("a") as ledger:
        ledger.write('{"card_number": "S000')
    (tmp_path / "S00000002.part").write_bytes(b"half")
    with Shelf(tmp_path) as again:
        assert again.issued == {"S00000001": serial(1)}
        assert not list(tmp_path.glob("*.part"))
        again.enter(Row(3, Holder.model_validate(person(2))), IssuedCard(b"another", ()))
    with Shelf(tmp_path) as once_more:
        assert once_more.issued == {f"S0000000{each}": serial(each) for each in (1, 2)}


def serial(index: int) -> str:
    return serial_number(Holder.model_validate(person(index))).hex().upper()


def test_one_process_at_a_time_issues_into_a_directory(tmp_path: Path) -> None:
    unfinished = tmp_path / "S00000001.img.part"
    with Shelf(tmp_path):
        unfinished.write_bytes(b"of the first process")
        with pytest.raises(BatchError, match="another process issues into it"):
            Shelf(tmp_path)
        assert unfinished.exists()
    with Shelf(tmp_path) as free_again:
        assert not free_again.issued


@pytest.mark.parametrize("content", ["[]\n", "{}\n", "nonsense\n", "\n"])
def test_another_file_in_the_place_of_the_ledger_is_left_alone(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "issued.jsonl").write_text(content)
    with pytest.raises(BatchError, match=r"issued\.jsonl: not a ledger of issued cards"):
        Shelf(tmp_path)
    assert (tmp_path / "issued.jsonl").read_text() == content


def test_a_row_with_too_many_columns_is_a_rejection(tmp_path: Path) -> None:
    values = ",".join(person(1).get(field, "") for field in FIELDS)
    (tmp_path / "people.csv").write_text(",".join(FIELDS) + "\n" + values + ",more\n")
    (row,) = read_rows(tmp_path / "people.csv", load_profile("ssc2"))
    assert row == Rejection(2, "more columns than the heading", "Extra inputs are not permitted")
