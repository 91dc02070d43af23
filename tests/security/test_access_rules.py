"""Access rules: text, bytes and decisions agree, in all three forms of security attributes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcard.security.access import AccessRules, Condition, Method, Right, parse_condition
from simcard.security.attributes import (
    Subject,
    decode_compact,
    decode_expanded,
    encode_expanded,
)
from simcard.security.rules import decode_record


@dataclass(frozen=True)
class Visitor:
    """What a session can show: the references it has satisfied, and its secure messaging."""

    pins: frozenset[int] = frozenset()
    keys: frozenset[int] = frozenset()
    mac: bool = False
    enc: bool = False
    state: int = 0
    mf_state: int = 0

    def authenticated(self, method: Method, reference: int | None) -> bool:
        shown = self.pins if method is Method.USER else self.keys
        return bool(shown) if reference is None else reference in shown

    def secured(self, *, authentic: bool, confidential: bool) -> bool:
        return self.mac >= authentic and self.enc >= confidential


NUMBERS = (0x01, 0x02, 0x81)
SETS = st.frozensets(st.sampled_from(NUMBERS))
BYTE_HALF = st.integers(0, 15)
VISITORS = st.builds(Visitor, SETS, SETS, st.booleans(), st.booleans(), BYTE_HALF, BYTE_HALF)
EVERYBODY = [
    Visitor(frozenset(pins), frozenset(keys), mac, enc)
    for pins, keys in product([(), (0x01,), (0x81,), (0x01, 0x81)], repeat=2)
    for mac, enc in product([False, True], repeat=2)
]

Fact = tuple[str, Callable[[Visitor], bool]]
"""A fact in words, and what it says of a visitor."""

REFERENCE = st.sampled_from(NUMBERS)
FACTS = st.one_of(
    st.just(("always", lambda _: True)),
    st.just(("never", lambda _: False)),
    st.just(("pin", lambda who: bool(who.pins))),
    st.just(("key", lambda who: bool(who.keys))),
    REFERENCE.map(lambda n: (f"pin {n:02X}", lambda who: n in who.pins)),
    REFERENCE.map(lambda n: (f"key {n:02x}", lambda who: n in who.keys)),
    st.just(("mac", lambda who: who.mac)),
    st.just(("enc", lambda who: who.enc)),
    st.tuples(BYTE_HALF, BYTE_HALF)
    .map(sorted)
    .map(lambda b: (f"state {b[0]:X}-{b[1]:x}", lambda who: b[0] <= who.state <= b[1])),
)
CONJUNCTIONS = st.lists(FACTS, min_size=1, max_size=3)
ALTERNATIVES = st.lists(CONJUNCTIONS, min_size=1, max_size=3)


@given(alternatives=ALTERNATIVES, who=VISITORS, subject=st.sampled_from(Subject))
def test_text_and_bytes_decide_alike(
    alternatives: list[list[Fact]], who: Visitor, subject: Subject
) -> None:
    text = "  or ".join(" and ".join(word for word, _ in facts) for facts in alternatives)
    expected = any(all(met(who) for _, met in facts) for facts in alternatives)
    said = parse_condition(text)
    assert said.met_by(who) == expected
    coded = encode_expanded({Right.DELETE: said}, subject)
    assert decode_expanded(coded, subject)[Right.DELETE].met_by(who) == expected
    assert decode_record(coded + b"\xff" * 3, subject)[Right.DELETE].met_by(who) == expected


@given(
    texts=st.dictionaries(
        st.sampled_from(
            [Right.READ, Right.UPDATE, Right.WRITE, Right.DELETE, Right.ACTIVATE, Right.TERMINATE]
        ),
        ALTERNATIVES.map(
            lambda alternatives: " or ".join(
                " and ".join(word for word, _ in facts) for facts in alternatives
            )
        ),
    )
)
def test_a_whole_set_of_rules_comes_back(texts: dict[Right, str]) -> None:
    rules = {right: parse_condition(text) for right, text in texts.items()}
    decoded = decode_expanded(encode_expanded(rules, Subject.EF), Subject.EF)
    assert decoded.keys() == rules.keys()
    for right, who in product(rules, EVERYBODY):
        assert decoded[right].met_by(who) == rules[right].met_by(who)


@pytest.mark.parametrize(
    "text",
    ["", "allways", "pin 1", "pin 123", "pin +1", "pin -0", "pin 0g", "pin 01 or", "or",
     "pin 01 and", "pin 01, pin 02", "(pin 01)", "not pin 01", "state 1", "state 1-10", "mac mac",
     "state 2-1"],
)  # fmt: skip
def test_text_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|is one byte|bounds are|comes first"):
        parse_condition(text)


# The compact form: ISO/IEC 7816-4:2020, tables 17, 18 and 21, written down bit by bit.

EF_BITS = ["delete", "terminate", "activate", "deactivate", "write", "update", "read"]
DF_BITS = [
    "delete",
    "terminate",
    "activate",
    "deactivate",
    "create-df",
    "create-ef",
    "delete-child",
]


def asked_of(bits: str) -> list[str]:
    """What a condition byte asks for, by its bits 7 to 5."""
    return [name for name, bit in zip(("mac", "key", "pin"), bits[1:4], strict=True) if bit == "1"]


def decision(byte: int, who: Visitor) -> bool | None:
    """The decision a condition byte makes, None when it has no meaning."""
    if byte in (0x00, 0xFF):
        return byte == 0x00
    bits = f"{byte:08b}"
    shown = {"mac": who.mac, "key": bool(who.keys), "pin": bool(who.pins)}
    asked = asked_of(bits)
    if not asked:
        return None
    return (
        all(shown[name] for name in asked) if bits[0] == "1" else any(shown[name] for name in asked)
    )


@pytest.mark.parametrize("byte", range(256), ids="{:02X}".format)
def test_every_condition_byte(byte: int) -> None:
    if decision(byte, EVERYBODY[0]) is None:
        with pytest.raises(ValueError, match="asks for nothing"):
            decode_compact(bytes([0x01, byte]), Subject.EF)
        return
    rule = decode_compact(bytes([0x01, byte]), Subject.EF)[Right.READ]
    assert [rule.met_by(who) for who in EVERYBODY] == [decision(byte, who) for who in EVERYBODY]


@pytest.mark.parametrize("mode", range(128), ids="{:02X}".format)
@pytest.mark.parametrize(("subject", "names"), [(Subject.EF, EF_BITS), (Subject.DF, DF_BITS)])
def test_every_access_mode_byte(mode: int, subject: Subject, names: list[str]) -> None:
    """The conditions stand in the order of the bits, bit 7 first: here 00 and FF by turns."""
    rights = [name for name, bit in zip(names, f"{mode:07b}", strict=True) if bit == "1"]
    conditions = [0x00, 0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00][: len(rights)]
    rules = decode_compact(bytes([mode, *conditions]), subject)
    nobody = Visitor()
    assert {right.value: rule.met_by(nobody) for right, rule in rules.items()} == {
        right: condition == 0x00 for right, condition in zip(rights, conditions, strict=True)
    }
    for wrong in (bytes([mode, *conditions, 0x00]), bytes([mode, *conditions])[:-1]):
        with pytest.raises(ValueError, match=r"expected|missing"):
            decode_compact(wrong, subject)


@pytest.mark.parametrize("mode", range(128, 256), ids="{:02X}".format)
def test_proprietary_access_modes_are_refused(mode: int) -> None:
    with pytest.raises(ValueError, match="proprietary"):
        decode_compact(bytes([mode, 0x00]), Subject.EF)


# The expanded form, from the bytes of the standard's data objects (9.3.3.3).

PIN_1, PIN_2 = "A406830101950108", "A406830102950108"
KEY_1 = "A406830101950180"
BOTH = frozenset({1, 2})


@pytest.mark.parametrize(
    ("condition", "who", "expected"),
    [
        ("9000", Visitor(), True),
        ("9700", Visitor(BOTH, BOTH, mac=True, enc=True), False),
        (PIN_1, Visitor(frozenset({1})), True),
        (PIN_1, Visitor(frozenset({2})), False),
        (PIN_1, Visitor(keys=frozenset({1})), False),
        (KEY_1, Visitor(keys=frozenset({1})), True),
        (KEY_1, Visitor(pins=frozenset({1})), False),
        (PIN_1 + PIN_2, Visitor(frozenset({1})), False),
        (PIN_1 + PIN_2, Visitor(BOTH), True),
        ("A010" + PIN_1 + PIN_2, Visitor(frozenset({2})), True),
        ("A010" + PIN_1 + PIN_2, Visitor(), False),
        ("AF10" + PIN_1 + PIN_2, Visitor(frozenset({2})), False),
        ("AF10" + PIN_1 + PIN_2, Visitor(BOTH), True),
        ("A708" + PIN_1, Visitor(), True),
        ("A708" + PIN_1, Visitor(frozenset({1})), False),
        ("9E0110", Visitor(frozenset({7})), True),
        ("9E01B0", Visitor(frozenset({7})), False),
        ("9E01B0", Visitor(frozenset({7}), frozenset({9})), True),
        ("B403950130", Visitor(mac=True), True),
        ("B403950130", Visitor(enc=True), False),
        ("B803950130", Visitor(enc=True), True),
        ("A403950108", Visitor(frozenset({9})), True),
    ],
)
def test_conditions_of_the_expanded_form(condition: str, who: Visitor, *, expected: bool) -> None:
    coded = bytes.fromhex("800101" + condition + "800102" + "9700")
    rules = decode_expanded(coded, Subject.EF)
    assert rules[Right.READ].met_by(who) == expected
    assert not rules[Right.UPDATE].met_by(who)


@pytest.mark.parametrize(
    "coded",
    ["800101", "8001019000800102", "80029000", "8001809000", "8101B09000", "800101A000",
     "800101A40283", "800101A40483020101", "8001019E020000", "800101C2", "800101910100", "8001"],
)  # fmt: skip
def test_expanded_rules_that_are_none_are_refused(coded: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_expanded(bytes.fromhex(coded), Subject.EF)


@given(data=st.binary(max_size=20), subject=st.sampled_from(Subject))
def test_any_bytes_are_rules_or_an_error(data: bytes, subject: Subject) -> None:
    for decode in (decode_compact, decode_expanded, decode_record):
        rules: AccessRules = {}
        try:
            rules = decode(data, subject)
        except ValueError:
            continue
        assert all(isinstance(rule, Condition) for rule in rules.values())
