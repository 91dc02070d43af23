"""The life cycle of files: what each state permits, and which state follows which.

ISO/IEC 7816-4:2020, 7.4.10 and ISO/IEC 7816-9:2017, 6. Each file is created in the state under test
with rules that let anybody do anything, or nobody anything.
"""

from __future__ import annotations

from itertools import product

import pytest

from simcard.card import Card
from simcard.profiles import build_card, load_profile

STATES = {"creation": "01", "initialisation": "03", "activated": "05", "deactivated": "04",
          "terminated": "0C"}  # fmt: skip
ALWAYS, NEVER = "8C087F00000000000000", "8C087FFFFFFFFFFFFFFF"
ALIASES = {"07": "05", "06": "04", "0D": "0C", "0E": "0C", "0F": "0C"}
OK, NO, NOT_NOW = "9000", "6982", "6985"


def card() -> Card:
    """A card that stands at the DF 7F20."""
    new = build_card(load_profile("iso7816"))
    new.power_on()
    assert new.transmit(bytes.fromhex("00A4000C027F20")).hex() == "9000"
    return new


def send(target: Card, command: str) -> str:
    return target.transmit(bytes.fromhex(command)).hex().upper()


def sized(template: str) -> str:
    return f"{len(bytes.fromhex(template)):02X}{template}"


def create(target: Card, state: str, rules: str, *, df: bool = False) -> None:
    kind = "820138" if df else "82010180020004"
    parameters = f"{kind}830200998A01{state}{rules}"
    assert send(target, "00E00000" + sized("62" + sized(parameters))) == "9000"


DOING = {
    "SELECT": "00A4000C020099",
    "READ BINARY": "00B0000001",
    "UPDATE BINARY": "00D6000001AA",
    "ERASE BINARY": "000E0000",
    "ACTIVATE FILE": "00440000020099",
    "DEACTIVATE FILE": "00040000020099",
    "TERMINATE EF": "00E80000020099",
    "DELETE FILE": "00E40000020099",
}
CONTENT = ("READ BINARY", "UPDATE BINARY", "ERASE BINARY")

# What is answered when the rules let anybody do it, and when they let nobody.
PERMITTED: dict[tuple[str, str], tuple[str, str]] = {
    **{(state, "SELECT"): (OK, OK) for state in STATES},
    ("deactivated", "SELECT"): ("6283", "6283"),
    ("terminated", "SELECT"): ("6285", "6285"),
    **{(state, name): (OK, OK) for state in ("creation", "initialisation") for name in CONTENT},
    **{("activated", name): (OK, NO) for name in CONTENT},
    **{(s, name): (NOT_NOW, NOT_NOW) for s in ("deactivated", "terminated") for name in CONTENT},
    ("creation", "ACTIVATE FILE"): (OK, OK),
    ("initialisation", "ACTIVATE FILE"): (OK, OK),
    ("activated", "ACTIVATE FILE"): (OK, NO),
    ("deactivated", "ACTIVATE FILE"): (OK, NO),
    ("terminated", "ACTIVATE FILE"): (NOT_NOW, NOT_NOW),
    ("creation", "DEACTIVATE FILE"): (NOT_NOW, NOT_NOW),
    ("initialisation", "DEACTIVATE FILE"): (NOT_NOW, NOT_NOW),
    ("activated", "DEACTIVATE FILE"): (OK, NO),
    ("deactivated", "DEACTIVATE FILE"): (OK, NO),
    ("terminated", "DEACTIVATE FILE"): (NOT_NOW, NOT_NOW),
    **{(s, "TERMINATE EF"): (OK, NO) for s in ("activated", "deactivated", "terminated")},
    **{(s, "TERMINATE EF"): (OK, OK) for s in ("creation", "initialisation")},
    **{(state, "DELETE FILE"): (OK, OK) for state in STATES},  # the parent lets anybody delete
}


@pytest.mark.parametrize(("state", "name"), list(product(STATES, DOING)))
@pytest.mark.parametrize("rules", [ALWAYS, NEVER], ids=["always", "never"])
def test_what_a_state_permits(state: str, name: str, rules: str) -> None:
    target = card()
    create(target, STATES[state], rules)
    expected = PERMITTED[state, name][rules == NEVER]
    answer = send(target, DOING[name])
    assert answer[-4:] == expected
    assert (len(answer) == 4) == (name != "READ BINARY" or expected != OK)


def test_every_life_cycle_status_byte() -> None:
    """Table 14: 01, 03, 0000 01X1, 0000 01X0, 0000 11XX; the other values are no states here."""
    fresh = card()
    for byte in (f"{value:02X}" for value in range(256)):
        said = ALIASES.get(byte, byte if byte in STATES.values() else None)
        target = fresh.fork()
        template = "62" + sized(f"82010180020004830200998A01{byte}")
        answer = send(target, "00E00000" + sized(template))
        assert answer == ("6A80" if said is None else OK), byte
        assert (f"8A01{said}" in send(target, "00A4000402009900")) == (said is not None), byte


AFTER = {
    "ACTIVATE FILE": {"01": "05", "03": "05", "05": "05", "04": "05"},
    "DEACTIVATE FILE": {"05": "04", "04": "04"},
    "TERMINATE EF": dict.fromkeys(STATES.values(), "0C"),
}


@pytest.mark.parametrize(("name", "state"), list(product(AFTER, STATES.values())))
def test_which_state_follows(name: str, state: str) -> None:
    target = card()
    create(target, state, ALWAYS)
    after = AFTER[name].get(state)
    assert send(target, DOING[name]) == (NOT_NOW if after is None else OK)
    for _ in ("before", "after a power cycle"):
        assert f"8A01{after or state}" in send(target, "00A4000402009900")
        target.power_off()
        target.power_on()
        send(target, "00A4000C027F20")


@pytest.mark.parametrize("state", STATES)
def test_a_df_passes_its_state_to_what_is_below(state: str) -> None:
    target = card()
    create(target, "05", ALWAYS, df=True)
    assert send(target, "00E000000D620B 820101 83020001 80020004") == OK
    if state in ("deactivated", "terminated"):
        ins = "04" if state == "deactivated" else "E6"
        assert send(target, "00A4000C020099") == OK
        assert send(target, f"00{ins}0000") == OK
        assert send(target, "00A4000C020001") == OK
        assert send(target, "00B0000001") == NOT_NOW
        assert send(target, "00D6000001AA") == NOT_NOW
    else:
        assert send(target, "00B0000001") == "009000"


def test_a_terminated_card_stays_terminated() -> None:
    target = card()
    assert send(target, "0020000104 31323334") == OK
    assert send(target, "00FE0000") == OK
    for _ in range(2):
        for command in DOING.values():
            assert send(target, command) == NOT_NOW
        assert send(target, "00200001") == NOT_NOW
        assert send(target.fork(), "00B0000001") == NOT_NOW
        target.power_off()
        assert target.power_on() == target.atr
