"""The judge on social security cards and the PSAM: sound ones pass, and real ones stay as found."""

from __future__ import annotations

import re
import time
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import conformance
from conformance.apdu import ResponseAPDU
from conformance.bench import Bench, Plan
from conformance.cards import Ability, CardUnderTest, open_card
from conformance.catalogue import load_catalogue
from conformance.crypto import purses as judged
from conformance.engine import Request, declared_in, execute, prepare
from conformance.evidence import Evidence
from conformance.family import PbocTable
from conformance.guard import Guard, Refused
from conformance.judge import Judge
from conformance.keys import Keys
from conformance.model import Departure, Model
from conformance.model.pboc.state import LOAD_ED, PURCHASE_ED, Kind, Pending
from conformance.record import Circumstances
from conformance.statement import Statement, parse_statement
from conformance.trading import completing, initialize, usable_keys
from conformance.trouble import UsageError
from conformance.verdict import Outcome, Risk, Verdict
from simcard.crypto import pboc as card_side
from simcard.crypto.blocks import BlockCipher
from simcard.crypto.diversification import Diversification

ROOM = Path(conformance.__file__).parent
ENTER = "00A4040C06D15600000508"
PIN = "0020000003123456"
BALANCES = ("805C000104", "805C000204")
BLOCKS = st.binary(min_size=16, max_size=16)


@cache
def declared(profile: str) -> tuple[Statement, Keys]:
    return declared_in(ROOM / "statements" / f"{profile}.toml", None)


class Plastic:
    """A simulated card that cannot be copied."""

    reader = ""
    known_as: bytes | None = None
    abilities: frozenset[Ability] = frozenset()

    def __init__(self, profile: str) -> None:
        self.spec = f"sim:{profile}"
        self.inner: CardUnderTest = open_card(self.spec)

    def connect(self) -> bytes:
        return self.inner.connect()

    def reset(self) -> bytes:
        return self.inner.reset()

    def transmit(self, command: bytes) -> bytes:
        return self.inner.transmit(command)

    def fork(self) -> CardUnderTest:
        raise AssertionError("a plastic card is not copied")

    def close(self) -> None:
        """Stay powered: the test wants to look at the card afterwards."""


def bench_on(card: CardUnderTest, statement: Statement, keys: Keys, risk: Risk) -> Bench:
    guard = Guard(risk, statement.layout, keys)
    evidence = Evidence(keys)
    bench = Bench(card, statement, keys, guard, evidence, Plan(3, 5), time.perf_counter)
    bench.found(card.connect())
    return bench


def judge_on(bench: Bench) -> Judge:
    circumstances = Circumstances(now=lambda: "2026-01-01T00:00:00+00:00", started="2026-01-01")
    return Judge(bench, load_catalogue(), circumstances)


@pytest.mark.parametrize("profile", ["ssc2", "ssc3", "psam"])
def test_a_sound_card_is_conformant_up_to_the_last_try(profile: str) -> None:
    result = execute(prepare(Request(card=f"sim:{profile}", risk="destroy", examples=5)))
    assert result.run.outcome is Outcome.CONFORMANT
    verdicts = {case.verdict for case in result.cases}
    assert verdicts <= {Verdict.PASS, Verdict.NOT_APPLICABLE}
    areas = {case.area for case in result.cases if case.verdict is Verdict.PASS}
    mine = {"module"} if profile == "psam" else {"environment", "line", "purse"}
    assert mine | {"authentication"} <= areas


def test_a_purse_that_cannot_be_copied_gets_its_balance_back() -> None:
    statement, keys = declared("ssc2")
    card = Plastic("ssc2")
    result = execute(judge_on(bench_on(card, statement, keys, Risk.CONSUME)), ("purse",))
    assert result.run.outcome is Outcome.CONFORMANT
    passed = {case.id for case in result.cases if case.verdict is Verdict.PASS}
    assert {"purse/load", "purse/purchase", "purse/histories", "purse/overdraw"} <= passed
    card.reset()
    for command in (ENTER, PIN):
        assert card.transmit(bytes.fromhex(command)) == b"\x90\x00"
    shown = [card.transmit(bytes.fromhex(command))[:4] for command in BALANCES]
    assert [int.from_bytes(one, "big") for one in shown] == [10000, 5000]


def test_a_balance_that_cannot_be_put_back_is_said() -> None:
    class Stubborn(Plastic):
        """Pays, and is not loaded."""

        def transmit(self, command: bytes) -> bytes:
            return b"\x69\x85" if command[:2] == b"\x80\x52" else super().transmit(command)

    statement, keys = declared("ssc2")
    result = execute(
        judge_on(bench_on(Stubborn("ssc2"), statement, keys, Risk.CONSUME)), ("purse",)
    )
    reasons = " ".join(case.reason for case in result.cases)
    assert "the ED of 3F00/DDF1/DF08 could not be put back" in reasons
    failed = {case.failure.requirement for case in result.cases if case.failure}
    assert "pboc/purse/load-right-mac" in failed


def test_a_purse_that_is_not_given_free_is_not_moved() -> None:
    text = (ROOM / "statements" / "ssc2.toml").read_text("utf-8").replace("use = true", "")
    statement = parse_statement(text, "ssc2.toml")
    _, keys = declared("ssc2")
    result = execute(
        judge_on(bench_on(open_card("sim:ssc2"), statement, keys, Risk.CONSUME)), ("purse",)
    )
    verdicts = {case.id: case.verdict for case in result.cases if case.area == "purse"}
    assert verdicts["purse/balance"] is Verdict.PASS
    assert verdicts["purse/initialize"] is Verdict.PASS
    for moving in ("load", "purchase", "pair", "histories", "overdraw", "composite"):
        assert verdicts[f"purse/{moving}"] in {Verdict.NOT_RUN, Verdict.NOT_APPLICABLE}, moving


def test_without_key_values_the_judge_reads_and_runs_nothing_else() -> None:
    statement, keys = declared("ssc2")
    bare = Keys(keys.values, keys.references)
    result = execute(judge_on(bench_on(open_card("sim:ssc2"), statement, bare, Risk.CONSUME)))
    assert result.run.outcome is Outcome.CONFORMANT
    verdicts = {case.id: case.verdict for case in result.cases}
    assert verdicts["environment/items"] is Verdict.PASS
    assert verdicts["purse/load"] is Verdict.NOT_RUN
    assert verdicts["authentication/external"] is Verdict.NOT_RUN


def needed(profile: str, *commands: str) -> Risk:
    """The lowest level that lets the last of *commands* pass, the others before it."""
    statement, keys = declared(profile)
    card, model = open_card(f"sim:{profile}"), Model(statement, keys)
    card.connect()
    for before in commands[:-1]:
        raw = bytes.fromhex(before)
        answer = card.transmit(raw)
        model.observe(raw, ResponseAPDU.decode(answer))
    for risk in Risk:
        try:
            Guard(risk, statement.layout, keys).admit(bytes.fromhex(commands[-1]), model)
        except Refused:
            continue
        return risk
    raise AssertionError("even destroy refuses")


LOADED, PAID = bytes(4).hex(), bytes(8).hex()


@pytest.mark.parametrize(
    ("kind", "spoilt", "answers", "requirement"),
    [
        (LOAD_ED, 1, [LOADED + "9000"], "load-wrong-mac"),
        (LOAD_ED, 0, ["9302"], "load-right-mac"),
        (LOAD_ED, 0, [LOADED + "9000"], "load-tac"),
        (LOAD_ED, 0, ["", LOADED + "9000"], "pair-unbroken"),
        (LOAD_ED, 1, ["9302", "", "000027119000"], "wrong-mac-keeps"),
        (LOAD_ED, 0, ["", "", "000027109000"], "load-credits"),
        (PURCHASE_ED, 1, [PAID + "9000"], "purchase-wrong-mac"),
        (PURCHASE_ED, 0, [PAID + "9000"], "purchase-tac"),
        (PURCHASE_ED, 0, ["", "", "000027109000"], "purchase-debits"),
    ],
)
def test_a_completing_command_is_answered_in_one_way(
    kind: Kind, spoilt: int, answers: list[str], requirement: str
) -> None:
    """An answer that is not written down here is the one that the card gives."""
    statement, keys = declared("ssc2")
    model, card = Model(statement, keys), open_card("sim:ssc2")
    card.connect()

    def play(command: bytes, answer: str = "") -> None:
        told = card.transmit(command)
        model.observe(command, ResponseAPDU.decode(bytes.fromhex(answer) or told))

    assert statement.pboc is not None
    purse = next(one for one in statement.pboc.purse if one.number == kind.purse)
    key = next(usable_keys(statement.pboc, keys, purse, kind))
    for raw in (ENTER, PIN, BALANCES[0]):
        play(bytes.fromhex(raw))
    play(initialize(kind, key.number, 1).encode())
    begun = model.states[0].family and model.states[0].family.pending
    assert isinstance(begun, Pending)
    completing_one = completing(begun, keys.secrets[key.name], spoilt=spoilt).encode()
    commands = [completing_one, completing_one, bytes.fromhex(BALANCES[0])]
    for command, answer in zip(commands, answers[:-1], strict=False):
        play(command, answer)
    with pytest.raises(Departure) as caught:
        play(commands[len(answers) - 1], answers[-1])
    assert caught.value.requirement == f"pboc/purse/{requirement}"


@pytest.mark.parametrize(
    ("command", "risk"),
    [
        ("805C000204", Risk.OBSERVE),
        ("805A000602000108", Risk.OBSERVE),
        ("805001020B01000000FA33030000000100", Risk.OBSERVE),
        ("805401000F" + "00" * 15 + "08", Risk.RESTORE),
        ("805200000B" + "00" * 11 + "04", Risk.RESTORE),
        ("805800000E" + "00" * 14 + "04", Risk.CONSUME),
        ("0082000108" + "00" * 8, Risk.CONSUME),
        ("04D6950005" + "00" * 5, Risk.CONSUME),
        ("84240000" + "0C" + "00" * 12, Risk.CONSUME),
        ("841E00000400000000", Risk.DESTROY),
        ("841600000400000000", Risk.DESTROY),
        ("80D4013E15" + "00" * 21, Risk.DESTROY),
        ("80E0000107" + "00" * 7, Risk.DESTROY),
        ("805E010003123456", Risk.DESTROY),
    ],
)
def test_every_command_of_the_family_has_its_level(command: str, risk: Risk) -> None:
    assert needed("ssc2", ENTER, command) is risk


@pytest.mark.parametrize(
    ("command", "risk"),
    [
        ("80700000" + "24" + "00" * 36 + "08", Risk.RESTORE),
        ("8072000004" + "00" * 4, Risk.OBSERVE),
        ("801A480110" + "00" * 16, Risk.OBSERVE),
        ("84D400001C" + "00" * 28, Risk.CONSUME),
        ("80D4000013" + "00" * 19, Risk.CONSUME),
    ],
)
def test_every_command_of_a_module_has_its_level(command: str, risk: Risk) -> None:
    assert needed("psam", "00A4040C06D156000005A0", command) is risk


def test_the_last_tries_of_a_key_are_never_spent() -> None:
    statement, keys = declared("ssc2")
    model = Model(statement, keys)
    guard = Guard(Risk.CONSUME, statement.layout, keys)
    card = open_card("sim:ssc2")
    card.connect()
    challenge, wrong = bytes.fromhex("0084000008"), bytes.fromhex("0082000108" + "00" * 8)
    for raw in (bytes.fromhex(ENTER), *([challenge, wrong] * 10)):
        guard.admit(raw, model)
        model.observe(raw, ResponseAPDU.decode(card.transmit(raw)))
    with pytest.raises(Refused, match="no tries above its floor"):
        guard.admit(wrong, model)


def test_model_and_suite_name_requirements_that_exist() -> None:
    catalogue = load_catalogue()
    paths = [*ROOM.glob("model/pboc/*.py"), *ROOM.glob("suite/test_*.py")]
    named: set[str] = set()
    for path in paths:
        text = path.read_text("utf-8")
        area = re.search(r'^_?AREA = "((?:pboc|ssc)/.+)"$', text, re.MULTILINE)
        named |= set(re.findall(r'"((?:pboc|ssc)/[a-z0-9-]+/[a-z0-9-]+)"', text))
        if area:
            found = re.findall(r"\{_?AREA\}/([a-z0-9-]+)\"", text)
            named |= {f"{area[1]}/{rule}" for rule in found}
    assert len(named) > 90
    assert named <= set(catalogue.requirements)
    mine = [one for one in catalogue if one.id.startswith(("ssc/", "pboc/"))]
    assert len(mine) >= 120
    assert any(one.harm == "value-created" for one in mine)


@given(key=BLOCKS, data=st.binary(min_size=1, max_size=40), seed=st.binary(min_size=8, max_size=8))
@pytest.mark.parametrize("cipher", [BlockCipher.TDES, BlockCipher.SM4])
def test_card_and_judge_compute_alike_and_apart(
    cipher: BlockCipher, key: bytes, data: bytes, seed: bytes
) -> None:
    name = cipher.name
    process = card_side.process_key(key, seed, cipher)
    assert judged.process_key(name, key, seed) == process
    assert judged.mac(process, data) == card_side.transaction_mac(process, data)
    assert judged.tac_key(name, key) == card_side.tac_key(key, cipher)
    mac = card_side.line_mac(key, seed[:4], data, cipher)
    assert judged.line_mac(name, key, seed[:4], data) == mac
    assert judged.line_encipher(name, key, data) == card_side.line_encipher(key, data, cipher)
    block = card_side.authentication_cryptogram(key, seed, cipher)
    assert judged.cryptogram(name, key, seed) == block
    tdes = cipher is BlockCipher.TDES
    scheme = Diversification.PBOC_TDES if tdes else Diversification.SM4_BLOCK
    assert judged.diversified(name, key, seed, seed[::-1]) == scheme.derive(key, seed, seed[::-1])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('open = "state 1-f"', 'open = "state 1"', r"pboc.purse.0.open"),
        ('type = "load"', 'type = "loads"', r"pboc.key.\d+.type"),
        ('identifier = "4E", length = 20', 'identifier = "4E"', r"file.\d+.items.\d+.length"),
        ('read = "state 1-f"', 'read = "state 1-g"', r"file\[\d+\].read: .*state 1-g"),
        ("records = 7\n", "records = 6\n", r"file\[\d+\].items: a linear-tlv EF has as many"),
        ('proof_counter = "after"', 'proof_counter = "later"', "pboc.proof_counter"),
    ],
)
def test_a_wrong_table_is_refused_by_file_key_and_rule(old: str, new: str, told: str) -> None:
    text = (ROOM / "statements" / "ssc2.toml").read_text("utf-8")
    assert old in text
    with pytest.raises(UsageError, match=told):
        parse_statement(text.replace(old, new, 1), "ssc2.toml")


def test_values_of_keys_are_in_no_representation() -> None:
    _, keys = declared("ssc2")
    assert keys.secrets
    shown = repr(keys)
    assert not any(value.hex().upper() in shown.upper() for value in keys.secrets.values())
    assert PbocTable().key_of("load", "3F00", 1) is None
