"""Operations in the judge: what a statement may declare, what is sent, allowed, and given back."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import pytest
from judging import Plastic
from test_model_answers import play

from conformance.apdu import CommandAPDU
from conformance.bench import Bench, Plan
from conformance.cards import open_card
from conformance.catalogue import load_catalogue
from conformance.catalogue.facts import facts_of
from conformance.catalogue.operationfacts import OPERATION_FACTS
from conformance.commands import get_challenge, select_path, verify
from conformance.engine import execute
from conformance.evidence import Evidence
from conformance.guard import Guard, Refused
from conformance.judge import Judge
from conformance.keys import Keys, load_keys
from conformance.layout import Key
from conformance.model import Model
from conformance.model.desk import VERIFIES
from conformance.operating import (
    cryptogram,
    environment,
    external,
    flipped,
    public_key,
    set_template,
    verify_checksum,
)
from conformance.operations import CHECKSUM
from conformance.record import Circumstances
from conformance.reproving import count_tries_of_keys
from conformance.statement import Statement, parse_statement
from conformance.terminal import Terminal
from conformance.trouble import UsageError
from conformance.verdict import Outcome, Risk

ROOM = files("conformance") / "statements"
TEXT = (ROOM / "crypto.toml").read_text("utf-8")
SECRETS = (ROOM / "crypto.keys.toml").read_text("utf-8")


@cache
def declared() -> tuple[Statement, Keys]:
    statement = parse_statement(TEXT, "crypto.toml")
    return statement, load_keys(statement.layout, SECRETS, "crypto.keys.toml")


def key(name: str) -> Key:
    return next(one for one in declared()[0].layout.keys if one.name == name)


@pytest.fixture
def model() -> Model:
    return Model(*declared())


FIRST = '[[operations.key]]\nname = "TDES2"\ndf = "3F00/7F50"\nreference = "81"\nalgorithm = "TDES"'


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (FIRST, FIRST.replace("TDES2", "AES128"), r"key\[2\].name: AES128 is declared twice"),
        (FIRST, FIRST.replace('"81"', '"82"'), r"key\[1\].reference: 82 is declared twice"),
        (FIRST, FIRST.replace('"81"', '"01"'), r"key\[0\].reference: bit 8 of 01"),
        (FIRST, FIRST.replace("7F50", "7F59"), r"key\[0\].df: 3F00/7F59 is not declared as a DF"),
        (FIRST, FIRST + '\npublic = "00"', r"key\[0\].public: a key of TDES is one secret value"),
        (FIRST, FIRST.replace('"TDES"', '"DES"'), r"operations.key.0.algorithm"),
        (FIRST, FIRST + "\nprice = 3", r"operations.key.0.price: Extra inputs"),
        ('B4 = "cmac"', 'B4 = "pkcs1"', r"key\[2\].implied.B4: pkcs1 is nothing for a key of AES"),
        ('access = "pin:01"', 'access = "pin:07"', "key EC-HOLDER.access: 'pin:07' is not always"),
        ('public = "0460', 'public = "0461', r"key\[9\].public: the point is not on the curve"),
        ("spare = true\n", "", r"key\[14\].public: the public value is missing"),
        ("tries = 5\n", "tries = 5\nfloor = 6\n", r"floor: 6 is more than the 5 tries there are"),
        ('"cbc-mac/none"', '"cbc-mac/7"', r"algorithm\[\d+\].mechanism: cbc-mac/7 is not of cmac"),
        ('["set", "store",', '["set", "burn",', "operations.environment.1"),
        ('read = "key:TERMINAL"', 'read = "key:NOBODY"', "'key:NOBODY' is not always, never"),
    ],
)
def test_a_contradiction_is_refused_by_file_key_and_rule(old: str, new: str, told: str) -> None:
    assert old in TEXT
    with pytest.raises(UsageError, match=f"x.toml: .*{told}"):
        parse_statement(TEXT.replace(old, new, 1), "x.toml")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('CARD = "30', 'CARD = "', "key.CARD: a key of AES has 16 or 24 or 32 bytes, the value"),
        ("CARD =", "RSA =", "key.RSA: the private value of an RSA key stays on the card"),
    ],
)
def test_wrong_values_are_refused(old: str, new: str, told: str) -> None:
    assert old in SECRETS
    with pytest.raises(UsageError, match=f"x.keys.toml: {told}"):
        load_keys(declared()[0].layout, SECRETS.replace(old, new, 1), "x.keys.toml")


def test_the_shipped_statement_declares_everything_that_is_judged() -> None:
    facts = facts_of(declared()[0])
    assert facts >= OPERATION_FACTS - {"operation.active"}
    catalogue = load_catalogue()
    concerned = [one for one in catalogue if one.area in {"mse", "operation", "proof"}]
    assert len(concerned) >= 95
    assert all(one.condition.holds(facts) for one in concerned)
    assert not [one.id for one in concerned if one.condition.holds(frozenset())]


def test_references_are_found_from_the_current_df() -> None:
    layout = declared()[0].layout
    home = key("AES128").df
    assert layout.key_at(home, 0x83) is key("AES128")
    assert layout.key_at(layout.master, 0x83) is None
    assert layout.key_at(home, 0x03) is None


# What is allowed.

HOME = "00A40800027F50 = 9000\n"
MAC_KEY = HOME + "0022C1B403 830183 = 9000\n"
ALLOWED = {
    "a key that is there": HOME + "002241B403 830183 = 9000",
    "a key that is not": HOME + "002241B403 8301FD = 6A88",
    "nothing is set (1)": HOME + "002A8E8003 616263 00 = 6985",
    "nothing is set (2)": HOME + "002A8E8003 616263 00 = 6A88",
    "an algorithm of other keys, at once": HOME + "002241B406 830183 800123 = 6A81",
    "an algorithm of other keys, later": HOME
    + "002241B406 830183 800123 = 9000\n002A8E8003 616263 00 = 6985",
    "a wrong checksum": MAC_KEY + "002A00A20B 8003616263 8E0400000000 = 6300",
    "a wrong checksum, said otherwise": MAC_KEY + "002A00A20B 8003616263 8E0400000000 = 6988",
    "a wrong proof": HOME + "0084000010 = " + "00" * 16 + "9000\n"
    "0082009410" + "11" * 16 + " = 63C2",
    "no challenge": HOME + "0082009410" + "11" * 16 + " = 6985",
    "a guarded key": HOME + "002241B603 84018D = 9000\n002A9E9A03 616263 00 = 6982",
    "a public key": HOME
    + "0046810005 B603840192 00 = 7F4943 8641 "
    + key("EC").public.hex()
    + "9000",
}
FORBIDDEN = {
    "environment/unknown-key": HOME + "002241B403 8301FD = 9000",
    "environment/malformed": HOME + "002241B403 830583 = 9000",
    "environment/reserved-parameters": HOME + "002240B403 830183 = 9000",
    "environment/without-data": HOME + "002241B4 = 9000",
    "environment/restore-unknown": "00A40800027F20 = 9000\n0022F305 = 9000",
    "7816-8/operation/no-key": HOME + "002A8E8003 616263 00 = " + "00" * 16 + "9000",
    "7816-8/operation/usage": HOME
    + "002241B403 83018C = 9000\n002A8E8003 616263 00 = "
    + "00" * 16
    + "9000",
    "7816-8/operation/public-only": HOME
    + "002241B603 84018E = 9000\n002A9E9A03 616263 00 = "
    + "00" * 64
    + "9000",
    "7816-8/operation/access-refused": HOME
    + "002241B603 84018D = 9000\n002A9E9A03 616263 00 = "
    + "00" * 64
    + "9000",
    "7816-8/operation/reserved-parameters": HOME + "002AFFFF03 616263 = 9000",
    "7816-8/checksum/right": MAC_KEY + "002A8E8003 616263 00 = " + "00" * 16 + "9000",
    "7816-8/checksum/verify-wrong": MAC_KEY + "002A00A20B 8003616263 8E0400000000 = 9000",
    "7816-8/checksum/too-short": MAC_KEY + "002A00A207 8003616263 8E00 = 9000",
    "7816-8/hash/whole": HOME
    + "002241AA03 800140 = 9000\n002A908001 61 00 = "
    + "00" * 32
    + "9000",
    "7816-8/signature/right": HOME
    + "002241B603 84018A = 9000\n002A9E9A03 616263 00 = "
    + "00" * 128
    + "9000",
    "7816-8/keypair/public-key": HOME
    + "0046810005 B60384018C 00 = 7F4943 8641 "
    + flipped(key("EC").public, 9).hex()
    + "9000",
    "authentication/external-wrong": HOME + "0084000010 = " + "00" * 16 + "9000\n"
    "0082009410" + "11" * 16 + " = 9000",
    "authentication/external-counts": HOME + "0084000010 = " + "00" * 16 + "9000\n"
    "0082009410" + "11" * 16 + " = 63C3",
    "authentication/no-challenge": HOME + "0082009410" + "11" * 16 + " = 9000",
    "authentication/unknown-key": HOME + "008800FD10" + "11" * 16 + "00 = 6985 \n"
    "008800FD10" + "11" * 16 + "00 = " + "00" * 16 + "9000",
}


@pytest.mark.parametrize("script", ALLOWED.values(), ids=ALLOWED)
def test_allowed(model: Model, script: str) -> None:
    assert play(model, script) == ""


@pytest.mark.parametrize(("requirement", "script"), FORBIDDEN.items(), ids=FORBIDDEN)
def test_forbidden(model: Model, requirement: str, script: str) -> None:
    assert play(model, script) == requirement


def test_a_first_half_comes_twice_for_the_same_thing_alone(model: Model) -> None:
    card = open_card("sim:crypto")
    card.connect()
    sent = ["00A40800027F50", "002241B60384018C", "002A9E9A20" + "11" * 32 + "00"]
    *_, answer = [card.transmit(bytes.fromhex(one)) for one in sent]
    script = "".join(f"{one} = 9000\n" for one in sent[:2]) + f"{sent[2]} = {answer.hex()}\n"
    assert play(model, script) == ""
    assert play(model, f"{sent[2]} = {answer.hex()}") == "", "deterministic signatures are sound"


# What may be sent.


def _needed(command: CommandAPDU, *before: CommandAPDU) -> Risk:
    """The lowest risk level at which *command* passes behind *before*."""
    statement, keys = declared()
    card = open_card("sim:crypto")
    bench = Bench(
        card,
        statement,
        keys,
        Guard(Risk.DESTROY, statement.layout, keys),
        Evidence(keys),
        PLAN,
        CLOCK,
    )
    bench.found(card.connect())
    terminal = bench.begin()
    for one in before:
        terminal.send(one)
    for risk in sorted(Risk, key=lambda one: one.rank):
        try:
            Guard(risk, statement.layout, keys).admit(command.encode(), terminal.model)
        except Refused:
            continue
        return risk
    raise AssertionError("destroy lets everything pass")


PLAN = Plan(seed=1, examples=2)


def CLOCK() -> float:  # noqa: N802 - stands where a clock is asked for
    return 0.0


def _home() -> CommandAPDU:
    return select_path(key("AES128").df)


@pytest.mark.parametrize(
    ("risk", "command", "before"),
    [
        (Risk.OBSERVE, set_template(CHECKSUM, key=0x83), ()),
        (Risk.OBSERVE, environment(0xF3, 0x05), ()),
        (Risk.DESTROY, environment(0xF2, 0x05), ()),
        (Risk.OBSERVE, CommandAPDU(0x00, 0x2A, 0x8E, 0x80, b"abc", 256), ("AES128",)),
        (Risk.OBSERVE, verify_checksum(b"abc", bytes(8)), ("AES128",)),
        (Risk.CONSUME, verify_checksum(b"abc", bytes(8)), ("COUNTED",)),
        (Risk.DESTROY, verify_checksum(b"abc", bytes(8)), ("COUNTED", 2)),
        (Risk.OBSERVE, external(0x94, b""), ()),
        (Risk.CONSUME, external(0x94, bytes(16)), ()),
        (Risk.OBSERVE, public_key(0x8C), ()),
        (Risk.DESTROY, public_key(0x8C, 0x80), ()),
        (Risk.RESTORE, public_key(0x92, 0x80), ()),
        (Risk.DESTROY, public_key(0x92, 0x80), None),
    ],
)
def test_what_an_operation_may_cost(
    risk: Risk, command: CommandAPDU, before: tuple[object, ...] | None
) -> None:
    sent = [] if before is None else [_home()]
    if before:
        sent.append(set_template(CHECKSUM, key=key(str(before[0]))))
    if before and len(before) > 1:
        sent += [verify_checksum(b"abc", bytes(8))] * 2
    assert _needed(command, *sent) is risk


def test_a_limited_key_is_not_worn_out() -> None:
    command = CommandAPDU(0x00, 0x2A, 0x84, 0x80, b"abc", 256)
    chosen = set_template(0xB8, key=key("TWICE"))
    assert _needed(command, _home(), chosen) is Risk.DESTROY


def test_stored_environments_are_free_where_the_statement_says_so() -> None:
    statement, _ = declared()
    assert statement.scratch is not None
    scratch = statement.layout.by_path(statement.scratch.df)
    assert scratch is not None
    assert _needed(environment(0xF2, 0x05), select_path(scratch)) is Risk.RESTORE
    assert _needed(environment(0xF2, 0x07), select_path(scratch)) is Risk.DESTROY


# What is given back.


class PlasticCrypto(Plastic):
    """The card crypto, which cannot be copied."""

    spec = "sim:crypto"

    def __init__(self) -> None:
        super().__init__()
        self.inner = open_card("sim:crypto")


def _bench(card: PlasticCrypto) -> Bench:
    statement, keys = declared()
    guard = Guard(Risk.CONSUME, statement.layout, keys)
    bench = Bench(card, statement, keys, guard, Evidence(keys), PLAN, CLOCK)
    bench.found(card.connect())
    return bench


def test_tries_and_environments_are_given_back() -> None:
    card = PlasticCrypto()
    bench = _bench(card)
    terminal = bench.begin()
    _spend(terminal)
    assert card.transmit(external(0x94, b"").encode()) == b"\x63\xc2"
    bench.begin()
    for command in (_home(), external(0x94, b"")):
        answer = card.transmit(command.encode())
    assert answer == b"\x63\xc3"
    terminal = bench.begin()
    assert terminal.model.states[0].tries.get(key("COUNTED").proof, 3) == 3
    terminal.send(_home())
    terminal.send(set_template(CHECKSUM, VERIFIES, key("COUNTED")))
    assert terminal.send(verify_checksum(b"abc", bytes(8))).sw == 0x63C2
    home = terminal.layout.by_path("3F00/7F20")
    assert home is not None
    terminal.send(select_path(home))
    assert terminal.send(environment(0xF3, 0x05)).sw == 0x6A88


def _spend(terminal: Terminal) -> None:
    """Spend a try of each counted key and store an environment."""
    home = terminal.layout.by_path("3F00/7F20")
    assert home is not None
    terminal.send(select_path(home))
    terminal.send(environment(0xF2, 0x05))
    terminal.send(_home())
    terminal.send(set_template(CHECKSUM, VERIFIES, key("COUNTED")))
    terminal.send(verify_checksum(b"abc", bytes(8)))
    asked = terminal.send(get_challenge(16)).data
    wrong = flipped(cryptogram(terminal.keys, key("TERMINAL"), asked), 0)
    terminal.send(external(0x94, wrong))


def test_a_key_that_was_found_with_a_try_left_keeps_it() -> None:
    card = PlasticCrypto()
    bench = _bench(card)
    card.transmit(_home().encode())
    for _ in range(2):
        card.transmit(get_challenge(16).encode())
        card.transmit(external(0x94, bytes(16)).encode())
    count_tries_of_keys(bench)
    assert bench.baseline.tries[key("TERMINAL").proof] == 1
    terminal = bench.begin()
    terminal.send(_home())
    asked = terminal.send(get_challenge(16)).data
    with pytest.raises(Refused, match="no tries above its floor"):
        terminal.send(external(0x94, bytes(16)))
    terminal.send(external(0x94, cryptogram(terminal.keys, key("TERMINAL"), asked)))
    assert card.transmit(external(0x94, b"").encode()) == b"\x90\x00"


def test_a_card_that_cannot_be_copied_is_conformant_too() -> None:
    judge = Judge(
        _bench(PlasticCrypto()),
        load_catalogue(),
        Circumstances(now=lambda: "2026-01-01T00:00:00+00:00", started="2026-01-01"),
    )
    result = execute(judge, ("mse", "operation", "proof"))
    assert [case.id for case in result.cases if case.failure is not None] == []
    assert result.run.outcome is Outcome.CONFORMANT


def test_a_pin_is_asked_where_the_statement_says_so(model: Model) -> None:
    _, keys = declared()
    (reference,) = (one for one in model.card.layout.references if one.name == "01")
    command = verify(keys, "pin", reference).encode().hex()
    sign = "002241B603 84018D = 9000\n002A9E9A03 616263 00 = 6982"
    script = HOME + f"{command} = 9000\n" + sign
    assert play(model, script) == "7816-8/operation/access-granted"
